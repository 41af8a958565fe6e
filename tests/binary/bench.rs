//! `wgrad bench` as a user runs it: the workloads against numpy's losses, the reports in every form, the gate.

use std::path::Path;
use std::process::{Command, Output};

use crate::common::{Case, Completion, Failed, Shared, Trial};
use serde_json::Value;
use wgrad::bench::WorkloadName;
use wgrad::executor::Executor;
use wgrad::executor::gpu::Gpu;
use wgrad::executor::gpu::device::Device;
use wgrad::plan::Phase;
use wgrad::training::{self, session::fastest::Choice};
use wgrad::verification::fill;

fn wgrad(folder: &Path, arguments: &[&str]) -> Result<Output, Failed> {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wgrad"));
    Ok(command.current_dir(folder).env("WGRAD_CACHE", folder.join("cache")).args(arguments).output()?)
}

/// What a command that must succeed prints.
fn text(folder: &Path, arguments: &[&str]) -> Result<String, Failed> {
    let output = wgrad(folder, arguments)?;
    if !output.status.success() {
        return Err(format!("{arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into());
    }
    Ok(String::from_utf8(output.stdout)?)
}

fn json(folder: &Path, arguments: &[&str]) -> Result<Value, Failed> {
    let value: Value = serde_json::from_str(&text(folder, &[arguments, &["--json"]].concat())?)?;
    assert_eq!(value["schema"], 1);
    Ok(value)
}

/// That a command ends with this code, says this on stderr and nothing on stdout.
fn fails(folder: &Path, code: i32, arguments: &[&str], why: &str) -> Result<(), Failed> {
    let output = wgrad(folder, arguments)?;
    let stderr = String::from_utf8_lossy(&output.stderr);
    if output.status.code() == Some(code) && stderr.contains(why) && output.stdout.is_empty() {
        return Ok(());
    }
    Err(format!("{arguments:?} ended with {:?}, not {code} and '{why}': {stderr}", output.status).into())
}

/// The mean of (a - y)² after training, as numpy 2.4 computes it from the same data, weights, batches and rates.
const LOSSES_OF_NUMPY: [(&str, f64); 5] = [
    ("--workload tiny --epochs 100 --warmup 0", 0.249_343_92),
    ("--workload tiny --epochs 900", 0.002_395_34),
    ("--workload digits --epochs 2", 0.090_471_65),
    ("--workload mnist --epochs 1 --warmup 0 --samples 1000", 0.099_235_7),
    ("--workload wide --epochs 1 --warmup 0 --samples 256", 0.038_011_37),
];

/// A workload's final loss is numpy's, and the figures beside it go together.
fn is_numpys(device: &str, arguments: &str, expected: f64) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let arguments: Vec<&str> = ["bench", "training", "--device", device].into_iter().chain(arguments.split(' ')).collect();
    let report = json(folder.path(), &arguments)?;
    let number = |name: &str| report[name].as_f64().ok_or(format!("{name} is no number in {report}"));
    let loss = number("final_loss")?;
    if (loss - expected).abs() > 1e-4 * expected || loss.is_nan() {
        return Err(format!("a final loss of {loss}, numpy's is {expected}").into());
    }
    let seen = number("samples")? * number("epochs")?;
    let rate = number("samples_per_s")? * number("wall_s_train_only")? / seen;
    if (rate - 1.0).abs() > 1e-9 || number("process_s")? < number("wall_s_train_only")? {
        return Err(format!("figures that do not go together: {report}").into());
    }
    let software = report["device"]["gpu"]["software"] == true;
    let told = report["backend"].as_str().is_some_and(|backend| backend.contains("a software adapter"));
    if report["device"]["kind"] != device || software != told {
        return Err(format!("{report}").into());
    }
    Ok(())
}

fn what_cannot_be_meant_is_refused() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let refused = |arguments: &[&str], why: &str| fails(folder.path(), 2, &[&["bench"], arguments].concat(), why);
    refused(&["training", "--epochs", "0"], "at least 1")?;
    refused(&["training", "--samples", "0"], "at least 1")?;
    refused(&["training", "--samples", "1798", "--device", "cpu"], "at most 1797")?;
    refused(&["training", "--workload", "digit"], "digits")?;
    refused(&["--net", "64"], "784-128-10")?;
    refused(&["--batch-size", "0"], "at least 1")?;
    refused(&["--time", "0s"], "--time")?;
    refused(&["kernels", "--time", "0.9s"], "at least 1s")?;
    refused(&["--max-regression", "10%"], "--baseline")?;
    refused(&["--baseline", "before.json", "--max-regression", "much"], "no percentage")?;
    refused(&["--quick", "kernels"], "kernels")?;
    fails(folder.path(), 5, &["bench", "training", "--device", "gpu:99"], "gpu")?;
    fails(folder.path(), 5, &["bench", "--device", "no such GPU"], "GPU")
}

/// The smallest comparison on the CPU alone. What is asked for twice is measured once.
const SMALL: [&str; 10] =
    ["bench", "--net", "6-5-2,6-5-2", "--batch-size", "32,8,8", "--time", "1s", "--device", "cpu", "--quiet"];

/// A net that no device trains in a second.
const HUGE: &str = "65535-65535-65535";

fn every_form_of_the_report_holds_every_cell() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let report = json(folder.path(), &[&SMALL[..], &["--html", "report.html"]].concat())?;
    let cells = report["cells"].as_array().ok_or("no cells")?;
    assert_eq!(cells.iter().map(|cell| &cell["batch"]).collect::<Vec<_>>(), [8, 32], "{report}");
    for cell in cells {
        let number = |name: &str| cell[name].as_f64().ok_or(format!("{name} is no number in {cell}"));
        let median = cell["step"]["median"].as_f64().ok_or("no median")?;
        let rate = number("samples_per_second")? * median / number("batch")?;
        let operations = 6.0 * (7.0 * 5.0 + 6.0 * 2.0);
        let gflops = number("gflops")? / (operations * number("samples_per_second")? / 1e9);
        assert!((rate - 1.0).abs() < 1e-9 && (gflops - 1.0).abs() < 1e-9 && number("share_of_peak")? > 0.0, "{cell}");
        assert!(number("share_of_peak")? <= 1.0, "{cell}");
        assert!(cell["step"]["samples"].as_u64() >= Some(3) && cell["gpu"] == false, "{cell}");
    }
    assert_eq!(report["devices"][0]["device"]["reason"], "asked for");
    let startup = &report["devices"][0]["startups"][0];
    assert!(["compile", "upload", "first_step"].iter().all(|part| startup[part].as_f64() > Some(0.0)), "{startup}");

    let html = std::fs::read_to_string(folder.path().join("report.html"))?;
    assert_eq!([html.matches("<svg").count(), html.matches("</svg>").count(), html.matches("</table>").count()], [2, 2, 3]);
    for outside in ["http", "src=", "href=", "url(", "NaN", "inf"] {
        assert!(!html.contains(outside), "the page holds '{outside}'");
    }

    let table = text(folder.path(), &SMALL)?;
    assert!(table.lines().all(|line| line.chars().count() <= 80) && !table.contains("by its clock"), "{table}");
    // A row's share of the peak is that of the two numbers that are printed.
    let numbers = |line: &str| line.split_whitespace().filter_map(|word| word.parse().ok()).collect::<Vec<f64>>();
    let peaks = table.lines().find(|line| line.starts_with("CPU ")).map(numbers).ok_or("peaks")?;
    let peak = peaks[peaks.len() - 2];
    let cells = table.split("\n6-5-2\n").nth(1).ok_or("the cells of a net")?;
    let cells: Vec<Vec<f64>> = cells.lines().skip(1).take_while(|line| !line.is_empty()).map(numbers).collect();
    assert_eq!(cells.len(), 2, "{table}");
    for cell in cells {
        let [.., gflops, percent] = cell[..] else { return Err(table.into()) };
        assert!(gflops <= 1.01 * peak && (100.0 * gflops / peak / percent - 1.0).abs() < 0.02, "{table}");
    }
    assert!(table.contains("\nthe CPU, ") && table.contains("asked for"), "{table}");
    Ok(())
}

fn what_fails_is_told_before_the_measurement_and_what_was_measured_is_printed() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let loud = &SMALL[..9];
    let output = wgrad(folder.path(), &[loud, &["--html", "absent/a.html"]].concat())?;
    let stderr = String::from_utf8(output.stderr)?;
    assert_eq!((output.status.code(), output.stdout.len()), (Some(2), 0), "{stderr}");
    assert!(stderr.contains("absent/a.html: cannot be written") && !stderr.contains("square products"), "{stderr}");

    let flags = ["bench", "--net", HUGE, "--batch-size", "8", "--time", "1s", "--device", "cpu", "--quiet", "--json"];
    let output = wgrad(folder.path(), &flags)?;
    let report: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((output.status.code(), &report["cells"]), (Some(6), &serde_json::json!([])), "{report}");
    let why = report["left_out"][0]["why"].as_str().ok_or("no reason")?;
    assert!(why.starts_with("its timings would take about ") && why.ends_with("see --time"), "{why}");
    assert!(String::from_utf8(output.stderr)?.contains("nothing was measured"));
    Ok(())
}

/// Without a word a software adapter is not measured, and the reason is told.
fn the_best_gpu_is_taken_unless_it_is_software() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["bench", "--net", "6-5-2", "--batch-size", "8", "--time", "1s"];
    let report = json(folder.path(), &flags)?;
    let devices = report["devices"].as_array().ok_or("no devices")?;
    assert!(devices.iter().all(|device| device["device"]["gpu"]["software"] != true), "{report}");
    assert!(devices.iter().all(|device| device["device"]["reason"] != "asked for"), "{report}");

    let flags = ["bench", "training", "--workload", "tiny", "--epochs", "1", "--warmup", "0", "--device", "cpu"];
    let text = text(folder.path(), &[&flags[..], &["--threads", "1"]].concat())?;
    assert!(text.contains("on the CPU, 1 thread: asked for\n1 epoch in "), "{text}");
    Ok(())
}

fn a_baseline_passes_or_ends_with_exit_code_4() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut report = json(folder.path(), &SMALL)?;
    let path = folder.path().join("before.json");
    let flags = [&SMALL[..], &["--baseline", "before.json", "--max-regression", "100000%"]].concat();
    std::fs::write(&path, report.to_string())?;
    let now = json(folder.path(), &flags)?;
    assert_eq!((&now["regressions"], &now["compared"]["cells"]), (&serde_json::json!([]), &serde_json::json!(2)), "{now}");
    let printed = text(folder.path(), &flags)?;
    assert!(printed.contains("compared 2 of the baseline's 2 cells"), "{printed}");

    report["cells"][1]["step"]["median"] = serde_json::json!(1e-12);
    std::fs::write(&path, report.to_string())?;
    let output = wgrad(folder.path(), &[&flags[..], &["--json"]].concat())?;
    let now: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((output.status.code(), &now["regressions"][0]["batch"]), (Some(4), &serde_json::json!(32)), "{now}");
    assert_eq!(now["regressions"].as_array().map(Vec::len), Some(1));
    assert!(String::from_utf8_lossy(&output.stderr).contains("6-5-2, batches of 32"));

    fails(folder.path(), 3, &["bench", "--baseline", "absent.json"], "absent.json")
}

fn a_cell_of_the_baseline_that_is_left_out_fails_the_check() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let mut report = json(folder.path(), &SMALL)?;
    let cells = report["cells"].as_array_mut().ok_or("no cells")?;
    cells[0]["net"] = HUGE.into();
    std::fs::write(folder.path().join("before.json"), report.to_string())?;
    let nets = ["bench", "--net", &format!("6-5-2,{HUGE}")];
    let flags = [&nets[..], &SMALL[3..], &["--baseline", "before.json", "--max-regression", "100000%"]].concat();
    let output = wgrad(folder.path(), &[&flags[..], &["--json"]].concat())?;
    let now: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!((output.status.code(), &now["compared"]["cells"], &now["compared"]["of"]), (Some(4), &1.into(), &2.into()));
    assert_eq!((&now["regressions"][0]["net"], &now["regressions"][0]["now"]), (&HUGE.into(), &Value::Null), "{now}");
    assert!(String::from_utf8_lossy(&output.stderr).contains("now left out: its timings would take"));
    Ok(())
}

fn what_is_no_baseline_is_refused_before_the_measurement() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let report = json(folder.path(), &SMALL)?;
    let refused = |change: &dyn Fn(&mut Value), why: &str| -> Result<(), Failed> {
        let mut changed = report.clone();
        change(&mut changed);
        std::fs::write(folder.path().join("before.json"), changed.to_string())?;
        fails(folder.path(), 3, &[&SMALL[..], &["--baseline", "before.json"]].concat(), why)
    };
    refused(&|report| *report = serde_json::json!({}), "no report of 'wgrad bench --json'")?;
    refused(&|report| report["command"] = "train".into(), "it is one of 'train'")?;
    refused(&|report| report["schema"] = 99.into(), "has schema 99, not 1")?;
    refused(&|report| report["cells"][1]["step"]["median"] = 0.into(), "cells[1].step.median is 0")?;
    refused(&|report| report["cells"][0]["step"]["median"] = (-1).into(), "cells[0].step.median is -1")?;
    refused(&|report| report["cells"] = serde_json::json!([]), "in common")?;
    Ok(())
}

/// The GPU beside the CPU: what was measured on both, and a software adapter told as one in every form.
fn the_gpu_is_compared_with_the_cpu(device: &Device) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["bench", "--net", "6-5-2", "--batch-size", "8,64", "--time", "6s", "--device", "gpu", "--html", "a.html"];
    let report = json(folder.path(), &flags)?;
    let cells = report["cells"].as_array().ok_or("no cells")?;
    let kinds: Vec<(bool, u64)> =
        cells.iter().map(|cell| (cell["gpu"] == true, cell["batch"].as_u64().unwrap_or(0))).collect();
    assert_eq!(kinds, [(false, 8), (true, 8), (false, 64), (true, 64)], "{report}");
    assert!(cells.iter().all(|cell| cell["share_of_peak"].as_f64() <= Some(1.0)), "{report}");
    let verdict = report["crossovers"][0]["verdict"].as_str().ok_or("no verdict")?;
    assert!(["cpu", "gpu", "crossing"].contains(&verdict), "{verdict}");
    let software = device.info().software;
    for cell in cells.iter().filter(|cell| cell["gpu"] == true) {
        assert_eq!(cell["software"], software);
        assert_eq!(cell["device"].as_str().is_some_and(|name| name.contains("a software adapter")), software);
    }
    let html = std::fs::read_to_string(folder.path().join("a.html"))?;
    assert_eq!(html.contains("a software adapter") && html.contains("is no GPU"), software);
    Ok(())
}

/// The time of the device's own clock is in seconds: above zero, and no longer than the wall clock's.
fn the_devices_own_clock_agrees_with_the_walls(device: Device) -> Result<Completion, Failed> {
    let case = Case::new("timed", [256, 300, 200, 100]);
    let mut gpu = Gpu::new(case.plan(), device)?;
    fill(&mut gpu, 1)?;
    let steps = case.steps();
    let launches = 0..gpu.plan().training.len();
    gpu.run(Phase::Training, &steps)?;
    gpu.finish()?;
    let started = std::time::Instant::now();
    let timed = gpu.run_timed(Phase::Training, launches, &steps.repeat(10))?;
    let wall = started.elapsed();
    match timed {
        None => Ok(Completion::ignored_with("the adapter takes no times")),
        Some(timed) if timed > wall / 100 && timed <= wall => Ok(Completion::Completed),
        Some(timed) => Err(format!("{timed:?} by the device's clock, {wall:?} by the wall's").into()),
    }
}

/// Every kernel of a step is timed, and their shares make up the step: of a net too large for one kernel.
fn kernels_are_timed(device: &str) -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["bench", "kernels", "--net", "200-120-20", "--batch-size", "16", "--time", "5s", "--device", device];
    let report = json(folder.path(), &flags)?;
    let kernels = report["kernels"].as_array().ok_or("no kernels")?;
    let named = |start: &'static str| {
        kernels.iter().filter(move |kernel| kernel["kernel"].as_str().is_some_and(|name| name.starts_with(start)))
    };
    assert_eq!([named("forward").count(), named("delta").count(), named("update").count()], [2, 1, 2], "{report}");
    let shares: f64 = kernels.iter().filter_map(|kernel| kernel["share_of_step"].as_f64()).sum();
    assert!((shares - 1.0).abs() < 1e-9, "{shares}");
    assert!(kernels.iter().all(|kernel| kernel["share_of_peak"].as_f64().unwrap_or(0.0) <= 1.0), "{report}");
    for kernel in named("update") {
        let operations =
            kernel["gflops"].as_f64().unwrap_or(0.0) * 1e9 * kernel["seconds"]["median"].as_f64().unwrap_or(0.0);
        let expected = [201.0 * 120.0, 121.0 * 20.0].map(|parameters| 2.0 * 16.0 * parameters);
        assert!(expected.iter().any(|expected| (operations / expected - 1.0).abs() < 1e-9), "{kernel}");
    }
    Ok(())
}

/// With `--tune` every product of a GPU that can be computed in several ways is computed as was measured to be fastest; without, as its
/// sizes say.
fn benches_compute_as_was_tuned() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let flags = ["bench", "kernels", "--net", "512-256-10", "--batch-size", "256", "--time", "8s", "--device", "gpu"];
    let [plain, tuned] = [&flags[..], &[&flags[..], &["--tune"]].concat()].map(|flags| json(folder.path(), flags));
    let (plain, tuned) = (plain?, tuned?);
    assert!(plain["tuned"].as_object().is_some_and(serde_json::Map::is_empty), "{plain}");
    let forward = |report: &Value| report["kernels"].as_array().map_or(Value::Null, |kernels| kernels[0]["choice"].clone());
    let of_forward = &tuned["tuned"]["forward of 256 × 256 over 512"];
    let measured = of_forward["measured"].as_array().ok_or(format!("nothing was tuned: {tuned}"))?;
    assert!(measured.len() > 1, "{of_forward}");
    assert_eq!((forward(&plain), forward(&tuned)), (measured[0][0].clone(), of_forward["choice"].clone()));
    fails(folder.path(), 2, &["bench", "--tune", "--device", "cpu"], "--tune goes with a GPU")
}

/// `--device auto` measures where it is told that a software adapter may be taken, keeps the times, and says so.
fn auto_measures_once_and_remembers() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let workload = WorkloadName::Digits.workload();
    let (network, recipe) = (workload.network()?, workload.recipe());
    let choice = Choice { candidate: |_| true, cache: Some(folder.path().into()) };
    let first = training::Device::fastest(&network, &recipe, workload.rows, Some(1), &choice);
    let kept: Value = serde_json::from_str(&std::fs::read_to_string(folder.path().join("device.json"))?)?;
    let times = kept.as_object().and_then(|kept| kept.values().next()).ok_or("nothing was kept")?;
    let time = |name: &str| times[name].as_f64().ok_or(format!("no {name} in {times}"));
    assert_eq!(first.gpu().is_some(), time("gpu")? < time("cpu")?, "{first}");
    assert!(first.report().reason.contains("measured now"), "{first}");
    let second = training::Device::fastest(&network, &recipe, workload.rows, Some(1), &choice);
    assert!(second.report().reason.contains("measured earlier"), "{second}");
    assert_eq!(second.gpu().is_some(), first.gpu().is_some());
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let mut trials = vec![
        Trial::test("what cannot be meant is refused", what_cannot_be_meant_is_refused),
        Trial::test("every form of the report holds every cell", every_form_of_the_report_holds_every_cell),
        Trial::test(
            "what fails is told before the measurement, and what was measured is printed",
            what_fails_is_told_before_the_measurement_and_what_was_measured_is_printed,
        ),
        Trial::test("the best GPU is taken unless it is software", the_best_gpu_is_taken_unless_it_is_software),
        Trial::test("a baseline passes or ends with exit code 4", a_baseline_passes_or_ends_with_exit_code_4),
        Trial::test(
            "a cell of the baseline that is left out fails the check",
            a_cell_of_the_baseline_that_is_left_out_fails_the_check,
        ),
        Trial::test(
            "what is no baseline is refused before the measurement",
            what_is_no_baseline_is_refused_before_the_measurement,
        ),
        Trial::test("every kernel of a step is timed on the CPU", || kernels_are_timed("cpu")),
        shared.trial("every kernel of a step is timed on the GPU".into(), |_| kernels_are_timed("gpu")),
        shared.trial("the GPU is compared with the CPU".into(), |device| the_gpu_is_compared_with_the_cpu(&device)),
        shared.trial("the device's own clock agrees with the wall's".into(), the_devices_own_clock_agrees_with_the_walls),
        shared.trial("benches compute as was tuned".into(), |_| benches_compute_as_was_tuned()),
        shared.trial("auto measures once and remembers".into(), |_| auto_measures_once_and_remembers()),
    ];
    for (workload, expected) in LOSSES_OF_NUMPY {
        let name = |device| format!("the loss of numpy on the {device}: {workload}");
        trials.push(Trial::test(name("CPU"), move || is_numpys("cpu", workload, expected)));
        if !workload.contains("wide") {
            trials.push(shared.trial(name("GPU"), move |_| is_numpys("gpu", workload, expected)));
        }
    }
    trials
}
