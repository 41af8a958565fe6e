//! -Σ y ln a with a = softmax(z), from z: y (ln Σ e^(z - largest) - (z - largest)). Shader:
//! `shaders/losses/cross_entropy.wgsl`.

use super::definition::{Carried, Definition, Facts, Inexact, Lanes, OfRows, Vector, rounding_of_probabilities, surprise};
use crate::network::Activation;
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
    fn error<T: Scalar>(self, output: T, target: T) -> T {
        output - target
    }

    fn rounding(self, size: f64, outputs: f64) -> [f64; 2] {
        rounding_of_probabilities(size, outputs)
    }

    /// No logit is off by more than the worst of its row, so that no probability changes by more than e^(2 worst).
    fn carried(self, result: &Inexact) -> Carried {
        let output = (2.0 * result.worst).exp_m1().min(1.0);
        Carried { delta: output, output, loss: 2.0 * result.target.abs() * result.worst }
    }
}

/// Exponentials that are computed at once: of many short rows, so that they fill vectors.
const BLOCK: usize = 1024;

impl OfRows for CrossEntropy {
    #[inline(always)]
    fn of_row<T: Scalar>(self, row: &mut [T], targets: &[T]) -> T {
        let mut loss = T::ZERO;
        let largest = row.iter().fold(row[0], |largest, &z| largest.maximum(z));
        let sum: T = row.iter().map(|&z| (z - largest).exp()).sum();
        let log = sum.ln();
        for (z, &target) in row.iter_mut().zip(targets) {
            loss += target * (log - (*z - largest));
            *z = (*z - largest).exp() / sum;
        }
        loss
    }

    /// The same operations for every number as in [`of_row`](Self::of_row), in another order.
    #[inline(always)]
    fn of_rows<T: Scalar>(self, rows: &mut [T], targets: &[T], outputs: usize, losses: &mut [T]) {
        let count = BLOCK / outputs;
        if count < 2 {
            let rows = rows.chunks_exact_mut(outputs).zip(targets.chunks_exact(outputs));
            return losses.iter_mut().zip(rows).for_each(|(of_row, (row, targets))| *of_row = self.of_row(row, targets));
        }
        let mut exponentials = [T::ZERO; BLOCK];
        let blocks = rows.chunks_mut(count * outputs).zip(targets.chunks(count * outputs));
        for (losses, (rows, targets)) in losses.chunks_mut(count).zip(blocks) {
            for row in rows.chunks_exact_mut(outputs) {
                let largest = row.iter().fold(row[0], |largest, &z| largest.maximum(z));
                row.iter_mut().for_each(|z| *z -= largest);
            }
            let exponentials = &mut exponentials[..rows.len()];
            exponentials.iter_mut().zip(&*rows).for_each(|(exponential, z)| *exponential = z.exp());
            let of_rows = exponentials.chunks_exact(outputs).zip(targets.chunks_exact(outputs));
            for ((of_row, row), (exponentials, targets)) in
                losses.iter_mut().zip(rows.chunks_exact_mut(outputs)).zip(of_rows)
            {
                let sum: T = exponentials.iter().copied().sum();
                let log = sum.ln();
                let mut loss = T::ZERO;
                for (z, (&exponential, &target)) in row.iter_mut().zip(exponentials.iter().zip(targets)) {
                    loss += target * (log - *z);
                    *z = exponential / sum;
                }
                *of_row = loss;
            }
        }
    }

    fn of_outputs<T: Scalar>(self, outputs: &[T], targets: &[T]) -> f64 {
        let said = outputs.iter().zip(targets).filter(|(_, target)| **target != T::ZERO);
        said.map(|(&output, target)| target.to_f64() * surprise(output)).sum()
    }

    #[inline(always)]
    fn of_lanes<const L: usize>(self, rows: Lanes<'_, L>, finished: impl Fn(usize, Vector<L>) -> Vector<L>) -> Vector<L> {
        let Lanes { results, targets, deltas } = rows;
        let (mut top, mut sum, mut loss) = (results[0], [0.0_f32; L], [0.0; L]);
        for result in results {
            for lane in 0..L {
                top[lane] = Scalar::maximum(top[lane], result[lane]);
            }
        }
        for (result, delta) in results.iter().zip(deltas.iter_mut()) {
            for lane in 0..L {
                delta[lane] = exponential(result[lane] - top[lane]);
                sum[lane] += delta[lane];
            }
        }
        let log = sum.map(f32::ln);
        for (j, delta) in deltas.iter_mut().enumerate() {
            let mut errors = [0.0; L];
            for lane in 0..L {
                let target = targets[j][lane];
                loss[lane] += target * (log[lane] - (results[j][lane] - top[lane]));
                errors[lane] = delta[lane] / sum[lane] - target;
            }
            *delta = finished(j, errors);
        }
        loss
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::random::{Purpose, Stream};

    /// Blocks of rows, more than one block, and rows that are wider than a block: bit for bit.
    #[test]
    fn rows_together_are_as_each_alone() {
        for (rows, outputs) in [(1, 1), (3, 10), (250, 10), (7, 511), (5, 512), (4, 513), (2, 1024), (2, 1500)] {
            let mut stream = Stream::new(outputs as u64, Purpose::Test, 0);
            let logits: Vec<f32> = (0..rows * outputs).map(|_| 9.0 * stream.normal() as f32).collect();
            let targets: Vec<f32> = (0..rows * outputs).map(|_| stream.uniform() as f32).collect();
            let (mut together, mut alone) = (logits.clone(), logits);
            let (mut losses, mut each) = (vec![0.0; rows], vec![0.0; rows]);
            CrossEntropy.of_rows(&mut together, &targets, outputs, &mut losses);
            let all = each.iter_mut().zip(alone.chunks_mut(outputs).zip(targets.chunks(outputs)));
            all.for_each(|(of_row, (row, targets))| *of_row = CrossEntropy.of_row(row, targets));
            assert!(together == alone && losses == each, "{rows} × {outputs}");
        }
    }
}
