//! ½ Σ (a - y)². Shader: `shaders/losses/squared_error.wgsl`.

use super::definition::{Carried, Definition, Facts, Inexact, Vector, lanes_of_each, sum_of_row};
use crate::rounding::UNIT;
use crate::scalar::Scalar;

#[derive(Clone, Copy)]
pub(super) struct SquaredError;

#[inline(always)]
fn half_square<T: Scalar>(error: T) -> T {
    T::from_f64(0.5) * error * error
}

impl Definition for SquaredError {
    const FACTS: Facts = Facts::of_each_output("squared-error", "½ Σ (a - y)²");

    #[inline(always)]
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T {
        sum_of_row(row, targets, |output, target| half_square(output - target))
    }

    #[inline(always)]
    fn error<T: Scalar>(self, output: T, target: T) -> T {
        output - target
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
            |output, target| (half_square(output - target), output - target),
        )
    }

    fn rounding(self, size: f64, outputs: f64) -> [f64; 2] {
        [8.0 * UNIT * size, (12.0 + 4.0 * size + outputs) * UNIT * outputs * size * size]
    }

    fn carried(self, result: &Inexact) -> Carried {
        result.carried(result.distance(), result.error)
    }
}
