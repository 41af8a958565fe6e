//! What training remembers of the epochs before.

use serde::{Deserialize, Serialize};

use super::record::EpochRecord;
use super::signs::Signs;
use crate::evaluation::significant;
use crate::network::Weights;
use crate::training::session::health::Health;
use crate::training::session::schedule::Plateau;

/// What training remembers from epoch to epoch, beside the state of the session.
#[derive(Debug, Clone, PartialEq)]
pub struct Memory<T> {
    /// The best epoch so far, where patience asks for it: its loss, its number and the weights of each network.
    pub best: Option<(f64, usize, Vec<Weights<T>>)>,
    /// The least training loss.
    pub least: Least,
    /// What a plateau schedule goes by.
    pub plateau: Plateau,
    /// What was said of saturated units and vanishing gradients.
    pub health: Health,
    /// What the losses tell, and what was said of it.
    pub signs: Signs,
    /// Seconds of training.
    pub seconds: f64,
    /// The last whole epoch.
    pub last: Option<EpochRecord>,
}

impl<T> Default for Memory<T> {
    fn default() -> Self {
        let (least, plateau, health) = (Least::default(), Plateau::default(), Health::default());
        Self { best: None, least, plateau, health, signs: Signs::default(), seconds: 0.0, last: None }
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
    /// How much of its least loss training may lose before that is worth a word, and how much of the loss of constant outputs: where there
    /// is next to no loss left, little makes much of it.
    const WORTH: f64 = 1.5;
    const SMALL: f64 = 0.1;

    /// What to say of an epoch whose loss has risen far over the least: once in a training. `constant` is the loss of constant outputs, where
    /// it is known.
    pub(super) fn risen(&mut self, record: &EpochRecord, constant: Option<f64>) -> Option<String> {
        let small = Self::SMALL * constant.unwrap_or(0.0);
        let EpochRecord { epoch, loss, learning_rate, .. } = *record;
        match self.found {
            Some((since, least)) if loss > (Self::WORTH * least).max(least + small) && !self.told => {
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
        let told_beside = |losses: &[f64], constant| {
            let mut least = Least::default();
            let look = |(index, &loss): (usize, &f64)| least.risen(&record(index + 1, loss), constant);
            losses.iter().enumerate().filter_map(look).collect::<Vec<_>>()
        };
        let told = |losses: &[f64]| told_beside(losses, None);
        assert!(told(&[1.0, 0.5, 0.6, 0.55, 0.4]).is_empty());
        let remarks = told(&[1.0, 0.5, 0.9, 2.0, 0.4, 3.0]);
        assert!(matches!(&remarks[..], [one] if one.contains("0.50000 in epoch 2 to 0.90000 in epoch 3")), "{remarks:?}");
        let tiny = [0.5, 0.01, 0.05];
        assert_eq!([told_beside(&tiny, Some(0.7)).len(), told(&tiny).len(), told_beside(&tiny, Some(0.3)).len()], [0, 1, 1]);
    }
}
