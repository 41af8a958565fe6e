//! What happens at the outputs of a whole network on the CPU, lane by lane: the losses, and the deltas of the last layer.

use super::lanes::{Vector, derivative};
use crate::network::Activation;
use crate::network::activation::sigmoid;
use crate::scalar::{Scalar, exponential};

/// ½ Σ (a - y)² and (a - y) f'(a) · scale.
#[inline(always)]
pub(super) fn squared_error<const LANES: usize>(
    activation: Activation,
    values: &[Vector<LANES>],
    slopes: &[Vector<LANES>],
    targets: &[Vector<LANES>],
    deltas: &mut [Vector<LANES>],
    scale: &Vector<LANES>,
) -> Vector<LANES> {
    let mut loss = [0.0; LANES];
    for (j, delta) in deltas.iter_mut().enumerate() {
        let slope = derivative(activation, if activation.stores_slope() { &slopes[j] } else { &values[j] });
        for lane in 0..LANES {
            let error = values[j][lane] - targets[j][lane];
            loss[lane] += 0.5 * error * error;
            delta[lane] = error * slope[lane] * scale[lane];
        }
    }
    loss
}

/// max(z, 0) - z y + ln(1 + e^-|z|), summed, and (sigmoid(z) - y) · scale.
#[inline(always)]
pub(super) fn binary_cross_entropy<const LANES: usize>(
    values: &[Vector<LANES>],
    targets: &[Vector<LANES>],
    deltas: &mut [Vector<LANES>],
    scale: &Vector<LANES>,
) -> Vector<LANES> {
    let mut loss = [0.0; LANES];
    for (j, delta) in deltas.iter_mut().enumerate() {
        for lane in 0..LANES {
            let (z, target) = (values[j][lane], targets[j][lane]);
            loss[lane] += Scalar::maximum(z, 0.0) - z * target + exponential(-z.abs()).ln_1p();
            delta[lane] = (sigmoid(z) - target) * scale[lane];
        }
    }
    loss
}

/// Σ y (ln Σ e^(z - largest) - (z - largest)), and (softmax(z) - y) · scale.
#[inline(always)]
pub(super) fn cross_entropy<const LANES: usize>(
    values: &[Vector<LANES>],
    targets: &[Vector<LANES>],
    deltas: &mut [Vector<LANES>],
    scale: &Vector<LANES>,
) -> Vector<LANES> {
    let (mut top, mut sum, mut loss) = (values[0], [0.0_f32; LANES], [0.0; LANES]);
    for value in values {
        for lane in 0..LANES {
            top[lane] = Scalar::maximum(top[lane], value[lane]);
        }
    }
    for (value, delta) in values.iter().zip(deltas.iter_mut()) {
        for lane in 0..LANES {
            delta[lane] = exponential(value[lane] - top[lane]);
            sum[lane] += delta[lane];
        }
    }
    for (j, delta) in deltas.iter_mut().enumerate() {
        for lane in 0..LANES {
            let target = targets[j][lane];
            loss[lane] += target * (sum[lane].ln() - (values[j][lane] - top[lane]));
            delta[lane] = (delta[lane] / sum[lane] - target) * scale[lane];
        }
    }
    loss
}
