//! The gradients that training steps follow, in f64, held against central differences of the loss.

use serde::Serialize;

use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::executor::cpu::Cpu;
use crate::kernels::Step;
use crate::network::{Loss, Network, Optimizer, OptimizerKind, Weights};
use crate::plan::{BufferId, Options, Phase, Plan, TrainingOptions};
use crate::random::{Purpose, Stream};

/// Half the widths of the differences. Where an activation has a kink close by, as relu has at 0, only a narrow one does not
/// reach over it; where the loss is large beside its gradients, and so its rounding, only a wide one is exact.
const WIDTHS: [f64; 5] = [1e-4, 1e-5, 1e-6, 1e-3, WIDEST];
const WIDEST: f64 = 1e-2;

/// A network with its weights on a batch, in f64.
pub struct Problem {
    executor: Cpu<f64>,
    loss: Loss,
    targets: Vec<f64>,
    /// The step that is taken: its scale is what the batch's losses are multiplied by.
    pub step: Step,
}

/// How the gradients of one layer came out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LayerCheck {
    /// The layer, from 1.
    pub layer: usize,
    /// Its parameters, biases among them.
    pub parameters: usize,
    /// How many of them were looked at; none whose every difference reaches over a kink of the loss.
    pub checked: usize,
    /// The largest error, relative to the gradient and to at least a thousandth of the layer's largest.
    pub worst: f64,
    /// The parameter with that error: its place in the matrix of (inputs + bias) × outputs.
    pub at: usize,
}

impl Problem {
    /// The mean loss of a batch: inputs [rows × inputs], targets [rows × outputs].
    ///
    /// # Errors
    /// Usage, if loss and activation do not go together or there are no rows; limit, if the memory is not there.
    pub fn new(
        network: &Network,
        loss: Loss,
        weights: &Weights<f64>,
        inputs: &Matrix<f64>,
        targets: &Matrix<f64>,
    ) -> Result<Self> {
        loss.check(network.output_activation())?;
        let rows = inputs.rows;
        if rows == 0 {
            return Err(Error::Data("there is no row to compute a gradient from".into()));
        }
        let (shuffle, gather, optimizer) = (false, false, OptimizerKind::Sgd);
        let training = TrainingOptions { shuffle, gather, ..TrainingOptions::plain(rows, rows, optimizer) };
        let options = Options {
            loss,
            training: Some(training),
            evaluation_rows: rows,
            replicas: 1,
            own_steps: false,
            segment_bytes: None,
        };
        let plan = Plan::new(network, &options);
        let mut executor = Cpu::<f64>::new(plan.clone(), 1)?;
        for (ids, values) in [
            ([plan.inputs[0].buffer, plan.evaluation_inputs], &inputs.values),
            ([plan.targets[0].buffer, plan.evaluation_targets], &targets.values),
        ] {
            ids.into_iter().try_for_each(|id| executor.write(id, 0, values))?;
        }
        for (&id, layer) in plan.parameters.iter().zip(weights) {
            executor.write(id, 0, &[layer.weight.values.as_slice(), layer.bias.as_slice()].concat())?;
        }
        let rates = Optimizer::new(OptimizerKind::Sgd).rates(1, 1.0);
        let step = Step { rows, scale: 1.0 / rows as f64, rates, ..Step::default() };
        Ok(Self { executor, loss, targets: targets.values.clone(), step })
    }

    /// The parameters' buffers, layer by layer.
    pub fn parameters(&self) -> Vec<BufferId> {
        self.executor.plan().parameters.clone()
    }

    /// The batch's loss with the parameters as they are.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn loss(&mut self) -> Result<f64> {
        self.executor.run(Phase::Evaluation, &[self.step])?;
        let losses = self.executor.plan().evaluation_losses;
        Ok(self.step.scale * self.executor.read_values(losses, 0, self.step.rows)?.iter().sum::<f64>())
    }

    /// Each layer's outputs [rows × units], row by row, with the parameters as they are; of a softmax layer, or one with a joint loss,
    /// what the plan leaves of it.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn outputs(&mut self) -> Result<Vec<Vec<f64>>> {
        self.executor.run(Phase::Evaluation, &[self.step])?;
        let forwards = self.executor.plan().evaluation.iter().filter(|launch| launch.label.starts_with("forward"));
        let ids: Vec<BufferId> = forwards.map(|launch| launch.writes[0]).collect();
        ids.into_iter().map(|id| self.executor.read(id, 0, self.step.rows)).collect()
    }

    /// What one step of rate 1 subtracts from each parameter, layer by layer; the parameters are put back.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn gradients(&mut self) -> Result<Vec<Vec<f64>>> {
        let ids = self.parameters();
        let before: Vec<Vec<f64>> = ids.iter().map(|&id| self.read(id)).collect::<Result<_>>()?;
        self.executor.run(Phase::Training, &[self.step])?;
        let after: Vec<Vec<f64>> = ids.iter().map(|&id| self.read(id)).collect::<Result<_>>()?;
        ids.iter().zip(&before).try_for_each(|(&id, before)| self.executor.write(id, 0, before))?;
        let difference = |(before, after): (&f64, &f64)| before - after;
        Ok(before.iter().zip(&after).map(|(before, after)| before.iter().zip(after).map(difference).collect()).collect())
    }

    /// The difference of the loss over one parameter, by the five-point rule, whose error is of the order of the width's fourth
    /// power. None where an output passes a kink of the loss on the way, so that there is no one slope to find.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn difference(&mut self, id: BufferId, index: usize, width: f64) -> Result<Option<f64>> {
        let parameters = self.read(id)?;
        let mut at = |offset: f64| -> Result<(f64, Vec<i8>)> {
            let mut moved = parameters.clone();
            moved[index] += offset;
            self.executor.write(id, 0, &moved)?;
            Ok((self.loss()?, self.pieces()?))
        };
        let points = [at(-2.0 * width)?, at(-width)?, at(width)?, at(2.0 * width)?];
        self.executor.write(id, 0, &parameters)?;
        let near = points[2].0 - points[1].0;
        let far = points[3].0 - points[0].0;
        let is_smooth = points.iter().all(|(_, pieces)| *pieces == points[0].1);
        Ok(is_smooth.then_some((8.0 * near - far) / (12.0 * width)))
    }

    /// Which smooth piece of the loss each output of the last evaluation lies on.
    fn pieces(&mut self) -> Result<Vec<i8>> {
        let outputs = self.executor.plan().evaluation_outputs;
        let outputs = self.executor.read(outputs, 0, self.step.rows)?;
        Ok(outputs.iter().zip(&self.targets).map(|(&output, &target)| self.loss.piece(output, target)).collect())
    }

    /// Checks the gradients of at most `most` parameters a layer, drawn at random.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn check(&mut self, most: usize, seed: u64) -> Result<Vec<LayerCheck>> {
        let gradients = self.gradients()?;
        let mut stream = Stream::new(seed, Purpose::Test, 0);
        let layers = self.parameters().into_iter().zip(gradients).enumerate();
        let check = |(l, (id, gradients)): (usize, (BufferId, Vec<f64>))| {
            let mut indices: Vec<u32> = (0..gradients.len() as u32).collect();
            stream.shuffle(&mut indices);
            indices.truncate(most);
            let floor = 1e-3 * gradients.iter().fold(1e-6_f64, |largest, value| largest.max(value.abs()));
            let (mut worst, mut at, mut checked) = (0.0_f64, 0, 0);
            for index in indices.iter().map(|&index| index as usize) {
                let Some(error) = self.error(id, index, gradients[index], floor)? else { continue };
                checked += 1;
                if error >= worst {
                    (worst, at) = (error, index);
                }
            }
            Ok(LayerCheck { layer: l + 1, parameters: gradients.len(), checked, worst, at })
        };
        layers.map(check).collect()
    }

    /// How far a gradient is from the closest of the differences, relative to it and to at least `floor`; infinite where one of the
    /// two is no number. What the rounding of the losses explains in the widest difference, where it explains least, is no error. None
    /// where no difference counts.
    fn error(&mut self, id: BufferId, index: usize, gradient: f64, floor: f64) -> Result<Option<f64>> {
        let (mut least, mut is_checked) = (f64::INFINITY, false);
        for (number, width) in WIDTHS.into_iter().enumerate() {
            let Some(difference) = self.difference(id, index, width)? else { continue };
            is_checked = true;
            let is_widest = number + 1 == WIDTHS.len();
            let rounding = if is_widest { 8.0 * f64::EPSILON * self.loss()?.abs() / WIDEST } else { 0.0 };
            let error = ((gradient - difference).abs() - rounding).max(0.0) / difference.abs().max(floor);
            least = if error.is_nan() { least } else { least.min(error) };
            if least < 1e-8 {
                break;
            }
        }
        Ok(is_checked.then_some(least))
    }

    fn read(&mut self, id: BufferId) -> Result<Vec<f64>> {
        let rows = self.executor.plan().buffers[id].rows;
        self.executor.read(id, 0, rows)
    }
}
