//! ½ e² where |e| ≤ δ, else δ (|e| - ½ δ), with e = a - y (Huber, 1964; `torch.nn.HuberLoss`). Shader:
//! `shaders/losses/huber.wgsl`.

use super::definition::{Carried, Definition, Facts, Inexact, Vector, lanes_of_each, sum_of_row};
use crate::rounding::UNIT;
use crate::scalar::Scalar;

#[derive(Clone, Copy)]
pub(super) struct Huber {
    /// δ: how far from its target an output's loss is that of a square.
    pub(super) delta: f64,
}

impl Huber {
    pub(super) const DEFAULT: Self = Self { delta: 1.0 };

    /// With c = min(|e|, δ) both pieces are c (|e| - ½ c).
    #[inline(always)]
    fn of_error<T: Scalar>(self, error: T) -> T {
        let (size, delta) = (error.abs(), T::from_f64(self.delta));
        let close = if size > delta { delta } else { size };
        close * (size - T::from_f64(0.5) * close)
    }

    /// The error, clipped to ±δ.
    #[inline(always)]
    fn clipped<T: Scalar>(self, error: T) -> T {
        let delta = T::from_f64(self.delta);
        if error > delta {
            delta
        } else if error < -delta {
            -delta
        } else {
            error
        }
    }
}

impl Definition for Huber {
    const FACTS: Facts = Facts::of_each_output("huber", "Σ ½ e² where |e| ≤ δ, else δ (|e| - ½ δ), with e = a - y");

    #[inline(always)]
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T {
        sum_of_row(row, targets, |output, target| self.of_error(output - target))
    }

    #[inline(always)]
    fn error<T: Scalar>(self, output: T, target: T) -> T {
        self.clipped(output - target)
    }

    #[inline(always)]
    fn of_lanes<const LANES: usize>(
        self,
        results: &[Vector<LANES>],
        targets: &[Vector<LANES>],
        deltas: &mut [Vector<LANES>],
        finished: impl Fn(usize, Vector<LANES>) -> Vector<LANES>,
    ) -> Vector<LANES> {
        lanes_of_each(
            results,
            targets,
            deltas,
            finished,
            #[inline(always)]
            |output, target| (self.of_error(output - target), self.clipped(output - target)),
        )
    }

    fn piece(self, output: f64, target: f64) -> i8 {
        let error = output - target;
        i8::from(error > self.delta) - i8::from(error < -self.delta)
    }

    /// What is clipped rounds as δ does, which is no more than the error itself may round.
    fn rounding(self, size: f64, outputs: f64) -> [f64; 2] {
        let steepness = self.delta.min(2.0 * size);
        [8.0 * UNIT * size, (16.0 + outputs) * UNIT * outputs * steepness * 2.0 * size]
    }

    fn carried(self, result: &Inexact) -> Carried {
        let is_linear = (result.result - result.target).abs() - result.error > self.delta;
        result.carried(result.distance().min(self.delta), if is_linear { 0.0 } else { result.error })
    }
}
