//! `delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1])`. Shader: `shaders/delta.wgsl`.

use super::product::{self, Composition, Layout};
use super::shader::{Shader, shader_file};
use super::{Form, Kernel, Step, Twin, View, ViewMut, Workspace, for_each_row, word};
use crate::network::Activation;
use crate::rounding::{UNIT, sum_error, underflow};
use crate::scalar::Scalar;

/// Reads delta [rows × outputs], parameters [(inputs + bias) × outputs] and what the layer below stored for its derivative
/// [rows × inputs]; writes the delta of the layer below [rows × inputs].
#[derive(Debug, Clone)]
pub struct Delta {
    /// Width of the layer's input, which is the output of the layer below.
    pub inputs: usize,
    /// Width of the layer's output.
    pub outputs: usize,
    /// Whether the last row of the parameters is the biases.
    pub bias: bool,
    /// The activation of the layer below.
    pub activation: Activation,
    /// Rows that the batch's buffers have room for.
    pub capacity: usize,
}

impl Kernel for Delta {
    fn name(&self) -> &'static str {
        "delta"
    }

    fn shader(&self, form: Form) -> Shader {
        let composition = Composition {
            kernel: "delta",
            variant: self.activation.file_name(),
            operands: 4,
            layouts: [Layout::Normal, Layout::Transposed],
        };
        composition.shader(form, |shader| shader.activation(self.activation).part(shader_file!("delta.wgsl")))
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        vec![word(self.inputs), word(self.outputs), u32::from(self.bias), word(self.capacity), form.parts()]
    }

    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2] {
        product::workgroups(self.sizes(rows), form)
    }

    fn iterations(&self, rows: usize, form: Form) -> u64 {
        product::iterations(self.sizes(rows), form)
    }

    fn product(&self, rows: usize) -> Option<[usize; 3]> {
        Some(self.sizes(rows))
    }

    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let magnitudes: Vec<Vec<f64>> =
            reads[..2].iter().map(|view| view.values.iter().map(|value| value.abs()).collect()).collect();
        let views = [&magnitudes[0], &magnitudes[1]].map(|values| View { values, indices: &[] });
        let mut bounds = vec![0.0; before[0].values.len()];
        self.run(step, &[views[0], views[1], reads[2]], &mut [ViewMut { values: &mut bounds }], &mut Workspace::new(1));
        for bound in &mut bounds[..step.rows * self.inputs] {
            // The derivative and its product with the sum round at most four times.
            *bound = (sum_error(self.outputs) + 4.0 * UNIT) * bound.abs() + underflow(self.outputs);
        }
        vec![bounds]
    }
}

impl Delta {
    /// Rows, columns and terms of the product.
    fn sizes(&self, rows: usize) -> [usize; 3] {
        [rows, self.inputs, self.outputs]
    }
}

impl<T: Scalar> Twin<T> for Delta {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let [delta, parameters, stored] = reads else { panic!("delta reads delta, parameters and stored") };
        let weight = &parameters.values[..self.inputs * self.outputs];
        let below = &mut writes[0].values[..step.rows * self.inputs];
        let sizes = [step.rows, self.inputs, self.outputs];
        let threads = workspace.threads;
        product::product(sizes, below, T::ZERO, T::ONE, delta.values, Layout::Normal, weight, Layout::Transposed, threads);
        for_each_row(below, self.inputs, threads, |row, below| {
            let stored = &stored.values[row * self.inputs..][..below.len()];
            for (below, &stored) in below.iter_mut().zip(stored) {
                *below = *below * self.activation.derivative(stored);
            }
        });
    }
}
