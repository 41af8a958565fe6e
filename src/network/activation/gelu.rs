//! gelu. Shader: `shaders/activations/gelu.wgsl`.

use super::{Definition, Facts, Initialization, Scalar};
use crate::rounding::UNIT;

pub(super) struct Gelu;

impl Definition for Gelu {
    const FACTS: Facts = Facts {
        name: "gelu",
        help: "z · Φ(z), Φ being the normal distribution (Hendrycks and Gimpel, 2016; the exact form, by erf)",
        function: "gelu",
        shader: shader!("gelu"),
        constants: &[],
        stores_slope: true,
        derivative_error: 0.0,
        is_over_rows: false,
        range: (-0.17, f64::INFINITY),
        first_weights: Initialization::HeNormal,
        saturates_from: None,
    };

    #[inline(always)]
    fn activate<T: Scalar>(z: T) -> T {
        z * normal_distribution(z)
    }

    #[inline(always)]
    fn slope<T: Scalar>(z: T) -> T {
        const INVERSE_SQRT_TAU: f64 = 0.398_942_280_401_432_7;
        let density = T::from_f64(INVERSE_SQRT_TAU) * (T::from_f64(-0.5) * z * z).exp();
        normal_distribution(z) + z * density
    }

    /// Both are made of Φ(z) and e^(-z²/2), whose relative errors grow with z². Where Φ is below f32's normal numbers it may be any of
    /// those below.
    fn bounds(z: f64, error: f64) -> [f64; 2] {
        let (tiny, output) = ((1.0 + z.abs()) * f64::from(f32::MIN_POSITIVE), Self::activate(z).abs());
        let relative = (16.0 + 2.0 * z * z) * UNIT;
        let density = Self::slope(z).abs() + output;
        [1.13 * error + relative * output + tiny, 1.13 * error + relative * density.max(UNIT) + tiny]
    }
}

/// Φ(z), the distribution function of the standard normal.
fn normal_distribution<T: Scalar>(z: T) -> T {
    T::from_f64(0.5) * (-z * T::from_f64(std::f64::consts::FRAC_1_SQRT_2)).erfc()
}
