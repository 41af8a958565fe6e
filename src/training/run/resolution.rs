//! What follows from the options and the data: the network, the recipe, and the options with everything said.

use super::finetuning::Base;
use super::options::{BatchSize, Hidden, Init, Options};
use super::output::{output, outputs};
use super::sources::Sources;
use crate::data::Encoding;
use crate::error::{Error, Result};
use crate::model::{hidden_widths, networks_in, resolve_model};
use crate::network::{Clip, Loss, Network, Optimizer};
use crate::plan::{Dropout, Frozen, LayerRates};
use crate::training::session::{LossScale, Mixed, Recipe, Schedule};

/// The network and its loss, as the options and the task demand.
///
/// # Errors
/// Usage, for options that contradict each other or the task.
pub fn network(options: &Options, encoding: &Encoding) -> Result<(Network, Loss)> {
    let (output, loss) = output(options, encoding)?;
    loss.check(output)?;
    let outputs = outputs(encoding, output);
    let Hidden(hidden) = match (&options.hidden, &options.init) {
        (None, Some(Init::File(path))) => hidden_widths(&resolve_model(path)?).map_or_else(|| options.hidden(), Hidden),
        _ => options.hidden(),
    };
    let mut activations = match options.activation() {
        one if one.len() == 1 => vec![one[0]; hidden.len()],
        each if each.len() == hidden.len() => each,
        each => {
            return Err(Error::Usage(format!(
                "--activation names {} for {} hidden layers: name one for all, or one for each",
                each.len(),
                hidden.len()
            )));
        }
    };
    activations.push(output);
    let widths = [&[encoding.inputs()], hidden.as_slice(), &[outputs]].concat();
    Ok((Network::new(widths, activations, !options.no_bias())?, loss))
}

/// How the network is trained on so many rows, which are `streamed` where there is no memory for them.
///
/// # Errors
/// Usage, for a number that cannot be meant.
pub fn recipe(options: &Options, network: &Network, loss: Loss, rows: usize, streamed: bool) -> Result<Recipe> {
    Ok(Recipe {
        loss,
        reduction: options.reduction(),
        optimizer: Optimizer {
            kind: options.optimizer(),
            momentum: options.momentum(),
            beta1: options.beta1(),
            beta2: options.beta2(),
            epsilon: options.epsilon(),
            weight_decay: options.weight_decay(),
            l1: options.l1(),
            clip: clip(options)?,
            average: options.weight_average(),
        },
        schedule: Schedule {
            kind: options.schedule(),
            learning_rate: options.learning_rate(),
            warmup: options.warmup(),
            every: options.step_every(),
            factor: options.step_factor(),
            patience: options.plateau_patience(),
        },
        batch: options.batch_size().rows(rows),
        micro_batches: micro_batches(options, rows)?,
        weighted: options.class_weights.is_some() || options.weight_column.is_some(),
        frozen: frozen(options, network)?,
        layer_rates: layer_rates(options, network)?,
        dropout: dropout(options, network)?,
        mixed: mixed(options)?,
        streamed,
        shuffle: !options.no_shuffle(),
        bootstrap: options.bootstrap(),
        epochs: options.epochs(),
        seed: options.seed(),
        members: 1,
    })
}

/// How many networks a training starts from that does not draw its first weights: those of a model, or of a file of weights; none where
/// each network draws its own.
///
/// # Errors
/// Model, if the file is none.
pub fn given_networks(options: &Options, base: Option<&Base>) -> Result<Option<usize>> {
    match (base, &options.init) {
        (Some(base), _) => Ok(Some(base.networks())),
        // A run that goes on has its weights: the file may be gone.
        (None, Some(Init::File(path))) => match (resolve_model(path), options.ensemble) {
            (Ok(file), _) => Ok(Some(networks_in(&file))),
            (Err(_), Some(networks)) => Ok(Some(networks)),
            (Err(error), None) => Err(error),
        },
        (None, _) => Ok(None),
    }
}

/// How many networks are trained side by side, whose mean is the model, on a table of so many rows, those of all parts and folds: those
/// that are given, as many as it was said, or some where that takes a few seconds.
///
/// # Errors
/// Usage, if other than the given ones are asked for.
pub fn members(options: &Options, network: &Network, rows: usize, given: Option<usize>) -> Result<usize> {
    match (given, options.ensemble) {
        (Some(given), Some(members)) if given != members => {
            let flag = if options.finetune.is_some() { "--finetune" } else { "--init" };
            let networks = if given == 1 { "one network".into() } else { format!("{given} networks") };
            Err(Error::Usage(format!("--ensemble {members}: {flag} starts from {networks}; leave --ensemble out")))
        }
        (Some(given), _) => Ok(given),
        (None, _) => Ok(drawn(options, network, rows)),
    }
}

/// How many networks draw their first weights.
fn drawn(options: &Options, network: &Network, rows: usize) -> usize {
    /// The most networks, and the most multiply-adds of their forward passes: some seconds of a processor's core.
    const MOST: u32 = 8;
    const WORK: f64 = 1.2e11;
    /// The most rows that all of them go through in an epoch.
    const ROWS: f64 = (1 << 20) as f64;
    if let Some(members) = options.ensemble {
        return members;
    }
    // Who says what the hidden layers are is given just those.
    if options.hidden.is_some() || options.epochs() == 0 {
        return 1;
    }
    let work = rows as f64 * network.parameter_count() as f64 * options.epochs() as f64;
    let doublings = (WORK / work).min(ROWS / rows as f64).log2().floor().clamp(0.0, f64::from(MOST.ilog2()));
    1 << doublings as u32
}

/// What mixed training needs to know, if it was asked for.
fn mixed(options: &Options) -> Result<Option<Mixed>> {
    let Some(scale) = options.loss_scale else { return Ok(options.device.mixed().then(Mixed::default)) };
    let exponent = scale.log2();
    let [least, most] = LossScale::EXPONENTS.map(f64::from);
    if exponent.fract() != 0.0 || !(least..=most).contains(&exponent) {
        return Err(Error::Usage(format!("--loss-scale {scale:?}: it must be a power of two from 2^{least} to 2^{most}")));
    }
    Ok(Some(Mixed { exponent: Some(exponent as i32) }))
}

/// The micro-batches of a batch that are asked for; one, if none are.
fn micro_batches(options: &Options, rows: usize) -> Result<usize> {
    let batch = options.batch_size().rows(rows).min(rows);
    match options.accumulate {
        Some(count) if count > batch.max(1) => {
            Err(Error::Usage(format!("--accumulate {count}: a batch has {batch} rows, and a micro-batch at least one")))
        }
        // Micro-batches are as large as each other, but for the last: there may be fewer than were asked for.
        count => Ok(batch.max(1).div_ceil(batch.max(1).div_ceil(count.unwrap_or(1)))),
    }
}

/// How gradients are clipped.
fn clip(options: &Options) -> Result<Clip> {
    let single = !options.device.double();
    let above_zero = |flag: &str, value: f64| match value > 0.0 && (!single || value as f32 > 0.0) {
        true => Ok(value),
        false => Err(Error::Usage(format!("{flag} {value:?}: it must be a number above 0, or 0 to clip nothing"))),
    };
    let [norm, value] = [options.clip_norm, options.clip_value].map(|most| most.filter(|&most| most != 0.0));
    match (norm, value) {
        (Some(_), Some(_)) => Err(Error::Usage("--clip-norm and --clip-value: gradients are clipped in one way".into())),
        (Some(norm), None) => above_zero("--clip-norm", norm).map(Clip::Norm),
        (None, Some(value)) => above_zero("--clip-value", value).map(Clip::Value),
        (None, None) => Ok(Clip::None),
    }
}

/// The layers that stay as they are.
///
/// # Errors
/// Usage, for layers that the network does not have, and if none is left to train.
fn frozen(options: &Options, network: &Network) -> Result<Frozen> {
    let (layers, named) = (network.layers(), options.freeze.as_deref().unwrap_or_default());
    if let Some(layer) = named.iter().find(|&&layer| layer == 0 || layer > layers.min(Frozen::MOST)) {
        return Err(Error::Usage(format!("--freeze {layer}: the network has the layers 1 to {}", layers.min(Frozen::MOST))));
    }
    if (1..=layers).all(|layer| named.contains(&layer)) {
        return Err(Error::Usage("--freeze: no layer is left to train".into()));
    }
    Ok(Frozen::new(named.iter().map(|layer| layer - 1)))
}

/// What each layer's learning rate is of the step's.
///
/// # Errors
/// Usage, for what is no factor, and for a number of them that is not that of the layers.
fn layer_rates(options: &Options, network: &Network) -> Result<LayerRates> {
    let (layers, factors) = (network.layers(), options.layer_rates.as_deref().unwrap_or_default());
    for &factor in factors {
        let rate = factor * options.learning_rate.unwrap_or(1.0);
        if !options.device.double() && [factor, rate].into_iter().any(|number| !(number as f32).is_finite()) {
            return Err(Error::Usage(format!("--layer-rates {factor:?}: this is beyond what single precision holds")));
        }
    }
    match factors.len() {
        0 => Ok(LayerRates::default()),
        count if count == layers && count <= LayerRates::MOST => Ok(LayerRates::new(factors)),
        count if count == layers => {
            Err(Error::Usage(format!("--layer-rates has a factor for each of at most {} layers", LayerRates::MOST)))
        }
        count => Err(Error::Usage(format!("--layer-rates names {count} factors for {layers} layers: name one for each"))),
    }
}

/// What share of each hidden layer's units a step drops.
///
/// # Errors
/// Usage, for what is no share, and for a number of them that is not that of the hidden layers.
fn dropout(options: &Options, network: &Network) -> Result<Dropout> {
    let (hidden, shares) = (network.layers() - 1, options.dropout());
    match *shares {
        [] => Ok(Dropout::default()),
        [share] if share > 0.0 && hidden == 0 => {
            Err(Error::Usage("--dropout drops units of hidden layers, and there are none".into()))
        }
        [share] => Ok(Dropout::of_all(share)),
        _ if shares.len() == hidden && hidden <= Dropout::MOST => Ok(Dropout::of_each(&shares)),
        _ if shares.len() == hidden => {
            Err(Error::Usage(format!("--dropout has a share for each of at most {} hidden layers", Dropout::MOST)))
        }
        _ => Err(Error::Usage(format!(
            "--dropout names {} shares for {hidden} hidden layers: name one for all, or one for each",
            shares.len()
        ))),
    }
}

/// How far the targets of classes move towards each other.
///
/// # Errors
/// Usage, for what is no share, or no targets of classes.
pub fn label_smoothing(options: &Options, loss: Loss) -> Result<f64> {
    let share = options.label_smoothing();
    if share > 0.0 && loss.facts().smoothed_towards.is_none() {
        return Err(Error::Usage(format!("--label-smoothing goes with cross-entropy, and --loss is {loss}")));
    }
    Ok(share)
}

/// The options with everything said that was left open, so that they mean the same run again.
pub fn said(options: &Options, sources: &Sources, network: &Network, recipe: &Recipe) -> Options {
    let layers = network.layers();
    let hidden = &network.activations()[..layers - 1];
    let said = Options {
        target: Some(sources.encoding.target_names().into_iter().map(str::to_string).collect()),
        task: Some(sources.encoding.task()),
        scale: options.scale.or(sources.scale),
        bins: options.bins.or(sources.bins),
        hidden: Some(Hidden(network.widths()[1..layers].to_vec())),
        // One name stands for all layers where it is the same, so that --hidden can change their number.
        activation: hidden
            .first()
            .map(|first| if hidden.iter().all(|each| each == first) { vec![*first] } else { hidden.to_vec() }),
        output_activation: Some(network.output_activation()),
        no_bias: Some(!network.bias()),
        init: Some(file_of(options.init())),
        loss: Some(recipe.loss),
        huber_delta: recipe.loss.number().map(|(_, delta)| delta),
        ensemble: Some(recipe.members),
        // One of several networks, trained alone by its own seed, has the same rows.
        split_seed: options.split_seed.or((recipe.members > 1).then(|| options.seed())),
        batch_size: Some(BatchSize::Rows(recipe.batch)),
        accumulate: Some(recipe.micro_batches),
        files: options.files.filled(),
        device: options.device.filled(),
        ..options.filled()
    };
    said.without_what_a_model_says()
}

/// First weights from a run's folder are named as the file that they are in: the folder may be elsewhere when the run goes on.
fn file_of(init: Init) -> Init {
    match init {
        Init::File(path) if path.is_dir() => Init::File(resolve_model(&path).unwrap_or(path)),
        init => init,
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::network::Activation;
    use crate::plan::Plan;
    use crate::training::session::Device;
    use crate::training::session::planning::plan;

    /// Networks that are trained side by side share one plan; what they may differ in must leave it as it is.
    #[test]
    fn options_that_networks_side_by_side_may_differ_in_leave_the_plan_as_it_is() {
        let others = BTreeMap::from([
            ("init", "uniform(-1,1)"),
            ("reduction", "sum"),
            ("learning-rate", "0.5"),
            ("momentum", "0.5"),
            ("beta1", "0.5"),
            ("beta2", "0.5"),
            ("epsilon", "0.1"),
            ("weight-decay", "0.1"),
            ("schedule", "step"),
            ("warmup", "2"),
            ("step-every", "3"),
            ("plateau-patience", "3"),
            ("step-factor", "0.5"),
            ("seed", "7"),
        ]);
        let network = Network::new(vec![40, 30, 3], vec![Activation::Relu, Activation::Softmax], true).expect("a network");
        let planned = |settings: &[String]| {
            let options = Options::from_settings(settings).expect("options");
            let recipe = recipe(&options, &network, Loss::CrossEntropy, 100, false).expect("a recipe");
            described(&plan::<f32>(&network, recipe.loss, Some(&recipe), 100, 1, &Device::cpu(Some(1), "test")))
        };
        let plain = planned(&[]);
        for (key, _) in Options::rules().filter(|(_, rules)| rules.may_differ) {
            let value = others.get(key.as_str()).unwrap_or_else(|| panic!("{key}: write another value of it here"));
            assert_eq!(planned(&[format!("{key}={value}")]), plain, "{key}");
        }
        for setting in
            ["optimizer=sgd", "l1=0.1", "dropout=0.5", "batch-size=7", "clip-norm=1", "layer-rates=1,2", "freeze=1"]
        {
            assert_ne!(planned(&[setting.into()]), plain, "{setting}: the plan shows it");
        }
    }

    /// The buffers and launches of a plan, with their shaders and parameters.
    fn described(plan: &Plan) -> Vec<String> {
        let launch = |launch: &crate::plan::Launch| {
            let form = launch.kernel.forms(64, false)[0];
            format!("{} {} {:?}", launch.label, launch.kernel.shader(form).source, launch.kernel.parameters(form))
        };
        let launches = plan.training.iter().chain(&plan.evaluation).map(launch);
        plan.buffers.iter().map(|buffer| format!("{buffer:?}")).chain(launches).collect()
    }
}
