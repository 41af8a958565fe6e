//! W -= step(g), for gradients that were added up before: clipped, with the weights' L1 penalty, and the weights' average kept.
//! Shader: `shaders/apply.wgsl`.

use super::product;
use super::rule::{Rule, Ruled, STATES};
use super::shader::{Shader, shader_file};
use super::tiling::{TileMut, Tiling};
use super::{Bounded, Form, Kernel, Layer, Operand, Step, Twin, View, ViewMut, Workspace, read, word, written};
use crate::network::OptimizerKind;
use crate::network::optimizer::Rates;
use crate::rounding::UNIT;
use crate::scalar::Scalar;
use crate::simd::{Vectorised, vectorised};

/// Reads gradients [(inputs + bias) × outputs] and, to clip them by their norm, the sum of the squares [1 × 1] of all layers' gradients; writes
/// parameters, as many buffers as the optimizer has states, and the average of the parameters, if it is kept, all of that shape.
#[derive(Debug, Clone)]
pub struct Apply {
    /// The layer.
    pub layer: Layer,
    /// The rule that turns a gradient into a step.
    pub optimizer: OptimizerKind,
    /// What the step's learning rate is multiplied by.
    pub rate: f64,
    /// Whether gradients are clipped by the norm of all layers' gradients; else by value, if at all.
    pub by_norm: bool,
    /// Whether the weights' average is kept.
    pub average: bool,
}

/// Elements that a thread goes through at a time.
const TILE: usize = 1 << 15;
/// What keeps a norm of zero from being divided by, as in PyTorch's `clip_grad_norm_`.
const LEAST_NORM: f64 = 1e-6;

impl Apply {
    /// What gradients are multiplied by, and within what they stay then.
    fn clip<T: Scalar>(&self, rates: &Rates<T>, reads: &[View<'_, T>]) -> (T, T) {
        let unlimited = T::from_f64(f64::INFINITY);
        if self.by_norm {
            let norm = read(reads, "squares").values[0].sqrt();
            let factor = rates.clip / (norm + T::from_f64(LEAST_NORM));
            return (if factor < T::ONE { factor } else { T::ONE }, unlimited);
        }
        (T::ONE, if rates.clip > T::ZERO { rates.clip } else { unlimited })
    }

    fn apply<T: Scalar, const N: usize>(
        &self,
        step: &Step,
        reads: &[View<'_, T>],
        matrices: [&mut [T]; N],
        workspace: &Workspace<T>,
    ) {
        let rates: Rates<T> = step.rates.converted().of_layer(self.rate);
        let rule = Rule::Optimizer(self.optimizer);
        let clip = self.clip(&rates, reads);
        let Layer { inputs, outputs, .. } = self.layer;
        let gradient = read(reads, "gradient").values;
        Tiling::of_rows(self.layer.parameter_rows(), outputs, TILE).for_each(matrices, workspace.threads, |tile| {
            let rows = tile.tile.rows.clone();
            let gradient = &gradient[rows.start * outputs..rows.end * outputs];
            let mut treated = workspace.scratch();
            treated.clear();
            treated.extend_from_slice(gradient);
            let weights = (inputs.saturating_sub(rows.start) * outputs).min(treated.len());
            vectorised(Treated { tile: &mut *tile, gradient: &mut treated, weights, clip, l1: rates.l1 });
            vectorised(Ruled { tile, gradient: &treated, weights: inputs, rule, rates: &rates, micro: 0 });
        });
    }
}

/// Clips the gradients of a tile of whole rows, and adds the penalty of its first `weights` weights' magnitudes.
struct Treated<'a, 'b, T, const N: usize> {
    tile: &'a mut TileMut<'b, T, N>,
    gradient: &'a mut [T],
    weights: usize,
    /// What they are multiplied by, and within what they stay.
    clip: (T, T),
    l1: T,
}

impl<T: Scalar, const N: usize> Vectorised for Treated<'_, '_, T, N> {
    #[inline(always)]
    fn run(self) {
        let Self { tile, gradient, weights, clip: (factor, most), l1 } = self;
        for g in &mut *gradient {
            *g = treated(*g, factor, most);
        }
        if l1 == T::ZERO {
            return;
        }
        let (first, width) = (tile.tile.rows.start, tile.tile.columns.len());
        tile.for_each_run(
            #[inline(always)]
            |row, matrices| {
                let place = (row - first) * width;
                let count = weights.saturating_sub(place).min(matrices[0].len());
                for (g, &weight) in gradient[place..][..count].iter_mut().zip(&*matrices[0]) {
                    *g += l1 * sign(weight);
                }
            },
        );
    }
}

/// A gradient, multiplied and kept within bounds. NaN stays what it is.
#[inline(always)]
fn treated<T: Scalar>(gradient: T, factor: T, most: T) -> T {
    let g = gradient * factor;
    let g = if g > most { most } else { g };
    if g < -most { -most } else { g }
}

/// -1, 0 or 1.
#[inline(always)]
fn sign<T: Scalar>(value: T) -> T {
    let positive = if value > T::ZERO { T::ONE } else { T::ZERO };
    if value < T::ZERO { -T::ONE } else { positive }
}

/// average = β average + (1 - β) weight
struct Average<'a, T> {
    average: &'a mut [T],
    weights: &'a [T],
    beta: T,
}

impl<T: Scalar> Vectorised for Average<'_, T> {
    #[inline(always)]
    fn run(self) {
        for (average, &weight) in self.average.iter_mut().zip(self.weights) {
            *average = self.beta * *average + (T::ONE - self.beta) * weight;
        }
    }
}

impl Kernel for Apply {
    fn name(&self) -> &'static str {
        "apply"
    }

    fn operands(&self) -> Vec<Operand> {
        let (rows, columns) = (self.layer.parameter_rows(), self.layer.outputs);
        let squares = self.by_norm.then(|| Operand::read("squares", 1, 1));
        let average = self.average.then(|| Operand::write("average", rows, columns));
        std::iter::once(Operand::read("gradient", rows, columns))
            .chain(squares)
            .chain(Rule::Optimizer(self.optimizer).operands(self.layer))
            .chain(average)
            .collect()
    }

    fn shader(&self, form: Form) -> Shader {
        let (clip, average) = (if self.by_norm { "-norm" } else { "" }, if self.average { "-average" } else { "" });
        let shader = Shader::new(format!("apply-{}{clip}{average}-{}", self.optimizer, form.lanes))
            .operands(&self.operands())
            .constant("LANES", form.lanes)
            .part(shader_file!("rows.wgsl"))
            .part(shader_file!("step.wgsl"))
            .part(shader_file!("this_step.wgsl"));
        let clipped = [shader_file!("apply/clipped_by_value.wgsl"), shader_file!("apply/clipped_by_norm.wgsl")];
        let averaged = [shader_file!("apply/not_averaged.wgsl"), shader_file!("apply/averaged.wgsl")];
        Rule::Optimizer(self.optimizer)
            .shader(shader)
            .part(clipped[usize::from(self.by_norm)])
            .part(averaged[usize::from(self.average)])
            .part(shader_file!("apply.wgsl"))
    }

    fn parameters(&self, _form: Form) -> Vec<u32> {
        let Layer { inputs, outputs, bias, .. } = self.layer;
        let sizes = [inputs, outputs, usize::from(bias)];
        sizes.into_iter().map(word).chain([(self.rate as f32).to_bits()]).collect()
    }

    fn workgroups(&self, _rows: usize, form: Form) -> [u64; 2] {
        product::elementwise_workgroups(self.layer.parameter_rows(), self.layer.outputs, form.lanes)
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        1
    }
}

impl Bounded for Apply {
    /// The sum of squares is taken as exact.
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let step = &step.of_layer(self.rate);
        let (rates, weights, given) = (&step.rates, self.layer.weights(), read(reads, "gradient"));
        let (factor, most) = self.clip(rates, reads);
        let penalty = |index: usize| if index < weights { rates.l1 * sign(before[0].values[index]) } else { 0.0 };
        let of = |(index, &g): (usize, &f64)| treated(g, factor, most) + penalty(index);
        let gradient: Vec<f64> = given.values.iter().enumerate().map(of).collect();
        // The factor rounds with the root of the sum and with its quotient.
        let rounding = 8.0 * UNIT;
        let error =
            |index: usize| given.error(index) + rounding * (given.values[index].abs() * factor + penalty(index).abs());
        let ruled = 1 + self.optimizer.states();
        let rule = Rule::Optimizer(self.optimizer);
        let mut bounds = rule.bounds(step, weights, &gradient, error, &before[..ruled]);
        if self.average {
            let beta = rates.average;
            let new = |index: usize| {
                let mut state = [0.0; 2];
                state.iter_mut().zip(&before[1..ruled]).for_each(|(state, before)| *state = before.values[index]);
                let decay = if index < weights { rates.weight_decay } else { 0.0 };
                self.optimizer.update(rates, decay, before[0].values[index], gradient[index], &mut state)
            };
            let size = |index: usize| before[ruled].values[index].abs() + new(index).abs();
            let of = |(index, bound): (usize, &f64)| (1.0 - beta) * bound + 8.0 * UNIT * size(index);
            bounds.push(bounds[0].iter().enumerate().map(of).collect());
        }
        bounds
    }
}

impl<T: Scalar> Twin<T> for Apply {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let [weights, first, second, average] = written(writes, ["weight", STATES[0], STATES[1], "average"]);
        match self.optimizer.states() {
            0 => self.apply(step, reads, [&mut *weights], workspace),
            1 => self.apply(step, reads, [&mut *weights, first], workspace),
            _ => self.apply(step, reads, [&mut *weights, first, second], workspace),
        }
        if self.average {
            vectorised(Average { average, weights, beta: T::from_f64(step.rates.average) });
        }
    }
}
