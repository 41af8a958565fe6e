//! W -= step(inputᵀ · delta), b -= step(column sums of delta), or the sums of both over micro-batches. Shader: `shaders/update.wgsl`.

use super::halves::{FLAGS, Factors, Kind, OVERFLOWS, Overflows};
use super::layout::Layout;
use super::product::{self, Composition, Grid};
use super::rule::{Rule, Ruled, STATES};
use super::shader::{Shader, shader_file};
use super::tiling::{Factor, Tiling};
use super::{
    Bounded, Choice, Form, Kernel, Layer, Operand, Source, Step, Target, Twin, View, ViewMut, Workspace, read, written,
};
use crate::network::optimizer::Rates;
use crate::rounding::{sum_error, underflow};
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

/// Reads the layer's input [rows × inputs] and delta [rows × outputs]; writes parameters [(inputs + bias) × outputs] and as many
/// buffers of that shape as the rule has states.
#[derive(Debug, Clone)]
pub struct Update {
    /// The layer.
    pub layer: Layer,
    /// What is done with the gradient.
    pub rule: Rule,
    /// What the step's learning rate is multiplied by.
    pub rate: f64,
    /// Where the batch's rows of the input are.
    pub source: Source,
    /// How the product takes its factors.
    pub factors: Factors,
}

/// How the factors lie in memory.
pub(super) const LAYOUTS: [Layout; 2] = [Layout::Transposed, Layout::Normal];

impl Kernel for Update {
    fn name(&self) -> &'static str {
        "update"
    }

    fn operands(&self) -> Vec<Operand> {
        let Layer { inputs, outputs, capacity, .. } = self.layer;
        [self.source.matrix("input", capacity, inputs), Operand::read("delta", capacity, outputs)]
            .into_iter()
            .chain(self.source.operand())
            .chain(self.rule.operands(self.layer))
            .chain(self.factors.operand())
            .collect()
    }

    fn shader(&self, form: Form) -> Shader {
        let ones = self.ones(form);
        let suffix = if ones { "-ones" } else { "" };
        let composition = Composition {
            kernel: "update",
            variant: &format!("{}{suffix}-{}", self.rule.name(), self.source.name()),
            operands: self.operands(),
            layouts: LAYOUTS,
            ones,
            grid: Grid::One,
            factors: self.factors,
            kinds: [Kind::Forward, Kind::Delta],
        };
        composition.shader(form, |shader| {
            let shader = shader.part(self.source.shader());
            self.rule.shader(shader).part(shader_file!("updates/one.wgsl")).part(shader_file!("update.wgsl"))
        })
    }

    fn workgroup_bytes(&self, form: Form) -> u32 {
        product::workgroup_bytes(form, LAYOUTS)
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        product::layer(self.layer, self.source, 0, form, product::Own { rate: self.rate, ..product::Own::default() })
    }

    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2] {
        let [all, columns, depth] = self.sizes(rows);
        product::workgroups([all - usize::from(self.ones(form)), columns, depth], form)
    }

    fn iterations(&self, rows: usize, form: Form) -> u64 {
        product::iterations(self.sizes(rows), form)
    }

    fn product(&self, rows: usize) -> Option<[usize; 3]> {
        Some(self.sizes(rows))
    }

    fn choices(&self, rows: usize, target: &Target) -> Vec<Choice> {
        product::choices(self.sizes(rows), self.layer.bias, self.factors, target)
    }

    fn factors(&self) -> Factors {
        self.factors
    }
}

impl Bounded for Update {
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let (input, delta) = (read(reads, "input"), read(reads, "delta"));
        let (inputs, errors) = (
            self.source.rows(step, input, self.layer.inputs, reads),
            self.source.errors(step, input, self.layer.inputs, reads),
        );
        let gradient = self.gradient(step, &inputs, delta.values);
        let (inputs, deltas) = (View { errors: &errors, ..View::new("input", &inputs) }.magnitudes(), delta.magnitudes());
        let magnitude = self.gradient(step, &inputs, &deltas);
        let without_bias = Self { layer: Layer { bias: false, ..self.layer }, ..self.clone() };
        let of_inputs = if errors.is_empty() { Vec::new() } else { without_bias.gradient(step, &errors, &deltas) };
        let of_deltas = if delta.errors.is_empty() { Vec::new() } else { self.gradient(step, &inputs, delta.errors) };
        let error = |index: usize| {
            let own = sum_error(step.rows) * magnitude[index] + underflow(step.rows);
            own + of_inputs.get(index).unwrap_or(&0.0) + of_deltas.get(index).unwrap_or(&0.0)
        };
        let (matrices, flags) = before.split_at(1 + self.rule.states());
        let step = step.of_layer(self.rate);
        let mut bounds = self.rule.bounds(&step, self.layer.weights(), &gradient, error, matrices);
        // Flags are exact.
        bounds.extend(flags.iter().map(|flags| vec![0.0; flags.values.len()]));
        bounds
    }
}

impl<T: Scalar> Twin<T> for Update {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let Layer { inputs, outputs, .. } = self.layer;
        let input = self.source.rows(step, read(reads, "input"), inputs, reads);
        let mut overflows = Overflows::default();
        let input = self.factors.take(input, Kind::Forward, &mut overflows);
        let delta = &read(reads, "delta").values[..step.rows * outputs];
        let delta = self.factors.take(delta, Kind::Delta, &mut overflows);
        let [weight, first, second, flags] = written(writes, ["weight", STATES[0], STATES[1], OVERFLOWS]);
        overflows.note(flags);
        let sums = Sums { update: self, step, input: &input, delta: &delta };
        let rates: Rates<T> = step.rates.converted().of_layer(self.rate);
        // Not the parameters themselves: to add the product to them rounds each of its terms at their size.
        match self.rule.states() {
            0 => sums.update([weight], &rates, workspace),
            1 => sums.update([weight, first], &rates, workspace),
            _ => sums.update([weight, first, second], &rates, workspace),
        }
    }
}

/// Elements of a tile of the gradient: it stays in the cache until the rule has been applied.
const TILE: usize = 1 << 17;

/// One update: the gradient is computed tile by tile, and each is applied at once.
struct Sums<'a, T> {
    update: &'a Update,
    step: &'a Step,
    input: &'a [T],
    delta: &'a [T],
}

impl<T: Scalar> Sums<'_, T> {
    /// Updates the parameters and the optimizer's states, which are matrices of one shape.
    fn update<const N: usize>(&self, matrices: [&mut [T]; N], rates: &Rates<T>, workspace: &Workspace<T>) {
        let (&Update { layer, rule, .. }, rows) = (self.update, self.step.rows);
        let Layer { inputs, outputs, .. } = layer;
        let lhs = Factor { values: self.input, layout: Layout::Transposed, width: inputs };
        let rhs = Factor { values: self.delta, layout: Layout::Normal, width: outputs };
        let tiling = Tiling::new(self.update.sizes(rows)).with_small_tiles(TILE);
        tiling.for_each(matrices, workspace.threads, |tile| {
            let width = tile.tile.columns.len();
            let mut gradient = workspace.scratch();
            gradient.resize(tile.tile.rows.len() * width, T::ZERO);
            // The biases are a last row of the parameters: the weights of an input that is always 1.
            let weights = tile.tile.rows.end.min(inputs) - tile.tile.rows.start;
            tile.multiply_into(&mut gradient, weights, rows, lhs, rhs);
            vectorised(ColumnSums {
                sums: &mut gradient[weights * width..],
                values: &self.delta[..rows * outputs],
                width: outputs,
                first: tile.tile.columns.start,
            });
            if self.step.loss_scale != 0 {
                let factor = T::from_f64(self.step.unscaled());
                gradient.iter_mut().for_each(|value| *value = *value * factor);
            }
            vectorised(Ruled { tile, gradient: &gradient, weights: inputs, rule, rates, micro: self.step.micro });
        });
    }
}

/// Sets `sums`, if there are any, to the sums of as many columns from `first` on.
struct ColumnSums<'a, T> {
    sums: &'a mut [T],
    values: &'a [T],
    width: usize,
    first: usize,
}

impl<T: Scalar> Vectorised for ColumnSums<'_, T> {
    #[inline(always)]
    fn run(self) {
        if self.sums.is_empty() {
            return;
        }
        self.sums.fill(T::ZERO);
        for row in self.values.chunks_exact(self.width) {
            self.sums.iter_mut().zip(&row[self.first..]).for_each(|(sum, &value)| *sum += value);
        }
    }
}

impl Update {
    /// Whether the biases would begin a row of tiles for themselves: then they are summed beside the last.
    pub(super) fn ones(&self, form: Form) -> bool {
        self.layer.bias && product::beside(self.layer.inputs, form)
    }

    /// Rows, columns and terms of the product.
    pub(super) fn sizes(&self, rows: usize) -> [usize; 3] {
        [self.layer.parameter_rows(), self.layer.outputs, rows]
    }

    /// The gradient of the parameters, in f64, from the batch's own rows.
    fn gradient(&self, step: &Step, input: &[f64], delta: &[f64]) -> Vec<f64> {
        let reads = [View::new("input", input), View::new("delta", delta)];
        let sum = Self { rule: Rule::Sum, source: Source::Batch, ..self.clone() };
        let mut gradient = vec![0.0; self.layer.parameter_rows() * self.layer.outputs];
        let mut flags = [0.0; FLAGS];
        let mut writes = [ViewMut::new("weight", &mut gradient), ViewMut::new(OVERFLOWS, &mut flags)];
        sum.run(&Step { micro: 0, ..*step }, &reads, &mut writes, &mut Workspace::new(1));
        gradient
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::OptimizerKind;

    /// Small integers, so that every sum is exact; large enough to be cut into tiles both ways.
    #[test]
    fn an_update_in_tiles_is_the_definition() {
        let (inputs, outputs, rows) = (2100, 70, 20);
        let integers = |count: usize, modulus: usize| -> Vec<f32> {
            (0..count).map(|i| (i * 31 % modulus) as f32 - (modulus / 2) as f32).collect()
        };
        let (input, delta, before) =
            (integers(rows * inputs, 7), integers(rows * outputs, 5), integers((inputs + 1) * outputs, 9));
        let (rule, source, factors) = (Rule::Optimizer(OptimizerKind::Momentum), Source::Batch, Factors::Full);
        let layer = Layer { inputs, outputs, bias: true, capacity: rows };
        let kernel = Update { layer, rule, rate: 1.0, source, factors };
        let rates = Rates { learning_rate: 0.5, weight_decay: 2.0, beta1: 1.0, ..Rates::default() };
        let step = Step { rows, rates, ..Step::default() };
        let reads = [View::new("input", &input), View::new("delta", &delta)];
        let (mut parameters, mut state) = (before.clone(), vec![3.0; before.len()]);
        let mut writes = [ViewMut::new("weight", &mut parameters), ViewMut::new(STATES[0], &mut state)];
        kernel.run(&step, &reads, &mut writes, &mut Workspace::new(2));
        for (index, (&weight, &old)) in parameters.iter().zip(&before).enumerate() {
            let (i, o) = (index / outputs, index % outputs);
            let one = |row: usize| if i == inputs { 1.0 } else { input[row * inputs + i] };
            let sum: f32 = (0..rows).map(|row| one(row) * delta[row * outputs + o]).sum();
            let decay = if i == inputs { 0.0 } else { 2.0 * old };
            assert_eq!(state[index], 3.0 + sum + decay, "input {i}, output {o}");
            assert_eq!(weight, old - 0.5 * state[index], "input {i}, output {o}");
        }
    }
}
