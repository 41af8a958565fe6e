//! Networks trained side by side in one session come out bit for bit as each does alone, and whole steps in one dispatch train as
//! the layers' own kernels do in f64.

use std::ops::ControlFlow;

use crate::common::{Failed, Shared, Trial};
use wgrad::data::Matrix;
use wgrad::network::{Activation, Initialization, Layer, Loss, Network, Optimizer, OptimizerKind, Weights};
use wgrad::plan::Dropout;
use wgrad::random::{Purpose, Stream};
use wgrad::training::{Device, Precision, Recipe, Samples, Session, Wanted};

/// Networks side by side: more than one vector of lanes holds, and no multiple of it.
const REPLICAS: u64 = 19;
const ROWS: usize = 23;
const EPOCHS: usize = 12;

/// A network and how it is trained.
#[derive(Clone)]
struct Job {
    name: &'static str,
    network: Network,
    recipe: Recipe,
}

fn job(name: &'static str, widths: &[usize], hidden: Activation, output: Activation, optimizer: OptimizerKind) -> Job {
    let mut activations = vec![hidden; widths.len() - 1];
    *activations.last_mut().expect("a layer") = output;
    let loss = match output {
        Activation::Softmax => Loss::CrossEntropy,
        Activation::Sigmoid => Loss::BinaryCrossEntropy,
        _ => Loss::SquaredError,
    };
    let recipe = Recipe {
        optimizer: Optimizer { weight_decay: 0.001, ..Optimizer::new(optimizer) },
        shuffle: true,
        epochs: EPOCHS,
        ..Recipe::plain(loss, 0.02, 6)
    };
    Job { name, network: Network::new(widths.to_vec(), activations, true).expect("a network"), recipe }
}

/// Small enough for one invocation, for one workgroup, and for neither; and with dropout, which is layer by layer whatever the size.
fn jobs() -> Vec<Job> {
    let dropped = job("3-5-4, dropout", &[3, 5, 4], Activation::Tanh, Activation::Softmax, OptimizerKind::Adam);
    vec![
        Job { recipe: Recipe { dropout: Dropout::of_all(0.4), ..dropped.recipe }, ..dropped },
        job("3-4-2, tanh, softmax, adam", &[3, 4, 2], Activation::Tanh, Activation::Softmax, OptimizerKind::Adam),
        job("3-5-1, sigmoid, momentum", &[3, 5, 1], Activation::Gelu, Activation::Sigmoid, OptimizerKind::Momentum),
        job("3-30-20-4, relu, adamw", &[3, 30, 20, 4], Activation::Relu, Activation::Identity, OptimizerKind::Adamw),
        job("3-300-300-2, sigmoid", &[3, 300, 300, 2], Activation::Sigmoid, Activation::Identity, OptimizerKind::Sgd),
    ]
}

fn samples<T: Precision>(outputs: usize) -> Samples<T> {
    let mut stream = Stream::new(3, Purpose::Test, 0);
    let inputs: Vec<T> = (0..ROWS * 3).map(|_| T::from_f64(f64::from(stream.normal() as f32))).collect();
    let mut targets = Matrix::new(ROWS, outputs, vec![T::ZERO; ROWS * outputs]);
    for row in 0..ROWS {
        targets.values[row * outputs + stream.below(outputs as u64) as usize] = T::ONE;
    }
    Samples::new(Matrix::new(ROWS, 3, inputs), targets)
}

/// Weights, and losses of each epoch.
type Outcome<T> = (Vec<T>, Vec<f64>);

/// The weights and losses of each replica after some epochs, the replicas' seeds being these.
fn trained<T: Precision>(job: &Job, seeds: &[u64], device: &Device) -> Result<Vec<Outcome<T>>, Failed> {
    let weights: Vec<Weights<T>> = seeds.iter().map(|&seed| first_weights(&job.network, seed)).collect();
    let (network, recipe) = (job.network.clone(), Recipe { seed: seeds[0], ..job.recipe });
    let mut session = Session::replicated(network, recipe, seeds, &weights, samples(job.network.outputs()), device)?;
    let mut losses = vec![Vec::new(); seeds.len()];
    while losses[0].len() < EPOCHS {
        let left = EPOCHS - losses[0].len();
        let all = session.train_replicas(left, |_| ControlFlow::Continue(()))?;
        losses.iter_mut().zip(all).for_each(|(losses, trained)| losses.extend(trained.losses));
    }
    let numbers = |weights: Weights<T>| {
        weights.iter().flat_map(|layer| [layer.weight.values.clone(), layer.bias.clone()].concat()).collect()
    };
    losses.into_iter().enumerate().map(|(replica, losses)| Ok((numbers(session.weights_of(replica)?), losses))).collect()
}

/// The same first weights in either precision: those of f32.
fn first_weights<T: Precision>(network: &Network, seed: u64) -> Weights<T> {
    let single: Weights<f32> = Initialization::XavierUniform.weights(network, seed);
    let converted = |values: &[f32]| values.iter().map(|&value| T::from_f64(f64::from(value))).collect::<Vec<T>>();
    single
        .iter()
        .map(|layer| Layer {
            weight: Matrix::new(layer.weight.rows, layer.weight.columns, converted(&layer.weight.values)),
            bias: converted(&layer.bias),
        })
        .collect()
}

fn each_is_as_alone(job: &Job, device: &Device) -> Result<(), Failed> {
    let seeds: Vec<u64> = (0..REPLICAS).map(|replica| 7 + 3 * replica).collect();
    let together = trained::<f32>(job, &seeds, device)?;
    for (&seed, together) in seeds.iter().zip(&together) {
        let alone = trained::<f32>(job, &[seed], device)?;
        if alone[0] != *together {
            let differ = alone[0].0.iter().zip(&together.0).filter(|(a, b)| a.to_bits() != b.to_bits()).count();
            return Err(format!("the network of seed {seed} has {differ} other weights among others than alone").into());
        }
    }
    if together[0].0 == together[1].0 { Err("two seeds gave the same weights".into()) } else { Ok(()) }
}

/// 48 steps from the same weights, against f64 through the layers' own kernels. Rounding errors grow with the steps; the bound is
/// some hundred times what was seen, and a thousandth of what one wrong step comes to.
fn trains_as_in_f64(job: &Job, device: &Device) -> Result<(), Failed> {
    let single = trained::<f32>(job, &[5], device)?;
    let double = trained::<f64>(job, &[5], &Device::cpu(Some(1), "a test"))?;
    let first: Vec<f32> = first_weights::<f32>(&job.network, 5)
        .iter()
        .flat_map(|l| [l.weight.values.clone(), l.bias.clone()].concat())
        .collect();
    let moved = double[0].0.iter().zip(&first).map(|(a, &b)| (a - f64::from(b)).abs()).fold(0.0, f64::max);
    let worst = double[0].0.iter().zip(&single[0].0).map(|(a, &b)| (a - f64::from(b)).abs()).fold(0.0, f64::max);
    let losses = double[0].1.iter().zip(&single[0].1).map(|(a, b)| (a - b).abs() / a).fold(0.0, f64::max);
    if moved > 1e-3 && worst < 1e-5 && losses < 1e-4 {
        Ok(())
    } else {
        Err(format!("weights moved by {moved:e} and differ by {worst:e}, losses by {losses:e}").into())
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    let shared = Shared;
    let mut trials = Vec::new();
    for job in jobs() {
        for threads in [1, 2] {
            let alone = job.clone();
            let name = format!("cpu, {threads} threads: each of {REPLICAS} networks is as alone: {}", job.name);
            trials.push(Trial::test(name, move || each_is_as_alone(&alone, &Device::cpu(Some(threads), "a test"))));
        }
        let whole = job.clone();
        let name = format!("cpu: trains as in f64: {}", job.name);
        trials.push(Trial::test(name, move || trains_as_in_f64(&whole, &Device::cpu(Some(2), "a test"))));
        let alone = job.clone();
        let name = format!("gpu: each of {REPLICAS} networks is as alone: {}", job.name);
        trials.push(shared.trial(name, move |_| each_is_as_alone(&alone, &Device::choose(&Wanted::Gpu, None, false)?)));
        let name = format!("gpu: trains as in f64: {}", job.name);
        trials.push(shared.trial(name, move |_| trains_as_in_f64(&job, &Device::choose(&Wanted::Gpu, None, false)?)));
    }
    trials
}
