//! ½ Σ (a - y)². Shader: `shaders/losses/squared_error.wgsl`.

use super::definition::{Carried, Definition, Facts, Inexact, OfEachOutput};
use crate::rounding::UNIT;
use crate::scalar::Scalar;

#[derive(Clone, Copy)]
pub(super) struct SquaredError;

impl Definition for SquaredError {
    const FACTS: Facts = Facts::of_each_output("squared-error", "½ Σ (a - y)²");

    #[inline(always)]
    fn error<T: Scalar>(self, output: T, target: T) -> T {
        output - target
    }

    fn rounding(self, size: f64, outputs: f64) -> [f64; 2] {
        [8.0 * UNIT * size, (12.0 + 4.0 * size + outputs) * UNIT * outputs * size * size]
    }

    fn carried(self, result: &Inexact) -> Carried {
        result.carried(result.distance(), result.error)
    }
}

impl OfEachOutput for SquaredError {
    #[inline(always)]
    fn value<T: Scalar>(self, output: T, target: T) -> T {
        T::from_f64(0.5) * (output - target) * (output - target)
    }
}
