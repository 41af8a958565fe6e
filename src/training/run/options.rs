//! The options of a training run, as flags on the command line and as keys of `run.toml`. All are optional: what is not
//! said follows from other options (`= default`) or from the data, as [`super::resolution::said`] writes down. All that
//! there is to know of an option, beside what it does, is said here, once.

mod declared;
mod list;
mod merging;
mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;
use clap::builder::TypedValueParser;
use serde::{Deserialize, Serialize};

use super::row_weights::ClassWeights;
pub use declared::Resume;
use declared::{AT_LEAST_0, AT_LEAST_1, BINS, Needs, Range, SHARE, declared};

pub use super::values::{BatchSize, Bytes, Decimal, Delimiter, Hidden, Init, Interval, Log, Sign, Time};
use super::values::{count, count_above_zero};
use crate::data::Numerals;
use crate::data::{Fractions, Missing, Scale, Task};
use crate::error::{Result, shown};
use crate::evaluation::Threshold;
use crate::kernels::Choice;
use crate::model::MOST_CHECKPOINTS;
use crate::name;
use crate::network::{Activation, Initialization, Loss, Optimizer, OptimizerKind};
use crate::training::session::{Device, PrecisionName, Reduction, ScheduleKind, Wanted};

/// What is declared of an option beside its flag, its help and its default.
pub type Rules = declared::Rules<Options>;

/// Rules of an option of which nothing else is said.
const FIXED: Rules = Rules::FIXED;
/// Rules of options that only name where the rows are, or how a file is read that holds them.
const FREE_OF_DATA: Rules = Rules { resume: Resume::Free, ..OF_DATA };
/// Rules of options that decide no number.
const FREE: Rules = Rules { resume: Resume::Free, not_varied: Some(NO_NUMBER), ..FIXED };
/// Rules of what is said of one table.
const OF_DATA: Rules = Rules { left_open: other_data, not_varied: Some(SAME_ROWS), ..FIXED };
/// Rules of what is said of the columns of one table, which a model knows.
const OF_COLUMNS: Rules = Rules { of_model: always, not_varied: None, ..OF_DATA };
/// Rules of what is the same for all trials of a sweep, which are judged by the same rows.
const OF_ROWS: Rules = Rules { not_varied: Some(SAME_ROWS), ..FIXED };

/// Why the trials of a sweep do not differ in an option.
const SAME_ROWS: &str = "trials are compared on the same rows and the same target";
const NO_NUMBER: &str = "it changes nothing that a network learns";
const ONE_LENGTH: &str = "it says how long each trial may take";

/// A model says it, whatever the options are.
fn always(_: &Options) -> bool {
    true
}

/// A model says it, unless its last layer is drawn anew for another target.
fn of_target(options: &Options) -> bool {
    !options.new_output.unwrap_or(false)
}

/// What a person may do who says the target of a model.
const NEW_OUTPUT: &str = " (--new-output draws the last layer anew)";
/// What a person may do who says the layers of a model.
const WEIGHTS_ALONE: &str = " (--init MODEL takes weights alone)";

/// Whether a value is said that a file says otherwise, or not.
fn is_other<T: PartialEq>(new: &Option<T>, old: &Option<T>) -> bool {
    new.is_some() && new != old
}

/// Whether the data are others than those of a file; a file that names none is for any.
fn other_data(new: &Options, old: &Options) -> bool {
    old.data.is_some() && is_other(&new.data, &old.data)
}

/// Whether something is said of the target.
fn other_target(new: &Options) -> bool {
    new.task.is_some() || new.target.is_some()
}

/// Whether the loss followed from something that is said otherwise.
fn is_loss_open(new: &Options, old: &Options) -> bool {
    other_data(new, old) || other_target(new) || is_other(&new.output_activation, &old.output_activation)
}

/// Whether training starts from another model than that of a file.
fn other_model(new: &Options, old: &Options) -> bool {
    is_other(&new.finetune, &old.finetune)
}

/// Whether something is said of each of several layers.
fn names_several<T>(each: Option<&[T]>) -> bool {
    each.is_some_and(|each| each.len() > 1)
}

/// Whether training uses validation rows.
fn asks_validation(options: &Options) -> bool {
    let is_chosen = matches!(options.threshold, Some(Threshold::By(_)));
    options.patience.is_some() || options.schedule == Some(ScheduleKind::Plateau) || is_chosen
}

/// The optimizer's usual learning rate. Along a cosine, which ends at zero, optimizers that divide by the gradients' size
/// begin higher.
fn usual_rate(options: &Options) -> f64 {
    let optimizer = options.optimizer();
    let is_falling = options.schedule() == ScheduleKind::Cosine;
    let usual = if is_falling && optimizer.has_squares() { 0.005 } else { optimizer.usual_rate() };
    // What was trained goes on by smaller steps.
    if options.finetune.is_some() { usual / 10.0 } else { usual }
}

/// The shares of the rows of the main table, or of those that are in no fold: what another file or a fold holds needs
/// none of it, and validation rows are set apart only if training uses them.
fn default_split(options: &Options) -> Fractions {
    let has_test = options.test.is_some() || options.folds.is_some();
    let shares = match (asks_validation(options) && options.validation.is_none(), has_test) {
        (true, false) => "0.8/0.1/0.1",
        (false, false) => "0.9/0/0.1",
        (true, true) => "0.9/0.1/0",
        (false, true) => "1/0/0",
    };
    shares.parse().expect("shares that add up to 1")
}

/// A number that is one.
fn finite(text: &str) -> std::result::Result<f64, String> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(|| format!("'{}' is no number", shown(text)))
}

/// The usual schedule: a cosine, unless `--patience` may end training before the cosine does.
fn usual_schedule(options: &Options) -> ScheduleKind {
    if options.patience.is_some() { ScheduleKind::Constant } else { ScheduleKind::Cosine }
}

/// The usual number of epochs.
fn usual_epochs(options: &Options) -> usize {
    if options.schedule() == ScheduleKind::Cosine { 20 } else { 50 }
}

/// Whether each network starts from weights of its own, and not from those of a file.
pub(super) fn draws_weights(options: &Options) -> bool {
    options.finetune.is_none() && !matches!(options.init, Some(Init::File(_)))
}

/// A number of bins: one would say what the scaled number says.
fn bins(text: &str) -> std::result::Result<usize, String> {
    match count(text)? {
        1 => Err("one bin says no more than the scaled number: give 0, or 2 and more".into()),
        number if number <= 1000 => Ok(number),
        _ => Err("at most 1000".into()),
    }
}

/// A number of checkpoints to keep.
fn checkpoints(text: &str) -> std::result::Result<usize, String> {
    match count_above_zero(text)? {
        number if number <= MOST_CHECKPOINTS => Ok(number),
        _ => Err(format!("at most {MOST_CHECKPOINTS}")),
    }
}

declared! {
    /// Everything that decides what a training run computes.
    #[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
    pub struct Options {
        /// An embedded set (iris, wine, breast-cancer, digits, wine-quality), a file (CSV, TSV, npy, npz, IDX, Parquet if
        /// built so, each also .gz), several of those as one table (a folder of CSV or Parquet files, or a pattern in
        /// quotes, such as 'part-*.csv'), or - for stdin; FILE.npz:INPUTS,LABELS names arrays
        #[arg(value_parser = name::parser())]
        pub data: Option<String> => FREE_OF_DATA;

        #[command(flatten)]
        #[serde(flatten)]
        #[expect(missing_docs, reason = "clap would print it as the group's help")]
        pub files: FileOptions;

        /// Target column, by name or by position from 0; several, with commas, for regression [default: the last]
        #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Data")]
        pub target: Option<Vec<String>> =>
            Rules { left_open: other_data, of_model: of_target, model_hint: NEW_OUTPUT, ..OF_ROWS };
        /// What the target is [default: regression for numbers, classification for text and few integers]
        #[arg(long, help_heading = "Data")]
        pub task: Option<Task> =>
            Rules {
                left_open: |new, old| other_data(new, old) || new.target.is_some(),
                of_model: of_target,
                model_hint: NEW_OUTPUT,
                ..OF_ROWS
            };
        /// Columns to leave out
        #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Data")]
        pub ignore: Option<Vec<String>> = |_| Vec::new() => OF_COLUMNS;
        /// Numeric columns to take as categories
        #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Data")]
        pub categorical: Option<Vec<String>> = |_| Vec::new() => OF_COLUMNS;
        /// What to do about missing cells of inputs [default: median]
        #[arg(long, help_heading = "Data")]
        pub missing: Option<Missing> = |_| Missing::Median =>
            Rules {
                of_model: |options| options.missing != Some(Missing::Drop),
                model_hint: " (drop leaves such rows out)",
                ..FIXED
            };
        /// The cells that count as missing, beside empty ones: words and numbers with commas, such as NA,-999; '' for
        /// empty cells alone [default: ?, and NA, N/A, NaN and null in any case]
        #[arg(long, value_name = "CELLS", value_delimiter = ',', allow_hyphen_values = true, help_heading = "Data")]
        pub missing_values: Option<Vec<String>> => OF_COLUMNS;
        /// How numeric columns are scaled, the targets of a regression among them [default: standard; minmax for images]
        #[arg(long, help_heading = "Data")]
        pub scale: Option<Scale> => OF_COLUMNS;
        /// Encode each numeric column piecewise linearly: beside the scaled number, an input for each of NUMBER bins
        /// between its quantiles, 2 to 1000; 0: none (bytes, as those of images, never have any) [default: 8 in tables of
        /// 1,000 rows and more, if there are 36 for each numeric column, else 0]
        #[arg(long, value_name = "NUMBER", value_parser = bins, help_heading = "Data")]
        pub bins: Option<usize> =>
            Rules {
                left_open: |new, old| {
                    let columns = [&new.ignore, &new.categorical, &new.target];
                    let others = columns.iter().any(|columns| columns.is_some()) || new.missing.is_some();
                    other_data(new, old) || others || is_other(&new.scale, &old.scale)
                },
                needs: Needs::of_flag("--scale standard or minmax", |options| options.scale != Some(Scale::None)),
                range: BINS,
                ..OF_COLUMNS
            };
        /// Shares of training, validation and test rows [default: 0.9/0/0.1, or 0.8/0.1/0.1 with --patience, --schedule
        /// plateau or a rule in --threshold; nothing of what another file or a fold holds]
        #[arg(long, value_name = "SHARES", help_heading = "Data")]
        pub split: Option<Fractions> = default_split =>
            Rules {
                left_open: |new, old| new.test.is_some() || new.validation.is_some() || is_other(&new.folds, &old.folds),
                ..OF_ROWS
            };
        /// Deal the rows of every class out alike; false: deal out all rows at random [default: true]
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Data")]
        pub stratify: Option<bool> = |_| true => OF_ROWS;
        /// Cross-validate: deal the rows out to so many folds, which take turns in being the test rows, and train once
        /// for each; --split then shares out the others [default: one run]
        #[arg(long, value_name = "NUMBER", value_parser = count_above_zero, help_heading = "Data")]
        pub folds: Option<usize> => OF_ROWS;
        /// Train for this fold alone, from 1, of --folds
        #[arg(long, value_name = "NUMBER", value_parser = count_above_zero, help_heading = "Data")]
        pub fold: Option<usize> =>
            Rules { left_open: |new, _| new.folds.is_some(), ..OF_ROWS };
        /// A file of validation rows
        #[arg(long, alias = "val", value_name = "FILE", value_parser = name::parser(), help_heading = "Data")]
        pub validation: Option<String> => FREE_OF_DATA;
        /// Labels of the validation file (IDX, npy, FILE.npz:ARRAY)
        #[arg(long, value_name = "FILE", help_heading = "Data")]
        #[serde(with = "crate::name")]
        pub validation_labels: Option<PathBuf> => FREE_OF_DATA;
        /// A file of test rows
        #[arg(long, value_name = "FILE", value_parser = name::parser(), help_heading = "Data")]
        pub test: Option<String> => FREE_OF_DATA;
        /// Labels of the test file (IDX, npy, FILE.npz:ARRAY)
        #[arg(long, value_name = "FILE", help_heading = "Data")]
        #[serde(with = "crate::name")]
        pub test_labels: Option<PathBuf> => FREE_OF_DATA;

        /// Widths of the hidden layers, with commas; none for no hidden layer [default: 128, or those of --init FILE]
        #[arg(long, value_name = "WIDTHS", help_heading = "Network")]
        pub hidden: Option<Hidden> = |_| Hidden(vec![128]) =>
            Rules {
                resume: Resume::Free,
                left_open: |new, _| matches!(new.init, Some(Init::File(_))),
                of_model: always,
                model_hint: WEIGHTS_ALONE,
                ..FIXED
            };
        /// Activation of the hidden layers: one for all, or one for each, with commas [default: relu]
        #[arg(long, value_delimiter = ',', help_heading = "Network")]
        pub activation: Option<Vec<Activation>> = |_| vec![Activation::Relu] =>
            Rules {
                left_open: |new, old| new.hidden.is_some() && names_several(old.activation.as_deref()),
                of_model: always,
                model_hint: WEIGHTS_ALONE,
                ..FIXED
            };
        /// Activation of the outputs [default: sigmoid for two classes, softmax for more, identity for regression]
        #[arg(long, value_name = "ACTIVATION", help_heading = "Network")]
        pub output_activation: Option<Activation> =>
            Rules {
                left_open: |new, old| other_data(new, old) || other_target(new) || new.loss.is_some(),
                of_model: of_target,
                model_hint: NEW_OUTPUT,
                ..FIXED
            };
        /// Layers without biases
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Network")]
        pub no_bias: Option<bool> = |_| false =>
            Rules { of_model: always, ..FIXED };
        /// First weights: auto, xavier-uniform, xavier-normal, he-uniform, he-normal, uniform(LOW,HIGH),
        /// normal(DEVIATION), or a FILE.safetensors, a run or latest to start from [default: auto: he-normal for relu
        /// and the like, else xavier-uniform]
        #[arg(long, value_name = "HOW", value_parser = name::parser().try_map(|text| text.parse::<Init>()), help_heading = "Network")]
        pub init: Option<Init> = |_| Init::Drawn(Initialization::Auto) =>
            Rules { of_model: always, may_differ: true, ..FIXED };
        /// Train so many networks side by side, each as it would be alone with a seed of its own; the model predicts the mean of
        /// what they predict [default: 8, or 4, 2 or 1 where 8 would take more than some seconds; 1 with --hidden; as many as
        /// the model of --finetune or the file of --init holds]
        #[arg(long, value_name = "NUMBER", value_parser = count_above_zero, help_heading = "Network")]
        pub ensemble: Option<usize> =>
            Rules {
                left_open: |new, old| is_other(&new.hidden, &old.hidden) || !draws_weights(new),
                range: AT_LEAST_1,
                not_varied: Some("each trial is one network, and --ensemble makes one model of the best ones"),
                ..FIXED
            };

        /// Go on from this model or run (latest: the newest) on other data: its columns, scaling, categories, network and weights (see also
        /// --freeze)
        #[arg(long, value_name = "MODEL", help_heading = "Network")]
        #[serde(with = "crate::name")]
        pub finetune: Option<PathBuf> =>
            Rules { not_varied: Some("a sweep trains from first weights of its own, or from one --init FILE"), ..FIXED };
        /// With --finetune: draw the last layer anew, for the data's own target
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Network")]
        pub new_output: Option<bool> =>
            Rules {
                left_open: |new, _| new.finetune.is_some(),
                needs: Needs::ever("--finetune MODEL", |options| options.finetune.is_some()),
                ..FIXED
            };

        /// What training makes small [default: as the task and the output activation demand]
        #[arg(long, help_heading = "Training")]
        pub loss: Option<Loss> =>
            Rules {
                left_open: is_loss_open,
                of_model: of_target,
                model_hint: NEW_OUTPUT,
                ..FIXED
            };
        /// With --loss huber: errors up to this count by half their square, larger ones linearly; in units of the target
        /// as it is scaled [default: 1]
        #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub huber_delta: Option<f64> =>
            Rules {
                left_open: |new, old| old.loss.is_some() && is_other(&new.loss, &old.loss) || is_loss_open(new, old),
                of_model: of_target,
                model_hint: NEW_OUTPUT,
                needs: Needs::ever("--loss huber", |options| {
                    options.finetune.is_some() && of_target(options) || options.loss.is_some_and(|loss| loss.number().is_some())
                }),
                ..FIXED
            };
        /// Whether a batch's rows are averaged or added up [default: mean]
        #[arg(long, help_heading = "Training")]
        pub reduction: Option<Reduction> = |_| Reduction::Mean =>
            Rules { may_differ: true, ..FIXED };
        /// The rule that updates the weights [default: adam]
        #[arg(long, help_heading = "Training")]
        pub optimizer: Option<OptimizerKind> = |_| OptimizerKind::Adam => FIXED;
        /// Learning rate [default: 0.1 for sgd, 0.01 for momentum and nesterov, 0.005 for adam, adamw and rmsprop, or
        /// 0.001 where --schedule is not cosine; with several networks as --epochs; with --finetune a tenth]
        #[arg(long, alias = "lr", value_name = "RATE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub learning_rate: Option<f64> = usual_rate =>
            Rules {
                resume: Resume::TOLD,
                left_open: |new, old| is_other(&new.optimizer, &old.optimizer),
                range: AT_LEAST_0,
                may_differ: true,
                ..FIXED
            };
        /// Momentum of momentum and nesterov [default: 0.9]
        #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub momentum: Option<f64> = |options| Optimizer::new(options.optimizer()).momentum =>
            Rules {
                needs: Needs::of_flag("--optimizer momentum or nesterov", |options| options.optimizer().has_momentum()),
                range: SHARE,
                may_differ: true,
                ..FIXED
            };
        /// Decay of adam's mean of gradients [default: 0.9]
        #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub beta1: Option<f64> = |options| Optimizer::new(options.optimizer()).beta1 =>
            Rules {
                needs: Needs::of_flag("--optimizer adam or adamw", |options| options.optimizer().has_mean()),
                range: SHARE,
                may_differ: true,
                ..FIXED
            };
        /// Decay of the mean of squared gradients of adam, adamw and rmsprop [default: 0.999; 0.99 for rmsprop]
        #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub beta2: Option<f64> = |options| Optimizer::new(options.optimizer()).beta2 =>
            Rules {
                left_open: |new, old| {
                    let usual = |options: &Options| options.optimizer.map(|optimizer| Optimizer::new(optimizer).beta2);
                    old.optimizer.is_some() && is_other(&usual(new), &usual(old))
                },
                needs: Needs::of_flag("--optimizer adam, adamw or rmsprop", |options| options.optimizer().has_squares()),
                range: SHARE,
                may_differ: true,
                ..FIXED
            };
        /// What keeps adam, adamw and rmsprop from dividing by zero [default: 1e-8]
        #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub epsilon: Option<f64> = |options| Optimizer::new(options.optimizer()).epsilon =>
            Rules {
                needs: Needs::of_flag("--optimizer adam, adamw or rmsprop", |options| options.optimizer().has_squares()),
                range: Range::from(1e-30),
                may_differ: true,
                ..FIXED
            };
        /// L1 penalty: pulls the weights, not the biases, towards zero by this much a step and rate [default: 0]
        #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub l1: Option<f64> = |_| 0.0 =>
            Rules { range: AT_LEAST_0, ..FIXED };
        /// Keep the norm of all gradients together at this, at most [default: 0: not clipped]
        #[arg(long, value_name = "NORM", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub clip_norm: Option<f64> =>
            Rules { left_open: |new, _| new.clip_norm.is_some() || new.clip_value.is_some(), ..FIXED };
        /// Keep each gradient between minus this and this [default: 0: not clipped]
        #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub clip_value: Option<f64> =>
            Rules { left_open: |new, _| new.clip_norm.is_some() || new.clip_value.is_some(), ..FIXED };
        /// Keep an exponential moving average of the weights with this decay, such as 0.999 (in the first steps a smaller
        /// one: at most (1 + step) / (10 + step)), and evaluate and save that [default: none]
        #[arg(long, value_name = "DECAY", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub weight_average: Option<f64> = |_| 0.0 =>
            Rules { range: SHARE, ..FIXED };
        /// Drop each unit of the hidden layers with this probability in each training step: one share for all, or one for
        /// each, with commas [default: 0]
        #[arg(long, value_name = "SHARES", value_delimiter = ',', value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub dropout: Option<Vec<f64>> = |_| vec![0.0] =>
            Rules {
                left_open: |new, old| names_several(old.dropout.as_deref()) && (other_model(new, old) || new.hidden.is_some()),
                range: SHARE,
                ..FIXED
            };
        /// What --precision mixed multiplies deltas by in the first epochs so that f16 holds them, a power of two
        /// [default: the rows of a batch, rounded up to one; 1 where their losses are added up]
        #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub loss_scale: Option<f64> =>
            Rules { needs: Needs::ever("--precision mixed", |options| options.device.mixed()), ..FIXED };
        /// Move the classes' targets of 0 and 1 towards each other by this share, in training [default: 0]
        #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub label_smoothing: Option<f64> = |_| 0.0 =>
            Rules { range: SHARE, ..FIXED };
        /// Multiply the loss of each class's rows: balanced, or CLASS=WEIGHT with commas between [default: 1 each]
        #[arg(long, value_name = "WEIGHTS", help_heading = "Training")]
        pub class_weights: Option<ClassWeights> =>
            Rules { left_open: |new, old| other_data(new, old) || new.target.is_some(), ..FIXED };
        /// Of two classes: the positive one, whose precision, recall and F1 are told, and which --threshold is for [default:
        /// the second]
        #[arg(long, value_name = "CLASS", help_heading = "Training")]
        pub positive: Option<String> =>
            Rules { resume: Resume::Free, left_open: |new, old| other_data(new, old) || new.target.is_some(), ..OF_ROWS };
        /// Of two classes: predict the positive one (see --positive) where its probability is at least this number; or
        /// choose the number on the validation rows, for the best F1 (f1), the best recall minus false positive rate
        /// (youden), the best precision with at least this recall (recall=0.9), or the best recall with at least this
        /// precision (precision=0.9)
        /// [default: predict the more probable class]
        #[arg(long, allow_hyphen_values = true, value_name = "NUMBER|RULE", help_heading = "Training")]
        pub threshold: Option<Threshold> =>
            Rules {
                resume: Resume::Free,
                // A number is of one class.
                left_open: |new, old| {
                    other_data(new, old) || new.target.is_some() || is_other(&new.positive, &old.positive)
                },
                ..OF_ROWS
            };
        /// A column, by name, of numbers that the training rows' losses are multiplied by; it is no input
        #[arg(long, value_name = "COLUMN", help_heading = "Training")]
        pub weight_column: Option<String> => Rules { not_varied: None, ..OF_DATA };
        /// Layers that stay as they are, from 1, with commas
        #[arg(long, value_name = "LAYERS", value_delimiter = ',', value_parser = count_above_zero, help_heading = "Training")]
        pub freeze: Option<Vec<usize>> =>
            Rules { left_open: |new, old| other_model(new, old) || is_other(&new.hidden, &old.hidden), ..FIXED };
        /// Learning rate of each layer as a multiple of --learning-rate, from the first layer on, with commas, such as
        /// 0.1,1 [default: 1 each]
        #[arg(long, value_name = "FACTORS", value_delimiter = ',', value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub layer_rates: Option<Vec<f64>> =>
            Rules {
                left_open: |new, old| other_model(new, old) || is_other(&new.hidden, &old.hidden),
                range: AT_LEAST_0,
                ..FIXED
            };
        /// Weight decay, on the weights and not the biases [default: 0]
        #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub weight_decay: Option<f64> = |_| 0.0 =>
            Rules { range: AT_LEAST_0, may_differ: true, ..FIXED };
        /// How the learning rate changes [default: cosine; constant with --patience, whose end is not known]
        #[arg(long, help_heading = "Training")]
        pub schedule: Option<ScheduleKind> = usual_schedule =>
            Rules { resume: Resume::TOLD, may_differ: true, ..FIXED };
        /// Epochs over which the rate rises from zero at the start [default: 0]
        #[arg(long, value_name = "EPOCHS", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub warmup: Option<f64> = |_| 0.0 =>
            Rules { resume: Resume::TOLD, range: AT_LEAST_0, may_differ: true, ..FIXED };
        /// Epochs between two drops of --schedule step [default: a third of all]
        #[arg(long, value_name = "EPOCHS", value_parser = count_above_zero, help_heading = "Training")]
        pub step_every: Option<usize> = |options| (options.epochs() / 3).max(1) =>
            Rules {
                left_open: |new, _| new.epochs.is_some(),
                resume: Resume::Told(|options| options.schedule() == ScheduleKind::Step),
                needs: Needs::of_flag("--schedule step", |options| options.schedule() == ScheduleKind::Step),
                range: AT_LEAST_1,
                may_differ: true,
                ..FIXED
            };
        /// Epochs without a lower loss (of validation rows, if there are any; lower by 1 in 10,000) before a drop of
        /// --schedule plateau [default: 10]
        #[arg(long, value_name = "EPOCHS", value_parser = count_above_zero, help_heading = "Training")]
        pub plateau_patience: Option<usize> = |_| 10 =>
            Rules {
                resume: Resume::Told(|options| options.schedule() == ScheduleKind::Plateau),
                needs: Needs::of_flag("--schedule plateau", |options| options.schedule() == ScheduleKind::Plateau),
                range: AT_LEAST_1,
                may_differ: true,
                ..FIXED
            };
        /// What a drop of --schedule step or plateau multiplies the rate by [default: 0.1]
        #[arg(long, value_name = "FACTOR", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub step_factor: Option<f64> = |_| 0.1 =>
            Rules {
                resume: Resume::Told(|options| matches!(options.schedule(), ScheduleKind::Step | ScheduleKind::Plateau)),
                needs: Needs::of_flag("--schedule step or plateau", |options| matches!(options.schedule(), ScheduleKind::Step | ScheduleKind::Plateau)),
                range: AT_LEAST_0,
                may_differ: true,
                ..FIXED
            };
        /// Rows of a batch, full for all, or auto [default: auto: 8 below 500 rows of training, 32 from there, 64 from
        /// 10,000, 128 from 100,000]
        #[arg(long, alias = "batch", value_name = "ROWS", help_heading = "Training")]
        pub batch_size: Option<BatchSize> = |_| BatchSize::Auto => Rules { not_varied: None, ..OF_DATA };
        /// Compute a batch in so many micro-batches, whose gradients are added up: the step is that of the whole batch,
        /// in less memory [default: as few as there is room for]
        #[arg(long, value_name = "NUMBER", value_parser = count_above_zero, help_heading = "Training")]
        pub accumulate: Option<usize> =>
            Rules {
                left_open: |new, old| other_data(new, old) || is_other(&new.batch_size, &old.batch_size),
                range: AT_LEAST_1,
                not_varied: Some(NO_NUMBER),
                ..FIXED
            };
        /// Times to go through the training rows [default: 20; 50 where --schedule is not cosine; with several networks 10 to
        /// 80, at 0.005 or 0.01, as a trial on part of the training rows says, unless it would take long]
        #[arg(long, alias = "epoch", value_parser = count, help_heading = "Training")]
        pub epochs: Option<usize> = usual_epochs =>
            Rules { resume: Resume::Told(|options| options.schedule() == ScheduleKind::Cosine), ..FIXED };
        /// End after so many of the epochs; the learning rate falls as if all of them came. --resume RUN --stop-after N goes on
        #[arg(long, value_name = "EPOCHS", value_parser = count_above_zero, help_heading = "Training")]
        pub stop_after: Option<usize> =>
            Rules { resume: Resume::Free, range: AT_LEAST_1, not_varied: Some(ONE_LENGTH), ..FIXED };
        /// Go through the rows in their order, in every epoch
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Training")]
        pub no_shuffle: Option<bool> = |_| false => FIXED;
        /// Draw as many training rows as there are with replacement, and train on those: each network of an ensemble draws its
        /// own (bagging)
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Training")]
        pub bootstrap: Option<bool> = |_| false => FIXED;
        /// Seed of the split, the first weights and the order of the rows [default: 0]
        #[arg(long, value_parser = clap::value_parser!(u64).range(..1 << 63), help_heading = "Training")]
        pub seed: Option<u64> = |_| 0 =>
            Rules { may_differ: true, ..FIXED };
        /// Seed of the split alone, so that runs of other seeds have the same test rows [default: as --seed]
        #[arg(long, value_name = "SEED", value_parser = clap::value_parser!(u64).range(..1 << 63), help_heading = "Data")]
        pub split_seed: Option<u64> => OF_ROWS;
        /// End after so many epochs without a lower validation loss (training loss, where there are no validation rows),
        /// and take the best epoch's weights
        #[arg(long, value_name = "EPOCHS", value_parser = count_above_zero, help_heading = "Training")]
        pub patience: Option<usize> =>
            Rules { resume: Resume::Free, range: AT_LEAST_1, not_varied: Some(ONE_LENGTH), ..FIXED };
        /// By how much the loss must be lower to count, with --patience [default: 0]
        #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
        pub min_delta: Option<f64> =>
            Rules {
                resume: Resume::Free,
                needs: Needs::ever("--patience", |options| options.patience.is_some()),
                range: AT_LEAST_0,
                not_varied: Some(ONE_LENGTH),
                ..FIXED
            };
        /// End after this time: 90s, 15m, 1.5h
        #[arg(long, value_name = "TIME", help_heading = "Training")]
        pub max_time: Option<Time> => FREE;
        /// Save a checkpoint, from which --resume goes on, every so many epochs or so often: 10, 30s, 5m [default: 5m]
        #[arg(long, value_name = "EPOCHS|TIME", help_heading = "Output")]
        pub checkpoint_every: Option<Interval> = |_| Interval::default() => FREE;
        /// Checkpoints to keep, the newest ones [default: 2]
        #[arg(long, value_name = "NUMBER", value_parser = checkpoints, help_heading = "Output")]
        pub keep_checkpoints: Option<usize> = |_| 2 =>
            Rules { resume: Resume::Free, range: AT_LEAST_1, not_varied: Some(NO_NUMBER), ..FIXED };
        /// Write each epoch's numbers for this program as well [default: metrics.jsonl only]
        #[arg(long, value_name = "PROGRAM", help_heading = "Output")]
        pub log: Option<Log> => FREE;

        /// Memory for the data, such as 2GiB: wgrad converts a file or folder of more bytes (CSV, of a .gz those that are
        /// packed; npy and npz in C order; IDX; Parquet) into a temporary file, in the current folder or, if it cannot
        /// write there, in the system's folder for such files, and trains on a part of it at a time; the results stay the
        /// same [default: wgrad converts what memory does not hold]
        #[arg(long, value_name = "SIZE", help_heading = "Data")]
        pub memory: Option<Bytes> => FREE;

        #[command(flatten)]
        #[serde(flatten)]
        #[expect(missing_docs, reason = "clap would print it as the group's help")]
        pub device: DeviceOptions;

        /// The GPU's memory to use at most, such as 4GiB; data that does not fit beside the rest is streamed [default:
        /// what it gives]
        #[arg(long, value_name = "SIZE", help_heading = "Device")]
        pub device_memory: Option<Bytes> =>
            Rules {
                resume: Resume::Free,
                needs: Needs::of_flag("a GPU", |options| options.device.device != Some(Wanted::Cpu)),
                not_varied: Some(NO_NUMBER),
                ..FIXED
            };
    }
}

declared! {
    /// How files are read.
    #[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case", default)]
    pub struct FileOptions {
        /// The first line of a CSV file is data; columns are called 0, 1, …
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Data")]
        pub no_header: Option<bool> => FREE_OF_DATA;
        /// What separates the cells of a CSV file: one character, or tab
        #[arg(long, value_name = "CHARACTER", help_heading = "Data")]
        pub delimiter: Option<Delimiter> => FREE_OF_DATA;
        /// The decimal sign of a CSV file's numbers: . or , [default: as the file shows]
        #[arg(long, value_name = "SIGN", help_heading = "Data")]
        pub decimal: Option<Decimal> => FREE_OF_DATA;
        /// What groups the digits of a CSV file's numbers: , . ' _ or space [default: as the file shows]
        #[arg(long, value_name = "SIGN", help_heading = "Data")]
        pub thousands: Option<Sign> => FREE_OF_DATA;
        /// What may stand before or after a CSV file's numbers and is to be left out, with commas, such as '$,%,kg' (7.9
        /// % is read as 7.9)
        #[arg(long, value_name = "UNITS", value_delimiter = ',', help_heading = "Data")]
        pub units: Option<Vec<String>> => OF_DATA;
        /// Labels of an image file (IDX, npy, FILE.npz:ARRAY)
        #[arg(long, value_name = "FILE", help_heading = "Data")]
        #[serde(with = "crate::name")]
        pub labels: Option<PathBuf> => FREE_OF_DATA;
    }
}

impl FileOptions {
    /// How numbers are written, if it is said.
    fn numerals(&self) -> Option<Numerals> {
        let thousands = self.thousands.map(|sign| sign.0);
        // Digits in groups of commas have a point before their decimals, and the other way round.
        let decimal = self.decimal.map_or(if thousands == Some(b'.') { b',' } else { b'.' }, |sign| sign.0);
        (self.decimal.is_some() || thousands.is_some()).then(|| Numerals { decimal, thousands, units: self.units() })
    }

    /// What may stand before or after numbers.
    fn units(&self) -> Arc<[String]> {
        let units = self.units.iter().flatten().map(|unit| unit.trim().to_owned());
        units.filter(|unit| !unit.is_empty()).collect()
    }

    /// How to read a file with these labels.
    pub fn reading(&self, labels: Option<PathBuf>) -> crate::data::ReadOptions {
        crate::data::ReadOptions {
            header: !self.no_header.unwrap_or(false),
            labels,
            delimiter: self.delimiter.map(|delimiter| delimiter.0),
            numerals: self.numerals(),
            units: self.units(),
            ..crate::data::ReadOptions::default()
        }
    }
}

declared! {
    /// Where to compute, and in what.
    #[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
    #[serde(rename_all = "kebab-case", default)]
    pub struct DeviceOptions {
        /// auto, cpu, gpu, gpu:INDEX (see 'wgrad devices') or a part of a GPU's name [default: auto]
        #[arg(long, help_heading = "Device")]
        pub device: Option<Wanted> => FREE;
        /// What numbers to compute in; f64 is for the CPU; mixed rounds the factors of large products to f16 in training,
        /// for the matrix units of GPUs [default: f32]
        #[arg(long, help_heading = "Device")]
        pub precision: Option<PrecisionName> = |_| PrecisionName::F32 =>
            Rules { not_varied: Some("trials are compared in one precision"), ..FIXED };
        /// Threads of the CPU path [default: as many as there are cores]
        #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Device")]
        pub threads: Option<u16> => FREE;
        /// Measure how a GPU computes this network's products fastest, and remember it
        #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Device")]
        pub tune: Option<bool> =>
            Rules {
                resume: Resume::Free,
                needs: Needs::of_flag("a GPU", |options| options.device.device != Some(Wanted::Cpu) && !options.device.double()),
                not_varied: Some(NO_NUMBER),
                ..FIXED
            };
        /// How a GPU computes each product ([`crate::plan::Launch::product_key`]): in run.toml only, so that it is the
        /// same arithmetic again.
        #[arg(skip)]
        pub tuned: Option<BTreeMap<String, Choice>> =>
            Rules {
                resume: Resume::TOLD,
                left_open: |new, _| new.device.tune.is_some() || new.device.device.is_some(),
                not_varied: Some(NO_NUMBER),
                ..FIXED
            };
    }
}

impl DeviceOptions {
    /// Chooses and opens the device.
    ///
    /// # Errors
    /// No device, if it is not there; usage, for f64 on a GPU.
    pub fn open(&self) -> Result<Device> {
        let (threads, wanted) = (self.threads.map(usize::from), self.device.as_ref().unwrap_or(&Wanted::Auto));
        if self.mixed() {
            return Device::choose_mixed(wanted, threads);
        }
        Device::choose(wanted, threads, self.double())
    }

    /// Whether the device is ours to choose.
    pub fn is_auto(&self) -> bool {
        matches!(self.device, None | Some(Wanted::Auto))
    }

    /// Whether mixed precision was asked for.
    pub fn mixed(&self) -> bool {
        self.precision == Some(PrecisionName::Mixed)
    }

    /// Whether products in f32 may be computed on matrix units: where that is measured, or was.
    pub fn splits(&self) -> bool {
        let is_noted = self.tuned.iter().flat_map(BTreeMap::values).any(|choice| choice.family.is_split());
        self.tune == Some(true) || is_noted
    }

    /// Whether f64 was asked for.
    pub fn double(&self) -> bool {
        self.precision == Some(PrecisionName::F64)
    }
}
