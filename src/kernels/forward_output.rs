//! The last layer, where its outputs are few: `f(input · W + b)`, the loss, and either the delta or the outputs, in one kernel.
//! Shader: `shaders/forward_output.wgsl`, with one of `shaders/losses/`.

use super::halves::Factors;
use super::output::Product;
use super::product::{self, NARROW_COLUMNS4};
use super::shader::{Shader, shader_file};
use super::{
    Bounded, Form, Forward, Kernel, Layer, Operand, Output, Source, Step, Twin, View, ViewMut, Workspace, read, stride4,
};
use crate::network::{Activation, Loss};
use crate::scalar::Scalar;

/// Sums of more terms are worth a kernel that shares them out among more invocations.
const MOST_INPUTS: usize = 2048;

/// Reads input [rows × inputs], parameters [(inputs + bias) × outputs] and targets [rows × outputs]; writes delta or output
/// [rows × outputs] and one loss a row.
#[derive(Debug, Clone)]
pub struct ForwardOutput {
    /// The layer.
    pub layer: Layer,
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
        let activation = if self.loss.is_joint() { Activation::Identity } else { self.activation };
        let source = self.input_source();
        let (layer, slope, dropped, factors) = (self.layer, activation.stores_slope(), None, Factors::Full);
        Forward { layer, activation, slope, dropped, source, factors }
    }

    /// Where the batch's rows of the input are.
    fn input_source(&self) -> Source {
        if self.first { self.source } else { Source::Batch }
    }

    /// What happens at the outputs, with the targets already found.
    fn output(&self) -> Output {
        let Self { layer: Layer { outputs, capacity, .. }, activation, loss, product, losses, .. } = *self;
        Output { outputs, activation, loss, product, weighted: false, source: Source::Batch, capacity, losses }
    }

    /// What [`forward`](Self::forward) gives for a step [rows × outputs], then, where it keeps them, the slopes.
    fn results<T: Scalar>(&self, step: &Step, reads: &[View<'_, T>], workspace: &mut Workspace<T>) -> Vec<T> {
        let (forward, length) = (self.forward(), step.rows * self.layer.outputs);
        let mut results = std::mem::take(&mut *workspace.scratch());
        results.resize(if forward.slope { 2 * length } else { length }, T::ZERO);
        let (values, slopes) = results.split_at_mut(length);
        let mut writes = [ViewMut::new("output", values), ViewMut::new("slopes", slopes)];
        forward.run(step, reads, &mut writes, workspace);
        results
    }
}

impl Kernel for ForwardOutput {
    fn name(&self) -> &'static str {
        "forward_output"
    }

    fn operands(&self) -> Vec<Operand> {
        let Layer { inputs, outputs, capacity, .. } = self.layer;
        let targets = self.source.matrix("targets", capacity, outputs);
        [self.input_source().matrix("input", capacity, inputs), self.layer.weight(), targets]
            .into_iter()
            .chain(self.source.operand())
            .chain(Output::ends(capacity, outputs, self.losses))
            .collect()
    }

    fn shader(&self, form: Form) -> Shader {
        let lanes = form.lanes;
        let (loss, activation, source) = (self.loss, self.activation.file_name(), self.source.name());
        let source = if self.first { format!("{source}-first") } else { source.to_string() };
        let columns = stride4(self.layer.outputs);
        let name = format!("forward-output-{}-{loss}-{activation}-{source}-{columns}-{lanes}", self.product.name());
        let stores_slope = self.activation.stores_slope();
        let stored = if stores_slope { shader_file!("stored_slope.wgsl") } else { shader_file!("stored_output.wgsl") };
        let shader = Shader::new(name)
            .operands(&self.operands())
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
        product::narrow_workgroup_bytes(form.lanes, self.layer.outputs)
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        let own = product::Own { loss: Some(self.loss), ..product::Own::default() };
        product::layer(self.layer, self.source, self.losses, form, own)
    }

    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2] {
        product::narrow_workgroups(rows, form.lanes)
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        product::narrow_iterations(self.layer.inputs, self.layer.outputs)
    }
}

impl Bounded for ForwardOutput {
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let all = self.results(step, reads, &mut Workspace::new(1));
        let (forward, length) = (self.forward(), step.rows * self.layer.outputs);
        let (results, stored) = (&all[..length], &all[all.len() - length..]);
        let room = [View::new("output", results), View::new("slopes", results)];
        let of_results = forward.bounds(step, reads, &room[..1 + usize::from(forward.slope)]);
        let targets = read(reads, "targets");
        let (desired, errors) = (
            self.source.rows(step, targets, self.layer.outputs, reads),
            self.source.errors(step, targets, self.layer.outputs, reads),
        );
        let given = [
            View { errors: &of_results[0], ..View::new("result", results) },
            View { errors: &of_results[of_results.len() - 1], ..View::new("stored", stored) },
            View { errors: &errors, ..View::new("targets", &desired) },
        ];
        self.output().bounds(step, &given, before)
    }
}

impl<T: Scalar> Twin<T> for ForwardOutput {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let results = self.results(step, reads, workspace);
        let length = step.rows * self.layer.outputs;
        let targets = self.source.rows(step, read(reads, "targets"), self.layer.outputs, reads);
        let result = View::new("result", &results[..length]);
        let stored = View::new("stored", &results[results.len() - length..]);
        self.output().run(step, &[result, stored, View::new("targets", &targets)], writes, workspace);
        *workspace.scratch() = results;
    }
}
