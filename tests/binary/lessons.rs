//! The famous programs' numbers, on the CPU in f64 and f32 and on the GPU; and training in f64 against numpy.
//!
//! Without an adapter the GPU tests fail; with `WGRAD_TEST_NO_GPU=1` they are left out and show as ignored. The admissions
//! data are not part of the repository: they are read from `data/admissions.csv` in `WGRAD_SHARED` or `../shared`.
//! Where they are missing, these tests show as ignored.

use std::ops::ControlFlow;
use std::path::PathBuf;

use crate::common::{Failed, NO_GPU, Trial, no_gpu};
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
    for part in ["What the program prints", "Do the numbers agree?", "They agree", "What it shows"] {
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
    check(json["agrees"] == true && !report.published.is_empty(), || json.to_string())?;
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
    let json: serde_json::Value = serde_json::from_slice(&run(&["trask", "--json"])?.stdout)?;
    check(json["agrees"] == true && json["precision"] == "f64" && json["schema"] == 1, || json.to_string())?;
    for wrong in [&["traks"][..], &["trask", "--device", "gpu", "--precision", "f64"], &["--seeds", "3"]] {
        let status = run(wrong)?.status;
        check(status.code() == Some(2), || format!("{wrong:?}: {status}"))?;
    }
    Ok(())
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
