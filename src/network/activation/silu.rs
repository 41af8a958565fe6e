//! silu, also called swish. Shader: `shaders/activations/silu.wgsl`.

use super::sigmoid::sigmoid;
use super::{Definition, Facts, Initialization, Scalar};
use crate::rounding::UNIT;

pub(super) struct Silu;

impl Definition for Silu {
    const FACTS: Facts = Facts {
        name: "silu",
        help: "z / (1 + e^-z), also called swish (Elfwing et al., 2018)",
        function: "silu",
        shader: shader!("silu"),
        constants: &[],
        // It falls and rises below zero: two arguments have one output.
        stores_slope: true,
        derivative_error: 0.0,
        is_over_rows: false,
        range: (-0.2785, f64::INFINITY),
        first_weights: Initialization::HeNormal,
        saturates_from: None,
    };

    #[inline(always)]
    fn activate<T: Scalar>(z: T) -> T {
        z * sigmoid(z)
    }

    /// s (1 + z (1 - s)), s = sigmoid(z), 1 - s = sigmoid(-z).
    #[inline(always)]
    fn slope<T: Scalar>(z: T) -> T {
        sigmoid(z) * (T::ONE + z * sigmoid(-z))
    }

    /// t = e^-|z| is within (3 + 2 |z|) · 2 units, of which s = sigmoid(z) inherits the share 1 - s, and 1 - s the share s;
    /// either rounds within 7 units on the way, a sum, a quotient and a product. f rounds once more; in f' the terms 1 and z
    /// (1 - s) may cancel. |f'| is at most 1.1, |f''| at most ½.
    fn bounds(z: f64, error: f64) -> [f64; 2] {
        let (s, rest, tiny) = (sigmoid(z), sigmoid(-z), (2.0 + z.abs()) * f64::from(f32::MIN_POSITIVE));
        let within = |share: f64| 7.0 + (6.0 + 4.0 * z.abs()) * share;
        let (output, slope) = ((z * s).abs(), Self::slope(z).abs());
        let of_output = (within(rest) + 1.0) * output;
        let of_slope = (within(s) + 1.0) * s * rest * z.abs() + (within(rest) + 2.0) * slope;
        [
            (slope + 0.25 * error).min(1.1) * error + of_output * UNIT + tiny,
            0.5 * error + of_slope * UNIT + tiny,
        ]
    }
}
