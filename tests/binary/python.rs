//! What others see: Python's safetensors and numpy load the model file and compute what it says, TensorBoard reads the event files.
//!
//! These tests need `WGRAD_TEST_PYTHON` or a `python3` with numpy, safetensors and tensorboard; without one they show as ignored.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::common::{Failed, Trial};
use serde_json::Value;
use wgrad::data::{Bins, Decision, Encoding, InputColumn, InputKind, Matrix, NumberTarget, Numerals, Target};
use wgrad::model::{Model, StoredWeights};
use wgrad::network::{Activation, Layer, Loss, Network, Weights};
use wgrad::random::{Purpose, Stream};

/// 2 number columns and one of 2 categories: 4 inputs.
const CSV: &str = "colour,weight,species,height\nred,1.5,b,10\nblue,-2.25,a,\n?,0,a,1e1\n\"red\",3,b,-4.5\n";

/// The inputs of `CSV`, encoded by hand with `columns()`.
const INPUTS: [[f64; 4]; 4] = [[5.0, 0.75, 0.0, 1.0], [0.0, -1.125, 1.0, 0.0], [5.0, 0.0, 1.0, 0.0], [-2.25, 1.5, 0.0, 1.0]];

fn columns() -> Vec<InputColumn> {
    let column = |name: &str, kind| InputColumn::new(name, kind);
    vec![
        column("height", InputKind::Number { offset: 0.0, scale: 2.0, missing: Some(0.0), bins: Bins::default() }),
        column("weight", InputKind::Number { offset: 0.0, scale: 2.0, missing: None, bins: Bins::default() }),
        column(
            "colour",
            InputKind::Category { categories: vec!["blue".into(), "red".into()], missing: Some("blue".into()) },
        ),
    ]
}

fn classes(count: usize) -> Target {
    let classes = ["a", "b", "c"][..count].iter().map(|name| (*name).to_string()).collect();
    Target::Classification { column: "species".into(), classes, decision: Decision::default() }
}

fn weights(network: &Network, seed: u64) -> Weights<f64> {
    let mut stream = Stream::new(seed, Purpose::Test, 0);
    let layers = network.widths().windows(2).map(|pair| Layer {
        weight: Matrix::new(pair[0], pair[1], (0..pair[0] * pair[1]).map(|_| stream.normal()).collect()),
        bias: (0..if network.bias() { pair[1] } else { 0 }).map(|_| stream.normal()).collect(),
    });
    layers.collect()
}

/// Section 1 of the design, one row at a time.
fn forward(network: &Network, weights: &Weights<f64>, inputs: &[f64]) -> Vec<f64> {
    let mut a = inputs.to_vec();
    for (layer, activation) in weights.iter().zip(network.activations()) {
        let mut z = layer.bias.clone();
        z.resize(layer.weight.columns, 0.0);
        for (input, value) in a.iter().enumerate() {
            for (output, sum) in z.iter_mut().enumerate() {
                *sum += value * layer.weight.row(input)[output];
            }
        }
        if *activation == Activation::Softmax {
            let total: f64 = z.iter().map(|z| z.exp()).sum();
            a = z.iter().map(|z| z.exp() / total).collect();
        } else {
            a = z.iter().map(|&z| activation.activate(z)).collect();
        }
    }
    a
}

/// What Python has to have to compare with.
const MODULES: &str = "numpy, safetensors";

/// Such a Python, if there is one.
fn python() -> Option<&'static str> {
    crate::common::python(MODULES)
}

/// What `tests/python/predict.py` prints: the header, then the numbers.
fn predicted(model: &Path, data: &Path) -> (Vec<String>, Vec<Vec<f64>>) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/predict.py");
    let output = Command::new(python().expect("was looked for")).arg(script).arg(model).arg(data).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut lines = text.lines().map(|line| line.split(','));
    let header = lines.next().unwrap().map(String::from).collect();
    (header, lines.map(|cells| cells.map(|cell| cell.parse().unwrap()).collect()).collect())
}

/// Saves a model of this network and compares what Python predicts with `expected`, which gets the network's outputs.
fn compare(network: &Network, loss: Loss, target: &Target, header: &[&str], expected: impl Fn(Vec<f64>) -> Vec<f64>) {
    for (single, bound, networks) in [(false, 1e-12, 1), (true, 1e-6, 1), (false, 1e-12, 3), (true, 1e-6, 2)] {
        let folder = tempfile::tempdir().unwrap();
        let (path, data) = (folder.path().join("model.safetensors"), folder.path().join("data.csv"));
        fs::write(&data, CSV).unwrap();
        let each: Vec<Weights<f64>> = (0..networks).map(|member| weights(network, 7 + member)).collect();
        let stored = match single {
            true => StoredWeights::Single(each.iter().map(wgrad::network::converted).collect()),
            false => StoredWeights::new(&each),
        };
        let encoding =
            Encoding { inputs: columns(), target: target.clone(), missing_values: None, numerals: Numerals::default() };
        let model = Model { network: network.clone(), loss, weights: stored, encoding, training: Value::Null };
        model.save(&wgrad::files::Place::named(&path).unwrap()).unwrap();
        let (names, rows) = predicted(&path, &data);
        assert_eq!(names, header);
        assert_eq!(rows.len(), INPUTS.len());
        for (row, inputs) in rows.iter().zip(INPUTS) {
            let outputs: Vec<Vec<f64>> = each.iter().map(|weights| forward(network, weights, &inputs)).collect();
            let mean = |output: usize| outputs.iter().map(|outputs| outputs[output]).sum::<f64>() / outputs.len() as f64;
            let expected = expected((0..network.outputs()).map(mean).collect());
            assert_eq!(row.len(), expected.len());
            for (value, expected) in row.iter().zip(expected) {
                let difference = (value - expected).abs();
                assert!(difference <= bound * expected.abs().max(1.0), "{network:?}: {value}, expected {expected}");
            }
        }
    }
}

fn python_predicts_the_same_class_probabilities() {
    for activation in Activation::hidden() {
        let network = Network::new(vec![4, 5, 3], vec![activation, Activation::Softmax], true).unwrap();
        compare(&network, Loss::CrossEntropy, &classes(3), &["a", "b", "c"], |outputs| outputs);
    }
}

fn python_predicts_the_same_probability_of_the_second_of_two_classes() {
    let network = Network::new(vec![4, 1], vec![Activation::Sigmoid], false).unwrap();
    compare(&network, Loss::BinaryCrossEntropy, &classes(2), &["a", "b"], |outputs| vec![1.0 - outputs[0], outputs[0]]);
}

fn python_predicts_the_same_values_in_their_own_units() {
    let target = |name: &str, offset, scale| NumberTarget { name: name.into(), offset, scale };
    let columns = vec![target("price", 100.0, 20.0), target("area", 0.0, 1.0)];
    // Seven layers: `10.weight` and `12.weight` come before `2.weight` in the file.
    let mut activations = vec![Activation::Tanh; 6];
    activations.push(Activation::Identity);
    let network = Network::new(vec![4, 3, 3, 2, 3, 3, 4, 2], activations, true).unwrap();
    compare(&network, Loss::SquaredError, &Target::Regression { columns }, &["price", "area"], |outputs| {
        vec![100.0 + 20.0 * outputs[0], outputs[1]]
    });
}

/// Trains on an embedded set with the binary, and compares what it predicts with what Python does, to 1e-6.
fn python_predicts_what_wgrad_predicts(set: &str, options: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let wgrad = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_wgrad")).current_dir(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let train = ["train", set, "-o", "run", "--epochs", "5", "--device", "cpu", "--quiet"];
    wgrad(&[&train[..], options].concat());
    let data = folder.path().join("data.csv");
    fs::write(&data, wgrad(&["predict", "run", set, "--append", "--device", "cpu"])).unwrap();
    let classification = set != "wine-quality";
    let probabilities: &[&str] = if classification { &["--probabilities"] } else { &[] };
    let ours = wgrad(&[&["predict", "run", set, "--device", "cpu"], probabilities].concat());
    let (_, theirs) = predicted(&folder.path().join("run/model.safetensors"), &data);
    let mut rows = 0;
    for (ours, theirs) in ours.lines().skip(1).zip(&theirs) {
        let cells: Vec<&str> = ours.split(',').skip(usize::from(classification)).collect();
        assert_eq!(cells.len(), theirs.len(), "{set}: {ours}");
        for (cell, theirs) in cells.into_iter().zip(theirs) {
            let ours: f64 = cell.parse().unwrap();
            assert!((ours - theirs).abs() <= 1e-6 * theirs.abs().max(1.0), "{set}: {ours} against {theirs}");
        }
        rows += 1;
    }
    assert!(rows == theirs.len() && rows > 100, "{rows} rows");
}

/// The mean loss that `wgrad gradcheck` computes from a model's outputs, with two targets, is the one that numpy does.
fn python_computes_the_same_loss() {
    let folder = tempfile::tempdir().unwrap();
    let wgrad = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_wgrad")).current_dir(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    let rows = (0..60).map(|row| format!("{row},{},{}\n", row * 7 % 11, if row % 9 == 0 { 300 } else { row * row % 13 }));
    fs::write(folder.path().join("rows.csv"), std::iter::once("x,y,z\n".to_string()).chain(rows).collect::<String>())
        .unwrap();
    for loss in [&["squared-error"][..], &["absolute-error"], &["huber"], &["huber", "--huber-delta", "0.4"]] {
        let train =
            ["train", "rows.csv", "--target", "y,z", "-o", "run", "--epochs", "3", "--device", "cpu", "--quiet", "--loss"];
        wgrad(&[&train[..], loss].concat());
        let report: Value = serde_json::from_str(&wgrad(&["gradcheck", "run", "rows.csv", "--json"])).unwrap();
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/losses.py");
        let mut python = Command::new(python().expect("was looked for"));
        let output =
            python.arg(script).args(["run/model.safetensors", "rows.csv"]).current_dir(folder.path()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        let theirs: f64 = String::from_utf8(output.stdout).unwrap().trim().parse().unwrap();
        let ours = report["loss"].as_f64().unwrap();
        assert!(theirs > 0.1 && (ours - theirs).abs() <= 1e-12 * theirs, "{loss:?}: {ours}, and Python has {theirs}");
        fs::remove_dir_all(folder.path().join("run")).unwrap();
    }
}

/// Holds what TensorBoard reads in a run's folder against `metrics.jsonl`: every epoch once, the numbers in single precision.
fn tensorboard_reads_what_the_log_says(run: &Path, metric: &str, epochs: usize) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/scalars.py");
    let output = Command::new(python().expect("was looked for")).arg(script).arg(run).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let scalars: Value = serde_json::from_slice(&output.stdout).unwrap();
    let log = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let log: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((log.len(), scalars.as_object().unwrap().len()), (epochs, 4), "{scalars}");
    let tags = [
        ("loss/training", "loss"),
        ("loss/validation", "validation_loss"),
        (metric, "validation_metric"),
        ("learning_rate", "learning_rate"),
    ];
    for (tag, key) in tags {
        let read: Vec<(u64, f32)> = serde_json::from_value(scalars[tag].clone()).unwrap();
        let said = |line: &Value| (line["epoch"].as_u64().unwrap(), line[key].as_f64().unwrap() as f32);
        assert_eq!(read, log.iter().map(said).collect::<Vec<_>>(), "{tag}");
    }
}

fn tensorboard_reads_a_run_that_was_resumed_and_one_that_was_killed() {
    let folder = tempfile::tempdir().unwrap();
    let wgrad = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_wgrad")).current_dir(folder.path()).args(arguments).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let log = ["--log", "tensorboard", "--device", "cpu", "--quiet"];
    let run = folder.path().join("run");
    wgrad(&[&["train", "wine-quality", "-o", "run", "--epochs", "4", "--split", "0.8/0.1/0.1"], &log[..]].concat());
    tensorboard_reads_what_the_log_says(&run, "r2/validation", 4);
    wgrad(&["train", "--resume", "run", "--epochs", "7", "--quiet"]);
    tensorboard_reads_what_the_log_says(&run, "r2/validation", 7);

    // A process that is killed leaves epochs behind that come after its last checkpoint, the last of them cut short.
    let run = folder.path().join("killed");
    wgrad(
        &[&["train", "iris", "-o", "killed", "--epochs", "5", "--checkpoint-every", "3", "--validation", "iris"], &log[..]]
            .concat(),
    );
    fs::remove_file(run.join("checkpoint.safetensors")).unwrap();
    let is_events = |path: &std::path::PathBuf| path.to_string_lossy().contains("tfevents");
    let events = fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().path()).find(is_events).unwrap();
    let bytes = fs::read(&events).unwrap();
    fs::write(&events, &bytes[..bytes.len() - 3]).unwrap();
    wgrad(&["train", "--resume", "killed", "--epochs", "8", "--quiet"]);
    tensorboard_reads_what_the_log_says(&run, "accuracy/validation", 8);
}

/// Images in folders become a table, by the lines that the refusal gives.
fn the_lines_that_are_given_for_a_folder_of_images_make_an_array_to_train_on() -> Result<(), Failed> {
    let folder = tempfile::tempdir().unwrap();
    let python = |code: &str| {
        let output =
            Command::new(crate::common::python("numpy").unwrap()).current_dir(folder.path()).args(["-c", code]).output();
        let output = output.unwrap();
        assert!(output.status.success(), "{code}: {}", String::from_utf8_lossy(&output.stderr));
    };
    python(
        "import numpy, os, PIL.Image\n\
         for k in range(40):\n    \
             os.makedirs(f'im/{\"ab\"[k % 2]}', exist_ok=True)\n    \
             PIL.Image.fromarray(numpy.full((9, 9), 100 * (k % 2) + k, numpy.uint8)).save(f'im/{\"ab\"[k % 2]}/{k}.png')",
    );
    let wgrad = |arguments: &[&str]| {
        Command::new(env!("CARGO_BIN_EXE_wgrad")).current_dir(folder.path()).args(arguments).output().unwrap()
    };
    let lines = |said: &[u8]| -> String {
        let said = String::from_utf8_lossy(said).into_owned();
        said.lines().skip(1).map(|line| line.trim().to_owned() + "\n").collect()
    };
    let train = |source: &str| wgrad(&["train", source, "--device", "cpu", "-q", "--json", "--epochs", "20", "-o", "run"]);
    python(&lines(&train("im").stderr));
    let trained = train("im.npz");
    let report: Value = serde_json::from_slice(&trained.stdout).expect("JSON");
    assert_eq!(report["data"]["classes"], serde_json::json!(["a", "b"]), "{report}");
    assert_eq!(report["data"]["columns"], 28 * 28);
    // And one image becomes rows to predict.
    fs::copy(folder.path().join("im/b/1.png"), folder.path().join("one.png")).unwrap();
    python(
        &lines(&wgrad(&["predict", "run", "one.png"]).stderr).replace("convert(\"L\")", "convert(\"L\").resize((28, 28))"),
    );
    let predicted = wgrad(&["predict", "run", "one.npy", "-q", "--device", "cpu"]);
    assert_eq!(String::from_utf8_lossy(&predicted.stdout).lines().last(), Some("b"));
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn()| {
        Trial::test(name, move || {
            test();
            Ok(())
        })
        .with_python(MODULES)
    };
    let trials = vec![
        trial("python_predicts_the_same_class_probabilities", python_predicts_the_same_class_probabilities),
        trial(
            "python_predicts_the_same_probability_of_the_second_of_two_classes",
            python_predicts_the_same_probability_of_the_second_of_two_classes,
        ),
        trial("python_predicts_the_same_values_in_their_own_units", python_predicts_the_same_values_in_their_own_units),
        trial("python_computes_the_same_loss", python_computes_the_same_loss),
        trial("python_predicts_what_wgrad_predicts_for_three_classes", || {
            python_predicts_what_wgrad_predicts("iris", &["--activation", "gelu"]);
        }),
        trial("python_predicts_what_wgrad_predicts_for_two_classes", || {
            python_predicts_what_wgrad_predicts("breast-cancer", &["--hidden", "8,4"]);
        }),
        trial("python_predicts_what_wgrad_predicts_for_numbers", || {
            python_predicts_what_wgrad_predicts("wine-quality", &["--precision", "f64"]);
        }),
        trial("python_predicts_what_wgrad_predicts_above_zero", || {
            python_predicts_what_wgrad_predicts(
                "wine-quality",
                &["--activation", "silu", "--output-activation", "softplus"],
            );
        }),
        trial("python_predicts_what_wgrad_predicts_without_a_hidden_layer", || {
            python_predicts_what_wgrad_predicts("digits", &["--hidden", "none", "--no-bias"]);
        }),
        trial(
            "tensorboard_reads_a_run_that_was_resumed_and_one_that_was_killed",
            tensorboard_reads_a_run_that_was_resumed_and_one_that_was_killed,
        )
        .with_python("tensorboard.backend.event_processing.event_accumulator"),
        Trial::test(
            "the_lines_for_a_folder_of_images",
            the_lines_that_are_given_for_a_folder_of_images_make_an_array_to_train_on,
        )
        .with_python("numpy, PIL.Image"),
    ];
    trials
}
