//! `squares[layer] = Σ g²` over a layer's gradients, from which the norm of all is told. Shader: `shaders/norm.wgsl`.

use super::shader::{Shader, shader_file};
use super::{Form, Kernel, Step, Twin, View, ViewMut, Workspace, error_of, stride4, word};
use crate::rounding::{UNIT, sum_error, underflow};
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

/// Reads a layer's gradients [rows × columns]; writes their sum of squares at the layer's place in [1 × layers].
#[derive(Debug, Clone)]
pub struct Norm {
    /// Rows of the gradients: inputs and bias.
    pub rows: usize,
    /// Columns: outputs.
    pub columns: usize,
    /// The layer, from 0.
    pub layer: usize,
    /// Layers of the network.
    pub layers: usize,
}

/// Invocations of the workgroup that adds a layer up.
const LANES: u32 = 256;
/// Sums that are kept side by side.
const SUMS: usize = 16;

impl Norm {
    fn length(&self) -> usize {
        self.rows * self.columns
    }
}

impl Kernel for Norm {
    fn name(&self) -> &'static str {
        "norm"
    }

    fn shader(&self, _form: Form) -> Shader {
        Shader::new("norm")
            .constant("LANES", LANES)
            .part(shader_file!("step.wgsl"))
            .part(shader_file!("this_step.wgsl"))
            .part(shader_file!("norm.wgsl"))
    }

    fn lanes(&self, _form: Form) -> [u32; 2] {
        [LANES, 1]
    }

    fn parameters(&self, _form: Form) -> Vec<u32> {
        [self.rows * stride4(self.columns), self.layer, self.layers.next_multiple_of(4), 0].map(word).to_vec()
    }

    fn workgroups(&self, _rows: usize, _form: Form) -> [u64; 2] {
        [1, 1]
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        (self.rows * stride4(self.columns)).div_ceil(LANES as usize) as u64
    }

    fn bounds(&self, _step: &Step, reads: &[View<'_, f64>], errors: &[&[f64]], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let gradient = &reads[0].values[..self.length()];
        let sum: f64 = gradient.iter().map(|g| g * g).sum();
        let carried = |(index, g): (usize, &f64)| {
            let error = error_of(errors[0], index);
            (2.0 * g.abs() + error) * error
        };
        let carried: f64 = gradient.iter().enumerate().map(carried).sum();
        let mut bounds = vec![0.0; before[0].values.len()];
        bounds[self.layer] = (sum_error(self.length()) + 2.0 * UNIT) * sum + carried + underflow(self.length());
        vec![bounds]
    }
}

impl<T: Scalar> Twin<T> for Norm {
    fn run(&self, _step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], _workspace: &mut Workspace<T>) {
        let (gradient, sum) = (&reads[0].values[..self.length()], &mut writes[0].values[self.layer]);
        vectorised(Squares { gradient, sum });
    }
}

/// The sum of the squares of some numbers.
struct Squares<'a, T> {
    gradient: &'a [T],
    sum: &'a mut T,
}

impl<T: Scalar> Vectorised for Squares<'_, T> {
    #[inline(always)]
    fn run(self) {
        let mut sums = [T::ZERO; SUMS];
        let (whole, rest) = self.gradient.as_chunks::<SUMS>();
        for gradients in whole {
            for (sum, &g) in sums.iter_mut().zip(gradients) {
                *sum += g * g;
            }
        }
        for (sum, &g) in sums.iter_mut().zip(rest) {
            *sum += g * g;
        }
        *self.sum = sums.into_iter().sum();
    }
}
