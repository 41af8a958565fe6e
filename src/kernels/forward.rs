//! output = f(input · W + b). Shader: `shaders/forward.wgsl`.

use super::product::{self, Composition, Layout};
use super::shader::{Shader, shader_file};
use super::tiling::{Factor, TileMut, Tiling};
use super::{Form, Kernel, Source, Step, Twin, View, ViewMut, Workspace, error_of, magnitudes};
use crate::network::Activation;
use crate::rounding::{sum_error, underflow};
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

/// Reads input [rows × inputs] and parameters [(inputs + bias) × outputs]; writes output [rows × outputs] and, for an activation
/// that stores it, the slope f'(z) [rows × outputs].
#[derive(Debug, Clone)]
pub struct Forward {
    /// Width of the layer's input.
    pub inputs: usize,
    /// Width of the layer's output.
    pub outputs: usize,
    /// Whether the last row of the parameters is the biases.
    pub bias: bool,
    /// `f`.
    pub activation: Activation,
    /// Whether the slope is written.
    pub slope: bool,
    /// Where the batch's rows of the input are.
    pub source: Source,
    /// Rows that the batch's buffers have room for.
    pub capacity: usize,
}

impl Kernel for Forward {
    fn name(&self) -> &'static str {
        "forward"
    }

    fn shader(&self, form: Form) -> Shader {
        let slope = if self.slope { shader_file!("slope_kept.wgsl") } else { shader_file!("slope_dropped.wgsl") };
        let kept = if self.slope { "-slope" } else { "" };
        let reads = self.source.reads();
        let composition = Composition {
            kernel: "forward",
            variant: &format!("{}{kept}-{}", self.activation.file_name(), self.source.name()),
            operands: 3 + reads as usize + usize::from(self.slope),
            layouts: [Layout::Normal, Layout::Normal],
        };
        composition.shader(form, |shader| {
            shader
                .constant("WRITES", 4 + reads)
                .switch("READS_SOURCE", true)
                .part(self.source.shader())
                .activation(self.activation)
                .part(slope)
                .part(shader_file!("affine.wgsl"))
                .part(shader_file!("forward.wgsl"))
        })
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        let sizes = [self.inputs, self.outputs, usize::from(self.bias), self.capacity];
        product::layer(sizes, self.source, 0, form)
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

    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], errors: &[&[f64]], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let run = |input: &[f64], parameters: &[f64], bias: bool| {
            let (activation, source) = (Activation::Identity, Source::Batch);
            let identity = Self { activation, source, slope: false, bias, ..self.clone() };
            let mut result = vec![0.0; before[0].values.len()];
            let reads = [input, parameters].map(|values| View { values, indices: &[] });
            identity.run(step, &reads, &mut [ViewMut { values: &mut result }], &mut Workspace::new(1));
            result
        };
        let input = self.source.rows(step, reads[0], self.inputs, reads);
        let input_errors = self.source.errors(step, errors[0], self.inputs, reads);
        let z = run(&input, reads[1].values, self.bias);
        let parameters = magnitudes(reads[1].values, errors[1]);
        let magnitude = run(&magnitudes(&input, &input_errors), &parameters, self.bias);
        // The input's error goes through the weights; the parameters themselves are exact within a step.
        let carried = if input_errors.is_empty() { Vec::new() } else { run(&input_errors, &parameters, false) };
        let terms = self.inputs + usize::from(self.bias);
        let written = step.rows * self.outputs;
        let mut bounds = vec![vec![0.0; z.len()]; before.len()];
        for index in 0..written {
            let own = sum_error(terms + 1) * magnitude[index] + underflow(terms);
            let error = own + error_of(&carried, index);
            let each = self.activation.bounds(z[index], if magnitude[index] == 0.0 { 0.0 } else { error });
            bounds.iter_mut().zip(each).for_each(|(bounds, bound)| bounds[index] = bound);
        }
        bounds
    }
}

impl Forward {
    /// Rows, columns and terms of the product.
    fn sizes(&self, rows: usize) -> [usize; 3] {
        [rows, self.outputs, self.inputs]
    }
}

impl<T: Scalar> Twin<T> for Forward {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let [input, parameters, ..] = reads else { panic!("forward reads input and parameters") };
        let input = self.source.rows(step, *input, self.inputs, reads);
        let (weight, bias) = parameters.values.split_at(self.inputs * self.outputs);
        let (output, rest) = writes.split_first_mut().expect("forward writes output");
        let output = &mut output.values[..step.rows * self.outputs];
        let lhs = Factor { values: &input, layout: Layout::Normal, width: self.inputs };
        let rhs = Factor { values: weight, layout: Layout::Normal, width: self.outputs };
        let tiling = Tiling::new([step.rows, self.outputs, self.inputs]);
        let bias = self.bias.then(|| &bias[..self.outputs]);
        let activation = self.activation;
        match rest {
            [slope, ..] if self.slope => tiling.for_each([output, slope.values], workspace.threads, |tile| {
                tile.multiply(self.inputs, lhs, rhs);
                vectorised(Finish { tile, bias, activation });
            }),
            _ => tiling.for_each([output], workspace.threads, |tile| {
                tile.multiply(self.inputs, lhs, rhs);
                vectorised(Finish { tile, bias, activation });
            }),
        }
    }
}

/// What is left to do when a tile holds the sums: the bias, the activation and, in a second matrix, the slope.
struct Finish<'a, 'b, T, const N: usize> {
    tile: &'a mut TileMut<'b, T, N>,
    bias: Option<&'a [T]>,
    activation: Activation,
}

impl<T: Scalar, const N: usize> Vectorised for Finish<'_, '_, T, N> {
    #[inline(always)]
    fn run(self) {
        let columns = self.tile.tile.columns.clone();
        let bias = self.bias.map(|bias| &bias[columns.clone()]);
        self.tile.for_each_run(
            #[inline(always)]
            |_, mut values| {
                let (output, slope) = values.split_first_mut().expect("the output");
                if let Some(bias) = bias {
                    for row in output.chunks_exact_mut(columns.len()) {
                        row.iter_mut().zip(bias).for_each(|(sum, &bias)| *sum += bias);
                    }
                }
                if let [slope] = slope {
                    slope.iter_mut().zip(output.iter()).for_each(|(slope, &z)| *slope = self.activation.slope(z));
                }
                self.activation.activate_all(output);
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Small integers, so that every sum is exact; large enough to be cut into tiles both ways.
    #[test]
    fn a_forward_pass_in_tiles_is_the_definition() {
        let (rows, inputs, outputs) = (1100, 60, 70);
        let integers = |count: usize, modulus: usize| -> Vec<f32> {
            (0..count).map(|i| (i * 31 % modulus) as f32 - (modulus / 2) as f32).collect()
        };
        let (input, parameters) = (integers(rows * inputs, 7), integers((inputs + 1) * outputs, 9));
        let reads = [&input, &parameters].map(|values| View { values, indices: &[] });
        let (mut output, mut slope) = (vec![0.0; rows * outputs], vec![0.0; rows * outputs]);
        let activation = Activation::LeakyRelu;
        let (source, capacity) = (Source::Batch, rows);
        let kernel = Forward { inputs, outputs, bias: true, activation, slope: true, source, capacity };
        let mut writes = [ViewMut { values: &mut output }, ViewMut { values: &mut slope }];
        kernel.run(&Step { rows, ..Step::default() }, &reads, &mut writes, &mut Workspace::new(2));
        for index in 0..rows * outputs {
            let (row, o) = (index / outputs, index % outputs);
            let z: f32 = (0..inputs).map(|i| input[row * inputs + i] * parameters[i * outputs + o]).sum();
            let z = z + parameters[inputs * outputs + o];
            assert_eq!(
                (output[index], slope[index]),
                (activation.activate(z), activation.slope(z)),
                "row {row}, output {o}"
            );
        }
    }
}
