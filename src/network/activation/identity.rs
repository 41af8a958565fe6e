//! identity. Shader: `shaders/activations/identity.wgsl`.

use super::{Definition, Facts, Initialization, Scalar};
use crate::rounding::UNIT;

pub(super) struct Identity;

impl Definition for Identity {
    const FACTS: Facts = Facts {
        name: "identity",
        help: "z",
        function: "identity",
        shader: shader!("identity"),
        constants: &[],
        stores_slope: false,
        derivative_error: 0.0,
        is_over_rows: false,
        range: (f64::NEG_INFINITY, f64::INFINITY),
        first_weights: Initialization::XavierUniform,
        saturates_from: None,
    };

    #[inline(always)]
    fn activate<T: Scalar>(z: T) -> T {
        z
    }

    #[inline(always)]
    fn derivative<T: Scalar>(_output: T) -> T {
        T::ONE
    }

    fn bounds(z: f64, error: f64) -> [f64; 2] {
        [error + UNIT * z.abs(), 0.0]
    }

    #[inline(always)]
    fn activate_all<T: Scalar>(_values: &mut [T]) {}

    #[inline(always)]
    fn times_derivative<T: Scalar>(_values: &mut [T], _outputs: &[T]) {}
}
