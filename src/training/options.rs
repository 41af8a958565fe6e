//! The options of a training run, as flags on the command line and as keys of `run.toml`. All are optional: what is not said
//! follows from the data, as [`super::resolution::said`] writes down.

mod text;

use std::collections::BTreeMap;
use std::path::PathBuf;

use clap::Args;
use serde::{Deserialize, Serialize};

use super::device::Wanted;
use super::row_weights::ClassWeights;
use super::schedule::ScheduleKind;
use super::session::Reduction;
pub use super::values::{BatchSize, Bytes, Delimiter, Hidden, Init, Interval, Log, PrecisionName, Time};
use super::values::{count, count_above_zero};
use crate::data::{Fractions, Missing, Scale, Task};
use crate::error::{Error, Result, shown};
use crate::kernels::Choice;
use crate::model::MOST_CHECKPOINTS;
use crate::network::{Activation, Loss, OptimizerKind};

/// A number that is one.
fn finite(text: &str) -> std::result::Result<f64, String> {
    text.parse::<f64>().ok().filter(|number| number.is_finite()).ok_or_else(|| format!("'{}' is no number", shown(text)))
}

/// A number of checkpoints to keep.
fn checkpoints(text: &str) -> std::result::Result<usize, String> {
    match count_above_zero(text)? {
        number if number <= MOST_CHECKPOINTS => Ok(number),
        _ => Err(format!("at most {MOST_CHECKPOINTS}")),
    }
}

/// Everything that decides what a training run computes.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields, default)]
pub struct Options {
    /// An embedded set (iris, wine, breast-cancer, digits, wine-quality), a file (CSV, TSV, npy, npz, IDX, Parquet if built so,
    /// each also .gz), several of those as one table (a folder of CSV or Parquet files, or a pattern in quotes, such as 'part-*.csv'), or -
    /// for stdin; FILE.npz:INPUTS,LABELS names arrays
    pub data: Option<String>,

    #[command(flatten)]
    #[serde(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the group's help")]
    pub files: FileOptions,

    /// Target column, by name or by position from 0; several, with commas, for regression [default: the last]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Data")]
    pub target: Option<Vec<String>>,
    /// What the target is [default: regression for numbers, classification for text and few integers]
    #[arg(long, help_heading = "Data")]
    pub task: Option<Task>,
    /// Columns to leave out
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Data")]
    pub ignore: Option<Vec<String>>,
    /// Numeric columns to take as categories
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Data")]
    pub categorical: Option<Vec<String>>,
    /// What to do about missing cells [default: error]
    #[arg(long, help_heading = "Data")]
    pub missing: Option<Missing>,
    /// How numeric columns are scaled [default: standard; minmax for images]
    #[arg(long, help_heading = "Data")]
    pub scale: Option<Scale>,
    /// Shares of training, validation and test rows [default: 0.8/0.1/0.1]
    #[arg(long, value_name = "SHARES", help_heading = "Data")]
    pub split: Option<Fractions>,
    /// Split every class by the same shares
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Data")]
    pub stratify: Option<bool>,
    /// Cross-validate: deal the rows out to so many folds, which take turns in being the test rows, and train once for each; --split then
    /// shares out the others [default: one run]
    #[arg(long, value_name = "NUMBER", value_parser = count_above_zero, help_heading = "Data")]
    pub folds: Option<usize>,
    /// Train for this fold alone, from 1, of --folds
    #[arg(long, value_name = "NUMBER", value_parser = count_above_zero, help_heading = "Data")]
    pub fold: Option<usize>,
    /// A file of validation rows
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub validation: Option<String>,
    /// Labels of the validation file (IDX, npy, FILE.npz:ARRAY)
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub validation_labels: Option<PathBuf>,
    /// A file of test rows
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub test: Option<String>,
    /// Labels of the test file (IDX, npy, FILE.npz:ARRAY)
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub test_labels: Option<PathBuf>,

    /// Widths of the hidden layers, with commas; none for no hidden layer [default: 64]
    #[arg(long, value_name = "WIDTHS", help_heading = "Network")]
    pub hidden: Option<Hidden>,
    /// Activation of the hidden layers: one for all, or one for each, with commas [default: relu]
    #[arg(long, value_delimiter = ',', help_heading = "Network")]
    pub activation: Option<Vec<Activation>>,
    /// Activation of the outputs [default: sigmoid for two classes, softmax for more, identity for regression]
    #[arg(long, value_name = "ACTIVATION", help_heading = "Network")]
    pub output_activation: Option<Activation>,
    /// Layers without biases
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Network")]
    pub no_bias: Option<bool>,
    /// First weights: auto, xavier-uniform, xavier-normal, he-uniform, he-normal, uniform(LOW,HIGH), normal(DEVIATION), or a
    /// FILE.safetensors or a run's folder to start from [default: auto: he-normal for relu, leaky-relu and gelu, else xavier-uniform]
    #[arg(long, value_name = "HOW", help_heading = "Network")]
    pub init: Option<Init>,

    /// Go on from this model or run on other data: its columns, scaling, categories, network and weights (see also --freeze)
    #[arg(long, value_name = "MODEL", help_heading = "Network")]
    pub finetune: Option<PathBuf>,
    /// With --finetune: draw the last layer anew, for the data's own target
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Network")]
    pub new_output: Option<bool>,

    /// What training makes small [default: as the task and the output activation demand]
    #[arg(long, help_heading = "Training")]
    pub loss: Option<Loss>,
    /// Whether a batch's rows are averaged or added up [default: mean]
    #[arg(long, help_heading = "Training")]
    pub reduction: Option<Reduction>,
    /// The rule that updates the weights [default: adam]
    #[arg(long, help_heading = "Training")]
    pub optimizer: Option<OptimizerKind>,
    /// Learning rate [default: 0.1 for sgd, 0.01 for momentum and nesterov, 0.001 for adam and adamw]
    #[arg(long, value_name = "RATE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub learning_rate: Option<f64>,
    /// Momentum of momentum and nesterov [default: 0.9]
    #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub momentum: Option<f64>,
    /// Decay of adam's mean of gradients [default: 0.9]
    #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub beta1: Option<f64>,
    /// Decay of adam's mean of squared gradients [default: 0.999]
    #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub beta2: Option<f64>,
    /// What keeps adam from dividing by zero [default: 1e-8]
    #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub epsilon: Option<f64>,
    /// L1 penalty: pulls the weights, not the biases, towards zero by this much a step and rate [default: 0]
    #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub l1: Option<f64>,
    /// Keep the norm of all gradients together at this, at most [default: 0: not clipped]
    #[arg(long, value_name = "NORM", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub clip_norm: Option<f64>,
    /// Keep each gradient between minus this and this [default: 0: not clipped]
    #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub clip_value: Option<f64>,
    /// Keep an exponential moving average of the weights with this decay, such as 0.999 (in the first steps a smaller one: at most
    /// (1 + step) / (10 + step)), and evaluate and save that [default: none]
    #[arg(long, value_name = "DECAY", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub weight_average: Option<f64>,
    /// Drop each unit of the hidden layers with this probability in each training step: one share for all, or one for each, with commas
    /// [default: 0]
    #[arg(long, value_name = "SHARES", value_delimiter = ',', value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub dropout: Option<Vec<f64>>,
    /// Move the classes' targets of 0 and 1 towards each other by this share, in training [default: 0]
    #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub label_smoothing: Option<f64>,
    /// Multiply the loss of each class's rows: balanced, or CLASS=WEIGHT with commas between [default: 1 each]
    #[arg(long, value_name = "WEIGHTS", help_heading = "Training")]
    pub class_weights: Option<ClassWeights>,
    /// A column, by name, of numbers that the training rows' losses are multiplied by; it is no input
    #[arg(long, value_name = "COLUMN", help_heading = "Training")]
    pub weight_column: Option<String>,
    /// Layers that stay as they are, from 1, with commas
    #[arg(long, value_name = "LAYERS", value_delimiter = ',', value_parser = count_above_zero, help_heading = "Training")]
    pub freeze: Option<Vec<usize>>,
    /// Learning rate of each layer as a multiple of --learning-rate, from the first layer on, with commas, such as 0.1,1 [default: 1 each]
    #[arg(long, value_name = "FACTORS", value_delimiter = ',', value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub layer_rates: Option<Vec<f64>>,
    /// Weight decay, on the weights and not the biases [default: 0]
    #[arg(long, value_name = "SHARE", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub weight_decay: Option<f64>,
    /// How the learning rate changes [default: constant]
    #[arg(long, help_heading = "Training")]
    pub schedule: Option<ScheduleKind>,
    /// Epochs over which the rate rises from zero at the start [default: 0]
    #[arg(long, value_name = "EPOCHS", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub warmup: Option<f64>,
    /// Epochs between two drops of --schedule step [default: a third of all]
    #[arg(long, value_name = "EPOCHS", value_parser = count_above_zero, help_heading = "Training")]
    pub step_every: Option<usize>,
    /// Epochs without a lower loss (of validation rows, if there are any; lower by 1 in 10,000) before a drop of --schedule plateau
    /// [default: 10]
    #[arg(long, value_name = "EPOCHS", value_parser = count_above_zero, help_heading = "Training")]
    pub plateau_patience: Option<usize>,
    /// What a drop of --schedule step or plateau multiplies the rate by [default: 0.1]
    #[arg(long, value_name = "FACTOR", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub step_factor: Option<f64>,
    /// Rows of a batch, full for all, or auto [default: auto: 8 below 500 rows of training, 32 from there, 64 from 10,000, 128 from 100,000]
    #[arg(long, value_name = "ROWS", help_heading = "Training")]
    pub batch_size: Option<BatchSize>,
    /// Compute a batch in so many micro-batches, whose gradients are added up: the step is that of the whole batch, in less memory
    /// [default: as few as there is room for]
    #[arg(long, value_name = "NUMBER", value_parser = count_above_zero, help_heading = "Training")]
    pub accumulate: Option<usize>,
    /// Times to go through the training rows [default: 50]
    #[arg(long, value_parser = count, help_heading = "Training")]
    pub epochs: Option<usize>,
    /// Go through the rows in their order, in every epoch
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Training")]
    pub no_shuffle: Option<bool>,
    /// Seed of the split, the first weights and the order of the rows [default: 0]
    #[arg(long, value_parser = clap::value_parser!(u64).range(..1 << 63), help_heading = "Training")]
    pub seed: Option<u64>,
    /// End after so many epochs without a lower validation loss (training loss, where there are no validation rows), and take the
    /// best epoch's weights
    #[arg(long, value_name = "EPOCHS", value_parser = count_above_zero, help_heading = "Training")]
    pub patience: Option<usize>,
    /// By how much the loss must be lower to count, with --patience [default: 0]
    #[arg(long, value_name = "NUMBER", value_parser = finite, allow_negative_numbers = true, help_heading = "Training")]
    pub min_delta: Option<f64>,
    /// End after this time: 90s, 15m, 1.5h
    #[arg(long, value_name = "TIME", help_heading = "Training")]
    pub max_time: Option<Time>,
    /// Save a checkpoint, from which --resume goes on, every so many epochs or so often: 10, 30s, 5m [default: 5m]
    #[arg(long, value_name = "EPOCHS|TIME", help_heading = "Output")]
    pub checkpoint_every: Option<Interval>,
    /// Checkpoints to keep, the newest ones [default: 2]
    #[arg(long, value_name = "NUMBER", value_parser = checkpoints, help_heading = "Output")]
    pub keep_checkpoints: Option<usize>,
    /// Write each epoch's numbers for this program as well [default: metrics.jsonl only]
    #[arg(long, value_name = "PROGRAM", help_heading = "Output")]
    pub log: Option<Log>,

    /// Memory for the data, such as 2GiB: a file or folder of more bytes (CSV, of a .gz those that are packed; npy and npz in C order; IDX; Parquet)
    /// is converted into a file without a name in the current folder, or where that cannot be written the system's for such files, and
    /// trained on a window at a time, with the same results [default: where there is no memory for it]
    #[arg(long, value_name = "SIZE", help_heading = "Data")]
    pub memory: Option<Bytes>,

    #[command(flatten)]
    #[serde(flatten)]
    #[expect(missing_docs, reason = "clap would print it as the group's help")]
    pub device: DeviceOptions,

    /// The GPU's memory to use at most, such as 4GiB; data that does not fit beside the rest is streamed [default: what it gives]
    #[arg(long, value_name = "SIZE", help_heading = "Device")]
    pub device_memory: Option<Bytes>,
}

/// How files are read.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct FileOptions {
    /// The first line of a CSV file is data; columns are called 0, 1, …
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Data")]
    pub no_header: Option<bool>,
    /// What separates the cells of a CSV file: one character, or tab
    #[arg(long, value_name = "CHARACTER", help_heading = "Data")]
    pub delimiter: Option<Delimiter>,
    /// Labels of an image file (IDX, npy, FILE.npz:ARRAY)
    #[arg(long, value_name = "FILE", help_heading = "Data")]
    pub labels: Option<PathBuf>,
}

impl FileOptions {
    /// How to read a file with these labels.
    pub fn reading(&self, labels: Option<PathBuf>) -> crate::data::ReadOptions {
        crate::data::ReadOptions {
            header: !self.no_header.unwrap_or(false),
            labels,
            delimiter: self.delimiter.map(|delimiter| delimiter.0),
        }
    }
}

/// Where to compute, and in what.
#[derive(Debug, Clone, Default, PartialEq, Args, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", default)]
pub struct DeviceOptions {
    /// auto, cpu, gpu, gpu:INDEX (see 'wgrad devices') or a part of a GPU's name [default: auto]
    #[arg(long, help_heading = "Device")]
    pub device: Option<Wanted>,
    /// The numbers that are computed in; f64 is for the CPU [default: f32]
    #[arg(long, help_heading = "Device")]
    pub precision: Option<PrecisionName>,
    /// Threads of the CPU path [default: as many as there are cores]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=1024), help_heading = "Device")]
    pub threads: Option<u16>,
    /// Measure how a GPU computes this network's products fastest, and remember it
    #[arg(long, num_args = 0..=1, default_missing_value = "true", require_equals = true, value_name = "BOOL", help_heading = "Device")]
    pub tune: Option<bool>,
    /// How --tune chose to compute each product ([`crate::plan::Launch::product_key`]): in run.toml only, so that it is the same
    /// arithmetic again.
    #[arg(skip)]
    pub tuned: Option<BTreeMap<String, Choice>>,
}

impl DeviceOptions {
    /// Chooses and opens the device.
    ///
    /// # Errors
    /// No device, if it is not there; usage, for f64 on a GPU.
    pub fn open(&self) -> Result<super::Device> {
        let threads = self.threads.map(usize::from);
        super::Device::choose(self.device.as_ref().unwrap_or(&Wanted::Auto), threads, self.double())
    }

    /// Whether the device is ours to choose.
    pub fn is_auto(&self) -> bool {
        matches!(self.device, None | Some(Wanted::Auto))
    }

    /// Whether f64 was asked for.
    pub fn double(&self) -> bool {
        self.precision == Some(PrecisionName::F64)
    }
}

impl Options {
    /// These options, and where they say nothing, those of a file. What in the file only followed from something that these
    /// options change (a learning rate from the optimizer, say) is left open again.
    ///
    /// # Panics
    /// Never: options are tables of plain values.
    pub fn over(self, mut file: Self) -> Self {
        if self.optimizer.is_some() && self.optimizer != file.optimizer {
            file.learning_rate = None;
        }
        if self.hidden.is_some() && file.activation.as_ref().is_some_and(|each| each.len() > 1) {
            file.activation = None;
        }
        if self.hidden.is_some() && file.dropout.as_ref().is_some_and(|each| each.len() > 1) {
            file.dropout = None;
        }
        if self.data.is_some() && self.data != file.data {
            file = file.without_data();
        }
        if self.loss.is_some() || self.task.is_some() || self.target.is_some() {
            file.output_activation = None;
        }
        if self.output_activation.is_some() || self.task.is_some() || self.target.is_some() {
            file.loss = None;
        }
        if self.target.is_some() {
            file.task = None;
            file.class_weights = None;
        }
        if self.hidden.is_some() && self.hidden != file.hidden {
            (file.freeze, file.layer_rates) = (None, None);
        }
        if self.finetune.is_some() && self.finetune != file.finetune {
            // They were said of the layers of another network.
            (file.freeze, file.layer_rates) = (None, None);
            file.dropout = file.dropout.filter(|shares| shares.len() == 1);
        }
        if self.finetune.is_some() {
            let of_model = Self { finetune: self.finetune.clone(), new_output: self.new_output, ..file };
            file = of_model.without_what_a_model_says();
        }
        if self.clip_norm.is_some() || self.clip_value.is_some() {
            (file.clip_norm, file.clip_value) = (None, None);
        }
        if self.device.tune.is_some() || self.device.device.is_some() {
            file.device.tuned = None;
        }
        if self.epochs.is_some() {
            file.step_every = None;
        }
        if self.batch_size.is_some() && self.batch_size != file.batch_size {
            file.accumulate = None;
        }
        if self.test.is_some() || self.validation.is_some() || self.folds != file.folds && self.folds.is_some() {
            file.split = None;
        }
        if self.folds.is_some() && self.fold.is_none() {
            file.fold = None;
        }
        let fields = |options: Self| match serde_json::to_value(options) {
            Ok(serde_json::Value::Object(fields)) => fields,
            _ => panic!("options are a table of plain values"),
        };
        let mut merged = fields(file);
        merged.extend(fields(self).into_iter().filter(|(_, value)| !value.is_null()));
        serde_json::from_value(merged.into()).expect("both were options")
    }

    /// These options without what the model says itself that they start from, if they do.
    pub(super) fn without_what_a_model_says(self) -> Self {
        if self.finetune.is_none() {
            return self;
        }
        let has_own_target = self.new_output.unwrap_or(false);
        Self {
            target: self.target.filter(|_| has_own_target),
            task: self.task.filter(|_| has_own_target),
            output_activation: self.output_activation.filter(|_| has_own_target),
            loss: self.loss.filter(|_| has_own_target),
            missing: self.missing.filter(|missing| *missing == Missing::Drop),
            ignore: None,
            categorical: None,
            scale: None,
            hidden: None,
            activation: None,
            no_bias: None,
            init: None,
            ..self
        }
    }

    /// These options without what was said of the data, or followed from it.
    fn without_data(self) -> Self {
        Self {
            data: None,
            files: FileOptions::default(),
            target: None,
            task: None,
            ignore: None,
            categorical: None,
            scale: None,
            validation: None,
            validation_labels: None,
            test: None,
            test_labels: None,
            output_activation: None,
            loss: None,
            batch_size: None,
            accumulate: None,
            class_weights: None,
            weight_column: None,
            ..self
        }
    }

    /// Refuses what was said of these flags although, all options taken together, it changes nothing.
    ///
    /// # Errors
    /// Usage, naming the flag and what it goes with.
    pub fn refuse_idle(&self, together: &Self) -> Result<()> {
        let states = together.optimizer.unwrap_or(OptimizerKind::Adam).states();
        let steps = together.schedule == Some(ScheduleKind::Step);
        let plateau = together.schedule == Some(ScheduleKind::Plateau);
        let on_cpu = together.device.device == Some(Wanted::Cpu) || together.device.double();
        let idle = [
            ("--momentum", "--optimizer momentum or nesterov", self.momentum.is_some() && states != 1),
            ("--beta1", "--optimizer adam or adamw", self.beta1.is_some() && states != 2),
            ("--beta2", "--optimizer adam or adamw", self.beta2.is_some() && states != 2),
            ("--epsilon", "--optimizer adam or adamw", self.epsilon.is_some() && states != 2),
            ("--device-memory", "a GPU", self.device_memory.is_some() && together.device.device == Some(Wanted::Cpu)),
            ("--step-every", "--schedule step", self.step_every.is_some() && !steps),
            ("--step-factor", "--schedule step or plateau", self.step_factor.is_some() && !steps && !plateau),
            ("--plateau-patience", "--schedule plateau", self.plateau_patience.is_some() && !plateau),
            ("--tune", "a GPU", self.device.tune == Some(true) && on_cpu),
        ];
        match idle.into_iter().find(|(.., idle)| *idle) {
            None => Ok(()),
            Some((flag, needed, _)) => Err(Error::Usage(format!("{flag} goes with {needed}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn sample() -> Options {
        Options {
            data: Some("digits".into()),
            hidden: Some(Hidden(vec![64, 32])),
            init: Some(Init::File("weights.safetensors".into())),
            batch_size: Some(BatchSize::Full),
            accumulate: Some(4),
            max_time: Some(Time(Duration::from_secs(90))),
            activation: Some(vec![Activation::LeakyRelu, Activation::Gelu]),
            split: Some("0.8/0.1/0.1".parse().expect("shares")),
            files: FileOptions { delimiter: Some(Delimiter(b';')), no_header: Some(true), labels: None },
            checkpoint_every: Some(Interval::Epochs(7)),
            keep_checkpoints: Some(3),
            log: Some(Log::Tensorboard),
            device_memory: Some(Bytes(3 << 28)),
            device: DeviceOptions {
                device: Some(Wanted::Index(1)),
                precision: Some(PrecisionName::F32),
                threads: Some(2),
                tune: Some(true),
                tuned: Some([("forward of 64 × 32 over 9".to_string(), Choice::default())].into()),
            },
            ..Options::default()
        }
    }

    #[test]
    fn options_read_back_as_they_were_written() {
        let text = sample().to_toml();
        assert_eq!(toml::from_str::<Options>(&text).expect("our own text"), sample());
    }

    #[test]
    fn settings_are_what_flags_say() {
        let set = |settings: &[&str]| {
            Options::from_settings(&settings.iter().map(|setting| (*setting).to_owned()).collect::<Vec<_>>())
        };
        let options = set(&[
            "hidden=64,32",
            "learning_rate=0.5",
            "activation=leaky-relu,gelu",
            "dropout=0.1,0.2",
            "no-bias=true",
            "target=7",
            "epochs = 3",
            "split=0.8/0.1/0.1",
            "seed=9",
            "ignore=a",
        ])
        .expect("options");
        let expected = Options {
            hidden: Some(Hidden(vec![64, 32])),
            learning_rate: Some(0.5),
            activation: Some(vec![Activation::LeakyRelu, Activation::Gelu]),
            dropout: Some(vec![0.1, 0.2]),
            no_bias: Some(true),
            target: Some(vec!["7".into()]),
            epochs: Some(3),
            split: Some("0.8/0.1/0.1".parse().expect("shares")),
            seed: Some(9),
            ignore: Some(vec!["a".into()]),
            ..Options::default()
        };
        assert_eq!(options, expected);
        for (setting, said) in [
            ("hiden=3", "did you mean 'hidden'?"),
            ("epochs", "KEY=VALUE"),
            ("epochs=many", "--set epochs=many"),
            ("l1=inf", "no number"),
            ("layer-rates=1,nan", "no number"),
            ("dropout=[inf]", "no number"),
            ("loss=none", "--set loss=none"),
        ] {
            let error = set(&[setting]).expect_err(setting).to_string();
            assert!(error.contains(said), "{error}");
        }
    }

    #[test]
    fn what_is_said_wins_over_what_the_file_says() {
        let flags = Options { seed: Some(3), hidden: Some(Hidden(vec![5])), ..Options::default() };
        let merged = flags.over(sample());
        assert_eq!((merged.seed, merged.hidden, merged.data), (Some(3), Some(Hidden(vec![5])), Some("digits".into())));
        assert_eq!(merged.device, sample().device);
        let tune = Options { device: DeviceOptions { tune: Some(true), ..Default::default() }, ..Options::default() };
        assert_eq!(tune.over(sample()).device.tuned, None, "measured again");
    }

    #[test]
    fn what_followed_from_something_that_changes_is_left_open_again() {
        let file = || Options {
            optimizer: Some(OptimizerKind::Adam),
            learning_rate: Some(0.001),
            loss: Some(Loss::CrossEntropy),
            output_activation: Some(Activation::Softmax),
            ..sample()
        };
        let flags = Options { optimizer: Some(OptimizerKind::Sgd), loss: Some(Loss::SquaredError), ..Options::default() };
        let merged = flags.over(file());
        assert_eq!((merged.learning_rate, merged.output_activation), (None, None));
        let other = Options { data: Some("iris".into()), ..Options::default() }.over(file());
        assert_eq!((other.batch_size, other.loss, other.seed, other.hidden), (None, None, None, Some(Hidden(vec![64, 32]))));
        let layered =
            Options { freeze: Some(vec![1]), layer_rates: Some(vec![0.1, 1.0]), dropout: Some(vec![0.1]), ..file() };
        let tuned = Options { finetune: Some("other".into()), ..Options::default() }.over(layered.clone());
        assert_eq!((tuned.freeze, tuned.layer_rates, tuned.dropout), (None, None, Some(vec![0.1])));
        let merged = Options::default().over(layered.clone());
        assert_eq!((merged.freeze, merged.layer_rates), (layered.freeze, layered.layer_rates));
        let same = Options { optimizer: Some(OptimizerKind::Adam), seed: Some(u64::MAX), ..Options::default() }.over(file());
        assert_eq!((same.learning_rate, same.loss, same.seed), (Some(0.001), Some(Loss::CrossEntropy), Some(u64::MAX)));
    }

    #[test]
    fn an_unknown_key_is_refused() {
        let error = toml::from_str::<Options>("hiden = [3]").expect_err("hiden");
        assert!(error.message().contains("hiden"), "{error}");
    }
}
