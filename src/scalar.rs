//! The two number types that the CPU computes in: f32, which people run, and f64, the oracle.
//!
//! The exponential and the hyperbolic tangent of f32 are written here, free of branches and calls, so that loops over them can
//! be vectorised.

use std::fmt::{Debug, Display};
use std::iter::Sum;
use std::ops::{Add, AddAssign, Div, Mul, Neg, Sub, SubAssign};

/// f32 or f64.
pub trait Scalar:
    Copy
    + Send
    + Sync
    + Debug
    + Display
    + Default
    + PartialOrd
    + Add<Output = Self>
    + AddAssign
    + Sub<Output = Self>
    + SubAssign
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Sum
    + 'static
{
    /// `"f32"` or `"f64"`.
    const NAME: &'static str;
    /// 0.
    const ZERO: Self;
    /// 1.
    const ONE: Self;
    /// The least number above 0 that has all its digits.
    const LEAST: f64;
    /// From 1 to the next larger number.
    const EPSILON: f64;

    /// The nearest value to `value`.
    fn from_f64(value: f64) -> Self;
    /// The same value, exactly.
    fn to_f64(self) -> f64;
    /// e^self.
    fn exp(self) -> Self;
    /// ln(1 + self), accurate near 0.
    fn ln_1p(self) -> Self;
    /// Natural logarithm.
    fn ln(self) -> Self;
    /// Square root.
    fn sqrt(self) -> Self;
    /// Absolute value.
    fn abs(self) -> Self;
    /// Hyperbolic tangent.
    fn tanh(self) -> Self;
    /// Gauss's complementary error function.
    fn erfc(self) -> Self;
    /// Neither infinite nor NaN.
    fn is_finite(self) -> bool;
    /// The larger of the two; NaN if either is.
    #[inline(always)]
    fn maximum(self, other: Self) -> Self {
        if self > other || self.to_f64().is_nan() { self } else { other }
    }
}

macro_rules! scalar {
    ($type:ident, $exp:path, $tanh:path, $erfc:path) => {
        impl Scalar for $type {
            const NAME: &'static str = stringify!($type);
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            const LEAST: f64 = $type::MIN_POSITIVE as f64;
            const EPSILON: f64 = $type::EPSILON as f64;
            #[inline(always)]
            fn from_f64(value: f64) -> Self {
                value as $type
            }
            #[inline(always)]
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            #[inline(always)]
            fn exp(self) -> Self {
                $exp(self)
            }
            #[inline(always)]
            fn ln_1p(self) -> Self {
                <$type>::ln_1p(self)
            }
            #[inline(always)]
            fn ln(self) -> Self {
                <$type>::ln(self)
            }
            #[inline(always)]
            fn sqrt(self) -> Self {
                <$type>::sqrt(self)
            }
            #[inline(always)]
            fn abs(self) -> Self {
                <$type>::abs(self)
            }
            #[inline(always)]
            fn tanh(self) -> Self {
                $tanh(self)
            }
            #[inline(always)]
            fn erfc(self) -> Self {
                $erfc(self)
            }
            #[inline(always)]
            fn is_finite(self) -> bool {
                <$type>::is_finite(self)
            }
        }
    };
}

scalar!(f32, exponential, hyperbolic_tangent, libm::erfcf);
scalar!(f64, f64::exp, f64::tanh, libm::erfc);

/// e^x in f32, within 1.5 units of rounding where the result is a normal number.
///
/// x = n ln 2 + r, |r| <= ½ ln 2: e^r is 1 + r + r² p(r), p being fitted to the least largest relative error, and 2^n goes into
/// the exponent, in two halves, so that results become infinite, subnormal and zero where they should. ln 2 is subtracted in
/// two parts, the first of which has so few bits that its product with n is exact (Cody and Waite, 1980).
#[inline(always)]
pub(crate) fn exponential(x: f32) -> f32 {
    /// Adding it rounds to a whole number, which is then in the lowest bits.
    const ROUNDER: f32 = 12_582_912.0;
    const LN_2_HIGH: f32 = 0.693_359_4;
    const LN_2_LOW: f32 = -2.121_944_4e-4;
    // Past these all results are infinite, or zero; NaN passes both comparisons as it is.
    let x = if x > 89.0 { 89.0 } else { x };
    let x = if x < -104.0 { -104.0 } else { x };
    let rounded = x * std::f32::consts::LOG2_E + ROUNDER;
    let whole = rounded - ROUNDER;
    let r = x - whole * LN_2_HIGH - whole * LN_2_LOW;
    let p = 0.001_381_422_2;
    let p = p * r + 0.008_368_899;
    let p = p * r + 0.041_668_404;
    let p = p * r + 0.166_665_2;
    let p = p * r + 0.499_999_94;
    let power = (rounded.to_bits() as i32).wrapping_sub(ROUNDER.to_bits() as i32);
    let half = power >> 1;
    let two_to = |power: i32| f32::from_bits((power.wrapping_add(127) as u32).wrapping_shl(23));
    (1.0 + (r + r * r * p)) * two_to(half) * two_to(power.wrapping_sub(half))
}

/// tanh(x) in f32, within 6 units of rounding: by its Taylor series where |x| < 0.3, else from e^(-2|x|).
#[inline(always)]
fn hyperbolic_tangent(x: f32) -> f32 {
    let t = exponential(-2.0 * x.abs());
    let far = (1.0 - t) / (1.0 + t);
    let square = x * x;
    let series = square * (-1382.0 / 155_925.0);
    let series = square * (62.0 / 2835.0 + series);
    let series = square * (-17.0 / 315.0 + series);
    let series = square * (2.0 / 15.0 + series);
    let series = square * (-1.0 / 3.0 + series);
    if x.abs() < 0.3 { x + x * series } else { far.copysign(x) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::activation::sigmoid;
    use crate::rounding::UNIT;

    /// Every so-manieth f32 from zero to infinity, with both signs.
    fn floats() -> impl Iterator<Item = f32> {
        (0..f32::INFINITY.to_bits()).step_by(1013).map(f32::from_bits).flat_map(|x| [x, -x])
    }

    fn worst(function: impl Fn(f32) -> f32, exact: impl Fn(f64) -> f64) -> (f64, f32) {
        let mut worst = (0.0, 0.0);
        for x in floats() {
            let expected = exact(f64::from(x));
            let error = ((f64::from(function(x)) - expected) / expected).abs() / UNIT;
            let normal = (f64::from(f32::MIN_POSITIVE)..f64::from(f32::MAX)).contains(&expected.abs());
            if normal && (error > worst.0 || error.is_nan()) {
                worst = (error, x);
            }
        }
        worst
    }

    #[test]
    fn the_exponential_is_within_its_error_everywhere() {
        let (error, x) = worst(exponential, f64::exp);
        assert!(error <= 1.5, "{error} units at {x}");
        assert!(error > 0.5, "a comparison that finds no rounding compares nothing");
        for x in floats().filter(|x| (-104.0..-87.3).contains(x)) {
            let error = (f64::from(exponential(x)) - f64::from(x).exp()).abs();
            assert!(error <= f64::from(f32::from_bits(1)), "subnormal: {error} at {x}");
        }
        assert_eq!([0.0, -0.0, -105.0, f32::NEG_INFINITY].map(exponential), [1.0, 1.0, 0.0, 0.0]);
        assert_eq!([88.8, 1e30, f32::INFINITY].map(exponential), [f32::INFINITY; 3]);
        assert!(exponential(f32::NAN).is_nan());
    }

    #[test]
    fn the_hyperbolic_tangent_is_within_its_error_everywhere() {
        let (error, x) = worst(hyperbolic_tangent, f64::tanh);
        assert!(error <= 6.0, "{error} units at {x}");
        assert_eq!([0.0, 20.0, f32::INFINITY].map(hyperbolic_tangent), [0.0, 1.0, 1.0]);
        assert_eq!([-20.0, f32::NEG_INFINITY].map(hyperbolic_tangent), [-1.0, -1.0]);
        assert!(hyperbolic_tangent(f32::NAN).is_nan());
    }

    #[test]
    fn the_sigmoid_is_finite_and_keeps_its_relative_accuracy_in_the_tail() {
        for z in floats().filter(|z| z.abs() < 87.0) {
            let (actual, exact) = (f64::from(sigmoid(z)), sigmoid(f64::from(z)));
            assert!((actual - exact).abs() <= 5.5e-7, "{actual} at {z}");
            assert!(((actual - exact) / exact).abs() <= (8.1 + 2.0 * f64::from(z).abs()) * 2.0 * UNIT, "{actual} at {z}");
        }
        assert!(floats().all(|z| sigmoid(z).is_finite()));
    }
}
