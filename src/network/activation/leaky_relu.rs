//! leaky-relu. Shader: `shaders/activations/leaky_relu.wgsl`.

use super::{Definition, Facts, Initialization, Scalar};
use crate::rounding::UNIT;

/// The slope of leaky-relu below zero, as in PyTorch and TensorFlow's layer of that name.
pub const LEAK: f64 = 0.01;

pub(super) struct LeakyRelu;

impl Definition for LeakyRelu {
    const FACTS: Facts = Facts {
        name: "leaky-relu",
        help: "z, or 0.01 z where z < 0",
        function: "leaky_relu",
        shader: shader!("leaky_relu"),
        constants: &[("LEAK", LEAK)],
        stores_slope: false,
        derivative_error: 0.0,
        is_over_rows: false,
        range: (f64::NEG_INFINITY, f64::INFINITY),
        first_weights: Initialization::HeNormal,
        saturates_from: None,
    };

    #[inline(always)]
    fn activate<T: Scalar>(z: T) -> T {
        if z < T::ZERO { T::from_f64(LEAK) * z } else { z }
    }

    #[inline(always)]
    fn derivative<T: Scalar>(output: T) -> T {
        if output > T::ZERO { T::ONE } else { T::from_f64(LEAK) }
    }

    /// The leak and its product round once each.
    fn bounds(z: f64, error: f64) -> [f64; 2] {
        [error + 2.0 * UNIT * Self::activate(z).abs(), 0.0]
    }
}
