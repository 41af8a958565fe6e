//! What a model is, for `wgrad inspect`: as an object for `--json`, and as text.

use std::fmt;

use serde::Serialize;

use super::Model;
use crate::data::{InputColumn, InputKind, Target, dates};
use crate::error::shown;
use crate::evaluation::Decided;

/// What `wgrad inspect` says of a model.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// Networks of these layers, whose mean is the model; absent of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<usize>,
    /// Layer by layer, from the inputs to the outputs.
    pub layers: Vec<LayerSummary>,
    /// Number of trained numbers, of all networks.
    pub parameters: u64,
    /// `"f32"` or `"f64"`.
    pub precision: &'static str,
    /// The loss's name.
    pub loss: &'static str,
    /// The number that shapes it, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_number: Option<f64>,
    /// Both, for a person.
    #[serde(skip)]
    loss_description: String,
    /// Number of inputs of the network.
    pub inputs: usize,
    /// The columns that fill them.
    pub columns: Vec<InputColumn>,
    /// What the network says.
    pub target: Target,
    /// How it was trained.
    pub training: serde_json::Value,
    /// Bytes of its file, where it comes from one.
    pub file_bytes: Option<u64>,
}

/// One layer of a model.
#[derive(Debug, Clone, Serialize)]
pub struct LayerSummary {
    /// Numbers that come in.
    pub inputs: usize,
    /// Numbers that go out.
    pub outputs: usize,
    /// The activation's name.
    pub activation: &'static str,
    /// Whether it has biases.
    pub bias: bool,
    /// Number of its trained numbers.
    pub parameters: u64,
}

impl Model {
    /// What to say of the model; `file_bytes` is the size of the file that it was loaded from.
    pub fn summary(&self, file_bytes: Option<u64>) -> Summary {
        let bias = self.network.bias();
        let layer = |(pair, activation): (&[usize], &crate::network::Activation)| LayerSummary {
            inputs: pair[0],
            outputs: pair[1],
            activation: activation.name(),
            bias,
            parameters: (pair[0] as u64 + u64::from(bias)) * pair[1] as u64,
        };
        let networks = self.weights.networks();
        Summary {
            ensemble: (networks > 1).then_some(networks),
            layers: self.network.widths().windows(2).zip(self.network.activations()).map(layer).collect(),
            parameters: self.network.parameter_count().saturating_mul(networks as u64),
            precision: self.weights.precision(),
            loss: self.loss.name(),
            loss_number: self.loss.number().map(|(_, number)| number),
            loss_description: self.loss.description(),
            inputs: self.network.inputs(),
            columns: self.encoding.inputs.clone(),
            target: self.encoding.target.clone(),
            training: self.training.clone(),
            file_bytes,
        }
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bytes = self.file_bytes.map(|bytes| format!(", {bytes} bytes")).unwrap_or_default();
        writeln!(text, "{} parameters in {}{bytes}, loss {}", self.parameters, self.precision, self.loss_description)?;
        if let Some(networks) = self.ensemble {
            writeln!(text, "\n{networks} networks of one shape; the model predicts the mean of what they predict")?;
        }
        writeln!(text, "\nlayer   inputs × outputs   bias   parameters   activation")?;
        for (l, layer) in self.layers.iter().enumerate() {
            let shape = format!("{} × {}", layer.inputs, layer.outputs);
            let bias = if layer.bias { "yes" } else { "no" };
            writeln!(text, "{:>5}   {shape:>16}   {bias:>4}   {:>10}   {}", l + 1, layer.parameters, layer.activation)?;
        }
        write_target(text, &self.target)?;
        writeln!(text, "\ninputs: {} columns for {} inputs", self.columns.len(), self.inputs)?;
        write_shortened(text, &self.columns, column_line)?;
        write_training(text, &self.training)
    }
}

fn write_target(text: &mut fmt::Formatter<'_>, target: &Target) -> fmt::Result {
    match target {
        Target::Classification { column, classes, decision } => {
            writeln!(text, "\ntarget: the class '{}', one of {}: {}", shown(column), classes.len(), listed(classes))?;
            if classes.len() == 2 {
                writeln!(text, "  positive class: '{}'", shown(&classes[decision.positive]))?;
            }
            Decided::of(*decision, classes).map_or(Ok(()), |decided| writeln!(text, "  {decided}"))
        }
        Target::Regression { columns } => {
            writeln!(text, "\ntarget: {} numbers", columns.len())?;
            write_shortened(text, columns, |column| {
                format!("'{}', output × {} + {}", shown(&column.name), column.scale, column.offset)
            })
        }
    }
}

fn column_line(column: &InputColumn) -> String {
    let name = shown(&column.name);
    match &column.kind {
        InputKind::Number { offset, scale, missing, bins } => {
            let missing = missing.map(|value| format!(", {value} where missing")).unwrap_or_default();
            let missing = column.calendar.map_or(missing.clone(), |calendar| {
                let InputKind::Number { missing, .. } = &column.kind else { return String::new() };
                let missing = missing.map(|days| format!(", {} where missing", dates::day(days))).unwrap_or_default();
                let time = if calendar.time_of_day { " and time of day" } else { "" };
                format!("{missing}; cells are dates in days since 1970, with season, day of the week{time}")
            });
            if let Some(bins) = bins.told(|edge| edge) {
                format!("'{name}', (cell - {offset}) / {scale}{bins}{missing}")
            } else if (*offset, *scale) == (0.0, 1.0) {
                format!("'{name}', as it is{missing}")
            } else {
                format!("'{name}', (cell - {offset}) / {scale}{missing}")
            }
        }
        InputKind::Category { categories, missing } => {
            let missing = missing.as_ref().map(|value| format!(", '{}' where missing", shown(value))).unwrap_or_default();
            format!("'{name}', one of {}: {}{missing}", categories.len(), listed(categories))
        }
    }
}

/// One line an item, those in the middle left out when there are many.
fn write_shortened<T>(text: &mut fmt::Formatter<'_>, items: &[T], line: impl Fn(&T) -> String) -> fmt::Result {
    const MOST: usize = 12;
    const FIRST: usize = 8;
    const LAST: usize = 3;
    for (index, item) in items.iter().enumerate() {
        if items.len() <= MOST || index < FIRST || index >= items.len() - LAST {
            writeln!(text, "  {}", line(item))?;
        } else if index == FIRST {
            writeln!(text, "  … {} more …", items.len() - FIRST - LAST)?;
        }
    }
    Ok(())
}

/// The first names, and how many more there are.
fn listed(names: &[String]) -> String {
    const MOST: usize = 12;
    let mut list = names.iter().take(MOST).map(|name| shown(name)).collect::<Vec<_>>().join(", ");
    if names.len() > MOST {
        list.push_str(&format!(", … {} more", names.len() - MOST));
    }
    list
}

/// The entries of the training's record, one a line, but for those that say nothing; nested ones as JSON.
fn write_training(text: &mut fmt::Formatter<'_>, training: &serde_json::Value) -> fmt::Result {
    let Some(entries) = training.as_object().filter(|entries| !entries.is_empty()) else { return Ok(()) };
    writeln!(text, "\ntraining:")?;
    let is_said = |entry: &(&String, &serde_json::Value)| !entry.1.is_null();
    for (name, value) in entries.iter().filter(is_said) {
        match value {
            serde_json::Value::Object(inner) => {
                writeln!(text, "  {}:", shown(name))?;
                for (name, value) in inner.iter().filter(is_said) {
                    writeln!(text, "    {} = {}", shown(name), shown_value(value))?;
                }
            }
            value => writeln!(text, "  {} = {}", shown(name), shown_value(value))?,
        }
    }
    Ok(())
}

fn shown_value(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(string) => shown(string),
        other => shown(&other.to_string()),
    }
}
