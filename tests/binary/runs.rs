//! Runs that are found again: the list of them, `latest` and names without a folder, folders of folds.

use std::fs::{self, File};
use std::time::{Duration, SystemTime};

use crate::common::{Desk, Trial, ended, named};
use serde_json::Value;

/// What a command prints on stdout and on stderr, if it ends with this exit code.
fn told(desk: &Desk, code: i32, command: &str) -> (String, String) {
    let arguments: Vec<&str> = command.split(' ').collect();
    let output = desk.run(&arguments);
    let errors = ended(code, &arguments, &output).unwrap_or_else(|failed| panic!("{failed:?}"));
    (String::from_utf8(output.stdout).expect("UTF-8"), errors)
}

fn printed(desk: &Desk, command: &str) -> String {
    told(desk, 0, command).0
}

fn json(desk: &Desk, command: &str) -> Value {
    serde_json::from_str(&printed(desk, &format!("{command} --json"))).expect("one JSON object")
}

/// A table of two classes and no more than some rows.
fn write_table(desk: &Desk) {
    let row = |row: usize| format!("{},{},{}\n", row * 7 % 60, row * 13 % 50, if row * 7 % 60 > 30 { "yes" } else { "no" });
    desk.write("rows.csv", "a,b,y\n".to_owned() + &(0..120).map(row).collect::<String>());
}

const QUICK: &str = "--device cpu -q --epochs 2";

/// Runs of every kind: `first` is the oldest, and each is a minute younger than the one before.
fn runs_of_every_kind() -> Desk {
    let desk = Desk::new();
    write_table(&desk);
    for (run, more) in [
        ("first", "rows.csv --hidden 8"),
        ("second", "rows.csv --hidden none --optimizer sgd --learning-rate 0.001"),
        ("number", "wine-quality --hidden 4"),
        ("checked", "rows.csv --split 0.8/0.2/0 --hidden 4"),
        ("folds", "rows.csv --folds 3 --hidden 4"),
        ("cut", "rows.csv --hidden 4,4"),
        ("broken", "rows.csv --hidden 4"),
    ] {
        printed(&desk, &format!("train {more} {QUICK} -o runs/{run}"));
    }
    let remove = |name: &str| fs::remove_file(desk.path().join("runs").join(name)).expect(name);
    // As a process that is killed leaves it.
    ["cut/report.json", "cut/report.html", "cut/model.safetensors"].iter().for_each(|name| remove(name));
    desk.write("runs/broken/report.json", "{\"schema\": 1, \"outcome\": {\"data\"");
    desk.write("runs/notes/readme.txt", "no run");
    for (minutes, run) in
        ["first", "second", "number", "checked", "folds/fold-1", "folds/fold-2", "folds/fold-3", "cut", "broken"]
            .iter()
            .enumerate()
    {
        let file = File::options().write(true).open(desk.path().join("runs").join(run).join("run.toml")).expect(run);
        let age = Duration::from_secs(60 * (30 - minutes as u64));
        file.set_modified(SystemTime::now() - age).expect("a time");
    }
    desk
}

fn names(list: &Value) -> Vec<&str> {
    list["runs"].as_array().expect("runs").iter().map(|run| run["name"].as_str().expect("a name")).collect()
}

fn every_run_is_on_a_line_with_what_it_came_to() {
    let desk = runs_of_every_kind();
    let text = printed(&desk, "runs");
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines.iter().all(|line| line.chars().count() <= 80), "{text}");
    let order = ["run", "broken", "cut", "folds", "checked", "number", "second", "first"];
    assert_eq!(lines.iter().map(|line| line.split(' ').next().expect("a word")).collect::<Vec<_>>(), order, "{text}");
    let line = |run: &str| *lines.iter().find(|line| line.starts_with(run)).expect(run);
    assert!(line("broken").contains("damaged: report.json: EOF"), "{text}");
    assert!(line("cut").contains("interrupted, epoch 2 of 2") && line("cut").contains("  4,4  "), "{text}");
    assert!(line("checked").contains("(validation)") && line("number").contains("R² "), "{text}");
    let list = json(&desk, "runs");
    let find = |name: &str| list["runs"].as_array().expect("runs").iter().find(|run| run["name"] == name).expect(name);
    let first: Value = serde_json::from_slice(&desk.bytes("runs/first/report.json")).expect("JSON");
    assert_eq!(find("first")["scores"]["accuracy"], first["outcome"]["test"]["accuracy"]);
    let accuracy = format!("{:.4}", find("first")["scores"]["accuracy"].as_f64().expect("an accuracy"));
    let words: Vec<&str> = line("first").split_whitespace().collect();
    assert_eq!(words[..5], ["first", "accuracy", &accuracy, "rows.csv", "8"], "{text}");
    assert!(line("first").ends_with("30 min ago"), "{text}");
    let folds: Value = serde_json::from_slice(&desk.bytes("runs/folds/folds.json")).expect("JSON");
    let (mean, deviation) = (&folds["scores"][0]["mean"], &folds["scores"][0]["deviation"]);
    assert_eq!((&find("folds")["scores"]["accuracy"], &find("folds")["deviations"]["accuracy"]), (mean, deviation));
    let spread = format!("{:.4} ± {:.4}", mean.as_f64().expect("a mean"), deviation.as_f64().expect("a deviation"));
    assert!(line("folds").contains(&spread), "{text}");
    let states = ["first", "checked", "cut", "broken"].map(|run| find(run)["state"].clone());
    assert_eq!(states, ["ended", "ended", "interrupted", "damaged"]);
    assert!(find("first")["made"].as_str().expect("a moment").ends_with('Z'));
}

fn runs_are_sorted_chosen_and_opened_into_their_folds() {
    let desk = runs_of_every_kind();
    assert_eq!(names(&json(&desk, "runs --sort name"))[..3], ["broken", "checked", "cut"]);
    let by_score = json(&desk, "runs --sort score --metric log-loss --filter rows.csv --filter hidden");
    let losses: Vec<f64> =
        by_score["runs"].as_array().expect("runs").iter().filter_map(|run| run["scores"]["log_loss"].as_f64()).collect();
    assert!(losses.len() == 3 && losses.is_sorted(), "{losses:?}");
    assert_eq!(names(&json(&desk, "runs --filter optimizer=SGD")), ["second"]);
    assert_eq!(names(&json(&desk, "runs --filter wine --filter hidden=4")), ["number"]);
    assert!(told(&desk, 0, "runs --filter nowhere").1.contains("no run in runs has that in its name"));
    assert_eq!(names(&json(&desk, "runs runs/folds")), ["folds/fold-3", "folds/fold-2", "folds/fold-1"]);
    assert_eq!(names(&json(&desk, "runs --folds --filter fold=2")), ["folds/fold-2"]);
    assert_eq!(names(&json(&desk, "runs first")), ["first"]);
    let times = json(&desk, "runs --sort time");
    let seconds: Vec<f64> =
        times["runs"].as_array().expect("runs").iter().filter_map(|run| run["seconds"].as_f64()).collect();
    assert!(seconds.len() == 6 && seconds.is_sorted_by(|a, b| a >= b), "{seconds:?}");
    assert!(told(&desk, 2, "runs elsewhere").1.contains("there is no such folder"));
    let empty = Desk::new();
    assert!(told(&empty, 0, "runs").1.contains("there is no run in runs; wgrad train makes one"));
    assert_eq!(names(&json(&empty, "runs")).len(), 0);
}

/// A run that a wgrad works in says so, whatever its last result was.
fn a_run_under_way_says_so() {
    let desk = Desk::new();
    write_table(&desk);
    printed(&desk, &format!("train rows.csv --hidden 4 {QUICK}"));
    let resume = ["train", "--resume", "latest", "--epochs", "100000000", "-q"];
    let mut child = desk.command(&resume).spawn().expect("the binary runs");
    let started = SystemTime::now();
    let state = || json(&desk, "runs")["runs"][0]["state"].clone();
    let mut seen = state();
    while seen != "running" && started.elapsed().expect("a time") < Duration::from_secs(60) {
        std::thread::sleep(Duration::from_millis(5));
        seen = state();
    }
    let text = printed(&desk, "runs");
    child.kill().expect("killed");
    child.wait().expect("ended");
    assert!(seen == "running" && text.contains("running, epoch "), "{seen}: {text}");
    assert_ne!(state(), "running");
}

fn the_newest_run_and_runs_without_their_folder_are_found_by_every_command() {
    let desk = Desk::new();
    write_table(&desk);
    for _ in 0..2 {
        printed(&desk, &format!("train rows.csv --hidden 4 {QUICK}"));
    }
    for command in [
        "evaluate latest",
        "predict latest rows.csv",
        "inspect latest",
        "export latest --format npz",
        "gradcheck latest rows.csv",
        "report latest",
        "train --resume latest",
        "runs latest",
    ] {
        let said = told(&desk, 0, command).1;
        assert!(said.contains("wgrad: latest is runs/rows-2\n"), "{command}: {said}");
        let said = told(&desk, 0, &format!("{command} -q")).1;
        assert_eq!(said, "", "{command}");
        let said = told(&desk, 0, &command.replace("latest", "rows-1")).1;
        assert!(said.contains("wgrad: rows-1 is runs/rows-1\n"), "{command}: {said}");
    }
    assert!(desk.path().join("runs/rows-2/model.npz").is_file() && desk.path().join("runs/rows-1/model.npz").is_file());
    // What training takes of a run is written down by its path.
    for (flag, written) in [
        ("--finetune latest", "finetune = \"runs/rows-2\""),
        ("--init rows-1", "init = \"runs/rows-1/model.safetensors\""),
        ("--init rows-1/model.safetensors", "init = \"runs/rows-1/model.safetensors\""),
    ] {
        printed(&desk, &format!("train rows.csv {flag} {QUICK} -o out"));
        let options = String::from_utf8(desk.bytes("out/run.toml")).expect("UTF-8");
        assert!(options.contains(written), "{flag}: {options}");
        fs::remove_dir_all(desk.path().join("out")).expect("removed");
    }
    printed(&desk, &format!("train --config latest {QUICK} -o again"));
    desk.same("runs/rows-2", "again").expect("the same run once more");
    // What is there by that very name comes first.
    fs::rename(desk.path().join("again"), desk.path().join("latest")).expect("moved");
    assert!(!told(&desk, 0, "inspect latest").1.contains("latest is"));
    assert!(told(&desk, 8, "inspect rows-7").1.contains("did you mean 'runs/rows-"));
    let empty = Desk::new();
    for command in ["inspect latest", "train --resume latest", "train iris --init latest", "train iris --config latest"] {
        assert!(told(&empty, 8, command).1.contains("latest: there is no run in runs/"), "{command}");
    }
}

fn a_cross_validation_names_its_folds_and_is_compared_as_a_whole() {
    let desk = Desk::new();
    write_table(&desk);
    printed(&desk, &format!("train rows.csv --hidden 4 --folds 3 {QUICK}"));
    for (code, command) in [
        (8, "evaluate runs/rows-1 rows.csv"),
        (8, "predict rows-1 rows.csv"),
        (8, "inspect latest"),
        (8, "export runs/rows-1 --format npz"),
        (8, "train rows.csv --finetune latest"),
        (8, "train rows.csv --init runs/rows-1"),
        (2, "train --resume runs/rows-1"),
        (2, "train --config latest"),
    ] {
        let said = told(&desk, code, command).1;
        assert!(
            said.contains("is a cross-validation of 3 folds; name one of them: runs/rows-1/fold-1"),
            "{command}: {said}"
        );
    }
    told(&desk, 0, "inspect rows-1/fold-2");
    told(&desk, 0, "inspect latest/fold-2");
    let folds: Value = serde_json::from_slice(&desk.bytes("runs/rows-1/folds.json")).expect("JSON");
    let report = json(&desk, "report runs/rows-1");
    assert_eq!(
        (&report["page"], &report["other_test_rows"]),
        (&"runs/rows-1/report.html".into(), &serde_json::json!(["fold"]))
    );
    let page = String::from_utf8(desk.bytes("runs/rows-1/report.html")).expect("UTF-8");
    let score = |name: &str| {
        let score = folds["scores"].as_array().expect("scores").iter().find(|score| score["name"] == name).expect(name);
        format!("{:.4} ± {:.4}", score["mean"].as_f64().expect("a mean"), score["deviation"].as_f64().expect("a deviation"))
    };
    for name in ["accuracy", "balanced_accuracy", "auc", "log_loss"] {
        assert!(page.contains(&format!(">{}</td>", score(name))), "{name}: {}", score(name));
    }
    assert!(page.contains("<td>mean ± deviation</td>") && page.contains("folds of one cross-validation"));
}

fn comparisons_are_called_after_their_runs_and_say_what_they_replace() {
    let desk = Desk::new();
    write_table(&desk);
    for (run, seed) in [("a", "1"), ("b", "2"), ("c", "1 --split-seed 2")] {
        printed(&desk, &format!("train rows.csv --hidden 4 --seed {seed} {QUICK} -o {run}"));
    }
    let (text, said) = told(&desk, 0, "report a b");
    assert_eq!(text, "written: comparison-a-b.html\n");
    assert!(said.contains("since their seed differs") && said.contains("--split-seed"), "{said}");
    let (text, said) = told(&desk, 0, "report b c");
    assert_eq!((text.as_str(), said.as_str()), ("written: comparison-b-c.html\n", ""), "they have the same test rows");
    assert_eq!(printed(&desk, "report a b"), "written: comparison-a-b.html, in place of an earlier one\n");
    assert_eq!(json(&desk, "report a b")["other_test_rows"], serde_json::json!(["seed"]));
    assert_eq!(printed(&desk, "report a b -o comparison-a-b.html"), "written: comparison-a-b.html\n", "it was named");
}

pub(crate) fn trials() -> Vec<Trial> {
    named![
        every_run_is_on_a_line_with_what_it_came_to,
        runs_are_sorted_chosen_and_opened_into_their_folds,
        a_run_under_way_says_so,
        the_newest_run_and_runs_without_their_folder_are_found_by_every_command,
        a_cross_validation_names_its_folds_and_is_compared_as_a_whole,
        comparisons_are_called_after_their_runs_and_say_what_they_replace,
    ]
}
