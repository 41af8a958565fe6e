//! The gradients of the plan, in f64, against central differences of its own losses: every loss with every pair of hidden
//! and output activation that it goes with, one to three layers, with and without biases, mean and sum over the batch.

use crate::common::{Trial, named};
use wgrad::data::Matrix;
use wgrad::network::loss::Number;
use wgrad::network::{Activation, Layer, Loss, Network};
use wgrad::random::{Purpose, Stream};
use wgrad::verification::cases::pairs;
use wgrad::verification::gradients::Problem;

const WIDTHS: [&[usize]; 3] = [&[3, 2], &[3, 4, 2], &[3, 4, 5, 3]];
const ROWS: usize = 5;

/// A network with random data and parameters; its losses are multiplied by `scale`.
fn problem(network: &Network, loss: Loss, scale: f64) -> Problem {
    problem_of(network, loss, scale, 1.0)
}

/// The same with targets so many times as large.
fn problem_of(network: &Network, loss: Loss, scale: f64, times: f64) -> Problem {
    let mut stream = Stream::new(5, Purpose::Test, network.layers() as u64);
    let mut draw = |length: usize| -> Vec<f64> { (0..length).map(|_| stream.normal()).collect() };
    let inputs = Matrix::new(ROWS, network.inputs(), draw(ROWS * network.inputs()));
    let layer = |pair: &[usize]| Layer {
        weight: Matrix::new(pair[0], pair[1], draw(pair[0] * pair[1])),
        bias: if network.bias() { draw(pair[1]) } else { Vec::new() },
    };
    let weights: Vec<_> = network.widths().windows(2).map(layer).collect();
    let mut targets: Vec<f64> = draw(ROWS * network.outputs()).into_iter().map(f64::abs).collect();
    for row in targets.chunks_mut(network.outputs()) {
        // The joint delta of softmax holds for targets that sum to one, as probabilities do.
        let sum: f64 = row.iter().sum();
        row.iter_mut().for_each(|target| *target *= times / sum);
    }
    let targets = Matrix::new(ROWS, network.outputs(), targets);
    let mut problem = Problem::new(network, loss, &weights, &inputs, &targets).expect("a problem");
    problem.step.scale = scale;
    problem
}

fn for_every_network(mut check: impl FnMut(&str, &Network, Loss)) {
    for widths in WIDTHS {
        for (output, loss) in pairs() {
            // One layer has no hidden activation to vary.
            let count = if widths.len() == 2 { 1 } else { usize::MAX };
            for hidden in Activation::hidden().take(count) {
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

fn every_gradient_is_the_difference_of_the_loss() {
    let mut worst = 0.0_f64;
    for_every_network(|name, network, loss| {
        for scale in [1.0 / ROWS as f64, 1.0] {
            let layers = problem(network, loss, scale).check(usize::MAX, 0).expect("runs");
            assert!(layers.iter().all(|layer| layer.checked == layer.parameters && layer.parameters > 0));
            let error = layers.iter().map(|layer| layer.worst).fold(0.0, f64::max);
            assert!(error <= 1e-6, "{name}, scale {scale}: relative error {error}");
            worst = worst.max(error);
        }
    });
    println!("largest relative error: {worst:.1e}");
}

fn the_sum_is_the_mean_times_the_rows() {
    for_every_network(|name, network, loss| {
        let mean = problem(network, loss, 1.0 / ROWS as f64).gradients().expect("runs");
        let sum = problem(network, loss, 1.0).gradients().expect("runs");
        for (mean, sum) in mean.iter().flatten().zip(sum.iter().flatten()) {
            assert!((mean * ROWS as f64 - sum).abs() <= 1e-13 * (1.0 + sum.abs()), "{name}: {mean} and {sum}");
        }
    });
}

fn a_wrong_gradient_is_found() {
    let network = Network::new(vec![3, 4, 2], vec![Activation::Tanh, Activation::Sigmoid], true).expect("valid");
    let mut problem = problem(&network, Loss::SquaredError, 1.0);
    // A step of another rate than 1: every gradient is a thousandth of a thousandth too large.
    problem.step.rates.learning_rate = 1.0 + 2e-6;
    let layers = problem.check(usize::MAX, 0).expect("runs");
    assert!(layers.iter().all(|layer| layer.worst > 1e-6), "{layers:?}");
}

fn the_rounding_of_a_large_loss_is_no_wrong_gradient_and_hides_none() {
    let network = Network::new(vec![3, 4, 2], vec![Activation::Sigmoid, Activation::Identity], true).expect("valid");
    let mut problem = problem_of(&network, Loss::SquaredError, 1.0, 1e7);
    let worst = |problem: &mut Problem| -> Vec<f64> {
        problem.check(usize::MAX, 0).expect("runs").iter().map(|layer| layer.worst).collect()
    };
    assert!(worst(&mut problem).iter().all(|&worst| worst <= 1e-6), "{:?}", worst(&mut problem));
    problem.step.rates.learning_rate = 1.001;
    assert!(worst(&mut problem).iter().all(|&worst| worst > 1e-4), "{:?}", worst(&mut problem));
}

fn gradients_at_a_kink_of_the_loss_are_told_right_from_wrong_as_others_are() {
    let network = Network::new(vec![1, 1], vec![Activation::Identity], false).expect("valid");
    let one = |value: f64| Matrix::new(1, 1, vec![value]);
    let huber = Loss::Huber { delta: Number::new(0.25) };
    for (loss, kink) in [(Loss::AbsoluteError, 0.0), (huber, 0.25), (huber, -0.25)] {
        for away in [0.0, 1e-9, -1e-9, 1e-3, -1e-3, 0.1, -0.1] {
            let worst = |rate: f64| {
                let weights = vec![Layer { weight: one(0.5), bias: Vec::new() }];
                let targets = one(0.5 - kink - away);
                let mut problem = Problem::new(&network, loss, &weights, &one(1.0), &targets).expect("a problem");
                problem.step.rates.learning_rate = rate;
                problem.check(usize::MAX, 0).expect("runs")[0].worst
            };
            let [right, wrong] = [1.0, 1.001].map(worst);
            assert!(right < 1e-8 && wrong > 1e-4, "{loss}, {away} from its kink: {right:e}, {wrong:e}");
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    named![
        every_gradient_is_the_difference_of_the_loss,
        the_sum_is_the_mean_times_the_rows,
        a_wrong_gradient_is_found,
        the_rounding_of_a_large_loss_is_no_wrong_gradient_and_hides_none,
        gradients_at_a_kink_of_the_loss_are_told_right_from_wrong_as_others_are,
    ]
}
