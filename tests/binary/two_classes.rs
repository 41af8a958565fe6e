//! Two classes that are not alike: the positive one, the threshold from which on it is said, and what always saying the same comes to.

use std::path::Path;
use std::process::Command;

use crate::common::{Desk, Failed, Trial, ended};
use serde_json::Value;
use wgrad::data::{Bins, Decision, Encoding, InputColumn, InputKind, Matrix, Numerals, Target};
use wgrad::files::Place;
use wgrad::model::{Model, StoredWeights};
use wgrad::network::{Activation, Layer, Loss, Network, Weights, converted};

type Outcome = Result<(), Failed>;

/// What Python has to have to compare with.
const MODULES: &str = "numpy, onnx, onnxruntime";

/// A training of a second.
const TRAIN: [&str; 9] = ["train", "c.csv", "--device", "cpu", "--quiet", "--epochs", "8", "--hidden", "16"];

fn drawn(row: usize, column: usize) -> f64 {
    let mixed = (row * 31 + column * 17 + 7).wrapping_mul(2_654_435_761) % 1_000_003;
    mixed as f64 / 1_000_003.0
}

/// Rows of two numbers and a class, of which about a sixth is 'yes', where both numbers are large or by chance.
fn table(rows: std::ops::Range<usize>) -> String {
    let mut text = String::from("a,b,y\n");
    for row in rows {
        let [a, b, chance] = [0, 1, 2].map(|column| drawn(row, column));
        let class = if a + b + 0.8 * chance > 1.85 { "yes" } else { "no" };
        text += &format!("{a:.4},{b:.4},{class}\n");
    }
    text
}

fn desk() -> Desk {
    let desk = Desk::new();
    desk.write("c.csv", table(0..500));
    desk.write("v.csv", table(500..700));
    desk
}

/// What the binary prints, having ended well.
fn said(desk: &Desk, arguments: &[&str]) -> Result<String, Failed> {
    let output = desk.run(arguments);
    ended(0, arguments, &output)?;
    Ok(String::from_utf8(output.stdout)?)
}

fn json(desk: &Desk, arguments: &[&str]) -> Result<Value, Failed> {
    Ok(serde_json::from_str(&said(desk, &[arguments, &["--json"]].concat())?)?)
}

fn train(desk: &Desk, options: &[&str]) -> Result<Value, Failed> {
    json(desk, &[&TRAIN[..], options].concat())
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

/// The class that is said of each row, and the probability of 'yes'.
fn predicted(desk: &Desk, run: &str, data: &str, flags: &[&str]) -> Result<Vec<(String, f64)>, Failed> {
    let text = said(desk, &[&["predict", run, data, "--probabilities", "--device", "cpu", "--quiet"], flags].concat())?;
    let cells = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        Ok((cells[0].to_owned(), cells[2].parse::<f64>()?))
    };
    text.lines().skip(1).map(cells).collect()
}

/// The true classes of a table.
fn truth(desk: &Desk, data: &str) -> Vec<String> {
    let text = String::from_utf8(desk.bytes(data)).expect("UTF-8");
    text.lines().skip(1).map(|line| line.rsplit(',').next().expect("a cell").to_owned()).collect()
}

fn holds(condition: bool, what: impl std::fmt::Debug) -> Outcome {
    if condition { Ok(()) } else { Err(format!("{what:?}").into()) }
}

/// The rule's threshold is found again by trying the probabilities that `predict` gives, and what follows from it holds everywhere.
fn a_rule_chooses_on_validation_rows_what_predict_and_evaluate_then_do() -> Outcome {
    let desk = desk();
    let (truth, mut thresholds) = (truth(&desk, "v.csv"), Vec::new());
    for rule in ["f1", "youden", "recall=0.9", "precision=0.7"] {
        let run = rule.replace(['=', '.'], "-");
        let report = train(&desk, &["-o", &run, "--validation", "v.csv", "--threshold", rule])?;
        let threshold = number(&report["threshold"]["threshold"]);
        holds(report["threshold"]["class"] == "yes" && report["threshold"]["rows"] == 200, &report["threshold"])?;
        let rows = predicted(&desk, &run, "v.csv", &[])?;
        let at = |threshold: f64| {
            let (mut truly, mut falsely, mut missed, mut rest) = (0.0, 0.0, 0.0, 0.0);
            for ((_, probability), class) in rows.iter().zip(&truth) {
                let count = match (*probability >= threshold, class == "yes") {
                    (true, true) => &mut truly,
                    (true, false) => &mut falsely,
                    (false, true) => &mut missed,
                    (false, false) => &mut rest,
                };
                *count += 1.0;
            }
            let (precision, recall) = (truly / (truly + falsely), truly / (truly + missed));
            match rule {
                "f1" => 2.0 * truly / (2.0 * truly + falsely + missed),
                "youden" => recall - falsely / (falsely + rest),
                "recall=0.9" => {
                    if recall >= 0.9 {
                        precision
                    } else {
                        -1.0
                    }
                }
                _ => {
                    if precision >= 0.7 {
                        recall
                    } else {
                        -1.0
                    }
                }
            }
        };
        let best = rows.iter().map(|(_, probability)| at(*probability)).fold(f64::MIN, f64::max);
        holds((at(threshold) - best).abs() < 1e-12, (rule, threshold, at(threshold), best))?;
        holds((number(&report["threshold"]["value"]) - best).abs() < 1e-12, (rule, &report["threshold"], best))?;
        // The row that the threshold is from is said to be positive.
        holds(rows.iter().any(|(said, probability)| *probability == threshold && said == "yes"), (rule, threshold))?;
        let agrees = |(said, probability): &(String, f64)| (said == "yes") == (*probability >= threshold);
        holds(rows.iter().all(agrees), rule)?;
        let right = rows.iter().zip(&truth).filter(|((said, _), class)| said == *class).count();
        let judged = &json(&desk, &["evaluate", &run, "v.csv", "--device", "cpu"])?["evaluation"];
        holds(number(&judged["accuracy"]) == right as f64 / 200.0, (rule, right, judged))?;
        holds(number(&judged["decision"]["threshold"]) == threshold, judged)?;
        thresholds.push(threshold);
    }
    thresholds.sort_by(f64::total_cmp);
    thresholds.dedup();
    holds(thresholds.len() > 1, ("all rules chose the same", thresholds))
}

fn predict_and_evaluate_take_another_threshold() -> Outcome {
    let desk = desk();
    train(&desk, &["-o", "run", "--threshold", "0.25"])?;
    let rows = predicted(&desk, "run", "v.csv", &[])?;
    let mut sorted: Vec<f64> = rows.iter().map(|row| row.1).collect();
    sorted.sort_by(f64::total_cmp);
    let edge = sorted[150];
    for (threshold, is_positive) in [(edge, true), (edge.next_up(), false)] {
        let again = predicted(&desk, "run", "v.csv", &["--threshold", &threshold.to_string()])?;
        let said = again.iter().find(|(_, probability)| *probability == edge).map(|(said, _)| said.as_str());
        holds(said == Some(if is_positive { "yes" } else { "no" }), (threshold, said))?;
        holds(again.iter().all(|(said, probability)| (said == "yes") == (*probability >= threshold)), threshold)?;
        let flag = threshold.to_string();
        let judged = json(&desk, &["evaluate", "run", "v.csv", "--device", "cpu", "--threshold", &flag])?;
        let said_yes = again.iter().filter(|(said, _)| said == "yes").count();
        let matrix = &judged["evaluation"]["confusion"];
        holds(number(&matrix[0][1]) + number(&matrix[1][1]) == said_yes as f64, matrix)?;
    }
    // A rule on the very rows is said to be optimistic, and is the best that a number can be.
    let arguments = ["evaluate", "run", "v.csv", "--device", "cpu", "--threshold", "f1"];
    let told = desk.ends(0, &arguments)?;
    holds(told.contains("--threshold f1 chose the threshold on the very rows that it is judged by"), &told)?;
    let best = json(&desk, &arguments)?["evaluation"]["f1"].clone();
    for threshold in ["0.1", "0.25", "0.5", "0.7"] {
        let arguments = ["evaluate", "run", "v.csv", "--device", "cpu", "--threshold", threshold];
        let f1 = json(&desk, &arguments)?["evaluation"]["f1"].clone();
        holds(number(&f1) <= number(&best), (threshold, f1, &best))?;
    }
    Ok(())
}

/// The other class's scores are of the same predictions, and so is the positive one's where it is said in training.
fn either_class_may_be_the_positive_one() -> Outcome {
    let desk = desk();
    train(&desk, &["-o", "run", "--threshold", "0.25"])?;
    let judged = |run: &str, flags: &[&str]| {
        let report = json(&desk, &[&["evaluate", run, "v.csv", "--device", "cpu"], flags].concat())?;
        Ok::<Value, Failed>(report["evaluation"].clone())
    };
    let (yes, no) = (judged("run", &[])?, judged("run", &["--positive", "no"])?);
    holds(yes["confusion"] == no["confusion"] && no["decision"]["class"] == "yes", &no)?;
    for (scores, place) in [(&yes, 1), (&no, 0)] {
        for score in ["precision", "recall", "f1"] {
            holds(scores[score] == scores["classes"][place][score], (place, score))?;
        }
    }
    holds((number(&yes["auc"]) - number(&no["auc"])).abs() < 1e-9, (&yes["auc"], &no["auc"]))?;
    holds(number(&no["average_precision"]) > number(&yes["average_precision"]), (&yes, &no))?;
    let report = train(&desk, &["-o", "no", "--positive", "no", "--threshold", "0.75"])?;
    holds(report["test"]["positive"] == "no" && report["threshold"]["class"] == "no", &report["test"])?;
    let rows = predicted(&desk, "no", "v.csv", &[])?;
    holds(rows.iter().all(|(said, probability)| (said == "no") == (1.0 - *probability >= 0.75)), "of 'no' from 0.75 on")?;
    let inspected = said(&desk, &["inspect", "no"])?;
    let told = inspected.contains("positive class: 'no'") && inspected.contains("threshold 0.75: 'no' from a prob");
    holds(told, inspected)?;
    let html = String::from_utf8(desk.bytes("no/report.html"))?;
    holds(html.contains("'no', average precision") || html.contains("&#39;no&#39;, average precision"), "the curve")
}

fn what_cannot_be_meant_is_refused_with_what_to_type() -> Outcome {
    let desk = desk();
    desk.write("one.csv", "a,b,y\n0.1,0.1,no\n0.2,0.3,no\n");
    desk.write("few.csv", "a,b,y\n0.1,0.1,no\n0.2,0.3,yes\n");
    train(&desk, &["-o", "run"])?;
    for (code, arguments, told) in [
        (
            2,
            &["train", "iris", "--threshold", "0.3"][..],
            "--threshold is for a target of two classes, and 'species' is one of 3",
        ),
        (2, &["train", "iris", "--positive", "setosa"], "--positive is for a target of two classes"),
        (2, &["train", "c.csv", "--target", "a", "--threshold", "f1"], "and 'a' is numbers"),
        (
            2,
            &["train", "c.csv", "--positive", "yess"],
            "there is no class 'yess', did you mean 'yes'? The classes are 'no' and 'yes'",
        ),
        (
            2,
            &["train", "c.csv", "--threshold", "f1", "--split", "0.9/0/0.1"],
            "there are none: set some apart (--split 0.8/0.1/0.1)",
        ),
        (2, &["train", "few.csv", "--threshold", "f1"], "the table is too small for some: name a file of them"),
        (
            3,
            &["train", "c.csv", "--threshold", "f1", "--validation", "one.csv"],
            "and all 2 are 'no': name a file that has both",
        ),
        (2, &["train", "c.csv", "--threshold", "1.5"], "a threshold is a probability, from 0 to 1"),
        (2, &["train", "c.csv", "--threshold", "yuden"], "'yuden' is no threshold, did you mean 'youden'?"),
        (2, &["train", "c.csv", "--set", "threshold=1.5"], "a threshold is a probability, from 0 to 1"),
        (2, &["predict", "run", "v.csv", "--threshold", "f1"], "a rule chooses on rows whose classes are known"),
        (3, &["evaluate", "run", "one.csv", "--threshold", "f1"], "name rows of both classes"),
        (2, &["evaluate", "run", "v.csv", "--positive", "y"], "The classes are 'no' and 'yes'"),
        (4, &["evaluate", "run", "v.csv", "--min", "f1=0.99"], "below the minimum of 0.99"),
        (
            4,
            &["evaluate", "run", "v.csv", "--min", "average-precision=0.999", "--positive", "no"],
            "average-precision is 0.9",
        ),
    ] {
        let said = desk.ends(code, &[arguments, &["--device", "cpu"]].concat())?;
        holds(said.contains(told), (arguments, said))?;
    }
    Ok(())
}

/// `run.toml`, a checkpoint, folds and models that training starts from.
fn a_threshold_follows_the_run_and_the_model() -> Outcome {
    let desk = desk();
    let first = train(&desk, &["-o", "run", "--threshold", "recall=0.8"])?;
    let threshold = |report: &Value| number(&report["threshold"]["threshold"]);
    holds(threshold(&first) > 0.0 && first["data"]["validation_rows"] == 50, &first["data"])?;
    let again = ["train", "--config", "run/run.toml", "--quiet", "-o", "again"];
    holds(threshold(&json(&desk, &again)?) == threshold(&first), "the same run again")?;
    // A run that goes on may be decided otherwise: its weights are the same.
    let weights = desk.tensors("run/model.safetensors");
    let resumed = json(&desk, &["train", "--resume", "run", "--quiet", "--threshold", "0.125"])?;
    holds(threshold(&resumed) == 0.125 && desk.tensors("run/model.safetensors") == weights, &resumed["threshold"])?;
    let options = String::from_utf8(desk.bytes("run/run.toml"))?;
    holds(options.contains("threshold = 0.125\n"), options)?;
    // What is trained on keeps its threshold; a last layer of its own and weights alone do not.
    let tuned = ["train", "v.csv", "--device", "cpu", "--quiet", "--epochs", "1", "--finetune", "run"];
    holds(threshold(&json(&desk, &[&tuned[..], &["-o", "tuned"]].concat())?) == 0.125, "--finetune")?;
    let otherwise = json(&desk, &[&tuned[..], &["-o", "other", "--threshold", "0.5"]].concat())?;
    holds(threshold(&otherwise) == 0.5, "--finetune with another")?;
    let new = json(&desk, &[&tuned[..], &["-o", "new", "--new-output"]].concat())?;
    holds(new.get("threshold").is_none(), &new["threshold"])?;
    let drawn = train(&desk, &["-o", "init", "--init", "run/model.safetensors"])?;
    holds(drawn.get("threshold").is_none(), &drawn["threshold"])?;
    // Other data may have other classes.
    let other = ["train", "breast-cancer", "--config", "run/run.toml", "--quiet", "-o", "others", "--device", "cpu"];
    holds(json(&desk, &other)?.get("threshold").is_none(), "other data")?;
    let folds = train(&desk, &["-o", "folds", "--folds", "3", "--threshold", "f1"])?;
    let chosen: Vec<f64> = folds["runs"].as_array().ok_or("runs")?.iter().map(threshold).collect();
    holds(chosen.len() == 3 && chosen.iter().all(|chosen| chosen.is_finite()), &chosen)?;
    holds(chosen[0] != chosen[1] || chosen[1] != chosen[2], &chosen)
}

/// A network that says of a row just what stands in it.
fn identity(threshold: Option<f64>, positive: usize, outputs: usize, is_double: bool) -> Model {
    let network = Network::new(vec![1, outputs], vec![Activation::Identity], outputs == 2).expect("a network");
    let layer = match outputs {
        1 => Layer { weight: Matrix::new(1, 1, vec![1.0]), bias: Vec::new() },
        _ => Layer { weight: Matrix::new(1, 2, vec![-1.0, 1.0]), bias: vec![1.0, 0.0] },
    };
    let weights: Weights<f64> = vec![layer];
    let kind = InputKind::Number { offset: 0.0, scale: 1.0, missing: None, bins: Bins::default() };
    let decision = Decision { positive, threshold };
    Model {
        network,
        loss: Loss::SquaredError,
        weights: if is_double {
            StoredWeights::Double(vec![weights])
        } else {
            StoredWeights::Single(vec![converted(&weights)])
        },
        encoding: Encoding {
            inputs: vec![InputColumn::new("x", kind)],
            target: Target::Classification { column: "y".into(), classes: vec!["no".into(), "yes".into()], decision },
            missing_values: None,
            numerals: Numerals::default(),
        },
        training: Value::Null,
    }
}

/// Probabilities at both sides of each threshold, one unit of rounding apart, in both precisions.
fn the_graph_decides_as_predict_does_to_the_last_bit() -> Outcome {
    let desk = Desk::new();
    let script = format!("{}/tests/python/run_onnx.py", env!("CARGO_MANIFEST_DIR"));
    let python = crate::common::python(MODULES).ok_or("a Python")?;
    for (positive, outputs, is_double) in
        [(1, 1, false), (0, 1, false), (1, 2, false), (0, 2, false), (1, 1, true), (0, 1, true)]
    {
        for threshold in [0.3_f64, 0.7, 0.1, 0.5, 0.0, 1.0] {
            let of_yes = if positive == 1 { threshold } else { 1.0 - threshold };
            let near = of_yes as f32;
            let single = [near.next_down(), near, near.next_up()].map(f64::from);
            let double = [of_yes.next_down(), of_yes, of_yes.next_up()];
            let numbers = if is_double { double } else { single };
            let cells: String = numbers.iter().chain(&[0.05, 0.95]).map(|number| format!("{number}\n")).collect();
            desk.write("x.csv", format!("x\n{cells}"));
            let path = desk.path().join("m.safetensors");
            identity(Some(threshold), positive, outputs, is_double).save(&Place::named(&path)?)?;
            let predicted = said(&desk, &["predict", "m.safetensors", "x.csv", "--device", "cpu", "--quiet"])?;
            let ours: Vec<&str> = predicted.lines().skip(1).collect();
            desk.ends(0, &["export", "m.safetensors", "--format", "onnx"])?;
            let run = Command::new(python).args([&script, "m.onnx", "x.csv"]).current_dir(desk.path()).output()?;
            let told = String::from_utf8_lossy(&run.stderr).into_owned();
            let graph = String::from_utf8(run.stdout)?;
            let theirs: Vec<&str> = graph.lines().map(|line| line.split(',').next().unwrap_or_default()).collect();
            holds(ours == theirs, (positive, outputs, is_double, threshold, &numbers, &ours, &theirs, told))?;
            let both = ours.contains(&"yes") && ours.contains(&"no");
            holds(both || threshold == 0.0, ("both sides", threshold, ours))?;
        }
    }
    Ok(())
}

fn numpy_finds_the_threshold_in_an_archive() -> Outcome {
    let desk = desk();
    train(&desk, &["-o", "run", "--threshold", "0.25"])?;
    train(&desk, &["-o", "plain"])?;
    desk.ends(0, &["export", "run", "--format", "npz"])?;
    desk.ends(0, &["export", "plain", "--format", "npz"])?;
    let code = "import numpy as n; m, p = n.load('run/model.npz'), n.load('plain/model.npz')\n\
                print(float(m['threshold']), str(m['positive']), 'threshold' in p)";
    let python = crate::common::python(MODULES).ok_or("a Python")?;
    let run = Command::new(python).args(["-c", code]).current_dir(desk.path()).output()?;
    let told = String::from_utf8(run.stdout)?;
    holds(told == "0.25 yes False\n", (told, String::from_utf8_lossy(&run.stderr)))?;
    desk.ends(0, &["export", "run", "--format", "json"])?;
    let document: Value = serde_json::from_slice(&desk.bytes("run/model.json"))?;
    holds(document["encoding"]["target"]["decision"]["threshold"] == 0.25, &document["encoding"]["target"])
}

/// Scores stand beside what always saying the same comes to, in lines that a terminal of 100 columns holds.
fn scores_stand_beside_their_baseline() -> Outcome {
    let desk = desk();
    let told = said(&desk, &[&TRAIN[..], &["-o", "run", "--threshold", "f1"]].concat())?;
    let report = json(&desk, &["report", "run"])?["runs"][0]["outcome"].clone();
    let scores = &report["test"];
    let number = |name: &str| format!("{:.4}", number(&scores[name]));
    let always = format!("(always 'no': {:.4})", self::number(&scores["baseline"]["accuracy"]));
    let line = told.lines().find(|line| line.starts_with("test, 50 rows: ")).ok_or("a line of scores")?;
    holds(line.contains(&format!("accuracy {} {always}", number("accuracy"))), line)?;
    let of_yes = format!(
        "  'yes': precision {}, recall {}, F1 {}, AUC {}, average precision {}",
        number("precision"),
        number("recall"),
        number("f1"),
        number("auc"),
        number("average_precision")
    );
    holds(told.lines().any(|line| line == of_yes), (&told, &of_yes))?;
    holds(told.contains("threshold 0.") && told.contains("which gives the best F1 (0."), &told)?;
    holds(told.lines().filter(|line| !line.starts_with("threshold")).all(|line| line.len() <= 100), &told)?;
    let judged = said(&desk, &["evaluate", "run", "v.csv", "--device", "cpu"])?;
    let truth = truth(&desk, "v.csv");
    let share = truth.iter().filter(|class| *class == "no").count() as f64 / truth.len() as f64;
    holds(judged.contains(&format!("right; always 'no': {share:.4})")), &judged)?;
    // Numbers: the mean of the judged rows. One way to round, in training and evaluation.
    let arguments = ["train", "c.csv", "--target", "a", "--ignore", "y", "--device", "cpu", "--quiet", "--epochs", "3"];
    let told = said(&desk, &[&arguments[..], &["-o", "numbers", "--test", "v.csv"]].concat())?;
    let judged = said(&desk, &["evaluate", "numbers", "v.csv", "--device", "cpu"])?;
    let numbers: Vec<f64> = (500..700).map(|row| format!("{:.4}", drawn(row, 0)).parse().expect("a number")).collect();
    let mean = numbers.iter().sum::<f64>() / 200.0;
    let deviation = (numbers.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / 200.0).sqrt();
    let always = format!("(always the mean: RMSE {deviation:.5}, ");
    holds(told.contains(&always), (&told, &always))?;
    let row = judged.lines().find(|line| line.starts_with("always the mean")).ok_or("a row of the mean")?;
    holds(row.contains(&format!("{deviation:.5}")), row)?;
    let rmse = told.split_once("RMSE ").and_then(|(_, rest)| rest.split_once(',')).ok_or("an error")?.0;
    holds(judged.contains(&format!("  {rmse}  ")), (rmse, judged))
}

fn the_page_shows_both_curves_and_how_many_rows_a_bin_has() -> Outcome {
    let desk = desk();
    let report = train(&desk, &["-o", "run", "--threshold", "f1"])?;
    let html = String::from_utf8(desk.bytes("run/report.html"))?;
    let average = format!("average precision {:.4}", number(&report["test"]["average_precision"]));
    for words in ["Precision and recall: ", "ROC curve: ", &average, "as --threshold f1 chose on 50 validation rows"] {
        holds(html.contains(words), words)?;
    }
    let bars = html.split_once("the bars stand for ").ok_or("bars")?.1;
    let (counts, rest) = bars.split_once(" of ").ok_or("counts")?;
    let counts: Vec<usize> = counts.split(", ").map(str::parse).collect::<Result<_, _>>()?;
    let account: Value = serde_json::from_slice(&desk.bytes("run/report.json"))?;
    let bins = account["calibration"]["bins"].as_array().ok_or("bins")?;
    let rows: Vec<usize> = bins.iter().map(|bin| bin["rows"].as_u64().unwrap_or_default() as usize).collect();
    holds(counts.len() == 10 && counts.iter().sum::<usize>() == 50 && rest.starts_with("50 rows"), &counts)?;
    let filled: Vec<usize> = counts.iter().copied().filter(|&count| count > 0).collect();
    holds(filled == rows, (filled, &rows))?;
    // A run of an earlier version has no such curve.
    let mut older = account.clone();
    older.as_object_mut().ok_or("an object")?.remove("precision_recall");
    for field in ["positive", "decision", "baseline", "precision", "recall", "f1", "average_precision"] {
        older["outcome"]["test"].as_object_mut().ok_or("an object")?.remove(field);
    }
    desk.write("run/report.json", serde_json::to_vec(&older)?);
    desk.ends(0, &["report", "run"])?;
    let html = String::from_utf8(desk.bytes("run/report.html"))?;
    holds(html.contains("ROC curve") && !html.contains("Precision and recall: "), "the page of an earlier run")
}

/// Models that were saved before there were thresholds say nothing of them, and are read as they were.
fn a_model_without_a_decision_says_the_more_probable_class() -> Outcome {
    let desk = Desk::new();
    let path = desk.path().join("m.safetensors");
    identity(None, 1, 1, false).save(&Place::named(Path::new(&path))?)?;
    holds(!String::from_utf8_lossy(&desk.bytes("m.safetensors")).contains("decision"), "nothing is said of it")?;
    desk.write("x.csv", "x\n0.49\n0.5\n0.51\n");
    let said = said(&desk, &["predict", "m.safetensors", "x.csv", "--device", "cpu"])?;
    holds(said == "prediction\nno\nno\nyes\n", said)
}

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, check: fn() -> Outcome| Trial::test(name, check);
    let of_python = |name: &str, check| trial(name, check).with_python(MODULES);
    vec![
        trial(
            "a rule chooses on validation rows what predict and evaluate then do",
            a_rule_chooses_on_validation_rows_what_predict_and_evaluate_then_do,
        ),
        trial("predict and evaluate take another threshold", predict_and_evaluate_take_another_threshold),
        trial("either class may be the positive one", either_class_may_be_the_positive_one),
        trial("what cannot be meant is refused with what to type", what_cannot_be_meant_is_refused_with_what_to_type),
        trial("a threshold follows the run and the model", a_threshold_follows_the_run_and_the_model),
        of_python("the graph decides as predict does to the last bit", the_graph_decides_as_predict_does_to_the_last_bit),
        of_python("numpy finds the threshold in an archive", numpy_finds_the_threshold_in_an_archive),
        trial("scores stand beside their baseline", scores_stand_beside_their_baseline),
        trial(
            "the page shows both curves and how many rows a bin has",
            the_page_shows_both_curves_and_how_many_rows_a_bin_has,
        ),
        trial(
            "a model without a decision says the more probable class",
            a_model_without_a_decision_says_the_more_probable_class,
        ),
    ]
}
