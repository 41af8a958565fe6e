//! What a product does to its factors: takes them as they are, or rounds them to f16 as matrix units do, wherever it is computed.
//! Shaders: `shaders/halves.wgsl`, `shaders/units.wgsl`.

use std::borrow::Cow;

use super::Operand;
use super::operands::Elements;
use super::shader::Shader;
use crate::scalar::Scalar;

/// The largest number that f16 holds.
pub const LARGEST: f64 = 65504.0;
/// Numbers in a buffer of overflow flags: one a [`Kind`], and padding.
pub const FLAGS: usize = 4;
/// The name of the flags among operands.
pub(crate) const OVERFLOWS: &str = "overflows";
/// The narrowest layer whose products are mixed: a fragment of the matrix units.
const LEAST_WIDTH: usize = 16;

/// How the factors of a product are taken. Sums are f32 either way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Factors {
    /// As they are.
    #[default]
    Full,
    /// Rounded to f16, the nearest and of two the even one. What is beyond its range becomes the largest number of f16, and a flag
    /// among what the kernel writes says so.
    Halves,
}

/// What a factor is: which of the flags says that it overflowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Inputs, outputs of layers, or weights: no loss scale changes them.
    Forward,
    /// Deltas, which a smaller loss scale brings into range.
    Delta,
}

/// Which kinds of factors overflowed in a computation.
#[derive(Debug, Default)]
pub(crate) struct Overflows([bool; FLAGS]);

impl Factors {
    /// How the products of a layer are computed in a training that is mixed: narrow layers as always. Whatever computes them goes by this.
    pub fn of_layer(inputs: usize, outputs: usize) -> Self {
        if inputs.min(outputs) >= LEAST_WIDTH { Self::Halves } else { Self::Full }
    }

    /// What a kernel writes beside its own: the flags of the factors that overflowed, or nothing.
    pub(super) fn operand(self) -> Option<Operand> {
        (self == Self::Halves).then(|| Operand::write(OVERFLOWS, 1, FLAGS).of(Elements::Flag))
    }

    /// A factor as it goes into the product.
    pub(crate) fn take<'a, T: Scalar>(
        self,
        values: impl Into<Cow<'a, [T]>>,
        kind: Kind,
        overflows: &mut Overflows,
    ) -> Cow<'a, [T]> {
        let values = values.into();
        if self == Self::Full {
            return values;
        }
        let mut fits = true;
        let halves = values.iter().map(|value| {
            let (half, in_range) = rounded(value.to_f64());
            fits &= in_range;
            T::from_f64(half)
        });
        let halves = Cow::Owned(halves.collect());
        overflows.0[kind as usize] |= !fits;
        halves
    }

    /// Adds what a mixed product's shader needs to know: which of the flags are the factors'.
    pub(super) fn shader(self, shader: Shader, [lhs, rhs]: [Kind; 2]) -> Shader {
        match self {
            Self::Full => shader,
            Self::Halves => shader.constant("LHS_KIND", lhs as u32).constant("RHS_KIND", rhs as u32),
        }
    }
}

impl Overflows {
    /// Sets the flags of the kinds that overflowed; the others stay.
    pub(crate) fn note<T: Scalar>(&self, flags: &mut [T]) {
        flags.iter_mut().zip(self.0).filter(|(_, overflowed)| *overflowed).for_each(|(flag, _)| *flag = T::ONE);
    }
}

/// A number as f16, and whether it was in range: NaN is not, and stays NaN.
pub(super) fn rounded(value: f64) -> (f64, bool) {
    // Whatever rounds beyond the largest number does so here, too.
    let value = value.clamp(-2.0 * 32768.0, 2.0 * 32768.0);
    // The last place of f16 is 10 binary places below the first, and 2^-24 at least. Numbers of this sum's size have just that last place.
    let exponent = ((value.to_bits() >> 52) & 0x7ff).max(1023 - 14);
    let shift = 1.5 * f64::from_bits((exponent - 10 + 52) << 52);
    let half = (value + shift) - shift;
    let in_range = half.abs() <= LARGEST;
    (half.clamp(-LARGEST, LARGEST), in_range)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every f16, by its definition.
    fn halves() -> impl Iterator<Item = f64> {
        (0..0x7c00_u32).map(|bits| {
            let (exponent, fraction) = ((bits >> 10) as i32, f64::from(bits & 0x3ff));
            if exponent == 0 { fraction * 2.0_f64.powi(-24) } else { (1024.0 + fraction) * 2.0_f64.powi(exponent - 25) }
        })
    }

    #[test]
    fn halves_stay_and_what_lies_between_goes_to_the_nearest_or_the_even_one() {
        let all: Vec<f64> = halves().collect();
        assert_eq!(all.last(), Some(&LARGEST));
        for (index, pair) in all.windows(2).enumerate() {
            let (low, high) = (pair[0], pair[1]);
            let middle = 0.5 * (low + high);
            let even = if index % 2 == 0 { low } else { high };
            let near = (high - low) / 1024.0;
            for sign in [1.0, -1.0] {
                for (value, expected) in [(low, low), (middle - near, low), (middle, even), (middle + near, high)] {
                    assert_eq!(rounded(sign * value), (sign * expected, true), "{value}");
                }
            }
        }
    }

    #[test]
    fn what_is_beyond_the_range_becomes_its_end_and_is_told() {
        for (value, expected) in [(65519.99, true), (65520.0, false), (1e30, false), (f64::INFINITY, false)] {
            assert_eq!(rounded(value), (LARGEST, expected), "{value}");
            assert_eq!(rounded(-value), (-LARGEST, expected), "{value}");
        }
        assert!(!rounded(f64::NAN).1);
        let mut overflows = Overflows::default();
        let taken = Factors::Halves.take(&[1.0_f32, 1e6][..], Kind::Delta, &mut overflows);
        assert_eq!(&*taken, &[1.0, LARGEST as f32]);
        let mut flags = [0.0_f32, 0.0, 7.0, 7.0];
        overflows.note(&mut flags);
        assert_eq!(flags, [0.0, 1.0, 7.0, 7.0]);
        let untouched = Factors::Full.take(&[1e6_f32][..], Kind::Delta, &mut Overflows::default());
        assert_eq!(&*untouched, &[1e6]);
    }
}
