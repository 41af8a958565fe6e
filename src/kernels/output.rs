//! What happens at the outputs, row by row: the loss, and either delta = dLoss/da ⊙ f'(a) or the outputs themselves.
//! Shader: `shaders/output.wgsl`, with one of `shaders/losses/`.

use rayon::prelude::*;

use super::delta::slope_within;
use super::operands::Elements;
use super::shader::{Shader, shader_file};
use super::{Bounded, Form, Kernel, Operand, Source, Step, Twin, View, ViewMut, Workspace, read, stride4, word, written};
use crate::network::loss::{Carried, Inexact};
use crate::network::{Activation, Loss};
use crate::rounding::underflow;
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

/// Elements that are computed at once, about: they stay in the nearest cache.
const BLOCK: usize = 1 << 13;

/// What the kernel writes beside the losses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Product {
    /// dLoss/da ⊙ f'(a), times the step's scale: for training.
    Delta,
    /// The outputs of the network: for evaluation and prediction.
    Output,
}

/// Reads the last layer's result [rows × outputs] (logits where loss and activation are a joint pair, else outputs), what it
/// stored for its derivative [rows × outputs], the targets [rows × outputs] and, if there are any, the rows' weights [rows × 1]; writes
/// delta or output [rows × outputs] and one loss a row.
#[derive(Debug, Clone)]
pub struct Output {
    /// Width of the output.
    pub outputs: usize,
    /// The output's activation.
    pub activation: Activation,
    /// The loss.
    pub loss: Loss,
    /// What is written beside the losses.
    pub product: Product,
    /// Whether a row's loss and delta are multiplied by a weight of its own.
    pub weighted: bool,
    /// Where the batch's rows of the targets are.
    pub source: Source,
    /// Rows that the batch's buffers have room for.
    pub capacity: usize,
    /// Room for losses of one replica.
    pub losses: usize,
}

impl Product {
    /// Its name as a part of a shader's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Delta => "delta",
            Self::Output => "output",
        }
    }
}

impl Kernel for Output {
    fn name(&self) -> &'static str {
        "output"
    }

    fn operands(&self) -> Vec<Operand> {
        let (capacity, outputs) = (self.capacity, self.outputs);
        let row_weights = self.weighted.then(|| self.source.matrix("row_weights", capacity, 1));
        [
            Operand::read("result", capacity, outputs),
            Operand::read("stored", capacity, outputs),
            self.source.matrix("targets", capacity, outputs),
        ]
        .into_iter()
        .chain(row_weights)
        .chain(self.source.operand())
        .chain(Self::ends(capacity, outputs, self.losses))
        .collect()
    }

    fn shader(&self, form: Form) -> Shader {
        let (product, loss, lanes) = (self.product.name(), self.loss, form.lanes);
        let (activation, source) = (self.activation.file_name(), self.source.name());
        let weighted = if self.weighted { "-weighted" } else { "" };
        let weights = [shader_file!("weights/none.wgsl"), shader_file!("weights/each_row.wgsl")];
        Shader::new(format!("output-{product}{weighted}-{loss}-{activation}-{source}-{lanes}"))
            .constant("LANES", lanes)
            .operands(&self.operands())
            .switch("WRITES_DELTA", self.product == Product::Delta)
            .part(shader_file!("rows.wgsl"))
            .part(shader_file!("step.wgsl"))
            .part(shader_file!("this_step.wgsl"))
            .activation(self.activation)
            .part(loss.shader())
            .part(self.source.shader())
            .part(weights[usize::from(self.weighted)])
            .part(shader_file!("output_row.wgsl"))
            .part(shader_file!("output.wgsl"))
    }

    fn parameters(&self, _form: Form) -> Vec<u32> {
        let losses = word(self.losses.next_multiple_of(4));
        vec![word(self.outputs), word(self.capacity), self.source.order_length(), losses, self.loss.word()]
    }

    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2] {
        [(rows as u64).div_ceil(u64::from(form.lanes)), 1]
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        3 * stride4(self.outputs) as u64
    }
}

impl Bounded for Output {
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let mut written = vec![0.0; before[0].values.len()];
        let mut losses = vec![0.0; before[1].values.len()];
        let [result, targets] = ["result", "targets"].map(|name| read(reads, name));
        let targets = self.source.rows(step, targets, self.outputs, reads);
        let weights = self.weights(step, reads);
        for row in 0..step.rows {
            let range = row * self.outputs..(row + 1) * self.outputs;
            let (result, target) = (&result.values[range.clone()], &targets[range.clone()]);
            let size: f64 = result.iter().chain(target).map(|value| value.abs()).fold(0.0, f64::max);
            let weight = weights.get(row).map_or(1.0, |weight| weight.abs());
            let scale = if self.product == Product::Delta { step.scale * weight } else { 1.0 };
            let [element, of_row] = self.loss.rounding(size, self.outputs);
            losses[step.loss_row + row] = of_row + underflow(self.outputs);
            for index in range {
                let carried = self.carried(reads, &targets, index);
                let error = if self.product == Product::Delta { carried.delta } else { carried.output };
                written[index] = scale * (element + error) + f64::from(f32::MIN_POSITIVE);
                losses[step.loss_row + row] += carried.loss;
            }
            losses[step.loss_row + row] *= weight;
        }
        vec![written, losses]
    }
}

impl<T: Scalar> Twin<T> for Output {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let [result, stored, targets] = ["result", "stored", "targets"].map(|name| read(reads, name));
        let weights = self.weights(step, reads);
        let targets = self.source.rows(step, targets, self.outputs, reads);
        let [written, losses] = written(writes, ["written", "losses"]);
        let block = (BLOCK / self.outputs).max(1);
        let size = block * self.outputs;
        let written = written[..step.rows * self.outputs].chunks_mut(size);
        let losses = losses[step.loss_row..][..step.rows].chunks_mut(block);
        let blocks = written.zip(losses).enumerate().map(|(index, (written, losses))| {
            let range = index * size..index * size + written.len();
            let [result, stored, target] = [result.values, stored.values, &targets].map(|values| &values[range.clone()]);
            let weights = weights.get(index * block..).unwrap_or(&[]);
            Rows { kernel: self, scale: T::from_f64(step.scale), weights, result, stored, target, written, losses }
        });
        if workspace.threads > 1 && step.rows > block {
            blocks.collect::<Vec<_>>().into_par_iter().for_each(vectorised);
        } else {
            blocks.for_each(vectorised);
        }
    }
}

/// Some rows of the kernel's buffers, and their losses.
struct Rows<'a, T> {
    kernel: &'a Output,
    scale: T,
    /// Of these rows and those after them; none where all weigh the same.
    weights: &'a [T],
    result: &'a [T],
    stored: &'a [T],
    target: &'a [T],
    written: &'a mut [T],
    losses: &'a mut [T],
}

impl<T: Scalar> Vectorised for Rows<'_, T> {
    #[inline(always)]
    fn run(self) {
        let Self { kernel, scale, weights, result, stored, target, written, losses } = self;
        written.copy_from_slice(result);
        kernel.loss.of_rows(written, target, kernel.outputs, losses);
        if kernel.product == Product::Delta {
            kernel.loss.errors(written, target, scale);
            if !kernel.loss.is_joint() {
                kernel.activation.slope_of().times_derivative(written, stored);
            }
            for (row, &weight) in written.chunks_exact_mut(kernel.outputs).zip(weights) {
                row.iter_mut().for_each(|value| *value = *value * weight);
            }
        }
        losses.iter_mut().zip(weights).for_each(|(loss, &weight)| *loss = *loss * weight);
    }
}

impl Output {
    /// What a kernel at the outputs writes: the delta or the outputs, and a loss a row.
    pub(super) fn ends(capacity: usize, outputs: usize, losses: usize) -> [Operand; 2] {
        [Operand::write("written", capacity, outputs), Operand::write("losses", 1, losses).of(Elements::Real)]
    }

    /// The weights of the batch's rows; none where all weigh the same.
    fn weights<'a, T: Scalar>(&self, step: &Step, reads: &[View<'a, T>]) -> std::borrow::Cow<'a, [T]> {
        match self.weighted {
            true => self.source.rows(step, read(reads, "row_weights"), 1, reads),
            false => std::borrow::Cow::Borrowed(&[]),
        }
    }

    /// What the errors of the last layer's result come to in one of its elements.
    fn carried(&self, reads: &[View<'_, f64>], targets: &[f64], index: usize) -> Carried {
        let [all, stored] = ["result", "stored"].map(|name| read(reads, name));
        let row = index / self.outputs;
        let worst = (row * self.outputs..(row + 1) * self.outputs).map(|index| all.error(index)).fold(0.0, f64::max);
        let slope = match self.loss.is_joint() {
            true => [1.0, 0.0],
            false => slope_within(self.activation.slope_of(), stored.values[index], stored.error(index)),
        };
        let (error, result, target) = (all.error(index), all.values[index], targets[index]);
        self.loss.carried(&Inexact { result, error, worst, target, slope })
    }
}
