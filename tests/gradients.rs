//! The gradients of the plan, in f64, against central differences of its own losses: every loss with every pair of hidden
//! and output activation that it goes with, one to three layers, with and without biases, mean and sum over the batch.

use wgrad::executor::Executor;
use wgrad::executor::cpu::Cpu;
use wgrad::kernels::Step;
use wgrad::network::{Activation, Loss, Network, Optimizer, OptimizerKind};
use wgrad::plan::{Options, Phase, Plan, TrainingOptions};
use wgrad::random::{Purpose, Stream};

const ACTIVATIONS: [Activation; 6] =
    [Activation::Sigmoid, Activation::Tanh, Activation::Relu, Activation::LeakyRelu, Activation::Gelu, Activation::Identity];
const WIDTHS: [&[usize]; 3] = [&[3, 2], &[3, 4, 2], &[3, 4, 5, 3]];
const ROWS: usize = 5;
/// Half the width of the differences.
const H: f64 = 1e-4;

/// Output activations with their losses.
fn pairs() -> Vec<(Activation, Loss)> {
    let squared = ACTIVATIONS.into_iter().map(|activation| (activation, Loss::SquaredError));
    squared.chain([(Activation::Sigmoid, Loss::BinaryCrossEntropy), (Activation::Softmax, Loss::CrossEntropy)]).collect()
}

/// A network on a plan in f64, with random data and parameters.
struct Problem {
    executor: Cpu<f64>,
    step: Step,
}

impl Problem {
    fn new(network: &Network, loss: Loss, scale: f64) -> Self {
        let (shuffle, gather, optimizer) = (false, false, OptimizerKind::Sgd);
        let training = TrainingOptions { rows: ROWS, batch: ROWS, shuffle, gather, optimizer, losses: ROWS, whole: None };
        let options = Options {
            loss,
            training: Some(training),
            evaluation_rows: ROWS,
            replicas: 1,
            own_steps: false,
            segment_bytes: None,
        };
        let plan = Plan::new(network, &options);
        let mut executor = Cpu::<f64>::new(plan.clone(), 1).expect("memory");
        let mut stream = Stream::new(5, Purpose::Test, network.layers() as u64);
        let mut draw = |length: usize| -> Vec<f64> { (0..length).map(|_| stream.normal()).collect() };
        let inputs = draw(ROWS * network.inputs());
        for id in [plan.inputs[0].buffer, plan.evaluation_inputs] {
            executor.write(id, 0, &inputs).expect("written");
        }
        for &id in &plan.parameters {
            executor.write(id, 0, &draw(plan.buffers[id].length())).expect("written");
        }
        let mut targets: Vec<f64> = draw(ROWS * network.outputs()).into_iter().map(f64::abs).collect();
        for row in targets.chunks_mut(network.outputs()) {
            // The joint delta of softmax holds for targets that sum to one, as probabilities do.
            let sum: f64 = row.iter().sum();
            row.iter_mut().for_each(|target| *target /= sum);
        }
        for id in [plan.targets[0].buffer, plan.evaluation_targets] {
            executor.write(id, 0, &targets).expect("written");
        }
        let rates = Optimizer::new(OptimizerKind::Sgd).rates(1, 1.0);
        Self { executor, step: Step { first: 0, rows: ROWS, loss_row: 0, scale, rates } }
    }

    /// The batch's loss, as its scale has it, with the parameters as they are.
    fn loss(&mut self) -> f64 {
        self.executor.run(Phase::Evaluation, &[self.step]).expect("runs");
        let losses = self.executor.plan().evaluation_losses;
        self.step.scale * self.executor.read(losses, 0, 1).expect("read")[..ROWS].iter().sum::<f64>()
    }

    /// What one step of rate 1 subtracts from each parameter; the parameters are put back.
    fn gradients(&mut self) -> Vec<Vec<f64>> {
        let ids = self.executor.plan().parameters.clone();
        let before: Vec<Vec<f64>> = ids.iter().map(|&id| self.read(id)).collect();
        self.executor.run(Phase::Training, &[self.step]).expect("runs");
        let after: Vec<Vec<f64>> = ids.iter().map(|&id| self.read(id)).collect();
        for (&id, before) in ids.iter().zip(&before) {
            self.executor.write(id, 0, before).expect("written");
        }
        before.iter().zip(&after).map(|(before, after)| before.iter().zip(after).map(|(b, a)| b - a).collect()).collect()
    }

    /// The differences of the loss over each parameter of a layer, by the five-point rule, whose error is of the order of
    /// h⁴.
    fn differences(&mut self, id: usize) -> Vec<f64> {
        let parameters = self.read(id);
        let mut at = |index: usize, offset: f64| {
            let mut moved = parameters.clone();
            moved[index] += offset;
            self.executor.write(id, 0, &moved).expect("written");
            let loss = self.loss();
            self.executor.write(id, 0, &parameters).expect("written");
            loss
        };
        (0..parameters.len())
            .map(|i| (8.0 * (at(i, H) - at(i, -H)) - (at(i, 2.0 * H) - at(i, -2.0 * H))) / (12.0 * H))
            .collect()
    }

    fn read(&mut self, id: usize) -> Vec<f64> {
        let rows = self.executor.plan().buffers[id].rows;
        self.executor.read(id, 0, rows).expect("read")
    }

    /// The largest error of a gradient, relative to the gradient and to at least a thousandth of the layer's largest.
    fn worst(&mut self) -> f64 {
        let gradients = self.gradients();
        let ids = self.executor.plan().parameters.clone();
        let mut worst = 0.0_f64;
        for (&id, gradients) in ids.iter().zip(&gradients) {
            let differences = self.differences(id);
            let floor = 1e-3 * differences.iter().fold(1e-6_f64, |largest, value| largest.max(value.abs()));
            for (gradient, difference) in gradients.iter().zip(&differences) {
                let error = (gradient - difference).abs() / difference.abs().max(floor);
                worst = if error.is_nan() { f64::INFINITY } else { worst.max(error) };
            }
        }
        worst
    }
}

fn for_every_network(mut check: impl FnMut(&str, &Network, Loss)) {
    for widths in WIDTHS {
        for (output, loss) in pairs() {
            // One layer has no hidden activation to vary.
            let hidden_activations = if widths.len() == 2 { &ACTIVATIONS[..1] } else { &ACTIVATIONS };
            for &hidden in hidden_activations {
                for bias in [true, false] {
                    let layers = widths.len() - 1;
                    let mut activations = vec![hidden; layers];
                    activations[layers - 1] = output;
                    let network = Network::new(widths.to_vec(), activations, bias).expect("a valid network");
                    check(&format!("{widths:?} of {hidden}, {output} with {loss}, bias {bias}"), &network, loss);
                }
            }
        }
    }
}

#[test]
fn every_gradient_is_the_difference_of_the_loss() {
    let mut worst = 0.0_f64;
    for_every_network(|name, network, loss| {
        for scale in [1.0 / ROWS as f64, 1.0] {
            let error = Problem::new(network, loss, scale).worst();
            assert!(error <= 1e-6, "{name}, scale {scale}: relative error {error}");
            worst = worst.max(error);
        }
    });
    println!("largest relative error: {worst:.1e}");
}

#[test]
fn the_sum_is_the_mean_times_the_rows() {
    for_every_network(|name, network, loss| {
        let mean = Problem::new(network, loss, 1.0 / ROWS as f64).gradients();
        let sum = Problem::new(network, loss, 1.0).gradients();
        for (mean, sum) in mean.iter().flatten().zip(sum.iter().flatten()) {
            assert!((mean * ROWS as f64 - sum).abs() <= 1e-13 * (1.0 + sum.abs()), "{name}: {mean} and {sum}");
        }
    });
}

#[test]
fn a_wrong_gradient_is_found() {
    let network = Network::new(vec![3, 4, 2], vec![Activation::Tanh, Activation::Sigmoid], true).expect("valid");
    let mut problem = Problem::new(&network, Loss::SquaredError, 1.0);
    // A step of another scale than its loss: every gradient is a thousandth of a thousandth too large.
    problem.step.scale = 1.0 + 2e-6;
    let gradients = problem.gradients();
    problem.step.scale = 1.0;
    let id = problem.executor.plan().parameters[0];
    let differences = problem.differences(id);
    assert!(gradients[0].iter().zip(&differences).all(|(g, d)| (g - d).abs() > 1e-6 * d.abs()));
}
