//! W -= step(g), for gradients that were added up before. Shader: `shaders/apply.wgsl`.

use super::product;
use super::rule::{Rule, Ruled};
use super::shader::{Shader, shader_file};
use super::tiling::Tiling;
use super::{Form, Kernel, Source, Step, Twin, View, ViewMut, Workspace, error_of};
use crate::network::OptimizerKind;
use crate::network::optimizer::Rates;
use crate::scalar::Scalar;
use crate::simd::vectorised;

/// Reads gradients [(inputs + bias) × outputs]; writes parameters and as many buffers as the optimizer has states, all of that shape.
#[derive(Debug, Clone)]
pub struct Apply {
    /// Width of the layer's input.
    pub inputs: usize,
    /// Width of the layer's output.
    pub outputs: usize,
    /// Whether the last row of the parameters is the biases.
    pub bias: bool,
    /// The rule that turns a gradient into a step.
    pub optimizer: OptimizerKind,
}

/// Elements that a thread goes through at a time.
const TILE: usize = 1 << 15;

impl Apply {
    fn rows(&self) -> usize {
        self.inputs + usize::from(self.bias)
    }

    fn apply<T: Scalar, const N: usize>(&self, step: &Step, gradient: &[T], matrices: [&mut [T]; N], threads: usize) {
        let (rates, rule): (Rates<T>, Rule) = (step.rates.converted(), Rule::Optimizer(self.optimizer));
        Tiling::of_rows(self.rows(), self.outputs, TILE).for_each(matrices, threads, |tile| {
            let gradient = &gradient[tile.tile.rows.start * self.outputs..tile.tile.rows.end * self.outputs];
            vectorised(Ruled { tile, gradient, weights: self.inputs, rule, rates: &rates, micro: 0 });
        });
    }
}

impl Kernel for Apply {
    fn name(&self) -> &'static str {
        "apply"
    }

    fn shader(&self, form: Form) -> Shader {
        let shader = Shader::new(format!("apply-{}-{}", self.optimizer, form.lanes))
            .constant("LANES", form.lanes)
            .constant("WRITES", 3);
        Rule::Optimizer(self.optimizer).shader(product::common(shader)).part(shader_file!("apply.wgsl"))
    }

    fn parameters(&self, form: Form) -> Vec<u32> {
        product::layer([self.inputs, self.outputs, usize::from(self.bias), 0], Source::Batch, 0, form)
    }

    fn workgroups(&self, _rows: usize, form: Form) -> [u64; 2] {
        product::elementwise_workgroups(self.rows(), self.outputs, form.lanes)
    }

    fn iterations(&self, _rows: usize, _form: Form) -> u64 {
        1
    }

    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], errors: &[&[f64]], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        let (rule, weights) = (Rule::Optimizer(self.optimizer), self.inputs * self.outputs);
        rule.bounds(step, weights, reads[0].values, |index| error_of(errors[0], index), before)
    }
}

impl<T: Scalar> Twin<T> for Apply {
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>) {
        let (gradient, threads) = (reads[0].values, workspace.threads);
        match writes {
            [parameters] => self.apply(step, gradient, [parameters.values], threads),
            [parameters, first] => self.apply(step, gradient, [parameters.values, first.values], threads),
            [parameters, first, second] => {
                self.apply(step, gradient, [parameters.values, first.values, second.values], threads);
            }
            _ => panic!("apply writes parameters and at most two states"),
        }
    }
}
