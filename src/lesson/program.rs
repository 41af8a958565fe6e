//! A small program as wgrad sees it: a network without biases, its first weights and its data, trained by the session.

use std::ops::ControlFlow;

use crate::data::Matrix;
use crate::error::Result;
use crate::network::{Activation, Layer, Loss, Network, Weights, converted};
use crate::training::session::{Device, Precision, PrecisionName, Recipe, Reduction, Samples, Session};
use crate::verification::gradients::Problem;

/// Where a lesson computes, and in which type.
pub(super) struct Machine {
    pub(super) device: Device,
    pub(super) precision: PrecisionName,
}

/// What the small programs have in common: no biases, every row in every step.
pub(super) struct Program {
    /// rows × inputs.
    pub(super) inputs: Matrix<f64>,
    /// rows × outputs.
    pub(super) targets: Matrix<f64>,
    /// The first weights, inputs × outputs, layer by layer.
    pub(super) weights: Vec<Matrix<f64>>,
    /// The learning rate.
    pub(super) rate: f64,
    /// Whether the rows' steps are added up or averaged.
    pub(super) reduction: Reduction,
    /// What it makes small; the outputs are a softmax where that is the cross-entropy of classes, and sigmoids else.
    pub(super) loss: Loss,
    /// The activation of the hidden layers.
    pub(super) hidden: Activation,
}

/// What came of some steps.
pub(super) struct Came {
    /// The outputs that the last step computed before its update, as the programs show them.
    pub(super) output: Vec<f64>,
    /// The mean over the rows of the loss before each step's update.
    pub(super) losses: Vec<f64>,
    /// The weights after them.
    pub(super) weights: Vec<Matrix<f64>>,
}

/// A program under way, on any device and in any type; its numbers come and go in f64.
pub(super) trait Trainer {
    /// Takes this many steps and gives the mean over the rows of the loss, before each step's update.
    fn train(&mut self, steps: usize) -> Result<Vec<f64>>;
    /// The outputs for some inputs, row by row.
    fn predict(&mut self, inputs: &Matrix<f64>) -> Result<Vec<f64>>;
    /// The weights as they are, inputs × outputs.
    fn weights(&mut self) -> Result<Vec<Matrix<f64>>>;
    /// Starts again from these weights.
    fn restart(&mut self, weights: &[Matrix<f64>]) -> Result<()>;

    /// Trains so many steps.
    fn run(&mut self, steps: usize, inputs: &Matrix<f64>) -> Result<Came> {
        let mut losses = self.train(steps - 1)?;
        let output = self.predict(inputs)?;
        losses.extend(self.train(1)?);
        Ok(Came { output, losses, weights: self.weights()? })
    }
}

#[cfg(test)]
impl Machine {
    /// The CPU in f64.
    pub(super) fn for_tests() -> Self {
        Self { device: Device::cpu(Some(1), "a test"), precision: PrecisionName::F64 }
    }
}

impl Machine {
    /// Puts a program onto the device.
    pub(super) fn trainer(&self, program: &Program) -> Result<Box<dyn Trainer>> {
        Ok(match self.precision {
            PrecisionName::F32 | PrecisionName::Mixed => Box::new(program.session::<f32>(&self.device)?),
            PrecisionName::F64 => Box::new(program.session::<f64>(&self.device)?),
        })
    }

    /// Trains the program from each of these first weights, side by side, and gives each one's losses before so many steps.
    pub(super) fn side_by_side(&self, program: &Program, first: &[Vec<Matrix<f64>>], steps: usize) -> Result<Vec<Vec<f64>>> {
        match self.precision {
            PrecisionName::F32 | PrecisionName::Mixed => program.side_by_side::<f32>(&self.device, first, steps),
            PrecisionName::F64 => program.side_by_side::<f64>(&self.device, first, steps),
        }
    }

    /// How far weights below `bound` (a power of two) may be from the exact run's. In f64 that is 1e-9. In f32 every step
    /// rounds a weight by half a unit in its last place, which is 2^-25 of `bound`; where the steps have become smaller than
    /// the unit itself, as they do once a net has learned, they are rounded one way, so that the roundings add up.
    pub(super) fn drift(&self, steps: usize, bound: f64) -> f64 {
        self.tolerance(1e-9, Self::drift_of_singles(steps, bound))
    }

    /// The same in f32.
    pub(super) fn drift_of_singles(steps: usize, bound: f64) -> f64 {
        steps as f64 * bound * 2.0_f64.powi(-25)
    }

    /// The tolerance of f64 or of f32, as it is.
    pub(super) fn tolerance(&self, double: f64, single: f64) -> f64 {
        if self.precision == PrecisionName::F64 { double } else { single }
    }
}

impl Program {
    /// A program as most are: sigmoids, the loss ½ Σ (a - y)², the rows' steps added up.
    pub(super) fn new(inputs: Matrix<f64>, targets: &[f64], weights: Vec<Matrix<f64>>, rate: f64) -> Self {
        let (reduction, loss, hidden) = (Reduction::Sum, Loss::SquaredError, Activation::Sigmoid);
        Self { inputs, targets: column(targets), weights, rate, reduction, loss, hidden }
    }

    /// The network, and how it is trained.
    pub(super) fn parts(&self) -> Result<(Network, Recipe)> {
        let widths = std::iter::once(self.inputs.columns).chain(self.weights.iter().map(|weight| weight.columns)).collect();
        let output = if self.loss == Loss::CrossEntropy { Activation::Softmax } else { Activation::Sigmoid };
        let mut activations = vec![self.hidden; self.weights.len() - 1];
        activations.push(output);
        let recipe = Recipe { reduction: self.reduction, ..Recipe::plain(self.loss, self.rate, self.inputs.rows) };
        Ok((Network::new(widths, activations, false)?, recipe))
    }

    /// The program before its first step, whose gradients the plan computes in f64.
    pub(super) fn problem(&self) -> Result<Problem> {
        let (network, recipe) = self.parts()?;
        Problem::new(&network, recipe.loss, &layers(&self.weights), &self.inputs, &self.targets)
    }

    fn session<T: Precision>(&self, device: &Device) -> Result<Session<T>> {
        let (network, recipe) = self.parts()?;
        let samples = Samples::new(self.inputs.converted(), self.targets.converted());
        Session::new(network, recipe, &layers(&self.weights), samples, device)
    }

    fn side_by_side<T: Precision>(
        &self,
        device: &Device,
        first: &[Vec<Matrix<f64>>],
        steps: usize,
    ) -> Result<Vec<Vec<f64>>> {
        let (network, recipe) = self.parts()?;
        let samples = Samples::new(self.inputs.converted(), self.targets.converted());
        let first: Vec<Weights<T>> = first.iter().map(|weights| layers(weights)).collect();
        let mut session = Session::side_by_side(network, &vec![recipe; first.len()], &first, samples, device)?;
        let mut losses = vec![Vec::with_capacity(steps); first.len()];
        while losses[0].len() < steps {
            let epochs = (steps - losses[0].len()).min(session.epochs_at_once());
            let trained = session.train_replicas(epochs, |_| ControlFlow::Continue(()))?;
            losses.iter_mut().zip(trained).for_each(|(losses, trained)| losses.extend(trained.losses));
        }
        Ok(losses)
    }
}

/// Matrices as the layers of a network without biases.
pub(super) fn layers<T: Precision>(weights: &[Matrix<f64>]) -> Weights<T> {
    weights.iter().map(|weight| Layer { weight: weight.converted(), bias: Vec::new() }).collect()
}

impl<T: Precision> Trainer for Session<T> {
    fn train(&mut self, steps: usize) -> Result<Vec<f64>> {
        let mut losses = Vec::with_capacity(steps);
        while losses.len() < steps {
            let epochs = (steps - losses.len()).min(self.epochs_at_once());
            losses.extend(Session::train(self, epochs, |_| ControlFlow::Continue(()))?.losses);
        }
        Ok(losses)
    }

    fn predict(&mut self, inputs: &Matrix<f64>) -> Result<Vec<f64>> {
        Ok(Session::predict(self, &inputs.converted())?.converted().values)
    }

    fn weights(&mut self) -> Result<Vec<Matrix<f64>>> {
        Ok(converted(&Session::weights(self)?).into_iter().map(|layer| layer.weight).collect())
    }

    fn restart(&mut self, weights: &[Matrix<f64>]) -> Result<()> {
        self.set_weights(&layers(weights))
    }
}

/// The four rows that three of the lessons learn from: two bits and a third input that is always 1.
pub(super) fn two_bits() -> Matrix<f64> {
    #[rustfmt::skip]
    let values = vec![
        0.0, 0.0, 1.0,
        0.0, 1.0, 1.0,
        1.0, 0.0, 1.0,
        1.0, 1.0, 1.0,
    ];
    Matrix::new(4, 3, values)
}

/// A column of numbers, as targets of a single output are given.
pub(super) fn column(values: &[f64]) -> Matrix<f64> {
    Matrix::new(values.len(), 1, values.to_vec())
}

/// Mean of (y - a)².
pub(super) fn mean_squared_error(targets: &[f64], outputs: &[f64]) -> f64 {
    mean(targets.iter().zip(outputs).map(|(y, a)| (y - a) * (y - a)))
}

/// Mean of |y - a|.
pub(super) fn mean_absolute_error(targets: &[f64], outputs: &[f64]) -> f64 {
    mean(targets.iter().zip(outputs).map(|(y, a)| (y - a).abs()))
}

fn mean(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let count = values.len() as f64;
    values.sum::<f64>() / count
}
