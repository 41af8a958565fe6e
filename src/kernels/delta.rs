//! `delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1])`. Shader: `shaders/delta.wgsl`.

use super::halves::{FLAGS, Factors, Kind, Overflows};
use super::product::{self, Composition, Grid, Layout};
use super::shader::{Shader, shader_file};
use super::tiling::{Factor, TileMut, Tiling};
use super::{Form, Kernel, Source, Step, Twin, View, ViewMut, Workspace, error_of, magnitudes};
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
    /// How the product takes its factors.
    pub factors: Factors,
    /// Rows that the batch's buffers have room for.
    pub capacity: usize,
}

/// How the factors lie in memory.
const LAYOUTS: [Layout; 2] = [Layout::Normal, Layout::Transposed];

impl Kernel for Delta {
    fn name(&self) -> &'static str {
        "delta"
    }

    fn shader(&self, form: Form) -> Shader {
        let composition = Composition {
            kernel: "delta",
            variant: self.activation.file_name(),
            operands: 4 + self.factors.flags(),
            layouts: LAYOUTS,
            ones: false,
            grid: Grid::One,
            factors: self.factors,
            kinds: [Kind::Delta, Kind::Forward],
        };
        composition.shader(form, |shader| shader.activation(self.activation).part(shader_file!("delta.wgsl")))
    }

    fn workgroup_bytes(&self, form: Form) -> u32 {
        product::workgroup_bytes(form, LAYOUTS)
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        let sizes = [self.inputs, self.outputs, usize::from(self.bias), self.capacity];
        product::layer(sizes, Source::Batch, 0, form, product::Own::default())
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

    fn factors(&self) -> Factors {
        self.factors
    }

    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], errors: &[&[f64]], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let ones = vec![1.0; reads[2].values.len()];
        let sums = |delta: &[f64], parameters: &[f64]| {
            let identity = Self { activation: Activation::Identity, ..self.clone() };
            let (mut result, mut flags) = (vec![0.0; before[0].values.len()], [0.0; FLAGS]);
            let reads = [delta, parameters, &ones].map(|values| View { values, indices: &[] });
            identity.run(step, &reads, &mut self.factors.writes(&mut result, &mut flags), &mut Workspace::new(1));
            result
        };
        let parameters = magnitudes(reads[1].values, errors[1]);
        let magnitude = sums(&magnitudes(reads[0].values, errors[0]), &parameters);
        let carried = if errors[0].is_empty() { Vec::new() } else { sums(errors[0], &parameters) };
        let mut bounds = vec![0.0; before[0].values.len()];
        for (index, bound) in bounds.iter_mut().enumerate().take(step.rows * self.inputs) {
            let (stored, off) = (reads[2].values[index], error_of(errors[2], index));
            let (slope, change) = slope_within(self.activation, stored, off);
            // The derivative and its product with the sum round at most four times.
            let own = (sum_error(self.outputs) + 4.0 * UNIT) * magnitude[index] + underflow(self.outputs);
            *bound = (own + error_of(&carried, index)) * slope + magnitude[index] * change + f64::from(f32::MIN_POSITIVE);
        }
        // Flags are exact.
        std::iter::once(bounds).chain(before[1..].iter().map(|flags| vec![0.0; flags.values.len()])).collect()
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
        let mut overflows = Overflows::default();
        let delta = self.factors.take(&delta.values[..step.rows * self.outputs], Kind::Delta, &mut overflows);
        let weight = &parameters.values[..self.inputs * self.outputs];
        let weight = self.factors.take(weight, Kind::Forward, &mut overflows);
        let (flags, writes) = self.factors.split(writes);
        overflows.note(flags);
        let below = &mut writes[0].values[..step.rows * self.inputs];
        let lhs = Factor { values: &delta, layout: Layout::Normal, width: self.outputs };
        let rhs = Factor { values: &weight, layout: Layout::Transposed, width: self.outputs };
        Tiling::new([step.rows, self.inputs, self.outputs]).for_each([below], workspace.threads, |tile| {
            tile.multiply(self.outputs, lhs, rhs);
            vectorised(Finish { tile, stored: stored.values, width: self.inputs, activation: self.activation });
        });
    }
}

/// The largest |f'| where the stored value is off by at most `error`, and how far f' may change there. Between the two ends f' is
/// monotone or, where it has its top, changes by less than from one end to the middle.
pub(super) fn slope_within(activation: Activation, stored: f64, error: f64) -> (f64, f64) {
    let middle = activation.derivative(stored);
    let ends = [activation.derivative(stored - error), activation.derivative(stored + error)];
    let change = ends.iter().fold(0.0_f64, |change, end| change.max((end - middle).abs()));
    (middle.abs() + change, if error > 0.0 { 2.0 * change } else { 0.0 })
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
        self.tile.for_each_run(
            #[inline(always)]
            |row, [below]| {
                let stored = &self.stored[row * self.width + first..][..below.len()];
                self.activation.times_derivative(below, stored);
            },
        );
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
        let factors = Factors::Full;
        let kernel = Delta { inputs, outputs, bias: false, activation, factors, capacity: rows };
        let mut writes = [ViewMut { values: &mut below }];
        kernel.run(&Step { rows, ..Step::default() }, &reads, &mut writes, &mut Workspace::new(2));
        for (index, &below) in below.iter().enumerate() {
            let (row, i) = (index / inputs, index % inputs);
            let sum: f32 = (0..outputs).map(|o| delta[row * outputs + o] * weight[i * outputs + o]).sum();
            assert_eq!(below, sum * activation.derivative(stored[index]), "row {row}, input {i}");
        }
    }
}
