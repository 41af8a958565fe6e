//! softmax, which goes over a row: the kernels of its loss compute it. Here, element by element, it is identity, which
//! leaves the logits.

use super::identity::Identity;
use super::{Definition, Facts, Scalar};

pub(super) struct Softmax;

impl Definition for Softmax {
    const FACTS: Facts = Facts {
        name: "softmax",
        help: "e^z / Σ e^z over the outputs",
        is_over_rows: true,
        range: (0.0, 1.0),
        ..Identity::FACTS
    };

    #[inline(always)]
    fn activate<T: Scalar>(z: T) -> T {
        Identity::activate(z)
    }

    #[inline(always)]
    fn derivative<T: Scalar>(output: T) -> T {
        Identity::derivative(output)
    }

    fn bounds(z: f64, error: f64) -> [f64; 2] {
        Identity::bounds(z, error)
    }

    #[inline(always)]
    fn activate_all<T: Scalar>(values: &mut [T]) {
        Identity::activate_all(values);
    }

    #[inline(always)]
    fn times_derivative<T: Scalar>(values: &mut [T], outputs: &[T]) {
        Identity::times_derivative(values, outputs);
    }
}
