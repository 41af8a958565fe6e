//! The first hour with a table of one's own: what stands in the way is said at once, with a command that works; dates; scores that do not
//! come from rows that the model was trained on.

use std::fmt::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::common::{Desk, Failed, Trial};

/// Runs a command that wgrad printed, as a shell would, with more flags behind it.
fn typed(desk: &Desk, command: &str, more: &str) -> Result<String, Failed> {
    let words = command.strip_prefix("wgrad ").ok_or_else(|| format!("no command of wgrad: {command}"))?;
    let script = format!("exec \"$0\" {words} {more}");
    let mut shell = Command::new("sh");
    shell.args(["-c", &script, env!("CARGO_BIN_EXE_wgrad")]).current_dir(desk.path()).stdin(Stdio::null());
    let output = shell.output()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(format!("{command}: {:?}: {said}", output.status).into()) }
}

const QUICKLY: &str = "--epochs 1 --ensemble 1 --device cpu -q";

/// 300 rows with everything that may be wrong with a column, each cell in some of them.
fn customers(dates: impl Fn(usize) -> String, target: impl Fn(usize) -> String) -> String {
    let mut text = String::from("customer,joined,note,nothing,same,age,plan,left\n");
    for row in 0..300 {
        let age = if row % 7 == 3 { String::new() } else { (20 + row * 13 % 50).to_string() };
        let (plan, note) = (["basic", "plus"][row * 5 % 3 % 2], format!("called about {}", row * 17 % 1000));
        let (joined, left) = (dates(row), target(row));
        writeln!(text, "C{},{joined},{note},,7,{age},{plan},{left}", 1000 + row).expect("text grows");
    }
    text
}

fn iso(row: usize) -> String {
    format!("20{:02}-{:02}-{:02}", row % 20 + 1, row * 5 % 12 + 1, row * 11 % 28 + 1)
}

fn american(row: usize) -> String {
    format!("{}/{}/20{:02}", row * 5 % 12 + 1, row * 11 % 28 + 1, row % 20 + 1)
}

fn answer(row: usize) -> String {
    ["no", "yes"][usize::from(row.is_multiple_of(6))].to_owned()
}

/// Whatever is wrong with a table, the command that `wgrad data` ends with works, or says which word is still to be filled in.
fn what_data_advises_can_be_typed() -> Result<(), Failed> {
    let rest = |row: usize| if row % 50 == 7 { String::new() } else { answer(row) };
    let price = |row: usize| format!("{}", 1000 + row * row % 7919);
    let tables = [
        ("iso.csv", customers(iso, answer), "", "--ignore nothing,same,customer,note"),
        ("american.csv", customers(american, answer), "", "--ignore nothing,same,customer,note,joined"),
        ("gaps.csv", customers(iso, rest), "", "--missing drop"),
        ("price.csv", customers(american, price), "", "--ignore"),
        ("classes.csv", customers(american, price), "--task classification", "--task regression"),
        ("target.csv", customers(iso, answer), "--target customer", "--ignore nothing,same,note,customer --target COLUMN"),
        ("last.csv", customers(iso, |_| "no".into()), "", "--target COLUMN"),
        ("ignored.csv", customers(american, answer), "--ignore age", "--ignore age,"),
        ("odd, names.csv", customers(american, answer).replacen("customer,joined", "\"a, b\",'joined'", 1), "", "--ignore"),
    ];
    for (name, text, flags, expected) in tables {
        let desk = Desk::new();
        desk.write(name, text);
        let data: Vec<&str> = ["data", name, "--json"].into_iter().chain(flags.split_whitespace()).collect();
        let output = desk.run(&data);
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let next = report["train"].as_str().ok_or_else(|| format!("{name}: no command: {report}"))?;
        if !next.contains(expected) {
            return Err(format!("{name}: {next}, which lacks {expected}").into());
        }
        let next = next.replace("COLUMN", "plan");
        typed(&desk, &next, QUICKLY).map_err(|error| format!("{name}: {error:?}"))?;
    }
    Ok(())
}

/// A target of numbers that all differ is one, and images have none of their own.
fn a_target_that_differs_in_every_row_is_one() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows: String =
        (0..300).map(|row| format!("{},{},{}\n", row * 7 % 31, row * 5 % 11, 50_000 + row * row * 3)).collect();
    desk.write("houses.csv", format!("sqm,rooms,price\n{rows}"));
    let report: Value = serde_json::from_slice(&desk.run(&["data", "houses.csv", "--json"]).stdout)?;
    let about: Vec<&str> =
        report["advice"].as_array().ok_or("advice")?.iter().filter_map(|advice| advice["about"].as_str()).collect();
    assert!(!about.contains(&"target") && !about.contains(&"obstacle"), "{report}");
    assert_eq!(report["train"], "wgrad train houses.csv");
    let header = "{'descr': '|u1', 'fortran_order': False, 'shape': (50, 2, 2), }\n";
    let pixels = (0..200_u32).map(|place| (place * 37 % 251) as u8).collect();
    let start = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    desk.write("pixels.npy", [start, pixels].concat());
    let report: Value = serde_json::from_slice(&desk.run(&["data", "pixels.npy", "--json"]).stdout)?;
    assert_eq!(report["train"], "wgrad train pixels.npy --labels FILE", "{report}");
    let text = report["advice"][0]["text"].as_str().unwrap_or_default();
    assert!(text.starts_with("images need their labels"), "{report}");
    Ok(())
}

/// What stands in the way is told at once, with the command that was typed, mended.
fn what_stands_in_the_way_is_told_at_once() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("customers.csv", customers(american, answer));
    desk.write("options.toml", "ignore = [\"same\"]\n");
    let commands = [
        ("train customers.csv", 4, "train customers.csv --ignore customer,joined,note,nothing"),
        ("train customers.csv --ignore same,age --seed 3", 4, "train customers.csv --seed 3 --ignore same,age,customer,"),
        ("train --ignore=age customers.csv", 4, "train customers.csv --ignore age,customer,"),
        ("train customers.csv --set ignore=age --set seed=2", 4, "train customers.csv --set seed=2 --ignore age,customer,"),
        ("train customers.csv --set=ignore=age", 4, "train customers.csv --ignore age,customer,"),
        ("train customers.csv --config options.toml", 4, "--config options.toml --ignore same,customer,"),
        ("train customers.csv --folds 3 --ignore note", 3, "train customers.csv --folds 3 --ignore note,customer,"),
        ("train customers.csv --target age --task classification --missing drop --ignore nothing", 3, "--ignore nothing,"),
        ("train customers.csv --target age", 5, "--missing drop"),
    ];
    for (command, obstacles, expected) in commands {
        let words: Vec<&str> = command.split(' ').collect();
        let said = desk.ends(3, &words)?;
        let (told, works) = said.trim_end().rsplit_once("\nthis works: ").ok_or_else(|| format!("{command}: {said}"))?;
        if told.lines().count() != obstacles || !works.contains(expected) {
            return Err(format!("{command}: {obstacles} obstacles, {expected}: {said}").into());
        }
        typed(&desk, works, QUICKLY)?;
    }
    // Where no option helps there is no command.
    let said = desk.ends(3, &["train", "customers.csv", "--target", "same", "--task", "classification"])?;
    assert!(said.contains("nothing to tell apart") && said.contains("'customer'") && !said.contains("this works"), "{said}");
    Ok(())
}

/// Too many classes are no classes, and numbers are told from names.
fn too_many_classes_are_refused_for_what_they_are() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows: String = (0..300).map(|row| format!("{},{},name {row}\n", row % 9, 5000 + row * 37)).collect();
    desk.write("t.csv", format!("x,price,name\n{rows}"));
    let said = desk.ends(3, &["train", "t.csv", "--target", "price", "--task", "classification", "--ignore", "name"])?;
    assert!(said.contains("too many for classes; they are numbers: say --task regression"), "{said}");
    let said = desk.ends(3, &["train", "t.csv"])?;
    assert!(said.contains("too many for classes; name another --target"), "{said}");
    // As many as there may be of small ones.
    let rows: String = (0..300).map(|row| format!("{},c{}\n", row % 9, row % 90)).collect();
    desk.write("many.csv", format!("x,class\n{rows}"));
    desk.ends(0, &[&["train", "many.csv"], &QUICKLY.split(' ').collect::<Vec<_>>()[..]].concat()).map(drop)
}

/// Dates in ISO form are read, and what follows from the day of the week, the season and the time of day is learnt.
fn dates_in_iso_form_are_learnt_from() -> Result<(), Failed> {
    let desk = Desk::new();
    let mut text = String::from("day,busy\n");
    let mut days = Vec::new();
    for (year, leap) in [(2021, 0), (2022, 0), (2023, 0), (2024, 1)] {
        for (month, last) in [31, 28 + leap, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31].into_iter().enumerate() {
            days.extend((1..=last).map(|day| format!("{year}-{:02}-{day:02}", month + 1)));
        }
    }
    // 2021 began on a Friday.
    for (place, day) in days.iter().enumerate() {
        writeln!(text, "{day},{}", if (place + 4) % 7 >= 5 { "no" } else { "yes" }).expect("text grows");
    }
    desk.write("days.csv", &text);
    let train = ["train", "days.csv", "--device", "cpu", "-q", "-o", "run", "--json"];
    let output = desk.run(&train);
    let report: Value = serde_json::from_slice(&output.stdout)?;
    assert!(report["test"]["accuracy"].as_f64() > Some(0.97), "{report}");
    // Other years, and other ways to write a date.
    desk.write("other.csv", "day\n2031-06-02\n2031/06/01\n2031-06-02T23:59:00Z\n2031-06-03 00:30+02:00\n");
    let output = desk.run(&["predict", "run", "other.csv", "-q"]);
    let said = String::from_utf8(output.stdout)?;
    assert_eq!(said.lines().skip(1).collect::<Vec<_>>(), ["yes", "no", "yes", "yes"], "{said}");
    // What is no date has its place told.
    desk.write("wrong.csv", "day\n2031-06-02\n2.6.2031\n");
    let said = desk.ends(3, &["predict", "run", "wrong.csv"])?;
    assert!(said.contains("line 3, column 'day': '2.6.2031' is no date in ISO form"), "{said}");
    // As categories only where it is said.
    let said = desk.ends(0, &["train", "days.csv", "--categorical", "day", "--epochs", "1", "--device", "cpu"])?;
    assert!(said.contains("from 1 columns in 1315 inputs"), "{said}");
    // Single cells that are no dates are named, and may mark what is missing.
    desk.write("marked.csv", text.replacen("2021-01-05", "0000-00-00", 1).replacen("2022-01-05", "0000-00-00", 1));
    let said = desk.ends(3, &["train", "marked.csv", "--device", "cpu"])?;
    assert!(said.contains("but '0000-00-00' is none: mend it, or say --missing-values 0000-00-00 if it marks"), "{said}");
    let mend = ["train", "marked.csv", "--missing-values", "0000-00-00", "--epochs", "1", "--device", "cpu", "-q"];
    desk.ends(0, &mend)?;
    let output = desk.run(&["data", "marked.csv", "--missing-values", "0000-00-00", "--json"]);
    let data: Value = serde_json::from_slice(&output.stdout)?;
    assert_eq!(data["columns"][0]["type"], "date", "{data}");
    assert_eq!(
        (&data["columns"][0]["missing"], &data["columns"][0]["days"][0]),
        (&2.into(), &"2021-01-01".into()),
        "{data}"
    );
    Ok(())
}

/// Every class is dealt out alike unless somebody says otherwise.
fn classes_are_dealt_out_alike() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows: String = (0..400_usize)
        .map(|row| format!("{},{}\n", row % 7, if row.is_multiple_of(20) { "rare" } else { "usual" }))
        .collect();
    desk.write("t.csv", format!("x,class\n{rows}"));
    for seed in ["0", "1", "2"] {
        let run = format!("run{seed}");
        let train = ["train", "t.csv", "--seed", seed, "-o", &run, "--json"];
        let train: Vec<&str> = train.into_iter().chain(QUICKLY.split(' ')).collect();
        let report: Value = serde_json::from_slice(&desk.run(&train).stdout)?;
        let rows: Vec<u64> = report["test"]["classes"]
            .as_array()
            .ok_or("classes")?
            .iter()
            .filter_map(|class| class["support"].as_u64())
            .collect();
        assert_eq!(rows, [2, 38], "{report}");
    }
    let options = String::from_utf8(desk.bytes("run0/run.toml"))?;
    assert!(options.contains("stratify = true"), "{options}");
    Ok(())
}

/// 500 rows of numbers that are all different, and whether they are large.
fn numbers(desk: &Desk) -> Vec<String> {
    let cell = |place: usize| ((place as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 40) as f64 / 65_536.0;
    let row = |row: usize| {
        let (a, b) = (cell(3 * row), cell(3 * row + 1));
        let is_large = a + b + cell(3 * row + 2) / 2.0 > 320.0;
        format!("{a},{b},{}", if is_large { "large" } else { "small" })
    };
    let rows: Vec<String> = (0..500).map(row).collect();
    desk.write("t.csv", format!("a,b,size\n{}\n", rows.join("\n")));
    rows
}

fn evaluated(desk: &Desk, arguments: &str) -> Result<(Value, String), Failed> {
    let words: Vec<&str> =
        ["evaluate"].into_iter().chain(arguments.split(' ')).chain(["--json", "--device", "cpu"]).collect();
    let output = desk.run(&words);
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("{arguments}: {said}").into());
    }
    Ok((serde_json::from_slice(&output.stdout)?, said))
}

/// A run's own rows are judged without naming them, to the scores that training told.
fn a_run_is_judged_by_its_own_rows() -> Result<(), Failed> {
    let desk = Desk::new();
    numbers(&desk);
    desk.write("more.csv", "a,b,size\n10,20,small\n200,250,large\n100,20,small\n");
    let trainings = [
        ("plain", "train t.csv --hidden 8 --epochs 3"),
        ("other", "train t.csv --hidden 8 --epochs 3 --split 0.5/0.2/0.3 --seed 4 --stratify=false"),
        ("file", "train t.csv --hidden 8 --epochs 3 --test more.csv"),
        ("parts", "train t.csv --hidden 8 --epochs 3 --memory 1KiB"),
        ("double", "train t.csv --hidden 8 --epochs 3 --precision f64 --label-smoothing 0.1"),
        ("tuned", "train t.csv --finetune plain --epochs 2"),
        ("embedded", "train iris --hidden 8 --epochs 3"),
    ];
    for (run, training) in trainings {
        let words: Vec<&str> = training.split(' ').chain(["--device", "cpu", "-q", "--json", "-o", run]).collect();
        let output = desk.run(&words);
        let report: Value = serde_json::from_slice(&output.stdout)?;
        let (own, said) = evaluated(&desk, run)?;
        if own["evaluation"] != report["test"]
            || own["rows"] != "test"
            || said.contains("rows that the model was trained on")
        {
            return Err(format!("{training}: {report}, {own}, {said}").into());
        }
        let (training_rows, _) = evaluated(&desk, &format!("{run} --rows training"))?;
        assert_eq!(training_rows["evaluation"]["rows"], report["data"]["training_rows"], "{training}");
    }
    let (validation, _) = evaluated(&desk, "other --rows validation")?;
    assert_eq!(validation["evaluation"]["rows"], 100);
    // The gate that does not leak.
    desk.ends(4, &["evaluate", "other", "--min", "accuracy=0.9999", "-q"])?;
    let refused = [
        (2, "evaluate plain --rows validation", "has no validation rows: 450 training, 0 validation and 50 test rows"),
        (2, "evaluate plain --delimiter ;", "a run's own rows are read as the run says"),
        (2, "evaluate plain t.csv --rows test --delimiter ;", "a run's own rows are read as the run says"),
        (2, "evaluate plain --min log-loss=0.1", "of log-loss lower is better: say --max log-loss=0.1"),
    ];
    for (code, command, expected) in refused {
        let said = desk.ends(code, &command.split(' ').collect::<Vec<_>>())?;
        assert!(said.contains(expected), "{command}: {said}");
    }
    // The data are elsewhere now, and the model that another was fine-tuned from is gone.
    std::fs::create_dir(desk.path().join("moved"))?;
    std::fs::rename(desk.path().join("t.csv"), desk.path().join("moved/other name.csv"))?;
    let said = desk.ends(3, &["evaluate", "plain"])?;
    assert!(said.contains("wgrad evaluate plain FILE --rows test"), "{said}");
    let output = desk.run(&["evaluate", "plain", "moved/other name.csv", "--rows", "test", "--json"]);
    let moved: Value = serde_json::from_slice(&output.stdout)?;
    assert!(moved["evaluation"]["rows"] == 50 && moved["rows"] == "test", "{moved}");
    std::fs::rename(desk.path().join("moved/other name.csv"), desk.path().join("t.csv"))?;
    std::fs::rename(desk.path().join("plain"), desk.path().join("plain.away"))?;
    assert_eq!(evaluated(&desk, "tuned")?.0["evaluation"]["rows"], 50);
    std::fs::rename(desk.path().join("plain.away"), desk.path().join("plain"))?;
    // Data that are others now, or elsewhere.
    let text = String::from_utf8(desk.bytes("t.csv"))?;
    let changed = text.replacen("small", "large", 1);
    for other in [changed, format!("{text}1,2,small\n"), text.replacen("a,b", "b,a", 1)] {
        desk.write("t.csv", other);
        let said = desk.ends(3, &["evaluate", "plain"])?;
        assert!(said.contains("is not what plain was trained on any more"), "{said}");
    }
    std::fs::remove_file(desk.path().join("t.csv"))?;
    let said = desk.ends(3, &["evaluate", "plain"])?;
    assert!(said.contains("there is no 't.csv' here, which plain was made from"), "{said}");
    std::fs::create_dir(desk.path().join("elsewhere"))?;
    std::fs::copy(desk.path().join("plain/model.safetensors"), desk.path().join("elsewhere/m.safetensors"))?;
    let said = desk.ends(2, &["evaluate", "elsewhere/m.safetensors"])?;
    assert!(said.contains("lies in no run's folder"), "{said}");
    Ok(())
}

/// Rows that a model was trained on are known in any file, in any order, and are counted; others are not.
fn rows_that_a_model_was_trained_on_are_told() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows = numbers(&desk);
    for precision in ["f32", "f64"] {
        let run = format!("run-{precision}");
        let train = [
            "train",
            "t.csv",
            "--hidden",
            "8",
            "--epochs",
            "2",
            "--device",
            "cpu",
            "-q",
            "--precision",
            precision,
            "-o",
            &run,
        ];
        desk.ends(0, &train)?;
        let (all, said) = evaluated(&desk, &format!("{run} t.csv"))?;
        assert_eq!(all["trained_on"], 450, "{all}");
        let expected = "t.csv: 450 of these 500 rows are rows that the model was trained on, or the same as such";
        assert!(
            said.contains(expected)
                && said.contains(&format!("; wgrad evaluate {run} t.csv --rows test judges the run's own test rows")),
            "{said}"
        );
        // A part of them, backwards, with the columns in another order and rows that are new.
        let cells = |row: &String| row.split(',').map(str::to_owned).collect::<Vec<_>>();
        let part: String =
            rows[..100].iter().rev().map(cells).map(|row| format!("{},x,{},{}\n", row[2], row[1], row[0])).collect();
        desk.write("part.csv", format!("size,new,b,a\n{part}small,x,1.5,2.5\n"));
        let (part, _) = evaluated(&desk, &format!("{run}/model.safetensors part.csv"))?;
        let known = part["trained_on"].as_u64().ok_or("a number")?;
        assert!((80..=100).contains(&known) && part["data"] == "part.csv", "{part}");
        desk.write("new.csv", "a,b,size\n1,2,small\n200,250,large\n");
        let (new, said) = evaluated(&desk, &format!("{run} new.csv"))?;
        assert!(new["trained_on"] == 0 && !said.contains("trained on"), "{new}, {said}");
    }
    // A file to test with that holds rows to train on.
    desk.write("test.csv", format!("a,b,size\n{}\n1,2,small\n", rows[..30].join("\n")));
    let said = desk.ends(0, &["train", "t.csv", "--test", "test.csv", "--epochs", "1", "--device", "cpu", "-q"])?;
    assert!(said.contains("test.csv: 97 % of its rows are the same as training rows"), "{said}");
    let said = desk.ends(0, &["evaluate", "latest", "--device", "cpu"])?;
    assert!(said.contains("test.csv: 97 % of its rows are the same as training rows"), "{said}");
    let said = desk.ends(0, &["train", "t.csv", "--test", "new.csv", "--epochs", "1", "--device", "cpu", "-q"])?;
    assert!(!said.contains("the same as training rows"), "{said}");
    // Where rows are the same by chance, only more of them than that are told.
    let few: String =
        (0..400).map(|row| format!("{},{},{}\n", row * 7 % 3, row * 5 % 2, ["a", "b"][row * 11 % 13 % 2])).collect();
    desk.write("few.csv", format!("x,y,class\n{few}"));
    desk.ends(0, &["train", "few.csv", "--hidden", "4", "--epochs", "1", "--device", "cpu", "-q", "-o", "few"])?;
    desk.write("others.csv", "x,y,class\n1,1,a\n2,0,b\n0,1,a\n2,1,b\n1,0,a\n");
    let (others, said) = evaluated(&desk, "few others.csv")?;
    assert!(others["trained_on"].as_u64() > Some(0) && !said.contains("trained on"), "{others}, {said}");
    // A model without its run says nothing.
    std::fs::remove_file(desk.path().join("few/trained-rows.bin"))?;
    assert_eq!(evaluated(&desk, "few few.csv")?.0["trained_on"], Value::Null);
    desk.write("few/trained-rows.bin", "nonsense");
    let (none, said) = evaluated(&desk, "few few.csv")?;
    assert!(none["trained_on"].is_null() && said.contains("trained-rows.bin: is damaged"), "{none}, {said}");
    Ok(())
}

fn train_on(desk: &Desk, data: &str, more: &[&str]) -> Result<String, Failed> {
    desk.ends(0, &[&["train", data], more, &["--epochs", "1", "--device", "cpu", "-q"]].concat())
}

/// A training that goes on from a model says how many of its test rows that model was trained on, and how to keep them where they were.
fn rows_that_the_first_model_knew_are_told() -> Result<(), Failed> {
    let desk = Desk::new();
    numbers(&desk);
    let short = ["--epochs", "1", "--device", "cpu", "-q"];
    let train = |more: &[&str]| desk.ends(0, &[&["train", "t.csv"], more, &short[..]].concat());
    train(&["--hidden", "8", "--seed", "3", "--split", "0.8/0.1/0.1", "-o", "first"])?;
    let known = "first was trained on ";
    for go_on in [&["--init", "first"][..], &["--finetune", "first"], &["--init", "first/model.safetensors"]] {
        let said = train(go_on)?;
        let flags = "--split 0.8/0.1/0.1 --split-seed 3";
        let is_told = said.contains("was trained on ") && said.contains(" test rows") && said.contains(flags);
        if !is_told {
            return Err(format!("{go_on:?}: {said}").into());
        }
        let kept: Vec<&str> = flags.split(' ').collect();
        let said = train(&[go_on, &kept[..]].concat())?;
        assert!(!said.contains(known), "{go_on:?}: {said}");
    }
    // Judged again, the model that went on says so again, and knows what the first one was trained on.
    train(&["--finetune", "first", "-o", "second"])?;
    let (own, said) = evaluated(&desk, "second")?;
    assert!(said.contains("first was trained on ") && own["rows"] == "test", "{said}");
    desk.write("other.csv", "a,b,size\n1,2,small\n200,250,large\n10,20,small\n210,250,large\n");
    train_on(&desk, "other.csv", &["--finetune", "first", "-o", "third"])?;
    let (all, said) = evaluated(&desk, "third t.csv")?;
    assert!(all["trained_on"] == 400 && said.contains("400 of these 500 rows"), "{said}");
    // The same seed and shares keep the rows where they were.
    let said = train(&["--init", "first", "--seed", "3", "--split", "0.8/0.1/0.1"])?;
    assert!(!said.contains(known), "{said}");
    desk.write("new.csv", "a,b,size\n1,2,small\n200,250,large\n10,20,small\n210,250,large\n");
    let said = desk.ends(0, &[&["train", "new.csv", "--finetune", "first"], &short[..]].concat())?;
    assert!(!said.contains(known), "{said}");
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("what data advises can be typed", what_data_advises_can_be_typed),
        Trial::test("a target that differs in every row is one", a_target_that_differs_in_every_row_is_one),
        Trial::test("what stands in the way is told at once", what_stands_in_the_way_is_told_at_once),
        Trial::test("too many classes are refused for what they are", too_many_classes_are_refused_for_what_they_are),
        Trial::test("dates in ISO form are learnt from", dates_in_iso_form_are_learnt_from),
        Trial::test("classes are dealt out alike", classes_are_dealt_out_alike),
        Trial::test("a run is judged by its own rows", a_run_is_judged_by_its_own_rows),
        Trial::test("rows that a model was trained on are told", rows_that_a_model_was_trained_on_are_told),
        Trial::test("rows that the first model knew are told", rows_that_the_first_model_knew_are_told),
    ]
}
