//! -Σ y ln a with a = softmax(z), from z: y (ln Σ e^(z - largest) - (z - largest)). Shader:
//! `shaders/losses/cross_entropy.wgsl`.

use super::definition::{Carried, Definition, Facts, Inexact, Vector};
use crate::network::Activation;
use crate::rounding::UNIT;
use crate::scalar::{Scalar, exponential};

#[derive(Clone, Copy)]
pub(super) struct CrossEntropy;

impl Definition for CrossEntropy {
    const FACTS: Facts = Facts {
        needs_whole_rows: true,
        // Szegedy et al., "Rethinking the Inception Architecture", 2016.
        ..Facts::of_classes("cross-entropy", "-Σ y ln a, for softmax outputs", Activation::Softmax, |outputs| {
            1.0 / outputs as f64
        })
    };

    #[inline(always)]
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T {
        let mut loss = T::ZERO;
        let largest = row.iter().fold(row[0], |largest, &z| largest.maximum(z));
        let sum: T = row.iter().map(|&z| (z - largest).exp()).sum();
        for (z, &target) in row.iter_mut().zip(targets) {
            loss += target * (sum.ln() - (*z - largest));
            *z = (*z - largest).exp() / sum;
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
        let (mut top, mut sum, mut loss) = (results[0], [0.0_f32; LANES], [0.0; LANES]);
        for result in results {
            for lane in 0..LANES {
                top[lane] = Scalar::maximum(top[lane], result[lane]);
            }
        }
        for (result, delta) in results.iter().zip(deltas.iter_mut()) {
            for lane in 0..LANES {
                delta[lane] = exponential(result[lane] - top[lane]);
                sum[lane] += delta[lane];
            }
        }
        for (j, delta) in deltas.iter_mut().enumerate() {
            let mut errors = [0.0; LANES];
            for lane in 0..LANES {
                let target = targets[j][lane];
                loss[lane] += target * (sum[lane].ln() - (results[j][lane] - top[lane]));
                errors[lane] = delta[lane] / sum[lane] - target;
            }
            *delta = finished(j, errors);
        }
        loss
    }

    /// A probability: e^z rounds within 3 + 2 |z| units, the sum of them within √outputs more.
    fn rounding(self, size: f64, outputs: f64) -> [f64; 2] {
        let element = (12.0 + 4.0 * size + 3.0 * outputs.sqrt()) * UNIT;
        [element, (12.0 + 4.0 * size + outputs) * UNIT * outputs * (1.0 + size)]
    }

    /// No logit is off by more than the worst of its row, so that no probability changes by more than e^(2 worst).
    fn carried(self, result: &Inexact) -> Carried {
        let output = (2.0 * result.worst).exp_m1().min(1.0);
        Carried { delta: output, output, loss: 2.0 * result.target.abs() * result.worst }
    }
}
