//! What several test binaries share: cases to hold against the oracle, and the device to do it on.
#![allow(dead_code, reason = "no test binary uses everything here")]

use std::sync::{Arc, OnceLock};

use libtest_mimic::{Failed, Trial};
use wgrad::executor::Executor;
use wgrad::executor::gpu::device::{Device, Gpus};
use wgrad::kernels::whole::Variant;
use wgrad::kernels::{Choice, Step};
use wgrad::network::{Activation, Loss, Network, Optimizer, OptimizerKind};
use wgrad::plan::{Launch, Options, Phase, Plan, TrainingOptions};
use wgrad::verification::{Finding, against_oracle, fill};

/// One plan to hold against the oracle.
#[derive(Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) widths: Vec<usize>,
    pub(crate) hidden: Activation,
    pub(crate) output: Activation,
    pub(crate) loss: Loss,
    pub(crate) optimizer: OptimizerKind,
    pub(crate) bias: bool,
    pub(crate) batch: usize,
    pub(crate) rows: usize,
    pub(crate) shuffle: bool,
    pub(crate) gather: bool,
    pub(crate) replicas: usize,
    pub(crate) own_steps: bool,
    pub(crate) whole: Option<Variant>,
    pub(crate) segment_bytes: Option<u64>,
    /// How products are computed on a GPU; None: as their sizes and the device suggest.
    pub(crate) choice: Option<Choice>,
}

impl Case {
    /// A net with one hidden layer, sigmoids, squared error and sgd.
    pub(crate) fn new(name: impl Into<String>, sizes: [usize; 4]) -> Self {
        let [batch, inputs, hidden, outputs] = sizes;
        Self {
            name: name.into(),
            widths: vec![inputs, hidden, outputs],
            hidden: Activation::Sigmoid,
            output: Activation::Sigmoid,
            loss: Loss::SquaredError,
            optimizer: OptimizerKind::Sgd,
            bias: true,
            batch,
            rows: 2 * batch + batch.div_ceil(3),
            shuffle: true,
            gather: false,
            replicas: 1,
            own_steps: true,
            whole: None,
            segment_bytes: None,
            choice: None,
        }
    }

    /// Its plan.
    pub(crate) fn plan(&self) -> Plan {
        let layers = self.widths.len() - 1;
        let mut activations = vec![self.hidden; layers];
        activations[layers - 1] = self.output;
        let network = Network::new(self.widths.clone(), activations, self.bias).expect("a valid case");
        let Self { rows, batch, shuffle, gather, optimizer, whole, .. } = *self;
        let training = TrainingOptions { rows, batch, shuffle, gather, optimizer, losses: rows, whole };
        let options = Options {
            loss: self.loss,
            training: Some(training),
            evaluation_rows: self.batch,
            replicas: self.replicas,
            own_steps: self.own_steps,
            segment_bytes: self.segment_bytes,
        };
        let mut plan = Plan::new(&network, &options);
        plan.training.iter_mut().chain(&mut plan.evaluation).for_each(|launch| launch.choice = self.choice_for(launch));
        plan
    }

    /// The choice for products; what is no product has none.
    fn choice_for(&self, launch: &Launch) -> Option<Choice> {
        self.choice.filter(|_| launch.kernel.product(self.batch).is_some())
    }

    /// Two whole batches and a short last one, each replica at its own learning rate.
    pub(crate) fn steps(&self) -> Vec<Step> {
        let optimizer = Optimizer { weight_decay: 0.01, ..Optimizer::new(self.optimizer) };
        let mut steps = Vec::new();
        for (number, first) in (0..self.rows).step_by(self.batch).enumerate() {
            let rows = self.batch.min(self.rows - first);
            for replica in 0..if self.own_steps { self.replicas } else { 1 } {
                let rates = optimizer.rates(number as u64 + 1, 0.1 + 0.05 * replica as f64);
                // Every other replica takes the first two batches the other way round.
                let swapped = replica % 2 == 1 && first < 2 * self.batch && self.rows >= 2 * self.batch;
                let first = if swapped { self.batch - first } else { first };
                steps.push(Step { first, rows, loss_row: number * self.batch, scale: 1.0 / rows as f64, rates });
            }
        }
        steps
    }

    /// Evaluations of as many rows as the steps have.
    pub(crate) fn evaluations(&self) -> Vec<Step> {
        self.steps().iter().map(|step| Step { first: 0, loss_row: 0, ..*step }).collect()
    }

    /// Random data, all steps of training launch by launch, then as many evaluations.
    pub(crate) fn findings(&self, executor: &mut dyn Executor<f32>) -> Result<Vec<Finding>, Failed> {
        fill(executor, 1)?;
        let steps = self.steps();
        let mut findings = against_oracle(executor, Phase::Training, &steps)?;
        findings.extend(against_oracle(executor, Phase::Evaluation, &self.evaluations())?);
        Ok(findings)
    }

    /// That nothing is outside its bound.
    pub(crate) fn check(&self, mut executor: impl Executor<f32>) -> Result<(), Failed> {
        let findings = self.findings(&mut executor)?;
        let plan = executor.plan();
        let written = |launches: &[Launch]| launches.iter().map(|launch| launch.writes.len()).sum::<usize>();
        let steps = self.steps().len() / plan.records * plan.replicas;
        let expected = steps * (written(&plan.training) + written(&plan.evaluation));
        assert_eq!(findings.len(), expected, "every written buffer of every launch is compared");
        match findings.iter().find(|finding| finding.outcome.is_err()) {
            None => Ok(()),
            Some(finding) => Err(format!("{finding:?}").into()),
        }
    }
}

/// A device, or why there is none.
fn device() -> Result<Device, Failed> {
    let gpus = Gpus::find();
    if gpus.list().is_empty() {
        return Err(
            "no GPU adapter: install one (Debian: apt-get install mesa-vulkan-drivers), or set WGRAD_TEST_NO_GPU=1".into()
        );
    }
    Ok(gpus.open(0)?)
}

/// Opens the device once for all trials of a binary, and leaves them out where `WGRAD_TEST_NO_GPU=1`.
#[derive(Clone, Default)]
pub(crate) struct Shared(Arc<OnceLock<Result<Device, Failed>>>);

impl Shared {
    /// A trial that needs the device.
    pub(crate) fn trial(&self, name: String, check: impl FnOnce(Device) -> Result<(), Failed> + Send + 'static) -> Trial {
        let left_out = std::env::var("WGRAD_TEST_NO_GPU").is_ok_and(|value| value == "1");
        let shared = self.clone();
        Trial::test(name, move || check(shared.0.get_or_init(device).clone()?)).with_ignored_flag(left_out)
    }
}
