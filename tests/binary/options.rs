//! Options of training that go beyond the optimizer's rule, through the binary: each does what it says, is refused where it means
//! nothing, and is the same again from `run.toml` and from a checkpoint.

use std::fmt::Write;

use crate::common::{Desk, Trial, ended, named};
use serde_json::Value;

/// Trains on the CPU into a folder; gives the report.
fn trained(desk: &Desk, run: &str, arguments: &[&str]) -> Value {
    let all = [&["train"], arguments, &["--device", "cpu", "--quiet", "--json", "-o", run]].concat();
    let output = desk.run(&all);
    ended(0, &all, &output).expect("trains");
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

fn refused(desk: &Desk, code: i32, arguments: &[&str]) -> String {
    let all = [&["train"], arguments, &["--device", "cpu"]].concat();
    ended(code, &all, &desk.run(&all)).expect("is refused")
}

/// The numbers of a layer in a run's model, f32: weights and biases.
fn layer(desk: &Desk, run: &str, layer: usize) -> Vec<f32> {
    let bytes = desk.bytes(&format!("{run}/model.safetensors"));
    let tensors = safetensors::SafeTensors::deserialize(&bytes).expect("a model");
    let numbers = |name: &str| {
        let name = format!("{}.{name}", 2 * (layer - 1));
        // Of several networks those of all.
        let is_meant = |known: &str| known == name || known.starts_with("members.") && known.ends_with(&format!(".{name}"));
        let mut names: Vec<&str> = tensors.names().into_iter().filter(|known| is_meant(known)).collect();
        names.sort_unstable();
        let of = |name: &str| {
            let (numbers, _) = tensors.tensor(name).expect("a tensor").data().as_chunks::<4>();
            numbers.iter().map(|&number| f32::from_le_bytes(number)).collect::<Vec<_>>()
        };
        names.into_iter().flat_map(of).collect::<Vec<_>>()
    };
    [numbers("weight"), numbers("bias")].concat()
}

fn log(desk: &Desk, run: &str) -> Vec<Value> {
    let text = String::from_utf8(desk.bytes(&format!("{run}/metrics.jsonl"))).expect("UTF-8");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

/// 95 rows of one class to 5 of the other, which overlap: who does not weigh them names the larger class only.
fn lopsided() -> String {
    (0..400).fold("x,y,trust\n".to_string(), |mut text, row| {
        let is_rare = row % 20 == 0;
        let x = if is_rare { 1.0 + (row % 7) as f64 * 0.3 } else { (row % 23) as f64 * 0.1 };
        writeln!(text, "{x},{},{}", if is_rare { "rare" } else { "usual" }, if is_rare { 19 } else { 1 }).expect("a string");
        text
    })
}

fn class_weights_make_rare_classes_count() {
    let desk = Desk::new();
    desk.write("rows.csv", lopsided());
    let of_net =
        ["rows.csv", "--target", "y", "--hidden", "none", "--stratify", "--epochs", "60", "--learning-rate", "0.02"];
    let balanced_accuracy = |run: &str, more: &[&str]| {
        let report = trained(&desk, run, &[&of_net[..], &["--ignore", "trust"], more].concat());
        report["test"]["balanced_accuracy"].as_f64().expect("a score")
    };
    assert_eq!(balanced_accuracy("plain", &[]), 0.5);
    assert!(balanced_accuracy("balanced", &["--class-weights", "balanced"]) > 0.7);
    // The same as to say the weights, of all classes or of one beside 1, or to have them in a column.
    assert!(balanced_accuracy("by-hand", &["--class-weights", "rare=19,usual=1"]) > 0.7);
    balanced_accuracy("one", &["--class-weights", "rare=19"]);
    trained(&desk, "column", &[&of_net[..], &["--weight-column", "trust"]].concat());
    for run in ["one", "column"] {
        assert_eq!(layer(&desk, run, 1), layer(&desk, "by-hand", 1), "{run}");
    }
}

fn rows_of_weight_zero_have_no_part() {
    let desk = Desk::new();
    let rows = |with_nonsense: bool| {
        (0..300).fold("x,y,w\n".to_string(), |mut text, row| {
            let (x, is_nonsense) = ((row % 17) as f64 - 8.0, row % 3 == 0);
            let y = if is_nonsense && with_nonsense { 1e6 } else { 2.0 * x };
            writeln!(text, "{x},{y},{}", i32::from(!is_nonsense)).expect("a string");
            text
        })
    };
    desk.write("nonsense.csv", rows(true));
    desk.write("sound.csv", rows(false));
    for data in ["nonsense", "sound"] {
        let file = format!("{data}.csv");
        let weighted = [&file, "--target", "y", "--weight-column", "w", "--split", "1/0/0"];
        let arguments = [&weighted[..], &["--task", "regression", "--scale", "none", "--epochs", "3"]].concat();
        let report = trained(&desk, data, &arguments);
        assert_eq!(report["data"]["inputs"], 1, "the weights are no input");
    }
    assert_eq!(layer(&desk, "nonsense", 1), layer(&desk, "sound", 1));
}

fn frozen_layers_stay_as_they_are_and_the_others_do_not() {
    let desk = Desk::new();
    trained(&desk, "first", &["iris", "--hidden", "6,5", "--epochs", "2"]);
    for (run, frozen, same) in [("one", "1", [true, false, false]), ("two", "1,3", [true, false, true])] {
        let arguments = ["iris", "--hidden", "6,5", "--epochs", "2", "--init", "first", "--freeze", frozen];
        trained(&desk, run, &arguments);
        let is_same = [1, 2, 3].map(|number| layer(&desk, run, number) == layer(&desk, "first", number));
        assert_eq!(is_same, same, "{frozen}");
    }
}

fn a_penalty_shrinks_weights_and_a_clip_slows_them() {
    let desk = Desk::new();
    let sizes = |run: &str, more: &[&str]| {
        trained(&desk, run, &[&["iris", "--epochs", "30", "--optimizer", "sgd"], more].concat());
        layer(&desk, run, 1).iter().map(|weight| weight.abs()).sum::<f32>()
    };
    let plain = sizes("plain", &[]);
    assert!(sizes("penalised", &["--l1", "0.01"]) < 0.8 * plain);
    let start = sizes("start", &["--learning-rate", "0"]);
    let far = |size: f32| (size - start).abs();
    for clip in ["--clip-norm", "--clip-value"] {
        assert!(far(sizes(&clip[2..], &[clip, "0.0001"])) < 0.1 * far(plain), "{clip}");
        // What is not reached changes nothing but the kernels that do it.
        let unreached = sizes(&format!("{}-far", &clip[2..]), &[clip, "1e9"]);
        assert!((unreached / plain - 1.0).abs() < 1e-3, "{clip}: {unreached}, {plain}");
        let again = ["--config", &format!("{}/run.toml", &clip[2..]), clip, "0"];
        trained(&desk, &format!("{}-none", &clip[2..]), &again);
        assert_eq!(layer(&desk, &format!("{}-none", &clip[2..]), 1), layer(&desk, "plain", 1), "{clip} 0 is none");
    }
}

fn the_average_is_what_is_evaluated_and_saved() {
    let desk = Desk::new();
    let train = ["iris", "--epochs", "20", "--optimizer", "sgd", "--learning-rate", "0.5", "--schedule", "constant"];
    let train = [&train[..], &["--validation", "iris"]].concat();
    trained(&desk, "plain", &train);
    let report = trained(&desk, "average", &[&train[..], &["--weight-average", "0.99"]].concat());
    assert_ne!(layer(&desk, "plain", 1), layer(&desk, "average", 1));
    let evaluated = desk.run(&["evaluate", "average", "iris", "--device", "cpu", "--json"]);
    assert!(evaluated.status.success());
    assert!(report["test"]["accuracy"].as_f64() > Some(0.8), "{report}");
    let losses: Vec<f64> = log(&desk, "average").iter().filter_map(|record| record["validation_loss"].as_f64()).collect();
    let plain: Vec<f64> = log(&desk, "plain").iter().filter_map(|record| record["validation_loss"].as_f64()).collect();
    let jumps = |losses: &[f64]| losses.windows(2).map(|pair| (pair[1] - pair[0]).abs()).sum::<f64>();
    assert!(jumps(&losses) < jumps(&plain), "an average is smoother");
}

/// What is dropped follows from seed and step alone: micro-batches change the order of sums and nothing else.
fn dropped_units_are_others_in_each_step_and_the_same_in_micro_batches() {
    let desk = Desk::new();
    let train = ["iris", "--hidden", "40", "--epochs", "20", "--batch-size", "30"];
    let loss = |run: &str, more: &[&str]| {
        trained(&desk, run, &[&train[..], more].concat());
        log(&desk, run).last().expect("an epoch")["loss"].as_f64().expect("a loss")
    };
    let (plain, half) = (loss("plain", &[]), loss("half", &["--dropout", "0.5"]));
    let (micro, f64s) =
        (loss("micro", &["--dropout", "0.5", "--accumulate", "4"]), ["--dropout", "0.5", "--precision", "f64"]);
    assert!(half > plain * 1.2, "noise makes training harder: {half} with, {plain} without");
    assert!((micro / half - 1.0).abs() < 1e-3, "{micro} in micro-batches, {half} at once");
    assert!((loss("double", &f64s) / half - 1.0).abs() < 1e-3, "the same units in f64");
    assert!((loss("seed", &["--dropout", "0.5", "--seed", "1"]) - half).abs() > 1e-4, "another seed drops others");
    assert_eq!(loss("zero", &["--dropout", "0"]), plain);
}

/// A factor of 1 changes nothing, one of 0 keeps a layer as it is, and one for all layers is a learning rate.
fn each_layer_learns_at_its_own_rate() {
    let desk = Desk::new();
    let train = ["iris", "--hidden", "6", "--epochs", "4", "--optimizer", "sgd", "--init", "start"];
    trained(&desk, "start", &["iris", "--hidden", "6", "--epochs", "0"]);
    for (run, more) in [
        ("plain", &["--learning-rate", "0.25"][..]),
        ("ones", &["--learning-rate", "0.25", "--layer-rates", "1,1"]),
        ("half", &["--learning-rate", "0.5", "--layer-rates", "0.5,0.5"]),
        ("quarter", &["--learning-rate", "1", "--layer-rates", "0.25,0.25"]),
        ("last", &["--layer-rates", "0,1"]),
        ("frozen", &["--freeze", "1"]),
    ] {
        trained(&desk, run, &[&train[..], more].concat());
    }
    for [one, other] in [["plain", "ones"], ["half", "quarter"]] {
        assert_eq!([1, 2].map(|l| layer(&desk, other, l)), [1, 2].map(|l| layer(&desk, one, l)), "{other}");
    }
    assert_eq!(layer(&desk, "last", 1), layer(&desk, "start", 1));
    assert_eq!([1, 2].map(|l| layer(&desk, "last", l)), [1, 2].map(|l| layer(&desk, "frozen", l)));
    assert_ne!(layer(&desk, "last", 2), layer(&desk, "start", 2));
}

fn smoothed_labels_keep_a_network_from_certainty() {
    let desk = Desk::new();
    let certainty = |run: &str, more: &[&str]| {
        trained(&desk, run, &[&["iris", "--epochs", "150", "--learning-rate", "0.01", "--split", "1/0/0"], more].concat());
        let output = desk.run(&["predict", run, "iris", "--device", "cpu", "--probabilities"]);
        let text = String::from_utf8(output.stdout).expect("UTF-8");
        let largest = |line: &str| line.split(',').filter_map(|cell| cell.parse::<f64>().ok()).fold(0.0, f64::max);
        let sum: f64 = text.lines().skip(1).map(largest).sum();
        sum / (text.lines().count() - 1) as f64
    };
    let (sharp, smooth) = (certainty("sharp", &[]), certainty("smooth", &["--label-smoothing", "0.3"]));
    // 1 - 0.3 + 0.3 / 3 is what it is taught.
    assert!(sharp > 0.93 && (0.7..0.87).contains(&smooth), "{sharp}, {smooth}");
}

/// A line with a little noise; an eighth of the rows are far above it.
fn with_outliers() -> String {
    (0..400).fold("x,y\n".to_string(), |mut text, row| {
        let (x, noise) = ((row % 37) as f64 * 0.1, (row * 7 % 11) as f64 * 0.02 - 0.1);
        let outlier = if row % 8 == 3 { 40.0 } else { 0.0 };
        writeln!(text, "{x:.1},{:.2}", 3.0 * x - 1.0 + noise + outlier).expect("a string");
        text
    })
}

fn losses_that_grow_slowly_are_not_drawn_to_outliers() {
    let desk = Desk::new();
    desk.write("rows.csv", with_outliers());
    let train = "rows.csv --hidden none --split 1/0/0 --epochs 100 --learning-rate 0.02 --schedule cosine --loss";
    let train: Vec<&str> = train.split(' ').collect();
    let median = |run: &str, loss: &[&str]| {
        trained(&desk, run, &[&train[..], loss].concat());
        let output = desk.run(&["predict", run, "rows.csv", "--device", "cpu"]);
        let predicted = String::from_utf8(output.stdout).expect("UTF-8");
        let x = (0..400).map(|row| f64::from(row % 37) * 0.1);
        let predicted = predicted.lines().skip(1).map(|line| line.parse::<f64>().expect("a number"));
        let mut errors: Vec<f64> = x.zip(predicted).map(|(x, y)| (y - 3.0 * x + 1.0).abs()).collect();
        errors.sort_by(f64::total_cmp);
        errors[200]
    };
    let squared = median("squared", &["squared-error"]);
    assert!((4.0..6.0).contains(&squared), "an eighth of 40 away: {squared}");
    for (run, loss) in [
        ("absolute", &["absolute-error"][..]),
        ("doubled", &["absolute-error", "--precision", "f64"]),
        ("mixed", &["absolute-error", "--precision", "mixed"]),
        ("huber", &["huber", "--huber-delta", "0.05"]),
        ("huber-doubled", &["huber", "--huber-delta", "0.05", "--precision", "f64"]),
        // Of standard deviations of the target, which are 13: an outlier is three of them away.
        ("huber-weighted", &["huber", "--huber-delta", "0.05", "--weight-average", "0.9", "--accumulate", "3"]),
    ] {
        let error = median(run, loss);
        assert!(error < 0.2, "{run}: {error} against {squared}");
        let check = ["gradcheck", run, "rows.csv", "--rows", "400"];
        ended(0, &check, &desk.run(&check)).expect("the gradients are the differences of the loss");
    }
    assert!(median("huber-wide", &["huber", "--huber-delta", "100"]) > 4.0, "half a square over all errors");
}

fn hubers_delta_is_kept_wherever_the_loss_is() {
    let desk = Desk::new();
    desk.write("rows.csv", with_outliers());
    let train = ["rows.csv", "--loss", "huber", "--huber-delta", "0.25", "--hidden", "4", "--schedule", "constant"];
    let report = trained(&desk, "whole", &[&train[..], &["--epochs", "6"]].concat());
    assert_eq!((&report["network"]["loss"], &report["network"]["loss_number"]), (&"huber".into(), &0.25.into()));
    trained(&desk, "parts", &[&train[..], &["--epochs", "3"]].concat());
    let resume = ["train", "--resume", "parts", "--epochs", "6"];
    let said = ended(0, &resume, &desk.run(&resume)).expect("goes on");
    assert!(said.contains("huber with delta 0.25"), "{said}");
    desk.same("whole", "parts").expect("resumed to the same bits");
    trained(&desk, "again", &["--config", "whole/run.toml"]);
    desk.same("whole", "again").expect("the same bits from run.toml");
    let settings = String::from_utf8(desk.bytes("whole/run.toml")).expect("UTF-8");
    assert!(settings.contains("loss = \"huber\"") && settings.contains("huber-delta = 0.25"), "{settings}");
    let inspected = String::from_utf8(desk.run(&["inspect", "whole"]).stdout).expect("UTF-8");
    assert!(inspected.contains("loss huber with delta 0.25"), "{inspected}");
    let page = String::from_utf8(desk.bytes("whole/report.html")).expect("UTF-8");
    assert!(page.contains("huber (0.25)"), "the page says it");
    let tuned = trained(&desk, "tuned", &["rows.csv", "--finetune", "whole", "--epochs", "1"]);
    assert_eq!(tuned["network"]["loss_number"], 0.25);
    // Another delta is another loss, and one that is not said is 1.
    trained(&desk, "other", &[&train[..3], &train[5..], &["--epochs", "6"]].concat());
    assert_ne!(layer(&desk, "whole", 2), layer(&desk, "other", 2));
    let plain = trained(&desk, "plain", &["--config", "whole/run.toml", "--loss", "squared-error", "--epochs", "1"]);
    assert_eq!((&plain["network"]["loss"], &plain["network"]["loss_number"]), (&"squared-error".into(), &Value::Null));
    desk.write("moved.csv", desk.bytes("rows.csv"));
    let moved = ["train", "moved.csv", "--resume", "whole", "--epochs", "7"];
    ended(0, &moved, &desk.run(&moved)).expect("the same rows under another name");
    let unnamed = refused(&desk, 2, &["rows.csv", "--finetune", "whole", "--new-output", "--huber-delta", "1"]);
    assert!(unnamed.contains("goes with --loss huber"), "{unnamed}");
    let changed = ["train", "--resume", "whole", "--epochs", "8", "--huber-delta", "0.5"];
    let said = ended(8, &changed, &desk.run(&changed)).expect("another run");
    assert!(said.contains("huber-delta was 0.25 and is 0.5"), "{said}");
    for (arguments, why) in [
        (&["rows.csv", "--loss", "huber", "--huber-delta", "0"][..], "above 0"),
        (&["rows.csv", "--loss", "huber", "--huber-delta=-1"], "above 0"),
        (&["rows.csv", "--huber-delta", "1"], "goes with --loss huber"),
        (&["rows.csv", "--finetune", "whole", "--huber-delta", "1"], "the model says that itself"),
    ] {
        let said = refused(&desk, 2, arguments);
        assert!(said.contains(why), "{said}");
    }
}

fn a_plateau_drops_the_rate_and_a_resumed_run_remembers_it() {
    let desk = Desk::new();
    let plateau = ["--schedule", "plateau", "--plateau-patience", "2", "--step-factor", "0.5"];
    let train = [&["iris", "--optimizer", "sgd", "--learning-rate", "0.5"], &plateau[..]].concat();
    trained(&desk, "whole", &[&train[..], &["--epochs", "30"]].concat());
    let records = log(&desk, "whole");
    let rates: Vec<f64> = records.iter().map(|record| record["learning_rate"].as_f64().expect("a rate")).collect();
    let (mut least, mut since, mut rate) = (f64::INFINITY, 0, 0.5);
    for (record, &shown) in records.iter().zip(&rates) {
        assert_eq!(shown, rate, "{record}");
        let loss = record["validation_loss"].as_f64().expect("a loss");
        (least, since) = if least.is_infinite() || loss < least - 1e-4 * least { (loss, 0) } else { (least, since + 1) };
        if since > 2 {
            (rate, since) = (rate * 0.5, 0);
        }
    }
    assert!(rates.last() < Some(&0.5), "it has dropped: {rates:?}");
    trained(&desk, "parts", &[&train[..], &["--epochs", "17"]].concat());
    let resume = ["train", "--resume", "parts", "--epochs", "30"];
    ended(0, &resume, &desk.run(&resume)).expect("goes on");
    desk.same("whole", "parts").expect("the same bits");
}

/// Everything at once: interrupted, resumed and from its `run.toml`.
fn all_options_together_are_the_same_again() {
    let desk = Desk::new();
    desk.write("rows.csv", lopsided());
    let options = "--target y --weight-column trust --class-weights rare=2 --hidden 6,5 --freeze 2 --layer-rates 0.5,1,2 --l1 0.0001 --clip-norm 0.5 \
                   --weight-average 0.98 --label-smoothing 0.1 --dropout 0.2,0.1 --schedule plateau --plateau-patience 1 --accumulate 3 \
                   --batch-size 20";
    let train: Vec<&str> = ["rows.csv"].into_iter().chain(options.split(' ').filter(|word| !word.is_empty())).collect();
    trained(&desk, "whole", &[&train[..], &["--epochs", "12"]].concat());
    trained(&desk, "parts", &[&train[..], &["--epochs", "5"]].concat());
    let resume = ["train", "--resume", "parts", "--epochs", "12"];
    let said = ended(0, &resume, &desk.run(&resume)).expect("goes on");
    let beyond = "with L1 0.0001; gradients clipped to norm 0.5; weights averaged by 0.98; rows weighted; frozen: layer 2; \
                  learning rates of the layers times 0.5, 1, 2; dropout 0.2, 0.1";
    assert!(said.contains(beyond), "{said}");
    desk.same("whole", "parts").expect("resumed to the same bits");
    trained(&desk, "again", &["--config", "whole/run.toml"]);
    desk.same("whole", "again").expect("the same bits from run.toml");
    let changed = ["train", "--resume", "whole", "--epochs", "13", "--l1", "0.1"];
    let said = ended(8, &changed, &desk.run(&changed)).expect("another run");
    assert!(said.contains("l1 was 0.0001 and is 0.1"), "{said}");
}

/// Every row is tested on once; means are those of the folds; each fold is a run like any other.
fn folds_take_turns_and_each_is_a_run_of_its_own() {
    let desk = Desk::new();
    let report = trained(&desk, "folds", &["wine", "--folds", "4", "--epochs", "15", "--seed", "3"]);
    let runs = report["runs"].as_array().expect("runs");
    assert_eq!(runs.len(), 4);
    let tested: u64 = runs.iter().map(|run| run["data"]["test_rows"].as_u64().expect("rows")).sum();
    assert_eq!(tested, 178);
    let accuracies: Vec<f64> = runs.iter().map(|run| run["test"]["accuracy"].as_f64().expect("accuracy")).collect();
    let score = &report["scores"][0];
    assert_eq!(score["name"], "accuracy");
    let mean = accuracies.iter().sum::<f64>() / 4.0;
    assert!((score["mean"].as_f64().expect("a mean") - mean).abs() < 1e-12);
    assert!(score["deviation"].as_f64().expect("a deviation") > 0.0);
    let saved: Value = serde_json::from_slice(&desk.bytes("folds/folds.json")).expect("JSON");
    assert_eq!((&saved["scores"], &saved["trained"]), (&report["scores"], &serde_json::json!([1, 2, 3, 4])));
    trained(&desk, "again", &["--config", "folds/fold-3/run.toml"]);
    desk.same("again", "folds/fold-3").expect("a fold alone has the same bits");
    let said = refused(&desk, 2, &["--resume", "folds"]);
    assert!(said.contains("a cross-validation of 4 folds; name one of them: folds/fold-1"), "{said}");
    // A table for people, a line a fold.
    let arguments = ["train", "wine", "--folds", "2", "--epochs", "2", "-q"];
    let output = desk.run(&arguments);
    ended(0, &arguments, &output).expect("trains");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("mean") && text.contains(" ± ") && text.contains("wgrad report runs/wine-1"), "{text}");
    // Regression: nothing to stratify.
    let report = trained(&desk, "numbers", &["wine-quality", "--folds", "2", "--epochs", "1"]);
    assert_eq!(report["scores"][0]["name"], "r2");
}

/// What a signal breaks off is told, and is no part of the scores.
#[cfg(unix)]
fn a_fold_that_is_broken_off_does_not_count() {
    let desk = Desk::new();
    let train =
        ["train", "wine", "--folds", "3", "--epochs", "1500", "--batch-size", "1", "--device", "cpu", "-q", "-o", "folds"];
    let mut running = desk.command(&train).stdout(std::process::Stdio::piped()).spawn().expect("the binary runs");
    let is_under_way = || desk.path().join("folds/fold-2/metrics.jsonl").exists();
    while !is_under_way() && running.try_wait().expect("a child").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
    let id = running.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    let output = running.wait_with_output().expect("it ends");
    assert_eq!(output.status.code(), Some(130));
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("ended by a signal in fold 2 of 3") && text.contains("--resume folds/fold-2"), "{text}");
    let saved: Value = serde_json::from_slice(&desk.bytes("folds/folds.json")).expect("JSON");
    assert_eq!((&saved["trained"], &saved["interrupted"]), (&serde_json::json!([1]), &serde_json::json!(2)));
    assert_eq!(saved["scores"][0]["values"].as_array().map(Vec::len), Some(1));
}

/// A signal that comes as a fold ends, or while the next one is tried, ends the training.
fn a_signal_between_folds_is_not_lost() {
    let desk = Desk::new();
    let train = ["train", "digits", "--folds", "3", "--device", "cpu", "-q", "-o", "folds"];
    let mut running = desk.command(&train).stdout(std::process::Stdio::piped()).spawn().expect("the binary runs");
    while !desk.path().join("folds/fold-1/report.html").exists() && running.try_wait().expect("a child").is_none() {
        std::thread::sleep(std::time::Duration::from_millis(1));
    }
    let id = running.id().to_string();
    assert!(std::process::Command::new("kill").args(["-INT", &id]).status().expect("kill").success());
    assert_eq!(running.wait_with_output().expect("it ends").status.code(), Some(130));
    assert!(!desk.path().join("folds/fold-3").exists());
}

/// A folder that holds something is refused before the data are looked for.
fn a_used_folder_is_refused_first() {
    let desk = Desk::new();
    desk.write("used/notes.txt", "mine");
    let said = desk.ends(2, &["train", "nothing.csv", "-o", "used"]).expect("a refusal");
    assert!(said.contains("notes.txt"), "{said}");
}

/// Rows of two numbers and a town; whose class is a matter of both, and `kind` of the first alone.
fn towns(rows: usize, shift: f64) -> String {
    (0..rows).fold("x,town,y,class,kind\n".to_string(), |mut text, row| {
        let (x, y) = ((row * 37 % 101) as f64 / 10.0 + shift, (row * 53 % 89) as f64 / 10.0);
        let (town, class) = (["north", "south", "east"][row % 3], if x > y { "more" } else { "less" });
        writeln!(text, "{x},{town},{y},{class},{}", ["low", "middle", "high"][(x as usize / 4).min(2)]).expect("a string");
        text
    })
}

/// Columns, scaling, classes and weights are the model's; the rows are others.
fn a_model_goes_on_on_other_data_as_it_is() {
    let desk = Desk::new();
    desk.write("first.csv", towns(300, 0.0));
    desk.write("other.csv", towns(200, 3.0));
    trained(&desk, "base", &["first.csv", "--target", "class", "--ignore", "kind", "--hidden", "9,8", "--epochs", "10"]);
    let finetune = ["other.csv", "--finetune", "base"];
    trained(&desk, "none", &[&finetune[..], &["--epochs", "0"]].concat());
    for number in 1..=3 {
        assert_eq!(layer(&desk, "none", number), layer(&desk, "base", number), "layer {number} before any step");
    }
    let predicted = |run: &str| {
        let arguments = ["predict", run, "other.csv", "--device", "cpu"];
        let output = desk.run(&arguments);
        ended(0, &arguments, &output).expect("predicts");
        output.stdout
    };
    assert_eq!(predicted("none"), predicted("base"), "columns become the same numbers");
    let train = ["--freeze", "1,2", "--epochs", "6", "--batch-size", "20", "--schedule", "constant"];
    let train = [&finetune[..], &train].concat();
    trained(&desk, "tuned", &train);
    assert_eq!([1, 2].map(|number| layer(&desk, "tuned", number)), [1, 2].map(|number| layer(&desk, "base", number)));
    assert_ne!(layer(&desk, "tuned", 3), layer(&desk, "base", 3));
    trained(&desk, "again", &["--config", "tuned/run.toml"]);
    desk.same("tuned", "again").expect("the same bits from run.toml");
    trained(&desk, "parts", &[&train[..], &["--epochs", "2"]].concat());
    let resume = ["train", "--resume", "parts", "--epochs", "6"];
    ended(0, &resume, &desk.run(&resume)).expect("goes on");
    desk.same("tuned", "parts").expect("resumed to the same bits");
}

fn a_model_goes_on_with_a_new_output() {
    let desk = Desk::new();
    desk.write("first.csv", towns(300, 0.0));
    desk.write("other.csv", towns(200, 3.0));
    trained(&desk, "base", &["first.csv", "--target", "class", "--ignore", "kind", "--hidden", "9", "--epochs", "10"]);
    let report =
        trained(&desk, "kinds", &["other.csv", "--finetune", "base/model.safetensors", "--new-output", "--epochs", "0"]);
    assert_eq!(report["data"]["target"], serde_json::json!(["kind"]), "the last column that is no input");
    assert_eq!(report["network"]["widths"], serde_json::json!([5, 9, 3]));
    assert_eq!(layer(&desk, "kinds", 1), layer(&desk, "base", 1));
    let numbers = ["other.csv", "--finetune", "kinds", "--new-output", "--target", "class", "--weight-column", "kind"];
    assert!(refused(&desk, 3, &numbers).contains("'kind'"), "weights are numbers");
    trained(
        &desk,
        "back",
        &["other.csv", "--finetune", "kinds", "--new-output", "--target", "class", "--epochs", "8", "--folds", "2"],
    );
    desk.write("fewer.csv", "x,town,class\n1,north,more\n");
    desk.write(
        "others.csv",
        "x,town,y,class\n1,north,2,more\n1,north,2,none\n1,west,2,less\n".to_string() + &"1,north,2,less\n".repeat(20),
    );
    for (code, arguments, hint) in [
        (2, "other.csv --finetune base --hidden 5", "--init MODEL takes weights alone"),
        (2, "other.csv --finetune base --target kind", "--new-output"),
        (2, "other.csv --finetune base --scale minmax", "the model says that itself"),
        (2, "other.csv --finetune base --missing mean", "the model says that itself"),
        (2, "other.csv --new-output", "--finetune MODEL"),
        (2, "other.csv --finetune base --new-output --target x", "an input of the model"),
        (3, "fewer.csv --finetune base", "input columns are missing: 'y'"),
        (3, "others.csv --finetune base", "line 3, column 'class': the class 'none'"),
        (8, "other.csv --finetune nowhere", "nowhere"),
    ] {
        let said = refused(&desk, code, &arguments.split(' ').collect::<Vec<_>>());
        assert!(said.contains(hint), "{arguments}: {said}");
    }
}

fn what_is_set_by_its_name_is_as_its_flag() {
    let desk = Desk::new();
    trained(&desk, "flags", &["iris", "--hidden", "5,4", "--activation", "tanh,relu", "--epochs", "3", "--no-bias"]);
    let set = ["hidden=5,4", "activation=tanh,relu", "no-bias=true", "epochs=3"].map(|setting| ["--set", setting]).concat();
    trained(&desk, "set", &[&["iris", "--epochs", "9"], &set[..]].concat());
    desk.same("flags", "set").expect("the same bits");
    let said = refused(&desk, 2, &["iris", "--set", "hiden=5"]);
    assert!(said.contains("did you mean 'hidden'?"), "{said}");
}

fn what_cannot_be_meant_is_refused_with_a_hint() {
    let desk = Desk::new();
    desk.write("rows.csv", lopsided());
    desk.write("bad.csv", "x,y,w\n1,a,1\n2,b,-1\n3,a,1\n4,b,2\n");
    desk.write("gap.csv", "x,y,w\n1,a,1\n2,b,\n3,a,1\n4,b,2\n");
    desk.write("zero.csv", "x,y,w\n1,a,0\n2,b,0\n3,a,0\n4,b,0\n");
    let cases: [(i32, &str, &str); 36] = [
        (2, "rows.csv --target y --class-weights rar=2", "did you mean 'rare'"),
        (2, "rows.csv --target y --class-weights rare", "CLASS=WEIGHT"),
        (2, "rows.csv --target x --class-weights balanced", "classification"),
        (2, "rows.csv --target y --weight-column trus", "did you mean 'trust'"),
        (3, "bad.csv --target y --weight-column w --split 1/0/0", "line 3"),
        (3, "gap.csv --target y --weight-column w --split 1/0/0", "line 3"),
        (3, "zero.csv --target y --weight-column w --split 1/0/0", "above 0"),
        (2, "rows.csv --target y --weight-column y", "this is the target"),
        (3, "rows.csv --target y --class-weights rare=1e300", "the most is"),
        (2, "iris --clip-value 1e-50", "above 0"),
        (2, "iris --clip-norm 1e-50", "above 0"),
        (2, "iris --clip-value -1", "above 0"),
        (2, "iris --clip-norm 1 --clip-value 1", "in one way"),
        (2, "iris --layer-rates 1e39,1", "beyond what single precision holds"),
        (2, "iris --set layer-rates=nan,1", "no number"),
        (2, "iris --weight-average 1", "below 1"),
        (2, "iris --l1 -1", "--l1"),
        (2, "iris --label-smoothing 1", "below 1"),
        (2, "iris --label-smoothing 0.1 --loss squared-error", "cross-entropy"),
        (2, "iris --freeze 3", "layers 1 to 2"),
        (2, "iris --freeze 1,2", "no layer is left"),
        (2, "iris --plateau-patience 3", "--schedule plateau"),
        (2, "iris --accumulate 1000", "at least one"),
        (2, "iris --folds 1", "two at least"),
        (2, "iris --fold 1", "of how many"),
        (2, "iris --folds 3 --fold 4", "the folds 1 to 3"),
        (2, "iris --folds 3 --split 0.8/0.1/0.1", "its last share 0"),
        (2, "iris --folds 3 --test rows.csv", "leave one of the two out"),
        (3, "iris --folds 151", "150 rows make no 151 folds"),
        (2, "- --folds 3", "stdin or a pipe can be read once"),
        (2, "iris --layer-rates 1", "names 1 factors for 2 layers: name one for each"),
        (2, "iris --layer-rates 1,-1", "--layer-rates -1"),
        (2, "iris --dropout 1", "below 1"),
        (2, "iris --dropout 0.1,-0.1 --hidden 5,5", "--dropout -0.1"),
        (2, "iris --dropout 0.1,0.2", "one for all, or one for each"),
        (2, "iris --dropout 0.1 --hidden none", "there are none"),
    ];
    for (code, arguments, hint) in cases {
        let said = refused(&desk, code, &arguments.split(' ').collect::<Vec<_>>());
        assert!(said.contains(hint), "{arguments}: {said}");
    }
    assert!(!desk.path().join("runs").exists(), "nothing is left of what was refused");
}

pub(crate) fn trials() -> Vec<Trial> {
    named![
        class_weights_make_rare_classes_count,
        rows_of_weight_zero_have_no_part,
        frozen_layers_stay_as_they_are_and_the_others_do_not,
        a_penalty_shrinks_weights_and_a_clip_slows_them,
        the_average_is_what_is_evaluated_and_saved,
        dropped_units_are_others_in_each_step_and_the_same_in_micro_batches,
        each_layer_learns_at_its_own_rate,
        smoothed_labels_keep_a_network_from_certainty,
        losses_that_grow_slowly_are_not_drawn_to_outliers,
        hubers_delta_is_kept_wherever_the_loss_is,
        a_plateau_drops_the_rate_and_a_resumed_run_remembers_it,
        all_options_together_are_the_same_again,
        folds_take_turns_and_each_is_a_run_of_its_own,
        #[cfg(unix)]
        a_fold_that_is_broken_off_does_not_count,
        #[cfg(unix)]
        a_signal_between_folds_is_not_lost,
        a_used_folder_is_refused_first,
        a_model_goes_on_on_other_data_as_it_is,
        a_model_goes_on_with_a_new_output,
        what_is_set_by_its_name_is_as_its_flag,
        what_cannot_be_meant_is_refused_with_a_hint,
    ]
}
