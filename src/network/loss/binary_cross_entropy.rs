//! -Σ (y ln a + (1 - y) ln(1 - a)) with a = sigmoid(z), from z: max(z, 0) - z y + ln(1 + e^-|z|).
//! Shader: `shaders/losses/binary_cross_entropy.wgsl`.

use super::definition::{Carried, Definition, Facts, Inexact, Vector, lanes_of_each};
use crate::network::Activation;
use crate::network::activation::sigmoid;
use crate::rounding::UNIT;
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
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T {
        let mut loss = T::ZERO;
        for (z, &target) in row.iter_mut().zip(targets) {
            loss += of_logit(*z, target);
            *z = sigmoid(*z);
        }
        loss
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
            |z, target| (of_logit(z, target), sigmoid(z) - target),
        )
    }

    /// e^z rounds within 3 + 2 |z| units.
    fn rounding(self, size: f64, outputs: f64) -> [f64; 2] {
        let element = (12.0 + 4.0 * size + 3.0 * outputs.sqrt()) * UNIT;
        [element, (12.0 + 4.0 * size + outputs) * UNIT * outputs * (1.0 + size)]
    }

    /// A sigmoid's slope is at most a quarter, that of its loss at most 1 + |y|.
    fn carried(self, result: &Inexact) -> Carried {
        let output = 0.25 * result.error;
        Carried { delta: output, output, loss: (1.0 + result.target.abs()) * result.error }
    }
}
