//! What training writes down of each epoch, and what it remembers of those before.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::evaluation::significant;
use crate::network::Weights;
use crate::training::session::health::Health;
use crate::training::session::schedule::Plateau;

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

/// What training remembers from epoch to epoch, beside the state of the session.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory<T> {
    /// The best epoch so far, where patience asks for it: its loss, its number and its weights.
    pub best: Option<(f64, usize, Weights<T>)>,
    /// The least training loss.
    pub least: Least,
    /// What a plateau schedule goes by.
    pub plateau: Plateau,
    /// What was said of saturated units and vanishing gradients.
    pub health: Health,
    /// Seconds of training.
    pub seconds: f64,
    /// The last whole epoch.
    pub last: Option<EpochRecord>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        let (least, plateau, health) = (Least::default(), Plateau::default(), Health::default());
        Self { best: None, least, plateau, health, seconds: 0.0, last: None }
    }
}

/// The least training loss so far, and whether it was told that the loss has risen from it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Least {
    /// The epoch and its loss.
    found: Option<(usize, f64)>,
    told: bool,
}

impl Least {
    /// How much of its least loss training may lose before that is worth a word.
    const WORTH: f64 = 1.5;

    /// What to say of an epoch whose loss has risen far over the least: once in a training.
    pub(super) fn risen(&mut self, record: &EpochRecord) -> Option<String> {
        let EpochRecord { epoch, loss, learning_rate, .. } = *record;
        match self.found {
            Some((since, least)) if loss > Self::WORTH * least && !self.told => {
                self.told = true;
                Some(format!(
                    "the training loss has risen from {least:.5} in epoch {since} to {loss:.5} in epoch {epoch}, at learning rate \
                     {}: a lower --learning-rate may help",
                    significant(learning_rate)
                ))
            }
            Some((_, least)) if loss >= least => None,
            _ => {
                self.found = Some((epoch, loss));
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_that_rises_is_told_once_and_one_that_wavers_is_not() {
        let record = |epoch: usize, loss: f64| EpochRecord {
            epoch,
            step: 0,
            learning_rate: 0.1,
            loss,
            validation_loss: None,
            validation_metric: None,
            metric: "accuracy".into(),
            seconds: 0.0,
            samples_per_second: 0.0,
            loss_scale: None,
        };
        let told = |losses: &[f64]| {
            let mut least = Least::default();
            losses.iter().enumerate().filter_map(|(index, &loss)| least.risen(&record(index + 1, loss))).collect::<Vec<_>>()
        };
        assert!(told(&[1.0, 0.5, 0.6, 0.55, 0.4]).is_empty());
        let remarks = told(&[1.0, 0.5, 0.9, 2.0, 0.4, 3.0]);
        assert!(matches!(&remarks[..], [one] if one.contains("0.50000 in epoch 2 to 0.90000 in epoch 3")), "{remarks:?}");
    }
}
