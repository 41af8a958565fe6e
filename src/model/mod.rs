//! What training leaves behind: the model, its file, and the folder of its run.

mod checkpoint;
mod event_file;
mod file;
mod naming;
mod run_folder;
mod sequence;
mod summary;
mod tensor_file;
#[cfg(test)]
mod tests;
mod trained_rows;

use std::collections::HashSet;

pub use checkpoint::{Checkpoint, CheckpointFile, SavedMember};
pub use event_file::EventFile;
pub use file::{check_room, hidden_widths, load_weights, networks_in};
pub use naming::{LATEST, Named, RUNS, by_name, folds_of, is_folds, is_sweep, made, no_run, runs_in};
pub(crate) use run_folder::MOST_CHECKPOINTS;
pub use run_folder::{RunFolder, resolve_model};
pub use sequence::{Sequence, load_sequence};
pub use summary::{LayerSummary, Summary};
pub use tensor_file::Element;
pub use trained_rows::TrainedRows;

use crate::data::{Encoding, InputColumn, InputKind, Target};
use crate::error::shown;
use crate::network::{Loss, Network, Weights, converted};
use crate::scalar::Scalar;

/// A trained network, or several of one shape whose mean is the model's output, with all that predictions need.
#[derive(Debug, Clone, PartialEq)]
pub struct Model {
    /// The shape of each network.
    pub network: Network,
    /// What training made small.
    pub loss: Loss,
    /// What training found.
    pub weights: StoredWeights,
    /// How a table's columns become its inputs, and its outputs the target.
    pub encoding: Encoding,
    /// How it came about, for people to read: options, seed, wgrad's version, metrics. Nothing is ever taken from here.
    pub training: serde_json::Value,
}

/// The weights of each network, at least one, in the number type in which they were trained, which is the one in which they are stored.
#[derive(Debug, Clone, PartialEq)]
pub enum StoredWeights {
    /// f32, `F32` in the file.
    Single(Vec<Weights<f32>>),
    /// f64, `F64` in the file.
    Double(Vec<Weights<f64>>),
}

/// Each network's weights in another number type.
fn all_converted<T: Scalar, U: Scalar>(networks: &[Weights<T>]) -> Vec<Weights<U>> {
    networks.iter().map(converted).collect()
}

impl StoredWeights {
    /// These weights, one list a network, to be stored in their own number type.
    pub fn new<T: Scalar>(networks: &[Weights<T>]) -> Self {
        match T::NAME == f64::NAME {
            true => Self::Double(all_converted(networks)),
            false => Self::Single(all_converted(networks)),
        }
    }

    /// Each network's weights in the number type wanted; f64 to f32 rounds to the nearest.
    pub fn get<T: Scalar>(&self) -> Vec<Weights<T>> {
        match self {
            Self::Single(networks) => all_converted(networks),
            Self::Double(networks) => all_converted(networks),
        }
    }

    /// Networks of several models as those of one, in double precision if one of them is.
    pub fn joined(models: &[Self]) -> Self {
        if models.iter().all(|weights| matches!(weights, Self::Single(_))) {
            return Self::Single(models.iter().flat_map(Self::get).collect());
        }
        Self::Double(models.iter().flat_map(Self::get).collect())
    }

    /// How many networks there are.
    pub fn networks(&self) -> usize {
        match self {
            Self::Single(networks) => networks.len(),
            Self::Double(networks) => networks.len(),
        }
    }

    /// CRC-32 of the weights of each network's layers, each before its biases, as they lie in the file: eight digits.
    pub fn checksum(&self) -> String {
        match self {
            Self::Single(networks) => checksum(networks),
            Self::Double(networks) => checksum(networks),
        }
    }

    /// `"f32"` or `"f64"`.
    pub fn precision(&self) -> &'static str {
        match self {
            Self::Single(_) => f32::NAME,
            Self::Double(_) => f64::NAME,
        }
    }

    /// Checks that these are a network's weights and finite.
    fn check(&self, network: &Network) -> Result<(), String> {
        match self {
            _ if self.networks() == 0 => Err("there is no network".into()),
            Self::Single(networks) => networks.iter().try_for_each(|weights| check_weights(weights, network)),
            Self::Double(networks) => networks.iter().try_for_each(|weights| check_weights(weights, network)),
        }
    }
}

/// CRC-32 of the weights of some networks, as [`StoredWeights::checksum`] has it.
pub fn checksum<T: Element>(networks: &[Weights<T>]) -> String {
    let mut sum = crc32fast::Hasher::new();
    for layer in networks.iter().flatten() {
        sum.update(T::bytes(&layer.weight.values));
        sum.update(T::bytes(&layer.bias));
    }
    format!("{:08x}", sum.finalize())
}

fn check_weights<T: Scalar>(weights: &Weights<T>, network: &Network) -> Result<(), String> {
    if weights.len() != network.layers() {
        return Err(format!("there are weights of {} layers for a network of {}", weights.len(), network.layers()));
    }
    for (l, (layer, pair)) in weights.iter().zip(network.widths().windows(2)).enumerate() {
        let (inputs, outputs) = (pair[0], pair[1]);
        let biases = if network.bias() { outputs } else { 0 };
        if (layer.weight.rows, layer.weight.columns, layer.bias.len()) != (inputs, outputs, biases) {
            return Err(format!(
                "layer {} has {} × {} weights and {} biases, and {inputs} × {outputs} and {biases} are expected",
                l + 1,
                layer.weight.rows,
                layer.weight.columns,
                layer.bias.len()
            ));
        }
        if !layer.weight.values.iter().chain(&layer.bias).all(|value| value.is_finite()) {
            return Err(format!("layer {} has a weight that is NaN or infinite", l + 1));
        }
    }
    Ok(())
}

impl Model {
    /// Checks that the parts fit together: what every model that is saved or loaded holds to.
    pub(crate) fn check(&self) -> Result<(), String> {
        self.weights.check(&self.network)?;
        self.loss.check(self.network.output_activation()).map_err(|error| error.to_string())?;
        check_encoding(&self.encoding, &self.network)
    }
}

/// Checks that an encoding fits a network and is one that can be saved.
fn check_encoding(encoding: &Encoding, network: &Network) -> Result<(), String> {
    check_inputs(&encoding.inputs, network.inputs())?;
    check_target(&encoding.target, network.outputs())?;
    unique("column", encoding.inputs.iter().map(|column| &column.name).chain(target_columns(&encoding.target)))
}

/// The names of the target's columns.
fn target_columns(target: &Target) -> impl Iterator<Item = &String> {
    let (one, several) = match target {
        Target::Classification { column, .. } => (Some(column), [].as_slice()),
        Target::Regression { columns } => (None, columns.as_slice()),
    };
    one.into_iter().chain(several.iter().map(|column| &column.name))
}

fn check_inputs(columns: &[InputColumn], inputs: usize) -> Result<(), String> {
    for column in columns {
        let name = shown(&column.name);
        match &column.kind {
            InputKind::Number { offset, scale, missing, bins } => {
                check_scaling(&name, *offset, *scale)?;
                if !bins.make_sense() {
                    return Err(format!("the bins of column '{name}' make no sense"));
                }
                if missing.is_some_and(|value| !value.is_finite()) {
                    return Err(format!("what stands in for a missing '{name}' is not finite"));
                }
            }
            InputKind::Category { categories, missing } => {
                if categories.is_empty() {
                    return Err(format!("column '{name}' has no categories"));
                }
                unique(&format!("category of column '{name}'"), categories)?;
                if missing.as_ref().is_some_and(|value| !categories.contains(value)) {
                    return Err(format!("what stands in for a missing '{name}' is none of its categories"));
                }
            }
        }
    }
    let width: usize = columns.iter().map(InputColumn::width).sum();
    if width != inputs {
        return Err(format!("the columns make {width} inputs, and the network has {inputs}"));
    }
    Ok(())
}

fn check_target(target: &Target, outputs: usize) -> Result<(), String> {
    match target {
        Target::Classification { column, classes, decision } => {
            unique(&format!("class of '{}'", shown(column)), classes)?;
            if !decision.makes_sense(classes.len()) {
                return Err(format!("the threshold of '{}' makes no sense", shown(column)));
            }
            match (classes.len(), outputs) {
                (2, 1) => Ok(()),
                (count, _) if count >= 2 && count == outputs => Ok(()),
                (count, _) => Err(format!("there are {count} classes for {outputs} outputs")),
            }
        }
        Target::Regression { columns } => {
            for column in columns {
                check_scaling(&shown(&column.name), column.offset, column.scale)?;
            }
            if columns.len() == outputs {
                Ok(())
            } else {
                Err(format!("there are {} target columns for {outputs} outputs", columns.len()))
            }
        }
    }
}

fn check_scaling(name: &str, offset: f64, scale: f64) -> Result<(), String> {
    if offset.is_finite() && scale.is_normal() && scale > 0.0 {
        return Ok(());
    }
    Err(format!("column '{name}' is scaled as (cell - {offset}) / {scale}, and needs a finite offset and a scale above 0"))
}

/// Checks that no name comes twice.
fn unique<'a>(what: &str, names: impl IntoIterator<Item = &'a String>) -> Result<(), String> {
    let mut seen = HashSet::new();
    match names.into_iter().find(|name| !seen.insert(name.as_str())) {
        Some(name) => Err(format!("there are two entries '{}' ({what})", shown(name))),
        None => Ok(()),
    }
}
