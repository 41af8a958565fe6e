//! `wgrad predict`: what a model says of each row, as CSV.

use std::io::Write;
use std::ops::Range;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::memory::MemoryArguments;
use super::naming::named_model;
use super::print;
use crate::data::{self, Decision};
use crate::error::{Error, Result, shown};
use crate::evaluation::Threshold;
use crate::files::{Place, Waiting};
use crate::name;
use crate::training::run::application::{Application, Extent};
use crate::training::run::options::{DeviceOptions, FileOptions};
use crate::training::run::predictions::{self, Beside};

/// The arguments of `wgrad predict`.
#[derive(Debug, Args)]
#[command(after_help = "Example:  wgrad predict runs/iris-1 flowers.csv --probabilities -o out.csv")]
pub(super) struct PredictArguments {
    /// A model file, a run's folder or name, or latest
    model: PathBuf,
    /// An embedded set, a file, or - for stdin; its columns are found by name, in any order
    #[arg(value_parser = name::parser())]
    data: String,
    #[command(flatten)]
    files: FileOptions,
    /// Add each class's probability
    #[arg(long)]
    probabilities: bool,
    /// Add how far the networks of an ensemble differ: the standard deviation (n - 1) of the number that they predict, or of
    /// the predicted class's probability; with --probabilities also that of each class's probability
    #[arg(long)]
    spread: bool,
    /// Of two classes: predict the positive one (see train --positive) where its probability is at least this number, from 0
    /// to 1 [default: as the model was trained]
    #[arg(long, allow_hyphen_values = true, value_name = "NUMBER", value_parser = threshold)]
    threshold: Option<f64>,
    /// Add the predictions after the data's own columns, and leave their cells as written
    #[arg(long, conflicts_with = "json")]
    append: bool,
    /// File to write to, or - for stdout [default: stdout]
    #[arg(short, long, value_name = "FILE", conflicts_with = "json")]
    output: Option<PathBuf>,
    /// Fail (exit code 4) if an output is NaN or infinite; without it that is a remark
    #[arg(long)]
    finite: bool,
    #[command(flatten)]
    memory: MemoryArguments,
    #[command(flatten)]
    pub(super) device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// No notes on stderr, as on columns that the model does not use; warnings stay
    #[arg(short, long)]
    quiet: bool,
}

fn threshold(text: &str) -> std::result::Result<f64, String> {
    match text.parse()? {
        Threshold::Given(number) => Ok(number),
        Threshold::By(_) => Err("a rule chooses on rows whose classes are known: write a number from 0 to 1".into()),
    }
}

impl PredictArguments {
    /// What is wanted beside the predictions.
    fn beside(&self) -> Beside {
        Beside { probabilities: self.probabilities, spread: self.spread }
    }
}

/// Predicts.
pub(super) fn run(arguments: &PredictArguments) -> Result<()> {
    let reading = arguments.files.reading(arguments.files.labels.clone());
    let extent = Extent { memory: arguments.memory.memory, all_columns: arguments.append, targets: false };
    let model = named_model(&arguments.model, arguments.quiet)?;
    let mut application = Application::new(&model, &arguments.data, &reading, extent, &arguments.device)?;
    if arguments.threshold.is_some() {
        let encoding = &mut application.model.encoding;
        encoding.check_two("--threshold")?;
        encoding.decide(Decision { threshold: arguments.threshold, ..encoding.decision() });
    }
    arguments.beside().check(&application.model)?;
    print::told(&application, arguments.quiet);
    put(arguments, &application)?;
    print::remarks(application.remark_on_missing().as_slice());
    match application.remark_on_unfinite() {
        Some(remark) if arguments.finite => Err(Error::CheckFailed(remark)),
        remark => {
            print::remarks(remark.as_slice());
            Ok(())
        }
    }
}

/// Prints the predictions, or saves them.
fn put(arguments: &PredictArguments, application: &Application) -> Result<()> {
    if arguments.json {
        return json_of(application, arguments.beside());
    }
    let Some(path) = arguments.output.as_ref().filter(|path| path.as_os_str() != "-") else {
        // Nothing is printed if a row has an error.
        let mut waiting = Waiting::default();
        csv_of(application, arguments, |piece| waiting.append(&piece).map(drop))?;
        return waiting.each(waiting.all(), print::bytes);
    };
    if data::takes_in(&arguments.data, path) {
        let path = shown(&path.to_string_lossy());
        return Err(Error::Usage(format!("{path}: would be among the data; name another file for the predictions")));
    }
    let write = |file: &mut dyn Write| {
        csv_of(application, arguments, |piece| file.write_all(&piece).map_err(|error| Error::writing(path, &error)))
    };
    Place::named(path)?.save(write, |_| Ok(()))
}

/// Gives the predictions as CSV, some rows after the other.
fn csv_of(
    application: &Application,
    arguments: &PredictArguments,
    mut put: impl FnMut(Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut is_first = true;
    application.each(|table, rows, outputs| {
        let columns = predictions::columns(&application.model.encoding, outputs, arguments.beside())?;
        let text = predictions::csv(table, rows, &columns, arguments.append, is_first)?;
        is_first = false;
        put(text)
    })
}

/// Prints the predictions as JSON, column by column. They come row by row, so they wait until all are there.
fn json_of(application: &Application, beside: Beside) -> Result<()> {
    let (mut waiting, mut all) = (Waiting::default(), Vec::<(String, Vec<Range<u64>>)>::new());
    application.each(|_, _, outputs| {
        let columns = predictions::columns(&application.model.encoding, outputs, beside)?;
        if all.is_empty() {
            all = columns.iter().map(|(name, _)| (name.clone(), Vec::new())).collect();
        }
        for ((_, cells), (_, ranges)) in columns.iter().zip(&mut all) {
            let cells = print::json_text(cells)?;
            // Without the brackets of a list.
            ranges.push(waiting.append(&cells.as_bytes()[1..cells.len() - 1])?);
        }
        Ok(())
    })?;
    let report = json!({ "rows": application.rows(), "device": application.device.report() });
    print::json_with("predict", &report, "predictions", |put| {
        let mut before = "{";
        for (name, ranges) in &all {
            put(format!("{before}{}:[", print::json_text(name)?).as_bytes())?;
            for (number, range) in ranges.iter().enumerate() {
                if number > 0 {
                    put(b",")?;
                }
                waiting.each(range.clone(), &mut *put)?;
            }
            put(b"]")?;
            before = ",";
        }
        put(if all.is_empty() { b"{}" } else { b"}" })
    })
}
