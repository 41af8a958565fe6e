//! What people look at after a run: its page, the comparison of runs.

use std::fs;
use std::process::Output;

use crate::common::{Desk, Trial, named};
use serde_json::Value;

/// Runs what must succeed; gives stdout.
fn done(desk: &Desk, arguments: &[&str]) -> String {
    let output = desk.run(arguments);
    assert!(output.status.success(), "{arguments:?}: {}", stderr(&output));
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn json(desk: &Desk, arguments: &[&str]) -> Value {
    serde_json::from_str(&done(desk, &[arguments, &["--json"]].concat())).expect("one JSON object")
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// Trains on the CPU; gives the report as JSON and the page.
fn trained(desk: &Desk, data: &str, more: &[&str]) -> (Value, String) {
    let report = json(desk, &[&["train", data, "--device", "cpu", "--quiet", "-o", "run"], more].concat());
    (report, page(desk, "run/report.html"))
}

/// A page that is well-formed, loads nothing and says in words what its pictures show.
pub(crate) fn page(desk: &Desk, name: &str) -> String {
    let html = String::from_utf8(desk.bytes(name)).expect("UTF-8");
    balanced(&html);
    for outside in ["http:", "https:", "url(", "<script", "@import", "NaN", ">inf<"] {
        assert!(!html.contains(outside), "the page holds '{outside}'");
    }
    for source in ["src=\"", "href=\""] {
        assert!(
            html.split(source).skip(1).all(|rest| rest.starts_with("data:image/png;base64,")),
            "a {source} from elsewhere"
        );
    }
    assert_eq!(html.matches("<svg").count(), html.matches("role=\"img\" aria-label=\"").count());
    assert_eq!(html.matches("<img").count(), html.matches("<img alt=\"").count());
    assert!(html.contains("prefers-color-scheme: dark") && html.contains("width=device-width"));
    html
}

/// That every element is closed where it must be, in order.
fn balanced(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for tag in html.split('<').skip(1) {
        let (tag, _) = tag.split_once('>').expect("a tag that ends");
        let name = tag.trim_start_matches('/').split([' ', '\n', '/']).next().unwrap_or_default();
        let is_void = ["!doctype", "meta", "br", "img"].contains(&name) || tag.ends_with('/');
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "closed out of order: {tag}");
        } else if !is_void {
            open.push(name);
        }
        assert!(tag.matches('"').count().is_multiple_of(2), "an attribute that does not end: {tag}");
    }
    assert!(open.is_empty(), "not closed: {open:?}");
}

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

/// Two inputs: a class that lies within the other, and how far out they are.
fn rings() -> String {
    let mut table = String::from("x,y,ring\n");
    for row in 0..240_u32 {
        let (angle, outside) = (f64::from(row) * 0.7, row % 2 == 1);
        let radius = if outside { 2.0 } else { 0.8 } + 0.3 * (f64::from(row) * 1.3).sin();
        table += &format!(
            "{:.4},{:.4},{}\n",
            radius * angle.cos(),
            radius * angle.sin(),
            if outside { "outer" } else { "inner" }
        );
    }
    table
}

/// IDX images of 6 × 6 pixels in two classes, and their labels.
fn write_images(desk: &Desk) {
    let rows = 120_u8;
    let header = [0, 0, 8, 3, 0, 0, 0, rows, 0, 0, 0, 6, 0, 0, 0, 6];
    let pixel = |row: u8, place: u8| if (place / 6 < 3) == row.is_multiple_of(2) { 200 + row % 50 } else { row % 40 };
    let pixels = (0..rows).flat_map(|row| (0..36).map(move |place| pixel(row, place)));
    desk.write("images", header.into_iter().chain(pixels).collect::<Vec<u8>>());
    // Every tenth is labelled wrongly, so that some are taken for another class.
    let label = |row: u8| (row % 2) ^ u8::from(row.is_multiple_of(10));
    desk.write("labels", [0, 0, 8, 1, 0, 0, 0, rows].into_iter().chain((0..rows).map(label)).collect::<Vec<u8>>());
}

fn a_classification_shows_its_scores_its_curves_and_its_worst_images() {
    let desk = Desk::new();
    let (report, html) = trained(&desk, "digits", &["--epochs", "12", "--split", "0.8/0.1/0.1"]);
    for (name, place) in [("accuracy", "accuracy"), ("balanced accuracy", "balanced_accuracy")] {
        let shown = format!("<dt>{name}</dt><dd>{:.4}</dd>", number(&report["test"][place]));
        assert!(html.contains(&shown), "{shown} is missing");
    }
    for class in report["test"]["classes"].as_array().expect("classes") {
        let row = format!(
            "<td class=\"number\">{:.4}</td><td class=\"number\">{}</td></tr>",
            number(&class["f1"]),
            class["support"]
        );
        assert!(html.contains(&row), "{row} is missing");
    }
    for words in [
        "Confusion matrix",
        "Loss by epoch",
        "Validation accuracy by epoch",
        "best: ",
        "The most wrong images",
        "64 → 128 relu",
    ] {
        assert!(html.contains(words), "'{words}' is missing");
    }
    let account: Value = serde_json::from_slice(&desk.bytes("run/report.json")).expect("JSON");
    let wrong = account["images"]["worst"].as_array().expect("images");
    assert_eq!(html.matches("<figure><img").count(), wrong.len().min(12));
    assert!(html.contains("run.toml") && html.contains("optimizer = &quot;adam&quot;"));
    assert_eq!(account["outcome"]["test"], report["test"], "what --json says is what the page is made of");
}

fn two_classes_have_a_roc_curve_with_its_area_and_a_calibration() {
    let desk = Desk::new();
    let (report, html) = trained(&desk, "breast-cancer", &["--epochs", "5"]);
    let area = number(&report["test"]["auc"]);
    assert!(html.contains(&format!("area {area:.4}")) && html.contains("Brier score"), "{area}");
    let account: Value = serde_json::from_slice(&desk.bytes("run/report.json")).expect("JSON");
    assert!((number(&account["roc"]["area"]) - area).abs() < 1e-12);
    let bins = account["calibration"]["bins"].as_array().expect("bins");
    assert_eq!(bins.iter().map(|bin| bin["rows"].as_u64().expect("rows")).sum::<u64>(), 57);
}

fn a_regression_shows_its_residuals() {
    let desk = Desk::new();
    let (report, html) = trained(&desk, "wine-quality", &["--epochs", "5"]);
    for (name, place) in [("R²", "r2"), ("RMSE", "rmse"), ("MAE", "mae")] {
        let value = number(&report["test"][place]);
        let shown = format!("<dt>{name}</dt><dd>{}", &format!("{value:.4}")[..5]);
        assert!(html.contains(&shown), "{place}: {shown} is missing");
    }
    for words in [
        "quality: how it is distributed",
        "Always saying the mean of these rows would have an RMSE of ",
        "quality: true by predicted",
        "quality: residuals",
        "spread of the residuals",
        "160 of 160 test rows",
    ] {
        assert!(html.contains(words), "'{words}' is missing");
    }
    let account: Value = serde_json::from_slice(&desk.bytes("run/report.json")).expect("JSON");
    let deviation = number(&account["residuals"][0]["deviation"]).powi(2) + number(&account["residuals"][0]["mean"]).powi(2);
    assert!((deviation - number(&report["test"]["mse"])).abs() < 1e-9, "mse = variance + mean²");
}

fn many_test_rows_are_thinned_out_in_the_picture_and_the_page_says_so() {
    let desk = Desk::new();
    let rows: String = (0..4000).map(|i| format!("{},{},{}\n", i % 71, i % 13, (i % 71) * 2 + i % 13)).collect();
    desk.write("many.csv", format!("a,b,y\n{rows}"));
    let (report, html) = trained(&desk, "many.csv", &["--epochs", "1", "--split", "0.2/0/0.8", "--task", "regression"]);
    assert_eq!(report["data"]["test_rows"], 3200);
    assert!(html.contains("The pictures show 2000 of 3200 test rows"));
    assert!(html.contains("Regression surface") && html.contains("400 of the 800 training rows"));
}

fn two_inputs_show_the_decision_boundary_with_training_rows() {
    let desk = Desk::new();
    desk.write("rings.csv", rings());
    let mut points = Vec::new();
    for bins in ["0", "6"] {
        let (report, html) = trained(&desk, "rings.csv", &["--epochs", "60", "--hidden", "16", "--bins", bins]);
        assert!(number(&report["test"]["accuracy"]) > 0.9, "{report}");
        for words in ["Decision boundary", "<image ", "216 of the 216 training rows"] {
            assert!(html.contains(words), "'{words}' is missing");
        }
        let account: Value = serde_json::from_slice(&desk.bytes("run/report.json")).expect("JSON");
        let surface = &account["surface"];
        let side = surface["side"].as_u64().expect("a side") as usize;
        let classes = surface["classes"].as_array().expect("classes");
        assert_eq!(classes.len(), side * side);
        assert_eq!(
            (&classes[side / 2 * side + side / 2], &classes[0]),
            (&Value::from(0), &Value::from(1)),
            "inner within outer"
        );
        let coordinates = surface["points"].as_array().expect("points").iter().flat_map(|point| [&point[0], &point[1]]);
        points.push(coordinates.map(number).collect::<Vec<f64>>());
        fs::remove_dir_all(desk.path().join("run")).expect("a run");
    }
    // Undone, bins leave the numbers of the file.
    let apart = points[0].iter().zip(&points[1]).map(|(plain, binned)| (plain - binned).abs()).fold(0.0, f64::max);
    assert!(points[0].len() == 2 * 216 && apart < 1e-4, "{apart}");
}

fn images_of_a_file_are_shown_where_they_were_taken_for_another_class() {
    let desk = Desk::new();
    write_images(&desk);
    let test = ["--labels", "labels", "--test", "images", "--test-labels", "labels", "--epochs", "20"];
    let (_, html) = trained(&desk, "images", &test);
    assert_eq!(html.matches("<figure><img").count(), 12, "of 12 rows that are labelled wrongly");
    assert!(html.contains("<img alt=\"row 1: 1, taken for 0\"") && html.contains("width=\"6\" height=\"6\""));
}

fn what_was_ended_early_and_what_went_on_have_their_reports() {
    let desk = Desk::new();
    let (_, html) = trained(&desk, "digits", &["--epochs", "1000000", "--max-time", "1s"]);
    assert!(html.contains("ended by its limit of time") && html.contains(" epochs.</p>"), "thinned out");
    let train =
        ["train", "iris", "--device", "cpu", "--quiet", "--schedule", "constant", "--validation", "iris", "--epochs"];
    done(&desk, &[&train[..], &["9", "-o", "whole"]].concat());
    done(&desk, &[&train[..], &["4", "-o", "parts"]].concat());
    done(&desk, &["train", "--resume", "parts", "--epochs", "9", "--quiet"]);
    let curve = |run: &str| {
        let html = page(&desk, &format!("{run}/report.html"));
        let line = html.lines().find(|line| line.starts_with("<polyline")).expect("a curve").to_string();
        assert!(html.contains("It was trained for 9 epochs"), "{run}");
        line
    };
    assert_eq!(curve("whole"), curve("parts"));
}

fn a_run_without_epochs_or_test_rows_has_its_report() {
    let desk = Desk::new();
    let (_, html) = trained(&desk, "iris", &["--epochs", "0", "--split", "1/0/0"]);
    assert!(html.contains("No epoch was finished") && html.contains("There are no scores of test rows"));
}

#[cfg(unix)]
fn an_interrupted_run_has_its_report() {
    let desk = Desk::new();
    let endless = ["train", "digits", "--device", "cpu", "--epochs", "10000000", "--quiet", "-o", "run"];
    let mut child = desk.command(&endless).spawn().expect("the binary runs");
    let metrics = desk.path().join("run/metrics.jsonl");
    let waiting = std::time::Instant::now();
    while !fs::metadata(&metrics).is_ok_and(|file| file.len() > 0) && waiting.elapsed().as_secs() < 30 {
        std::thread::sleep(std::time::Duration::from_millis(20));
    }
    std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().expect("kill");
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    assert!(page(&desk, "run/report.html").contains("Training was interrupted after"));
}

fn the_same_run_gives_the_same_report_but_for_times_and_again_from_its_files() {
    let accounts = [Desk::new(), Desk::new()].map(|desk| {
        trained(&desk, "iris", &["--epochs", "6"]);
        let from_training = desk.bytes("run/report.html");
        fs::remove_file(desk.path().join("run/report.html")).expect("a page");
        assert!(done(&desk, &["report", "run"]).contains("run/report.html"));
        assert_eq!(desk.bytes("run/report.html"), from_training, "the page is a function of the files");
        let mut account: Value = serde_json::from_slice(&desk.bytes("run/report.json")).expect("JSON");
        let outcome = account["outcome"].as_object_mut().expect("an outcome");
        outcome.remove("seconds");
        outcome.remove("last_epoch");
        outcome.remove("kept_epoch");
        account
    });
    assert_eq!(accounts[0], accounts[1]);
}

fn a_run_that_was_cut_off_has_a_report_of_what_there_is() {
    let desk = Desk::new();
    let (report, _) = trained(&desk, "iris", &["--epochs", "3"]);
    fs::remove_file(desk.path().join("run/report.json")).expect("a file");
    let output = desk.run(&["report", "run", "-o", "page.html"]);
    assert!(output.status.success() && stderr(&output).contains("has no report.json"), "{}", stderr(&output));
    let accuracy = format!("{:.4}", number(&report["test"]["accuracy"]));
    assert!(page(&desk, "page.html").contains(&accuracy), "the model tells it");
    fs::remove_file(desk.path().join("run/model.safetensors")).expect("a file");
    done(&desk, &["report", "run", "--quiet", "-o", "page.html"]);
    assert!(page(&desk, "page.html").contains("Loss by epoch"));
    for (code, arguments) in
        [(2, vec!["report", "nowhere"]), (2, vec!["report", "run", "-o", "run/run.toml"]), (2, vec!["report"])]
    {
        assert_eq!(desk.run(&arguments).status.code(), Some(code), "{arguments:?}");
    }
}

fn names_from_outside_are_escaped() {
    let desk = Desk::new();
    let evil = "<script>alert('1')</script>";
    let table =
        rings().replace("ring\n", &format!("{evil}\n")).replace("outer", evil).replace("x,", "\"<img src=x onerror='a'>\",");
    desk.write("<b>.csv", table);
    json(&desk, &["train", "<b>.csv", "--device", "cpu", "--quiet", "--epochs", "3", "-o", "<i>run"]);
    let html = page(&desk, "<i>run/report.html");
    assert!(html.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;") && html.contains("&lt;img src=x"));
    assert!(html.contains("&lt;b&gt;.csv") && html.contains("&lt;i&gt;run"));
    json(&desk, &["train", "iris", "--device", "cpu", "--quiet", "--epochs", "3", "-o", "other"]);
    done(&desk, &["report", "<i>run", "other"]);
    assert!(page(&desk, "comparison--i-run-other.html").contains("&lt;i&gt;run"));
}

fn runs_are_compared_with_the_options_that_differ() {
    let desk = Desk::new();
    let train = |run: &str, rate: &str| {
        let arguments =
            ["train", "iris", "--device", "cpu", "--quiet", "--epochs", "5", "--split", "0.8/0.1/0.1", "-o", run];
        json(&desk, &[&arguments[..], &["--learning-rate", rate]].concat())
    };
    let reports = [train("slow", "0.001"), train("fast", "0.05")];
    let compared = json(&desk, &["report", "slow", "fast", "-o", "both.html"]);
    assert_eq!((&compared["schema"], &compared["command"]), (&Value::from(1), &Value::from("report")));
    assert_eq!(compared["differences"], serde_json::json!({ "learning-rate": [0.001, 0.05] }));
    let html = page(&desk, "both.html");
    for (report, run) in reports.iter().zip(["slow", "fast"]) {
        let cells = format!("<tr><td>{run}</td><td class=\"number\">{:.4}</td>", number(&report["test"]["accuracy"]));
        assert!(html.contains(&cells), "{cells} is missing");
    }
    assert!(html.contains("<td>learning-rate</td><td>0.001</td><td>0.05</td>") && html.contains("Validation loss by epoch"));
    assert!(!html.contains("These runs differ in data"));
    json(&desk, &["train", "wine", "--device", "cpu", "--quiet", "--epochs", "2", "-o", "wine"]);
    done(&desk, &["report", "slow", "wine"]);
    assert!(page(&desk, "comparison-slow-wine.html").contains("These runs differ in data"));
}

fn a_report_that_cannot_be_written_is_a_remark_and_the_model_is_saved() {
    let desk = Desk::new();
    trained(&desk, "iris", &["--epochs", "2"]);
    fs::remove_file(desk.path().join("run/report.html")).expect("a page");
    fs::create_dir(desk.path().join("run/report.html")).expect("a folder in its place");
    let before = desk.tensors("run/model.safetensors");
    let output = desk.run(&["train", "--resume", "run", "--epochs", "4"]);
    assert!(output.status.success() && stderr(&output).contains("the report could not be written"), "{}", stderr(&output));
    assert_ne!(before, desk.tensors("run/model.safetensors"));
}

fn a_report_json_that_is_damaged_is_an_error_or_left_out_and_never_a_panic() {
    let desk = Desk::new();
    desk.write("rings.csv", rings());
    trained(&desk, "rings.csv", &["--epochs", "2"]);
    let whole: Value = serde_json::from_slice(&desk.bytes("run/report.json")).expect("JSON");
    desk.write("run/report.json", "{\"schema\": 1");
    let output = desk.run(&["report", "run"]);
    assert!(output.status.code() == Some(3) && stderr(&output).contains("run/report.json"), "{}", stderr(&output));
    let altered: [(&str, Value); 15] = [
        ("/surface/side", 1_000_000.into()),
        ("/surface/side", 0.into()),
        ("/surface/classes", Value::Array(vec![])),
        ("/surface/ranges/0/1", Value::from(-1e308)),
        ("/outcome/test/confusion", serde_json::json!([[1], "x", [-1, 2, 3, 4]])),
        ("/outcome", Value::Null),
        ("/layers/layers/0/counts", Value::Array(vec![])),
        ("/side", 0.into()),
        ("/side", Value::from(u64::MAX)),
        ("/importance/columns", Value::Array(vec![])),
        ("/importance/columns/0/column", Value::from(u64::MAX)),
        ("/dependences/0/numbers", Value::Array(vec![])),
        ("/distributions/0/test", serde_json::json!([1])),
        ("/distributions/0/range", serde_json::json!([-1e308, 1e308])),
        ("/wrong/rows/0/cells", Value::Array(vec![])),
    ];
    for (place, value) in altered {
        let mut account = whole.clone();
        *account.pointer_mut(place).expect(place) = value;
        desk.write("run/report.json", account.to_string());
        done(&desk, &["report", "run"]);
        page(&desk, "run/report.html");
    }
}

fn what_is_no_terminal_gets_neither_escape_codes_nor_a_picture() {
    let desk = Desk::new();
    for color in ["auto", "always", "never"] {
        let output = desk.run(&["train", "iris", "--device", "cpu", "--epochs", "5", "--color", color]);
        let text = stderr(&output) + &String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && !text.contains('\u{1b}'), "{color}: {text}");
        assert!(!text.chars().any(|character| ('\u{2800}'..='\u{28ff}').contains(&character)), "{color}: {text}");
    }
    assert_eq!(desk.run(&["train", "iris", "--color", "green"]).status.code(), Some(2));
}

#[cfg(target_os = "linux")]
fn a_page_is_opened_by_the_systems_program_and_a_failure_is_a_remark() {
    use std::os::unix::fs::PermissionsExt;

    let desk = Desk::new();
    trained(&desk, "iris", &["--epochs", "1"]);
    let bin = desk.path().join("bin");
    fs::create_dir(&bin).expect("a folder");
    let report = |script: &str| {
        fs::write(bin.join("xdg-open"), script).expect("a script");
        fs::set_permissions(bin.join("xdg-open"), fs::Permissions::from_mode(0o755)).expect("a script to run");
        desk.command(&["report", "run", "--open"]).env("PATH", &bin).output().expect("the binary runs")
    };
    let output = report("#!/bin/sh\necho \"$1\" > opened\n");
    assert!(output.status.success() && output.stderr.is_empty(), "{}", stderr(&output));
    let opened = String::from_utf8(desk.bytes("opened")).expect("UTF-8");
    assert!(opened.trim_end().ends_with("/run/report.html"), "{opened}");
    for script in ["#!/bin/sh\nexit 3\n", "no script"] {
        let output = report(script);
        assert!(output.status.success() && stderr(&output).contains("could not be opened"), "{}", stderr(&output));
    }
    fs::remove_dir_all(&bin).expect("a folder");
    let output = desk.command(&["report", "run", "--open"]).env("PATH", &bin).output().expect("the binary runs");
    assert!(output.status.success() && stderr(&output).contains("xdg-open"), "{}", stderr(&output));
}

pub(crate) fn trials() -> Vec<Trial> {
    named![
        a_classification_shows_its_scores_its_curves_and_its_worst_images,
        two_classes_have_a_roc_curve_with_its_area_and_a_calibration,
        a_regression_shows_its_residuals,
        many_test_rows_are_thinned_out_in_the_picture_and_the_page_says_so,
        two_inputs_show_the_decision_boundary_with_training_rows,
        images_of_a_file_are_shown_where_they_were_taken_for_another_class,
        what_was_ended_early_and_what_went_on_have_their_reports,
        a_run_without_epochs_or_test_rows_has_its_report,
        #[cfg(unix)]
        an_interrupted_run_has_its_report,
        the_same_run_gives_the_same_report_but_for_times_and_again_from_its_files,
        a_run_that_was_cut_off_has_a_report_of_what_there_is,
        names_from_outside_are_escaped,
        runs_are_compared_with_the_options_that_differ,
        a_report_that_cannot_be_written_is_a_remark_and_the_model_is_saved,
        a_report_json_that_is_damaged_is_an_error_or_left_out_and_never_a_panic,
        what_is_no_terminal_gets_neither_escape_codes_nor_a_picture,
        #[cfg(target_os = "linux")]
        a_page_is_opened_by_the_systems_program_and_a_failure_is_a_remark,
    ]
}
