//! The loss scale of mixed training: a power of two by which deltas are larger than they are, so that f16 holds them.

use serde::{Deserialize, Serialize};

/// The scale, and what it goes by. It changes between epochs only, so that a training that is resumed takes the same steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LossScale {
    /// The scale is two to the power of this.
    pub exponent: i32,
    /// Epochs since it last changed, or since a delta last overflowed.
    calm: u32,
    /// Whether a delta overflowed in the epoch under way.
    overflowed: bool,
}

impl LossScale {
    /// Epochs without an overflow after which the scale doubles.
    pub const PATIENCE: u32 = 8;
    /// What the exponent stays between.
    pub const EXPONENTS: [i32; 2] = [-24, 40];

    /// A scale to begin with.
    pub fn new(exponent: i32) -> Self {
        Self { exponent: exponent.clamp(Self::EXPONENTS[0], Self::EXPONENTS[1]), calm: 0, overflowed: false }
    }

    /// The scale that makes up for the mean over so many rows: deltas at the outputs are then about as large as the errors there.
    pub fn for_mean_of(rows: usize) -> Self {
        Self::new(rows.max(1).next_power_of_two().ilog2() as i32)
    }

    /// Takes note that a delta overflowed.
    pub(super) fn note_overflow(&mut self) {
        self.overflowed = true;
    }

    /// Half the scale after epochs in which a delta overflowed, twice the scale after some in which none did. `done` epochs are over; the
    /// scale changes where that is a multiple of `period`, up to which epochs can run without a look at them.
    pub(super) fn end_epoch(&mut self, done: usize, period: usize) {
        let calm = if self.overflowed { 0 } else { self.calm + 1 };
        if !done.is_multiple_of(period) {
            self.calm = calm;
            return;
        }
        *self = match (self.overflowed, calm) {
            (true, _) => Self::new(self.exponent - 1),
            (false, Self::PATIENCE..) => Self::new(self.exponent + 1),
            (false, _) => Self { calm, ..*self },
        };
    }

    /// The scale itself.
    pub fn scale(self) -> f64 {
        2.0_f64.powi(self.exponent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_scale_halves_after_an_overflow_doubles_after_calm_epochs_and_stays_in_bounds() {
        let mut scale = LossScale::for_mean_of(1000);
        assert_eq!(scale.scale(), 1024.0);
        let epochs = |scale: &mut LossScale, count: u32| (0..count).for_each(|_| scale.end_epoch(1, 1));
        epochs(&mut scale, LossScale::PATIENCE - 1);
        assert_eq!(scale.exponent, 10);
        epochs(&mut scale, 1);
        assert_eq!(scale.exponent, 11);
        epochs(&mut scale, LossScale::PATIENCE - 1);
        scale.note_overflow();
        epochs(&mut scale, 1);
        assert_eq!(scale.exponent, 10, "an overflow begins anew");
        epochs(&mut scale, LossScale::PATIENCE - 1);
        assert_eq!(scale.exponent, 10);
        epochs(&mut scale, 1000);
        assert_eq!(scale.exponent, LossScale::EXPONENTS[1]);
        for _ in 0..100 {
            scale.note_overflow();
            scale.end_epoch(1, 1);
        }
        assert_eq!(scale.exponent, LossScale::EXPONENTS[0]);
    }

    #[test]
    fn where_epochs_run_together_the_scale_changes_after_a_period_of_them() {
        let mut scale = LossScale::new(5);
        (1..8).for_each(|done| scale.end_epoch(done, 8));
        assert_eq!(scale.exponent, 5);
        scale.end_epoch(8, 8);
        assert_eq!(scale.exponent, 6, "eight calm epochs");
        (9..12).for_each(|done| scale.end_epoch(done, 8));
        scale.note_overflow();
        (12..16).for_each(|done| scale.end_epoch(done, 8));
        assert_eq!(scale.exponent, 6);
        scale.end_epoch(16, 8);
        assert_eq!(scale.exponent, 5, "an overflow in one of them");
    }
}
