//! Learning-rate schedules: the rate of a step as a function of how far training has come.

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

/// How the learning rate changes while training goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ScheduleKind {
    /// It stays.
    Constant,
    /// It is multiplied by a factor every so many epochs.
    Step,
    /// It falls to zero along half a cosine (Loshchilov and Hutter, "SGDR", 2017, without restarts).
    Cosine,
    /// It is multiplied by a factor whenever the loss has not fallen for some epochs.
    Plateau,
}

/// A learning-rate schedule with its constants.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Schedule {
    /// Its shape.
    pub kind: ScheduleKind,
    /// The rate that it starts from.
    pub learning_rate: f64,
    /// Epochs over which the rate rises linearly from zero at the start.
    pub warmup: f64,
    /// Epochs between two drops of a step schedule.
    pub every: usize,
    /// What a drop multiplies the rate by.
    pub factor: f64,
    /// Epochs without a lower loss before a plateau schedule drops the rate.
    pub patience: usize,
}

impl Schedule {
    /// A rate that stays.
    pub fn constant(learning_rate: f64) -> Self {
        Self { kind: ScheduleKind::Constant, learning_rate, warmup: 0.0, every: 1, factor: 1.0, patience: 1 }
    }

    /// The rate of a step (from 0) of training that takes `epochs` epochs of `steps_per_epoch` steps, before which a plateau schedule
    /// has dropped it so many times.
    pub fn rate(&self, step: u64, steps_per_epoch: u64, epochs: usize, drops: usize) -> f64 {
        let warmup = (self.warmup * steps_per_epoch as f64).round() as u64;
        if step < warmup {
            return self.learning_rate * (step + 1) as f64 / warmup as f64;
        }
        match self.kind {
            ScheduleKind::Constant => self.learning_rate,
            ScheduleKind::Plateau => self.learning_rate * self.factor.powi(i32::try_from(drops).unwrap_or(i32::MAX)),
            ScheduleKind::Step => {
                let drops = step / steps_per_epoch / self.every as u64;
                self.learning_rate * self.factor.powi(drops.min(i32::MAX as u64) as i32)
            }
            ScheduleKind::Cosine => {
                let total = (epochs as u64).saturating_mul(steps_per_epoch).saturating_sub(warmup).max(1);
                let progress = ((step - warmup) as f64 / total as f64).min(1.0);
                self.learning_rate * 0.5 * (1.0 + (std::f64::consts::PI * progress).cos())
            }
        }
    }
}

/// What a plateau schedule remembers: the least loss, and the epochs that came since without a lower one.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plateau {
    least: Option<f64>,
    since: usize,
}

impl Plateau {
    /// By what share of it a loss must be below the least to count, as in PyTorch's `ReduceLROnPlateau`.
    const LOWER: f64 = 1e-4;
    /// The least change of a rate that is worth it, as in the same.
    pub const LEAST_DROP: f64 = 1e-8;

    /// Takes note of an epoch's loss; gives whether patience ends with it, which then begins anew.
    pub fn is_over(&mut self, loss: f64, patience: usize) -> bool {
        if self.least.is_none_or(|least| loss < least - Self::LOWER * least.abs()) {
            *self = Self { least: Some(loss), since: 0 };
            return false;
        }
        self.since = self.since.saturating_add(1);
        if self.since > patience {
            self.since = 0;
            return true;
        }
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// PyTorch 2.15, `ReduceLROnPlateau(optimizer, factor=0.1, patience=2)`: the rate drops after the 5th and the 8th of these losses.
    #[test]
    fn a_plateau_drops_the_rate_when_patience_is_over() {
        let mut plateau = Plateau::default();
        let losses = [1.0, 0.8, 0.8, 0.79999, 0.9, 0.85, 0.81, 0.8, 0.5, 0.6];
        let drops: Vec<usize> = (0..losses.len()).filter(|&epoch| plateau.is_over(losses[epoch], 2)).collect();
        assert_eq!(drops, [4, 7]);
    }

    #[test]
    fn a_step_schedule_drops_after_every_so_many_epochs() {
        let schedule = Schedule { kind: ScheduleKind::Step, every: 2, factor: 0.5, ..Schedule::constant(0.8) };
        let rates: Vec<f64> = (0..5).map(|epoch| schedule.rate(epoch * 10 + 9, 10, 5, 0)).collect();
        assert_eq!(rates, [0.8, 0.8, 0.4, 0.4, 0.2]);
    }

    #[test]
    fn a_cosine_starts_at_the_rate_and_ends_near_zero() {
        let schedule = Schedule { kind: ScheduleKind::Cosine, ..Schedule::constant(1.0) };
        assert_eq!(schedule.rate(0, 10, 4, 0), 1.0);
        assert!((schedule.rate(20, 10, 4, 0) - 0.5).abs() < 1e-12);
        assert!(schedule.rate(39, 10, 4, 0) < 0.01);
    }

    #[test]
    fn warm_up_rises_to_the_rate() {
        let schedule = Schedule { warmup: 0.5, ..Schedule::constant(1.0) };
        assert_eq!(schedule.rate(0, 10, 4, 0), 0.2);
        assert_eq!(schedule.rate(4, 10, 4, 0), 1.0);
        assert_eq!(schedule.rate(5, 10, 4, 0), 1.0);
    }
}
