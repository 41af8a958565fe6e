//! -Σ (y ln a + (1 - y) ln(1 - a)) with a = sigmoid(z), from z: max(z, 0) - z y + ln(1 + e^-|z|).
//! Shader: `shaders/losses/binary_cross_entropy.wgsl`.

use super::definition::{Carried, Definition, Facts, Inexact, Lanes, OfRows, Vector, rounding_of_probabilities, surprise};
use crate::network::Activation;
use crate::network::activation::sigmoid;
use crate::scalar::Scalar;

#[derive(Clone, Copy)]
pub(super) struct BinaryCrossEntropy;

#[inline(always)]
fn of_logit<T: Scalar>(z: T, target: T) -> T {
    z.maximum(T::ZERO) - z * target + (-z.abs()).exp().ln_1p()
}

impl Definition for BinaryCrossEntropy {
    const FACTS: Facts = Facts::of_classes(
        "binary-cross-entropy",
        "-Σ (y ln a + (1 - y) ln(1 - a)), for sigmoid outputs",
        Activation::Sigmoid,
        |_| 0.5,
    );

    #[inline(always)]
    fn error<T: Scalar>(self, output: T, target: T) -> T {
        output - target
    }

    fn rounding(self, size: f64, outputs: f64) -> [f64; 2] {
        rounding_of_probabilities(size, outputs)
    }

    /// A sigmoid's slope is at most a quarter, that of its loss at most 1 + |y|.
    fn carried(self, result: &Inexact) -> Carried {
        let output = 0.25 * result.error;
        Carried { delta: output, output, loss: (1.0 + result.target.abs()) * result.error }
    }
}

impl OfRows for BinaryCrossEntropy {
    #[inline(always)]
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T {
        let mut loss = T::ZERO;
        for (z, &target) in row.iter_mut().zip(targets) {
            loss += of_logit(*z, target);
            *z = sigmoid(*z);
        }
        loss
    }

    /// Next to 1 a probability has a quarter of an epsilon at least left to it: what rounds to 1 may be as far from it.
    fn of_outputs<T: Scalar>(self, outputs: &[T], targets: &[T]) -> f64 {
        let of = |(&output, target): (&T, &T)| {
            let (target, other) = (target.to_f64(), (1.0 - output.to_f64()).max(0.25 * T::EPSILON));
            target * surprise(output) - (1.0 - target) * other.ln()
        };
        outputs.iter().zip(targets).map(of).sum()
    }

    #[inline(always)]
    fn of_lanes<const L: usize>(self, rows: Lanes<'_, L>, finished: impl Fn(usize, Vector<L>) -> Vector<L>) -> Vector<L> {
        rows.each(
            finished,
            #[inline(always)]
            |z, target| (of_logit(z, target), sigmoid(z) - target),
        )
    }
}
