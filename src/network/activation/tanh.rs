//! tanh. Shader: `shaders/activations/tanh.wgsl`.

use super::{Definition, Facts, Initialization, Scalar};
use crate::rounding::UNIT;

pub(super) struct Tanh;

impl Definition for Tanh {
    const FACTS: Facts = Facts {
        name: "tanh",
        help: "(e^z - e^-z) / (e^z + e^-z)",
        function: "hyperbolic_tangent",
        shader: shader!("tanh"),
        constants: &[],
        stores_slope: false,
        derivative_error: 0.0,
        is_over_rows: false,
        range: (-1.0, 1.0),
        first_weights: Initialization::XavierUniform,
        saturates_from: Some(1.0),
    };

    #[inline(always)]
    fn activate<T: Scalar>(z: T) -> T {
        z.tanh()
    }

    #[inline(always)]
    fn derivative<T: Scalar>(output: T) -> T {
        (T::ONE - output) * (T::ONE + output)
    }

    fn bounds(z: f64, error: f64) -> [f64; 2] {
        [error + 12.0 * UNIT * z.tanh().abs() + f64::from(f32::MIN_POSITIVE), 0.0]
    }
}
