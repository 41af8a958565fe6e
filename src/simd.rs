//! Loops over elements for the widest vectors that this machine has, which is told at run time.
//!
//! Every element goes through the same operations, rounded one by one, in whatever vector it lies: the bits are those of the
//! plain loop.

use crate::scalar::Scalar;

/// Elements of a group: a few vectors of the widest kind.
const GROUP: usize = 32;

/// A computation that is compiled for each kind of vector. Everything that [`run`](Self::run) calls has to be inlined into it.
pub(crate) trait Vectorised {
    /// Computes; an implementation is `#[inline(always)]`.
    fn run(self);
}

/// Runs `work` as compiled for the widest vectors of this machine.
pub(crate) fn vectorised(work: impl Vectorised) {
    struct Dispatched<W>(W);
    impl<W: Vectorised> pulp::WithSimd for Dispatched<W> {
        type Output = ();
        #[inline(always)]
        fn with_simd<S: pulp::Simd>(self, _simd: S) {
            self.0.run();
        }
    }
    pulp::Arch::new().dispatch(Dispatched(work));
}

/// `value = function(value)` for every element. Those that fill no whole group go through one that is padded with zeros.
#[inline(always)]
pub(crate) fn each<T: Scalar>(values: &mut [T], function: impl Fn(T) -> T) {
    let (groups, rest) = values.as_chunks_mut::<GROUP>();
    for group in groups {
        for value in group {
            *value = function(*value);
        }
    }
    if !rest.is_empty() {
        let mut padded = [T::ZERO; GROUP];
        padded[..rest.len()].copy_from_slice(rest);
        for value in &mut padded {
            *value = function(*value);
        }
        rest.copy_from_slice(&padded[..rest.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::activation::sigmoid;

    struct Sigmoids<'a>(&'a mut [f32]);
    impl Vectorised for Sigmoids<'_> {
        #[inline(always)]
        fn run(self) {
            each(self.0, sigmoid);
        }
    }

    #[test]
    fn vectors_of_any_width_and_place_give_the_bits_of_the_plain_loop() {
        for length in [0, 1, 15, 31, 32, 33, 100] {
            let values: Vec<f32> = (0..length).map(|i| (i as f32 - 40.0) * 0.37).collect();
            let mut together = values.clone();
            vectorised(Sigmoids(&mut together));
            let one_by_one: Vec<f32> = values.into_iter().map(sigmoid).collect();
            assert_eq!(together, one_by_one);
        }
    }
}
