//! The GPU path against the f64 oracle, kernel by kernel, on every size that is no multiple of anything.
//!
//! Without an adapter these tests fail and say what to install; with `WGRAD_TEST_NO_GPU=1` they are left out and show as ignored.

use libtest_mimic::{Arguments, Failed, Trial};
use wgrad::executor::Executor;
use wgrad::executor::cpu::Cpu;
use wgrad::executor::gpu::Gpu;
use wgrad::executor::gpu::device::{Device, Gpus};
use wgrad::kernels::Step;
use wgrad::network::{Activation, Loss, Network, Optimizer, OptimizerKind};
use wgrad::plan::{Options, Phase, Plan, TrainingOptions};
use wgrad::verification::{against_oracle, fill};

const ACTIVATIONS: [Activation; 6] =
    [Activation::Sigmoid, Activation::Tanh, Activation::Relu, Activation::LeakyRelu, Activation::Gelu, Activation::Identity];
const OPTIMIZERS: [OptimizerKind; 5] =
    [OptimizerKind::Sgd, OptimizerKind::Momentum, OptimizerKind::Nesterov, OptimizerKind::Adam, OptimizerKind::Adamw];
/// Batch, inputs, hidden, outputs.
const SIZES: [[usize; 4]; 9] = [
    [1, 1, 1, 1],
    [7, 8, 9, 3],
    [8, 7, 31, 10],
    [9, 31, 8, 33],
    [31, 33, 7, 1],
    [33, 9, 65, 7],
    [65, 127, 33, 9],
    [127, 65, 127, 31],
    [64, 64, 64, 64],
];

/// One plan to hold against the oracle.
#[derive(Clone)]
struct Case {
    name: String,
    widths: Vec<usize>,
    hidden: Activation,
    output: Activation,
    loss: Loss,
    optimizer: OptimizerKind,
    bias: bool,
    batch: usize,
    rows: usize,
    replicas: usize,
    segment_bytes: Option<u64>,
}

impl Case {
    fn new(name: impl Into<String>, sizes: [usize; 4]) -> Self {
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
            replicas: 1,
            segment_bytes: None,
        }
    }

    fn plan(&self) -> Plan {
        let layers = self.widths.len() - 1;
        let mut activations = vec![self.hidden; layers];
        activations[layers - 1] = self.output;
        let network = Network::new(self.widths.clone(), activations, self.bias).expect("a valid case");
        let training = TrainingOptions { rows: self.rows, batch: self.batch, optimizer: self.optimizer, losses: self.rows };
        Plan::new(
            &network,
            &Options {
                loss: self.loss,
                training: Some(training),
                evaluation_rows: self.batch,
                replicas: self.replicas,
                segment_bytes: self.segment_bytes,
            },
        )
    }

    /// Two whole batches and a short last one, each replica at its own learning rate.
    fn steps(&self) -> Vec<Step> {
        let optimizer = Optimizer { weight_decay: 0.01, ..Optimizer::new(self.optimizer) };
        let mut steps = Vec::new();
        for (number, first) in (0..self.rows).step_by(self.batch).enumerate() {
            let rows = self.batch.min(self.rows - first);
            for replica in 0..self.replicas {
                let rates = optimizer.rates(number as u64 + 1, 0.1 + 0.05 * replica as f64);
                steps.push(Step { first, rows, loss_row: first, scale: 1.0 / rows as f64, rates });
            }
        }
        steps
    }

    fn check(&self, mut executor: impl Executor<f32>) -> Result<(), Failed> {
        fill(&mut executor, 1)?;
        let steps = self.steps();
        let mut findings = against_oracle(&mut executor, Phase::Training, &steps)?;
        let evaluations: Vec<Step> = steps.iter().map(|step| Step { first: 0, loss_row: 0, ..*step }).collect();
        findings.extend(against_oracle(&mut executor, Phase::Evaluation, &evaluations)?);
        match findings.iter().find(|finding| finding.outcome.is_err()) {
            None => Ok(()),
            Some(finding) => Err(format!("{finding:?}").into()),
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for activation in ACTIVATIONS {
        for sizes in SIZES {
            let [batch, inputs, hidden, outputs] = sizes;
            let name = format!("{activation} over {batch} rows of {inputs}-{hidden}-{outputs}");
            cases.push(Case { hidden: activation, output: activation, ..Case::new(name, sizes) });
        }
    }
    for optimizer in OPTIMIZERS {
        for sizes in SIZES {
            let [batch, inputs, hidden, outputs] = sizes;
            let name = format!("{optimizer} over {batch} rows of {inputs}-{hidden}-{outputs}");
            let bias = outputs != 31;
            let case = Case { optimizer, hidden: Activation::Tanh, bias, ..Case::new(name, sizes) };
            let joint = outputs > 1;
            let (output, loss) = if joint {
                (Activation::Softmax, Loss::CrossEntropy)
            } else {
                (Activation::Sigmoid, Loss::BinaryCrossEntropy)
            };
            cases.push(Case { output, loss, ..case });
        }
    }
    let binary = Case { loss: Loss::BinaryCrossEntropy, ..Case::new("several sigmoids with cross-entropy", [9, 5, 6, 7]) };
    cases.push(binary.clone());
    cases.push(Case { name: "three replicas".into(), replicas: 3, ..binary.clone() });
    cases.push(Case {
        name: "three replicas of gelu with adam".into(),
        replicas: 3,
        hidden: Activation::Gelu,
        optimizer: OptimizerKind::Adam,
        ..binary.clone()
    });
    cases.push(Case { name: "data in segments".into(), segment_bytes: Some(300), ..binary.clone() });
    cases.push(Case { name: "one layer".into(), widths: vec![5, 7], ..binary.clone() });
    cases.push(Case { name: "five layers".into(), widths: vec![5, 7, 3, 9, 4, 2], ..binary.clone() });
    cases.push(Case { name: "a batch of all rows".into(), rows: 9, batch: 9, ..binary.clone() });
    cases.push(Case { name: "sums of 1,000 terms".into(), widths: vec![1000, 3, 2], ..binary.clone() });
    cases.push(Case {
        name: "more than 65,535 rows in a batch".into(),
        widths: vec![3, 2, 1],
        rows: 70_001,
        batch: 70_001,
        ..binary
    });
    cases
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

fn main() {
    let arguments = Arguments::from_args();
    let left_out = std::env::var("WGRAD_TEST_NO_GPU").is_ok_and(|value| value == "1");
    let shared = std::sync::Arc::new(std::sync::OnceLock::new());
    let mut trials = Vec::new();
    for case in cases() {
        let twin = case.clone();
        trials.push(Trial::test(format!("cpu: {}", case.name), move || twin.check(Cpu::<f32>::new(twin.plan(), 2)?)));
        let shared = std::sync::Arc::clone(&shared);
        let on_gpu = move || {
            let device: &Result<Device, Failed> = shared.get_or_init(device);
            let device = device.clone()?;
            case.check(Gpu::new(case.plan(), device)?)
        };
        trials.push(Trial::test(format!("gpu: {}", trials_name(&trials)), on_gpu).with_ignored_flag(left_out));
    }
    libtest_mimic::run(&arguments, trials).exit();
}

/// The name of the CPU trial just pushed, without its prefix.
fn trials_name(trials: &[Trial]) -> String {
    trials.last().map(|trial| trial.name().trim_start_matches("cpu: ").to_string()).unwrap_or_default()
}
