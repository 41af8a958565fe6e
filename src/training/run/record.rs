//! What training writes down of each epoch.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

/// What an epoch came to. `metrics.jsonl` has one a line.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EpochRecord {
    /// Epochs done, from 1.
    pub epoch: usize,
    /// Steps done.
    pub step: u64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Mean loss of a training row, each measured before the update that it went into.
    pub loss: f64,
    /// Mean loss of a validation row after the epoch.
    pub validation_loss: Option<f64>,
    /// The measure over the validation rows after the epoch.
    pub validation_metric: Option<f64>,
    /// The measure's name.
    pub metric: Cow<'static, str>,
    /// Seconds of training, when the epoch was done. Of epochs that ran in one go each gets its share of the time.
    pub seconds: f64,
    /// Training rows a second.
    pub samples_per_second: f64,
    /// The loss scale of mixed training in this epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss_scale: Option<f64>,
}
