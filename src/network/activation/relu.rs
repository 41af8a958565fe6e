//! relu. Shader: `shaders/activations/relu.wgsl`.

use super::{Definition, Facts, Initialization, Scalar};
use crate::rounding::UNIT;

pub(super) struct Relu;

impl Definition for Relu {
    const FACTS: Facts = Facts {
        name: "relu",
        help: "max(z, 0)",
        function: "relu",
        shader: shader!("relu"),
        constants: &[],
        stores_slope: false,
        derivative_error: 0.0,
        is_over_rows: false,
        range: (0.0, f64::INFINITY),
        first_weights: Initialization::HeNormal,
        saturates_from: None,
    };

    #[inline(always)]
    fn activate<T: Scalar>(z: T) -> T {
        if z < T::ZERO { T::ZERO } else { z }
    }

    #[inline(always)]
    fn derivative<T: Scalar>(output: T) -> T {
        if output > T::ZERO { T::ONE } else { T::ZERO }
    }

    /// Below zero, and not within the error of it, relu is exactly 0.
    fn bounds(z: f64, error: f64) -> [f64; 2] {
        if z < -error { [0.0; 2] } else { [error + UNIT * z.max(0.0), 0.0] }
    }
}
