//! What a run came to.

use std::path::PathBuf;

use serde::Serialize;

use super::ending::Ending;
use super::length::Trial;
use super::record::EpochRecord;
use super::sources::DataReport;
use super::threshold::ThresholdReport;
use crate::error::{Error, Result};
use crate::evaluation::Evaluation;
use crate::network::Network;
use crate::report::Curve;
use crate::training::session::{DeviceReport, Recipe};

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The data.
    pub data: DataReport,
    /// The network.
    pub network: NetworkReport,
    /// What the length of the training follows from; absent where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub trial: Option<Trial>,
    /// Where it was trained.
    pub device: DeviceReport,
    /// Why training ended.
    pub ending: Ending,
    /// Whole epochs that the weights come from.
    pub epoch: usize,
    /// The last whole epoch.
    pub last_epoch: Option<EpochRecord>,
    /// The epoch whose weights were saved; none if there was no whole epoch.
    pub kept_epoch: Option<EpochRecord>,
    /// Steps taken.
    pub steps: u64,
    /// Seconds that training took, without reading and encoding the data.
    pub seconds: f64,
    /// The step from which an interrupted training went on; none of a new one.
    pub resumed_at: Option<u64>,
    /// Whether it had ended before, so that nothing was left to go on with and nothing was changed.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub was_done: bool,
    /// The threshold between two classes; absent of a model that says the more probable one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub threshold: Option<ThresholdReport>,
    /// The scores on the test rows.
    pub test: Option<Evaluation>,
    /// The folder of the run.
    #[serde(serialize_with = "crate::name::serialize_shown")]
    pub run: PathBuf,
    /// The epochs, for pictures of them.
    #[serde(skip)]
    pub curve: Curve,
}

impl RunReport {
    /// The error that stands for a run which a signal ended, after everything was saved.
    ///
    /// # Errors
    /// Interrupted, if that was its ending.
    pub fn ended(&self) -> Result<()> {
        match self.ending {
            Ending::Signal { signal } => Err(Error::Interrupted(signal)),
            _ => Ok(()),
        }
    }
}

/// What a report says of the network.
#[derive(Debug, Clone, Serialize)]
pub struct NetworkReport {
    /// Inputs, hidden widths, outputs.
    pub widths: Vec<usize>,
    /// One activation a layer.
    pub activations: Vec<&'static str>,
    /// Whether the layers have biases.
    pub bias: bool,
    /// Networks of this shape that are trained side by side, whose mean is the model.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<usize>,
    /// Number of trained numbers, of all networks.
    pub parameters: u64,
    /// What training makes small.
    pub loss: &'static str,
    /// The number that shapes it, if it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub loss_number: Option<f64>,
    /// Both, for a person.
    #[serde(skip)]
    loss_description: String,
}

impl NetworkReport {
    /// What to say of a network.
    pub fn of(network: &Network, recipe: &Recipe) -> Self {
        let loss = recipe.loss;
        Self {
            widths: network.widths().to_vec(),
            activations: network.activations().iter().map(|activation| activation.name()).collect(),
            bias: network.bias(),
            ensemble: (recipe.members > 1).then_some(recipe.members),
            parameters: network.parameter_count().saturating_mul(recipe.members as u64),
            loss: loss.name(),
            loss_number: loss.number().map(|(_, number)| number),
            loss_description: loss.description(),
        }
    }
}

impl std::fmt::Display for NetworkReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let widths: Vec<String> = self.widths.iter().map(usize::to_string).collect();
        let bias = if self.bias { "" } else { ", no biases" };
        let activations = self.activations.join(", ");
        let (networks, mean) = match self.ensemble {
            None => ("network".into(), ""),
            Some(count) => (format!("{count} networks"), ", whose mean is the model"),
        };
        let (shape, parameters) = (widths.join("-"), self.parameters);
        write!(text, "{networks} {shape} ({activations}{bias}){mean}: {parameters} parameters; {}", self.loss_description)
    }
}
