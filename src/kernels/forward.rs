//! output = f(input · W + b). Shader: `shaders/forward.wgsl`.

use super::product::{self, Composition, Layout};
use super::shader::{Shader, shader_file};
use super::{Form, Kernel, Source, Step, Twin, View, ViewMut, Workspace, error_of, for_each_row, magnitudes};
use crate::network::Activation;
use crate::rounding::{sum_error, underflow};
use crate::scalar::Scalar;

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
        if self.bias {
            for row in output.chunks_mut(self.outputs) {
                row.copy_from_slice(&bias[..self.outputs]);
            }
        }
        let keep = if self.bias { T::ONE } else { T::ZERO };
        let sizes = [step.rows, self.outputs, self.inputs];
        let threads = workspace.threads;
        product::product(sizes, output, keep, T::ONE, &input, Layout::Normal, weight, Layout::Normal, threads);
        if self.slope {
            let slope = &mut rest[0].values[..output.len()];
            slope.copy_from_slice(output);
            for_each_row(slope, self.outputs, threads, |_, row| {
                row.iter_mut().for_each(|z| *z = self.activation.slope(*z));
            });
        }
        if self.activation != Activation::Identity {
            for_each_row(output, self.outputs, threads, |_, row| {
                row.iter_mut().for_each(|z| *z = self.activation.activate(*z));
            });
        }
    }
}
