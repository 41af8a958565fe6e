//! softplus. Shader: `shaders/activations/softplus.wgsl`.

use super::sigmoid::sigmoid;
use super::{Definition, Facts, Initialization, Scalar};
use crate::rounding::UNIT;

pub(super) struct Softplus;

impl Definition for Softplus {
    const FACTS: Facts = Facts {
        name: "softplus",
        help: "ln(1 + e^z) (Dugas et al., 2000)",
        function: "softplus",
        shader: shader!("softplus"),
        constants: &[],
        // 1 - e^-a changes by e^-a times what a does, relative to itself by no more than a relative to a: as exact as the
        // output.
        stores_slope: false,
        // The shader's e^-a, a >= ½, is within (3 + 2 a) · 2 units, which 1 - e^-a divides by e^a - 1: 12.4 units at a = ½,
        // and less above. The subtraction rounds once. The series below ½ rounds less.
        derivative_error: 14.0 * UNIT,
        is_over_rows: false,
        range: (0.0, f64::INFINITY),
        // It is linear above and flat below, as relu is.
        first_weights: Initialization::HeNormal,
        saturates_from: None,
    };

    /// max(z, 0) + ln(1 + e^-|z|), which never overflows.
    #[inline(always)]
    fn activate<T: Scalar>(z: T) -> T {
        let linear = if z < T::ZERO { T::ZERO } else { z };
        linear + logarithm((-z.abs()).exp())
    }

    /// 1 - e^-a = 2 h / (1 + h), h = tanh(a / 2), as exact as tanh is near 0.
    #[inline(always)]
    fn derivative<T: Scalar>(output: T) -> T {
        let h = (T::from_f64(0.5) * output).tanh();
        (h + h) / (T::ONE + h)
    }

    /// The slope grows with z. t = e^-|z| is within (3 + 2 |z|) · 2 units, and ln(1 + t) relative to itself within no more
    /// than that; s within 6 more, of which 1.1 times as many reach artanh(s); its series and their product round within
    /// 2.5. The sum rounds once.
    fn bounds(z: f64, error: f64) -> [f64; 2] {
        let own = (15.0 + 4.0 * z.abs()) * logarithm((-z.abs()).exp()) + Self::activate(z);
        [sigmoid(z + error) * error + own * UNIT + 2.0 * f64::from(f32::MIN_POSITIVE), 0.0]
    }
}

/// ln(1 + t), t from 0 to 1, relative to itself as exact as t is: 2 artanh(s), s = t / (2 + t) <= 1/3, by its series, which
/// is cut off where the next term is below a twentieth of a unit of rounding.
#[inline(always)]
fn logarithm<T: Scalar>(t: T) -> T {
    let terms = if size_of::<T>() == size_of::<f32>() { 8 } else { 17 };
    let s = t / (T::from_f64(2.0) + t);
    let square = s * s;
    let mut p = T::ZERO;
    for term in (0..terms).rev() {
        p = p * square + T::from_f64(1.0 / f64::from(2 * term + 1));
    }
    (s + s) * p
}
