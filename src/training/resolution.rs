//! What follows from the options and the data: the network, the recipe, and the options with everything said.

use super::loss_scale::LossScale;
use super::options::{BatchSize, Hidden, Init, Options, PrecisionName};
use super::schedule::{Schedule, ScheduleKind};
use super::session::{Mixed, Recipe, Reduction};
use super::sources::{Sources, fitting};
use crate::data::{Encoding, Task};
use crate::error::{Error, Result};
use crate::model::MOST_CHECKPOINTS;
use crate::model::resolve_model;
use crate::network::{Activation, Clip, Initialization, Loss, Network, Optimizer, OptimizerKind};
use crate::plan::{Dropout, Frozen, LayerRates};

/// Epochs, unless said otherwise.
const EPOCHS: usize = 50;
/// Epochs without a lower loss before the rate drops, unless said otherwise.
const PLATEAU_PATIENCE: usize = 10;
/// Widths of the hidden layers, unless said otherwise.
const HIDDEN: [usize; 1] = [64];

/// The network and its loss, as the options and the task demand.
///
/// # Errors
/// Usage, for options that contradict each other or the task.
pub fn network(options: &Options, encoding: &Encoding) -> Result<(Network, Loss)> {
    let (output, loss) = output(options, encoding)?;
    loss.check(output)?;
    let outputs = outputs(encoding, output);
    let hidden = options.hidden.as_ref().map_or(&HIDDEN[..], |hidden| &hidden.0);
    let mut activations = match options.activation.as_deref() {
        None => vec![Activation::Relu; hidden.len()],
        Some([one]) => vec![*one; hidden.len()],
        Some(each) if each.len() == hidden.len() => each.to_vec(),
        Some(each) => {
            return Err(Error::Usage(format!(
                "--activation names {} for {} hidden layers: name one for all, or one for each",
                each.len(),
                hidden.len()
            )));
        }
    };
    activations.push(output);
    let widths = [&[encoding.inputs()], hidden, &[outputs]].concat();
    Ok((Network::new(widths, activations, !options.no_bias.unwrap_or(false))?, loss))
}

/// The outputs of a network that says what the encoding's target is.
pub(super) fn outputs(encoding: &Encoding, activation: Activation) -> usize {
    let classes = encoding.class_names().len();
    match encoding.task() {
        Task::Regression => encoding.target_names().len(),
        Task::Classification if classes == 2 && activation != Activation::Softmax => 1,
        Task::Classification => classes,
    }
}

/// The output's activation and the loss: each follows from the other, and both from the task.
pub(super) fn output(options: &Options, encoding: &Encoding) -> Result<(Activation, Loss)> {
    let task = encoding.task();
    if let Some(loss) = options.loss.filter(|loss| !loss.is_for(task)) {
        return Err(Error::Usage(format!(
            "--loss {loss} is for classification, and the target is numbers: leave it out, or say --task classification"
        )));
    }
    let usual = || match task {
        Task::Regression => Activation::Identity,
        Task::Classification if encoding.class_names().len() == 2 => Activation::Sigmoid,
        Task::Classification => Activation::Softmax,
    };
    let output = options.output_activation.unwrap_or_else(|| options.loss.map_or_else(usual, |loss| loss.output(task)));
    let loss = options.loss.unwrap_or_else(|| Loss::of(output, task));
    Ok((output, shaped(loss, options)?))
}

/// A loss with the number that is asked for.
fn shaped(loss: Loss, options: &Options) -> Result<Loss> {
    match options.huber_delta {
        None => Ok(loss),
        Some(_) if loss.number().is_none() => Err(Error::Usage("--huber-delta goes with --loss huber".into())),
        Some(delta) => loss.with_number(delta),
    }
}

/// How the network is trained on so many rows.
///
/// # Errors
/// Usage, for a number that cannot be meant.
pub fn recipe(options: &Options, loss: Loss, rows: usize) -> Result<Recipe> {
    let kind = options.optimizer.unwrap_or(OptimizerKind::Adam);
    let usual = match kind {
        OptimizerKind::Sgd => 0.1,
        OptimizerKind::Momentum | OptimizerKind::Nesterov => 0.01,
        OptimizerKind::Adam | OptimizerKind::Adamw => 0.001,
    };
    let epochs = options.epochs.unwrap_or(EPOCHS);
    let plain = Optimizer::new(kind);
    let optimizer = Optimizer {
        kind,
        momentum: within("--momentum", options.momentum.unwrap_or(plain.momentum), 0.0, 1.0)?,
        beta1: within("--beta1", options.beta1.unwrap_or(plain.beta1), 0.0, 1.0)?,
        beta2: within("--beta2", options.beta2.unwrap_or(plain.beta2), 0.0, 1.0)?,
        epsilon: within("--epsilon", options.epsilon.unwrap_or(plain.epsilon), 1e-30, f64::MAX)?,
        weight_decay: within("--weight-decay", options.weight_decay.unwrap_or(0.0), 0.0, f64::MAX)?,
        l1: within("--l1", options.l1.unwrap_or(0.0), 0.0, f64::MAX)?,
        clip: clip(options)?,
        average: within("--weight-average", options.weight_average.unwrap_or(0.0), 0.0, 1.0)?,
    };
    let schedule = Schedule {
        kind: options.schedule.unwrap_or(ScheduleKind::Constant),
        learning_rate: within("--learning-rate", options.learning_rate.unwrap_or(usual), 0.0, f64::MAX)?,
        warmup: within("--warmup", options.warmup.unwrap_or(0.0), 0.0, f64::MAX)?,
        every: options.step_every.unwrap_or((epochs / 3).max(1)),
        factor: within("--step-factor", options.step_factor.unwrap_or(0.1), 0.0, f64::MAX)?,
        patience: options.plateau_patience.unwrap_or(PLATEAU_PATIENCE),
    };
    if schedule.every == 0 || options.patience == Some(0) || schedule.patience == 0 {
        return Err(Error::Usage(
            "--step-every, --patience and --plateau-patience are numbers of epochs, at least 1".into(),
        ));
    }
    if options.min_delta.is_some() && options.patience.is_none() {
        return Err(Error::Usage("--min-delta goes with --patience".into()));
    }
    let keep = options.keep_checkpoints.unwrap_or(super::checkpoint::KEEP);
    if keep == 0 || keep > MOST_CHECKPOINTS {
        return Err(Error::Usage(format!("--keep-checkpoints is a number from 1 to {MOST_CHECKPOINTS}")));
    }
    within("--min-delta", options.min_delta.unwrap_or(0.0), 0.0, f64::MAX)?;
    Ok(Recipe {
        loss,
        reduction: options.reduction.unwrap_or(Reduction::Mean),
        optimizer,
        schedule,
        batch: options.batch_size.unwrap_or(BatchSize::Auto).rows(rows),
        micro_batches: micro_batches(options, rows)?,
        weighted: options.class_weights.is_some() || options.weight_column.is_some(),
        frozen: Frozen::default(),
        layer_rates: LayerRates::default(),
        dropout: Dropout::default(),
        mixed: mixed(options)?,
        streamed: false,
        shuffle: !options.no_shuffle.unwrap_or(false),
        epochs,
        seed: options.seed.unwrap_or(0),
    })
}

/// What mixed training needs to know, if it was asked for.
fn mixed(options: &Options) -> Result<Option<Mixed>> {
    let mixed = options.device.precision == Some(PrecisionName::Mixed);
    let Some(scale) = options.loss_scale else { return Ok(mixed.then(Mixed::default)) };
    if !mixed {
        return Err(Error::Usage("--loss-scale goes with --precision mixed".into()));
    }
    let exponent = scale.log2();
    let [least, most] = LossScale::EXPONENTS.map(f64::from);
    if exponent.fract() != 0.0 || !(least..=most).contains(&exponent) {
        return Err(Error::Usage(format!("--loss-scale {scale:?}: it must be a power of two from 2^{least} to 2^{most}")));
    }
    Ok(Some(Mixed { exponent: Some(exponent as i32) }))
}

/// The micro-batches of a batch that are asked for; one, if none are.
fn micro_batches(options: &Options, rows: usize) -> Result<usize> {
    let batch = options.batch_size.unwrap_or(BatchSize::Auto).rows(rows).min(rows);
    match options.accumulate {
        Some(0) => Err(Error::Usage("--accumulate is a number of micro-batches, at least 1".into())),
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
pub fn frozen(options: &Options, network: &Network) -> Result<Frozen> {
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
pub fn layer_rates(options: &Options, network: &Network) -> Result<LayerRates> {
    let (layers, factors) = (network.layers(), options.layer_rates.as_deref().unwrap_or_default());
    for &factor in factors {
        within("--layer-rates", factor, 0.0, f64::MAX)?;
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
pub fn dropout(options: &Options, network: &Network) -> Result<Dropout> {
    let (hidden, shares) = (network.layers() - 1, options.dropout.as_deref().unwrap_or_default());
    for &share in shares {
        within("--dropout", share, 0.0, 1.0)?;
    }
    match *shares {
        [] => Ok(Dropout::default()),
        [share] if share > 0.0 && hidden == 0 => {
            Err(Error::Usage("--dropout drops units of hidden layers, and there are none".into()))
        }
        [share] => Ok(Dropout::of_all(share)),
        _ if shares.len() == hidden && hidden <= Dropout::MOST => Ok(Dropout::of_each(shares)),
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
    let share = within("--label-smoothing", options.label_smoothing.unwrap_or(0.0), 0.0, 1.0)?;
    if share > 0.0 && loss.smoothed_towards(1).is_none() {
        return Err(Error::Usage(format!("--label-smoothing goes with cross-entropy, and --loss is {loss}")));
    }
    Ok(share)
}

/// A number that lies between two others; momentum and betas stay below 1.
fn within(flag: &str, value: f64, low: f64, high: f64) -> Result<f64> {
    let below = if high == 1.0 { value < high } else { value <= high };
    if value >= low && below {
        return Ok(value);
    }
    let range = if high == 1.0 { format!("from {low} to below {high}") } else { format!("of at least {low:?}") };
    Err(Error::Usage(format!("{flag} {value:?}: it must be a number {range}")))
}

/// The options with everything said that was left open, so that they mean the same run again.
pub fn said(options: &Options, sources: &Sources, network: &Network, recipe: &Recipe) -> Options {
    let fitting = fitting(options);
    let layers = network.layers();
    let hidden = &network.activations()[..layers - 1];
    let split = options.split;
    let said = Options {
        target: Some(sources.encoding.target_names().into_iter().map(str::to_string).collect()),
        task: Some(sources.encoding.task()),
        ignore: Some(options.ignore.clone().unwrap_or_default()),
        categorical: Some(fitting.categorical),
        missing: Some(fitting.missing),
        scale: options.scale.or(sources.scale),
        split: Some(split.unwrap_or_else(|| super::sources::shares(options))),
        stratify: Some(super::sources::is_stratified(options)),
        hidden: Some(Hidden(network.widths()[1..layers].to_vec())),
        // One name stands for all layers where it is the same, so that --hidden can change their number.
        activation: hidden
            .first()
            .map(|first| if hidden.iter().all(|each| each == first) { vec![*first] } else { hidden.to_vec() }),
        output_activation: Some(network.output_activation()),
        no_bias: Some(!network.bias()),
        init: Some(file_of(options.init.clone().unwrap_or(Init::Drawn(Initialization::Auto)))),
        loss: Some(recipe.loss),
        huber_delta: recipe.loss.number().map(|(_, delta)| delta),
        reduction: Some(recipe.reduction),
        optimizer: Some(recipe.optimizer.kind),
        learning_rate: Some(recipe.schedule.learning_rate),
        momentum: Some(recipe.optimizer.momentum),
        beta1: Some(recipe.optimizer.beta1),
        beta2: Some(recipe.optimizer.beta2),
        epsilon: Some(recipe.optimizer.epsilon),
        weight_decay: Some(recipe.optimizer.weight_decay),
        l1: Some(recipe.optimizer.l1),
        weight_average: Some(recipe.optimizer.average),
        dropout: Some(options.dropout.clone().unwrap_or_else(|| vec![0.0])),
        label_smoothing: Some(options.label_smoothing.unwrap_or(0.0)),
        schedule: Some(recipe.schedule.kind),
        warmup: Some(recipe.schedule.warmup),
        step_every: Some(recipe.schedule.every),
        step_factor: Some(recipe.schedule.factor),
        plateau_patience: Some(recipe.schedule.patience),
        batch_size: Some(BatchSize::Rows(recipe.batch)),
        accumulate: Some(recipe.micro_batches),
        epochs: Some(recipe.epochs),
        no_shuffle: Some(!recipe.shuffle),
        checkpoint_every: Some(options.checkpoint_every.unwrap_or_default()),
        keep_checkpoints: Some(options.keep_checkpoints.unwrap_or(super::checkpoint::KEEP)),
        seed: Some(recipe.seed),
        device: super::options::DeviceOptions {
            precision: Some(options.device.precision.unwrap_or(PrecisionName::F32)),
            ..options.device.clone()
        },
        ..options.clone()
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
