//! What is done with a gradient: an optimizer's rule on parameters, or a sum over micro-batches. `update` does it with the gradients
//! that it computes, `apply` with those that were added up.

use super::shader::{Shader, shader_file};
use super::tiling::TileMut;
use super::{Layer, Operand, Step, View};
use crate::network::OptimizerKind;
use crate::network::optimizer::Rates;
use crate::rounding::UNIT;
use crate::scalar::Scalar;
use crate::simd::Vectorised;

/// The names of the states among operands.
pub(crate) const STATES: [&str; 2] = ["first_state", "second_state"];

/// What happens to the first of some matrices of one shape, given the gradient; the others are its states.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rule {
    /// The parameters are updated.
    Optimizer(OptimizerKind),
    /// The gradients of a batch's micro-batches are added up, from the first one's on.
    Sum,
}

impl Rule {
    /// Its name in those of shaders.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Optimizer(optimizer) => optimizer.name(),
            Self::Sum => "sum",
        }
    }

    /// Matrices of the first one's shape that it keeps beside it.
    pub fn states(self) -> usize {
        match self {
            Self::Optimizer(optimizer) => optimizer.states(),
            Self::Sum => 0,
        }
    }

    /// The matrices that it changes, the first one being called `weight`: each is shaped as the layer's parameters.
    pub(super) fn operands(self, layer: Layer) -> impl Iterator<Item = Operand> {
        let names = std::iter::once("weight").chain(STATES.into_iter().take(self.states()));
        names.map(move |name| Operand::write(name, layer.parameter_rows(), layer.outputs))
    }

    /// Adds the function `updated(element, old, gradient, decay)`.
    pub(super) fn shader(self, shader: Shader) -> Shader {
        self.alone(shader).part(match self.states() {
            0 => shader_file!("states/none.wgsl"),
            1 => shader_file!("states/one.wgsl"),
            _ => shader_file!("states/two.wgsl"),
        })
    }

    /// Adds the function `rule` alone, and the step at a layer's rate.
    pub(super) fn alone(self, shader: Shader) -> Shader {
        let rule = match self {
            Self::Optimizer(optimizer) => optimizer.shader(),
            Self::Sum => shader_file!("sum.wgsl"),
        };
        shader.part(rule).part(shader_file!("layer_rate.wgsl"))
    }

    /// How far from the oracle each element of what is written may be where each gradient may be off by `errors`; weights are those
    /// before the biases, which do not decay.
    pub(super) fn bounds(
        self,
        step: &Step,
        weights: usize,
        gradient: &[f64],
        errors: impl Fn(usize) -> f64,
        before: &[View<'_, f64>],
    ) -> Vec<Vec<f64>> {
        let mut bounds = vec![vec![0.0; gradient.len()]; before.len()];
        for index in 0..gradient.len() {
            let error = errors(index);
            let decay = if index < weights { step.rates.weight_decay } else { 0.0 };
            let update = |gradient: f64| {
                let mut state = [0.0; 2];
                state.iter_mut().zip(&before[1..]).for_each(|(state, before)| *state = before.values[index]);
                let old = before[0].values[index];
                let new = match self {
                    Self::Optimizer(optimizer) => optimizer.update(&step.rates, decay, old, gradient, &mut state),
                    Self::Sum if step.micro > 0 => old + gradient,
                    Self::Sum => gradient,
                };
                [new, state[0], state[1]]
            };
            let (middle, low, high) =
                (update(gradient[index]), update(gradient[index] - error), update(gradient[index] + error));
            for (k, bounds) in bounds.iter_mut().enumerate() {
                let old = before[k].values[index];
                let spread = (low[k] - middle[k]).abs() + (high[k] - middle[k]).abs();
                // The rule itself rounds a dozen times, on numbers as large as the old value and the change. A sum that begins does
                // not look at the old value.
                let size =
                    if self == Self::Sum && step.micro == 0 { middle[k].abs() } else { old.abs() + (middle[k] - old).abs() };
                bounds[index] = spread + 16.0 * UNIT * size + f64::from(f32::MIN_POSITIVE);
            }
        }
        bounds
    }
}

/// Applies the rule to a tile of the matrices, given the gradient of the tile. Rows from `weights` on are biases, which do not decay.
pub(super) struct Ruled<'a, 'b, T, const N: usize> {
    pub(super) tile: &'a mut TileMut<'b, T, N>,
    pub(super) gradient: &'a [T],
    pub(super) weights: usize,
    pub(super) rule: Rule,
    pub(super) rates: &'a Rates<T>,
    /// The number of the micro-batch in its batch.
    pub(super) micro: usize,
}

impl<T: Scalar, const N: usize> Vectorised for Ruled<'_, '_, T, N> {
    #[inline(always)]
    fn run(self) {
        let (first, width) = (self.tile.tile.rows.start, self.tile.tile.columns.len());
        self.tile.for_each_run(
            #[inline(always)]
            |row, matrices| {
                let gradient = &self.gradient[(row - first) * width..][..matrices[0].len()];
                let optimizer = match self.rule {
                    Rule::Optimizer(optimizer) => optimizer,
                    Rule::Sum if self.micro == 0 => return matrices[0].copy_from_slice(gradient),
                    Rule::Sum => {
                        return matrices[0].iter_mut().zip(gradient).for_each(|(sum, &gradient)| *sum += gradient);
                    }
                };
                let weights = (self.weights.saturating_sub(row) * width).min(gradient.len());
                let (weights_gradient, bias_gradient) = gradient.split_at(weights);
                let mut biases: [&mut [T]; N] = std::array::from_fn(|_| &mut [][..]);
                let mut parts = matrices.into_iter().map(|matrix| matrix.split_at_mut(weights));
                let weights: [&mut [T]; N] = std::array::from_fn(|k| {
                    let (weights, bias) = parts.next().expect("one part a matrix");
                    biases[k] = bias;
                    weights
                });
                optimizer.update_all(self.rates, self.rates.weight_decay, weights, weights_gradient);
                optimizer.update_all(self.rates, T::ZERO, biases, bias_gradient);
            },
        );
    }
}
