//! Networks side by side whose mean is the model, and how long they are trained where nobody says it.

use std::fmt::Write;
use std::fs;

use serde_json::{Value, json};

use crate::common::{Desk, Failed, Shared, Trial};

/// So many rows of two numbers and a class, which follows from the numbers, or from chance alone.
fn rows(count: usize, is_noise: bool) -> String {
    // SplitMix64.
    let drawn = |place: usize| {
        let word = (place as u64 + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        let word = (word ^ word >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let word = (word ^ word >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
        (word ^ word >> 31) as f64 / u64::MAX as f64
    };
    (0..count).fold("x,y,class\n".into(), |mut text: String, row| {
        let (x, y) = (drawn(3 * row + 1), drawn(3 * row + 2));
        let is_in = if is_noise { drawn(3 * row + 3) < 0.5 } else { ((4.0 * x).floor() + (4.0 * y).floor()) % 2.0 == 0.0 };
        writeln!(text, "{x},{y},{}", if is_in { "in" } else { "out" }).expect("a string");
        text
    })
}

fn trained(desk: &Desk, arguments: &str, run: &str) -> Result<Value, Failed> {
    let arguments: Vec<&str> = arguments.split(' ').chain(["--json", "-o", run]).collect();
    let output = desk.run(&arguments);
    let said = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(serde_json::from_slice(&output.stdout)?) } else { Err(said.into_owned().into()) }
}

/// Whether the weights of two runs' models are the same.
fn same_model(desk: &Desk, one: &str, other: &str) -> bool {
    desk.tensors(&format!("{one}/model.safetensors")) == desk.tensors(&format!("{other}/model.safetensors"))
}

/// A chessboard takes long to learn, and there is nothing to learn of chance: the trial finds both, says so, and run.toml repeats it.
fn the_length_follows_from_a_trial() -> Result<(), Failed> {
    let desk = Desk::new();
    for (name, is_noise) in [("board", false), ("noise", true)] {
        desk.write(&format!("{name}.csv"), rows(600, is_noise));
        let train = format!("train {name}.csv --device cpu");
        let report = trained(&desk, &train, name)?;
        let trial = &report["trial"];
        let taken = &trial["lengths"][trial["taken"].as_u64().ok_or("a place")? as usize];
        let epochs = taken["epochs"].as_u64().ok_or("epochs")?;
        let is_right = if is_noise { epochs <= 20 } else { epochs >= 40 };
        let is_followed = report["epoch"] == taken["epochs"] && report["network"]["ensemble"] == 8;
        let options = fs::read_to_string(desk.path().join(name).join("run.toml"))?;
        let rate = if epochs >= 40 { 0.01 } else { 0.005 };
        let noted = [format!("epochs = {epochs}\n"), format!("learning-rate = {rate}\n"), "ensemble = 8\n".into()];
        let is_noted = noted.iter().all(|line| options.contains(line));
        if !(is_right && is_followed && is_noted) {
            return Err(format!("{name}: {is_right}, {is_followed}, {is_noted}: {report}, {options}").into());
        }
        // Chance makes little difference between lengths, and the usual one is left for no less than that.
        let losses = trial["lengths"].as_array().ok_or("a list")?.iter().map(|length| length["held_back_loss"].as_f64());
        let lowest = losses.flatten().fold(f64::INFINITY, f64::min);
        if !is_noise && taken["held_back_loss"].as_f64() != Some(lowest) {
            return Err(format!("{name}: {trial}").into());
        }
        let said = desk.ends(0, &[&train.split(' ').collect::<Vec<_>>()[..], &["-o", "told"]].concat())?;
        fs::remove_dir_all(desk.path().join("told"))?;
        if !said.contains(&format!("chose {epochs} epochs from learning rate ")) {
            return Err(said.into());
        }
        let again = trained(&desk, &format!("train --config {name}/run.toml"), &format!("{name}-again"))?;
        if again.get("trial").is_some() || !same_model(&desk, name, &format!("{name}-again")) {
            return Err(format!("run.toml trains another model: {again}").into());
        }
    }
    Ok(())
}

/// Who says what the network is, or how long it is trained, is given just that.
fn what_is_said_is_neither_tried_nor_repeated() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows(600, false));
    let cases = [
        ("--hidden 16", None, 20, false),
        ("--ensemble 1", None, 20, false),
        ("--epochs 3", Some(8), 3, false),
        ("--learning-rate 0.01", Some(8), 20, false),
        ("--optimizer sgd", Some(8), 20, false),
        ("--patience 2 --epochs 3", Some(8), 3, false),
        ("--epochs 0", None, 0, false),
        ("--hidden 16 --ensemble 2", Some(2), 0, true),
        ("--hidden 8,8 --ensemble 3 --epochs 2", Some(3), 2, false),
        ("--hidden none --ensemble 2 --epochs 2", Some(2), 2, false),
    ];
    for (index, (options, members, epochs, is_tried)) in cases.into_iter().enumerate() {
        let report = trained(&desk, &format!("train rows.csv --device cpu -q {options}"), &format!("run-{index}"))?;
        let found = (report["network"]["ensemble"].as_u64(), report.get("trial").is_some());
        let is_as_said = is_tried || report["last_epoch"]["epoch"].as_u64().unwrap_or(0) == epochs;
        if found != (members, is_tried) || !is_as_said {
            return Err(format!("{options}: {found:?}: {report}").into());
        }
    }
    // Few rows are soon overfitted, and a handful says nothing about it.
    for (count, is_tried, epochs) in [(40, true, 10), (9, false, 20)] {
        desk.write("few.csv", rows(count, true));
        let report = trained(&desk, "train few.csv --device cpu -q --split 1/0/0 --ignore y", &format!("few-{count}"))?;
        let shortest = report["trial"]["lengths"][0]["epochs"].as_u64();
        if shortest != is_tried.then_some(10) || report["epoch"] != epochs {
            return Err(format!("{report}").into());
        }
    }
    Ok(())
}

/// Rows that weigh little in training, or nothing, have as little to say in the trial: a chessboard among as many rows of chance.
fn rows_that_weigh_little_decide_little() -> Result<(), Failed> {
    let desk = Desk::new();
    for (index, weight) in ["0", "0.001", "1"].into_iter().enumerate() {
        let (board, noise) = (rows(600, false), rows(600, true));
        let mut table = "x,y,weight,class\n".to_string();
        for (rows, weight) in [(board, "1"), (noise, weight)] {
            for row in rows.lines().skip(1) {
                let (numbers, class) = row.rsplit_once(',').ok_or("a row")?;
                writeln!(table, "{numbers},{weight},{class}")?;
            }
        }
        desk.write("rows.csv", table);
        let report =
            trained(&desk, "train rows.csv --device cpu -q --bins 0 --weight-column weight", &format!("run-{index}"))?;
        let (epochs, held_back) = (report["epoch"].as_u64().unwrap_or(0), report["trial"]["held_back_rows"].as_u64());
        let taken = report["trial"]["taken"].as_u64().ok_or("a place")? as usize;
        let loss = report["trial"]["lengths"][taken]["held_back_loss"].as_f64().ok_or("a loss")?;
        // The loss of chance is -ln 0.5 at best. Rows that hardly weigh make the mean half that of the chessboard.
        let is_right = match weight {
            "0" => loss < 0.6,
            "1" => loss > 0.6,
            _ => loss < 0.4,
        };
        // Three fifths of the training rows that have a part.
        if !is_right || epochs < 40 || (held_back < Some(400)) != (weight == "0") {
            return Err(format!("of weight {weight}: {report}").into());
        }
    }
    Ok(())
}

/// Rows that are read in parts are tried, and trained on, to the same bits; weights of rows and smoothed labels go with it.
fn rows_in_parts_give_the_same_model() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows(900, false));
    let train = "train rows.csv --device cpu --class-weights balanced --label-smoothing 0.1";
    let (one, other) = (trained(&desk, train, "memory")?, trained(&desk, &format!("{train} --memory 1KiB"), "parts")?);
    let same = one["trial"] == other["trial"] && one["trial"].is_object();
    if same { desk.same("memory", "parts") } else { Err(format!("{one}, {other}").into()) }
}

/// A run that patience ends, one that goes on, and folds: the model is the mean of as many networks.
fn runs_of_every_kind_take_it() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows(300, false));
    let whole = "train rows.csv --device cpu -q --ensemble 3 --schedule constant --learning-rate 0.003 --epochs";
    trained(&desk, &format!("{whole} 6"), "whole")?;
    trained(&desk, &format!("{whole} 4"), "parts")?;
    desk.ends(0, &["train", "--resume", "parts", "--epochs", "6", "-q"])?;
    desk.same("whole", "parts")?;
    let other = desk.ends(8, &["train", "--resume", "parts", "--ensemble", "2", "--epochs", "7"])?;
    if !other.contains("ensemble was 3 and is 2") {
        return Err(other.into());
    }
    // The model is the mean of all networks at the best epoch: what it says of the validation rows is what was said of them then.
    desk.write("others.csv", rows(200, true));
    let patience = "train rows.csv --device cpu -q --validation others.csv --patience 3 --epochs 40 --learning-rate 0.02";
    let patient = trained(&desk, patience, "patient")?;
    let log = fs::read_to_string(desk.path().join("patient/metrics.jsonl"))?;
    let best = log.lines().nth(patient["epoch"].as_u64().ok_or("an epoch")? as usize - 1).ok_or("a line")?;
    let noted = serde_json::from_str::<Value>(best)?["validation_loss"].as_f64().ok_or("a loss")?;
    let judged = desk.run(&["evaluate", "patient", "others.csv", "--device", "cpu", "--json"]);
    let judged: Value = serde_json::from_slice(&judged.stdout)?;
    let loss = judged["evaluation"]["log_loss"].as_f64().unwrap_or(f64::NAN);
    let options = fs::read_to_string(desk.path().join("patient/run.toml"))?;
    let is_early = patient["epoch"] != patient["last_epoch"]["epoch"];
    // NaN is not near either.
    let is_near = (loss - noted).abs() < 1e-5 * noted;
    if !(is_early && is_near && options.contains("ensemble = 8")) {
        return Err(format!("{loss}, not {noted}: {patient}, {judged}").into());
    }
    // A checkpoint keeps the weights of every network at that epoch: training that goes on after it ends with them.
    let kept =
        "train rows.csv --device cpu -q --ensemble 3 --validation others.csv --patience 40 --epochs 40 --learning-rate 0.02";
    let whole = trained(&desk, kept, "kept")?;
    trained(&desk, &format!("{kept} --stop-after 35"), "kept-parts")?;
    desk.ends(0, &["train", "--resume", "kept-parts", "--stop-after", "40", "-q"])?;
    if !(same_model(&desk, "kept", "kept-parts") && whole["epoch"].as_u64() < Some(35)) {
        return Err(format!("the best epoch is {}", whole["epoch"]).into());
    }
    let folds = trained(&desk, "train rows.csv --device cpu -q --folds 2 --epochs 2", "folds")?;
    let members = folds["runs"].as_array().ok_or("runs")?.iter().map(|run| run["network"]["ensemble"].as_u64());
    if members.ne([Some(8); 2]) { Err(format!("{folds}").into()) } else { Ok(()) }
}

/// `--init RUN` and `--finetune RUN` go on from each of the run's networks.
fn all_networks_are_what_another_training_starts_from() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows(300, false));
    trained(&desk, "train rows.csv --device cpu -q --epochs 2", "first")?;
    for (start, run) in [("--init first", "second"), ("--finetune first", "third")] {
        let report = trained(&desk, &format!("train rows.csv --device cpu -q --epochs 0 {start}"), run)?;
        let network = &report["network"];
        if !same_model(&desk, "first", run) || (&network["widths"], &network["ensemble"]) != (&json!([2, 128, 1]), &json!(8))
        {
            return Err(format!("{start}: {report}").into());
        }
        let refused =
            desk.ends(2, &[&["train", "rows.csv", "--ensemble", "3"], &start.split(' ').collect::<Vec<_>>()[..]].concat())?;
        if !refused.contains("starts from 8 networks") {
            return Err(refused.into());
        }
        // Each goes on by itself, and with a new output each draws one.
        let more = format!("train rows.csv --device cpu -q --epochs 2 {start}");
        trained(&desk, &more, &format!("{run}-more"))?;
        if same_model(&desk, "first", &format!("{run}-more")) {
            return Err(format!("{start} trained nothing").into());
        }
    }
    desk.write("others.csv", "x,y,z\n".to_owned() + &"0.1,0.5,3\n0.7,0.2,4\n".repeat(30));
    let other = trained(&desk, "train others.csv --device cpu -q --epochs 1 --finetune first --new-output", "other")?;
    if other["network"]["ensemble"] != 8 { Err(format!("{other}").into()) } else { Ok(()) }
}

/// How a desk's ensemble of three is trained, and the members' weights.
fn together(desk: &Desk, options: &str, device: &str) -> Result<(Vec<u64>, Vec<u8>), Failed> {
    let train = format!("train rows.csv --device {device} -q --ensemble 3 --hidden 8 --seed 7 {options}");
    trained(desk, &train, "together")?;
    let inspected: Value = serde_json::from_slice(&desk.run(&["inspect", "together", "--json"]).stdout)?;
    let seeds = inspected["training"]["seeds"].as_array().ok_or("seeds")?;
    let seeds: Vec<u64> = seeds.iter().filter_map(Value::as_u64).collect();
    if (seeds.len(), seeds[0], &inspected["ensemble"]) != (3, 7, &json!(3)) {
        return Err(format!("{inspected}").into());
    }
    Ok((seeds, desk.tensors("together/model.safetensors")))
}

/// With the options in the run's `run.toml` and the seed that `inspect` shows, each network is trained alone to the same bits: whatever
/// is drawn, wherever the rows are.
fn each_network_is_the_one_that_is_trained_alone(device: &str) -> Result<(), Failed> {
    let all = [
        "--epochs 3",
        "--epochs 3 --bootstrap",
        "--epochs 3 --bootstrap --no-shuffle --dropout 0.3 --batch-size full",
        "--epochs 2 --memory 1KiB",
        "--epochs 2 --memory 1KiB --bootstrap --batch-size 17",
        "--epochs 3 --bootstrap --class-weights balanced --optimizer momentum --batch-size 40 --accumulate 3",
        "--epochs 5 --stop-after 3 --clip-norm 1 --l1 1e-4 --weight-average 0.9 --label-smoothing 0.1 --loss cross-entropy",
        "--epochs 3 --precision f64 --hidden 5,4 --bootstrap",
    ];
    // On a GPU also where its memory does not hold the rows: in one kernel, and in one a layer.
    let more = [
        "--epochs 2 --device-memory 30KiB --hidden 20,20 --batch-size 20",
        "--epochs 1 --device-memory 230KiB --hidden 40,40 --dropout 0.2 --batch-size 20 --bootstrap",
    ];
    let is_cpu = device == "cpu";
    let of_device = all.iter().filter(|options| is_cpu || !options.contains("f64")).chain(more.iter().filter(|_| !is_cpu));
    for options in of_device {
        let desk = Desk::new();
        desk.write("rows.csv", rows(if options.contains("230KiB") { 1500 } else { 200 }, false));
        let (seeds, weights) = together(&desk, options, device)?;
        if options.contains("--device-memory") {
            let plan = desk.run(&["train", "--config", "together/run.toml", "--dry-run"]);
            let plan = String::from_utf8_lossy(&plan.stdout).into_owned();
            if !plan.contains("at once on the device for each network") {
                return Err(format!("{options}: not streamed: {plan}").into());
            }
        }
        let members: Vec<&[u8]> = weights.chunks(weights.len() / 3).collect();
        for (member, seed) in seeds.iter().enumerate() {
            let alone = format!("alone-{member}");
            trained(&desk, &format!("train --config together/run.toml --ensemble 1 --seed {seed} -q"), &alone)?;
            if desk.tensors(&format!("{alone}/model.safetensors")) != members[member] {
                return Err(format!("{options}: network {member} of seed {seed} is another alone").into());
            }
        }
        if members[0] == members[1] || members[1] == members[2] {
            return Err(format!("{options}: two networks are the same").into());
        }
    }
    Ok(())
}

/// `predict` says the mean of what the networks alone say, and `--spread` their standard deviation, for numbers and for classes.
fn the_spread_is_that_of_the_networks_alone() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows(200, false));
    let numbers = |text: &str, column: &str| -> Result<Vec<f64>, Failed> {
        let mut lines = text.lines();
        let place = lines.next().ok_or("a header")?.split(',').position(|name| name == column).ok_or("no such column")?;
        lines.map(|line| Ok(line.split(',').nth(place).ok_or("a cell")?.parse()?)).collect()
    };
    let said = |arguments: &[&str]| -> Result<String, Failed> {
        let output = desk.run(&[&["predict"], arguments].concat());
        let error = String::from_utf8_lossy(&output.stderr).into_owned();
        if output.status.success() { Ok(String::from_utf8(output.stdout)?) } else { Err(error.into()) }
    };
    for (options, flags, columns) in [
        ("--epochs 4 --target x --task regression", &[][..], "prediction spread"),
        ("--epochs 4", &["--probabilities"], "probability_in spread_in probability_out spread_out"),
    ] {
        let columns: Vec<&str> = columns.split(' ').collect();
        let (seeds, _) = together(&desk, options, "cpu")?;
        for (member, seed) in seeds.iter().enumerate() {
            let again = format!("train --config together/run.toml --ensemble 1 --seed {seed} -q");
            trained(&desk, &again, &format!("alone-{member}"))?;
        }
        let of = |run: &str, spread: &[&str]| said(&[&[run, "rows.csv", "--device", "cpu"], flags, spread].concat());
        let all = of("together", &["--spread"])?;
        let alone = ["alone-0", "alone-1", "alone-2"].map(|run| of(run, &[]));
        let alone = alone.into_iter().collect::<Result<Vec<_>, _>>()?;
        for pair in columns.chunks(2) {
            let (value, deviation) = (pair[0], pair[1]);
            let each = alone.iter().map(|text| numbers(text, value)).collect::<Result<Vec<_>, _>>()?;
            let (means, deviations) = (numbers(&all, value)?, numbers(&all, deviation)?);
            for row in 0..200 {
                let said: Vec<f64> = each.iter().map(|numbers| numbers[row]).collect();
                let mean = said.iter().sum::<f64>() / 3.0;
                let variance = said.iter().map(|number| (number - mean).powi(2)).sum::<f64>() / 2.0;
                let is_near = |one: f64, other: f64| (one - other).abs() <= 1e-6;
                if !(is_near(means[row], mean) && is_near(deviations[row], variance.sqrt())) {
                    return Err(format!("{options}, row {row}: {} ± {}, not {said:?}", means[row], deviations[row]).into());
                }
            }
        }
        // Beside a class stands the deviation of its own probability.
        if !flags.is_empty() {
            for line in all.lines().skip(1) {
                let cells: Vec<&str> = line.split(',').collect();
                let own = if cells[0] == "in" { cells[3] } else { cells[5] };
                if cells[1] != own {
                    return Err(format!("{line}: the spread is not that of the class").into());
                }
            }
        }
        let refused = desk.ends(2, &["predict", "alone-0", "rows.csv", "--spread"])?;
        if !refused.contains("this model is one network") {
            return Err(refused.into());
        }
        for run in ["together", "alone-0", "alone-1", "alone-2"] {
            fs::remove_dir_all(desk.path().join(run))?;
        }
    }
    Ok(())
}

/// A graph of several networks, read back, says what they say; `explain` and `gradcheck` take each of them.
fn every_command_takes_several_networks() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows(200, false));
    let (_, weights) = together(&desk, "--epochs 3", "cpu")?;
    for (format, flags, file) in
        [("onnx", &["--plain"][..], "model.onnx"), ("safetensors", &[], "model.tensors.safetensors")]
    {
        let export = ["export", "together", "--format", format, "-o", file];
        desk.ends(0, &[&export[..], flags].concat())?;
        let naming: &[&str] = match format {
            "onnx" => &["--columns", "x,y", "--classes", "in,out"],
            _ => &["--columns", "x,y", "--classes", "in,out", "--activation", "relu", "--output-activation", "sigmoid"],
        };
        desk.ends(0, &[&["import", file, "-o", "back.safetensors"], naming].concat())?;
        if desk.tensors("back.safetensors") != weights {
            return Err(format!("{format}: other weights come back").into());
        }
        let inspected: Value = serde_json::from_slice(&desk.run(&["inspect", "back.safetensors", "--json"]).stdout)?;
        if inspected["ensemble"] != 3 {
            return Err(format!("{inspected}").into());
        }
        fs::remove_file(desk.path().join("back.safetensors"))?;
    }
    desk.ends(0, &["gradcheck", "together", "rows.csv", "-q"])?;
    for member in ["1", "3"] {
        let explained = desk.run(&["explain", "together", "rows.csv", "--member", member]);
        let text = String::from_utf8_lossy(&explained.stdout).into_owned();
        if !explained.status.success() || !text.contains(&format!("This is network {member} of 3")) {
            return Err(text.into());
        }
    }
    let refused = desk.ends(2, &["explain", "together", "rows.csv", "--member", "4"])?;
    if refused.contains("the networks 1 to 3") { Ok(()) } else { Err(refused.into()) }
}

/// A GPU trains the same networks, to what the CPU comes to but for rounding.
fn a_gpu_trains_the_same_ensemble() -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write("rows.csv", rows(300, false));
    let scores = |device: &str| -> Result<[f64; 3], Failed> {
        let train =
            format!("train rows.csv --device {device} -q --ensemble 3 --hidden 16 --dropout 0.1 --epochs 8 --patience 8");
        let report = trained(&desk, &train, device)?;
        let of = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
        let last = &report["last_epoch"];
        Ok([of(&last["loss"]), of(&last["validation_loss"]), of(&report["test"]["log_loss"])])
    };
    let (cpu, gpu) = (scores("cpu")?, scores("gpu")?);
    let is_near = cpu.iter().zip(&gpu).all(|(one, other)| (one - other).abs() < 1e-4 * one.abs());
    if is_near { Ok(()) } else { Err(format!("{cpu:?} on the CPU, {gpu:?} on the GPU").into()) }
}

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        Trial::test("the length of a training follows from a trial", the_length_follows_from_a_trial),
        Trial::test("what is said is neither tried nor repeated", what_is_said_is_neither_tried_nor_repeated),
        Trial::test("rows that weigh little decide little", rows_that_weigh_little_decide_little),
        Trial::test("rows in parts give the same model", rows_in_parts_give_the_same_model),
        Trial::test("runs of every kind take it", runs_of_every_kind_take_it),
        Trial::test(
            "all networks are what another training starts from",
            all_networks_are_what_another_training_starts_from,
        ),
        Trial::test("each network is the one that is trained alone", || {
            each_network_is_the_one_that_is_trained_alone("cpu")
        }),
        Trial::test("the spread is that of the networks alone", the_spread_is_that_of_the_networks_alone),
        Trial::test("every command takes several networks", every_command_takes_several_networks),
        Shared.trial("each network of a GPU is the one that is trained alone".into(), |_| {
            each_network_is_the_one_that_is_trained_alone("gpu")
        }),
        Shared.trial("a GPU trains the same ensemble".into(), |_| a_gpu_trains_the_same_ensemble()),
    ]
}
