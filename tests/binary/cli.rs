//! The binary as a user runs it: commands, files, messages, exit codes.

use std::fs;
use std::io::Write;
use std::process::{Command, Output, Stdio};

use crate::common::{Desk, Trial, named};
use serde_json::Value;

impl Desk {
    /// Runs what must succeed; gives stdout.
    fn text(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        String::from_utf8(output.stdout).expect("UTF-8")
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let text = self.text(&[arguments, &["--json"]].concat());
        let value: Value = serde_json::from_str(&text).expect("one JSON object");
        assert_eq!(value["schema"], 1);
        value
    }

    /// Runs what must fail with this exit code; gives stderr.
    fn fails(&self, code: i32, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "an error says nothing on stdout");
        stderr(&output)
    }
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

const CPU: [&str; 3] = ["--device", "cpu", "--quiet"];

fn train<'a>(data: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["train", data], &CPU[..], more].concat()
}

fn digits_with_the_defaults_reach_96_percent_whatever_the_seed() {
    let desk = Desk::new();
    for seed in ["0", "1", "2", "3"] {
        let report = desk.json(&train("digits", &["--seed", seed]));
        let accuracy = report["test"]["accuracy"].as_f64().expect("an accuracy");
        assert!(accuracy >= 0.96, "seed {seed}: {accuracy}");
        assert!(report["seconds"].as_f64().expect("seconds") < 10.0);
    }
    for file in ["run.toml", "metrics.jsonl", "model.safetensors"] {
        assert!(!desk.bytes(&format!("runs/digits-1/{file}")).is_empty());
    }
    let metrics = String::from_utf8(desk.bytes("runs/digits-1/metrics.jsonl")).expect("UTF-8");
    assert_eq!(metrics.lines().count(), 20);
    let last: Value = serde_json::from_str(metrics.lines().last().expect("a line")).expect("JSON");
    assert_eq!((&last["epoch"], &last["step"]), (&Value::from(20), &Value::from(20 * 51)));
    assert!(desk.path().join("runs/digits-4").is_dir());
}

fn a_regression_is_trained_evaluated_and_predicted() {
    let desk = Desk::new();
    desk.text(&train("wine-quality", &["-o", "run"]));
    let report = desk.json(&["evaluate", "run", "wine-quality", "--device", "cpu"]);
    assert_eq!(report["evaluation"]["task"], "regression");
    assert!(report["evaluation"]["r2"].as_f64().expect("R²") > 0.3, "{report}");
    let predictions = desk.text(&["predict", "run", "wine-quality", "--device", "cpu"]);
    let values: Vec<f64> = predictions.lines().skip(1).map(|line| line.parse().expect("a number")).collect();
    assert_eq!(values.len(), 1599);
    assert!(values.iter().all(|value| (2.0..10.0).contains(value)), "in the units of the data");
    desk.fails(2, &["predict", "run", "wine-quality", "--device", "cpu", "--probabilities"]);
}

fn an_evaluation_is_a_gate() {
    let desk = Desk::new();
    desk.text(&train("iris", &["-o", "run"]));
    let text = desk.text(&["evaluate", "run", "iris", "--device", "cpu", "--min", "accuracy=0.9"]);
    assert!(text.contains("accuracy") && text.contains("setosa"), "{text}");
    let evaluate = ["evaluate", "run", "iris", "--device", "cpu", "--quiet"];
    let error = desk.fails(4, &[&evaluate[..], &["--min", "accuracy=1.0", "--max", "log-loss=0.0001"]].concat());
    assert!(error.contains("log-loss"), "{error}");
    desk.fails(2, &[&evaluate[..], &["--min", "acuracy=0.9"]].concat());
    desk.fails(2, &[&evaluate[..], &["--min", "rmse=0.9"]].concat());
}

fn columns_are_found_by_name_in_any_order() {
    let desk = Desk::new();
    let mut table = String::from("size,colour,id,fruit\n");
    for row in 0..90 {
        let (size, colour, fruit) = [("1", "red", "cherry"), ("8", "red", "apple"), ("9", "yellow", "melon")][row % 3];
        table.push_str(&format!("{size}.{row},{colour},{row},{fruit}\n"));
    }
    desk.write("fruit.csv", &table);
    desk.text(&train("fruit.csv", &["--ignore", "id", "--epochs", "200", "-o", "run"]));
    desk.write("new.csv", "note,colour,size\nx,red,1.2\ny,yellow,9.5\nz,red,8.4\n");
    let output = desk.run(&["predict", "run", "new.csv", "--device", "cpu", "--append"]);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "note,colour,size,prediction\nx,red,1.2,cherry\ny,yellow,9.5,melon\nz,red,8.4,apple\n"
    );
    let output = desk.run(&["predict", "run", "new.csv", "--device", "cpu"]);
    assert!(stderr(&output).contains("'note'"), "extra columns are told: {}", stderr(&output));

    desk.write("short.csv", "colour,sise\nred,1.2\n");
    let error = desk.fails(3, &["predict", "run", "short.csv", "--device", "cpu"]);
    assert!(error.contains("'size'") && error.contains("did you mean 'sise'?"), "{error}");
    desk.write("unseen.csv", "colour,size\nred,1.2\nblue,3\n");
    let output = desk.run(&["predict", "run", "unseen.csv", "--device", "cpu"]);
    assert!(output.status.success() && stderr(&output).contains("line 3, column 'colour'"), "{}", stderr(&output));
    assert!(stderr(&output).contains("'blue' (1)"), "{}", stderr(&output));
    let before = desk.bytes("new.csv");
    for own in ["new.csv", "run/model.safetensors"] {
        desk.fails(2, &["predict", "run", "new.csv", "--device", "cpu", "--quiet", "-o", own]);
    }
    assert_eq!(before, desk.bytes("new.csv"), "the data is never written over");
    desk.text(&["predict", "run", "new.csv", "--device", "cpu", "--quiet", "-o", "out.csv"]);
    assert!(desk.bytes("out.csv").starts_with(b"prediction\ncherry\n"));
}

fn the_same_seed_gives_the_same_bits_and_another_seed_others() {
    let desk = Desk::new();
    for (run, seed) in [("a", "7"), ("b", "7"), ("c", "8")] {
        desk.text(&train("iris", &["--seed", seed, "--epochs", "5", "--hidden", "8", "-o", run]));
    }
    // The metadata holds times; the tensors behind it are what must agree.
    let tensors = |run: &str| {
        let bytes = desk.bytes(&format!("{run}/model.safetensors"));
        let header = u64::from_le_bytes(bytes[..8].try_into().expect("eight bytes")) as usize;
        bytes[8 + header..].to_vec()
    };
    assert_eq!(tensors("a"), tensors("b"));
    assert_ne!(tensors("a"), tensors("c"));
    desk.text(&["train", "--config", "a/run.toml", "-o", "again", "--quiet"]);
    assert_eq!(tensors("a"), tensors("again"), "a run's run.toml means the same run");
    desk.text(&["train", "--config", "a/run.toml", "--seed", "8", "-o", "other", "--quiet"]);
    assert_eq!(tensors("c"), tensors("other"), "flags win over the file");
}

fn weights_from_a_file_are_what_training_starts_from() {
    let desk = Desk::new();
    desk.text(&train("iris", &["--epochs", "3", "--hidden", "5", "-o", "first"]));
    let more = ["--epochs", "0", "--hidden", "5", "--init", "first/model.safetensors", "-o", "second"];
    desk.text(&train("iris", &more));
    let predictions = |run| desk.text(&["predict", run, "iris", "--device", "cpu", "--probabilities"]);
    assert_eq!(predictions("first"), predictions("second"));
    let error = desk.fails(8, &train("iris", &["--hidden", "6", "--init", "first/model.safetensors"]));
    assert!(error.contains("0.weight"), "{error}");
    desk.fails(8, &train("iris", &["--init", "nowhere.safetensors"]));
}

fn early_stopping_keeps_the_best_epoch() {
    let desk = Desk::new();
    let report = desk.json(&train("iris", &["--epochs", "2000", "--patience", "5", "--learning-rate", "0.05"]));
    assert_eq!(report["ending"]["reason"], "no-better", "{report}");
    let best = report["ending"]["best_epoch"].as_u64().expect("an epoch");
    assert_eq!(report["epoch"].as_u64(), Some(best));
    assert_eq!(report["last_epoch"]["epoch"].as_u64(), Some(best + 5));
}

fn time_ends_training() {
    let desk = Desk::new();
    let report = desk.json(&train("digits", &["--epochs", "1000000", "--max-time", "1s"]));
    assert_eq!(report["ending"]["reason"], "time");
    assert!(report["seconds"].as_f64().expect("seconds") < 5.0);
}

fn divergence_has_its_own_exit_code_and_advice() {
    let desk = Desk::new();
    let diverging = ["--optimizer", "sgd", "--learning-rate", "1e30", "--activation", "identity"];
    let error = desk.fails(7, &train("wine-quality", &diverging));
    assert!(error.contains("epoch") && error.contains("--learning-rate"), "{error}");
}

fn data_comes_from_stdin() {
    let desk = Desk::new();
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", i % 7, i % 5, 2 * (i % 7) + i % 5)).collect();
    let mut child = desk
        .command(&train("-", &["--no-header", "--delimiter", ",", "--epochs", "2", "--json"]))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("the binary runs");
    child.stdin.take().expect("a pipe").write_all(rows.as_bytes()).expect("room in the pipe");
    let output = child.wait_with_output().expect("it ends");
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    assert_eq!(report["data"]["training_rows"], 54);
    assert!(desk.path().join("runs/stdin-1/model.safetensors").is_file());
}

fn idx_images_with_their_labels_are_trained_on() {
    let desk = Desk::new();
    let images: Vec<u8> =
        [0, 0, 8, 3, 0, 0, 0, 40, 0, 0, 0, 2, 0, 0, 0, 2].into_iter().chain((0..160).map(|i| (i * 37) as u8)).collect();
    let labels: Vec<u8> = [0, 0, 8, 1, 0, 0, 0, 40].into_iter().chain((0..40).map(|i| i % 3)).collect();
    fs::write(desk.path().join("images"), images).expect("a file");
    fs::write(desk.path().join("labels"), labels).expect("a file");
    let report =
        desk.json(&train("images", &["--labels", "labels", "--test", "images", "--test-labels", "labels", "--epochs", "1"]));
    assert_eq!((&report["data"]["inputs"], &report["data"]["test_rows"]), (&Value::from(4), &Value::from(40)));
    assert_eq!(report["data"]["classes"].as_array().map(Vec::len), Some(3));
}

/// An npy file of bytes: so many rows of so many columns, or of none for a vector.
fn npy(rows: usize, columns: Option<usize>, cell: impl Fn(usize) -> u8) -> Vec<u8> {
    let shape = columns.map_or(format!("({rows},)"), |columns| format!("({rows}, {columns})"));
    let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
    let cells: Vec<u8> = (0..rows * columns.unwrap_or(1)).map(cell).collect();
    [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &cells].concat()
}

fn an_npz_archive_is_trained_on_and_its_test_rows_are_kept_apart() {
    let desk = Desk::new();
    let mut archive = zip::ZipWriter::new(fs::File::create(desk.path().join("shapes.npz")).expect("a file"));
    for (name, rows, columns) in
        [("x_train", 90, Some(4)), ("y_train", 90, None), ("x_test", 30, Some(4)), ("y_test", 30, None)]
    {
        let cell = |index: usize| if columns.is_some() { (index / 4 % 3 * 80 + index % 7) as u8 } else { (index % 3) as u8 };
        archive.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).expect("an entry");
        archive.write_all(&npy(rows, columns, cell)).expect("written");
    }
    archive.finish().expect("an archive");
    let report = desk.json(&train("shapes.npz", &["-o", "run", "--epochs", "60"]));
    assert_eq!((&report["data"]["inputs"], &report["data"]["test_rows"]), (&Value::from(4), &Value::from(30)), "{report}");
    assert!(report["test"]["accuracy"].as_f64() > Some(0.9), "{report}");
    let options = String::from_utf8(desk.bytes("run/run.toml")).expect("UTF-8");
    assert!(
        options.contains("\"shapes.npz:x_train,y_train\"") && options.contains("\"shapes.npz:x_test,y_test\""),
        "{options}"
    );
    desk.text(&["train", "--config", "run/run.toml", "--quiet", "-o", "again"]);
    assert_eq!(desk.tensors("run/model.safetensors"), desk.tensors("again/model.safetensors"));
    let error = desk.fails(3, &["evaluate", "run", "shapes.npz", "--device", "cpu"]);
    assert!(error.contains("as in shapes.npz:x_test,y_test"), "{error}");
    let report = desk.json(&["evaluate", "run", "shapes.npz:x_test,y_test", "--device", "cpu"]);
    assert_eq!(report["evaluation"]["rows"], 30);
    assert_eq!(desk.text(&["predict", "run", "shapes.npz:x_test", "--device", "cpu"]).lines().count(), 31);
    desk.text(&train("shapes.npz:x_train", &["--labels", "shapes.npz:y_train", "--epochs", "1"]));
    desk.fails(2, &train("shapes.npz:x_train,y_train", &["--labels", "shapes.npz:y_train"]));
}

fn a_folder_of_files_is_one_data_set() {
    let desk = Desk::new();
    let rows = |from: usize| (from..from + 40).map(|row| format!("{row},{}\n", ["a", "b"][row % 2])).collect::<String>();
    desk.write("days/monday.csv", format!("n,y\n{}", rows(0)));
    desk.write("days/tuesday.tsv", format!("n\ty\n{}", rows(40).replace(',', "\t")));
    let report = desk.json(&train("days", &["--epochs", "1", "-o", "run"]));
    assert_eq!(report["data"]["training_rows"], 72, "{report}");
    assert_eq!(desk.json(&["data", "days"])["rows"], 80);
    assert_eq!(desk.json(&["evaluate", "run", "days", "--device", "cpu"])["evaluation"]["rows"], 80);
    desk.write("days/tuesday.tsv", format!("n\ty\n{}\tz\n", rows(40).replace(',', "\t")));
    let error = desk.fails(3, &["evaluate", "run", "days", "--device", "cpu"]);
    assert!(error.contains("tuesday.tsv: line 42, column 'y'"), "{error}");
    desk.write("days/wednesday.csv", "n,z\n1,a\n");
    let error = desk.fails(3, &train("days", &[]));
    assert!(error.contains("wednesday.csv: line 1: column 2 is 'z'"), "{error}");
    desk.fails(2, &train("days", &["--labels", "labels"]));
}

fn a_dry_run_shows_the_plan_and_leaves_nothing_behind() {
    let desk = Desk::new();
    let text = desk.text(&train("digits", &["--dry-run", "--hidden", "32,16"]));
    for word in ["forward 3", "delta 2", "update 1", "gather inputs", "8.1 KiB", "2778 parameters", "on the CPU"] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }
    let report = desk.json(&train("digits", &["--dry-run"]));
    assert_eq!(report["network"]["ensemble"], 8);
    assert_eq!(report["network"]["parameters"], 8 * 9610);
    let alone = desk.json(&train("digits", &["--dry-run", "--ensemble", "1"]));
    assert_eq!((&alone["network"]["ensemble"], &alone["network"]["parameters"]), (&Value::Null, &Value::from(9610)));
    let weights = |report: &Value| {
        let buffers = report["buffers"].as_array().expect("a list");
        buffers.iter().find(|buffer| buffer["name"] == "parameters 1").expect("weights")["bytes"].as_u64()
    };
    assert_eq!(weights(&report), weights(&alone).map(|bytes| 8 * bytes));
    let bytes = |field: &str| report[field].as_u64().unwrap_or_else(|| panic!("{field} is missing in {report}"));
    let launches = report["step"].as_array().expect("a list");
    assert_eq!(launches.iter().map(|launch| launch["bytes"].as_u64().expect("bytes")).sum::<u64>(), bytes("step_bytes"));
    assert!(
        bytes("least_step_bytes") < bytes("step_bytes") && bytes("step_bytes") < 2 * bytes("least_step_bytes"),
        "{report}"
    );
    // A loss a row; of a network that is trained in whole steps, one a step.
    let losses = |more: &[&str]| {
        desk.json(&train("iris", &[&["--dry-run", "--batch-size", "50"], more].concat()))["loss_bytes"].clone()
    };
    assert_eq!((losses(&["--hidden", "400"]), losses(&["--hidden", "3"])), (200.into(), 4.into()));
    assert!(!desk.path().join("runs").exists());
}

fn a_dry_run_says_about_how_long_training_takes() {
    let desk = Desk::new();
    let more = ["--hidden", "512,256", "--epochs", "30"];
    let started = std::time::Instant::now();
    let report = desk.json(&train("digits", &[&more[..], &["--dry-run"]].concat()));
    assert!(started.elapsed().as_secs_f64() < 10.0, "a forecast is not to be waited for");
    let forecast = |key: &str| report["forecast"][key].as_f64().unwrap_or_else(|| panic!("{key} is missing in {report}"));
    let really = desk.json(&train("digits", &more))["seconds"].as_f64().expect("seconds");
    // Other programs may come in between.
    assert!((really / 6.0..really * 6.0).contains(&forecast("seconds")), "{report}: it took {really} s");
    assert!(forecast("epoch_seconds") > 40.0 * forecast("step_seconds"), "{report}");
    assert_eq!(report["host_bytes"], 1797 * 74 * 4);
    let limited = ["--dry-run", "--max-time", "2s", "--epochs", "1000000", "--precision", "f64"];
    let text = desk.text(&train("digits", &limited));
    assert!(text.contains("\nabout 2.0 s for 1000000 epochs on the CPU"), "{text}");
}

fn what_memory_cannot_hold_is_refused() {
    let desk = Desk::new();
    let error = desk.fails(6, &train("digits", &["--hidden", "100000000,100000000"]));
    assert!(error.contains("PiB") && error.contains("(100000001 × 100000000)"), "{error}");
    assert!(!desk.path().join("runs").exists(), "nothing was started");
}

fn mistakes_are_told_with_their_place_and_exit_code() {
    let desk = Desk::new();
    desk.write("bad.csv", "a,b,y\n1,2,x\n3,oops,z\n4,1e99,x\n");
    desk.write("ragged.csv", "a,b\n1,2\n3\n");
    desk.write("empty.csv", "");
    desk.write("gap.csv", format!("a,b\n1,2\n,3\n{}", "4,5\n".repeat(30)));
    desk.write("config.toml", "data = \"iris\"\nepochs = 3\nhiden = [3]\n");
    desk.write("types.toml", "data = \"iris\"\nhidden = 5\n");
    desk.write("model.safetensors", "not a model");
    let cases: [(i32, &[&str], &str); 24] = [
        (2, &["train"], "wgrad train digits"),
        (2, &["train", "digits", "--hidden", "0"], "64,32"),
        (2, &["train", "digits", "--learning-rate", "-1"], "--learning-rate"),
        (2, &["train", "digits", "--output-activation", "softmax", "--loss", "squared-error"], "cross-entropy"),
        (2, &["train", "digits", "--split", "0.5/0.6/0.1"], "0.5/0.6/0.1"),
        (2, &["train", "--config", "config.toml"], "line 3: 'hiden' is no option, did you mean 'hidden'?"),
        (2, &["train", "--config", "types.toml"], "line 2: 'hidden'"),
        (2, &["train", "iris", "--test", "iris", "--split", "0.8/0.1/0.1"], "--split"),
        (2, &["train", "iris", "--patience", "0"], "at least 1"),
        (2, &["train", "iris", "--momentum", "0.9"], "--optimizer momentum"),
        (2, &["train", "iris", "--step-every", "3"], "--schedule step"),
        (2, &["train", "wine-quality", "--output-activation", "sigmoid", "--scale", "none"], "--scale minmax"),
        (2, &["train", "iris", "--min-delta", "1"], "--patience"),
        (2, &["train", "digits", "--epocs", "3"], "--epochs"),
        (2, &["train", "digits", "--precision", "f64", "--device", "gpu"], "f64"),
        (3, &["train", "digitz"], "digits"),
        (3, &["train", "digits", "--target", "digt"], "did you mean 'digit'"),
        (3, &["train", "ragged.csv"], "line 3"),
        (3, &["train", "empty.csv"], "empty.csv"),
        (3, &["train", "gap.csv", "--split", "1/0/0", "--missing", "error"], "line 3"),
        (5, &["train", "digits", "--device", "gpu:99"], "gpu"),
        (6, &["bench", "training", "--workload", "tiny", "--replicas", "4000000000", "--device", "cpu"], "--replicas"),
        (8, &["evaluate", "model.safetensors", "iris"], "model.safetensors"),
        (8, &["inspect", "nowhere"], "nowhere"),
    ];
    for (code, arguments, word) in cases {
        let error = desk.fails(code, arguments);
        assert!(error.contains(word), "{arguments:?} does not say {word}: {error}");
    }
    // Filled in, and told, in training and after it.
    let told = "gap.csv: cells are missing in 'a' (1); what is usual in the training rows takes their place";
    for arguments in [
        &train("gap.csv", &["--epochs", "1", "-o", "filled"])[..],
        &["evaluate", "filled", "gap.csv", "--device", "cpu"],
        &["predict", "filled", "gap.csv", "--device", "cpu"],
    ] {
        let output = desk.run(arguments);
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.contains(told), "{arguments:?}: {said}");
    }
    let said = desk.run(&train("gap.csv", &["--epochs", "1", "--missing", "mean"])).stderr;
    let said = String::from_utf8_lossy(&said);
    assert!(said.contains(told) && !said.contains("--missing"), "what was said is not proposed: {said}");
}

fn the_gradients_of_a_model_are_those_of_its_loss() {
    let desk = Desk::new();
    for (data, flags) in [("iris", ["--activation", "gelu"]), ("wine-quality", ["--hidden", "8,4"])] {
        desk.text(&train(data, &[&["--epochs", "1", "-o", data][..], &flags].concat()));
        let report = desk.json(&["gradcheck", data, data]);
        let layers = report["layers"].as_array().expect("layers");
        assert!(layers.len() >= 2 && layers.iter().all(|layer| layer["worst"].as_f64() <= Some(1e-6)), "{report}");
        assert!(layers.iter().all(|layer| layer["checked"].as_u64() > Some(3)), "{report}");
    }
    desk.write("other.csv", "a,b\n1,2\n");
    desk.fails(3, &["gradcheck", "iris", "other.csv"]);
    desk.fails(8, &["gradcheck", "nowhere", "iris"]);
}

fn a_run_never_overwrites_another() {
    let desk = Desk::new();
    desk.text(&train("iris", &["--epochs", "1", "-o", "run"]));
    let before = desk.bytes("run/model.safetensors");
    desk.fails(2, &train("iris", &["--epochs", "1", "-o", "run"]));
    assert_eq!(before, desk.bytes("run/model.safetensors"));
}

fn data_and_models_are_described() {
    let desk = Desk::new();
    let sets = desk.text(&["data"]);
    assert_eq!(sets.lines().count(), 5, "{sets}");
    let summary = desk.json(&["data", "iris"]);
    assert_eq!((&summary["rows"], &summary["task"]), (&Value::from(150), &Value::from("classification")));
    desk.text(&train("iris", &["--epochs", "1", "-o", "run"]));
    let text = desk.text(&["inspect", "run"]);
    assert!(text.contains("cross-entropy") && text.contains("setosa"), "{text}");
    // Eight networks.
    assert_eq!(desk.json(&["inspect", "run"])["parameters"], 8 * 1027);
    let devices = desk.json(&["devices"]);
    assert!(devices["cpu"]["threads"].as_u64() > Some(0) && devices["gpus"].is_array());
}

fn a_table_is_described_with_histograms_and_advice() {
    let desk = Desk::new();
    let row = |row: usize| {
        let income = if row % 30 == 7 { String::new() } else { format!("{}.5", row * row % 400) };
        format!(
            "{},{income},{},{}\n",
            5000 + row,
            ["north", "south"][row % 2],
            if row.is_multiple_of(9) { "yes" } else { "no" }
        )
    };
    desk.write("bank data.csv", format!("id,income,region,bought\n{}", (0..120).map(row).collect::<String>()));
    let report = desk.json(&["data", "bank data.csv"]);
    let about: Vec<&str> =
        report["advice"].as_array().expect("a list").iter().filter_map(|advice| advice["about"].as_str()).collect();
    assert_eq!(about, ["identifier", "missing", "balance"], "{report}");
    let numbers = |name: &str| -> Vec<f64> {
        report["columns"][1][name].as_array().expect(name).iter().filter_map(Value::as_f64).collect()
    };
    let (histogram, edges) = (numbers("histogram"), numbers("histogram_edges"));
    assert_eq!((histogram.len() + 1, histogram.iter().sum::<f64>()), (edges.len(), 116.0));
    assert!(edges.is_sorted() && edges[0] == 0.5 && edges.last() > Some(&361.5), "{edges:?}");
    let next = "wgrad train 'bank data.csv' --ignore id";
    assert_eq!(report["train"], next);
    for (locale, is_plain) in [("C.UTF-8", false), ("C", true)] {
        let output = desk.command(&["data", "bank data.csv"]).env("LC_ALL", locale).output().expect("the binary runs");
        let said = String::from_utf8(output.stdout).expect("UTF-8");
        assert!(said.contains("\nadvice for wgrad train:\n") && said.ends_with(&format!("\nnext: {next}\n")), "{said}");
        assert!(said.is_ascii() == is_plain && said.contains('█') != is_plain, "{locale}: {said}");
        assert!(said.lines().take(5).all(|line| line.chars().count() <= 80), "{said}");
    }
    let words = ["train", "bank data.csv", "--ignore", "id"];
    desk.text(&[&words[..], &CPU, &["--epochs", "1"]].concat());
}

#[cfg(unix)]
fn an_interrupt_ends_the_run_with_its_state_saved() {
    // This process may have been started to outlive a hangup, and so would its children.
    let hears_hangups = cfg!(target_os = "linux") && {
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap_or("1").trim().to_owned();
        u64::from_str_radix(&ignored, 16).is_ok_and(|ignored| ignored & 1 == 0)
    };
    let hangup = hears_hangups.then_some(("HUP", 129));
    for (signal, code) in [("INT", 130), ("TERM", 143)].into_iter().chain(hangup) {
        let desk = Desk::new();
        let endless = ["train", "digits", "--device", "cpu", "--epochs", "10000000", "-o", "run"];
        let child = desk.command(&endless).stderr(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("the binary runs");
        let metrics = desk.path().join("run/metrics.jsonl");
        let begun = || fs::metadata(&metrics).is_ok_and(|file| file.len() > 0);
        let waiting = std::time::Instant::now();
        while !begun() && waiting.elapsed().as_secs() < 30 {
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let killed = Command::new("kill").args([&format!("-{signal}"), &child.id().to_string()]).status();
        assert!(killed.expect("kill").success());
        let output = child.wait_with_output().expect("it ends");
        assert_eq!(output.status.code(), Some(code), "{}", stderr(&output));
        desk.text(&["evaluate", "run", "digits", "--device", "cpu"]);
    }
}

fn run_options_are_written_down_and_stray_text_is_told() {
    let desk = Desk::new();
    desk.text(&train("iris", &["--epochs", "1", "-o", "run"]));
    let options = String::from_utf8(desk.bytes("run/run.toml")).expect("UTF-8");
    assert!(options.contains("scale = \"standard\"") && options.contains("batch-size = 8"), "{options}");
    desk.text(&["train", "iris", "--epochs", "1", "--quiet", "-o", "auto"]);
    let options = String::from_utf8(desk.bytes("auto/run.toml")).expect("UTF-8");
    assert!(options.contains("device = \"cpu\"") || options.contains("device = \"gpu\""), "what auto chose: {options}");
    let rows: String = (0..40).map(|i| format!("{},{i}.5\n", if i == 7 { "oops".into() } else { i.to_string() })).collect();
    desk.write("stray.csv", format!("a,y\n{rows}"));
    let output = desk.run(&["data", "stray.csv"]);
    assert!(stderr(&output).contains("line 9, column 'a': 'oops' is no number"), "{}", stderr(&output));
}

fn a_bounded_output_can_reach_the_targets_of_a_regression() {
    let desk = Desk::new();
    let bounded = ["--output-activation", "sigmoid", "--learning-rate", "0.01", "--epochs", "100"];
    let report = desk.json(&train("wine-quality", &bounded));
    assert!(report["test"]["r2"].as_f64().expect("R²") > 0.2, "{report}");
}

fn training_that_gets_nowhere_is_told_once() {
    let desk = Desk::new();
    let cpu = ["--device", "cpu", "--activation", "sigmoid", "--epochs", "5"];
    let deep = [&["train", "wine-quality", "--hidden", "16,16,16,16,16,16,16,16"], &cpu[..]].concat();
    let saturated = [&["train", "digits", "--scale", "none", "--init", "uniform(-3,3)"], &cpu[..]].concat();
    let sound = [&["train", "iris"], &cpu[..]].concat();
    for (arguments, words) in [(deep, Some("gradients vanish")), (saturated, Some("saturated")), (sound, None)] {
        let said = stderr(&desk.run(&arguments));
        for word in ["gradients vanish", "saturated"] {
            assert_eq!(said.matches(word).count(), usize::from(words == Some(word)), "{arguments:?}: {said}");
        }
    }
}

#[cfg(unix)]
fn a_closed_stderr_does_not_lose_the_training() {
    let desk = Desk::new();
    let pipeline = format!(
        "'{}' train digits --epochs 40 --device cpu -o run 2>&1 >/dev/null | head -n 1",
        env!("CARGO_BIN_EXE_wgrad")
    );
    Command::new("sh").current_dir(desk.path()).args(["-c", &pipeline]).output().expect("sh");
    desk.text(&["inspect", "run"]);
}

#[cfg(unix)]
fn a_closed_pipe_is_no_error() {
    let desk = Desk::new();
    desk.text(&train("digits", &["--epochs", "1", "-o", "run"]));
    let pipeline = format!("'{}' predict run digits --device cpu | head -n 1", env!("CARGO_BIN_EXE_wgrad"));
    let output = Command::new("sh").current_dir(desk.path()).args(["-c", &pipeline]).output().expect("sh");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "prediction\n");
    assert!(!stderr(&output).contains("panic"), "{}", stderr(&output));
}

#[cfg(target_os = "linux")]
fn a_million_rows_train_in_one_and_a_half_times_their_memory() {
    let desk = Desk::new();
    let (rows, columns) = (1_000_000_u32, 17);
    let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {columns}), }}\n");
    let mut file = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    file.extend((0..rows * columns).flat_map(|cell| (cell.wrapping_mul(2_654_435_769) as f32 / 4e9).to_le_bytes()));
    fs::write(desk.path().join("data.npy"), &file).expect("a file");
    let arguments = ["train", "data.npy", "--device", "cpu", "--hidden", "16", "--epochs", "2", "--quiet", "-o", "run"];
    let mut child = desk.command(&arguments).spawn().expect("the binary runs");
    let mut most = 0;
    while child.try_wait().expect("a child").is_none() {
        let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let bytes = |name: &str| -> Option<usize> {
            let kilobytes =
                status.lines().find_map(|line| line.strip_prefix(name)?.trim().strip_suffix(" kB")?.parse().ok());
            kilobytes.map(|kilobytes: usize| 1024 * kilobytes)
        };
        // Pages of the binary are not the data's, and the kernel takes them back as it likes.
        most = bytes("VmHWM:").zip(bytes("RssFile:")).map_or(most, |(peak, binary)| most.max(peak - binary));
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    assert!(child.wait().expect("a child").success());
    assert!(most > file.len() && most as f64 <= 1.5 * file.len() as f64, "{most} bytes at most, for {} of data", file.len());
}

fn quiet_leaves_warnings_alone_and_the_files_and_exit_codes_as_they_are() {
    let desk = Desk::new();
    let silent = |arguments: &[&str]| {
        let output = desk.run(&[arguments, &["-q"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
        assert_eq!((String::from_utf8_lossy(&output.stdout).as_ref(), stderr(&output).as_str()), ("", ""), "{arguments:?}");
    };
    desk.text(&train("iris", &["--epochs", "2", "-o", "run"]));
    silent(&["export", "run", "--format", "onnx", "--plain", "-o", "net.onnx"]);
    silent(&["export", "run", "--format", "safetensors"]);
    silent(&["import", "net.onnx", "--columns", "a,b,c,d", "-o", "net.safetensors"]);
    silent(&["gradcheck", "run", "iris"]);
    silent(&["lesson", "trask"]);
    silent(&["data", "iris"]);
    silent(&["report", "run"]);
    silent(&["evaluate", "run"]);
    for file in ["net.onnx", "run/model.weights.safetensors", "net.safetensors"] {
        assert!(!desk.bytes(file).is_empty(), "{file}");
    }
    desk.write("holes.csv", "a,y\n1,p\n2,q\nx,p\n3,q\n4,p\n5,q\n6,p\n7,q\n8,p\n9,q\n");
    let warned = desk.run(&["data", "holes.csv", "-q"]);
    assert!(stderr(&warned).contains("'x' is no number") && warned.stdout.is_empty());
    // Every command that tells how it goes on, or notes something.
    let commands = ["train", "evaluate", "predict", "report", "runs", "inspect", "export", "import", "data", "lesson"];
    for command in commands.into_iter().chain(["bench", "bench kernels", "bench training", "verify", "gradcheck"]) {
        let help = desk.text(&command.split(' ').chain(["--help"]).collect::<Vec<_>>());
        assert!(help.contains("-q, --quiet"), "{command}");
    }
}

fn flags_that_everyone_types_first_are_understood() {
    let desk = Desk::new();
    let typed = ["--lr", "0.01", "--batch", "16", "--epoch", "3", "--val", "iris", "--hidden", "4", "-o", "run"];
    desk.text(&train("iris", &typed));
    let options = String::from_utf8(desk.bytes("run/run.toml")).expect("UTF-8");
    for option in ["learning-rate = 0.01\n", "batch-size = 16\n", "epochs = 3\n", "validation = \"iris\"\n"] {
        assert!(options.contains(option), "{option}: {options}");
    }
}

fn what_is_not_read_is_named_with_what_to_do() {
    let desk = Desk::new();
    desk.write("a.json", "[{\"a\": 1, \"y\": \"p\"},\n {\"a\": 2, \"y\": \"q\"}]\n");
    desk.write("lines.json", "{\"a\": 1}\n{\"a\": 2}\n");
    // More than a piece of a file, on one line.
    desk.write("long.json", "[".to_owned() + &"{\"a\": 1, \"y\": \"p\"}, ".repeat(300_000) + "{\"a\": 2}]");
    desk.write("book.xlsx", zip_of(&["[Content_Types].xml", "xl/workbook.xml"]));
    desk.write("sheet.ods", zip_of(&["mimetype", "content.xml"]));
    desk.write("image.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    desk.write("images/0/1.png", b"\x89PNG\r\n\x1a\n");
    for (source, what, line) in [
        ("a.json", "JSON", "pandas.read_json(\"a.json\").to_csv(\"a.csv\", index=False)"),
        ("lines.json", "JSON", "pandas.read_json(\"lines.json\", lines=True)"),
        ("long.json", "JSON", "pandas.read_json(\"long.json\")"),
        ("book.xlsx", "an Excel workbook", "pandas.read_excel(\"book.xlsx\").to_csv(\"book.csv\", index=False)"),
        ("sheet.ods", "OpenDocument", "pandas.read_excel(\"sheet.ods\")"),
        ("image.png", "an image (PNG)", "numpy.save(\"image.npy\""),
        ("images", "a folder of images (png)", "numpy.savez(\"images.npz\""),
    ] {
        for command in ["data", "train"] {
            let said = desk.fails(3, &[command, source]);
            assert!(said.contains(what) && said.contains(line), "{command} {source}: {said}");
        }
    }
    let train = ["train", "iris", "--device", "cpu", "-q", "--epochs", "1", "-o", "run"];
    desk.text(&train);
    assert!(desk.fails(3, &["predict", "run", "image.png"]).contains("an image (PNG)"));
}

/// A zip archive of files that hold nothing.
fn zip_of(names: &[&str]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for name in names {
        archive.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a file");
    }
    archive.finish().expect("an archive").into_inner()
}

pub(crate) fn trials() -> Vec<Trial> {
    named![
        quiet_leaves_warnings_alone_and_the_files_and_exit_codes_as_they_are,
        flags_that_everyone_types_first_are_understood,
        what_is_not_read_is_named_with_what_to_do,
        digits_with_the_defaults_reach_96_percent_whatever_the_seed,
        a_regression_is_trained_evaluated_and_predicted,
        an_evaluation_is_a_gate,
        columns_are_found_by_name_in_any_order,
        the_same_seed_gives_the_same_bits_and_another_seed_others,
        weights_from_a_file_are_what_training_starts_from,
        early_stopping_keeps_the_best_epoch,
        time_ends_training,
        divergence_has_its_own_exit_code_and_advice,
        data_comes_from_stdin,
        idx_images_with_their_labels_are_trained_on,
        an_npz_archive_is_trained_on_and_its_test_rows_are_kept_apart,
        a_folder_of_files_is_one_data_set,
        a_dry_run_shows_the_plan_and_leaves_nothing_behind,
        a_dry_run_says_about_how_long_training_takes,
        what_memory_cannot_hold_is_refused,
        mistakes_are_told_with_their_place_and_exit_code,
        the_gradients_of_a_model_are_those_of_its_loss,
        a_run_never_overwrites_another,
        data_and_models_are_described,
        a_table_is_described_with_histograms_and_advice,
        #[cfg(unix)]
        an_interrupt_ends_the_run_with_its_state_saved,
        run_options_are_written_down_and_stray_text_is_told,
        a_bounded_output_can_reach_the_targets_of_a_regression,
        training_that_gets_nowhere_is_told_once,
        #[cfg(unix)]
        a_closed_stderr_does_not_lose_the_training,
        #[cfg(unix)]
        a_closed_pipe_is_no_error,
        #[cfg(target_os = "linux")]
        a_million_rows_train_in_one_and_a_half_times_their_memory,
    ]
}
