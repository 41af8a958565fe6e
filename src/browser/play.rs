//! A page on which a network trains: a lesson's, one of two inputs with its plane, or a person's own.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::program::{Program, Shaders, padded};
use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::kernels::Step;
use crate::kernels::step::StepWords;
use crate::network::{Activation, Loss, Network, Optimizer, Weights};
use crate::page::{self, Edge, MOST_UNITS, Row, Unit, base64, digits, escaped, named};
use crate::plan::{Options, Phase, Plan, TrainingOptions};

/// Rows whose numbers stand in a table of their own, at most.
const TABLE: usize = 12;
/// Points of the plane along a side.
const SIDE: usize = 40;

/// A page on which a network trains.
pub struct Play {
    /// What it is called.
    pub title: String,
    /// What it is about: HTML, with everything from outside escaped.
    pub about: String,
    /// What the command line computed, for browsers that cannot: HTML.
    pub recorded: String,
    /// The rows to train on; the first is chosen at first.
    pub sets: Vec<Set>,
    /// The networks to choose from, all for these rows; the first is chosen at first.
    pub nets: Vec<Net>,
    /// The row in the picture, from 0.
    pub row: usize,
    /// What training makes small.
    pub loss: Loss,
    /// The optimizer, at a rate that stays.
    pub optimizer: Optimizer,
    /// Whether the rows of a batch are added up, and not averaged.
    pub adds_up: bool,
    /// Learning rates to choose from, and the place of the first that is chosen.
    pub rates: (Vec<f64>, usize),
    /// Rows of a batch to choose from; those beyond a set's rows are all of its rows.
    pub batches: Vec<usize>,
    /// The names of the outputs.
    pub outputs: Vec<String>,
    /// The names of the inputs.
    pub inputs: Vec<String>,
    /// Whether the targets are classes, 0 or 1.
    pub classes: bool,
    /// What targets of 0 and 1 mean, where there is one output.
    pub two: [String; 2],
    /// Weights that the command line computed, to compare with.
    pub test: Option<SelfTest>,
}

/// Rows to train on.
pub struct Set {
    /// What they are called.
    pub name: String,
    /// [rows × inputs], as the network sees them.
    pub inputs: Matrix<f64>,
    /// [rows × outputs].
    pub targets: Matrix<f64>,
}

/// A network to choose.
pub struct Net {
    /// The network.
    pub network: Network,
    /// The activation that it is chosen by, where there are several to choose from.
    pub activation: Option<Activation>,
    /// The inputs, then the units of each layer, that the picture shows, by their places from 0.
    pub shown: Vec<Vec<usize>>,
    /// What it may start from, each with a name.
    pub starts: Vec<(String, Weights<f64>)>,
    /// Its picture as SVG, whose lines and circles the script colours.
    pub picture: String,
}

/// What the command line computed, for the page to compare with.
pub struct SelfTest {
    /// Steps of all rows of the first set, by the first network from its first start.
    pub steps: usize,
    /// The weights after them.
    pub weights: Weights<f64>,
    /// How far f32 may be from them.
    pub bound: f64,
}

/// The different names, in the order in which they first occur.
fn places<'a>(names: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut found: Vec<&str> = Vec::new();
    names.for_each(|name| {
        if !found.contains(&name) {
            found.push(name);
        }
    });
    found
}

impl Net {
    /// The activation of the hidden layers, by which it is chosen.
    fn activation(&self) -> &'static str {
        self.activation.map_or("", Activation::name)
    }

    /// The hidden layers.
    fn hidden(&self) -> String {
        let widths = self.network.widths();
        match &widths[1..widths.len() - 1] {
            [] => "none".to_owned(),
            hidden => hidden.iter().map(usize::to_string).collect::<Vec<_>>().join("-"),
        }
    }
}

impl Play {
    /// The page, whole.
    ///
    /// # Errors
    /// Limit, for networks or rows that are larger than what every browser promises; usage, if two networks are chosen by the same words.
    pub fn page(&self) -> Result<String> {
        let hidden: Vec<String> = self.nets.iter().map(Net::hidden).collect();
        let hidden_names = places(hidden.iter().map(String::as_str));
        let activations = places(self.nets.iter().map(Net::activation));
        let place = |names: &[&str], name: &str| names.iter().position(|known| *known == name).unwrap_or_default();
        let pictures = places(self.nets.iter().map(|net| net.picture.as_str()));
        let rows = self.sets.iter().map(|set| set.inputs.rows).max().unwrap_or_default();
        let mut shaders = Shaders::default();
        let mut nets = Vec::new();
        for (net, hidden) in self.nets.iter().zip(&hidden) {
            let program = self.program(&net.network, rows, &mut shaders)?;
            nets.push(json!({
                "activation": place(&activations, net.activation()),
                "hidden": place(&hidden_names, hidden),
                "picture": place(&pictures, &net.picture),
                "shown": net.shown,
                "workgroups": self.workgroups(&program),
                "starts": net.starts.iter().map(|(name, weights)| json!({ "name": name, "layers": layers(weights) })).collect::<Vec<_>>(),
                "program": program,
            }));
        }
        if nets.iter().map(|net| (net["activation"].to_string(), net["hidden"].to_string())).collect::<BTreeSet<_>>().len()
            < nets.len()
        {
            return Err(Error::Usage("two networks of a page are chosen by the same words".into()));
        }
        let data = json!({
            "shaders": shaders,
            "nets": nets,
            "sets": self.sets.iter().map(|set| self.set(set)).collect::<Vec<_>>(),
            "rates": self.rates.0,
            "classes": self.classes,
            "plane": self.plane(),
            "record": bytemuck::cast_slice::<_, u32>(&[StepWords::from(&self.step(0, 0))]),
            "fields": {
                "first": std::mem::offset_of!(StepWords, first) / 4,
                "rows": std::mem::offset_of!(StepWords, rows) / 4,
                "loss_row": std::mem::offset_of!(StepWords, loss_row) / 4,
                "scale": std::mem::offset_of!(StepWords, scale) / 4,
                "learning_rate": std::mem::offset_of!(StepWords, learning_rate) / 4,
            },
            "test": self.test.as_ref().map(|test| self.test(test)),
        });
        let body = self.body(&activations, &hidden_names, &pictures);
        Ok(super::page(&self.title, &body, &data, include_str!("play.js")))
    }

    /// The plan of a network, all of whose batches have as many rows as the page offers.
    fn program(&self, network: &Network, rows: usize, shaders: &mut Shaders) -> Result<Program> {
        let training = TrainingOptions::plain(rows, rows, self.optimizer.kind);
        let evaluation_rows = rows + if self.has_plane() { SIDE * SIDE } else { 0 };
        let options = Options {
            loss: self.loss,
            training: Some(training),
            evaluation_rows,
            evaluation_data: 0,
            replicas: 1,
            own_steps: false,
            segment_bytes: None,
        };
        Program::new(Plan::new(network, &options), shaders)
    }

    fn has_plane(&self) -> bool {
        self.sets.iter().all(|set| set.inputs.columns == 2 && set.targets.columns == 1) && self.classes
    }

    /// A step of a batch that begins there.
    fn step(&self, first: usize, rows: usize) -> Step {
        let scale = if self.adds_up { 1.0 } else { 1.0 / rows.max(1) as f64 };
        let rates = self.optimizer.rates(1, self.rates.0[self.rates.1]);
        Step { first, rows, loss_row: first, scale, rates, ..Step::default() }
    }

    /// The batches of a set: of each its first row, its rows, where its losses go, and what multiplies its deltas.
    fn batches_of(&self, set: &Set) -> Vec<Vec<(usize, usize, usize, f64)>> {
        let rows = set.inputs.rows;
        let batch = |&batch: &usize| {
            let size = batch.min(rows);
            let step = |first: usize| self.step(first, size.min(rows - first));
            (0..rows).step_by(size).map(step).map(|step| (step.first, step.rows, step.loss_row, step.scale)).collect()
        };
        self.batches.iter().map(batch).collect()
    }

    /// The workgroups of each dispatch, by the rows that a step may have.
    fn workgroups(&self, program: &Program) -> Value {
        let plane = if self.has_plane() { SIDE * SIDE } else { 0 };
        let trained: BTreeSet<usize> =
            self.sets.iter().flat_map(|set| self.batches_of(set)).flatten().map(|(_, rows, ..)| rows).collect();
        let evaluated: BTreeSet<usize> = self.sets.iter().map(|set| set.inputs.rows + plane).collect();
        let of = |phase, rows: BTreeSet<usize>| -> BTreeMap<usize, _> {
            rows.into_iter().map(|rows| (rows, program.workgroups(phase, rows))).collect()
        };
        json!({ "training": of(Phase::Training, trained), "evaluation": of(Phase::Evaluation, evaluated) })
    }

    fn set(&self, set: &Set) -> Value {
        let rows = |matrix: &Matrix<f64>| (0..matrix.rows).map(|row| matrix.row(row).to_vec()).collect::<Vec<_>>();
        json!({
            "rows": set.inputs.rows,
            "values": rows(&set.inputs),
            "wanted": rows(&set.targets),
            "batches": self.batches_of(set),
        })
    }

    /// The plane of two inputs around the rows of all sets: its points along a side, and its ends along both.
    fn plane(&self) -> Option<Value> {
        let ends = |column: usize| {
            let of_set = |set: &Set| (0..set.inputs.rows).map(|row| set.inputs.row(row)[column]).collect::<Vec<_>>();
            let (least, largest) = page::ends(self.sets.iter().flat_map(of_set));
            let room = 0.1 * (largest - least).max(1e-9);
            [least - room, largest + room]
        };
        self.has_plane().then(|| json!({ "side": SIDE, "x": ends(0), "y": ends(1) }))
    }

    fn test(&self, test: &SelfTest) -> Value {
        let all = self.batches.iter().position(|&batch| batch >= self.sets[0].inputs.rows);
        json!({
            "net": 0, "set": 0, "start": 0, "batch": all.unwrap_or_default(), "steps": test.steps,
            "rate": self.rates.0[self.rates.1], "weights": flat(&test.weights), "bound": test.bound,
        })
    }

    fn body(&self, activations: &[&str], hidden: &[&str], pictures: &[&str]) -> String {
        let starts: Vec<String> = self.nets[0].starts.iter().map(|(name, _)| name.clone()).collect();
        let rows: Vec<String> = (1..=self.sets[0].inputs.rows).map(|row| row.to_string()).collect();
        let names: Vec<String> = self.sets.iter().map(|set| set.name.clone()).collect();
        let rates: Vec<String> = self.rates.0.iter().map(|&rate| digits(rate)).collect();
        let most = self.sets.iter().map(|set| set.inputs.rows).max().unwrap_or_default();
        let batches: Vec<String> = self
            .batches
            .iter()
            .map(|&batch| if batch >= most { "all rows".to_owned() } else { batch.to_string() })
            .collect();
        let owned = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        let choices = [
            select("set", "data", &names, 0),
            select("hidden", "hidden layers", &owned(hidden), 0),
            select("activation", "activation", &owned(activations), 0),
            select("start", "start", &starts, 0),
            select("batch", "batch", &batches, self.batches.len() - 1),
            select("rate", "learning rate", &rates, self.rates.1),
        ];
        let pictures: String = pictures
            .iter()
            .enumerate()
            .map(|(place, picture)| {
                format!(
                    "<figure class=\"net\" data-picture=\"{place}\"{}>{picture}</figure>\n",
                    if place == 0 { "" } else { " hidden" }
                )
            })
            .collect();
        let plane = match self.has_plane() {
            true => format!(
                "<figure><canvas id=\"plane\" width=\"400\" height=\"400\" role=\"img\" aria-label=\"the plane of the two inputs: what the \
                 network says at each place, and the rows as dots\"></canvas><figcaption><b>What the network says of each place</b> {} \
                 across, {} upwards; blue is {}, orange {}</figcaption></figure>\n",
                named(&self.inputs[0]),
                named(&self.inputs[1]),
                named(&self.two[1]),
                named(&self.two[0])
            ),
            false => String::new(),
        };
        let shown_row = select("row", "row in the picture", &rows, self.row);
        format!(
            "<h1>{title}</h1>\n{about}<p id=\"status\" role=\"status\">Starting…</p>\n<div class=\"live\">\n<div class=\"controls\">\
             {choices}</div>\n<div class=\"controls\"><button id=\"step\">Step</button><button id=\"hundred\">100 steps</button><button \
             id=\"run\">Run</button><button id=\"reset\">Reset</button>\
             <span><b id=\"steps\">0 steps</b>, loss <b id=\"loss\">–</b></span> <span id=\"right\" class=\"soft\"></span></div>\n\
             <div class=\"side\">{plane}<div>{pictures}{shown_row}<p class=\"soft\">Circles hold outputs, lines are weights: blue above zero, orange below; the fuller or \
             thicker, the larger.</p></div>\n<figure class=\"curve\"><svg viewBox=\"0 0 400 180\" role=\"img\" \
             aria-label=\"the loss by steps, on a logarithmic scale\"><g id=\"ticks\"></g><polyline id=\"line\" points=\"\"/></svg><figcaption><b>Mean loss of a row</b></figcaption></figure>\
             </div>\n{table}<p id=\"test\" class=\"soft\"></p>\n</div>\n{recorded}",
            title = named(&self.title),
            about = self.about,
            choices = choices.concat(),
            table = self.table(),
            recorded = self.recorded,
        )
    }

    /// The rows with their outputs, where they are few.
    fn table(&self) -> String {
        let set = &self.sets[0];
        if self.sets.len() > 1 || set.inputs.rows > TABLE || set.inputs.columns > TABLE {
            return "<div id=\"rows\"></div>\n".to_owned();
        }
        let head = |names: &[String]| {
            names.iter().map(|name| format!("<th scope=\"col\" class=\"number\">{}</th>", named(name))).collect::<String>()
        };
        let cells = |values: &[f64]| {
            values.iter().map(|&value| format!("<td class=\"number\">{}</td>", digits(value))).collect::<String>()
        };
        let row = |row: usize| {
            let outputs = (0..set.targets.columns)
                .map(|column| format!("<td class=\"number\" data-output=\"{}\"></td>", row * set.targets.columns + column));
            format!(
                "<tr><td>{}</td>{}{}{}</tr>\n",
                row + 1,
                cells(set.inputs.row(row)),
                cells(set.targets.row(row)),
                outputs.collect::<String>()
            )
        };
        let targets: Vec<String> = self.outputs.iter().map(|name| format!("target {name}")).collect();
        format!(
            "<div class=\"scroll\"><table id=\"rows\"><thead><tr><th scope=\"col\">row</th>{}{}{}</tr></thead>\n<tbody>\n{}</tbody></table></div>\n",
            head(&self.inputs),
            head(&targets),
            head(&self.outputs),
            (0..set.inputs.rows).map(row).collect::<String>()
        )
    }
}

/// A choice among names; nothing to choose is hidden, and has the value of the only one.
fn select(id: &str, label: &str, names: &[String], chosen: usize) -> String {
    let option = |(place, name): (usize, &String)| {
        let selected = if place == chosen { " selected" } else { "" };
        format!("<option value=\"{place}\"{selected}>{}</option>", named(name))
    };
    let hidden = if names.len() < 2 { " hidden" } else { "" };
    let options: String = names.iter().enumerate().map(option).collect();
    format!("<label{hidden}>{}<select id=\"{id}\">{options}</select></label>\n", escaped(label))
}

/// The layers' parameters as the plan's buffers have them.
pub(super) fn layers(weights: &Weights<f64>) -> Vec<String> {
    let layer = |layer: &crate::network::Layer<f64>| {
        let weight = &layer.weight;
        let rows = (0..weight.rows).map(|row| weight.row(row).to_vec());
        let bias = (!layer.bias.is_empty()).then(|| layer.bias.clone());
        base64(&padded(rows.chain(bias), weight.columns))
    };
    weights.iter().map(layer).collect()
}

/// The layers' parameters, one after the other.
fn flat(weights: &Weights<f64>) -> Vec<Vec<f64>> {
    weights.iter().map(|layer| [layer.weight.values.as_slice(), &layer.bias].concat()).collect()
}

/// All inputs and units of a network.
pub fn shown_whole(network: &Network) -> Vec<Vec<usize>> {
    network.widths().iter().map(|&width| (0..width).collect()).collect()
}

/// Draws a network, or the units of it that are shown; the script colours the circles and lines.
///
/// # Errors
/// Usage, for a layer that shows more than a picture has room for.
pub fn picture(network: &Network, inputs: &[String], outputs: &[String], shown: &[Vec<usize>]) -> Result<String> {
    if let Some(wide) = shown.iter().find(|units| units.len() > MOST_UNITS) {
        return Err(Error::Usage(format!(
            "a picture has room for {MOST_UNITS} units of a layer, not for {}: say --units {MOST_UNITS} or fewer",
            wide.len()
        )));
    }
    let (widths, last) = (network.widths(), network.layers());
    let row = |(place, units): (usize, &Vec<usize>)| {
        let label = |&unit: &usize| match place {
            0 => inputs[unit].clone(),
            _ if place == last => outputs[unit].clone(),
            _ if units.len() < widths[place] => (unit + 1).to_string(),
            _ => String::new(),
        };
        let unit = |unit: &usize| Unit { label: label(unit), value: String::new(), shade: 0.0 };
        let name = match place {
            0 => "inputs".to_owned(),
            _ => format!(
                "layer {place} ({}{})",
                network.activations()[place - 1],
                if place == last { ", output" } else { "" }
            ),
        };
        Row { name, units: units.iter().map(unit).collect(), left_out: widths[place] - units.len() }
    };
    let edge = |from: usize, to: usize| Edge { from, to, strength: 0.0, title: String::new(), marked: false };
    let edges = shown.windows(2).map(|pair| {
        let places = (0..pair[0].len()).flat_map(|from| (0..pair[1].len()).map(move |to| (from, to)));
        places.map(|(from, to)| edge(from, to)).collect()
    });
    let net = page::Net {
        title: "the network".into(),
        about: "the circles hold outputs for the chosen row, the lines are weights".into(),
        layers: shown.iter().enumerate().map(row).collect(),
        edges: edges.collect(),
    };
    Ok(net.svg())
}
