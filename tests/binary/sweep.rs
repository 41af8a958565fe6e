//! `wgrad sweep`: each trial is what `train` makes of its run.toml, sweeps that are broken off go on to the same bits, and what cannot be
//! meant is refused before anything is trained.

use std::collections::BTreeMap;
use std::fs;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::common::{Desk, Failed, Shared, Trial, ended};
use wgrad::model::Model;
use wgrad::random::{Purpose, Stream};
use wgrad::training::Options;

/// The lines of a sweep's `trials.jsonl`, by trial, those of folds a thousand apart.
fn records(desk: &Desk, sweep: &str) -> Result<BTreeMap<u64, Value>, Failed> {
    let text = fs::read_to_string(desk.path().join(sweep).join("trials.jsonl"))?;
    let mut records = BTreeMap::new();
    for line in text.lines() {
        let record: Value = serde_json::from_str(line)?;
        let number = 1000 * record["fold"].as_u64().unwrap_or(0) + record["trial"].as_u64().ok_or("a number")?;
        if records.insert(number, record).is_some() {
            return Err(format!("trial {number} has two lines").into());
        }
    }
    Ok(records)
}

/// What a sweep prints with --json.
fn swept(desk: &Desk, arguments: &[&str]) -> Result<Value, Failed> {
    let output = desk.run(&[&["sweep", "--json", "-q"], arguments].concat());
    ended(0, arguments, &output)?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// The same of arguments that are written as one text.
fn swept_by(desk: &Desk, arguments: &str) -> Result<Value, Failed> {
    swept(desk, &arguments.split(' ').collect::<Vec<_>>())
}

/// Trains a trial again by its run.toml, and holds its weights to those of the sweep.
fn is_trained_again(desk: &Desk, sweep: &str, record: &Value) -> Result<(), Failed> {
    let (number, again) = (&record["trial"], format!("{sweep}-{}", record["trial"]));
    let fold = record["fold"].as_u64().map_or(String::new(), |fold| format!("/fold-{fold}"));
    let config = format!("{sweep}/trial-{number}{fold}/run.toml");
    // One that left the finite numbers in its first epoch does so again.
    let code = if record["epochs"] == 0 { 7 } else { 0 };
    desk.ends(code, &["train", "--config", &config, "-q", "-o", &again])?;
    if code == 7 {
        return Ok(());
    }
    let weights = Model::load(&desk.path().join(&again).join("model.safetensors"))?.weights.checksum();
    if record["weights"] != weights.as_str() {
        return Err(format!("trial {number} of {sweep}: {record}, alone {weights}").into());
    }
    fs::remove_dir_all(desk.path().join(again))?;
    Ok(())
}

/// Values of every option that can vary; the others that they need beside them.
const VARIED: [(&str, &str, &str); 39] = [
    ("ignore", "sepal_length/petal_width", ""),
    ("categorical", "petal_length/petal_width", ""),
    ("missing", "mean/median", ""),
    ("missing-values", "NA/-1", ""),
    ("scale", "standard/minmax", ""),
    ("bins", "0/4", ""),
    ("hidden", "4..40", ""),
    ("activation", "relu/tanh/gelu", ""),
    ("output-activation", "identity/sigmoid", "--loss squared-error"),
    ("no-bias", "true/false", ""),
    ("init", "he-normal/normal(0.3)", ""),
    ("new-output", "", ""),
    ("loss", "squared-error/absolute-error/huber", "--output-activation sigmoid"),
    ("huber-delta", "0.1..2", "--loss huber --output-activation sigmoid"),
    ("reduction", "mean/sum", ""),
    ("optimizer", "adam/adamw/sgd/momentum/nesterov/rmsprop", ""),
    ("learning-rate", "1e-3..1e-1:log", ""),
    ("momentum", "0.5..0.95", "--optimizer momentum"),
    ("beta1", "0.5..0.95", ""),
    ("beta2", "0.9..0.999", ""),
    ("epsilon", "1e-8..1e-2:log", ""),
    ("l1", "1e-5..1e-2:log", ""),
    ("clip-norm", "0.1..2", ""),
    ("clip-value", "0.01..1:log", ""),
    ("weight-average", "0.5..0.99", ""),
    ("dropout", "0.1..0.6", ""),
    ("loss-scale", "", ""),
    ("label-smoothing", "0/0.1/0.2", ""),
    ("class-weights", "balanced/setosa=2", ""),
    ("weight-column", "", ""),
    ("freeze", "1/2", ""),
    ("layer-rates", "0.1,1/1,0.5", ""),
    ("weight-decay", "1e-5..1e-1:log", ""),
    ("schedule", "constant/step/cosine/plateau", ""),
    ("warmup", "0..3", ""),
    ("step-every", "1..4", "--schedule step"),
    ("plateau-patience", "1..3", "--schedule plateau --learning-rate 0.3 --epochs 14"),
    ("step-factor", "0.1..0.9", "--schedule step"),
    ("batch-size", "4..64:log2", ""),
];
/// Options that vary beside another one, or need what a table of flowers does not have.
const BESIDE: [(&str, &str, &str); 4] =
    [("epochs", "2..6", ""), ("no-shuffle", "true/false", ""), ("bootstrap", "true/false", ""), ("seed", "1..50", "")];

/// Every option that can vary: each trial is what its run.toml trains.
fn each_trial_is_what_its_options_train(device: &str) -> Result<(), Failed> {
    let desk = Desk::new();
    let mut held = 0;
    for (key, rules) in Options::rules().filter(|(_, rules)| rules.not_varied.is_none()) {
        let known = VARIED.iter().chain(&BESIDE).find(|(known, ..)| *known == key);
        let (_, values, beside) = known.ok_or_else(|| format!("{key}: write values of it here"))?;
        if values.is_empty() {
            continue;
        }
        let vary = format!("{key}={values}");
        let _ = rules;
        let mut arguments =
            vec!["iris", "--vary", &vary, "--trials", "5", "--search", "random", "-o", &key, "--device", device];
        let is_said = |flag: &str| key == flag;
        if !is_said("epochs") {
            arguments.extend(["--epochs", "4"]);
        }
        if !is_said("hidden") {
            arguments.extend(["--hidden", "6"]);
        }
        arguments.extend(beside.split(' ').filter(|word| !word.is_empty()));
        swept(&desk, &arguments).map_err(|error| format!("{key}: {error:?}"))?;
        let records = records(&desk, &key)?;
        if records.len() < 2 {
            return Err(format!("{key}: {} trials", records.len()).into());
        }
        let different: std::collections::HashSet<String> =
            records.values().map(|record| record["curve"].to_string()).collect();
        if different.len() < 2 && key != "missing" && key != "missing-values" {
            return Err(format!("{key}: all trials have the same curve").into());
        }
        for record in records.values().take(3) {
            is_trained_again(&desk, &key, record)?;
        }
        held += 1;
    }
    if held > 35 { Ok(()) } else { Err(format!("{held} options were held").into()) }
}

/// Several options at once, in groups of different shapes, of a regression, and with a table that is weighted by a column.
fn shapes_take_turns_and_each_trial_is_as_alone(device: &str) -> Result<(), Failed> {
    let desk = Desk::new();
    let rows: String =
        (0..120).map(|row| format!("{},{},{},{}\n", row % 7, row % 11, 1 + row % 3, (row * row) % 13)).collect();
    desk.write("rows.csv", format!("a,b,weight,y\n{rows}"));
    let vary = [
        "hidden=4/9/9,5",
        "optimizer=adam/nesterov",
        "learning-rate=1e-3..1e-1:log",
        "weight-column=weight/b",
        "dropout=0/0.3",
    ];
    let mut arguments = vec!["rows.csv", "--task", "regression", "--trials", "24", "--search", "random", "--epochs", "5"];
    arguments.extend(["--metric", "rmse", "-o", "sweep", "--device", device]);
    vary.iter().for_each(|vary| arguments.extend(["--vary", vary]));
    let report = swept(&desk, &arguments)?;
    let records = records(&desk, "sweep")?;
    for record in records.values() {
        is_trained_again(&desk, "sweep", record)?;
    }
    // The lower the better.
    let best = records.values().filter_map(|record| record["score"].as_f64()).fold(f64::INFINITY, f64::min);
    if report["best"]["score"].as_f64() != Some(best) || records.len() != 24 {
        return Err(format!("{best}: {}", report["best"]).into());
    }
    let table = fs::read_to_string(desk.path().join("sweep/sweep.csv"))?;
    let first = table.lines().nth(1).ok_or("a line")?;
    let is_sorted = first.starts_with(&format!("{},", report["best"]["trial"])) && table.lines().count() == 25;
    let has_head = table.starts_with(
        "trial,hidden,optimizer,learning-rate,weight-column,dropout,ended,epochs,best_epoch,rmse,validation_loss\n",
    );
    if is_sorted && has_head { Ok(()) } else { Err(table.into()) }
}

/// The arguments of a sweep with halving, of several shapes.
const HALVING: [&str; 15] = [
    "digits",
    "--vary",
    "hidden=8/16/24",
    "--vary",
    "learning-rate=1e-4..1e-1:log",
    "--vary",
    "dropout=0/0.2",
    "--trials",
    "48",
    "--epochs",
    "16",
    "--batch-size",
    "32",
    "--device",
    "cpu",
];

/// A quarter of the trials goes on after each rung, those that are better; what ended is what its options train; the best is a run.
fn halving_keeps_the_best_quarter() -> Result<(), Failed> {
    let desk = Desk::new();
    let report = swept(&desk, &[&HALVING[..], &["-o", "sweep"]].concat())?;
    let records = records(&desk, "sweep")?;
    let of = |epochs: u64| records.values().filter(|record| record["epochs"] == epochs).collect::<Vec<_>>();
    let counts = [of(1).len(), of(4).len(), of(16).len()];
    if counts != [36, 9, 3] || of(16).iter().any(|record| record["ended"] != "all-epochs") {
        return Err(format!("{counts:?}").into());
    }
    // The lowest validation loss among the first so many epochs.
    let lowest = |record: &Value, epochs: u64| {
        let losses = record["curve"]["validation_loss"].as_array().into_iter().flatten().filter_map(Value::as_f64);
        losses.take(epochs as usize).fold(f64::INFINITY, f64::min)
    };
    for (rung, next) in [(1, vec![4, 16]), (4, vec![16])] {
        let best_ended = of(rung).iter().map(|record| lowest(record, rung)).fold(f64::INFINITY, f64::min);
        let worst = next.iter().flat_map(|&epochs| of(epochs)).map(|record| lowest(record, rung)).fold(0.0, f64::max);
        if worst > best_ended {
            return Err(format!("after {rung} epochs {worst} went on and {best_ended} did not").into());
        }
    }
    for record in of(1).into_iter().take(3).chain(of(4).into_iter().take(3)).chain(of(16)) {
        is_trained_again(&desk, "sweep", record)?;
    }
    // The best run is an ordinary one.
    let evaluated = desk.run(&["evaluate", "sweep/best", "--json"]);
    ended(0, &["evaluate"], &evaluated)?;
    let evaluated: Value = serde_json::from_slice(&evaluated.stdout)?;
    let test = &report["run"]["test"]["accuracy"];
    if evaluated["evaluation"]["accuracy"] != *test || report["best"]["test_score"] != *test {
        return Err(format!("{}, {test}, {}", evaluated["evaluation"]["accuracy"], report["best"]).into());
    }
    Ok(())
}

/// Each trial is judged by the mean over folds, each fold is what its options train, and the best network is trained on all folds' rows.
fn folds_judge_in_turn() -> Result<(), Failed> {
    let desk = Desk::new();
    let vary = ["--vary", "hidden=4/8", "--vary", "learning-rate=1e-2..1e-1:log", "--vary", "dropout=0/0.1"];
    let arguments = [&["iris", "--folds", "3", "--epochs", "6", "--device", "cpu"], &vary[..]].concat();
    let random = [&arguments[..], &["--trials", "5", "--search", "random", "-o", "random"]].concat();
    let report = swept(&desk, &random)?;
    let all = records(&desk, "random")?;
    if all.len() != 15 {
        return Err(format!("{} lines", all.len()).into());
    }
    for record in all.values() {
        is_trained_again(&desk, "random", record)?;
    }
    for trial in report["trials"].as_array().ok_or("a list")? {
        let number = trial["trial"].as_u64().ok_or("a number")?;
        let scores: Vec<f64> = (1..=3).filter_map(|fold| all[&(1000 * fold + number)]["score"].as_f64()).collect();
        let mean = scores.iter().sum::<f64>() / 3.0;
        if scores.len() != 3 || (trial["score"].as_f64().ok_or("a score")? - mean).abs() > 1e-12 {
            return Err(format!("{scores:?}: {trial}").into());
        }
    }
    let rows = &report["run"]["data"];
    if [&rows["training_rows"], &rows["validation_rows"], &rows["test_rows"]] != [135, 0, 15] {
        return Err(format!("{rows}").into());
    }
    desk.ends(0, &["evaluate", "random/best"])?;
    // A quarter goes on, whole.
    let halved = [&arguments[..], &["--trials", "8", "--search", "halving", "-o", "halved"]].concat();
    swept(&desk, &halved)?;
    let halved = records(&desk, "halved")?;
    let counts = [1, 2, 6].map(|epochs| halved.values().filter(|record| record["epochs"] == epochs).count());
    if counts != [18, 3, 3] {
        return Err(format!("{counts:?}").into());
    }
    for record in halved.values().filter(|record| record["epochs"] != 1) {
        is_trained_again(&desk, "halved", record)?;
    }
    for (more, said) in [
        ("--split 1/0/0", "rows of no fold test the best network"),
        ("--split 0.8/0.1/0.1", "the folds judge"),
        ("--validation rows.csv", "the folds judge, and so do the rows of --validation"),
        ("--fold 2", "trains each trial for all folds"),
    ] {
        let arguments = [&["sweep"], &arguments[..], &more.split(' ').collect::<Vec<_>>(), &["-o", "out"]].concat();
        let told = desk.ends(2, &arguments)?;
        if !told.contains(said) || desk.path().join("out").exists() {
            return Err(told.into());
        }
    }
    Ok(())
}

/// A training that ends after some of its epochs has those of the whole one, and goes on to the same model.
fn a_training_ends_after_some_epochs_and_goes_on() -> Result<(), Failed> {
    let desk = Desk::new();
    let train = ["train", "iris", "--hidden", "4", "--epochs", "6", "--device", "cpu"];
    desk.ends(0, &[&train[..], &["-q", "-o", "whole"]].concat())?;
    let output = desk.run(&[&train[..], &["--stop-after", "2", "-o", "part"]].concat());
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    let lines = |run: &str| fs::read_to_string(desk.path().join(run).join("metrics.jsonl"));
    let loss = |line: &str| serde_json::from_str::<Value>(line).map(|record| record["loss"].clone());
    let (whole, part) = (lines("whole")?, lines("part")?);
    let same =
        whole.lines().zip(part.lines()).all(|(one, other)| matches!((loss(one), loss(other)), (Ok(a), Ok(b)) if a == b));
    if !(said.contains("trained 2 epochs") && said.contains("ended by --stop-after") && same && part.lines().count() == 2) {
        return Err(format!("{said}{part}").into());
    }
    let done = desk.run(&["train", "--resume", "part"]);
    let done = String::from_utf8_lossy(&done.stdout).into_owned();
    if !done.contains("as --stop-after says; wgrad train --resume part --stop-after 4 goes on") {
        return Err(done.into());
    }
    desk.ends(0, &["train", "--resume", "part", "--stop-after", "6", "-q"])?;
    desk.same("whole", "part")
}

/// The records of two sweeps are the same, whatever their order in the files.
fn same(desk: &Desk, one: &str, other: &str) -> Result<(), Failed> {
    let [one, other] = [records(desk, one)?, records(desk, other)?];
    let differ: Vec<&u64> = one.keys().chain(other.keys()).filter(|trial| one.get(*trial) != other.get(*trial)).collect();
    if differ.is_empty() { Ok(()) } else { Err(format!("trials {differ:?} differ").into()) }
}

/// Killed or interrupted at any moment, a sweep goes on to the same trials, with the same bits; so does one to which trials are added.
fn sweeps_that_are_broken_off_go_on(kind: &str) -> Result<(), Failed> {
    let desk = Desk::new();
    let searches: [&[&str]; 3] = [
        &HALVING,
        &[&HALVING[..7], &["--search", "random"], &HALVING[7..]].concat(),
        &[&HALVING[..7], &["--folds", "2", "--trials", "12"], &HALVING[9..]].concat(),
    ];
    let mut stream = Stream::new(std::process::id().into(), Purpose::Test, 3);
    for (number, search) in searches.iter().enumerate() {
        let (whole, kept) = (format!("whole-{number}"), ["--checkpoint-every", "1"]);
        let started = Instant::now();
        desk.ends(0, &[&["sweep", "-q", "-o", &whole], *search, &kept].concat())?;
        let most = started.elapsed();
        let mut broken = 0;
        for attempt in 0..6 {
            let sweep = format!("sweep-{number}-{attempt}");
            let mut arguments: Vec<String> =
                [&["sweep", "-q", "-o", &sweep], *search, &kept].concat().iter().map(ToString::to_string).collect();
            loop {
                let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
                let mut child = desk.command(&words).stdout(Stdio::null()).stderr(Stdio::piped()).spawn()?;
                std::thread::sleep(Duration::from_secs_f64(most.as_secs_f64() * stream.uniform()));
                if child.try_wait()?.is_none() {
                    broken += 1;
                    match kind {
                        "kill" => child.kill()?,
                        signal => drop(
                            Command::new("kill").args([signal, &child.id().to_string()]).stderr(Stdio::null()).status()?,
                        ),
                    }
                }
                let output = child.wait_with_output()?;
                let has_begun = desk.path().join(&sweep).join("sweep.toml").exists();
                match output.status.code() {
                    Some(0) => break,
                    Some(130 | 143) | None if has_begun => {
                        arguments = ["sweep", "-q", "--resume", &sweep].map(str::to_owned).to_vec();
                    }
                    Some(130 | 143) | None => drop(fs::remove_dir_all(desk.path().join(&sweep))),
                    _ => return Err(String::from_utf8_lossy(&output.stderr).into_owned().into()),
                }
            }
            same(&desk, &whole, &sweep)?;
            let models = [&whole, &sweep].map(|sweep| desk.tensors(&format!("{sweep}/best/model.safetensors")));
            if models[0] != models[1] || desk.path().join(&sweep).join("states").exists() {
                return Err(format!("{sweep}: another model, or states that nobody needs").into());
            }
        }
        if broken < 3 {
            return Err(format!("only {broken} sweeps were broken off").into());
        }
    }
    Ok(())
}

/// More trials extend the sequence: those that were there stay, and the new ones are those of a larger sweep.
fn trials_may_grow() -> Result<(), Failed> {
    let desk = Desk::new();
    let of = |trials: &'static str, sweep: &'static str| {
        let vary = ["--vary", "learning-rate=1e-3..1e-1:log", "--vary", "hidden=4/8", "--search", "random"];
        [&["sweep", "iris", "--epochs", "3", "-q", "--trials", trials, "-o", sweep], &vary[..]].concat()
    };
    desk.ends(0, &of("6", "few"))?;
    desk.ends(0, &of("15", "many"))?;
    desk.ends(0, &["sweep", "--resume", "few", "--trials", "15", "-q"])?;
    same(&desk, "few", "many")?;
    // Of one that has ended nothing is trained again.
    let before = desk.bytes("few/trials.jsonl");
    desk.ends(0, &["sweep", "--resume", "few", "-q"])?;
    if desk.bytes("few/trials.jsonl") != before {
        return Err("a sweep that had ended has changed".into());
    }
    let said = desk.ends(2, &["sweep", "--resume", "few", "--trials", "3"])?;
    if !said.contains("has 15 already") {
        return Err(said.into());
    }
    // Trials that are added to halving are compared with each other.
    desk.ends(0, &[&["sweep", "-q", "-o", "halved"], &HALVING[..]].concat())?;
    desk.ends(0, &["sweep", "--resume", "halved", "--trials", "64", "-q"])?;
    let records = records(&desk, "halved")?;
    let whole = records.values().filter(|record| record["ended"] == "all-epochs").count();
    if records.len() == 64 && whole == 4 {
        Ok(())
    } else {
        Err(format!("{} trials, {whole} of them whole", records.len()).into())
    }
}

/// Shards have the trials of the whole sweep, and are put together to the same.
fn shards_are_put_together() -> Result<(), Failed> {
    let desk = Desk::new();
    let of = |sweep: &'static str, more: &[&'static str]| {
        let vary = ["--vary", "learning-rate=1e-3..1e-1:log", "--vary", "hidden=4/8", "--search", "random"];
        [&["sweep", "iris", "--epochs", "3", "-q", "--trials", "10", "-o", sweep], &vary[..], more].concat()
    };
    desk.ends(0, &of("whole", &[]))?;
    for (sweep, shard) in [("one", "1/3"), ("two", "2/3"), ("three", "3/3")] {
        desk.ends(0, &of(sweep, &["--shard", shard]))?;
    }
    desk.ends(0, &["sweep", "--merge", "one", "two", "three", "-o", "merged", "-q"])?;
    same(&desk, "whole", "merged")?;
    let models = ["whole", "merged"].map(|sweep| desk.tensors(&format!("{sweep}/best/model.safetensors")));
    if models[0] != models[1] {
        return Err("the best models differ".into());
    }
    let said = desk.ends(0, &["sweep", "--merge", "one", "three", "-o", "part"])?;
    if !said.contains("3 of 10 trials are in none of these folders") {
        return Err(said.into());
    }
    desk.ends(0, &["sweep", "--resume", "part", "-q"])?;
    same(&desk, "whole", "part")?;
    desk.ends(0, &of("other", &["--shard", "2/3", "--seed", "4"]))?;
    for (folders, said) in [
        (vec!["one", "other"], "they differ in: "),
        (vec!["one", "one"], "one is named twice"),
        (vec!["one", "whole"], "trial 1 is in"),
    ] {
        let arguments = [&["sweep", "--merge"], &folders[..], &["-o", "refused"]].concat();
        let told = desk.ends(2, &arguments)?;
        if !told.contains(said) || desk.path().join("refused").exists() {
            return Err(told.into());
        }
    }
    Ok(())
}

/// `--ensemble` makes one model of the best trials: its members are these trials trained alone, and it is what the sweep's name means.
fn the_best_trials_are_one_model() -> Result<(), Failed> {
    let desk = Desk::new();
    let sweep = "breast-cancer --hidden 6 --vary learning-rate=1e-2..3e-2:log --vary dropout=0/0.2 --trials 8 --search random --epochs 6 \
                 --device cpu -o s --ensemble 3";
    let told = swept_by(&desk, sweep)?;
    let numbers = |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_u64).collect::<Vec<_>>();
    let best: Vec<u64> = told["trials"].as_array().ok_or("trials")?.iter().filter_map(|of| of["trial"].as_u64()).collect();
    let together = &told["ensemble"];
    let taken = numbers(&together["trials"]);
    let places: Vec<usize> = taken.iter().filter_map(|number| best.iter().position(|trial| trial == number)).collect();
    if places.first() != Some(&0) || places.len() < 2 || places.len() != taken.len() || !places.is_sorted() {
        return Err(format!("{together}, best {best:?}").into());
    }
    let mut members = Vec::new();
    for number in &taken {
        let again = format!("again-{number}");
        desk.ends(0, &["train", "--config", &format!("s/trial-{number}/run.toml"), "-q", "-o", &again])?;
        members.extend(desk.tensors(&format!("{again}/model.safetensors")));
    }
    if desk.tensors("s/best/ensemble.safetensors") != members || desk.path().join(format!("s/again-{}", taken[1])).exists() {
        return Err("the members are other networks than the trials".into());
    }
    // Without data the sweep's own test rows, with the model of all of them.
    let judged: Value = serde_json::from_slice(&desk.run(&["evaluate", "s", "--json", "--device", "cpu"]).stdout)?;
    let inspected: Value = serde_json::from_slice(&desk.run(&["inspect", "s", "--json"]).stdout)?;
    if judged["evaluation"]["accuracy"] != together["test_score"] || inspected["ensemble"] != taken.len() {
        return Err(format!("{together}: {judged}, {inspected}").into());
    }
    let predicted = desk.ends(0, &["predict", "s", "breast-cancer", "--spread", "-o", "said.csv"])?;
    let page = fs::read_to_string(desk.path().join("s/report.html"))?;
    let is_told = predicted.contains("the model of its best trials together is s/best/ensemble.safetensors");
    let says = format!("The ensemble predicts the mean of what {} trials predict", taken.len());
    if !is_told || !page.contains(&says) || !page.contains("wgrad predict s DATA --spread") {
        return Err(format!("{predicted}, {page}").into());
    }
    // Each was trained by options of its own, and none by those of the run that the file lies beside.
    let explained = desk.run(&["explain", "s", "breast-cancer", "--member", "2"]);
    let text = String::from_utf8_lossy(&explained.stdout).split_whitespace().collect::<Vec<_>>().join(" ");
    let first = desk.ends(2, &["explain", "s", "breast-cancer", "--epoch", "0"])?;
    if !(text.contains("since the model holds trials of a sweep") && first.contains("holds trials of a sweep")) {
        return Err(format!("{text}, {first}").into());
    }
    let of_best = told["best"]["score"].as_f64();
    if together["score"].as_f64() < of_best {
        return Err(format!("{together} beside {of_best:?}").into());
    }
    // Another number of them, later.
    let fewer = swept(&desk, &["--resume", "s", "--ensemble", "2"])?;
    if numbers(&fewer["ensemble"]["trials"]) != taken[..2] {
        return Err(format!("{fewer}").into());
    }
    // Those that halving ended are trained to their end.
    let halved = "iris --hidden 6 --vary learning-rate=1e-2..1e-1:log --trials 16 --epochs 10 --seed 4 --device cpu -o halved --ensemble 4";
    let halved = swept_by(&desk, halved)?;
    let taken = numbers(&halved["ensemble"]["trials"]);
    let mut members = Vec::new();
    for number in &taken {
        let (config, again) = (format!("halved/trial-{number}/run.toml"), format!("whole-{number}"));
        desk.ends(0, &["train", "--config", &config, "--set", "stop-after=10", "-q", "-o", &again])?;
        members.extend(desk.tensors(&format!("{again}/model.safetensors")));
    }
    if taken.len() < 2 || desk.tensors("halved/best/ensemble.safetensors") != members {
        return Err(format!("{}: other networks than these trials to their end", halved["ensemble"]).into());
    }
    // One that learns nothing has no place in it, whether it was trained to its end before or is only now.
    let poor = "breast-cancer --hidden 6 --vary learning-rate=0.02/0.03/1e-7 --search grid --epochs 6 --device cpu -o poor --ensemble 3";
    let ended = "breast-cancer --hidden 6 --vary learning-rate=0.02/0.03/1e-7/1e-8/1e-9/1e-10 --search halving --trials 6 --epochs 10 \
                 --device cpu -o ended --ensemble 6";
    for (sweep, arguments) in [("poor", poor), ("ended", ended)] {
        let said = desk.ends(0, &[&["sweep", "-q"], &arguments.split(' ').collect::<Vec<_>>()[..]].concat())?;
        let account: Value = serde_json::from_slice(&desk.bytes(&format!("{sweep}/sweep.json")))?;
        let lines = records(&desk, sweep)?;
        let is_poor = |trial: &u64| lines[trial]["options"]["learning-rate"].as_f64() < Some(1e-6);
        let taken = numbers(&account["ensemble"]["trials"]);
        if taken.iter().any(is_poor) || !said.contains("ensemble") || (sweep == "poor" && taken.len() != 2) {
            return Err(format!("{}: {said}", account["ensemble"]).into());
        }
    }
    // A trial is one network, and so starts from one.
    desk.ends(0, &["train", "iris", "--ensemble", "2", "--epochs", "1", "--device", "cpu", "-q", "-o", "two"])?;
    let several = desk.ends(2, &["sweep", "iris", "--init", "two", "--vary", "dropout=0.1/0.2", "--device", "cpu", "-q"])?;
    if !several.contains("it holds the weights of 2 networks, and here it starts 1") {
        return Err(several.into());
    }
    // Only networks of one shape have a mean here, and folds leave no rows to validate with.
    let shapes = "iris --vary hidden=3/5/7 --search grid --epochs 2 --device cpu -o shapes --ensemble 3 -q";
    let alone = desk.ends(0, &[&["sweep"], &shapes.split(' ').collect::<Vec<_>>()[..]].concat())?;
    if !alone.contains("--ensemble 3: no other good trial has the network") || alone.contains("as one model, without") {
        return Err(alone.into());
    }
    let folds = "iris --folds 3 --hidden 4 --vary learning-rate=0.01/0.02/0.03 --search grid --epochs 2 --device cpu -o folds --ensemble 2";
    let folds = swept_by(&desk, folds)?;
    let together = &folds["ensemble"];
    if !(together["score"].is_null() && together["test_score"].is_number() && numbers(&together["trials"]).len() == 2) {
        return Err(format!("{folds}").into());
    }
    Ok(())
}

/// What cannot be meant: a sentence that names the option, its exit code, and nothing is trained.
fn what_cannot_be_meant_is_refused() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", "a,b,y\n1,2,x\n3,4,z\n5,6,x\n7,8,z\n1,3,x\n2,2,z\n3,3,x\n4,5,z\n5,5,x\n6,4,z\n7,7,x\n8,1,z\n");
    for (code, arguments, said) in [
        (2, "iris --vary hiden=3/4", "did you mean 'hidden'?"),
        (2, "iris --vary momentum=0.5..1.5 --optimizer momentum", "from 0 to below 1"),
        (2, "iris --vary learning-rate=0.1..0.01", "the range is empty"),
        (2, "iris --vary hidden=64,32", "there is one point to try"),
        (2, "iris --vary seed=1..2000 --vary epochs=1..2000 --search grid", "1000000 are the most"),
        (2, "iris --vary learning-rate=0.1..1 --search grid", "write learning-rate=0.1..1:5"),
        (2, "iris --vary momentum=0.5..0.9", "no trial can be trained (momentum varies): --momentum goes with --optimizer"),
        (2, "iris --vary hidden=3/4 --split 0.9/0/0.1", "there are no rows to judge trials by"),
        (2, "iris --vary hidden=3/4 --metric rmse", "--metric rmse: is no metric of more than two classes"),
        (2, "iris --vary hidden=3/4 --metric acuracy", "did you mean 'accuracy'?"),
        (2, "iris --vary hidden=3/4 --metric auc", "Choose one of accuracy"),
        (2, "iris --vary epochs=3..90 --search halving", "--vary epochs: halving itself decides"),
        (2, "iris --vary learning-rate=0.1..1 --search halving --shard 1/2", "--shard 1/2: halving compares all trials"),
        (2, "iris --vary learning-rate=0.1..1 --shard 3/2", "write 3/8"),
        (2, "iris --vary hidden=3/4 --trials 0", "--trials"),
        (2, "iris --vary hidden=3/4 --trials 5 --search grid", "a grid tries all of its 2 points"),
        (2, "breast-cancer --vary dropout=0.1/0.2 --ensemble 3 --threshold f1", "choose a threshold of its own"),
        (2, "iris --hidden 3 --vary hidden=4/5", "--hidden is given, and --vary hidden=4/5 varies it"),
        (2, "iris --set hidden=3 --vary hidden=4/5", "--hidden is given"),
        (2, "iris --vary learning-rate=1e-4...1e-1", "write two dots"),
        (2, "iris --vary optimizer=adam/sgd/adam", "'adam' is named twice"),
        (2, "iris --vary dropout=[0.1,0.2]", "write values as in"),
        (2, "iris --vary dropout=0.1..0.2 --trials 3 --search random --shard 4/5", "none is in this shard"),
        (2, "- --vary hidden=3/4", "can be read once: name a file"),
        (2, "breast-cancer --vary hidden=3/4 --threshold f1 --metric f1", "take --metric auc"),
        (
            7,
            "iris --vary learning-rate=1e25/1e28 --optimizer sgd --epochs 3 --hidden 8,8",
            "2 of them left the finite numbers",
        ),
        (2, "--resume nowhere", "holds no sweep"),
        (2, "--resume nowhere --epochs 5", "continues a sweep with its own options"),
        (3, "nothing.csv --vary hidden=3/4", "nothing.csv"),
        (2, "rows.csv --vary hidden=3/4 --device gpu:99", "gpu"),
    ] {
        let words = [&["sweep"], &arguments.split(' ').collect::<Vec<_>>()[..], &["-o", "out"]].concat();
        let words = if arguments.contains("--resume") { &words[..words.len() - 2] } else { &words[..] };
        let code = if arguments.contains("gpu:99") { 5 } else { code };
        let told = desk.ends(code, words)?;
        if !told.contains(said) {
            return Err(format!("{arguments}: {told}").into());
        }
        // What each trial came to is kept.
        if code == 7 {
            fs::remove_dir_all(desk.path().join("out"))?;
        }
        if desk.path().join("out").exists() {
            return Err(format!("{arguments}: there is a folder").into());
        }
    }
    // Some trials contradict themselves: these are left out, and said.
    let vary = ["--vary", "optimizer=adam/momentum", "--vary", "momentum=0.5/0.9", "--search", "grid"];
    let said = desk.ends(0, &[&["sweep", "iris", "--epochs", "2", "--hidden", "4", "-o", "some"], &vary[..]].concat())?;
    if !said.contains("2 of 4 trials (1, 2) are left out: --momentum goes with") || records(&desk, "some")?.len() != 2 {
        return Err(said.into());
    }
    // Files that somebody has changed.
    let settings = fs::read_to_string(desk.path().join("some/sweep.toml"))?;
    desk.write("some/sweep.toml", settings.replace("0.5/0.9", "0.5/0.8"));
    let changed = desk.ends(8, &["sweep", "--resume", "some"])?;
    desk.write("some/sweep.toml", settings);
    let train = desk.ends(2, &["train", "--resume", "some"])?;
    let data = desk.ends(2, &["sweep", "some"])?;
    if !(changed.contains("one of the two files was changed")
        && [train, data].iter().all(|said| said.contains("'wgrad sweep --resume some'")))
    {
        return Err(changed.into());
    }
    // A folder that holds a sweep, and one in which another wgrad works.
    let again = desk.ends(2, &[&["sweep", "iris", "-o", "some"], &vary[..]].concat())?;
    let mut child = desk
        .command(&[&["sweep", "-q", "-o", "busy"], &HALVING[..], &["--trials", "400"]].concat())
        .stdout(Stdio::null())
        .spawn()?;
    let started = Instant::now();
    while !desk.path().join("busy/sweep.toml").exists() && started.elapsed() < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    let busy = desk.ends(2, &["sweep", "--resume", "busy"])?;
    child.kill()?;
    child.wait()?;
    if again.contains("holds a sweep already; wgrad sweep --resume some") && busy.contains("another wgrad works in busy") {
        Ok(())
    } else {
        Err(format!("{again}{busy}").into())
    }
}

/// A sweep ends in order when its time is over, with what there is, and goes on.
fn time_ends_a_sweep_in_order() -> Result<(), Failed> {
    let desk = Desk::new();
    let vary = ["--vary", "learning-rate=1e-3..1e-1:log", "--hidden", "4", "--epochs", "6", "--search", "random"];
    let limits = ["--max-time", "1s", "--trials", "20000"];
    let arguments = [&["sweep", "iris", "-o", "sweep"], &vary[..], &limits].concat();
    let output = desk.run(&arguments);
    ended(0, &arguments, &output)?;
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    if !(said.contains("trials are unfinished; to continue: wgrad sweep --resume sweep") && said.contains("best: trial ")) {
        return Err(said.into());
    }
    desk.ends(0, &["evaluate", "sweep/best"])?;
    desk.ends(0, &["sweep", "--resume", "sweep", "--max-time", "0.2s", "-q"])?;
    Ok(())
}

/// A sweep's folder stands for its best run, and is listed as that; its page is made again to the same bytes.
fn a_sweep_is_known_by_its_name() -> Result<(), Failed> {
    let desk = Desk::new();
    let vary = ["--vary", "learning-rate=1e-3..1e-1:log", "--vary", "hidden=4/8", "--epochs", "3", "--trials", "8"];
    desk.ends(0, &[&["sweep", "iris", "-q", "--device", "cpu"], &vary[..]].concat())?;
    let page = desk.bytes("runs/iris-sweep-1/report.html");
    desk.ends(0, &["report", "iris-sweep-1"])?;
    if desk.bytes("runs/iris-sweep-1/report.html") != page {
        return Err("the page is another one".into());
    }
    let text = String::from_utf8_lossy(&page).into_owned();
    let best = &swept(&desk, &["--resume", "runs/iris-sweep-1"])?["best"];
    let has_all = ["learning-rate", "hidden", "/best DATA", "/run.toml"].iter().all(|word| text.contains(word));
    if !has_all || !text.contains(&format!("trial {}", best["trial"])) {
        return Err(format!("{best}: {text}").into());
    }
    let listed = desk.run(&["runs"]);
    let listed = String::from_utf8_lossy(&listed.stdout).into_owned();
    let alone = desk.run(&["runs", "runs/iris-sweep-1"]);
    if !listed.contains("iris-sweep-1/best") || String::from_utf8_lossy(&alone.stdout) != listed {
        return Err(format!("{listed}{}", String::from_utf8_lossy(&alone.stdout)).into());
    }
    desk.write("new.csv", "sepal_length,sepal_width,petal_length,petal_width\n5.1,3.5,1.4,0.2\n");
    for model in ["runs/iris-sweep-1", "iris-sweep-1", "latest", "runs/iris-sweep-1/best"] {
        let output = desk.run(&["predict", model, "new.csv", "-q"]);
        ended(0, &[model], &output)?;
        if !String::from_utf8_lossy(&output.stdout).contains("setosa") {
            return Err(format!("{model}: {}", String::from_utf8_lossy(&output.stdout)).into());
        }
    }
    // The files of a sweep are no place for others.
    for file in ["trials.jsonl", "sweep.toml", "sweep.csv", "sweep.json"] {
        let output = format!("runs/iris-sweep-1/{file}");
        let said = desk.ends(2, &["predict", "latest", "new.csv", "-o", &output])?;
        if !said.contains("belongs to a run") {
            return Err(said.into());
        }
    }
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let mut trials = vec![
        Trial::test("each trial is what its options train", || each_trial_is_what_its_options_train("cpu")),
        Trial::test("shapes take turns", || shapes_take_turns_and_each_trial_is_as_alone("cpu")),
        Trial::test("halving keeps the best quarter", halving_keeps_the_best_quarter),
        Trial::test("a training ends after some epochs", a_training_ends_after_some_epochs_and_goes_on),
        Trial::test("folds judge in turn", folds_judge_in_turn),
        Trial::test("killed sweeps go on", || sweeps_that_are_broken_off_go_on("kill")).on_unix(),
        Trial::test("interrupted sweeps go on", || sweeps_that_are_broken_off_go_on("-INT")).on_unix(),
        Trial::test("terminated sweeps go on", || sweeps_that_are_broken_off_go_on("-TERM")).on_unix(),
        Trial::test("trials may grow", trials_may_grow),
        Trial::test("shards are put together", shards_are_put_together),
        Trial::test("the best trials are one model", the_best_trials_are_one_model),
        Trial::test("what cannot be meant is refused", what_cannot_be_meant_is_refused),
        Trial::test("a sweep is known by its name", a_sweep_is_known_by_its_name),
        Trial::test("time ends a sweep in order", time_ends_a_sweep_in_order),
    ];
    trials.push(shared.trial("each trial is what its options train, on a GPU".to_owned(), |_| {
        each_trial_is_what_its_options_train("gpu")
    }));
    trials.push(
        shared.trial("shapes take turns on a GPU".to_owned(), |_| shapes_take_turns_and_each_trial_is_as_alone("gpu")),
    );
    trials
}
