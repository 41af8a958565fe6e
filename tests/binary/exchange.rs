//! `wgrad export` and `wgrad import`: what onnxruntime and numpy compute with what was exported, nets that come back bit for bit,
//! and files that are damaged or meant to do harm.
//!
//! Comparisons with onnxruntime need `WGRAD_TEST_PYTHON` or a `python3` with numpy, onnx and onnxruntime; without one they show
//! as ignored. `WGRAD_TEST_SHARED` names a folder with `hunt` and `data` in it, each of whose tables is trained on and exported; without it
//! that trial shows as ignored.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::common::{Completion, Desk, Failed, Trial, ended};
use serde_json::{Value, json};

/// How far another program's prediction may be from wgrad's, relative to 1 or, where all of a column are below it, to the largest of
/// them; of what is above 1, to itself.
const BOUND: f64 = 1e-5;

/// What Python has to have to compare with.
const MODULES: &str = "numpy, onnx, onnxruntime, safetensors";

/// Such a Python, if there is one.
fn python() -> Option<&'static str> {
    crate::common::python(MODULES)
}

/// What a script of `tests/python` prints.
fn script(desk: &Desk, name: &str, arguments: &[&str]) -> Result<String, Failed> {
    let script = format!("{}/tests/python/{name}", env!("CARGO_MANIFEST_DIR"));
    let output = Command::new(python().ok_or("a Python")?).arg(script).args(arguments).current_dir(desk.path()).output()?;
    if output.status.success() {
        Ok(String::from_utf8(output.stdout)?)
    } else {
        Err(format!("{name} {arguments:?}: {}", String::from_utf8_lossy(&output.stderr)).into())
    }
}

/// What the binary prints, having ended well.
fn said(desk: &Desk, arguments: &[&str]) -> Result<String, Failed> {
    let output = desk.run(arguments);
    ended(0, arguments, &output)?;
    Ok(String::from_utf8(output.stdout)?)
}

fn train(desk: &Desk, data: &str, options: &[&str]) -> Result<(), Failed> {
    let train = ["train", data, "-o", "run", "--epochs", "5", "--device", "cpu", "--quiet"];
    desk.ends(0, &[&train[..], options].concat()).map(drop)
}

/// Holds cells against cells: texts are equal, numbers within the bound.
fn compare(ours: &[Vec<String>], theirs: &str) -> Result<(), Failed> {
    let theirs: Vec<Vec<&str>> = theirs.lines().map(|line| line.split(',').collect()).collect();
    if ours.is_empty() || ours.len() != theirs.len() {
        return Err(format!("{} rows against {}", ours.len(), theirs.len()).into());
    }
    let mut largest = vec![0.0_f64; ours[0].len()];
    for row in ours {
        let sizes = row.iter().map(|cell| cell.parse::<f64>().map_or(0.0, f64::abs));
        largest.iter_mut().zip(sizes).for_each(|(largest, size)| *largest = largest.max(size));
    }
    for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
        let is_near = |((a, b), largest): ((&String, &&str), &f64)| match (a.parse::<f64>(), b.parse::<f64>()) {
            (Ok(a), Ok(b)) => (a - b).abs() <= BOUND * a.abs().max(largest.min(1.0)),
            _ => a == b,
        };
        if ours.len() != theirs.len() || !ours.iter().zip(theirs).zip(&largest).all(is_near) {
            return Err(format!("row {place}: {ours:?} against {theirs:?}").into());
        }
    }
    Ok(())
}

/// What wgrad predicts: the class and its probabilities, or the values. `flags` tell how the file is read.
fn predicted(desk: &Desk, model: &str, data: &str, flags: &[&str]) -> Result<Vec<Vec<String>>, Failed> {
    let classes = said(desk, &["inspect", model])?.contains("target: the class");
    let probabilities: &[&str] = if classes { &["--probabilities"] } else { &[] };
    let text = said(desk, &[&["predict", model, data, "--device", "cpu", "--quiet"], flags, probabilities].concat())?;
    Ok(text.lines().skip(1).map(|line| line.split(',').map(String::from).collect()).collect())
}

/// Exports what was trained on `data`, and holds what onnxruntime says of the rows against `wgrad predict`.
fn onnxruntime_says_the_same(desk: &Desk, data: &str, options: &[&str]) -> Result<(), Failed> {
    desk.ends(0, &[&["export", "run", "--format", "onnx"], options].concat())?;
    compare(&predicted(desk, "run", data, &[])?, &script(desk, "run_onnx.py", &["run/model.onnx", data])?)
}

/// The same of the cells as the file has them, doing only what the export's remarks say. `flags` tell how the file is read.
fn onnxruntime_says_the_same_of_the_file(desk: &Desk, data: &str, flags: &[&str]) -> Result<(), Failed> {
    let export = ["export", "run", "--format", "onnx"];
    let mut remarks = desk.ends(0, &export)?;
    if remarks.contains("--input-type double") {
        remarks += &desk.ends(0, &[&export[..], &["--input-type", "double"]].concat())?;
    }
    let mut arguments = [&["run/model.onnx", data], flags].concat();
    if remarks.contains("without spaces around") {
        arguments.push("--strip");
    }
    compare(&predicted(desk, "run", data, flags)?, &script(desk, "run_onnx.py", &arguments)?)
}

/// The same for an embedded set.
fn embedded(set: &str, training: &[&str], export: &[&str]) -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, set, training)?;
    desk.write("data.csv", said(&desk, &["predict", "run", set, "--append", "--device", "cpu"])?);
    onnxruntime_says_the_same(&desk, "data.csv", export)
}

/// The tables in a folder of folders, with their names.
fn tables(shared: &Path) -> Vec<(String, PathBuf)> {
    let mut tables = Vec::new();
    for folder in ["data", "hunt"] {
        for entry in std::fs::read_dir(shared.join(folder)).into_iter().flatten().flatten() {
            let path = entry.path();
            let ending = path.extension().unwrap_or_default().to_string_lossy().into_owned();
            if ["csv", "tsv", "txt"].contains(&ending.as_str()) {
                tables.push((format!("{folder}/{}", entry.file_name().to_string_lossy()), path));
            }
        }
    }
    tables.sort();
    tables
}

/// What a refusal says to do: flags to read the file by, and flags for a training.
fn remedy(said: &str) -> Option<(Vec<String>, Vec<String>)> {
    let after = |text: &str| said.split_once(text).and_then(|(_, rest)| rest.split_once('\''));
    let column = after("column '").map(|(column, _)| column);
    let flags = |flags: &[&str]| flags.iter().map(|flag| (*flag).to_owned()).collect::<Vec<String>>();
    if let Some((delimiter, _)) = after("say --delimiter '") {
        return Some((flags(&["--delimiter", delimiter]), Vec::new()));
    }
    if said.contains("if it is a row, say --no-header") {
        return Some((flags(&["--no-header"]), Vec::new()));
    }
    match column {
        Some(column) if said.contains("(--ignore)") || said.contains("is missing in every training row") => {
            Some((Vec::new(), flags(&["--ignore", column])))
        }
        Some(_) if said.contains("the target is missing") => Some((Vec::new(), flags(&["--missing", "drop"]))),
        Some(_) if said.contains("the cell is missing") => Some((Vec::new(), flags(&["--missing", "mode"]))),
        _ => None,
    }
}

/// Trains on a file, following what wgrad says about it, and compares. What stays refused is no table to train on.
fn a_file(path: &Path) -> Result<Completion, Failed> {
    let (desk, data) = (Desk::new(), path.to_string_lossy());
    let (mut flags, mut training): (Vec<String>, Vec<String>) = (Vec::new(), Vec::new());
    loop {
        let given: Vec<&str> = flags.iter().chain(&training).map(String::as_str).collect();
        let arguments = [&["train", &data, "-o", "run", "--epochs", "5", "--device", "cpu", "--quiet"], &given[..]].concat();
        let output = desk.run(&arguments);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let Some((more, others)) = remedy(&said).filter(|(more, others)| {
            more.iter().chain(others).any(|flag| !flags.contains(flag) && !training.contains(flag))
        }) else {
            if output.status.success() {
                if said.contains("with a decimal comma") {
                    flags.extend(["--decimal".into(), ",".into()]);
                }
                let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
                return onnxruntime_says_the_same_of_the_file(&desk, &data, &flags).map(|()| Completion::Completed);
            }
            ended(3, &arguments, &output)?;
            return Ok(Completion::ignored_with(format!("wgrad does not train on it: {said}")));
        };
        if others.contains(&"--missing".to_owned()) {
            training.retain(|flag| !["--missing", "mode"].contains(&flag.as_str()));
        }
        flags.extend(more);
        training.extend(others);
        if output.status.success() {
            std::fs::remove_dir_all(desk.path().join("run"))?;
        }
    }
}

/// Rows that people write: spaces around cells, missing cells in several spellings, truth values, decimal commas, numbers as texts, and
/// categories that the training never saw.
fn cells_as_people_write_them() -> Result<(), Failed> {
    let desk = Desk::new();
    let mut rows = String::from("width; town ;open;level;score\n");
    for row in 0..300_usize {
        let width = [" 1,5", "-0,25 ", "NA", "12", "?", "1e2", " n/a "][row % 7];
        let town = ["Ulm", " Ulm ", "Łódź", "\" Rome \"", "null", " NaN", "Bad Ems"][row * 3 % 7];
        let open = ["true", "false", " true"][row * 5 % 3];
        let level = ["1", "2", "1.0", "03", "A1"][row * 7 % 5];
        writeln!(rows, "{width};{town};{open};{level};{},{}", row * 13 % 7, row % 10).expect("text grows");
    }
    desk.write("rows.csv", &rows);
    let flags = ["--delimiter", ";", "--decimal", ","];
    train(&desk, "rows.csv", &[&["--missing", "mode"], &flags[..]].concat())?;
    rows.push_str("\t2,5 ; Oslo;TRUE; 9;1\n+NaN;ULM;maybe;?;1\n;-nan;;+nan;1\n3;null;N/A;NULL;1\n");
    desk.write("more.csv", rows);
    onnxruntime_says_the_same_of_the_file(&desk, "more.csv", &flags)
}

/// 300 rows with missing numbers and texts, and texts that look like missing ones; then rows of towns and ranks never seen.
fn admissions(desk: &Desk) {
    let mut rows = String::from("gre,town,rank,gpa,admit\n");
    for row in 0..300_usize {
        let town = ["Berlin", "Paris", "Łódź", "", "NA", "Rome"][row * 7 % 11 % 6];
        let gre = if row % 9 == 4 { "?".into() } else { (300 + row * 37 % 500).to_string() };
        let admit = ["no", "yes"][usize::from(row * 13 % 7 > 3)];
        writeln!(rows, "{gre},{town},{},{}.{},{admit}", row % 4 + 1, 2 + row % 2, row * 3 % 10).expect("text grows");
    }
    desk.write("admissions.csv", &rows);
    rows.push_str("500,Oslo,9,3.0,yes\n,NULL,1,3.5,no\nnan,rome,2,2.5,no\n450,null,3,?,no\n");
    desk.write("more.csv", rows);
}

fn texts_and_missing_cells(missing: &str, training: &[&str], export: &[&str]) -> Result<(), Failed> {
    let desk = Desk::new();
    admissions(&desk);
    train(&desk, "admissions.csv", &[&["--missing", missing, "--categorical", "rank"], training].concat())?;
    onnxruntime_says_the_same(&desk, "more.csv", export)
}

fn a_difference_is_noticed() -> Result<(), Failed> {
    let ours = [vec!["a".to_owned(), "0.25".to_owned()], vec!["b".to_owned(), "1e6".to_owned()]];
    compare(&ours, "a,0.250001\nb,1000001\n")?;
    for theirs in
        ["a,0.2501\nb,1e6\n", "a,0.25\nb,1000100\n", "a,0.25\nc,1e6\n", "a,0.25\n", "a,0.25,1\nb,1e6\n", "a,nan\nb,1e6\n"]
    {
        if compare(&ours, theirs).is_ok() {
            return Err(format!("{theirs:?} passes").into());
        }
    }
    let small = [vec!["4e-9".to_owned()], vec!["1e-12".to_owned()]];
    compare(&small, "4.00001e-9\n1.01e-12\n")?;
    if compare(&small, "4.1e-9\n1e-12\n").is_ok() { Err("small numbers pass as they are".into()) } else { Ok(()) }
}

fn an_array_is_one_input() -> Result<(), Failed> {
    let desk = Desk::new();
    let numbers: Vec<f32> = (0..600_u32).map(|place| (place * place % 97) as f32 / 10.0).collect();
    let header = "{'descr': '<f4', 'fortran_order': False, 'shape': (100, 6), }\n";
    let start = [b"\x93NUMPY\x01\x00".as_slice(), &(header.len() as u16).to_le_bytes(), header.as_bytes()].concat();
    desk.write("data.npy", [start, numbers.into_iter().flat_map(f32::to_le_bytes).collect()].concat());
    for bins in ["0", "3"] {
        train(&desk, "data.npy", &["--task", "regression", "--bins", bins])?;
        let report: Value = serde_json::from_str(&said(&desk, &["export", "run", "--format", "onnx", "--json"])?)?;
        assert_eq!(report["inputs"], json!([{ "name": "input", "type": "float", "width": 5 }]));
        onnxruntime_says_the_same(&desk, "data.npy", &[])?;
        std::fs::remove_dir_all(desk.path().join("run"))?;
    }
    Ok(())
}

fn numpy_says_the_same_of_an_npz_archive() -> Result<(), Failed> {
    let desk = Desk::new();
    admissions(&desk);
    let options = ["--missing", "mode", "--target", "gpa", "--activation", "gelu,tanh", "--hidden", "6,4", "--bins"];
    for (bins, networks) in [("0", "1"), ("6", "1"), ("0", "3")] {
        train(&desk, "admissions.csv", &[&options[..], &[bins, "--ensemble", networks]].concat())?;
        desk.ends(0, &["export", "run", "--format", "npz"])?;
        desk.ends(0, &["export", "run", "--format", "npz", "-o", "again.npz"])?;
        assert_eq!(desk.bytes("run/model.npz"), desk.bytes("again.npz"), "the same model is the same archive");
        compare(
            &predicted(&desk, "run", "admissions.csv", &[])?,
            &script(&desk, "read_npz.py", &["run/model.npz", "admissions.csv"])?,
        )?;
        std::fs::remove_dir_all(desk.path().join("run"))?;
        std::fs::remove_file(desk.path().join("again.npz"))?;
    }
    Ok(())
}

/// 300 rows of dates and of times, some missing, and how a number follows from them.
fn dates(desk: &Desk) {
    let mut rows = String::from("day,moment,x,y\n");
    for row in 0..300_usize {
        let (month, day) = (row * 5 % 12 + 1, row * 11 % 28 + 1);
        let date = if row % 13 == 5 { String::new() } else { format!("{}-{month:02}-{day:02}", 1965 + row % 12) };
        let zone = ["", "Z", "+05:30", "-08:00"][row % 4];
        let time = if row % 17 == 3 {
            "NA".into()
        } else {
            format!("20{:02}/{month:02}/{day:02} {:02}:{:02}{zone}", row % 30, row % 24, row * 7 % 60)
        };
        writeln!(rows, "{date},{time},{},{}", row * 3 % 10, (row * 5 % 12).abs_diff(6) + row % 24).expect("text grows");
    }
    desk.write("dates.csv", rows);
}

/// Dates of a table become the same inputs in every form in which a model is handed on.
fn dates_are_the_same_everywhere() -> Result<(), Failed> {
    for options in [
        &["--missing", "median", "--bins", "0"][..],
        &["--missing", "mode", "--bins", "4"],
        &["--missing", "mean", "--precision", "f64"],
    ] {
        let desk = Desk::new();
        dates(&desk);
        let flags = [&["--hidden", "6", "--task", "regression"], options].concat();
        train(&desk, "dates.csv", &flags)?;
        let remarks = desk.ends(0, &["export", "run", "--format", "onnx"])?;
        assert!(remarks.contains("the dates of 'day', 'moment' as whole seconds since 1970"), "{remarks}");
        let ours = predicted(&desk, "run", "dates.csv", &[])?;
        let of_text = |error| format!("{options:?}: {error:?}");
        compare(&ours, &script(&desk, "run_onnx.py", &["run/model.onnx", "dates.csv"])?).map_err(of_text)?;
        desk.ends(0, &["export", "run", "--format", "npz"])?;
        compare(&ours, &script(&desk, "read_npz.py", &["run/model.npz", "dates.csv"])?).map_err(of_text)?;
        let of_file = script(&desk, "predict.py", &["run/model.safetensors", "dates.csv"])?;
        compare(&ours, of_file.split_once('\n').ok_or("a header")?.1).map_err(of_text)?;
    }
    Ok(())
}

fn nets_of_others_compute_the_same() -> Result<(), Failed> {
    let desk = Desk::new();
    script(&desk, "make_onnx.py", &["."])?;
    for (name, keep) in [
        ("matmul", 2..3),
        ("gemm", 1..4),
        ("double", 0..2),
        ("gelu", 0..1),
        ("columns", 0..1),
        ("softplus", 0..1),
        ("silu", 0..1),
        ("swish", 0..1),
    ] {
        said(&desk, &["import", &format!("{name}.onnx")])?;
        let model = format!("{name}.wgrad.safetensors");
        let rows = predicted(&desk, &model, &format!("{name}.csv"), &[])?;
        let rows: Vec<Vec<String>> = rows.into_iter().map(|row| row[keep.clone()].to_vec()).collect();
        let expected = String::from_utf8(desk.bytes(&format!("{name}.expected.csv")))?;
        compare(&rows, &expected).map_err(|error| format!("{name}: {error:?}"))?;
    }
    // And what wgrad makes of them again.
    desk.ends(0, &["export", "columns.wgrad.safetensors", "--format", "onnx", "-o", "again.onnx"])?;
    compare(
        &predicted(&desk, "columns.wgrad.safetensors", "columns.csv", &[])?,
        &script(&desk, "run_onnx.py", &["again.onnx", "columns.csv"])?,
    )
}

/// What skl2onnx makes of scikit-learn's perceptrons: onnxruntime and wgrad say the same labels, probabilities and numbers.
fn perceptrons_of_scikit_learn_compute_the_same() -> Result<(), Failed> {
    let desk = Desk::new();
    script(&desk, "make_onnx.py", &[".", "sklearn"])?;
    let mut names =
        vec!["zip-texts".to_owned(), "zip-integers".into(), "zip-binary".into(), "whole".into(), "opset-9".into()];
    let activations = ["relu", "tanh", "sigmoid", "identity"];
    let kinds = ["binary", "three", "number"].map(|kind| activations.map(|activation| format!("{kind}-{activation}")));
    let others = ["integers", "texts", "numbers", "standard", "minmax", "columns"].map(String::from);
    for name in kinds.concat().into_iter().chain(others) {
        names.extend([format!("{name}-double"), name]);
    }
    for name in &names {
        said(&desk, &["import", &format!("{name}.onnx"), "-o", "run"])?;
        let expected = String::from_utf8(desk.bytes(&format!("{name}.expected.csv")))?;
        let ours = predicted(&desk, "run", &format!("{name}.csv"), &[])?;
        compare(&ours, &expected).map_err(|error| format!("{name}: {error:?}"))?;
    }
    // What the user says has the last word.
    let remarks = desk.ends(0, &["import", "standard.onnx", "-o", "run"])?;
    assert!(remarks.contains("'X' have no names and are called 0 to 3; --columns names them"), "{remarks}");
    let remarks = desk.ends(0, &["import", "numbers.onnx", "-o", "run", "--columns", "a,b,c,d"])?;
    assert!(remarks.contains("node 'Reshape' (Reshape) writes the 3 outputs of a row one below the other"), "{remarks}");
    assert!(!remarks.contains("--columns"), "{remarks}");
    desk.ends(0, &["import", "standard.onnx", "-o", "run", "--classes", "x,y,z", "--columns", "a,b,c,d"])?;
    let model = said(&desk, &["inspect", "run"])?;
    assert!(model.contains("x, y, z") && !model.contains("hoch"), "{model}");
    let refused = desk.ends(2, &["import", "standard.onnx", "-o", "run", "--classes", "x,y"])?;
    assert!(refused.contains("needs 3"), "{refused}");
    desk.ends(0, &["export", "run", "--format", "onnx", "-o", "again.onnx"]).map(drop)
}

/// Graphs that differ from those of scikit-learn in one place are refused, and the place is named.
fn what_only_resembles_a_perceptron_of_scikit_learn_is_refused() -> Result<(), Failed> {
    let desk = Desk::new();
    script(&desk, "make_onnx.py", &[".", "sklearn"])?;
    for (name, what) in [
        ("columns-of-argmax", "node 'ArgMax' (ArgMax) is not the place of the largest number of a row"),
        ("last-of-equals", "node 'ArgMax' (ArgMax) is not the place of the largest number of a row"),
        ("smallest", "node 'ArgMax' (ArgMin) is not the place of the largest number of a row"),
        ("gathered", "2 outputs ('label' from node 'ArrayFeatureExtractor' (Gather)"),
        ("four-labels", "(ai.onnx.ml.ArrayFeatureExtractor) needs 3 labels, one for each class of the network, and has 4"),
        ("one-label", "(ai.onnx.ml.ArrayFeatureExtractor) needs 2 labels, one for each class of the network, and has 1"),
        ("labels-in-a-column", "tensor 'classes' has the shape [3, 1], which is not one row"),
        ("labels-of-inputs", "(ai.onnx.ml.ArrayFeatureExtractor) needs labels that are constants"),
        ("other-order", "node 'ZipMap' (ai.onnx.ml.ZipMap) has other labels than node 'ArrayFeatureExtractor'"),
        ("logarithm", "node 'Identity' (Log) is no part of a plain dense network"),
        (
            "by-other-numbers",
            "'probabilities' comes from node 'Softmax' (Softmax), and not from that by which node 'ArgMax'",
        ),
        ("sigmoids", "(ai.onnx.ml.ArrayFeatureExtractor) names a class by outputs that are no softmax"),
        ("label-columns", "node 'Reshape' (Reshape) makes something other than one label a row"),
        ("yes-or-no", "node 'Cast1' (Cast) makes something other than one label a row"),
        ("tanh", "node 'Concat' (Concat) makes two probabilities of something other than the sigmoid"),
        ("turned", "node 'Concat' (Concat) joins something other than 1 - p and p"),
        ("below", "node 'Concat' (Concat) joins something other than 1 - p and p"),
        ("two-minus-p", "node 'Sub' (Sub) is not 1 - p"),
        ("sum", "node 'Concat' (Concat) joins something other than 1 - p and p"),
        ("negative-scale", "(ai.onnx.ml.Scaler) scales column 2 by a number that is not above 0"),
        ("some-columns", "node 'Scaler' (ai.onnx.ml.Scaler) makes what the layers begin with"),
        ("short-scale", "(ai.onnx.ml.Scaler) has 2 numbers, and the first layer has 4 inputs"),
        ("normalizer", "node 'Scaler' (ai.onnx.ml.Normalizer) is no part of a plain dense network"),
        ("power", "node 'Mul' (Pow) is no part of a plain dense network"),
        ("two-columns", "node 'Reshape' (Reshape) makes 2 columns of the network's 3 outputs"),
        ("scaled-between", "node 'Relu1' (Mul) scales what node 'MatMul1' (MatMul) makes"),
    ] {
        let said = desk.ends(8, &["import", &format!("not-{name}.onnx"), "-o", "run"])?;
        assert!(said.contains(what), "{name}: not '{what}': {said}");
    }
    Ok(())
}

/// Of every kind of network: what is exported plain comes back with the same bits.
fn a_plain_export_comes_back_bit_for_bit() -> Result<(), Failed> {
    for options in [
        &["--hidden", "5,4,3", "--activation", "gelu,tanh,leaky-relu"][..],
        &["--precision", "f64", "--hidden", "5,4,3", "--activation", "gelu,sigmoid,leaky-relu"],
        &["--no-bias", "--activation", "relu"],
        &["--hidden", "none"],
    ] {
        let desk = Desk::new();
        train(&desk, "iris", options)?;
        desk.ends(0, &["export", "run", "--format", "onnx", "--plain", "-o", "plain.onnx"])?;
        let classes = ["--classes", "setosa,versicolor,virginica", "--target", "species"];
        let columns = ["--columns", "sepal_length,sepal_width,petal_length,petal_width"];
        desk.ends(0, &[&["import", "plain.onnx"], &classes[..], &columns[..]].concat())?;
        assert_eq!(desk.tensors("plain.wgrad.safetensors"), desk.tensors("run/model.safetensors"), "{options:?}");
        desk.ends(0, &["evaluate", "plain.wgrad.safetensors", "iris", "--device", "cpu"])?;
        desk.ends(0, &["export", "plain.wgrad.safetensors", "--format", "onnx", "--plain", "-o", "again.onnx"])?;
        assert_eq!(desk.bytes("plain.onnx"), desk.bytes("again.onnx"), "{options:?}");
    }
    Ok(())
}

fn the_tensors_alone_come_back_and_start_a_training() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, "iris", &["--hidden", "6"])?;
    desk.ends(0, &["export", "run", "--format", "safetensors"])?;
    let alone = desk.bytes("run/model.weights.safetensors");
    assert!(alone[8..].starts_with(br#"{"__metadata__":{"format":"pt"},"#), "no metadata of wgrad's");
    assert_eq!(desk.tensors("run/model.weights.safetensors"), desk.tensors("run/model.safetensors"));
    let import = ["import", "run/model.weights.safetensors", "-o", "back.safetensors"];
    let refusal = desk.ends(2, &import)?;
    assert!(refusal.contains("say --activation"), "{refusal}");
    desk.ends(0, &[&import[..], &["--activation", "relu", "--output-activation", "softmax"]].concat())?;
    assert_eq!(desk.tensors("back.safetensors"), desk.tensors("run/model.safetensors"));
    desk.ends(
        0,
        &["train", "iris", "--hidden", "6", "--init", "back.safetensors", "--epochs", "1", "--device", "cpu", "-o", "on"],
    )?;
    // A model of wgrad's is saved as it is.
    let report = said(&desk, &["import", "run/model.safetensors", "-o", "same.safetensors", "--json"])?;
    let report: Value = serde_json::from_str(&report)?;
    assert_eq!([&report["command"], &report["format"], &report["file"]], ["import", "wgrad", "same.safetensors"]);
    assert_eq!(report["model"]["layers"][0]["outputs"], 6);
    assert_eq!(desk.bytes("same.safetensors"), desk.bytes("run/model.safetensors"));
    desk.ends(2, &["import", "run/model.safetensors", "-o", "same.safetensors", "--classes", "a,b,c"]).map(drop)
}

fn json_holds_every_weight() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, "iris", &["--hidden", "2"])?;
    let text = said(&desk, &["export", "run", "--format", "json", "-o", "-"])?;
    let document: Value = serde_json::from_str(&text)?;
    let mut bytes = Vec::new();
    for layer in document["layers"].as_array().ok_or("layers")? {
        let number = |value: &Value| value.as_f64().map(|number| (number as f32).to_le_bytes()).ok_or("a number");
        let rows = layer["weights"].as_array().ok_or("weights")?;
        bytes.push(layer["biases"].as_array().ok_or("biases")?.iter().map(number).collect::<Result<Vec<_>, _>>()?);
        // The model's file has a row an output.
        let mut weights = Vec::new();
        for output in 0..rows[0].as_array().ok_or("a row")?.len() {
            for row in rows {
                weights.push(number(&row[output])?);
            }
        }
        bytes.push(weights);
    }
    let tensors = desk.tensors("run/model.safetensors");
    assert_eq!(bytes.concat().concat(), tensors);
    assert_eq!(document["encoding"]["inputs"][0]["name"], "sepal_length");
    Ok(())
}

fn flags_that_cannot_be_meant_are_refused_and_the_model_is_never_overwritten() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, "iris", &[])?;
    let before = desk.bytes("run/model.safetensors");
    for (code, arguments, what) in [
        (2, &["export", "run", "--format", "npz", "--plain"][..], "--format onnx"),
        (2, &["export", "run", "--format", "onnx", "--json", "-o", "-"], "stdout"),
        (2, &["export", "run", "--format", "safetensors", "-o", "run/model.safetensors"], "belongs to a run"),
        (2, &["export", "run", "--format", "onnx", "-o", "no/model.onnx"], "there is no folder"),
        (8, &["export", "nothing", "--format", "onnx"], "no such file"),
        (2, &["import", "run/model.bin"], ".onnx or .safetensors"),
        (8, &["import", "nothing.onnx"], "cannot be read"),
    ] {
        let said = desk.ends(code, arguments)?;
        assert!(said.contains(what), "{arguments:?}: {said}");
    }
    assert_eq!(desk.bytes("run/model.safetensors"), before);
    desk.ends(0, &["export", "run", "--format", "onnx"])?;
    let said = desk.ends(8, &["import", "run/model.onnx"])?;
    assert!(said.contains("--plain"), "{said}");
    desk.ends(0, &["export", "run", "--format", "onnx", "--plain", "-o", "plain.onnx"])?;
    let said = desk.ends(2, &["import", "plain.onnx", "--classes", "a,b"])?;
    assert!(said.contains("needs 3"), "{said}");
    desk.ends(2, &["import", "plain.onnx", "--activation", "relu"]).map(drop)
}

/// What export, import and report are told to write never takes the place of a run's own files.
fn what_a_run_cannot_do_without_is_not_written_over() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, "breast-cancer", &[])?;
    desk.ends(0, &["export", "run", "--format", "safetensors", "-o", "plain.safetensors"])?;
    let import = ["import", "plain.safetensors", "--activation", "relu", "--output-activation", "sigmoid"];
    let before = desk.left("run")?;
    let own =
        ["run.toml", "metrics.jsonl", "checkpoint.safetensors", "checkpoint-1.safetensors", "report.json", "wgrad.lock"];
    for file in own.map(|file| format!("run/{file}")) {
        for command in [&["export", "run", "--format", "json"][..], &import, &["report", "run"]] {
            let said = desk.ends(2, &[command, &["-o", &file]].concat())?;
            assert!(said.contains("belongs to a run"), "{said}");
        }
    }
    assert!(desk.left("run")? == before);
    // A page can be made again.
    desk.ends(0, &["report", "run", "-o", "run/report.html"]).map(drop)
}

fn softmax_over_one_output_is_no_network() -> Result<(), Failed> {
    let desk = Desk::new();
    train(&desk, "breast-cancer", &[])?;
    desk.ends(0, &["export", "run", "--format", "safetensors", "-o", "plain.safetensors"])?;
    let import = ["import", "plain.safetensors", "--activation", "relu", "--output-activation", "softmax"];
    let said = desk.ends(2, &import)?;
    assert!(said.contains("is --output-activation sigmoid meant?"), "{said}");
    let several =
        ["import", "plain.safetensors", "--activation", "relu", "--output-activation", "sigmoid", "--columns", ",b"];
    assert!(desk.ends(2, &several)?.contains("has an empty name"));
    Ok(())
}

/// The outputs of an exported classification have their names whatever the column of the classes is called.
fn a_class_is_told_as_label() -> Result<(), Failed> {
    let desk = Desk::new();
    let rows = (0..60).fold("x,label\n".to_string(), |text, row| text + &format!("{row},{}\n", ["a", "b"][row % 2]));
    desk.write("rows.csv", rows);
    train(&desk, "rows.csv", &[])?;
    let exported: Value = serde_json::from_str(&said(&desk, &["export", "run", "--format", "onnx", "--json"])?)?;
    let outputs = exported["outputs"].as_array().ok_or("outputs")?;
    let names: Vec<&str> = outputs.iter().filter_map(|port| port["name"].as_str()).collect();
    assert_eq!(names, ["label", "probabilities"]);
    Ok(())
}

/// A number as protobuf writes it.
fn varint(number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    prost::encode_length_delimiter(number as usize, &mut bytes).expect("a list grows");
    bytes
}

/// A field of bytes: a text, a message or packed numbers.
fn field(tag: u64, content: impl AsRef<[u8]>) -> Vec<u8> {
    let content = content.as_ref();
    [varint(tag << 3 | 2), varint(content.len() as u64), content.to_vec()].concat()
}

fn integer(tag: u64, number: u64) -> Vec<u8> {
    [varint(tag << 3), varint(number)].concat()
}

fn node(operator: &str, inputs: &[&str], output: &str) -> Vec<u8> {
    let inputs: Vec<u8> = inputs.iter().flat_map(|input| field(1, input)).collect();
    field(1, [inputs, field(2, output), field(3, format!("the {operator}")), field(4, operator)].concat())
}

/// Floats as an initializer: so many bytes of them.
fn weights(name: &str, dims: &[u64], bytes: usize) -> Vec<u8> {
    let dims: Vec<u8> = dims.iter().flat_map(|&size| integer(1, size)).collect();
    field(5, [dims, integer(2, 1), field(8, name), field(9, vec![0; bytes])].concat())
}

fn value(tag: u64, name: &str) -> Vec<u8> {
    field(tag, [field(1, name), field(2, field(1, integer(1, 1)))].concat())
}

/// A model of this graph from `x` to `y`.
fn file(parts: &[Vec<u8>]) -> Vec<u8> {
    let graph = [value(11, "x"), value(12, "y"), parts.concat()].concat();
    [integer(1, 7), field(7, graph), field(8, integer(2, 13))].concat()
}

fn hostile() -> Vec<(&'static str, Vec<u8>, &'static str)> {
    let product = || node("MatMul", &["x", "W"], "y");
    let good = file(&[product(), weights("W", &[2, 3], 24)]);
    let many = |parts: Vec<u8>| file(&[product(), weights("W", &[2, 3], 24), parts]);
    let huge = 1 << 40;
    vec![
        ("nothing", Vec::new(), "without a graph"),
        ("text", b"no protobuf at all".to_vec(), "no sound ONNX file"),
        ("the first half", good[..good.len() / 2].to_vec(), "no sound ONNX file"),
        ("a length past the end", [varint(7 << 3 | 2), varint(u64::MAX >> 1)].concat(), "no sound ONNX file"),
        ("groups in groups", [0x0b; 100_000].to_vec(), "no sound ONNX file"),
        (
            "an operator of others",
            file(&[node("Conv", &["x", "W"], "y"), weights("W", &[2, 3], 24)]),
            "node 'the Conv' (Conv)",
        ),
        ("a control character", file(&[node("\u{1b}[31m", &["x"], "y")]), "\\u{1b}[31m"),
        ("weights that are not there", file(&[product()]), "needs 'W', which is no constant"),
        ("a shape of more than there is", file(&[product(), weights("W", &[2, 4], 24)]), "24 bytes"),
        ("a shape of a terabyte", file(&[product(), weights("W", &[huge, 1], 24)]), "24 bytes"),
        ("a shape past 2^64", file(&[product(), weights("W", &[huge, huge], 24)]), "beyond any memory"),
        ("a shape below zero", file(&[product(), weights("W", &[u64::MAX, 1], 24)]), "beyond any memory"),
        ("no columns", file(&[product(), weights("W", &[2, 0], 0)]), "a layer has a matrix"),
        ("a vector for a matrix", file(&[product(), weights("W", &[6], 24)]), "a layer has a matrix"),
        ("a dimension of a megabyte", file(&[product(), field(5, field(1, vec![1; 1 << 20]))]), "describes itself"),
        ("a circle", file(&[node("Flatten", &["a"], "y"), node("Identity", &["y"], "a")]), "in a circle"),
        ("a node that makes its own input", file(&[node("Identity", &["y"], "y")]), "in a circle"),
        ("a product of itself", file(&[node("Mul", &["y", "y"], "y")]), "gelu"),
        (
            "a softplus up to 0",
            file(&[
                node("MatMul", &["x", "W"], "z"),
                node("Greater", &["z", "one"], "g"),
                node("Softplus", &["z"], "s"),
                node("Where", &["g", "z", "s"], "y"),
                weights("W", &[2, 3], 24),
                weights("one", &[1], 4),
            ]),
            "only as the last node of softplus",
        ),
        (
            "a product with the sigmoid of something else",
            file(&[
                node("MatMul", &["x", "W"], "z"),
                node("Sigmoid", &["x"], "s"),
                node("Mul", &["z", "s"], "y"),
                weights("W", &[2, 3], 24),
            ]),
            "only as the last node of gelu and silu",
        ),
        ("two of one name", file(&[product(), product(), weights("W", &[2, 3], 24)]), "two things make 'y'"),
        ("two activations", file(&[node("Relu", &["x"], "a"), node("Tanh", &["a"], "y")]), "without a layer between"),
        ("an activation of the inputs", file(&[node("Relu", &["x"], "y")]), "before any layer"),
        ("no layer", file(&[node("Identity", &["x"], "y")]), "no layer"),
        ("a node beside the chain", many(node("Relu", &["x"], "other")), "beside the chain"),
        (
            "one matrix in two layers",
            file(&[node("MatMul", &["x", "W"], "a"), node("MatMul", &["a", "W"], "y"), weights("W", &[2, 2], 16)]),
            "shares its weights",
        ),
        (
            "layers that do not fit",
            file(&[
                node("MatMul", &["x", "W"], "a"),
                node("MatMul", &["a", "V"], "y"),
                weights("W", &[2, 3], 24),
                weights("V", &[2, 2], 16),
            ]),
            "3 outputs, and the next layer has 2 inputs",
        ),
        (
            "nine nodes that scale",
            file(
                &(0..9)
                    .map(|place| node("Mul", &[&format!("{place}"), "c"], &format!("{}", place + 1)))
                    .chain([node("MatMul", &["9", "W"], "y"), weights("W", &[2, 3], 24), weights("c", &[1], 4)])
                    .collect::<Vec<_>>(),
            ),
            "one of more than 8 that scale",
        ),
        (
            "a shape of floats",
            file(&[
                node("MatMul", &["x", "W"], "z"),
                weights("W", &[2, 3], 24),
                node("Reshape", &["z", "s"], "y"),
                weights("s", &[2], 8),
            ]),
            "int64 (7) is expected",
        ),
        (
            "labels without end",
            file(&[
                node("Reshape", &["x", "s"], "y"),
                field(5, [integer(1, 5000), integer(2, 7), field(8, "s"), field(9, vec![0; 40_000])].concat()),
            ]),
            "has 5000 integers",
        ),
        ("packed integers in many pieces", many(field(5, field(7, [1; 1000]).repeat(5))), "describes itself"),
        ("three outputs", many([value(12, "x"), value(12, "y")].concat()), "3 outputs"),
        ("a million nodes of nothing", many([0x0a, 0].repeat(1 << 20)), "more than 500000 fields"),
        ("a second output", many(value(12, "x")), "2 outputs"),
        ("an input that nothing takes", many(value(11, "z")), "goes into no layer"),
    ]
}

/// A tensor's name, type and shape, and its bytes.
type Named = (&'static str, &'static str, Value, usize);

/// A safetensors file of tensors of zeros.
fn tensors_file(tensors: &[Named]) -> Vec<u8> {
    let (mut header, mut end) = (serde_json::Map::new(), 0);
    for (name, kind, shape, bytes) in tensors {
        let offsets = [end, end + bytes];
        header.insert((*name).into(), json!({ "dtype": kind, "shape": shape, "data_offsets": offsets }));
        end += bytes;
    }
    let header = Value::Object(header).to_string();
    [&(header.len() as u64).to_le_bytes(), header.as_bytes(), &vec![0; end]].concat()
}

fn hostile_tensors() -> Vec<(&'static str, Vec<Named>, &'static str)> {
    let first = ("0.weight", "F32", json!([3, 2]), 24);
    vec![
        ("layers that do not fit", vec![first.clone(), ("2.weight", "F32", json!([1, 2]), 8)], "3 outputs"),
        ("biases of another size", vec![("0.bias", "F32", json!([2]), 8), first.clone()], "is not of shape [3]"),
        ("two number types", vec![first, ("2.weight", "F64", json!([1, 3]), 24)], "not F32"),
        ("a bias alone", vec![("0.bias", "F32", json!([3]), 12)], "no tensor of weights"),
        ("names of another kind", vec![("fc.weight", "F32", json!([3, 1]), 12)], "fc.weight is no layer's"),
        ("a shape of more than there is", vec![("0.weight", "F32", json!([1_u64 << 40, 1]), 12)], "12 bytes"),
        ("no inputs", vec![("0.weight", "F32", json!([3, 0]), 0)], "has inputs and outputs"),
        ("half floats", vec![("0.weight", "F16", json!([3, 2]), 12)], "F16"),
    ]
}

/// Imports a file in memory of a few times its size: exit code 8, a reason, no panic, and nothing is written.
fn is_refused(name: &str, bytes: &[u8], what: &str) -> Result<(), Failed> {
    let desk = Desk::new();
    desk.write(name, bytes);
    let arguments = ["import", name, "-o", "model.safetensors", "--task", "regression"];
    let said = ended(8, &arguments, &desk.limited(&arguments, "ulimit -v 400000"))?;
    let is_fit = said.contains(what) && !said.contains("panicked") && !desk.path().join("model.safetensors").exists();
    if is_fit { Ok(()) } else { Err(format!("not '{what}': {said}").into()) }
}

/// A good file cut at every length, and with every byte altered: a model or an error, never a panic.
fn every_damage_is_borne() -> Result<(), Failed> {
    let good = file(&[node("Gemm", &["x", "W"], "y"), weights("W", &[2, 3], 24)]);
    let desk = Desk::new();
    let borne = |bytes: &[u8], what: &str| -> Result<(), Failed> {
        desk.write("net.onnx", bytes);
        let output = desk.run(&["import", "net.onnx"]);
        let code = output.status.code();
        if code == Some(0) || code == Some(8) { Ok(()) } else { Err(format!("{what}: {:?}", output.status).into()) }
    };
    borne(&good, "as it is")?;
    for place in 0..good.len() {
        borne(&good[..place], &format!("cut at {place}"))?;
        let mut altered = good.clone();
        altered[place] ^= 0xff;
        borne(&altered, &format!("byte {place}"))?;
    }
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    let trial = |name: &str, test: fn() -> Result<(), Failed>| Trial::test(name, test);
    let python = |name: &str, test: fn() -> Result<(), Failed>| trial(name, test).with_python(MODULES);
    let mut trials = vec![
        python("onnxruntime says the same of iris", || embedded("iris", &[], &[])),
        python("onnxruntime says the same of breast-cancer", || {
            embedded("breast-cancer", &["--hidden", "8,4", "--activation", "tanh"], &[])
        }),
        python("onnxruntime says the same of digits", || embedded("digits", &["--hidden", "none", "--no-bias"], &[])),
        python("onnxruntime says the same of wine", || embedded("wine", &["--activation", "gelu"], &[])),
        python("onnxruntime says the same of wine-quality", || embedded("wine-quality", &[], &[])),
        python("onnxruntime says the same of wine-quality as classes", || {
            embedded("wine-quality", &["--task", "classification", "--activation", "leaky-relu"], &[])
        }),
        python("onnxruntime says the same in double precision", || {
            embedded("wine-quality", &["--precision", "f64", "--activation", "gelu,leaky-relu", "--hidden", "9,7"], &[])
        }),
        python("onnxruntime says the same of two targets", || {
            embedded("wine-quality", &["--target", "alcohol,pH"], &["--input-type", "double"])
        }),
        python("onnxruntime says the same of outputs that do not add up to 1", || {
            embedded("iris", &["--activation", "gelu", "--output-activation", "sigmoid"], &[])
        }),
        python("onnxruntime says the same of softplus", || {
            embedded("wine-quality", &["--activation", "softplus", "--output-activation", "softplus"], &[])
        }),
        python("onnxruntime says the same of silu", || {
            embedded("wine-quality", &["--precision", "f64", "--activation", "silu,softplus", "--hidden", "9,7"], &[])
        }),
        python("onnxruntime says the same of outputs below zero", || {
            let options = ["--output-activation", "identity", "--loss", "squared-error", "--activation", "sigmoid"];
            embedded("iris", &options, &[])
        }),
        python("onnxruntime says the same of texts and missing cells", || texts_and_missing_cells("mean", &[], &[])),
        python("onnxruntime says the same of texts and missing cells in doubles", || {
            texts_and_missing_cells("mode", &["--output-activation", "softmax"], &["--input-type", "double"])
        }),
        python("onnxruntime says the same of bins", || texts_and_missing_cells("median", &["--bins", "4"], &[])),
        python("onnxruntime says the same of bins in doubles", || {
            let double = ["--bins", "100", "--precision", "f64"];
            texts_and_missing_cells("mean", &double, &["--input-type", "double"])
        }),
        python("onnxruntime says the same of cells as people write them", cells_as_people_write_them),
        python("an array is one input", an_array_is_one_input),
        python("numpy says the same of an npz archive", numpy_says_the_same_of_an_npz_archive),
        python("dates are the same everywhere", dates_are_the_same_everywhere),
        python("nets of others compute the same", nets_of_others_compute_the_same),
        python("perceptrons of scikit-learn compute the same", perceptrons_of_scikit_learn_compute_the_same),
        python(
            "what only resembles a perceptron of scikit-learn is refused",
            what_only_resembles_a_perceptron_of_scikit_learn_is_refused,
        ),
        trial("a difference is noticed", a_difference_is_noticed),
        trial("a plain export comes back bit for bit", a_plain_export_comes_back_bit_for_bit),
        trial("the tensors alone come back and start a training", the_tensors_alone_come_back_and_start_a_training),
        trial("JSON holds every weight", json_holds_every_weight),
        trial(
            "flags that cannot be meant are refused and the model is never overwritten",
            flags_that_cannot_be_meant_are_refused_and_the_model_is_never_overwritten,
        ),
        Trial::test("what a run cannot do without is not written over", what_a_run_cannot_do_without_is_not_written_over),
        trial("softmax over one output is no network", softmax_over_one_output_is_no_network),
        trial("a class is told as label", a_class_is_told_as_label),
        trial("every damage is borne", every_damage_is_borne),
    ];
    match std::env::var_os("WGRAD_TEST_SHARED") {
        Some(shared) => {
            let tables = tables(Path::new(&shared));
            assert!(!tables.is_empty(), "no tables in WGRAD_TEST_SHARED={}", shared.display());
            trials.extend(tables.into_iter().map(|(name, path)| {
                let name = format!("onnxruntime says the same of {name}");
                Trial::test(name, move || a_file(&path)).with_python(MODULES)
            }));
        }
        None => {
            let name = "onnxruntime says the same of the tables beside the repository";
            trials.push(Trial::left_out(name, "WGRAD_TEST_SHARED names no folder of them"));
        }
    }
    for (name, bytes, what) in hostile() {
        let test = move || is_refused("net.onnx", &bytes, what);
        trials.push(Trial::test(format!("an ONNX file of {name} is refused"), test).on_linux());
    }
    for (name, tensors, what) in hostile_tensors() {
        let test = move || is_refused("net.safetensors", &tensors_file(&tensors), what);
        let trial = Trial::test(format!("a safetensors file of {name} is refused"), test);
        trials.push(trial.on_linux());
    }
    trials
}
