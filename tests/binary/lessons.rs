//! The famous programs' numbers, on the CPU in f64 and f32 and on the GPU; and training in f64 against numpy.
//!
//! Without an adapter the GPU tests fail; with `WGRAD_TEST_NO_GPU=1` they are left out and show as ignored. The admissions
//! data are not part of the repository: they are read from `data/admissions.csv` in `WGRAD_SHARED` or `../shared`.
//! Where they are missing, these tests show as ignored.

use std::ops::ControlFlow;
use std::path::PathBuf;

use serde_json::Value;

use crate::common::{Desk, Failed, NO_GPU, Trial, no_gpu};
use crate::report::page;
use wgrad::data::Matrix;
use wgrad::lesson::{self, Options, Report};
use wgrad::network::{Activation, Layer, Loss, Network};
use wgrad::training::session::PrecisionName;
use wgrad::training::{Device, Recipe, Samples, Session, Wanted};

/// Where each lesson runs.
const PLACES: [(&str, Wanted, PrecisionName); 3] = [
    ("cpu f64", Wanted::Cpu, PrecisionName::F64),
    ("cpu f32", Wanted::Cpu, PrecisionName::F32),
    ("gpu f32", Wanted::Gpu, PrecisionName::F32),
];

pub(crate) fn trials() -> Vec<Trial> {
    let admissions = admissions_file();
    let mut trials = vec![
        Trial::test("900 epochs of a 6-2-1 net in f64 are numpy's to 1e-9 in every weight", nine_hundred_epochs),
        Trial::test("loy learns from 99 of 100 seeds", || loy_from_100_seeds(PrecisionName::F64)),
        Trial::test("loy learns from 99 of 100 seeds in f32", || loy_from_100_seeds(PrecisionName::F32)),
        Trial::test("a mistyped lesson is a usage error with a suggestion", mistyped),
        Trial::test("an option of another lesson is a usage error", options_of_others),
        Trial::test("the command lists the lessons, runs one as JSON and knows its exit codes", command),
        Trial::test("admissions without its data says how to get them", without_data),
        Trial::test("error × slope, the error alone and the error cubed come to the known errors", alternatives_of_trask),
        Trial::test(
            "a second factor, a wrong sign, a wrong shape and other widths do what is known of them",
            other_alternatives,
        ),
        Trial::test("alternatives in f32 are those in f64, but for rounding", alternatives_in_f32),
        Trial::test("alternatives are only for the lessons that have some", no_alternatives),
        Trial::test("each lesson has a page that is well-formed, small and holds its numbers", pages),
        Trial::test("a page that cannot be written is told before the lesson is run", no_page),
        Trial::test("a question finds the lessons that answer it", questions),
        Trial::test("sigmoids starve the first layers of deep nets", starved),
    ];
    for (place, device, precision) in PLACES {
        for name in lesson::names() {
            let data = admissions.clone().filter(|_| name == "admissions");
            let lacks_data = name == "admissions" && data.is_none();
            let lacks_gpu = device == Wanted::Gpu && no_gpu();
            let options = Options { device: device.clone(), precision: Some(precision), data, ..Options::default() };
            let trial = Trial::test(format!("{place}: {name} agrees"), move || agrees(name, &options));
            let why = "no data/admissions.csv in WGRAD_SHARED or ../shared";
            trials.push(trial.left_out_if(lacks_data, why).left_out_if(lacks_gpu, NO_GPU));
        }
    }
    trials
}

fn admissions_file() -> Option<PathBuf> {
    let beside = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared");
    let folder = std::env::var_os("WGRAD_SHARED").map_or_else(beside, PathBuf::from);
    Some(folder.join("data/admissions.csv")).filter(|file| file.is_file())
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

fn agrees(name: &str, options: &Options) -> Result<(), Failed> {
    let report = lesson::run(name, options)?;
    check(report.agrees, || report.to_string())?;
    let text = report.to_string();
    let is_ours = ["vanishing", "confidence", "plane"].contains(&name);
    check(text.contains(if is_ours { "The numbers" } else { "What the program prints" }), || text.clone())?;
    for part in ["Do the numbers agree?", "They agree", "What it shows"] {
        check(text.contains(part), || format!("'{part}' is not in:\n{text}"))?;
    }
    check(text.lines().all(|line| line.chars().count() <= 110), || format!("a line is too long:\n{text}"))?;
    if options.precision == Some(PrecisionName::F64) {
        check(report.comparisons.iter().all(|comparison| comparison.largest_difference < 1e-9), || text)?;
    }
    fields(&report)
}

/// The fields that scripts rely on.
fn fields(report: &Report) -> Result<(), Failed> {
    let json = serde_json::to_value(report)?;
    for field in [
        "lesson",
        "device",
        "precision",
        "output",
        "weights",
        "losses",
        "published",
        "computed",
        "largest_difference",
        "tolerance",
    ] {
        check(!json[field].is_null(), || format!("no '{field}' in {json}"))?;
    }
    // Nobody published what the plane shows.
    let is_published = !report.published.is_empty() || report.lesson == "plane";
    check(json["agrees"] == true && is_published, || json.to_string())?;
    for name in report.published.keys() {
        check(report.computed.contains_key(name), || format!("'{name}' is published but not computed"))?;
    }
    Ok(())
}

fn loy_from_100_seeds(precision: PrecisionName) -> Result<(), Failed> {
    let options = Options { precision: Some(precision), seeds: Some(100), ..Options::default() };
    let report = lesson::run("loy", &options)?;
    check(report.agrees, || report.to_string())?;
    let seeds = report.seeds.as_ref().ok_or("no seeds in the report")?;
    check(seeds.learned == 99 && seeds.failed.len() == 1 && seeds.failed[0].0 == 67, || format!("{seeds:?}"))
}

fn refused(name: &str, options: &Options, parts: &[&str]) -> Result<(), Failed> {
    let Err(error) = lesson::run(name, options) else { return Err(format!("'{name}' ran with {options:?}").into()) };
    check(error.exit_code() == 2, || format!("exit code {} for: {error}", error.exit_code()))?;
    let message = error.to_string();
    parts.iter().try_for_each(|part| check(message.contains(part), || format!("no '{part}' in: {message}")))
}

fn mistyped() -> Result<(), Failed> {
    let options = Options::default();
    refused("traks", &options, &["there is no lesson 'traks', did you mean 'trask'?", "udacity-step"])?;
    refused("zzz", &options, &["there is no lesson 'zzz'. The lessons are: trask, "])
}

fn options_of_others() -> Result<(), Failed> {
    refused("trask", &Options { data: Some("x.csv".into()), ..Options::default() }, &["--data", "admissions"])?;
    refused("trask", &Options { seeds: Some(3), ..Options::default() }, &["--seeds", "loy"])?;
    refused("loy", &Options { seeds: Some(0), ..Options::default() }, &["from 1 on"])?;
    let double = Some(PrecisionName::F64);
    refused("trask", &Options { device: Wanted::Gpu, precision: double, ..Options::default() }, &["--device cpu"])
}

fn without_data() -> Result<(), Failed> {
    refused("admissions", &Options::default(), &["--data FILE", "admit, gre, gpa and rank"])
}

/// The binary as a user runs it.
fn command() -> Result<(), Failed> {
    let run =
        |arguments: &[&str]| std::process::Command::new(env!("CARGO_BIN_EXE_wgrad")).arg("lesson").args(arguments).output();
    let list = run(&[])?;
    let text = String::from_utf8(list.stdout)?;
    check(list.status.success() && lesson::names().all(|name| text.contains(name)), || text)?;
    let json: Value = serde_json::from_slice(&run(&["trask", "--json"])?.stdout)?;
    check(json["agrees"] == true && json["precision"] == "f64" && json["schema"] == 1, || json.to_string())?;
    for wrong in [&["traks"][..], &["trask", "--device", "gpu", "--precision", "f64"], &["--seeds", "3"]] {
        let status = run(wrong)?.status;
        check(status.code() == Some(2), || format!("{wrong:?}: {status}"))?;
    }
    Ok(())
}

/// What a command prints as JSON.
fn json(arguments: &[&str]) -> Result<Value, Failed> {
    let output = Desk::new().run(&[&["lesson"], arguments, &["--json"]].concat());
    check(output.status.success(), || String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// A figure of each alternative.
fn figures(report: &Value, name: &str) -> Vec<Value> {
    let alternatives = report["comparison"]["alternatives"].as_array().into_iter().flatten();
    alternatives.map(|alternative| alternative["figures"][name].clone()).collect()
}

fn floats(report: &Value, name: &str) -> Vec<f64> {
    figures(report, name).iter().map(|value| value.as_f64().unwrap_or(f64::NAN)).collect()
}

fn alternatives_of_trask() -> Result<(), Failed> {
    let report = json(&["trask", "--compare"])?;
    check(report["agrees"] == true && report["comparison"]["steps"] == 10_000, || report.to_string())?;
    // numpy's errors after 10, 100, 1,000 and 10,000 steps: error × slope, the error alone, the error cubed.
    for (steps, known) in [
        ("10", [0.0906, 0.0126, 0.183]),
        ("100", [0.00845, 0.000170, 0.0755]),
        ("1,000", [0.000694, 1.70e-6, 0.0216]),
        ("10,000", [6.46e-5, 1.69e-8, 6.20e-3]),
    ] {
        let found = floats(&report, &format!("mean squared error, {steps} steps"));
        for (found, known) in found.iter().zip(known) {
            check((found / known - 1.0).abs() < 0.005, || format!("{steps} steps: {found}, not {known}"))?;
        }
        check(found.len() == 4 && (found[3] / found[1] - 1.0).abs() < 1e-9, || format!("cross-entropy: {found:?}"))?;
    }
    let right = figures(&report, "first step right, rows 1 to 4");
    let known = serde_json::json!([[0, 0, 4, 2], [0, 0, 1, 1], [0, 0, 9, 3], [0, 0, 1, 1]]);
    check(right == *known.as_array().ok_or("rows")?, || format!("{right:?}"))?;
    let curves = report["comparison"]["alternatives"].as_array().ok_or("alternatives")?;
    for curve in curves.iter().map(|alternative| &alternative["curve"]) {
        let points = curve.as_array().ok_or("a curve")?;
        check(points.len() > 40 && points[0]["step"] == 0 && points[points.len() - 1]["step"] == 10_000, || {
            curve.to_string()
        })?;
    }
    let text = lesson::run("trask", &Options { compare: true, ..Options::default() })?.text(None);
    for words in ["6.461e-5", "1.692e-8", "0.006197", "exact gradient of another loss", "error³ × slope"] {
        check(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(words), || {
            format!("no '{words}' in:\n{text}")
        })?;
    }
    let canvas = lesson::Canvas { columns: 80, coloured: false };
    let picture = lesson::run("trask", &Options { compare: true, ..Options::default() })?.text(Some(canvas));
    check(picture.contains("(dotted)") && picture.lines().all(|line| line.chars().count() <= 110), || picture.clone())
}

fn other_alternatives() -> Result<(), Failed> {
    let hidden = json(&["trask-hidden", "--compare"])?;
    let learned = floats(&hidden, "seeds that learn, of 10");
    check(learned == [0.0, 4.0, 10.0, 10.0], || format!("{learned:?}"))?;
    let loy = floats(&json(&["loy", "--compare"])?, "mean squared error, 1,500 steps");
    let [twice, once, wrong] = loy[..] else { return Err(format!("{loy:?}").into()) };
    check(twice < once && once < 0.003 && (wrong - 0.5).abs() < 1e-3, || format!("{loy:?}"))?;
    let backprop = json(&["backprop-2-2-1", "--compare"])?;
    let second = floats(&backprop, "error ½(y-a)² at step 2");
    check(second[0] < second[1] && (second[0] - 0.0165263).abs() < 1e-7, || format!("{second:?}"))?;
    let apart = floats(&backprop, "first weights of the hidden units apart");
    check((apart[0] - 0.3).abs() < 1e-12 && (apart[1] - 0.3).abs() > 0.01, || format!("{apart:?}"))
}

fn alternatives_in_f32() -> Result<(), Failed> {
    for name in ["trask", "trask-hidden", "loy", "backprop-2-2-1"] {
        let options = Options { compare: true, precision: Some(PrecisionName::F32), ..Options::default() };
        let report = lesson::run(name, &options)?;
        check(report.agrees && report.comparison.is_some(), || report.to_string())?;
    }
    Ok(())
}

fn no_alternatives() -> Result<(), Failed> {
    let compare = Options { compare: true, ..Options::default() };
    refused("udacity-step", &compare, &["has no alternatives", "trask, trask-hidden, loy, backprop-2-2-1"])?;
    refused("trask", &Options { data: Some("x.csv".into()), ..compare.clone() }, &["--data", "admissions"])?;
    refused("loy", &Options { seeds: Some(3), ..compare }, &["--compare and --seeds"])
}

fn pages() -> Result<(), Failed> {
    let desk = Desk::new();
    let admissions = admissions_file().map(|file| file.to_string_lossy().into_owned());
    for name in lesson::names() {
        let mut forms = vec![vec!["lesson", name, "--html", "page.html", "--json"]];
        match name {
            "admissions" => match &admissions {
                Some(file) => forms[0].extend(["--data", file]),
                None => continue,
            },
            "trask" | "trask-hidden" | "loy" | "backprop-2-2-1" => forms.push([&forms[0][..], &["--compare"]].concat()),
            _ => {}
        }
        for arguments in forms {
            let output = desk.run(&arguments);
            let report: Value = serde_json::from_slice(&output.stdout)?;
            let html = page(&desk, "page.html");
            check(html.len() < 300_000, || format!("{arguments:?}: {} bytes", html.len()))?;
            let compares = arguments.contains(&"--compare");
            let nets = html.matches("<figure class=\"net\">").count();
            check(nets == 1 && html.contains("The alternatives") == compares, || format!("{arguments:?}: {nets} nets"))?;
            let paragraphs = report["explanation"].as_array().ok_or("no prose")?;
            check(html.matches("<h3>").count() >= paragraphs.len(), || format!("{arguments:?}: a heading is missing"))?;
            for paragraph in paragraphs {
                let text = paragraph.as_str().unwrap_or_default();
                let question = text.find("? ").map(|end| end + 1);
                let end = text.find(". ").into_iter().chain(question).min().ok_or("a paragraph without heading")?;
                let heading = &text[..end];
                let heading = heading.replace('&', "&amp;").replace('\'', "&#39;").replace('"', "&quot;");
                check(heading.chars().count() < 90, || format!("a long heading: {heading}"))?;
                check(html.contains(&format!("<h3>{heading}</h3>")), || format!("{arguments:?}: no heading '{heading}'"))?;
            }
            for comparison in report["comparisons"].as_array().into_iter().flatten() {
                let name = comparison["name"].as_str().unwrap_or_default().replace('\'', "&#39;");
                check(html.contains(&format!(">{name}</td>")), || format!("{arguments:?}: no row '{name}'"))?;
            }
        }
    }
    Ok(())
}

fn no_page() -> Result<(), Failed> {
    let desk = Desk::new();
    let output = desk.run(&["lesson", "trask", "--html", "absent/page.html"]);
    check(!output.status.success() && output.stdout.is_empty(), || format!("{output:?}"))?;
    check(desk.run(&["lesson", "--html", "page.html"]).status.code() == Some(2), || "a page of no lesson".into())
}

fn questions() -> Result<(), Failed> {
    let list = json(&[])?;
    let asked = list["questions"].as_array().ok_or("no questions")?;
    check(asked.len() == 5, || list.to_string())?;
    for question in asked {
        let text = question["question"].as_str().ok_or("a question")?;
        let found = json(&[text])?;
        check(found["answers"][0]["command"] == question["command"], || format!("{text}: {found}"))?;
        // The same without quotation marks.
        check(json(&text.split(' ').collect::<Vec<_>>())? == found, || text.to_owned())?;
    }
    let desk = Desk::new();
    let text = String::from_utf8(desk.run(&["lesson", "why is the error multiplied by the derivative"]).stdout)?;
    check(text.starts_with("wgrad lesson trask  ") && text.lines().count() <= 3, || text.clone())?;
    let unknown = desk.ends(2, &["lesson", "how do I cook an egg"])?;
    check(unknown.contains("there is no lesson"), || unknown.clone())?;
    check(desk.run(&["lesson", "why is the error cubed", "--compare"]).status.code() == Some(2), || "an option".into())
}

fn starved() -> Result<(), Failed> {
    let report = lesson::run("vanishing", &Options::default())?;
    let computed = |name: &str| -> Vec<f64> {
        let values = report.computed[name].as_array().into_iter().flatten();
        values.filter_map(Value::as_f64).collect()
    };
    let (sigmoid, relu) = (computed("gradients of 12 sigmoid layers"), computed("gradients of 12 relu layers"));
    check(sigmoid[0] < 1e-6 * sigmoid[12] && relu[0] > 0.1 * relu[12], || format!("{sigmoid:?}, {relu:?}"))?;
    check(sigmoid[1..12].windows(2).all(|pair| pair[0] < 0.6 * pair[1]), || format!("{sigmoid:?}"))?;
    let losses = computed("losses at the end");
    check((losses[3] - 3.0_f64.ln()).abs() < 0.001 && losses[7] < 0.05 && losses[11] < 0.05, || format!("{losses:?}"))
}

/// 24 rows that f64 holds exactly: no file is needed, and numpy makes the same ones from
/// `((i*7 + j*5 + i*j*3) % 17 - 8) / 8`, `(i*i*5 + i*3) % 7 < 3` and `((k*5) % 11 - 5) / 8`.
fn nine_hundred_epochs() -> Result<(), Failed> {
    const ROWS: usize = 24;
    /// numpy 2.4.6: sigmoids, no biases, ½(a - y)², 900 full-batch steps of rate 0.5, averaged.
    #[rustfmt::skip]
    const NUMPY: [f64; 14] = [
        0.8052371439366399, -0.3892559243146371,
        0.6408632815473403, -0.09865026484446882,
        1.1022824084843883, -0.321537532268829,
        -0.9452424107176545, -0.10234399117661896,
        0.9425158298821295, -0.7180492395765399,
        2.416602200424474, -1.1489258860293219,
        3.3118825284282734, -1.2917262528983977,
    ];
    /// Twice the last epoch's loss.
    const NUMPY_ERROR: f64 = 0.12051557610357429;
    let cell = |i: usize, j: usize| ((i * 7 + j * 5 + i * j * 3) % 17) as f64 - 8.0;
    let inputs = (0..ROWS * 6).map(|index| cell(index / 6, index % 6) / 8.0).collect();
    let targets = (0..ROWS).map(|i| f64::from(u8::from((i * i * 5 + i * 3) % 7 < 3))).collect();
    let samples = Samples::new(Matrix::new(ROWS, 6, inputs), Matrix::new(ROWS, 1, targets));
    let first = (0..12).map(|k| (((k * 5) % 11) as f64 - 5.0) / 8.0).collect();
    let layer = |weight| Layer { weight, bias: Vec::new() };
    let weights = vec![layer(Matrix::new(6, 2, first)), layer(Matrix::new(2, 1, vec![0.5, -0.375]))];
    let network = Network::new(vec![6, 2, 1], vec![Activation::Sigmoid; 2], false)?;
    let recipe = Recipe { epochs: 900, ..Recipe::plain(Loss::SquaredError, 0.5, ROWS) };
    let mut session = Session::new(network, recipe, &weights, samples, &Device::cpu(Some(1), "a test"))?;
    let losses = session.train(900, |_| ControlFlow::Continue(()))?.losses;
    check(losses.len() == 900, || format!("{} losses", losses.len()))?;
    let found: Vec<f64> = session.weights()?.iter().flat_map(|layer| layer.weight.values.clone()).collect();
    check(found.len() == NUMPY.len(), || format!("{} weights", found.len()))?;
    for (index, (found, expected)) in found.iter().zip(NUMPY).enumerate() {
        check((found - expected).abs() < 1e-9, || format!("weight {index} is {found}, not {expected}"))?;
    }
    check((2.0 * losses[899] - NUMPY_ERROR).abs() < 1e-9, || format!("the last loss is {}", losses[899]))
}
