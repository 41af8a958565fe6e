//! Σ |a - y|. Shader: `shaders/losses/absolute_error.wgsl`.

use super::definition::{Carried, Definition, Facts, Inexact, Vector, lanes_of_each, sum_of_row};
use crate::rounding::UNIT;
use crate::scalar::Scalar;

#[derive(Clone, Copy)]
pub(super) struct AbsoluteError;

/// 1 with the sign of an error; 0 and NaN as they are.
#[inline(always)]
fn sign<T: Scalar>(error: T) -> T {
    if error > T::ZERO {
        T::ONE
    } else if error < T::ZERO {
        -T::ONE
    } else {
        error
    }
}

impl Definition for AbsoluteError {
    const FACTS: Facts = Facts::of_each_output("absolute-error", "Σ |a - y|");

    #[inline(always)]
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T {
        sum_of_row(row, targets, |output, target| (output - target).abs())
    }

    #[inline(always)]
    fn error<T: Scalar>(self, output: T, target: T) -> T {
        sign(output - target)
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
            |output, target| ((output - target).abs(), sign(output - target)),
        )
    }

    fn piece(self, output: f64, target: f64) -> i8 {
        sign(output - target) as i8
    }

    /// A sign is exact, whatever the slope that it is multiplied by rounds.
    fn rounding(self, size: f64, outputs: f64) -> [f64; 2] {
        [8.0 * UNIT, (4.0 + outputs) * UNIT * outputs * size]
    }

    /// An output that may be on the other side of its target has the other sign; so may one that is closer than f32's normal
    /// numbers are.
    fn carried(self, result: &Inexact) -> Carried {
        let (distance, error) = ((result.result - result.target).abs(), result.error);
        let is_close = distance <= error.max(f64::from(f32::MIN_POSITIVE));
        let is_exact = distance == 0.0 && error == 0.0;
        result.carried(1.0, if is_close && !is_exact { 2.0 } else { 0.0 })
    }
}
