//! The two number types that the CPU computes in: f32, which people run, and f64, the oracle.

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
    fn maximum(self, other: Self) -> Self {
        if self > other || self.to_f64().is_nan() { self } else { other }
    }
}

macro_rules! scalar {
    ($type:ident, $erfc:path) => {
        impl Scalar for $type {
            const NAME: &'static str = stringify!($type);
            const ZERO: Self = 0.0;
            const ONE: Self = 1.0;
            fn from_f64(value: f64) -> Self {
                value as $type
            }
            fn to_f64(self) -> f64 {
                f64::from(self)
            }
            fn exp(self) -> Self {
                <$type>::exp(self)
            }
            fn ln_1p(self) -> Self {
                <$type>::ln_1p(self)
            }
            fn ln(self) -> Self {
                <$type>::ln(self)
            }
            fn sqrt(self) -> Self {
                <$type>::sqrt(self)
            }
            fn abs(self) -> Self {
                <$type>::abs(self)
            }
            fn tanh(self) -> Self {
                <$type>::tanh(self)
            }
            fn erfc(self) -> Self {
                $erfc(self)
            }
            fn is_finite(self) -> bool {
                <$type>::is_finite(self)
            }
        }
    };
}

scalar!(f32, libm::erfcf);
scalar!(f64, libm::erfc);

/// e^x in f32, by a polynomial and without a branch, so that loops over it become SIMD instructions: within 2 units in the last
/// place, 0 and infinity where they are due, NaN for NaN.
#[inline(always)]
pub(crate) fn exponential(x: f32) -> f32 {
    /// Adding it leaves a number of moderate size rounded to an integer in the low bits.
    const ROUNDING: f32 = 12_582_912.0;
    /// ln 2 in two parts, the first with so few digits that its multiples are exact.
    const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];
    let bounded = if x < -105.0 { -105.0 } else { x };
    let bounded = if bounded > 90.0 { 90.0 } else { bounded };
    let rounded = bounded * std::f32::consts::LOG2_E + ROUNDING;
    let n = rounded - ROUNDING;
    let r = bounded - n * LN_2[0] - n * LN_2[1];
    // Taylor's series: with |r| <= ln 2 / 2 its first term left out is below 1e-8.
    let mut p = 1.0 / 5040.0;
    for coefficient in [1.0 / 720.0, 1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = p * r + coefficient;
    }
    // 2^n in two factors, so that results below the smallest normal number and above the largest come out.
    let exponent = (rounded.to_bits() as i32).wrapping_sub(ROUNDING.to_bits() as i32);
    let half = exponent >> 1;
    let power = |exponent: i32| f32::from_bits((exponent.wrapping_add(127) as u32) << 23);
    p * power(half) * power(exponent.wrapping_sub(half))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exponential_is_within_two_units_of_the_last_place() {
        let mut worst = 0.0_f64;
        for step in -870_000..=887_000 {
            let x = step as f32 * 1e-4;
            let expected = f64::from(x).exp();
            worst = worst.max((f64::from(exponential(x)) - expected).abs() / expected);
        }
        assert!(worst < 2.0 * 1.2e-7, "{worst:e}");
        for (x, expected) in
            [(0.0, 1.0), (-1e30, 0.0), (f32::NEG_INFINITY, 0.0), (1e30, f32::INFINITY), (89.0, f32::INFINITY)]
        {
            assert_eq!(exponential(x), expected, "{x}");
        }
        let tiny = exponential(-100.0);
        assert!((f64::from(tiny) - (-100.0_f64).exp()).abs() < 2e-45, "{tiny:e}");
        assert!(exponential(f32::NAN).is_nan());
    }
}
