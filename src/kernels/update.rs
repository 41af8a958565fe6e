//! W -= step(inputᵀ · delta), b -= step(column sums of delta). Shader: `shaders/update.wgsl`.

use super::product::{self, Composition, Layout};
use super::shader::{Shader, shader_file};
use super::{Form, Kernel, Source, Step, Twin, View, ViewMut, Workspace, error_of, magnitudes};
use crate::network::OptimizerKind;
use crate::network::optimizer::Rates;
use crate::rounding::{UNIT, sum_error, underflow};
use crate::scalar::Scalar;

/// Reads the layer's input [rows × inputs] and delta [rows × outputs]; writes parameters [(inputs + bias) × outputs] and as many
/// buffers of that shape as the optimizer has states.
#[derive(Debug, Clone)]
pub struct Update {
    /// Width of the layer's input.
    pub inputs: usize,
    /// Width of the layer's output.
    pub outputs: usize,
    /// Whether the last row of the parameters is the biases.
    pub bias: bool,
    /// The rule that turns a gradient into a step.
    pub optimizer: OptimizerKind,
    /// Where the batch's rows of the input are.
    pub source: Source,
    /// Rows that the batch's buffers have room for.
    pub capacity: usize,
}

impl Kernel for Update {
    fn name(&self) -> &'static str {
        "update"
    }

    fn shader(&self, form: Form) -> Shader {
        let reads = self.source.reads();
        let composition = Composition {
            kernel: "update",
            variant: &format!("{}-{}", self.optimizer, self.source.name()),
            operands: 3 + reads as usize + self.optimizer.states(),
            layouts: [Layout::Transposed, Layout::Normal],
        };
        let states = match self.optimizer.states() {
            0 => shader_file!("states/none.wgsl"),
            1 => shader_file!("states/one.wgsl"),
            _ => shader_file!("states/two.wgsl"),
        };
        composition.shader(form, |shader| {
            shader
                .constant("WRITES", 4 + reads)
                .part(self.source.shader())
                .part(self.optimizer.shader())
                .part(states)
                .part(shader_file!("update.wgsl"))
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
        let input = self.source.rows(step, reads[0], self.inputs, reads);
        let input_errors = self.source.errors(step, errors[0], self.inputs, reads);
        let gradient = self.gradient(step, &input, reads[1].values);
        let inputs = magnitudes(&input, &input_errors);
        let deltas = magnitudes(reads[1].values, errors[1]);
        let magnitude = self.gradient(step, &inputs, &deltas);
        let without_bias = Self { bias: false, ..self.clone() };
        let of_inputs =
            if input_errors.is_empty() { Vec::new() } else { without_bias.gradient(step, &input_errors, &deltas) };
        let of_deltas = if errors[1].is_empty() { Vec::new() } else { self.gradient(step, &inputs, errors[1]) };
        let mut bounds = vec![vec![0.0; gradient.len()]; before.len()];
        for index in 0..gradient.len() {
            let own = sum_error(step.rows) * magnitude[index] + underflow(step.rows);
            let error = own + error_of(&of_inputs, index) + error_of(&of_deltas, index);
            let decay = if index < self.inputs * self.outputs { step.rates.weight_decay } else { 0.0 };
            let update = |gradient: f64| {
                let mut state = [0.0; 2];
                state.iter_mut().zip(&before[1..]).for_each(|(state, before)| *state = before.values[index]);
                let weight = self.optimizer.update(&step.rates, decay, before[0].values[index], gradient, &mut state);
                [weight, state[0], state[1]]
            };
            let (middle, low, high) =
                (update(gradient[index]), update(gradient[index] - error), update(gradient[index] + error));
            for (k, bounds) in bounds.iter_mut().enumerate() {
                let old = before[k].values[index];
                let spread = (low[k] - middle[k]).abs() + (high[k] - middle[k]).abs();
                // The rule itself rounds a dozen times, on numbers as large as the old value and the change.
                bounds[index] = spread + 16.0 * UNIT * (old.abs() + (middle[k] - old).abs()) + f64::from(f32::MIN_POSITIVE);
            }
        }
        bounds
    }
}

impl<T: Scalar> Twin<T> for Update {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let [input, delta, ..] = reads else { panic!("update reads input and delta") };
        let input = self.source.rows(step, *input, self.inputs, reads);
        let (parameters, states) = writes.split_first_mut().expect("update writes parameters");
        let delta = &delta.values[..step.rows * self.outputs];
        let weights = self.inputs * self.outputs;
        let sizes = [self.inputs, self.outputs, step.rows];
        let rates: Rates<T> = step.rates.converted();
        let threads = workspace.threads;
        let mut gradient = std::mem::take(&mut workspace.scratch);
        gradient.resize(weights, T::ZERO);
        let all = &mut gradient[..];
        product::product(sizes, all, T::ZERO, T::ONE, &input, Layout::Transposed, delta, Layout::Normal, threads);
        self.apply(&rates, rates.weight_decay, parameters.values, states, 0, &gradient);
        if self.bias {
            gradient.clear();
            gradient.resize(self.outputs, T::ZERO);
            for row in delta.chunks(self.outputs) {
                gradient.iter_mut().zip(row).for_each(|(sum, &delta)| *sum += delta);
            }
            self.apply(&rates, T::ZERO, parameters.values, states, weights, &gradient);
        }
        workspace.scratch = gradient;
    }
}

impl Update {
    /// Rows, columns and terms of the product.
    fn sizes(&self, rows: usize) -> [usize; 3] {
        [self.inputs + usize::from(self.bias), self.outputs, rows]
    }

    /// The gradient of the parameters, in f64, from the batch's own rows.
    fn gradient(&self, step: &Step, input: &[f64], delta: &[f64]) -> Vec<f64> {
        let reads = [input, delta].map(|values| View { values, indices: &[] });
        let rates = Rates { learning_rate: -1.0, ..Rates::default() };
        let sum = Self { optimizer: OptimizerKind::Sgd, source: Source::Batch, ..self.clone() };
        let mut gradient = vec![0.0; (self.inputs + usize::from(self.bias)) * self.outputs];
        sum.run(&Step { rates, ..*step }, &reads, &mut [ViewMut { values: &mut gradient }], &mut Workspace::new(1));
        gradient
    }

    /// Applies the rule to the parameters from `first` on.
    fn apply<T: Scalar>(
        &self,
        rates: &Rates<T>,
        decay: T,
        parameters: &mut [T],
        states: &mut [ViewMut<'_, T>],
        first: usize,
        gradient: &[T],
    ) {
        let range = first..first + gradient.len();
        let both = parameters[range.clone()].iter_mut().zip(gradient);
        let update =
            |weight: T, gradient: T, state: &mut [T; 2]| self.optimizer.update(rates, decay, weight, gradient, state);
        // One loop for each number of states, so that each can be vectorised.
        match states {
            [] => both.for_each(|(weight, &gradient)| *weight = update(*weight, gradient, &mut [T::ZERO; 2])),
            [first] => {
                for ((weight, &gradient), first) in both.zip(&mut first.values[range]) {
                    let mut state = [*first, T::ZERO];
                    *weight = update(*weight, gradient, &mut state);
                    *first = state[0];
                }
            }
            [first, second] => {
                let states = first.values[range.clone()].iter_mut().zip(&mut second.values[range]);
                for ((weight, &gradient), (first, second)) in both.zip(states) {
                    let mut state = [*first, *second];
                    *weight = update(*weight, gradient, &mut state);
                    [*first, *second] = state;
                }
            }
            _ => panic!("no optimizer has more than two states"),
        }
    }
}
