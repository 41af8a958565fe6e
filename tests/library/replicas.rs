//! Networks trained side by side in one session come out bit for bit as each does alone, and whole steps in one dispatch train as
//! the layers' own kernels do in f64.

use std::ops::ControlFlow;

use crate::common::{Failed, Shared, Trial};
use wgrad::data::Matrix;
use wgrad::network::{Activation, Clip, Initialization, Layer, Loss, Network, Optimizer, OptimizerKind, Weights};
use wgrad::plan::Dropout;
use wgrad::random::{Purpose, Stream};
use wgrad::training::{Device, Precision, Recipe, Reduction, Samples, Schedule, ScheduleKind, Session, Wanted};

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

/// What is done beside the optimizer's rule, which is layer by layer whatever the size.
fn jobs_beyond_the_rule() -> Vec<Job> {
    let adam = job("3-5-4, norm, L1, average", &[3, 5, 4], Activation::Relu, Activation::Softmax, OptimizerKind::Adam);
    let extras = Optimizer { l1: 1e-3, average: 0.9, clip: Clip::Norm(0.2), ..adam.recipe.optimizer };
    let sgd = job("3-5-1, values clipped", &[3, 5, 1], Activation::Tanh, Activation::Sigmoid, OptimizerKind::Nesterov);
    let clipped = Optimizer { clip: Clip::Value(0.01), ..sgd.recipe.optimizer };
    vec![
        Job { recipe: Recipe { optimizer: extras, ..adam.recipe }, ..adam },
        Job { recipe: Recipe { optimizer: clipped, ..sgd.recipe }, ..sgd },
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
    let recipes: Vec<Recipe> = seeds.iter().map(|&seed| Recipe { seed, ..job.recipe }).collect();
    let rows = samples(job.network.outputs());
    let mut session = Session::side_by_side(job.network.clone(), &recipes, &weights, rows, device)?;
    let mut losses = vec![Vec::new(); seeds.len()];
    while losses[0].len() < EPOCHS {
        let left = EPOCHS - losses[0].len();
        let all = session.train_replicas(left, |_| ControlFlow::Continue(()))?;
        losses.iter_mut().zip(all).for_each(|(losses, trained)| losses.extend(trained.losses));
    }
    losses.into_iter().enumerate().map(|(replica, losses)| Ok((numbers(session.weights_of(replica)?), losses))).collect()
}

fn numbers<T: Precision>(weights: Weights<T>) -> Vec<T> {
    weights.into_iter().flat_map(|layer| [layer.weight.values, layer.bias].concat()).collect()
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

/// The recipe of one of several networks: each differs from the others in all that networks side by side may differ in.
fn recipe_of(job: &Job, replica: usize) -> Recipe {
    let Recipe { optimizer, dropout, .. } = job.recipe;
    let more = 1.0 + 0.07 * replica as f64;
    let kinds = [ScheduleKind::Constant, ScheduleKind::Cosine, ScheduleKind::Step, ScheduleKind::Plateau];
    let clip = match optimizer.clip {
        Clip::Norm(norm) => Clip::Norm(norm * more),
        Clip::Value(value) => Clip::Value(value * more),
        Clip::None => Clip::None,
    };
    Recipe {
        reduction: if replica % 5 == 3 { Reduction::Sum } else { Reduction::Mean },
        optimizer: Optimizer {
            momentum: 0.9 / more,
            beta1: 0.8 / more,
            beta2: 0.999 / more,
            epsilon: 1e-8 * more,
            weight_decay: 1e-3 * more,
            l1: optimizer.l1 * more,
            average: optimizer.average / more,
            clip,
            ..optimizer
        },
        schedule: Schedule {
            kind: kinds[replica % 4],
            warmup: 0.5 * (replica % 3) as f64,
            every: 1 + replica % 4,
            factor: 0.5,
            ..Schedule::constant(0.01 * more)
        },
        dropout: if dropout.is_none() { dropout } else { Dropout::of_all(0.4 / more) },
        epochs: EPOCHS + replica,
        seed: if replica % 4 == 1 { 7 } else { 7 + replica as u64 },
        ..job.recipe
    }
}

/// What a session's networks came to after some epochs, in which plateau schedules have dropped their rates twice: weights, losses, and
/// what each says of rows that it was not trained on.
fn by_recipes(job: &Job, recipes: &[Recipe], device: &Device) -> Result<Vec<[Outcome<f32>; 2]>, Failed> {
    let outputs = job.network.outputs();
    let weights: Vec<Weights<f32>> = recipes.iter().map(|recipe| first_weights(&job.network, recipe.seed)).collect();
    let others = samples(outputs).gathered(&(0..11).collect::<Vec<_>>());
    let together = recipes.len() > 1;
    let validation = together.then_some(&others);
    let mut session =
        Session::with_validation(job.network.clone(), recipes, &weights, samples(outputs), validation, device)?;
    let mut losses = vec![Vec::new(); recipes.len()];
    for epoch in 0..EPOCHS {
        let all = session.train_replicas(1, |_| ControlFlow::Continue(()))?;
        losses.iter_mut().zip(all).for_each(|(losses, trained)| losses.extend(trained.losses));
        for replica in (0..recipes.len()).filter(|_| [3, 5].contains(&epoch)) {
            let is_plateau = recipes[replica].schedule.kind == ScheduleKind::Plateau;
            (0..usize::from(is_plateau)).for_each(|_| session.drop_rate_of(replica));
        }
    }
    let mut said = vec![(Vec::new(), Vec::new()); recipes.len()];
    if together {
        session.evaluate_replicas(|replica, first, outputs, losses| {
            assert_eq!(first, 0, "they are few");
            said[replica] = (outputs.to_vec(), losses.iter().map(|&loss| f64::from(loss)).collect());
        })?;
    } else {
        let (outputs, losses) = (session.predict(&others.inputs)?, session.losses_of(&others)?);
        said[0] = (outputs.values, losses.into_iter().map(f64::from).collect());
    }
    let mut each = Vec::new();
    for (replica, (losses, said)) in losses.into_iter().zip(said).enumerate() {
        each.push([(numbers(session.weights_of(replica)?), losses), said]);
    }
    Ok(each)
}

fn each_recipe_is_as_alone(job: &Job, device: &Device) -> Result<(), Failed> {
    let recipes: Vec<Recipe> = (0..REPLICAS as usize).map(|replica| recipe_of(job, replica)).collect();
    let together = by_recipes(job, &recipes, device)?;
    for (replica, (recipe, together)) in recipes.iter().zip(&together).enumerate() {
        let alone = by_recipes(job, &[*recipe], device)?;
        if alone[0][0] != together[0] {
            return Err(format!("network {replica} has other weights or losses among others than alone").into());
        }
        if alone[0][1] != together[1] {
            return Err(format!("network {replica} says other things among others than alone").into());
        }
    }
    let different: std::collections::HashSet<String> =
        together.iter().map(|[outcome, _]| format!("{:?}", outcome.0)).collect();
    if different.len() < recipes.len() { Err("two recipes gave the same weights".into()) } else { Ok(()) }
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
    for job in jobs().into_iter().chain(jobs_beyond_the_rule()) {
        for threads in [1, 2] {
            let own = job.clone();
            let name = format!("cpu, {threads} threads: each of {REPLICAS} recipes is as alone: {}", job.name);
            trials.push(Trial::test(name, move || each_recipe_is_as_alone(&own, &Device::cpu(Some(threads), "a test"))));
        }
        let name = format!("gpu: each of {REPLICAS} recipes is as alone: {}", job.name);
        let on_gpu = move |_: &_| each_recipe_is_as_alone(&job, &Device::choose(&Wanted::Gpu, None, false)?);
        trials.push(shared.trial(name, move |gpu| on_gpu(&gpu)));
    }
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
