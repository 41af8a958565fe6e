//! A file means what its owner means, as a user sees it: what a column is, how cells are spelled, what stands before a table, and what is
//! no table at all.

use std::io::Write;
use std::process::{Output, Stdio};
use std::time::{Duration, Instant};

use crate::common::{Desk, Failed, Trial};

/// Trains on the CPU, for some epochs.
fn train(desk: &Desk, arguments: &[&str]) -> Result<String, Failed> {
    desk.ends(0, &[&["train", "--device", "cpu", "-q", "--epochs", "30"], arguments].concat())
}

fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What a command prints that succeeds.
fn printed(desk: &Desk, arguments: &[&str]) -> Result<String, Failed> {
    let output = desk.run(arguments);
    if output.status.success() { Ok(stdout(&output)) } else { Err(format!("{arguments:?}: {output:?}").into()) }
}

/// What a command prints that is given this on stdin.
fn printed_of(desk: &Desk, arguments: &[&str], input: &str) -> Result<String, Failed> {
    let mut child = desk.command(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    child.stdin.take().ok_or("a pipe")?.write_all(input.as_bytes())?;
    let output = child.wait_with_output()?;
    if output.status.success() { Ok(stdout(&output)) } else { Err(format!("{arguments:?}: {output:?}").into()) }
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, actual: &T, expected: &T) -> Result<(), Failed> {
    if actual == expected { Ok(()) } else { Err(format!("{what}: {actual:?}, not {expected:?}").into()) }
}

fn contains(text: &str, part: &str) -> Result<(), Failed> {
    if text.contains(part) { Ok(()) } else { Err(format!("no '{part}' in: {text}").into()) }
}

/// Codes that are text in training for the sake of one of them, and what each adds to x.
const CODES: [(&str, f64); 4] = [("007", 5.0), ("12", -5.0), ("1.50", 1.0), ("A3", 9.0)];

fn coded() -> String {
    let row = |row: usize| {
        let ((code, adds), x) = (CODES[row % 4], (row % 23) as f64 / 10.0);
        format!("{code},{x},{}\n", adds + x)
    };
    "code,x,y\n".to_string() + &(0..200).map(row).collect::<String>()
}

/// The same prediction for a row whatever else is in the file, from a file, stdin, a folder, and rows read in parts.
fn a_prediction_depends_on_its_own_row_alone() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("data.csv", coded());
    train(&desk, &["data.csv", "-o", "run"])?;
    let rows = ["007,0.5,1", "12,0.5,1", "1.50,0.5,1", "A3,0.5,1"];
    desk.write("all.csv", format!("code,x,y\n{}\n", rows.join("\n")));
    let all = printed(&desk, &["predict", "run", "all.csv"])?;
    let expected: Vec<&str> = all.lines().skip(1).collect();
    same("predictions that differ", &expected.iter().collect::<std::collections::BTreeSet<_>>().len(), &4)?;
    for (row, &expected) in rows.iter().zip(&expected) {
        let alone = format!("code,x,y\n{row}\n");
        desk.write("one.csv", &alone);
        desk.write("parts/a.csv", &alone);
        for arguments in [&["one.csv"][..], &["parts"], &["one.csv", "--memory", "1B"]] {
            let told = printed(&desk, &[&["predict", "run"], arguments].concat())?;
            same(&format!("{row} by {arguments:?}"), &told.lines().nth(1), &Some(expected))?;
        }
        let told = printed_of(&desk, &["predict", "run", "-"], &alone)?;
        same(&format!("{row} from stdin"), &told.lines().nth(1), &Some(expected))?;
    }
    // Rows of numbers alone: to judge by, to test with, to validate with and to go on from.
    let numbers: String = coded().lines().filter(|line| !line.starts_with('A')).map(|line| format!("{line}\n")).collect();
    desk.write("numbers.csv", &numbers);
    for memory in [&[][..], &["--memory", "1B"]] {
        let judged = [&["evaluate", "run", "numbers.csv", "--min", "r2=0.9"], memory].concat();
        desk.ends(0, &judged)?;
    }
    let tested = desk.run(&["train", "data.csv", "--test", "numbers.csv", "--epochs", "30", "-o", "tested", "--json", "-q"]);
    let report: serde_json::Value = serde_json::from_slice(&tested.stdout)?;
    let r2 = report["test"]["r2"].as_f64().ok_or("a score")?;
    same("whether it is as good on other rows", &(r2 > 0.9), &true)?;
    let said = train(&desk, &["numbers.csv", "--finetune", "run", "-o", "more"])?;
    same("whether categories are known", &said.contains("never seen"), &false)
}

/// Categories are as they are written: 3.1 and 3.10 are two, ids beyond 2^53 stay apart, 1 and 1.0 are one where one of them is known.
fn categories_are_as_they_are_written() -> Result<(), Failed> {
    let desk = Desk::new();
    let cells = [["3.1", "9007199254740993"], ["3.10", "9007199254740992"], ["3.9", "7"]];
    let row = |row: usize| format!("{},{},{}\n", cells[row % 3][0], cells[row % 3][1], [2.0, 8.0, 5.0][row % 3]);
    desk.write("data.csv", "version,id,seconds\n".to_string() + &(0..90).map(row).collect::<String>());
    train(&desk, &["data.csv", "--categorical", "version,id", "--hidden", "8", "--learning-rate", "0.05", "-o", "run"])?;
    let told = printed(&desk, &["inspect", "run", "--json"])?;
    let model: serde_json::Value = serde_json::from_str(&told)?;
    for (column, expected) in [(0, vec!["3.1", "3.10", "3.9"]), (1, vec!["7", "9007199254740992", "9007199254740993"])] {
        let known = model["columns"][column]["kind"]["categories"].clone();
        same("categories", &known, &serde_json::json!(expected))?;
    }
    for (cell, is_known) in [("7", true), ("7.0", true), ("07", false), ("9007199254740994", false)] {
        desk.write("new.csv", format!("version,id\n3.1,{cell}\n"));
        let said = desk.ends(0, &["predict", "run", "new.csv"])?;
        same(cell, &!said.contains("never seen"), &is_known)?;
    }
    desk.write("new.csv", "version,id\n3.100,7\n");
    contains(&desk.ends(0, &["predict", "run", "new.csv"])?, "'3.100' (1)")
}

/// Classes are called as the data have them, and found however a number is written.
fn classes_keep_their_spelling() -> Result<(), Failed> {
    let desk = Desk::new();
    let row = |row: usize| format!("{},{}\n", row % 3, ["007", "012", "1.0"][row % 3]);
    desk.write("data.csv", "a,code\n".to_string() + &(0..90).map(row).collect::<String>());
    for memory in [&[][..], &["--memory", "1B"]] {
        let folder = format!("run{}", memory.len());
        let said = [&["data.csv", "--task", "classification", "--learning-rate", "0.05", "-o", &folder], memory].concat();
        train(&desk, &said)?;
        desk.write("new.csv", "a\n0\n1\n2\n");
        same("classes", &printed(&desk, &["predict", &folder, "new.csv"])?.as_str(), &"prediction\n007\n012\n1.0\n")?;
        desk.write("truth.csv", "a,code\n0,7\n1,12.0\n2,1\n");
        desk.ends(0, &["evaluate", &folder, "truth.csv", "--min", "accuracy=1"])?;
    }
    Ok(())
}

/// What is put behind a row leaves the row as it is.
fn a_persons_own_cells_are_not_rewritten() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("data.csv", coded());
    train(&desk, &["data.csv", "-o", "run"])?;
    let text = "id;x;code;note\r\n00042; 0.500;007;NA\r\n9007199254740993;+1e0;12;\"two; \"\"parts\"\"\"\r\n\r\n7;1.10;A3; inf \r\n";
    let rows =
        ["id;x;code;note", "00042; 0.500;007;NA", "9007199254740993;+1e0;12;\"two; \"\"parts\"\"\"", "7;1.10;A3; inf "];
    desk.write("new.csv", text);
    desk.write("parts/a.csv", text);
    let append = ["--append", "--delimiter", ";", "-q"];
    for arguments in [&["new.csv"][..], &["parts"], &["new.csv", "--memory", "1B"], &["new.csv", "-o", "-"]] {
        let told = printed(&desk, &[&["predict", "run"], arguments, &append].concat())?;
        let own: Vec<&str> = told.lines().map(|line| line.rsplit_once(';').unwrap_or_default().0).collect();
        same(&format!("rows by {arguments:?}"), &own, &rows.to_vec())?;
    }
    let told = printed_of(&desk, &[&["predict", "run", "-"][..], &append].concat(), text)?;
    same("rows from stdin", &told.lines().nth(1).map(|line| line.starts_with(rows[1])), &Some(true))?;
    // Files of one table that are separated otherwise.
    desk.write("two/1.csv", "code,x,note\n007,1,\"a,b\"\n");
    desk.write("two/2.tsv", "code\tx\tnote\n12\t1.0\tc,d\n");
    let told = printed(&desk, &["predict", "run", "two", "--append", "-q"])?;
    let lines: Vec<&str> = told.lines().collect();
    let begins = lines[1].starts_with("007,1,\"a,b\",") && lines[2].starts_with("12,1.0,\"c,d\",");
    same(&format!("rows of two files: {told}"), &begins, &true)?;
    contains(&desk.ends(2, &["predict", "run", "new.csv", "--append", "--json"])?, "cannot be used with")
}

/// What cannot be saved is refused before there is a training, by --dry-run too; many classes can be saved.
fn limits_are_met_before_training() -> Result<(), Failed> {
    let desk = Desk::new();
    let row = |row: usize| format!("{},c{}\n", row % 800, row % 800);
    desk.write("classes.csv", "x,label\n".to_string() + &(0..8000).map(row).collect::<String>());
    desk.ends(0, &["train", "classes.csv", "--device", "cpu", "-q", "--epochs", "1", "--stratify", "-o", "run"])?;
    contains(&printed(&desk, &["evaluate", "run", "classes.csv"])?, "the commonest mistakes")?;
    let scores: serde_json::Value = serde_json::from_str(&printed(&desk, &["evaluate", "run", "classes.csv", "--json"])?)?;
    same("a matrix", &scores["evaluation"]["confusion"].is_null(), &true)?;
    same("mistakes", &scores["evaluation"]["mistakes"].is_array(), &true)?;
    contains(&String::from_utf8_lossy(&desk.bytes("run/report.html")), "The commonest mistakes")?;
    let layers = vec!["2"; 8000].join(",");
    for more in [&["--dry-run"][..], &[]] {
        let said = desk.ends(6, &[&["train", "iris", "--hidden", &layers, "-o", "deep"], more].concat())?;
        contains(&said, "tensors, and wgrad reads at most 20000")?;
    }
    same("a folder of what was refused", &desk.path().join("deep").exists(), &false)
}

/// A hundred thousand categories that nobody knows take no longer than known ones.
fn unknown_categories_are_told_in_no_time() -> Result<(), Failed> {
    let desk = Desk::new();
    let row = |row: usize| format!("u{},{}\n", row % 90, row % 2);
    desk.write("data.csv", "user,y\n".to_string() + &(0..900).map(row).collect::<String>());
    train(&desk, &["data.csv", "-o", "run"])?;
    desk.write("new.csv", "user\n".to_string() + &(0..100_000).map(|row| format!("new{row}\n")).collect::<String>());
    let started = Instant::now();
    let said = desk.ends(0, &["predict", "run", "new.csv", "-o", "told.csv"])?;
    contains(&said, "'new0' (1), 'new1' (1)")?;
    let took = started.elapsed();
    same(&format!("whether {took:?} is short"), &(took < Duration::from_secs(8)), &true)
}

/// What is looked up among many columns takes no longer for being many: ignored, absent and stored ones, targets, and a model's outputs.
fn many_columns_are_looked_up_in_no_time() -> Result<(), Failed> {
    let desk = Desk::new();
    let list = |columns: usize, start: &str| (0..columns).map(|column| format!("{start}{column}")).collect::<Vec<_>>();
    let write = |name: &str, columns: usize, start: &str| {
        let row =
            |row: usize| (0..columns).map(|column| format!("{}", (row * 7 + column) % 10)).collect::<Vec<_>>().join(",");
        let rows: String = (0..12).map(|number| format!("{},{}\n", row(number), number % 2)).collect();
        desk.write(name, format!("{},y\n{rows}", list(columns, start).join(",")));
    };
    let short = |what: &str, arguments: &[&str], code| -> Result<(), Failed> {
        let started = Instant::now();
        desk.ends(code, arguments)?;
        let took = started.elapsed();
        same(&format!("whether {took:?} is short for {what}"), &(took < Duration::from_secs(8)), &true)
    };
    write("wide.csv", 60_000, "c");
    let ignored: Vec<String> = (0..59_999).step_by(4).map(|column| column.to_string()).collect();
    short("ignored columns", &["data", "wide.csv", "--ignore", &ignored.join(",")], 0)?;
    write("wide.csv", 15_000, "c");
    write("other.csv", 15_000, "other_");
    let plain = ["--device", "cpu", "-q", "--epochs", "1", "--hidden", "none", "--batch-size", "full"];
    short("columns in a file", &[&["train", "wide.csv", "--memory", "1B", "-o", "run"][..], &plain].concat(), 0)?;
    short("columns that are not there", &["predict", "run", "other.csv"], 3)?;
    desk.write("targets.toml", format!("target = {:?}\n", list(15_000, "c")));
    let targets = [&["train", "wide.csv", "--config", "targets.toml", "-o", "targets"][..], &plain].concat();
    short("targets", &targets, 0)?;
    short("targets to export", &["export", "targets", "--format", "onnx", "-o", "targets.onnx"], 0)
}

/// Cells of columns that nobody asks for may hold anything.
fn what_is_not_used_is_not_checked() -> Result<(), Failed> {
    let desk = Desk::new();
    let row = |row: usize| format!("{},{},{}\n", row % 7, if row == 40 { "inf" } else { "1" }, row % 7 * 2);
    desk.write("data.csv", "a,ratio,y\n".to_string() + &(0..70).map(row).collect::<String>());
    for memory in [&[][..], &["--memory", "1B"]] {
        let folder = format!("run{}", memory.len());
        train(&desk, &[&["data.csv", "--ignore", "ratio", "-o", &folder], memory].concat())?;
        for command in [&["evaluate", &folder, "data.csv"][..], &["predict", &folder, "data.csv", "--append"]] {
            desk.ends(0, &[command, memory].concat())?;
        }
    }
    contains(&desk.ends(3, &["train", "data.csv", "-o", "used"])?, "line 42, column 'ratio': 'inf' is infinite")?;
    contains(&printed(&desk, &["data", "data.csv", "--ignore", "ratio"])?, "ratio   ignored")?;
    // Nobody needs a target to predict, and a column beside a new target of none to train on.
    let row = |row: usize| {
        format!(
            "{},{},{}.5,{}\n",
            row % 7,
            if row == 40 { "inf".into() } else { format!("{}", row % 7 * 2) },
            row % 7,
            row % 2
        )
    };
    desk.write("more.csv", "a,y,ratio,new\n".to_string() + &(0..70).map(row).collect::<String>());
    desk.ends(0, &["predict", "run0", "more.csv"])?;
    contains(&desk.ends(3, &["evaluate", "run0", "more.csv"])?, "line 42, column 'y'")?;
    train(&desk, &["more.csv", "--finetune", "run0", "--new-output", "--target", "new", "-o", "on"])?;
    Ok(())
}

/// Comments and Excel's line are read and told; what is no table is called what it is; a row that is taken for a header is told.
fn nothing_is_taken_for_something_else() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows: String = (0..60).map(|row| format!("{},{},{}\n", row % 7, row % 5, row % 7 + row % 5)).collect();
    let plain = format!("a,b,y\n{rows}");
    desk.write("plain.csv", &plain);
    train(&desk, &["plain.csv", "-o", "plain"])?;
    let excel = format!("sep=;\r\n{}", plain.replace(',', ";").replace('\n', "\r\n"));
    for (name, text, told) in [
        ("comment.csv", format!("# by a logger, 2026\n# station 7\n{plain}"), "skips 2 comments before the table"),
        ("marked.csv", format!("\u{feff}# a \"logger, 2026\n{plain}"), "skips a comment before the table"),
        ("savetxt.csv", format!("# made in May\n{}", plain.replacen("a,", "#a,", 1)), "skips a comment before the table"),
        ("excel.csv", excel, "'sep=;'"),
    ] {
        desk.write(name, text);
        for memory in [&[][..], &["--memory", "1B"]] {
            let folder = format!("{name}-{}", memory.len());
            contains(&train(&desk, &[&[name, "-o", &folder], memory].concat())?, told)?;
            let [own, plain] = [&folder, "plain"].map(|run| desk.tensors(&format!("{run}/model.safetensors")));
            same(&format!("the model of {name}"), &(own == plain), &true)?;
        }
        contains(&desk.ends(0, &["data", name])?, told)?;
    }
    for (name, text, told) in [
        ("page.csv", "<!DOCTYPE html>\n<html></html>\n", "a web page (HTML)"),
        ("lfs.csv", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 12\n", "git lfs pull"),
        ("sparse.txt", "1 1:0.5 3:2\n-1 2:1\n", "LIBSVM"),
        ("rows.json", "[{\"a\": 1, \"b\": 2},\n{\"a\": 3, \"b\": 4}]\n", "JSON"),
        ("iris.arff", "% Fisher, 1936\n@RELATION iris\n", "ARFF"),
        ("spaces.txt", " a   b  y\n 1  2   3\n 4  5   6\n", "separated by spaces"),
    ] {
        desk.write(name, text);
        contains(&desk.ends(3, &["train", name])?, told)?;
    }
    for (name, text) in [
        ("units.csv", "[1/min],y\n1,2\n4,5\n"),
        ("markup.csv", "<DATE>,note,y\n0,<b>x</b>,0.5\n1,<i>y</i>,1.5\n"),
        ("times.tsv", "n\tat\n0\t12:00\n1\t12:01\n"),
        ("sentence.csv", "# GDP, by country, a bank\ncountry,2019,2020\nFR,5,6\nDE,6,7\n"),
    ] {
        desk.write(name, text);
        let said: serde_json::Value = serde_json::from_str(&printed(&desk, &["data", name, "--json"])?)?;
        same(&format!("the rows of {name}"), &said["rows"].as_u64(), &Some(2))?;
    }
    desk.write("tabs.csv", "a\tb\ty\n1\t2\t3\n4\t5\t6\n");
    contains(&desk.ends(3, &["data", "tabs.csv"])?, "say --delimiter '\\t'")?;
    // The remedy, followed.
    let said = desk.ends(3, &["data", "spaces.txt"])?;
    let remedy = said
        .split_once("as by ")
        .and_then(|(_, rest)| rest.split_once("; if"))
        .ok_or("a remedy")?
        .0
        .replace("FILE", "spaces.txt");
    desk.shell(&format!("{remedy} > mended.csv"))?;
    same(
        "the mended file",
        &String::from_utf8_lossy(&desk.bytes("mended.csv")).into_owned().as_str(),
        &"a,b,y\n1,2,3\n4,5,6\n",
    )?;
    let row = |row: usize| format!("{}.5,{},{}\n", row % 9, row % 4, ["A", "B"][row % 2]);
    desk.write("headless.csv", (0..60).map(row).collect::<String>());
    for command in [&["data"][..], &["train", "--epochs", "1"]] {
        let said = desk.ends(0, &[command, &["headless.csv"]].concat())?;
        contains(
            &said,
            "line 1 is taken as the header, but '0.5', '0', 'A' are like the cells below them; if it is a row, say --no-header",
        )?;
    }
    same("with its advice", &desk.ends(0, &["data", "headless.csv", "--no-header"])?.as_str(), &"")?;
    desk.write(
        "index.csv",
        format!(",0,1,y\n{}", (0..60).map(|row| format!("{row},{},2,{}\n", row % 7, row % 2)).collect::<String>()),
    );
    contains(&printed(&desk, &["data", "index.csv"])?, "unnamed 0")?;
    // Cells that begin with a sign are no comments.
    let tags: String = (0..60).map(|row| format!("#{},{}\n", row % 7, ["A", "B"][row % 2])).collect();
    desk.write("tags.csv", format!("#tag,y\n{tags}"));
    desk.write("tags-alone.csv", tags);
    for command in [&["data", "tags.csv", "--json"][..], &["data", "tags-alone.csv", "--no-header", "--json"]] {
        let said: serde_json::Value = serde_json::from_str(&printed(&desk, command)?)?;
        same(&format!("the rows of {}", command[1]), &said["rows"].as_u64(), &Some(60))?;
    }
    Ok(())
}

/// What counts as missing is said once, in training, and belongs to the model: "NA" may be Namibia, and -999 a gap.
fn what_is_missing_belongs_to_the_model() -> Result<(), Failed> {
    let desk = Desk::new();
    let row = |row: usize| {
        let (country, adds) = [("NA", 40.0), ("ZA", 0.0), ("BW", 80.0)][row % 3];
        let x = row as f64 / 4.0;
        let gap = if row % 9 == 4 { ["-999", "-999.0", "", "k.A."][row / 9 % 4].to_owned() } else { format!("{x}") };
        format!("{country},{gap},{}\n", adds + x)
    };
    desk.write("data.csv", "country,x,y\n".to_owned() + &(0..240).map(row).collect::<String>());
    let said = ["--missing-values", "-999,k.A.", "--missing", "mean"];
    train(&desk, &[&["data.csv", "-o", "run", "--epochs", "60"][..], &said].concat())?;
    let predicted = |file: &str, more: &[&str]| printed(&desk, &[&["predict", "run", file][..], more].concat());
    desk.write("new.csv", "country,x\nNA,20\nZA,20\nBW,20\n");
    let values: Vec<f64> = predicted("new.csv", &[])?.lines().skip(1).flat_map(str::parse).collect();
    let [namibia, south_africa, botswana] = values[..] else { return Err(format!("{values:?}").into()) };
    if !(namibia > south_africa + 25.0 && botswana > namibia + 25.0) {
        return Err(format!("the countries are not told apart: {values:?}").into());
    }
    // A gap is a gap however it is written, and a piece at a time, too.
    desk.write("gaps.csv", "country,x\nNA,-999\nNA,-9.99e2\nNA,k.A.\nNA,\n");
    for more in [&[][..], &["--memory", "1B"]] {
        let gaps = predicted("gaps.csv", more)?;
        let gaps: Vec<&str> = gaps.lines().skip(1).collect();
        same("gaps", &gaps.iter().all(|gap| *gap == gaps[0]), &(gaps.len() == 4))?;
    }
    // Without the flag NA is missing, and k.A. makes numbers text.
    let usual = ["train", "data.csv", "--missing", "error", "-q", "-o", "usual"];
    contains(&desk.ends(3, &usual)?, "column 'country': the cell is missing")?;
    let data: serde_json::Value =
        serde_json::from_str(&printed(&desk, &["data", "data.csv", "--json", "--missing-values", "-999,k.A."])?)?;
    same("missing cells", &data["columns"][1]["missing"].as_u64(), &Some(27))?;
    contains(data["train"].as_str().unwrap_or_default(), "--missing-values")?;
    // A target that is one number is told, from memory and in parts.
    desk.write("same.csv", "x,y\n".to_owned() + &(0..60).map(|row| format!("{row},3.5\n")).collect::<String>());
    for more in [&[][..], &["--memory", "1B"]] {
        contains(
            &desk.ends(0, &[&["train", "same.csv", "--device", "cpu", "-q", "--epochs", "1"][..], more].concat())?,
            "the target 'y' is 3.5 in every training row",
        )?;
    }
    // Nothing but empty cells.
    desk.write("words.csv", "word,y\n".to_owned() + &"NA,1.5\nnull,2.5\n?,3.5\n".repeat(30));
    train(&desk, &["words.csv", "--missing-values", "", "-o", "words"])?;
    desk.ends(0, &["predict", "words", "words.csv"])?;
    // A model that training goes on from has said it already; a run that goes on has, too.
    contains(
        &desk.ends(2, &["train", "data.csv", "--finetune", "run", "--missing-values", "NA"])?,
        "--missing-values and --finetune: the model says that itself",
    )?;
    desk.ends(0, &["train", "data.csv", "--finetune", "run", "-q", "--epochs", "2", "-o", "tuned", "--device", "cpu"])?;
    desk.ends(0, &["train", "--config", "run/run.toml", "-q", "--epochs", "2", "-o", "again", "--device", "cpu"])?;
    Ok(())
}

/// How numbers are written belongs to the model, too: 1.234 is one number to it, whatever else is in the file, in parts, from stdin, among
/// the rows to test with; a flag says otherwise.
fn how_numbers_are_written_belongs_to_the_model() -> Result<(), Failed> {
    let desk = Desk::new();
    let german = |x: f64| {
        let text = format!("{x:.1}").replace('.', ",");
        if x >= 1000.0 { format!("{}.{}", &text[..text.len() - 5], &text[text.len() - 5..]) } else { text }
    };
    let rows = |cell: &dyn Fn(f64) -> String| -> String {
        (0..90).map(|row| format!("{};{}\n", cell(row as f64 * 37.5), cell(75.0 * row as f64))).collect()
    };
    desk.write("german.csv", "km;y\n".to_owned() + &rows(&german));
    desk.write("plain.csv", "km;y\n".to_owned() + &rows(&|x| format!("{x:.1}")));
    desk.write("test.csv", "km;y\n1.234;2.468\n2.345;4.690\n");
    let with =
        |more: &[&str]| -> Vec<String> { more.iter().chain(&["--delimiter", ";"]).map(|word| (*word).to_owned()).collect() };
    let run = |more: &[&str]| with(more);
    let told = |words: &[String]| printed(&desk, &words.iter().map(String::as_str).collect::<Vec<_>>());
    let words = run(&["german.csv", "--test", "test.csv", "-o", "german", "--epochs", "80", "--seed", "1"]);
    train(&desk, &words.iter().map(String::as_str).collect::<Vec<_>>())?;
    train(&desk, &["plain.csv", "--delimiter", ";", "-o", "plain"])?;
    let judged = |arguments: &[&str]| -> Result<f64, Failed> {
        let judged: serde_json::Value = serde_json::from_str(&told(&run(arguments))?)?;
        Ok(judged["evaluation"]["r2"].as_f64().ok_or_else(|| format!("{judged}"))?)
    };
    let r2 = judged(&["evaluate", "german", "test.csv", "--json"])?;
    if r2 < 0.8 {
        return Err(format!("R² {r2}").into());
    }
    for (model, row) in [("german", "1.234"), ("plain", "1.234")] {
        desk.write("alone.csv", format!("km\n{row}\n"));
        desk.write("others.csv", format!("km\n{row}\n987\n12\n"));
        let first = |arguments: &[&str]| -> Result<String, Failed> {
            Ok(told(&run(arguments))?.lines().nth(1).unwrap_or_default().to_owned())
        };
        let alone = first(&["predict", model, "alone.csv"])?;
        same(model, &first(&["predict", model, "others.csv"])?, &alone)?;
        same(model, &first(&["predict", model, "others.csv", "--memory", "1B"])?, &alone)?;
    }
    desk.write("mixed.csv", "km\n1.234\n1.234,5\n");
    contains(
        &desk.ends(3, &["predict", "plain", "mixed.csv", "--delimiter", ";"])?,
        "'1.234,5' is no number; say --thousands .",
    )?;
    let [own, said] = [&["predict", "german", "mixed.csv"][..], &["predict", "plain", "mixed.csv", "--thousands", "."]]
        .map(|arguments| told(&run(arguments)));
    same("rows", &(own?.lines().count(), said?.lines().count()), &(3, 3))?;
    // Going on from a model reads as it does.
    let tuned = run(&["german.csv", "--finetune", "german", "-o", "tuned"]);
    train(&desk, &tuned.iter().map(String::as_str).collect::<Vec<_>>())?;
    let r2 = judged(&["evaluate", "tuned", "test.csv", "--json"])?;
    if r2 < 0.8 {
        return Err(format!("R² {r2} after --finetune").into());
    }
    Ok(())
}

/// What cannot be read again, what is read while it is written, and what is damaged are named.
fn files_are_what_they_were() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows: String = (0..20_000).map(|row| format!("{},{},{}\n", row % 97, row * 7 % 1013, ["a", "b"][row % 2])).collect();
    desk.write("parts/1.csv", format!("x,z,y\n{rows}"));
    train(&desk, &["parts", "-o", "run", "--epochs", "1"])?;
    for place in ["parts/2.csv", "parts/new.tsv.gz"] {
        contains(&desk.ends(2, &["predict", "run", "parts", "-o", place])?, "would be among the data")?;
    }
    contains(&desk.ends(2, &["predict", "run", "parts/*.csv", "-o", "parts/3.csv"])?, "would be among the data")?;
    desk.ends(0, &["predict", "run", "parts", "-o", "parts/predicted.md"])?;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(format!("x,z,y\n{rows}").as_bytes())?;
    let mut packed = packed.finish()?;
    let middle = packed.len() / 2;
    packed[middle] ^= 0x55;
    std::fs::write(desk.path().join("damaged.csv.gz"), packed)?;
    for more in [&[][..], &["--memory", "1B"]] {
        contains(
            &desk.ends(3, &[&["evaluate", "run", "damaged.csv.gz"][..], more].concat())?,
            "its gzip is cut short or damaged",
        )?;
    }
    #[cfg(unix)]
    {
        let made = std::process::Command::new("mkfifo").arg(desk.path().join("pipe")).status()?;
        same("mkfifo", &made.success(), &true)?;
        contains(&desk.ends(2, &["train", "pipe", "--folds", "2"])?, "stdin or a pipe can be read once")?;
    }
    Ok(())
}

/// Units and signs of currency stay text unless somebody says that they are units; the remark names the flag, and following it gives numbers.
fn units_are_left_out_by_request() -> Result<(), Failed> {
    let desk = Desk::new();
    let row = |row: usize| format!("\"${},{:03}.50\",{:.1} %,{}\n", 1 + row % 7, row * 31 % 1000, row as f64 / 7.0, row * 2);
    desk.write("data.csv", "price,share,y\n".to_owned() + &(0..110).map(row).collect::<String>());
    let said = desk.ends(0, &["data", "data.csv"])?;
    contains(&said, "column 'price': '$1,000.50' and the other cells of the column are taken as text")?;
    contains(&said, "say --units '$' --thousands ,")?;
    contains(&said, "say --units %")?;
    let data = printed(&desk, &["data", "data.csv"])?;
    same("no advice to leave them out", &data.contains("--ignore"), &false)?;
    let score = |name: &str, more: &[&str]| -> Result<f64, Failed> {
        train(&desk, &[&["data.csv", "-o", name, "--seed", "3"][..], more].concat())?;
        let judged = [&["evaluate", name, "data.csv", "--json"][..], more].concat();
        let judged: serde_json::Value = serde_json::from_str(&printed(&desk, &judged)?)?;
        Ok(judged["evaluation"]["r2"].as_f64().ok_or_else(|| format!("{judged}"))?)
    };
    let (plain, stripped) = (score("plain", &[])?, score("stripped", &["--units", "$,%", "--thousands", ","])?);
    if stripped < plain.max(0.8) {
        return Err(format!("R² {plain} as text and {stripped} as numbers").into());
    }
    // Decimals are found beside units.
    desk.write("euro.csv", "price;y\n1.234,50 €;1\n2,25 €;2\n3 €;3\n");
    let data: serde_json::Value =
        serde_json::from_str(&printed(&desk, &["data", "euro.csv", "--delimiter", ";", "--units", "€", "--json"])?)?;
    same("mean", &data["columns"][0]["mean"].as_f64(), &Some(1239.75 / 3.0))?;
    contains(&desk.ends(2, &["data", "euro.csv", "--units", "m2"])?, "--units: 'm2' is no unit")
}

/// Numbers with decimal commas are numbers where nothing else is possible, and told; where it is, the message names the flags.
fn numbers_are_read_as_they_are_written() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows = |cell: &dyn Fn(f64) -> String| -> String {
        let row = |row: usize| {
            let x = row as f64 * 37.5 - 400.0;
            format!("{};{}\n", cell(x), cell(2.0 * x + 1000.25))
        };
        (0..90).map(row).collect()
    };
    let point = |x: f64| format!("{x:.2}");
    desk.write("point.csv", format!("a;y\n{}", rows(&point)));
    train(&desk, &["point.csv", "--delimiter", ";", "-o", "point"])?;
    let comma = |x: f64| point(x).replace('.', ",");
    let grouped = |x: f64| {
        let text = comma(x);
        let (whole, decimals) = text.split_once(',').unwrap_or_default();
        let digits = whole.trim_start_matches('-').len();
        if digits < 4 {
            return text;
        }
        let (first, last) = whole.split_at(whole.len() - 3);
        format!("{first}.{last},{decimals}")
    };
    for (name, text) in [("comma.csv", rows(&comma)), ("grouped.csv", rows(&grouped))] {
        desk.write(name, format!("a;y\n{text}"));
        for memory in [&[][..], &["--memory", "1B"]] {
            let folder = format!("{name}-{}", memory.len());
            let said = train(&desk, &[&[name, "--delimiter", ";", "-o", &folder], memory].concat())?;
            contains(&said, "reads numbers such as '")?;
            let [own, plain] = [&folder, "point"].map(|run| desk.tensors(&format!("{run}/model.safetensors")));
            same(&format!("the model of {name}"), &(own == plain), &true)?;
        }
    }
    let grouped = ["evaluate", "comma.csv-0", "grouped.csv", "--delimiter", ";", "--min", "r2=0.5"];
    contains(&desk.ends(3, &grouped)?, "'1.025,00' is no number; say --thousands .")?;
    desk.ends(0, &[&grouped[..], &["--thousands", "."]].concat())?;
    // One cell that says nothing of the others: a thousand and some, or one and some decimals.
    desk.write("one.csv", "a\n\"1,234\"\n");
    let said = desk.ends(3, &["predict", "point", "one.csv"])?;
    contains(&said, "'1,234' is no number; say --decimal , or --thousands , as it is meant")?;
    let [small, large] = [["--decimal", ","], ["--thousands", ","]]
        .map(|flag| printed(&desk, &[&["predict", "point", "one.csv"][..], &flag].concat()));
    let number = |text: String| text.lines().nth(1).and_then(|line| line.parse::<f64>().ok()).ok_or("a number");
    same("whether both are told apart", &(number(large?)? > 1.5 * number(small?)?), &true)?;
    let kept = desk.ends(0, &["data", "comma.csv", "--delimiter", ";", "--decimal", "."])?;
    contains(&kept, "taken as text; if they are numbers, say --decimal ,")?;
    // Classes are their numbers, however a file writes them.
    let classes =
        |cell: fn(usize) -> String| (0..80).map(|row| format!("{};{}\n", row % 7, cell(row % 2))).collect::<String>();
    desk.write("points.csv", format!("a;q\n{}", classes(|class| format!("{class}.0"))));
    desk.write("commas.csv", format!("a;q\n{}", classes(|class| format!("{class},0"))));
    for (own, other, sign) in [("points.csv", "commas.csv", ","), ("commas.csv", "points.csv", ".")] {
        train(&desk, &[own, "--delimiter", ";", "--class-weights", "0=2", "-o", &own[..4]])?;
        if sign == "," {
            contains(
                &desk.ends(3, &["evaluate", &own[..4], other, "--delimiter", ";"])?,
                "say --decimal , if it is a number",
            )?;
        }
        desk.ends(0, &["evaluate", &own[..4], other, "--delimiter", ";", "--decimal", sign])?;
    }
    Ok(())
}

/// Warnings are heard with -q as well; small errors are not zero; - is stdout.
fn small_things() -> Result<(), Failed> {
    let desk = Desk::new();
    let row = |row: usize| format!("{},{}e-9\n", if row == 50 { "#N/A".into() } else { (row % 7).to_string() }, row % 7);
    desk.write("data.csv", "a,y\n".to_string() + &(0..90).map(row).collect::<String>());
    contains(&train(&desk, &["data.csv", "-o", "run"])?, "'#N/A' is no number")?;
    let told = printed(&desk, &["train", "data.csv", "--device", "cpu", "-q", "--epochs", "3", "-o", "again"])?;
    let rmse = told.split_once("RMSE ").and_then(|(_, rest)| rest.split_once(',')).ok_or("an error")?.0;
    same(rmse, &(rmse.parse::<f64>()? > 0.0 && rmse.ends_with("e-9") | rmse.ends_with("e-10")), &true)?;
    // A run goes on from another folder only with its data.
    desk.shell("mkdir elsewhere")?;
    let elsewhere = |arguments: &[&str]| desk.command(arguments).current_dir(desk.path().join("elsewhere")).output();
    let lost = elsewhere(&["train", "--resume", "../run", "--epochs", "31"])?;
    contains(&String::from_utf8_lossy(&lost.stderr), "'data.csv', which ../run was trained on, is not in this folder")?;
    let named = elsewhere(&["train", "../data.csv", "--resume", "../run", "--epochs", "31", "-q"])?;
    same(&String::from_utf8_lossy(&named.stderr), &named.status.code(), &Some(0))?;
    let [plain, dash] = [&[][..], &["-o", "-"]].map(|more| desk.run(&[&["predict", "run", "data.csv"][..], more].concat()));
    same("stdout", &dash.stdout, &plain.stdout)?;
    same("a file called -", &desk.path().join("-").exists(), &false)
}

pub(crate) fn trials() -> Vec<Trial> {
    let trials = vec![
        Trial::test("a prediction depends on its own row alone", a_prediction_depends_on_its_own_row_alone),
        Trial::test("categories are as they are written", categories_are_as_they_are_written),
        Trial::test("classes keep their spelling", classes_keep_their_spelling),
        Trial::test("a person's own cells are not rewritten", a_persons_own_cells_are_not_rewritten),
        Trial::test("limits are met before training", limits_are_met_before_training),
        Trial::test("unknown categories are told in no time", unknown_categories_are_told_in_no_time),
        Trial::test("many columns are looked up in no time", many_columns_are_looked_up_in_no_time),
        Trial::test("what is not used is not checked", what_is_not_used_is_not_checked),
        Trial::test("nothing is taken for something else", nothing_is_taken_for_something_else),
        Trial::test("what is missing belongs to the model", what_is_missing_belongs_to_the_model),
        Trial::test("how numbers are written belongs to the model", how_numbers_are_written_belongs_to_the_model),
        Trial::test("files are what they were", files_are_what_they_were),
        Trial::test("units are left out by request", units_are_left_out_by_request),
        Trial::test("numbers are read as they are written", numbers_are_read_as_they_are_written),
        Trial::test("small things", small_things),
    ];
    trials
}
