//! The last layer, where its outputs are few: `f(input · W + b)`, the loss, and either the delta or the outputs, in one kernel.
//! Shader: `shaders/forward_output.wgsl`, with one of `shaders/losses/`.

use super::halves::Factors;
use super::output::Product;
use super::product::{self, NARROW_COLUMNS4};
use super::shader::{Shader, shader_file};
use super::{Form, Forward, Kernel, Output, Source, Step, Twin, View, ViewMut, Workspace, stride4};
use crate::network::{Activation, Loss};
use crate::scalar::Scalar;

/// Sums of more terms are worth a kernel that shares them out among more invocations.
const MOST_INPUTS: usize = 2048;

/// Reads input [rows × inputs], parameters [(inputs + bias) × outputs] and targets [rows × outputs]; writes delta or output
/// [rows × outputs] and one loss a row.
#[derive(Debug, Clone)]
pub struct ForwardOutput {
    /// Width of the layer's input.
    pub inputs: usize,
    /// Width of the output.
    pub outputs: usize,
    /// Whether the last row of the parameters is the biases.
    pub bias: bool,
    /// The output's activation.
    pub activation: Activation,
    /// The loss.
    pub loss: Loss,
    /// What is written beside the losses.
    pub product: Product,
    /// Where the batch's targets are.
    pub source: Source,
    /// Whether the input is data, found as the targets are, instead of a buffer of the batch's.
    pub first: bool,
    /// Rows that the batch's buffers have room for.
    pub capacity: usize,
    /// Room for losses of one replica.
    pub losses: usize,
}

impl ForwardOutput {
    /// Whether a layer is one for this kernel: few invocations sum whole rows.
    pub fn suits(inputs: usize, outputs: usize) -> bool {
        inputs <= MOST_INPUTS && stride4(outputs) <= NARROW_COLUMNS4
    }

    /// The layer without what happens at the outputs: gives outputs, or logits where loss and activation are a joint pair.
    fn forward(&self) -> Forward {
        let Self { inputs, outputs, bias, capacity, .. } = *self;
        let activation = if self.loss.is_joint() { Activation::Identity } else { self.activation };
        let source = if self.first { self.source } else { Source::Batch };
        let (slope, dropped, factors) = (activation.stores_slope(), None, Factors::Full);
        Forward { inputs, outputs, bias, activation, slope, dropped, source, factors, capacity }
    }

    /// What happens at the outputs, with the targets already found.
    fn output(&self) -> Output {
        let Self { outputs, activation, loss, product, capacity, losses, .. } = *self;
        Output { outputs, activation, loss, product, weighted: false, source: Source::Batch, capacity, losses }
    }

    /// What [`forward`](Self::forward) gives for a step [rows × outputs], then, where it keeps them, the slopes.
    fn results<T: Scalar>(&self, step: &Step, reads: &[View<'_, T>], workspace: &mut Workspace<T>) -> Vec<T> {
        let (forward, length) = (self.forward(), step.rows * self.outputs);
        let mut results = std::mem::take(&mut *workspace.scratch());
        results.resize(if forward.slope { 2 * length } else { length }, T::ZERO);
        let (values, slopes) = results.split_at_mut(length);
        let mut writes = [ViewMut { values }, ViewMut { values: slopes }];
        forward.run(step, &Self::operands(reads), &mut writes, workspace);
        results
    }

    /// What [`forward`](Self::forward) reads, an order included if there is one.
    fn operands<'a, T>(reads: &[View<'a, T>]) -> [View<'a, T>; 3]
    where
        T: Copy,
    {
        [reads[0], reads[1], reads[reads.len() - 1]]
    }
}

impl Kernel for ForwardOutput {
    fn name(&self) -> &'static str {
        "forward_output"
    }

    fn shader(&self, form: Form) -> Shader {
        let lanes = form.lanes;
        let (loss, activation, source) = (self.loss, self.activation.file_name(), self.source.name());
        let source = if self.first { format!("{source}-first") } else { source.to_string() };
        let columns = stride4(self.outputs);
        let name = format!("forward-output-{}-{loss}-{activation}-{source}-{columns}-{lanes}", self.product.name());
        let stores_slope = self.activation.stores_slope();
        let stored = if stores_slope { shader_file!("stored_slope.wgsl") } else { shader_file!("stored_output.wgsl") };
        let shader = Shader::new(name)
            .constant("WRITES", 5 + self.source.reads())
            .switch("READS_SOURCE", self.first)
            .switch("WRITES_DELTA", self.product == Product::Delta)
            .switch("IS_JOINT", self.loss.is_joint());
        product::narrow(shader, lanes, columns, |shader| {
            shader
                .part(self.source.shader())
                .part(shader_file!("weights/none.wgsl"))
                .activation(self.activation)
                .part(stored)
                .part(loss.shader())
                .part(shader_file!("affine.wgsl"))
                .part(shader_file!("output_row.wgsl"))
                .part(shader_file!("forward_output.wgsl"))
        })
    }

    fn lanes(&self, form: Form) -> [u32; 2] {
        [product::narrow_lanes(form.lanes), 1]
    }

    fn workgroup_bytes(&self, form: Form) -> u32 {
        product::narrow_workgroup_bytes(form.lanes, self.outputs)
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        let sizes = [self.inputs, self.outputs, usize::from(self.bias), self.capacity];
        product::layer(sizes, self.source, self.losses, form, product::Own::default())
    }

    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2] {
        product::narrow_workgroups(rows, form.lanes)
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        product::narrow_iterations(self.inputs, self.outputs)
    }

    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], errors: &[&[f64]], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let all = self.results(step, reads, &mut Workspace::new(1));
        let (forward, length) = (self.forward(), step.rows * self.outputs);
        let (results, stored) = (&all[..length], &all[all.len() - length..]);
        let view = |values| View { values, indices: &[] };
        let room = [view(results); 2];
        let of_forward = [errors[0], errors[1], &[]];
        let of_results = forward.bounds(step, &Self::operands(reads), &of_forward, &room[..1 + usize::from(forward.slope)]);
        let targets = self.source.rows(step, reads[2], self.outputs, reads);
        let of_targets = self.source.errors(step, errors[2], self.outputs, reads);
        let given = [view(results), view(stored), view(&targets)];
        let of_given = [&of_results[0][..], &of_results[of_results.len() - 1], &of_targets];
        self.output().bounds(step, &given, &of_given, before)
    }
}

impl<T: Scalar> Twin<T> for ForwardOutput {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let results = self.results(step, reads, workspace);
        let length = step.rows * self.outputs;
        let targets = self.source.rows(step, reads[2], self.outputs, reads);
        let view = |values| View { values, indices: &[] };
        let (outputs, stored) = (view(&results[..length]), view(&results[results.len() - length..]));
        self.output().run(step, &[outputs, stored, view(&targets)], writes, workspace);
        *workspace.scratch() = results;
    }
}
