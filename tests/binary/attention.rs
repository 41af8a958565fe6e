//! What a model goes by, and which rows it is most wrong about: importance, dependence, places in the file, what a report tells of a run.

use std::fs;

use serde_json::Value;
use wgrad::evaluation::Importance;

use crate::common::{Desk, Failed, Trial, ended};

fn json(desk: &Desk, arguments: &[&str]) -> Result<Value, Failed> {
    let output = desk.run(&[arguments, &["--json"]].concat());
    ended(0, arguments, &output)?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

/// What the report of the run in this folder is made of.
fn account(desk: &Desk, run: &str) -> Result<Value, Failed> {
    Ok(serde_json::from_slice(&desk.bytes(&format!("{run}/report.json")))?)
}

fn page(desk: &Desk, run: &str) -> String {
    String::from_utf8(desk.bytes(&format!("{run}/report.html"))).expect("UTF-8")
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

fn list(value: &Value) -> &Vec<Value> {
    value.as_array().expect("a list")
}

const HEADER: &str = "noise,kind,same,x,y\n";

/// Rows of which x decides most, the kind some, and two columns nothing.
fn rows(count: usize, from: usize) -> Vec<[String; 5]> {
    let row = |place: usize| {
        let wave = |times: f64| ((place as f64 + 1.0) * times).sin();
        let (x, kind) = (wave(12.9898), place % 3);
        let is_yes = x + 0.4 * (kind as f64 - 1.0) > 0.0;
        let cells = [format!("{:.4}", wave(78.233)), ["a", "b", "c"][kind].into(), "5".into(), format!("{x:.4}")];
        let [noise, kind, same, x] = cells;
        [noise, kind, same, x, if is_yes { "yes" } else { "no" }.into()]
    };
    (from..from + count).map(row).collect()
}

fn csv(rows: &[[String; 5]]) -> String {
    let lines: Vec<String> = rows.iter().map(|row| row.join(",")).collect();
    format!("{HEADER}{}\n", lines.join("\n"))
}

const TRAIN: [&str; 11] =
    ["train", "train.csv", "--test", "test.csv", "--device", "cpu", "--hidden", "16", "--seed", "3", "-q"];

/// Trains on one file and tests with another, without bins and with them.
fn trained(desk: &Desk, bins: &str) -> Result<Vec<[String; 5]>, Failed> {
    let test = rows(60, 1000);
    desk.write("train.csv", csv(&rows(600, 0)));
    desk.write("test.csv", csv(&test));
    desk.ends(0, &[&TRAIN[..], &["--bins", bins, "-o", "run"]].concat())?;
    Ok(test)
}

/// The rise of the loss is what `evaluate` says of files whose cells were shuffled in the same orders.
fn importance_is_what_shuffled_files_cost() -> Result<(), Failed> {
    for bins in ["0", "8"] {
        let desk = Desk::new();
        let test = trained(&desk, bins)?;
        let found = json(&desk, &["evaluate", "run", "test.csv", "--device", "cpu", "--importance"])?;
        let importance = &found["importance"];
        assert_eq!((importance["rows"].as_u64(), &importance["loss_name"]), (Some(60), &Value::from("log-loss")));
        let loss_of = |rows: &[[String; 5]]| -> Result<[f64; 2], Failed> {
            desk.write("shuffled.csv", csv(rows));
            let judged = json(&desk, &["evaluate", "run", "shuffled.csv", "--device", "cpu"])?;
            Ok(["log_loss", "accuracy"].map(|score| number(&judged["evaluation"][score])))
        };
        let [loss, accuracy] = loss_of(&test)?;
        assert!((number(&importance["loss"]) - loss).abs() < 1e-6, "{importance}, {loss}");
        for column in list(&importance["columns"]) {
            let place = column["column"].as_u64().expect("a place") as usize;
            assert_eq!(column["name"], HEADER.trim().split(',').nth(place).expect("a name"));
            let (mut rises, mut drops) = (Vec::new(), Vec::new());
            for shuffle in 0..Importance::SHUFFLES {
                let mut shuffled = test.clone();
                for (row, from) in Importance::order(60, 3, place, shuffle).into_iter().enumerate() {
                    shuffled[row][place].clone_from(&test[from][place]);
                }
                let [shuffled_loss, shuffled_accuracy] = loss_of(&shuffled)?;
                rises.push(shuffled_loss - loss);
                drops.push(accuracy - shuffled_accuracy);
            }
            let mean = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
            let deviation = mean(&rises.iter().map(|rise| (rise - mean(&rises)).powi(2)).collect::<Vec<_>>()).sqrt();
            for (field, expected) in [("rise", mean(&rises)), ("deviation", deviation), ("drop", mean(&drops))] {
                let is = number(&column[field]);
                assert!((is - expected).abs() < 1e-5, "{field} of {column}: {is}, expected {expected}");
            }
        }
        let names: Vec<&str> = list(&importance["columns"]).iter().filter_map(|column| column["name"].as_str()).collect();
        assert_eq!(&names[..2], ["x", "kind"], "{importance}");
        let of = |name: &str| list(&importance["columns"]).iter().find(|column| column["name"] == name).expect("a column");
        assert_eq!((number(&of("same")["rise"]), number(&of("same")["drop"])), (0.0, 0.0));
        assert!(number(&of("noise")["rise"]) < 0.1 * number(&of("x")["rise"]), "{importance}");
    }
    Ok(())
}

/// The run's own report says the same of the same rows as `evaluate` does, and again bit for bit.
fn a_report_shows_the_importance_that_evaluate_finds() -> Result<(), Failed> {
    let desk = Desk::new();
    trained(&desk, "0")?;
    let account = account(&desk, "run")?;
    let found = json(&desk, &["evaluate", "run", "test.csv", "--device", "cpu", "--importance"])?;
    assert_eq!((&account["importance"], &account["dependences"]), (&found["importance"], &found["dependences"]));
    assert_eq!(found, json(&desk, &["evaluate", "run", "test.csv", "--device", "cpu", "--importance"])?);
    let text = String::from_utf8(desk.run(&["evaluate", "run", "test.csv", "--importance"]).stdout)?;
    assert!(text.contains("accuracy  ") && text.contains("rise of the log loss") && text.contains("\nkind"), "{text}");
    let html = page(&desk, "run");
    for words in
        ["What the model goes by", "class=\"bars\"", "probability of &#39;yes&#39;", "How much the log loss of 60 test rows"]
    {
        assert!(html.contains(words), "'{words}' is missing");
    }
    // The more x, the likelier a yes; a category has a bar for each.
    let of = |name: &str| list(&found["dependences"]).iter().find(|of| of["name"] == name).expect(name).clone();
    let (x, kind) = (of("x"), of("kind"));
    let means: Vec<f64> = list(&x["said"][0]["means"]).iter().map(number).collect();
    assert!(means.len() == 20 && means[0] < 0.3 && means[19] > 0.7, "{x}");
    let numbers: Vec<f64> = list(&x["numbers"]).iter().map(number).collect();
    assert!(numbers.is_sorted() && numbers.iter().all(|x| (x * 1e4 - (x * 1e4).round()).abs() < 1e-6), "{x}");
    assert_eq!((&kind["categories"], list(&kind["said"][0]["means"]).len()), (&serde_json::json!(["a", "b", "c"]), 3));
    assert!(list(&found["dependences"]).iter().all(|of| of["name"] != "same"), "one value has no line");
    Ok(())
}

fn few_rows_tell_no_importance_and_wgrad_says_so() -> Result<(), Failed> {
    let desk = Desk::new();
    trained(&desk, "0")?;
    desk.write("few.csv", csv(&rows(9, 0)));
    let said = desk.ends(0, &["evaluate", "run", "few.csv", "--importance", "--quiet"])?;
    assert!(said.contains("it takes 10 of them at least"), "{said}");
    assert_eq!(json(&desk, &["evaluate", "run", "few.csv", "--importance"])?["importance"], Value::Null);
    assert_eq!(json(&desk, &["evaluate", "run", "few.csv"])?.get("importance"), None);
    Ok(())
}

fn a_regression_tells_its_importance_as_a_share_of_its_error() -> Result<(), Failed> {
    let desk = Desk::new();
    let line = |row: u32| format!("{},{},{}\n", row % 17, row % 5, 100 * (row % 17) + row % 5);
    desk.write("r.csv", (0..300).map(line).fold("a,b,y\n".to_owned(), |all, line| all + &line));
    desk.ends(0, &["train", "r.csv", "--task", "regression", "--device", "cpu", "--epochs", "20", "-q", "-o", "run"])?;
    let (account, html) = (account(&desk, "run")?, page(&desk, "run"));
    let importance = &account["importance"];
    assert_eq!((&importance["loss_name"], &importance["columns"][0]["name"]), (&"mse".into(), &"a".into()));
    assert!((number(&importance["loss"]) / number(&account["outcome"]["test"]["mse"]) - 1.0).abs() < 1e-4, "{importance}");
    let percent = 100.0 * number(&importance["columns"][0]["rise"]) / number(&importance["loss"]);
    assert!(html.contains(&format!("{percent:+.1} ±")) && html.contains("predicted y"), "{percent}");
    Ok(())
}

/// Rows whose class was written down wrongly are found at their lines, with their cells as they are there: in memory and in a file.
fn the_most_wrong_rows_are_named_by_their_lines_in_the_file() -> Result<(), Failed> {
    let desk = Desk::new();
    let mut table = rows(300, 0);
    let flipped = [17, 120, 233];
    for place in flipped {
        table[place][4] = if table[place][4] == "yes" { "no".into() } else { "yes".into() };
        table[place][3] = format!("{}0", table[place][3]);
    }
    // A comment before the header moves all lines.
    desk.write("t.csv", format!("# a comment\n{}", csv(&table)));
    desk.write("train.csv", csv(&rows(600, 300)));
    let mut found = Vec::new();
    for (run, more) in [("memory", &[][..]), ("file", &["--memory", "1KiB"])] {
        let train = ["train", "train.csv", "--test", "t.csv", "--device", "cpu", "--hidden", "16", "-q", "-o", run];
        desk.ends(0, &[&train[..], more].concat())?;
        let account = account(&desk, run)?;
        let wrong = &account["wrong"];
        let columns: Vec<usize> = list(&wrong["columns"])
            .iter()
            .map(|name| HEADER.trim().split(',').position(|column| name == column).expect("a column"))
            .collect();
        assert_eq!((list(&wrong["rows"]).len(), &wrong["source"], columns.len()), (10, &Value::from("t.csv"), 4));
        let mut first = Vec::new();
        for row in list(&wrong["rows"]) {
            let place = row["origin"]["line"].as_u64().expect("a line") as usize - 3;
            let cells: Vec<&str> = list(&row["cells"]).iter().filter_map(Value::as_str).collect();
            let expected: Vec<&str> = columns.iter().map(|&column| table[place][column].as_str()).collect();
            // A number is a number, however it is written.
            let same = |(is, expected): (&&str, &&str)| is == expected || is.parse::<f64>().ok() == expected.parse().ok();
            assert!(cells.len() == 4 && cells.iter().zip(&expected).all(same), "{cells:?}, {expected:?}");
            assert_eq!(row["truth"], table[place][4].as_str());
            let (probability, own) = (number(&row["probability"]), number(&row["probability_of_truth"]));
            assert!((number(&row["loss"]) + own.ln()).abs() < 1e-9 && probability >= 0.5, "{row}");
            first.push(place);
        }
        first.truncate(3);
        first.sort_unstable();
        assert_eq!(first, flipped);
        assert!(page(&desk, run).contains(&format!("<td>line {}</td>", 17 + 3)) && page(&desk, run).contains("in t.csv"));
        found.push(wrong.clone());
    }
    assert_eq!(found[0], found[1]);
    Ok(())
}

/// The rows of a folder, split by chance: the file is named, and its line.
fn the_most_wrong_rows_of_a_folder_are_named_by_file_and_line() -> Result<(), Failed> {
    let desk = Desk::new();
    let parts = [rows(70, 0), rows(90, 70)];
    desk.write("all/a.csv", csv(&parts[0]));
    desk.write("all/b.csv", csv(&parts[1]));
    desk.ends(0, &["train", "all", "--device", "cpu", "--epochs", "3", "-q", "-o", "run", "--split", "0.5/0/0.5"])?;
    let account = account(&desk, "run")?;
    let mut files = Vec::new();
    for row in list(&account["wrong"]["rows"]) {
        let file = row["origin"]["file"].as_str().expect("a file");
        let part = usize::from(file.ends_with("b.csv"));
        let line = row["origin"]["line"].as_u64().expect("a line") as usize;
        assert_eq!(row["truth"], parts[part][line - 2][4].as_str(), "{row}");
        files.push(part);
    }
    assert!(files.contains(&0) && files.contains(&1), "{files:?}");
    assert!(page(&desk, "run").contains("a.csv: line "));
    Ok(())
}

/// Images that a split has shuffled are named by their places in the file, from 1.
fn the_most_wrong_images_are_named_by_their_places_in_the_file() -> Result<(), Failed> {
    let desk = Desk::new();
    let (rows, side) = (200_u8, 5_u8);
    let pixel = |row: u8, place: u8| if (place / side < 2) == row.is_multiple_of(2) { 150 + row % 100 } else { row % 40 };
    let pixels: Vec<u8> = (0..rows).flat_map(|row| (0..side * side).map(move |place| pixel(row, place))).collect();
    let labels: Vec<u8> = (0..rows).map(|row| (row % 2) ^ u8::from(row.is_multiple_of(7))).collect();
    desk.write("images", [&[0, 0, 8, 3, 0, 0, 0, rows, 0, 0, 0, side, 0, 0, 0, side][..], &pixels].concat());
    desk.write("labels", [&[0, 0, 8, 1, 0, 0, 0, rows][..], &labels].concat());
    let train = ["train", "images", "--labels", "labels", "--device", "cpu", "--epochs", "5", "-q", "-o", "run"];
    desk.ends(0, &[&train[..], &["--split", "0.6/0/0.4"]].concat())?;
    let (account, html) = (account(&desk, "run")?, page(&desk, "run"));
    let worst = list(&account["images"]["worst"]);
    assert!(worst.len() > 3, "{worst:?}");
    for image in worst {
        let row = image["origin"]["row"].as_u64().expect("a row");
        assert_eq!(image["truth"], labels[row as usize - 1].to_string());
        assert!(html.contains(&format!("<img alt=\"row {row}: ")), "{row}");
    }
    assert_eq!((&account["wrong"], &account["side"]), (&Value::Null, &Value::from(5)));
    assert!(html.contains("Importance of the pixels"), "a picture");
    Ok(())
}

/// All that a run says on stderr as a remark is in its report, with the command; so it is after it went on.
fn a_report_has_the_command_and_every_remark() -> Result<(), Failed> {
    let desk = Desk::new();
    let table = csv(&rows(300, 0)).replacen("a,5,", ",5,", 1).replace("noise", "the noise");
    desk.write("t t.csv", table);
    let train = ["train", "t t.csv", "--device", "cpu", "--epochs", "4", "-o", "run", "--learning-rate", "3"];
    let said = desk.ends(0, &train)?;
    let remarks: Vec<&str> = said.lines().filter_map(|line| line.strip_prefix("wgrad: ")).collect();
    assert!(remarks.len() >= 2 && said.contains("cells are missing in 'kind'"), "{said}");
    let first = account(&desk, "run")?;
    assert_eq!(first["remarks"], serde_json::json!(remarks));
    let command = "wgrad train 't t.csv' --device cpu --epochs 4 -o run --learning-rate 3";
    assert_eq!(first["commands"], serde_json::json!([command]));
    let html = page(&desk, "run");
    assert!(html.contains("wgrad train &#39;t t.csv&#39; --device cpu") && html.contains("<li>t t.csv: "), "{html}");
    desk.ends(0, &["train", "--resume", "run", "--epochs", "6"])?;
    let next = account(&desk, "run")?;
    assert_eq!(next["commands"], serde_json::json!([command, "wgrad train --resume run --epochs 6"]));
    assert!(remarks.iter().all(|remark| list(&next["remarks"]).contains(&(*remark).into())), "{}", next["remarks"]);
    Ok(())
}

/// Whose weights are saved, and what to type where those of another epoch were better.
fn a_report_says_which_epochs_weights_are_saved() -> Result<(), Failed> {
    let desk = Desk::new();
    let train =
        ["train", "iris", "--device", "cpu", "-q", "--hidden", "64", "--split", "0.3/0.4/0.3", "--schedule", "constant"];
    let train = [&train[..], &["--learning-rate", "0.02", "--epochs"]].concat();
    let best = |run: &str| -> Result<(u64, u64), Failed> {
        let mut epochs = Vec::new();
        for line in fs::read_to_string(desk.path().join(run).join("metrics.jsonl"))?.lines() {
            let epoch: Value = serde_json::from_str(line)?;
            epochs.push((number(&epoch["validation_loss"]), epoch["epoch"].as_u64().expect("a number")));
        }
        let least =
            epochs.iter().copied().fold((f64::INFINITY, 0), |least, next| if next.0 < least.0 { next } else { least });
        Ok((least.1, epochs.len() as u64))
    };
    desk.ends(0, &[&train[..], &["300", "-o", "long"]].concat())?;
    let (epoch, last) = best("long")?;
    assert!(epoch < last && last == 300, "overfitted: {epoch} of {last}");
    let html = page(&desk, "long");
    assert!(
        html.contains("The saved weights are those of the last epoch")
            && html.contains(&format!("--patience {} training", epoch.clamp(5, 50))),
        "{html}"
    );
    assert!(html.contains(&format!("although epoch {epoch} had a lower validation loss")), "{epoch}");
    desk.ends(0, &[&train[..], &["300", "--patience", "20", "-o", "patient"]].concat())?;
    let (epoch, last) = best("patient")?;
    assert!(last < 300, "{last}");
    let expected = format!(
        "Stopped at epoch {last}: no better validation loss for 20 epochs. The saved weights are epoch {epoch}&#39;s."
    );
    assert!(page(&desk, "patient").contains(&expected), "{expected}");
    desk.ends(0, &[&train[..], &["9", "--split", "0.7/0/0.3", "-o", "alone"]].concat())?;
    assert!(!page(&desk, "alone").contains("The saved weights"), "there are no validation rows to tell");
    Ok(())
}

/// What an earlier version of wgrad did not write is left out of the page.
fn a_report_json_of_an_earlier_version_is_read() -> Result<(), Failed> {
    let desk = Desk::new();
    trained(&desk, "0")?;
    let mut account = account(&desk, "run")?;
    let new = ["commands", "remarks", "distributions", "importance", "side", "dependences", "wrong"];
    let fields = account.as_object_mut().expect("fields");
    assert!(new.iter().all(|field| fields.remove(*field).is_some()), "{fields:?}");
    desk.write("run/report.json", account.to_string());
    desk.ends(0, &["report", "run"])?;
    let html = page(&desk, "run");
    for heading in ["What the model goes by", "The most wrong rows", "class=\"command\""] {
        assert!(!html.contains(heading), "'{heading}' is of nothing");
    }
    assert!(html.contains("Confusion matrix") && html.contains("ROC curve"), "the rest is there");
    Ok(())
}

/// Nobody's time, device, score or number of parameters stands on the page twice.
fn a_page_says_nothing_twice() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.ends(0, &["train", "wine-quality", "--device", "cpu", "--epochs", "3", "-q", "-o", "run"])?;
    let html = page(&desk, "run");
    for once in ["training took", ">parameters<", ">device<", ">R²<", ">RMSE<", ">MAE<", ">target<", "why this device"] {
        assert!(html.matches(once).count() <= 1, "'{once}' stands there {} times", html.matches(once).count());
    }
    assert!(html.contains("training took") && html.contains(">RMSE<"), "each once");
    let [options, layers] = [">Options<", ">Layers<"].map(|heading| html.find(heading).expect(heading));
    assert!(options < layers, "the layers come last");
    // Leading zeros are no digits; what becomes of a column is told in six.
    let visible: String =
        html.split("<svg").flat_map(|part| part.split_once("</svg>").map_or(part, |(_, rest)| rest).chars()).collect();
    let (visible, _) = visible.split_once("<summary>run.toml").expect("the options");
    let long = visible
        .split(|character: char| !(character.is_ascii_digit() || character == '.'))
        .find(|word| word.matches('.').count() == 1 && word.replace('.', "").trim_start_matches('0').len() > 6);
    assert_eq!(long, None, "too many digits");
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("importance is what shuffled files cost", importance_is_what_shuffled_files_cost),
        Trial::test("a report shows the importance that evaluate finds", a_report_shows_the_importance_that_evaluate_finds),
        Trial::test("few rows tell no importance and wgrad says so", few_rows_tell_no_importance_and_wgrad_says_so),
        Trial::test(
            "a regression tells its importance as a share of its error",
            a_regression_tells_its_importance_as_a_share_of_its_error,
        ),
        Trial::test(
            "the most wrong rows are named by their lines in the file",
            the_most_wrong_rows_are_named_by_their_lines_in_the_file,
        ),
        Trial::test(
            "the most wrong rows of a folder are named by file and line",
            the_most_wrong_rows_of_a_folder_are_named_by_file_and_line,
        ),
        Trial::test(
            "the most wrong images are named by their places in the file",
            the_most_wrong_images_are_named_by_their_places_in_the_file,
        ),
        Trial::test("a report has the command and every remark", a_report_has_the_command_and_every_remark),
        Trial::test("a report says which epochs weights are saved", a_report_says_which_epochs_weights_are_saved),
        Trial::test("a report json of an earlier version is read", a_report_json_of_an_earlier_version_is_read),
        Trial::test("a page says nothing twice", a_page_says_nothing_twice),
    ]
}
