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
/// How far an output is kept from a kink of the loss: farther than the narrow differences reach.
const FROM_KINKS: f64 = 1e-2;

/// A network with its weights on a batch, in f64.
pub struct Problem {
    executor: Cpu<f64>,
    loss: Loss,
    /// The first layer, from 0, whose evaluation is that of parameters which were moved since.
    stale: usize,
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
    /// How many of them were looked at.
    pub checked: usize,
    /// The largest error, relative to the gradient and to at least a thousandth of the layer's largest.
    pub worst: f64,
    /// The parameter with that error: its place in the matrix of (inputs + bias) × outputs.
    pub at: usize,
}

impl LayerCheck {
    /// The same layer of two networks as one: all parameters, and the larger of the errors.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let worse = if other.worst > self.worst || other.worst.is_nan() { other } else { self };
        let (parameters, checked) = (self.parameters + other.parameters, self.checked + other.checked);
        Self { parameters, checked, ..worse.clone() }
    }
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
        let training = TrainingOptions::plain(inputs.rows, inputs.rows, OptimizerKind::Sgd);
        Self::trained(network, loss, weights, inputs, targets, training)
    }

    /// The same, whose training step is this one, over all rows as they lie.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub(crate) fn trained(
        network: &Network,
        loss: Loss,
        weights: &Weights<f64>,
        inputs: &Matrix<f64>,
        targets: &Matrix<f64>,
        training: TrainingOptions,
    ) -> Result<Self> {
        loss.check(network.output_activation())?;
        let rows = inputs.rows;
        if rows == 0 {
            return Err(Error::Data("there is no row to compute a gradient from".into()));
        }
        let options = Options {
            loss,
            training: Some(training),
            evaluation_rows: rows,
            evaluation_data: 0,
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
        Ok(Self { executor, loss, stale: 0, step })
    }

    /// The plan that is run.
    pub(crate) fn plan(&self) -> &Plan {
        self.executor.plan()
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
        self.loss_from(0)
    }

    /// The batch's loss, where no parameters were moved since the last evaluation but those of this layer, from 0, and of the layers after
    /// it: those before it are not gone through again.
    fn loss_from(&mut self, layer: usize) -> Result<f64> {
        // Launch by launch a layer: the last may be two.
        let launches = layer.min(self.stale)..self.executor.plan().evaluation.len();
        self.executor.run_launches(Phase::Evaluation, launches, &[self.step])?;
        self.stale = layer;
        let losses = self.executor.plan().evaluation_losses;
        Ok(self.step.scale * self.executor.read_values(losses, 0, self.step.rows)?.iter().sum::<f64>())
    }

    /// Each layer's outputs [rows × units], row by row, with the parameters as they are; of a softmax layer, or one with a joint loss,
    /// what the plan leaves of it.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn outputs(&mut self) -> Result<Vec<Vec<f64>>> {
        self.loss()?;
        let forwards = self.executor.plan().evaluation.iter().filter(|launch| launch.label.starts_with("forward"));
        let ids: Vec<BufferId> = forwards.map(|launch| launch.writes[0]).collect();
        ids.into_iter().map(|id| self.executor.read(id, 0, self.step.rows)).collect()
    }

    /// What one step of rate 1 subtracts from each parameter, layer by layer; the parameters are put back.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn gradients(&mut self) -> Result<Vec<Vec<f64>>> {
        Ok(self.steps()?.into_iter().map(|layer| layer.into_iter().map(|step| -step).collect()).collect())
    }

    /// What one training step adds to each parameter, layer by layer; the parameters are put back.
    ///
    /// # Errors
    /// What the executor reports.
    pub(crate) fn steps(&mut self) -> Result<Vec<Vec<f64>>> {
        let ids = self.parameters();
        let before: Vec<Vec<f64>> = ids.iter().map(|&id| self.read(id)).collect::<Result<_>>()?;
        self.executor.run(Phase::Training, &[self.step])?;
        let after: Vec<Vec<f64>> = ids.iter().map(|&id| self.read(id)).collect::<Result<_>>()?;
        ids.iter().zip(&before).try_for_each(|(&id, before)| self.executor.write(id, 0, before))?;
        let difference = |(before, after): (&f64, &f64)| after - before;
        Ok(before.iter().zip(&after).map(|(before, after)| before.iter().zip(after).map(difference).collect()).collect())
    }

    /// The difference of the loss over one parameter, by the five-point rule, whose error is of the order of the width's fourth
    /// power.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn difference(&mut self, id: BufferId, index: usize, width: f64) -> Result<f64> {
        let layer = self.layer_of(id);
        let parameter = self.executor.values_mut(id)[index];
        let mut at = |offset: f64| -> Result<f64> {
            self.executor.values_mut(id)[index] = parameter + offset;
            self.loss_from(layer)
        };
        let near = at(width)? - at(-width)?;
        let far = at(2.0 * width)? - at(-2.0 * width)?;
        self.executor.values_mut(id)[index] = parameter;
        Ok((8.0 * near - far) / (12.0 * width))
    }

    /// The layer, from 0, whose parameters a buffer has.
    fn layer_of(&self, id: BufferId) -> usize {
        let layer = self.executor.plan().parameters.iter().position(|&layer| layer == id);
        layer.expect("a buffer of parameters")
    }

    /// Moves targets away from outputs that lie at a kink of the loss: there no difference tells the gradient, and a network that is
    /// trained by the absolute error meets some targets exactly.
    fn leave_kinks(&mut self) -> Result<()> {
        self.loss()?;
        let plan = self.executor.plan();
        let (outputs, evaluated, trained) = (plan.evaluation_outputs, plan.evaluation_targets, plan.targets[0].buffer);
        let mut targets = self.executor.read(evaluated, 0, self.step.rows)?;
        for (output, target) in self.executor.read(outputs, 0, self.step.rows)?.into_iter().zip(&mut targets) {
            let is_smooth = |target: f64| {
                let [below, above] = [-FROM_KINKS, FROM_KINKS].map(|offset| self.loss.piece(output + offset, target));
                below == above
            };
            let start = *target;
            let mut moved = (0..).map(|step| start + f64::from(step) * FROM_KINKS);
            *target = moved.find(|&target| is_smooth(target)).expect("a loss has few kinks");
        }
        [evaluated, trained].into_iter().try_for_each(|id| self.executor.write(id, 0, &targets))
    }

    /// Checks the gradients of at most `most` parameters a layer, drawn at random; where targets lie at kinks of the loss, those for
    /// targets beside them.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn check(&mut self, most: usize, seed: u64) -> Result<Vec<LayerCheck>> {
        self.leave_kinks()?;
        let gradients = self.gradients()?;
        let mut stream = Stream::new(seed, Purpose::Test, 0);
        let layers = self.parameters().into_iter().zip(gradients).enumerate();
        let check = |(l, (id, gradients)): (usize, (BufferId, Vec<f64>))| {
            let mut indices: Vec<u32> = (0..gradients.len() as u32).collect();
            stream.shuffle(&mut indices);
            indices.truncate(most);
            let floor = 1e-3 * gradients.iter().fold(1e-6_f64, |largest, value| largest.max(value.abs()));
            let (mut worst, mut at) = (0.0_f64, 0);
            for index in indices.iter().map(|&index| index as usize) {
                let (_, error) = self.closest_difference(id, index, gradients[index], floor)?;
                if error >= worst {
                    (worst, at) = (error, index);
                }
            }
            Ok(LayerCheck { layer: l + 1, parameters: gradients.len(), checked: indices.len(), worst, at })
        };
        layers.map(check).collect()
    }

    /// The closest of the differences to a gradient, and how far the gradient is from it, relative to it and to at least `floor`; infinite
    /// where one of the two is no number. What the rounding of the losses explains in the widest difference, where it explains least, is
    /// no error.
    ///
    /// # Errors
    /// What the executor reports.
    pub(crate) fn closest_difference(
        &mut self,
        id: BufferId,
        index: usize,
        gradient: f64,
        floor: f64,
    ) -> Result<(f64, f64)> {
        let mut closest = (f64::NAN, f64::INFINITY);
        for (number, width) in WIDTHS.into_iter().enumerate() {
            let difference = self.difference(id, index, width)?;
            let is_widest = number + 1 == WIDTHS.len();
            let rounding = if is_widest { 8.0 * f64::EPSILON * self.loss()?.abs() / WIDEST } else { 0.0 };
            let error = ((gradient - difference).abs() - rounding).max(0.0) / difference.abs().max(floor);
            if error < closest.1 {
                closest = (difference, error);
            }
            if closest.1 < 1e-8 {
                break;
            }
        }
        Ok(closest)
    }

    /// The slopes of the loss over one parameter on both sides, the lower one first, where they differ: at a kink, as relu has at 0, where any
    /// number between the two is a gradient. None where the loss is smooth.
    ///
    /// # Errors
    /// What the executor reports.
    pub(crate) fn kink(&mut self, id: BufferId, index: usize) -> Result<Option<[f64; 2]>> {
        /// Narrow, so that a bend that is smooth hardly shows, and what is more than such a bend or rounding makes.
        const WIDTH: f64 = 1e-6;
        const APART: f64 = 1e-2;
        let layer = self.layer_of(id);
        let parameter = self.executor.values_mut(id)[index];
        let mut at = |offset: f64| -> Result<f64> {
            self.executor.values_mut(id)[index] = parameter + offset;
            self.loss_from(layer)
        };
        let (above, below, here) = (at(WIDTH)?, at(-WIDTH)?, at(0.0)?);
        let [left, right] = [(here - below) / WIDTH, (above - here) / WIDTH];
        let rounding = 8.0 * f64::EPSILON * here.abs() / WIDTH;
        let apart = (left - right).abs() - rounding;
        Ok((apart > APART * left.abs().max(right.abs())).then_some([left.min(right), left.max(right)]))
    }

    /// Whole rows of a buffer of one replica.
    ///
    /// # Errors
    /// What the executor reports.
    pub(crate) fn read(&mut self, id: BufferId) -> Result<Vec<f64>> {
        let rows = self.executor.plan().buffers[id].rows;
        self.executor.read(id, 0, rows)
    }
}
