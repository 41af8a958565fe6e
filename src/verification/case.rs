//! Plans to hold against the oracle, and the steps to do it with.

use super::{Finding, against_oracle, fill};
use crate::error::Result;
use crate::executor::Executor;
use crate::kernels::form::Family;
use crate::kernels::whole::Variant;
use crate::kernels::{Choice, Factors, Step, Target};
use crate::network::{Activation, Clip, Loss, Network, Optimizer, OptimizerKind};
use crate::plan::{Dropout, Frozen, Launch, LayerRates, Options, Phase, Plan, TrainingOptions};

/// One plan to hold against the oracle.
#[derive(Debug, Clone)]
pub struct Case {
    /// What it is about, for a person.
    pub name: String,
    /// Inputs, hidden widths, outputs.
    pub widths: Vec<usize>,
    /// The activation of all layers but the last.
    pub hidden: Activation,
    /// The activation of the last layer.
    pub output: Activation,
    /// What training makes small.
    pub loss: Loss,
    /// The rule that updates the weights.
    pub optimizer: OptimizerKind,
    /// How gradients are clipped.
    pub clip: Clip,
    /// The penalty of the weights' magnitudes.
    pub l1: f64,
    /// β of the weights' average; 0: none is kept.
    pub average: f64,
    /// Whether the layers have biases.
    pub bias: bool,
    /// Rows of a batch, and of an evaluation.
    pub batch: usize,
    /// Micro-batches of a batch.
    pub micro_batches: usize,
    /// Rows of the data.
    pub rows: usize,
    /// Whether each row has a weight of its own.
    pub weighted: bool,
    /// Layers that are not trained.
    pub frozen: Frozen,
    /// What each layer's learning rate is of that of the step.
    pub layer_rates: LayerRates,
    /// The share of each hidden layer's units that is dropped.
    pub dropout: f64,
    /// Whether each layer has a share of its own, each half, a third and so on of the first one's, instead of the steps saying one.
    pub layered_dropout: bool,
    /// The exponent of the loss scale, where training is mixed: the factors of wide layers' products are rounded to f16 then.
    pub mixed: Option<i32>,
    /// Whether the rows are read through an order.
    pub shuffle: bool,
    /// Whether the rows of a batch are copied together first.
    pub gather: bool,
    /// Networks trained side by side.
    pub replicas: usize,
    /// Whether each replica has a step record of its own.
    pub own_steps: bool,
    /// Whether the updates of all layers are one launch.
    pub joint: bool,
    /// The variant of the whole network's kernel, instead of a kernel a layer.
    pub whole: Option<Variant>,
    /// The largest buffer of data; data over it is cut into segments.
    pub segment_bytes: Option<u64>,
    /// What the random numbers are drawn from.
    pub seed: u64,
    /// How products are computed on a GPU; None: as their sizes and the device suggest.
    pub choice: Option<Choice>,
}

impl Case {
    /// A net with one hidden layer, sigmoids, squared error and sgd.
    pub fn new(name: impl Into<String>, sizes: [usize; 4]) -> Self {
        let [batch, inputs, hidden, outputs] = sizes;
        Self {
            name: name.into(),
            widths: vec![inputs, hidden, outputs],
            hidden: Activation::Sigmoid,
            output: Activation::Sigmoid,
            loss: Loss::SquaredError,
            optimizer: OptimizerKind::Sgd,
            clip: Clip::None,
            l1: 0.0,
            average: 0.0,
            weighted: false,
            frozen: Frozen::default(),
            layer_rates: LayerRates::default(),
            dropout: 0.0,
            layered_dropout: false,
            mixed: None,
            bias: true,
            batch,
            micro_batches: 1,
            rows: 2 * batch + batch.div_ceil(3),
            shuffle: true,
            gather: false,
            replicas: 1,
            own_steps: true,
            joint: false,
            whole: None,
            segment_bytes: None,
            seed: 1,
            choice: None,
        }
    }

    /// Whether such a device may be given its kernels: one without subgroups or matrix units, or with less memory for a workgroup, is never
    /// given those that need them.
    pub fn is_for(&self, target: &Target) -> bool {
        self.whole.is_none_or(|variant| variant.is_for(target))
            && self.choice.is_none_or(|choice| choice.family.fits(target))
    }

    /// Its plan.
    ///
    /// # Panics
    /// If its sizes or its loss and activations make no network.
    pub fn plan(&self) -> Plan {
        let layers = self.widths.len() - 1;
        let mut activations = vec![self.hidden; layers];
        activations[layers - 1] = self.output;
        let network = Network::new(self.widths.clone(), activations, self.bias).expect("a valid case");
        let training = self.training();
        let options = Options {
            loss: self.loss,
            training: Some(training),
            evaluation_rows: training.micro_batch(),
            evaluation_data: 0,
            replicas: self.replicas,
            own_steps: self.own_steps,
            segment_bytes: self.segment_bytes,
        };
        let mut plan = Plan::new(&network, &options);
        plan.training.iter_mut().chain(&mut plan.evaluation).for_each(|launch| launch.choice = self.choice_for(launch));
        plan
    }

    fn optimizer(&self) -> Optimizer {
        let Self { clip, l1, average, .. } = *self;
        Optimizer { weight_decay: 0.01, clip, l1, average, ..Optimizer::new(self.optimizer) }
    }

    fn training(&self) -> TrainingOptions {
        let Self {
            rows,
            batch,
            micro_batches,
            weighted,
            frozen,
            layer_rates,
            mixed,
            shuffle,
            gather,
            optimizer,
            joint,
            whole,
            ..
        } = *self;
        let extras = self.optimizer().extras();
        TrainingOptions {
            windows: 1,
            bootstrap: false,
            rows,
            batch,
            micro_batches,
            shuffle,
            gather,
            optimizer,
            extras,
            weighted,
            frozen,
            layer_rates,
            dropout: self.dropped(),
            mixed: mixed.is_some(),
            losses: rows,
            joint,
            whole,
        }
    }

    /// The choice for products; what is no product has none.
    fn choice_for(&self, launch: &Launch) -> Option<Choice> {
        let mixed = launch.kernel.factors() == Factors::Halves;
        let suits = |choice: &Choice| mixed || !Family::UNITS.contains(&choice.family);
        self.choice.filter(|_| launch.kernel.product(self.batch).is_some()).filter(suits)
    }

    /// What is dropped: a share that the steps say, or one of each layer.
    fn dropped(&self) -> Dropout {
        let of_layer = |layer: usize| self.dropout / (1 + layer) as f64;
        match self.layered_dropout {
            true => Dropout::of_each(&(0..self.widths.len() - 2).map(of_layer).collect::<Vec<_>>()),
            false => Dropout::of_all(self.dropout),
        }
    }

    /// The steps of an epoch: two whole batches and a short last one, unless its sizes say otherwise, each in its micro-batches, each
    /// replica at its own learning rate.
    pub fn steps(&self) -> Vec<Step> {
        let optimizer = self.optimizer();
        let micro_batch = self.training().micro_batch();
        let loss_scale = self.mixed.unwrap_or(0);
        let mut steps = Vec::new();
        for (number, first) in (0..self.rows).step_by(self.batch).enumerate() {
            let rows = self.batch.min(self.rows - first);
            for (micro, begun) in (0..rows).step_by(micro_batch).enumerate() {
                let micro_rows = micro_batch.min(rows - begun);
                for replica in 0..if self.own_steps { self.replicas } else { 1 } {
                    // Every other replica takes the first two batches the other way round.
                    let swapped = replica % 2 == 1 && first < 2 * self.batch && self.rows >= 2 * self.batch;
                    let first = if swapped { self.batch - first } else { first };
                    steps.push(Step {
                        first: first + begun,
                        rows: micro_rows,
                        loss_row: if self.whole.is_some() { number } else { number * self.batch + begun },
                        scale: 2.0_f64.powi(loss_scale) / rows as f64,
                        rates: optimizer.rates(number as u64 + 1, 0.1 + 0.05 * replica as f64),
                        micro,
                        is_partial: begun + micro_rows < rows,
                        key: [number as u32, replica as u32],
                        dropped: self.dropped().by_step().unwrap_or(0),
                        loss_scale,
                    });
                }
            }
        }
        steps
    }

    /// Evaluations of as many rows as the steps have.
    pub fn evaluations(&self) -> Vec<Step> {
        self.steps().iter().map(|step| Step { first: 0, loss_row: 0, ..*step }).collect()
    }

    /// Random data, all steps of training launch by launch, then as many evaluations.
    ///
    /// # Errors
    /// What the executor reports.
    pub fn findings(&self, executor: &mut dyn Executor<f32>) -> Result<Vec<Finding>> {
        fill(executor, self.seed)?;
        let steps = self.steps();
        let mut findings = against_oracle(executor, Phase::Training, &steps)?;
        findings.extend(against_oracle(executor, Phase::Evaluation, &self.evaluations())?);
        Ok(findings)
    }

    /// How many findings [`findings`](Self::findings) gives: one for every buffer that a launch writes, in every step.
    pub fn expected_findings(&self, plan: &Plan) -> usize {
        let written = |launches: &[Launch], step: &Step| -> usize {
            launches.iter().filter(|launch| launch.is_run_in(step)).map(|launch| launch.writes.len()).sum()
        };
        let steps = self.steps();
        let of_step = |step: &[Step]| written(&plan.training, &step[0]) + written(&plan.evaluation, &step[0]);
        plan.replicas * steps.chunks(plan.records).map(of_step).sum::<usize>()
    }
}
