//! `wgrad bench` as a user runs it: the workloads against numpy's losses, the reports in every form, the gate.

mod common;

use std::path::Path;
use std::process::{Command, Output};

use common::Shared;
use libtest_mimic::{Arguments, Failed, Trial};
use serde_json::Value;

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

fn samples_that_are_none_are_refused() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    fails(folder.path(), 2, &["bench", "training", "--epochs", "0"], "at least 1")?;
    fails(folder.path(), 2, &["bench", "training", "--samples", "0"], "at least 1")?;
    fails(folder.path(), 2, &["bench", "training", "--workload", "digit"], "digits")?;
    fails(folder.path(), 5, &["bench", "training", "--device", "gpu:99"], "gpu")
}

fn main() {
    let arguments = Arguments::from_args();
    let shared = Shared::default();
    let mut trials = vec![Trial::test("values that cannot be meant are refused", samples_that_are_none_are_refused)];
    for (workload, expected) in LOSSES_OF_NUMPY {
        let name = |device| format!("the loss of numpy on the {device}: {workload}");
        trials.push(Trial::test(name("CPU"), move || is_numpys("cpu", workload, expected)));
        if !workload.contains("wide") {
            trials.push(shared.trial(name("GPU"), move |_| is_numpys("gpu", workload, expected)));
        }
    }
    libtest_mimic::run(&arguments, trials).exit();
}
