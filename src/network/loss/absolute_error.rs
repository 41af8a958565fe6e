//! Σ |a - y|. Shader: `shaders/losses/absolute_error.wgsl`.

use super::definition::{Carried, Definition, Facts, Inexact, OfEachOutput};
use crate::rounding::UNIT;
use crate::scalar::Scalar;

#[derive(Clone, Copy)]
pub(super) struct AbsoluteError;

impl Definition for AbsoluteError {
    const FACTS: Facts = Facts::of_each_output("absolute-error", "Σ |a - y|");

    /// 1 with the sign of a - y; 0 and NaN as they are.
    #[inline(always)]
    fn error<T: Scalar>(self, output: T, target: T) -> T {
        let error = output - target;
        if error > T::ZERO {
            T::ONE
        } else if error < T::ZERO {
            -T::ONE
        } else {
            error
        }
    }

    fn piece(self, output: f64, target: f64) -> i8 {
        self.error(output, target) as i8
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

impl OfEachOutput for AbsoluteError {
    #[inline(always)]
    fn value<T: Scalar>(self, output: T, target: T) -> T {
        (output - target).abs()
    }
}
