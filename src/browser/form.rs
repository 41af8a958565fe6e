//! A trained model as a page: a form with the data's own columns, and what the network says of them, computed by its forward kernels.

use serde_json::{Value, json};

use super::play::layers;
use super::program::{Program, Shaders};
use crate::data::{Encoding, InputColumn, InputKind, Matrix, Target, dates};
use crate::error::{Error, Result};
use crate::evaluation::{probabilities, said_class};
use crate::executor::Executor;
use crate::executor::cpu::Cpu;
use crate::kernels::Step;
use crate::kernels::step::StepWords;
use crate::model::Model;
use crate::network::Weights;
use crate::network::ensemble::mean_outputs;
use crate::page::{digits, escaped, named, table};
use crate::plan::{Options, Phase, Plan, human_bytes};

/// Bytes of a page, at most.
const PAGE: u64 = 20 << 20;
/// Columns of which the recorded rows take the ends.
const RECORDED: usize = 8;
/// How far a GPU's outputs may differ from the recorded ones.
const BOUND: f64 = 1e-5;

/// What is known of the data that a model was trained on, beside its encoding.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Of each input column the least and the largest number, where it is known.
    pub ranges: Vec<Option<[f64; 2]>>,
    /// Pixels along the side of the images that the rows are.
    pub side: Option<usize>,
}

/// A row of cells and what the command line computed of it.
struct Recorded {
    name: String,
    cells: Vec<String>,
    outputs: Vec<f64>,
}

/// The page of a model.
///
/// # Errors
/// Limit, for a model that is too large for a page or for what every browser promises.
pub fn form_page(model: &Model, name: &str, seen: &Seen) -> Result<String> {
    let (network, encoding) = (&model.network, &model.encoding);
    // Four bytes become four characters of three, and a third more.
    let parameters = network.parameter_count().saturating_mul(model.weights.networks() as u64);
    let bytes = parameters.saturating_mul(16) / 3;
    let too_large = |bytes: u64| {
        Error::Limit(format!(
            "the page would have {}, and a browser is given {} at most: export a smaller model, or another --format",
            human_bytes(bytes),
            human_bytes(PAGE)
        ))
    };
    if bytes > PAGE {
        return Err(too_large(bytes));
    }
    let mut shaders = Shaders::default();
    let program = Program::new(plan(model, 1), &mut shaders)?;
    let recorded = recorded(model, seen)?;
    let pad = pad(encoding, seen);
    let (is_usual, numerals) = (encoding.missing_values.is_none(), &encoding.numerals);
    // The usual words count in any case.
    let missing = encoding.missing().spellings().into_iter().filter(|word| !is_usual || *word == word.to_lowercase());
    let missing: Vec<String> = missing.collect();
    let data = json!({
        "shaders": shaders,
        "workgroups": program.workgroups(Phase::Evaluation, 1),
        "record": bytemuck::cast_slice::<_, u32>(&[StepWords::from(&Step { rows: 1, scale: 1.0, ..Step::default() })]),
        "program": program,
        // Of each network, whose outputs in the mean are the model's.
        "networks": model.weights.get().iter().map(layers).collect::<Vec<_>>(),
        "columns": encoding.inputs.iter().map(column).collect::<Vec<_>>(),
        "target": target(encoding),
        "missing": { "words": missing, "usual": is_usual },
        "numerals": {
            "decimal": char::from(numerals.decimal).to_string(),
            "thousands": numerals.thousands.map(|sign| char::from(sign).to_string()),
            "units": numerals.units.to_vec(),
        },
        "pad": pad.map(|(side, most)| json!({ "side": side, "most": most })),
        "recorded": recorded.iter().map(|row| json!({ "cells": row.cells, "outputs": row.outputs })).collect::<Vec<_>>(),
        "bound": BOUND,
    });
    let body = body(model, name, seen, pad.is_some(), &recorded)?;
    let page = super::page(&format!("wgrad: {name}"), &body, &data, include_str!("form.js"));
    if page.len() as u64 > PAGE { Err(too_large(page.len() as u64)) } else { Ok(page) }
}

/// The plan that evaluates so many rows.
fn plan(model: &Model, evaluation_rows: usize) -> Plan {
    let (loss, training) = (model.loss, None);
    let options =
        Options { loss, training, evaluation_rows, evaluation_data: 0, replicas: 1, own_steps: false, segment_bytes: None };
    Plan::new(&model.network, &options)
}

/// The network's outputs for all rows of a plan, in f32 on the CPU, as `wgrad predict` computes them.
fn outputs(model: &Model, plan: &Plan, inputs: &Matrix<f64>) -> Result<Matrix<f64>> {
    let rows = inputs.rows;
    let mut executor = Cpu::<f32>::new(plan.clone(), 1)?;
    executor.write(plan.evaluation_inputs, 0, &inputs.converted::<f32>().values)?;
    let mut of_network = |weights: Weights<f32>| {
        for (&id, layer) in plan.parameters.iter().zip(weights) {
            executor.write(id, 0, &[layer.weight.values, layer.bias].concat())?;
        }
        executor.run(Phase::Evaluation, &[Step { rows, scale: 1.0, ..Step::default() }])?;
        Ok(Matrix::new(rows, model.network.outputs(), executor.read(plan.evaluation_outputs, 0, rows)?))
    };
    let each = model.weights.get().into_iter().map(&mut of_network).collect::<Result<Vec<_>>>()?;
    Ok(mean_outputs(each).converted())
}

/// How a column's cells become numbers.
fn column(column: &InputColumn) -> Value {
    match &column.kind {
        InputKind::Number { offset, scale, missing, bins } => json!({
            "name": column.name, "kind": "number", "offset": offset, "scale": scale, "missing": missing, "edges": bins.edges,
            "reach": bins.reach,
            "calendar": column.calendar.map(|calendar| json!({ "time_of_day": calendar.time_of_day, "year": dates::YEAR })),
        }),
        InputKind::Category { categories, missing } => {
            json!({ "name": column.name, "kind": "category", "categories": categories, "missing": missing })
        }
    }
}

fn target(encoding: &Encoding) -> Value {
    match &encoding.target {
        Target::Classification { classes, decision, .. } => json!({
            "task": "classification", "classes": classes, "positive": decision.positive, "threshold": decision.threshold,
        }),
        Target::Regression { columns } => json!({
            "task": "regression",
            "columns": columns
                .iter()
                .map(|column| json!({ "name": column.name, "offset": column.offset, "scale": column.scale }))
                .collect::<Vec<_>>(),
        }),
    }
}

/// The least and the largest number of a column that training saw: the ends of its bins, or what is known of it otherwise.
fn range(encoding: &Encoding, seen: &Seen, place: usize) -> Option<[f64; 2]> {
    match &encoding.inputs[place].kind {
        InputKind::Number { bins, .. } if !bins.is_empty() => Some([bins.edges[0], bins.edges[bins.len()]]),
        InputKind::Number { .. } => seen.ranges.get(place).copied().flatten(),
        InputKind::Category { .. } => None,
    }
}

/// The side of the drawing pad in pixels, and the value of a pixel that the pen fills; none if the rows are not images.
fn pad(encoding: &Encoding, seen: &Seen) -> Option<(usize, f64)> {
    let side = seen.side.filter(|side| side * side == encoding.inputs())?;
    let most = (0..encoding.inputs.len()).filter_map(|place| range(encoding, seen, place)).map(|[_, most]| most);
    let most = most.fold(0.0_f64, f64::max);
    Some((side, if most > 0.0 { most } else { 1.0 }))
}

/// What a row has that is as usual in a column.
fn usual(column: &InputColumn) -> String {
    match &column.kind {
        InputKind::Number { offset, missing, .. } => {
            let number = missing.unwrap_or(*offset);
            if column.calendar.is_some() { dates::day(number) } else { digits(number) }
        }
        InputKind::Category { categories, missing } => missing.clone().unwrap_or_else(|| categories[0].clone()),
    }
}

/// Predictions of the usual row, and of the same with a column at an end of its range.
fn recorded(model: &Model, seen: &Seen) -> Result<Vec<Recorded>> {
    let encoding = &model.encoding;
    let usual: Vec<String> = encoding.inputs.iter().map(usual).collect();
    let mut rows = vec![("as usual".to_owned(), usual.clone())];
    // A pixel alone says little.
    let told = if pad(encoding, seen).is_some() { 0 } else { RECORDED };
    for (place, column) in encoding.inputs.iter().enumerate().take(told) {
        let ends: Vec<String> = match &column.kind {
            InputKind::Number { .. } => range(encoding, seen, place)
                .into_iter()
                .flatten()
                .map(|end| if column.calendar.is_some() { dates::day(end) } else { digits(end) })
                .collect(),
            InputKind::Category { categories, .. } => categories.iter().take(2).cloned().collect(),
        };
        for end in ends {
            let mut cells = usual.clone();
            cells[place].clone_from(&end);
            rows.push((format!("{} {end}", column.name), cells));
        }
    }
    let inputs: Vec<f64> = rows.iter().flat_map(|(_, cells)| encoded(encoding, cells)).collect();
    let inputs = Matrix::new(rows.len(), encoding.inputs(), inputs);
    let outputs = outputs(model, &plan(model, rows.len()), &inputs)?;
    let row =
        |(row, (name, cells)): (usize, (String, Vec<String>))| Recorded { name, cells, outputs: outputs.row(row).to_vec() };
    Ok(rows.into_iter().enumerate().map(row).collect())
}

/// The network's inputs of a row of cells that the encoding itself has written.
fn encoded(encoding: &Encoding, cells: &[String]) -> Vec<f64> {
    let of = |(column, cell): (&InputColumn, &String)| -> Vec<f64> {
        match &column.kind {
            InputKind::Number { offset, .. } => {
                let number = match column.calendar {
                    Some(calendar) => dates::days(cell).map(|days| calendar.reduced(days)),
                    None => cell.parse().ok(),
                };
                column.encoded(number.unwrap_or(*offset)).collect()
            }
            InputKind::Category { categories, .. } => {
                categories.iter().map(|category| f64::from(u8::from(category == cell))).collect()
            }
        }
    };
    encoding.inputs.iter().zip(cells).flat_map(of).collect()
}

fn body(model: &Model, name: &str, seen: &Seen, is_pad: bool, recorded: &[Recorded]) -> Result<String> {
    let encoding = &model.encoding;
    let targets = encoding.target_names().iter().map(|name| named(name)).collect::<Vec<_>>().join(", ");
    let input = if is_pad {
        "<div><canvas id=\"pad\" width=\"280\" height=\"280\" aria-label=\"draw here\"></canvas><p><button id=\"clear\">Clear</button> Draw \
         with a finger or the mouse.</p></div>\n"
            .to_owned()
    } else {
        let fields: String =
            encoding.inputs.iter().enumerate().map(|(place, column)| field(encoding, seen, place, column)).collect();
        format!("<form class=\"controls\" onsubmit=\"return false\">{fields}</form>\n")
    };
    let inputs = encoding.inputs.len();
    let decision = encoding.decision();
    let threshold = decision.threshold.map_or_else(String::new, |threshold| {
        let positive = named(&encoding.class_names()[decision.positive]);
        format!(
            "<p class=\"soft\">It says {positive} where the probability of {positive} is at least {}.</p>\n",
            digits(threshold)
        )
    });
    let (rows, head) = recorded_table(encoding, recorded)?;
    let head: Vec<&str> = head.iter().map(String::as_str).collect();
    Ok(format!(
        "<h1>{}</h1>\n<p>A model of <b>{targets}</b> from {inputs} columns. The network computes in this browser, by wgrad's own forward kernels, \
         on WebGPU: nothing leaves this page.</p>\n<p id=\"status\" role=\"status\">Starting…</p>\n<div class=\"live side\">\n{input}\
         <div class=\"result\"><p class=\"says\">It says <b id=\"prediction\"></b></p>\n{threshold}\n<div class=\"scroll\"><table class=\"bars\"><tbody id=\"said\"></tbody></table></div>\
         </div>\n</div>\n<p id=\"test\" class=\"soft\"></p>\n<h2>Predictions that the command line computed</h2>\n<p class=\"soft\">The usual row \
         has a typical value in each column; every other row changes one column.</p>\n{}",
        named(name),
        table("", &head, &rows, if encoding.class_names().is_empty() { 1 } else { 2 })
    ))
}

/// A field of the form: for numbers with the range that training saw, for categories with their names.
fn field(encoding: &Encoding, seen: &Seen, place: usize, column: &InputColumn) -> String {
    let (label, value) = (named(&column.name), usual(column));
    let has_stand_in = column.has_stand_in();
    match &column.kind {
        InputKind::Category { categories, .. } => {
            let option = |category: &String| {
                let selected = if *category == value { " selected" } else { "" };
                format!("<option value=\"{}\"{selected}>{}</option>", escaped(category), named(category))
            };
            let missing = if has_stand_in { "<option value=\"\">(missing)</option>" } else { "" };
            let options: String = categories.iter().map(option).collect();
            format!("<label>{label}<select data-column=\"{place}\">{missing}{options}</select></label>\n")
        }
        InputKind::Number { .. } => {
            let written = |end: f64| if column.calendar.is_some() { dates::day(end) } else { digits(end) };
            let range = range(encoding, seen, place).map(|[least, most]| format!("{} to {}", written(least), written(most)));
            let hint = range.map_or_else(String::new, |range| format!(" <span class=\"soft\">{range}</span>"));
            let kind = if column.calendar.is_some() { "type=\"text\"" } else { "type=\"text\" inputmode=\"decimal\"" };
            format!("<label>{label}{hint}<input {kind} data-column=\"{place}\" value=\"{}\"></label>\n", escaped(&value))
        }
    }
}

/// The recorded rows as a table, and its head.
fn recorded_table(encoding: &Encoding, recorded: &[Recorded]) -> Result<(Vec<Vec<String>>, Vec<String>)> {
    let names = encoding.class_names();
    let mut rows = Vec::new();
    for row in recorded {
        let outputs = Matrix::new(1, row.outputs.len(), row.outputs.clone());
        let cells: Vec<String> = match names.is_empty() {
            true => encoding.decode_regression(&outputs).values.into_iter().map(digits).collect(),
            false => {
                let said =
                    said_class(encoding.decision(), &row.outputs).map_or_else(String::new, |class| names[class].clone());
                let most = probabilities(&outputs)?.values.into_iter().fold(0.0_f64, f64::max);
                vec![said, format!("{most:.4}")]
            }
        };
        rows.push(std::iter::once(row.name.clone()).chain(cells).map(|cell| crate::error::shown(&cell)).collect());
    }
    let head: Vec<String> = match names.is_empty() {
        true => encoding.target_names().iter().map(|&name| name.to_owned()).collect(),
        false => vec!["prediction".to_owned(), "largest probability".to_owned()],
    };
    Ok((rows, std::iter::once("row".to_owned()).chain(head).collect()))
}
