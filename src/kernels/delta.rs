//! `delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1])`. Shader: `shaders/delta.wgsl`.

use super::halves::{FLAGS, Factors, Kind, OVERFLOWS, Overflows};
use super::layout::Layout;
use super::product::{self, Composition, Grid};
use super::shader::{Shader, shader_file};
use super::tiling::{Factor, TileMut, Tiling};
use super::{Bounded, Form, Kernel, Layer, Operand, Source, Step, Twin, View, ViewMut, Workspace, read, written};
use crate::network::{Activation, Slope};
use crate::rounding::{UNIT, sum_error, underflow};
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

/// Reads delta [rows × outputs], parameters [(inputs + bias) × outputs] and what the layer below stored for its derivative
/// [rows × inputs]; writes the delta of the layer below [rows × inputs].
#[derive(Debug, Clone)]
pub struct Delta {
    /// The layer, whose input is the output of the layer below.
    pub layer: Layer,
    /// What there is of the slope of the layer below.
    pub slope: Slope,
    /// How the product takes its factors.
    pub factors: Factors,
}

/// How the factors lie in memory.
const LAYOUTS: [Layout; 2] = [Layout::Normal, Layout::Transposed];

impl Kernel for Delta {
    fn name(&self) -> &'static str {
        "delta"
    }

    fn operands(&self) -> Vec<Operand> {
        let Layer { inputs, outputs, capacity, .. } = self.layer;
        let stored = Operand::read("stored", capacity, inputs);
        [Operand::read("delta", capacity, outputs), self.layer.weight(), stored, Operand::write("below", capacity, inputs)]
            .into_iter()
            .chain(self.factors.operand())
            .collect()
    }

    fn shader(&self, form: Form) -> Shader {
        let composition = Composition {
            kernel: "delta",
            variant: self.slope.name(),
            operands: self.operands(),
            layouts: LAYOUTS,
            ones: false,
            grid: Grid::One,
            factors: self.factors,
            kinds: [Kind::Delta, Kind::Forward],
        };
        composition.shader(form, |shader| shader.slope(self.slope).part(shader_file!("delta.wgsl")))
    }

    fn workgroup_bytes(&self, form: Form) -> u32 {
        product::workgroup_bytes(form, LAYOUTS)
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        product::layer(self.layer, Source::Batch, 0, form, product::Own::default())
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
}

impl Bounded for Delta {
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let Layer { inputs, outputs, .. } = self.layer;
        let [delta, weight, stored] = ["delta", "weight", "stored"].map(|name| read(reads, name));
        let ones = vec![1.0; stored.values.len()];
        let sums = |delta: &[f64], parameters: &[f64]| {
            let identity = Self { slope: Slope::FromOutput(Activation::Identity), ..self.clone() };
            let (mut result, mut flags) = (vec![0.0; before[0].values.len()], [0.0; FLAGS]);
            let reads = [View::new("delta", delta), View::new("weight", parameters), View::new("stored", &ones)];
            let mut writes = [ViewMut::new("below", &mut result), ViewMut::new(OVERFLOWS, &mut flags)];
            identity.run(step, &reads, &mut writes, &mut Workspace::new(1));
            result
        };
        let parameters = weight.magnitudes();
        let magnitude = sums(&delta.magnitudes(), &parameters);
        let carried = if delta.errors.is_empty() { Vec::new() } else { sums(delta.errors, &parameters) };
        let mut bounds = vec![0.0; before[0].values.len()];
        for (index, bound) in bounds.iter_mut().enumerate().take(step.rows * inputs) {
            let [slope, change] = slope_within(self.slope, stored.values[index], stored.error(index));
            // The derivative and its product with the sum round at most four times.
            let own = (sum_error(outputs) + 4.0 * UNIT) * magnitude[index] + underflow(outputs);
            let carried = carried.get(index).unwrap_or(&0.0);
            *bound = (own + carried) * slope + magnitude[index] * change + f64::from(f32::MIN_POSITIVE);
        }
        // Flags are exact.
        std::iter::once(bounds).chain(before[1..].iter().map(|flags| vec![0.0; flags.values.len()])).collect()
    }
}

impl Delta {
    /// Rows, columns and terms of the product.
    fn sizes(&self, rows: usize) -> [usize; 3] {
        [rows, self.layer.inputs, self.layer.outputs]
    }
}

impl<T: Scalar> Twin<T> for Delta {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let Layer { inputs, outputs, .. } = self.layer;
        let [delta, weight, stored] = ["delta", "weight", "stored"].map(|name| read(reads, name).values);
        let mut overflows = Overflows::default();
        let delta = self.factors.take(&delta[..step.rows * outputs], Kind::Delta, &mut overflows);
        let weight = self.factors.take(&weight[..self.layer.weights()], Kind::Forward, &mut overflows);
        let [below, flags] = written(writes, ["below", OVERFLOWS]);
        overflows.note(flags);
        let below = &mut below[..step.rows * inputs];
        let lhs = Factor { values: &delta, layout: Layout::Normal, width: outputs };
        let rhs = Factor { values: &weight, layout: Layout::Transposed, width: outputs };
        Tiling::new(self.sizes(step.rows)).for_each([below], workspace.threads, |tile| {
            tile.multiply(outputs, lhs, rhs);
            vectorised(Finish { tile, stored, width: inputs, slope: self.slope });
        });
    }
}

/// The largest |f'| where the stored value is off by at most `error`, and how far f' may be from it: how far it changes there, and
/// how far it is off by itself, beyond three roundings. Between the two ends f' is monotone or, where it has its top, changes by
/// less than from one end to the middle.
pub(super) fn slope_within(slope: Slope, stored: f64, error: f64) -> [f64; 2] {
    let middle = slope.derivative(stored);
    let ends = [slope.derivative(stored - error), slope.derivative(stored + error)];
    let change = ends.iter().fold(0.0_f64, |change, end| change.max((end - middle).abs()));
    let own = slope.derivative_error() * middle.abs();
    [middle.abs() + change + own, if error > 0.0 { 2.0 * change } else { 0.0 } + own]
}

/// What is left to do when a tile holds the sums: the derivative.
struct Finish<'a, 'b, T> {
    tile: &'a mut TileMut<'b, T, 1>,
    stored: &'a [T],
    width: usize,
    slope: Slope,
}

impl<T: Scalar> Vectorised for Finish<'_, '_, T> {
    #[inline(always)]
    fn run(self) {
        let first = self.tile.tile.columns.start;
        self.tile.for_each_run(
            #[inline(always)]
            |row, [below]| {
                let stored = &self.stored[row * self.width + first..][..below.len()];
                self.slope.times_derivative(below, stored);
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
        let reads = [View::new("delta", &delta), View::new("weight", &weight), View::new("stored", &stored)];
        let mut below = vec![f32::NAN; rows * inputs];
        let slope = Slope::FromOutput(Activation::Sigmoid);
        let layer = Layer { inputs, outputs, bias: false, capacity: rows };
        let kernel = Delta { layer, slope, factors: Factors::Full };
        let mut writes = [ViewMut::new("below", &mut below)];
        kernel.run(&Step { rows, ..Step::default() }, &reads, &mut writes, &mut Workspace::new(2));
        for (index, &below) in below.iter().enumerate() {
            let (row, i) = (index / inputs, index % inputs);
            let sum: f32 = (0..outputs).map(|o| delta[row * outputs + o] * weight[i * outputs + o]).sum();
            assert_eq!(below, sum * slope.derivative(stored[index]), "row {row}, input {i}");
        }
    }
}
