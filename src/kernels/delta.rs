//! `delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1])`. Shader: `shaders/delta.wgsl`.

use super::product::{self, Factor, Layout, TileMut, Tiling};
use super::shader::{Shader, shader_file};
use super::{Kernel, Step, Twin, View, ViewMut, Workspace, word};
use crate::network::Activation;
use crate::rounding::{UNIT, sum_error, underflow};
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

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

    fn shader(&self, lanes: u32) -> Shader {
        let shader = Shader::new(format!("delta-direct-{}-{lanes}", self.activation.file_name()));
        product::direct(shader, lanes, |shader| shader.activation(self.activation).part(shader_file!("delta.wgsl")))
    }

    fn parameters(&self) -> Vec<u32> {
        vec![word(self.inputs), word(self.outputs), u32::from(self.bias), word(self.capacity)]
    }

    fn workgroups(&self, rows: usize, lanes: u32) -> [u64; 2] {
        product::direct_workgroups(rows, self.inputs, lanes)
    }

    fn iterations(&self, _rows: usize) -> u64 {
        product::direct_iterations(self.outputs)
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

impl<T: Scalar> Twin<T> for Delta {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let [delta, parameters, stored] = reads else { panic!("delta reads delta, parameters and stored") };
        let weight = &parameters.values[..self.inputs * self.outputs];
        let below = &mut writes[0].values[..step.rows * self.inputs];
        let lhs = Factor { values: delta.values, layout: Layout::Normal, width: self.outputs };
        let rhs = Factor { values: weight, layout: Layout::Transposed, width: self.outputs };
        Tiling::new([step.rows, self.inputs, self.outputs]).for_each([below], workspace.threads, |tile| {
            tile.multiply(self.outputs, lhs, rhs);
            vectorised(Finish { tile, stored: stored.values, width: self.inputs, activation: self.activation });
        });
    }
}

/// What is left to do when a tile holds the sums: the derivative.
struct Finish<'a, 'b, T> {
    tile: &'a mut TileMut<'b, T, 1>,
    stored: &'a [T],
    width: usize,
    activation: Activation,
}

impl<T: Scalar> Vectorised for Finish<'_, '_, T> {
    #[inline(always)]
    fn run(self) {
        let first = self.tile.tile.columns.start;
        self.tile.for_each_run(|row, [below]| {
            let stored = &self.stored[row * self.width + first..][..below.len()];
            self.activation.times_derivative(below, stored);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, so that every sum is exact; large enough to be cut into tiles both ways.
    #[test]
    fn a_delta_in_tiles_is_the_definition() {
        let (rows, inputs, outputs) = (1100, 70, 60);
        let integers = |count: usize, modulus: usize| -> Vec<f32> {
            (0..count).map(|i| (i * 31 % modulus) as f32 - (modulus / 2) as f32).collect()
        };
        let (delta, weight, stored) =
            (integers(rows * outputs, 7), integers(inputs * outputs, 9), integers(rows * inputs, 5));
        let reads = [&delta, &weight, &stored].map(|values| View { values, indices: &[] });
        let mut below = vec![f32::NAN; rows * inputs];
        let activation = Activation::Sigmoid;
        let kernel = Delta { inputs, outputs, bias: false, activation, capacity: rows };
        let mut writes = [ViewMut { values: &mut below }];
        kernel.run(&Step { rows, ..Step::default() }, &reads, &mut writes, &mut Workspace::new(2));
        for (index, &below) in below.iter().enumerate() {
            let (row, i) = (index / inputs, index % inputs);
            let sum: f32 = (0..outputs).map(|o| delta[row * outputs + o] * weight[i * outputs + o]).sum();
            assert_eq!(below, sum * activation.derivative(stored[index]), "row {row}, input {i}");
        }
    }
}
