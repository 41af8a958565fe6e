//! One layer of a sigmoid trained by a rule that need not be the gradient of a loss, in f64.

use crate::data::Matrix;
use crate::error::Result;
use crate::lesson::program::{Program, Trainer};
use crate::network::activation::sigmoid;

/// A program whose delta is what a rule makes of error and slope.
pub(super) struct ByHand<R> {
    program: Program,
    rule: R,
}

impl<R: Fn(f64, f64) -> f64> ByHand<R> {
    /// The program, of one layer and one output, with its delta by this rule of error (y - a) and slope a (1 - a).
    pub(super) fn new(program: Program, rule: R) -> Self {
        assert!(program.weights.len() == 1 && program.targets.columns == 1, "one layer and one output");
        Self { program, rule }
    }
}

impl<R: Fn(f64, f64) -> f64> Trainer for ByHand<R> {
    fn train(&mut self, steps: usize) -> Result<Vec<f64>> {
        let mut losses = Vec::with_capacity(steps);
        for _ in 0..steps {
            let outputs = self.predict(&self.program.inputs.clone())?;
            let Self { program, rule } = self;
            let errors: Vec<f64> = program.targets.values.iter().zip(&outputs).map(|(y, a)| y - a).collect();
            losses.push(errors.iter().map(|error| 0.5 * error * error).sum::<f64>() / errors.len() as f64);
            for ((row, error), a) in errors.iter().enumerate().zip(&outputs) {
                let delta = rule(*error, a * (1.0 - a));
                let inputs = program.inputs.row(row).iter();
                program.weights[0].values.iter_mut().zip(inputs).for_each(|(weight, x)| *weight += program.rate * x * delta);
            }
        }
        Ok(losses)
    }

    fn predict(&mut self, inputs: &Matrix<f64>) -> Result<Vec<f64>> {
        let weights = &self.program.weights[0].values;
        let z = |row: usize| inputs.row(row).iter().zip(weights).map(|(x, weight)| x * weight).sum();
        Ok((0..inputs.rows).map(|row| sigmoid(z(row))).collect())
    }

    fn weights(&mut self) -> Result<Vec<Matrix<f64>>> {
        Ok(self.program.weights.clone())
    }

    fn restart(&mut self, weights: &[Matrix<f64>]) -> Result<()> {
        self.program.weights = weights.to_vec();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lesson::program::Machine;
    use crate::lesson::trask;
    use crate::network::Loss;

    /// The largest difference of the weights after the lesson's steps, by hand and by the plan.
    fn apart(rule: fn(f64, f64) -> f64, loss: Loss) -> f64 {
        let machine = Machine::for_tests();
        let mut by_plan = machine.trainer(&Program { loss, ..trask::program() }).expect("a trainer");
        let mut by_hand = ByHand::new(trask::program(), rule);
        by_plan.train(trask::STEPS).expect("steps");
        by_hand.train(trask::STEPS).expect("steps");
        let (plan, hand) = (by_plan.weights().expect("weights"), by_hand.weights().expect("weights"));
        plan[0].values.iter().zip(&hand[0].values).map(|(plan, hand)| (plan - hand).abs()).fold(0.0, f64::max)
    }

    #[test]
    fn error_times_slope_is_the_gradient_of_the_squared_error() {
        let apart = apart(|error, slope| error * slope, Loss::SquaredError);
        assert!(apart < 1e-9, "{apart}");
    }

    #[test]
    fn the_error_alone_is_the_gradient_of_cross_entropy() {
        let apart = apart(|error, _| error, Loss::BinaryCrossEntropy);
        assert!(apart < 1e-9, "{apart}");
    }

    #[test]
    fn another_rule_is_told_from_the_gradient() {
        assert!(apart(|error, slope| error.powi(3) * slope, Loss::SquaredError) > 1.0);
        assert!(apart(|error, slope| error * slope, Loss::BinaryCrossEntropy) > 1.0);
    }
}
