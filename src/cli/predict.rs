//! `wgrad predict`: what a model says of each row, as CSV.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::print;
use crate::error::{Error, Result, shown};
use crate::model::save_atomically;
use crate::training::application::Application;
use crate::training::options::{DeviceOptions, FileOptions};
use crate::training::predictions;

/// The arguments of `wgrad predict`.
#[derive(Debug, Args)]
#[command(after_help = "Example:  wgrad predict runs/iris-1 flowers.csv --probabilities -o out.csv")]
pub(super) struct PredictArguments {
    /// A model file, or a run's folder
    model: PathBuf,
    /// An embedded set, a file, or - for stdin; its columns are found by name, in any order
    data: String,
    #[command(flatten)]
    files: FileOptions,
    /// Add each class's probability
    #[arg(long)]
    probabilities: bool,
    /// Put the predictions behind the data's own columns
    #[arg(long)]
    append: bool,
    /// File to write to [default: stdout]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// No remarks on stderr
    #[arg(short, long)]
    quiet: bool,
}

/// Predicts.
pub(super) fn run(arguments: &PredictArguments) -> Result<()> {
    let reading = arguments.files.reading(arguments.files.labels.clone());
    let application = Application::new(&arguments.model, &arguments.data, &reading, &arguments.device)?;
    if !arguments.quiet {
        print::remarks(&application.remarks);
    }
    let columns = predictions::columns(&application, arguments.probabilities)?;
    if arguments.json {
        let predictions: serde_json::Map<_, _> = columns.into_iter().map(|(name, cells)| (name, json!(cells))).collect();
        let report =
            json!({ "rows": application.table.rows, "device": application.device.report(), "predictions": predictions });
        return print::json("predict", &report);
    }
    let text = predictions::csv(&application, &columns, arguments.append)?;
    let Some(path) = &arguments.output else { return print::bytes(&text) };
    if [Path::new(&arguments.data), &arguments.model, &application.file].into_iter().any(|read| super::is_same(path, read)) {
        let path = shown(&path.to_string_lossy());
        return Err(Error::Usage(format!("{path}: this is the data or the model; name another file for the predictions")));
    }
    save_atomically(path, |file| file.write_all(&text).map_err(|error| Error::writing(path, &error)), |_| Ok(()))
}
