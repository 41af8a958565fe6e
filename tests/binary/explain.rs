//! `wgrad explain`: every number against numpy, the steps against a training's own, what it refuses, and what its pages hold.

use std::process::Command;

use crate::common::{Desk, Failed, Trial, python};
use serde_json::Value;

pub(crate) fn trials() -> Vec<Trial> {
    let numpy = python("numpy");
    let mut trials = Vec::new();
    // Every activation in a hidden layer, and every loss at the outputs with what it goes with.
    let hidden = ["sigmoid", "tanh", "relu", "leaky-relu", "gelu", "softplus", "silu", "identity"];
    let of_classes = hidden.map(|activation| ("iris", vec!["--activation", activation]));
    let others = [
        ("breast-cancer", vec!["--loss", "binary-cross-entropy", "--output-activation", "sigmoid"]),
        ("breast-cancer", vec!["--loss", "squared-error", "--output-activation", "sigmoid", "--activation", "tanh"]),
        ("breast-cancer", vec!["--loss", "huber", "--output-activation", "tanh", "--no-bias"]),
        ("breast-cancer", vec!["--loss", "absolute-error", "--output-activation", "sigmoid"]),
        ("wine-quality", vec!["--task", "regression", "--loss", "squared-error"]),
        ("wine-quality", vec!["--task", "regression", "--loss", "huber", "--output-activation", "softplus"]),
        ("wine-quality", vec!["--task", "regression", "--loss", "absolute-error", "--output-activation", "gelu"]),
        ("wine-quality", vec!["--task", "regression", "--output-activation", "silu"]),
    ];
    for (data, flags) in of_classes.into_iter().chain(others) {
        let name = format!("numpy computes what is explained of {data} with {}", flags.join(" "));
        let trial = Trial::test(name, move || is_numpys(data, &flags, numpy.unwrap_or_default()));
        trials.push(trial.left_out_if(numpy.is_none(), "no Python with numpy: set WGRAD_TEST_PYTHON"));
    }
    trials.extend([
        Trial::test("a step that is explained is the step that a training on the row takes", steps_are_a_trainings),
        Trial::test("what was drawn before training is what is explained of epoch 0", first_weights_are_the_runs),
        Trial::test("explain refuses rows, epochs, weights and columns that are not there", refusals),
        Trial::test("a page escapes what comes from files, and holds the pictures and the chain", pages),
        Trial::test("a kink of the loss is told from a wrong gradient", kinks),
        Trial::test("explain says what it fills in, what it takes from elsewhere, and which of two names it takes", remarks),
        Trial::test("without data the run's own test rows are explained", own_rows),
        Trial::test("wide layers are cut to the units that matter, and explain says how many are left out", wide_layers),
    ]);
    trials
}

fn check(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), Failed> {
    if holds { Ok(()) } else { Err(otherwise().into()) }
}

fn explained(desk: &Desk, arguments: &[&str]) -> Result<Value, Failed> {
    let arguments = [&["explain"], arguments, &["--json"]].concat();
    let output = desk.run(&arguments);
    check(output.status.success(), || String::from_utf8_lossy(&output.stderr).into_owned())?;
    Ok(serde_json::from_slice(&output.stdout)?)
}

fn train(desk: &Desk, arguments: &[&str]) -> Result<(), Failed> {
    desk.ends(0, &[&["train"], arguments, &["--device", "cpu", "-q", "-o", "run"]].concat()).map(drop)
}

fn is_numpys(data: &str, flags: &[&str], python: &str) -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, &[&[data, "--hidden", "6,5", "--epochs", "2", "--precision", "f64"], flags].concat())?;
    for (row, epoch) in [("1", None), ("77", None), ("77", Some("0"))] {
        let epoch = epoch.map_or_else(Vec::new, |epoch| vec!["--epoch", epoch]);
        let said = explained(&desk, &[&["run", data, "--row", row], epoch.as_slice()].concat())?;
        desk.write("explained.json", said.to_string());
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/explain.py");
        let output = Command::new(python).arg(script).arg(desk.path().join("explained.json")).output()?;
        check(output.status.success(), || String::from_utf8_lossy(&output.stderr).into_owned())?;
        let worst: serde_json::Map<String, Value> = serde_json::from_slice(&output.stdout)?;
        check(worst.len() >= 8, || format!("too little was compared: {worst:?}"))?;
        for (what, difference) in &worst {
            check(difference.as_f64().is_some_and(|value| value < 1e-12), || {
                format!("row {row}: {what} is {difference} off")
            })?;
        }
        let largest = said["checked"]["largest"].as_f64();
        check(largest.is_some_and(|largest| largest < 1e-6), || format!("differences: {}", said["checked"]))?;
    }
    Ok(())
}

/// One row, one epoch: the run's weights are those of epoch 0 and the steps that were explained of it.
fn steps_are_a_trainings() -> Result<(), Failed> {
    for flags in [
        &["--optimizer", "sgd", "--learning-rate", "0.25"][..],
        &["--optimizer", "adam", "--weight-decay", "0.01"],
        &["--optimizer", "momentum", "--clip-norm", "0.05", "--l1", "0.001"],
        &["--optimizer", "rmsprop", "--clip-value", "0.01", "--layer-rates", "1,0.5"],
        &["--optimizer", "adamw", "--freeze", "1"],
        &["--optimizer", "sgd", "--clip-norm", "0.001", "--freeze", "1"],
    ] {
        let desk = Desk::new();
        desk.write("row.csv", "a,b,y\n0.3,-0.7,0.25\n");
        let usual = ["row.csv", "--task", "regression", "--scale", "none", "--hidden", "3", "--activation", "tanh"];
        let once =
            ["--epochs", "1", "--batch-size", "full", "--schedule", "constant", "--precision", "f64", "--split", "1/0/0"];
        train(&desk, &[&usual[..], &once, flags].concat())?;
        let before = explained(&desk, &["run", "row.csv", "--epoch", "0"])?;
        let after = explained(&desk, &["run", "row.csv"])?;
        let numbers = |value: &Value| value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<_>>();
        let mut largest = 0.0_f64;
        for (before, after) in
            before["layers"].as_array().ok_or("layers")?.iter().zip(after["layers"].as_array().ok_or("layers")?)
        {
            let rows = |layer: &Value, field: &str| -> Vec<f64> {
                layer[field].as_array().into_iter().flatten().flat_map(numbers).collect()
            };
            let all = |layer: &Value, weights: &str, biases: &str| [rows(layer, weights), numbers(&layer[biases])].concat();
            let (weights, steps) = (all(before, "weights", "biases"), all(before, "steps", "bias_steps"));
            for ((weight, step), after) in weights.iter().zip(&steps).zip(all(after, "weights", "biases")) {
                check((weight + step - after).abs() < 1e-14, || format!("{flags:?}: {weight} + {step} is not {after}"))?;
                largest = largest.max(step.abs());
            }
            let is_frozen = flags.contains(&"--freeze") && before["layer"] == 1;
            check(is_frozen == steps.iter().all(|&step| step == 0.0), || {
                format!("{flags:?}: steps of {}", before["layer"])
            })?;
        }
        check(largest > 0.0, || format!("{flags:?}: nothing moved"))?;
    }
    Ok(())
}

fn first_weights_are_the_runs() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, &["iris", "--hidden", "4", "--seed", "7", "--epochs", "3"])?;
    let first = explained(&desk, &["run", "iris", "--epoch", "0"])?;
    let saved = explained(&desk, &["run", "iris", "--epoch", "3"])?;
    check(first["layers"][0]["weights"] != saved["layers"][0]["weights"], || "training moved nothing".into())?;
    check(first["layers"][0]["biases"] == serde_json::json!([0.0, 0.0, 0.0, 0.0]), || {
        first["layers"][0]["biases"].to_string()
    })?;
    // A training of no epoch leaves what it drew.
    desk.ends(
        0,
        &["train", "iris", "--hidden", "4", "--seed", "7", "--epochs", "0", "--device", "cpu", "-q", "-o", "none"],
    )?;
    let none = explained(&desk, &["none", "iris"])?;
    check(first["layers"][0]["weights"] == none["layers"][0]["weights"], || "other first weights".into())?;
    // Each of several networks starts from what it drew itself.
    desk.ends(0, &["train", "iris", "--ensemble", "2", "--epochs", "1", "--device", "cpu", "-q", "-o", "two"])?;
    let two = explained(&desk, &["two", "iris", "--epoch", "0"])?;
    check(two["widths"] == serde_json::json!([4, 128, 3]), || two["widths"].to_string())?;
    check(two["remarks"].to_string().contains("This is network 1 of 2"), || two["remarks"].to_string())?;
    let second = explained(&desk, &["two", "iris", "--epoch", "0", "--member", "2"])?;
    check(second["layers"][0]["weights"] != two["layers"][0]["weights"], || "both start from the same weights".into())
}

fn refusals() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, &["iris", "--hidden", "20", "--epochs", "1"])?;
    desk.write("less.csv", "sepal_length,petal_length,petal_width,species\n5,1.4,0.2,setosa\n");
    desk.write("blind.csv", "sepal_length,sepal_width,petal_length,petal_width\n5,3,1.4,0.2\n");
    for (code, arguments, part) in [
        (2, &["run", "iris", "--row", "151"][..], "--row 151: there are the rows 1 to 150 in iris"),
        (2, &["run", "iris", "--row", "0"], "--row 0: there are the rows 1 to 150 in iris"),
        (2, &["run", "--row", "16"], "--row 16: there are the rows 1 to 15 in the run's test rows"),
        (
            2,
            &["run", "iris", "--epoch", "5"],
            "--epoch 5: a run has its first weights (--epoch 0) and the saved ones of epoch 1",
        ),
        (2, &["run", "iris", "--weight", "1,9,1"], "there is no input 9 of layer 1: it has 4"),
        (2, &["run", "iris", "--weight", "3,1,1"], "there is no layer 3: the network has 2"),
        (2, &["run", "iris", "--weight", "2,1,4"], "there is no unit 4 of layer 2: it has 3"),
        (2, &["run", "iris", "--weight", "1-2"], "is not LAYER,FROM,TO"),
        (2, &["run", "iris", "--units", "12", "--html", "page.html"], "a picture has room for 11 units of a layer"),
        (2, &["run", "iris", "--units", "0"], "--units"),
        (3, &["run", "less.csv"], "'sepal_width'"),
        (3, &["run", "blind.csv"], "species"),
        (3, &["run", "absent.csv"], "absent.csv"),
        (8, &["absent", "iris"], "absent"),
    ] {
        let arguments = [&["explain"], arguments].concat();
        let said = desk.ends(code, &arguments)?;
        check(said.contains(part), || format!("{arguments:?}: no '{part}' in: {said}"))?;
    }
    check(!desk.path().join("page.html").exists(), || "a page was written that was refused".into())?;
    // A model alone has no first weights; its saved ones are explained.
    std::fs::copy(desk.path().join("run/model.safetensors"), desk.path().join("alone.safetensors"))?;
    let said = desk.ends(2, &["explain", "alone.safetensors", "iris", "--epoch", "0"])?;
    check(said.contains("lies in no run's folder"), || said)?;
    let alone = explained(&desk, &["alone.safetensors", "iris"])?;
    check(alone["rule"].to_string().contains("plain gradient descent of rate 1"), || alone["rule"].to_string())
}

fn pages() -> Result<(), Failed> {
    let desk = Desk::new();
    let header = "<script>alert(1)</script>,b&b,\"c'lass\"\n";
    let rows: String =
        (0..40).map(|row| format!("{},{},{}\n", row % 7, row % 5, if row % 2 == 0 { "<i>yes" } else { "no" })).collect();
    desk.write("hostile.csv", header.to_owned() + &rows);
    train(&desk, &["hostile.csv", "--hidden", "5,4", "--epochs", "2"])?;
    desk.ends(0, &["explain", "run", "hostile.csv", "--row", "5", "--html", "page.html", "-q"])?;
    let page = String::from_utf8(desk.bytes("page.html"))?;
    for part in
        ["<svg", "Forwards", "Backwards", "One gradient, link by link", "Layer by layer", "Gradients", "relative difference"]
    {
        check(page.contains(part), || format!("no '{part}' in the page"))?;
    }
    for wrong in ["<script", "<i>yes", "NaN", "http://", "https://"] {
        check(!page.contains(wrong), || format!("'{wrong}' is in the page"))?;
    }
    check(page.contains("&lt;script&gt;alert(1)&lt;/script&gt;"), || "the column's name is not in the page".into())?;
    check(page.len() < 300_000, || format!("the page has {} bytes", page.len()))?;
    let rounded = explained(&desk, &["run", "hostile.csv", "--row", "5"])?;
    let loss = rounded["loss"].as_f64().ok_or("a loss")?;
    let figures = format!("{loss:.3e}");
    let leading: String = figures.chars().filter(char::is_ascii_digit).take(3).collect();
    let digits: String = page
        .split("The loss of this row is <b>")
        .nth(1)
        .ok_or("the loss")?
        .chars()
        .take(12)
        .filter(char::is_ascii_digit)
        .collect();
    check(digits.trim_start_matches('0').starts_with(&leading[..2]), || format!("{digits} is not {loss}"))
}

fn kinks() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("xor.csv", "a,b,y\n".to_owned() + &"0,0,0\n0,1,1\n1,0,1\n1,1,0\n".repeat(4));
    train(&desk, &["xor.csv", "--scale", "none", "--hidden", "4", "--epochs", "1"])?;
    // All sums of the first layer are 0, where relu's slope jumps from 0 to 1.
    let said = explained(&desk, &["run", "xor.csv", "--row", "1", "--epoch", "0"])?;
    let checked = &said["checked"];
    check(checked["kinks"].as_u64().is_some_and(|kinks| kinks > 0), || checked.to_string())?;
    check(checked["largest"].as_f64().is_some_and(|largest| largest < 1e-6), || checked.to_string())?;
    let text = String::from_utf8(desk.run(&["explain", "run", "xor.csv", "--epoch", "0"]).stdout)?;
    check(
        text.contains("kink") && text.split_whitespace().collect::<Vec<_>>().join(" ").contains("lie at a kink of the loss"),
        || text,
    )
}

fn remarks() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, &["iris", "--hidden", "5", "--epochs", "1"])?;
    desk.write("gap.csv", "sepal_length,sepal_width,petal_length,petal_width,species\n5,,1.4,0.2,setosa\n");
    let said = explained(&desk, &["run", "gap.csv"])?;
    check(said["remarks"].to_string().contains("'sepal_width'"), || said["remarks"].to_string())?;
    desk.ends(0, &["train", "iris", "--finetune", "run", "--epochs", "1", "--device", "cpu", "-q", "-o", "tuned"])?;
    let said = explained(&desk, &["tuned", "iris", "--epoch", "0"])?;
    check(said["remarks"].to_string().contains("has now"), || said["remarks"].to_string())?;
    // Another model where the first weights came from.
    desk.ends(0, &["train", "iris", "--hidden", "4,4", "--epochs", "1", "--device", "cpu", "-q", "-o", "other"])?;
    std::fs::copy(desk.path().join("other/model.safetensors"), desk.path().join("run/model.safetensors"))?;
    let told = desk.ends(8, &["explain", "tuned", "iris", "--epoch", "0"])?;
    check(told.contains("has other layers now"), || told)?;
    desk.ends(0, &["train", "iris", "--hidden", "4", "--epochs", "1", "--device", "cpu", "-q", "-o", "trask"])?;
    let told = desk.ends(0, &["explain", "trask"])?;
    check(told.contains("'trask' is a lesson"), || told)?;
    let told = desk.ends(2, &["explain", "other", "iris", "--html", "a.html", "--play", "a.html"])?;
    check(told.contains("cannot be both pages"), || told)?;
    let told = desk.ends(2, &["explain", "other", "iris", "--html", "-"])?;
    check(told.contains("a page goes into a file"), || told)?;
    let told = desk.ends(2, &["explain", "other", "iris", "--member", "2"])?;
    check(told.contains("--member 2: the model has one network"), || told)
}

fn own_rows() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, &["iris", "--hidden", "4", "--epochs", "1"])?;
    let own = explained(&desk, &["run", "--row", "2"])?;
    let subject = own["subject"].as_str().ok_or("a subject")?.to_owned();
    let row = subject.strip_prefix("iris: row ").and_then(|rest| rest.split(' ').next()).ok_or(subject.clone())?.to_owned();
    let named = explained(&desk, &["run", "iris", "--row", &row])?;
    check(own["input_values"] == named["input_values"] && own["loss"] == named["loss"], || subject)?;
    let said = desk.ends(2, &["explain", "run", "--delimiter", ";"])?;
    check(said.contains("are read as the run says"), || said)
}

fn wide_layers() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, &["digits", "--hidden", "64", "--epochs", "2"])?;
    let output = desk.run(&["explain", "run", "digits", "--row", "9", "--units", "5"]);
    let text = String::from_utf8(output.stdout)?;
    for part in [
        "the 5 most influential of 64 inputs; 59 are left out",
        "the 5 most influential of 64 units; 59 are left out",
        "of the 4810 gradients were",
    ] {
        check(text.split_whitespace().collect::<Vec<_>>().join(" ").contains(part), || format!("no '{part}' in:\n{text}"))?;
    }
    let said = explained(&desk, &["run", "digits", "--row", "9", "--units", "5"])?;
    // The units that are shown have the largest |output × error| of all.
    let layer = &said["layers"][0];
    let numbers =
        |field: &str| layer[field].as_array().into_iter().flatten().filter_map(Value::as_f64).collect::<Vec<f64>>();
    let influence: Vec<f64> = numbers("outputs").iter().zip(numbers("errors")).map(|(a, error)| (a * error).abs()).collect();
    let shown: Vec<usize> = numbers("shown").iter().map(|&place| place as usize).collect();
    let least = shown.iter().map(|&place| influence[place]).fold(f64::INFINITY, f64::min);
    let others = (0..64).filter(|place| !shown.contains(place)).map(|place| influence[place]);
    check(shown.len() == 5 && others.fold(0.0, f64::max) <= least, || format!("{shown:?} of {influence:?}"))?;
    // The chain is the gradient.
    let chain = &said["chain"];
    let product: f64 = chain["links"].as_array().into_iter().flatten().filter_map(|link| link["value"].as_f64()).product();
    let number = |field: &str| chain[field].as_f64().unwrap_or(f64::NAN);
    check((product - number("product")).abs() <= 1e-12 * product.abs(), || chain.to_string())?;
    check((number("product") + number("others") - number("gradient")).abs() < 1e-12, || chain.to_string())
}
