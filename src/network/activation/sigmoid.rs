//! sigmoid. Shader: `shaders/activations/sigmoid.wgsl`.

use super::{Definition, Facts, Initialization, Scalar};
use crate::rounding::UNIT;

pub(super) struct Sigmoid;

impl Definition for Sigmoid {
    const FACTS: Facts = Facts {
        name: "sigmoid",
        help: "1 / (1 + e^-z)",
        function: "sigmoid",
        shader: shader!("sigmoid"),
        constants: &[],
        stores_slope: false,
        derivative_error: 0.0,
        is_over_rows: false,
        range: (0.0, 1.0),
        first_weights: Initialization::XavierUniform,
        saturates_from: Some(0.25),
    };

    #[inline(always)]
    fn activate<T: Scalar>(z: T) -> T {
        sigmoid(z)
    }

    #[inline(always)]
    fn derivative<T: Scalar>(output: T) -> T {
        output * (T::ONE - output)
    }

    /// The slope is at most ¼, and at most the output itself, whose relative error the exponential decides.
    fn bounds(z: f64, error: f64) -> [f64; 2] {
        let output = sigmoid(z);
        let own = (8.1 + 2.0 * z.abs()) * 2.0 * UNIT * output;
        [1.01 * output.min(0.25) * error + own.min(5.5e-7) + f64::from(f32::MIN_POSITIVE), 0.0]
    }
}

/// 1 / (1 + e^-z) without overflow, accurate relative to the result on both sides.
#[inline(always)]
pub fn sigmoid<T: Scalar>(z: T) -> T {
    let t = (-z.abs()).exp();
    let s = T::ONE / (T::ONE + t);
    if z < T::ZERO { t * s } else { s }
}
