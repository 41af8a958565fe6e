//! `wgrad evaluate`: how right a model is on data with known targets, as a report or as a gate.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::memory::MemoryArguments;
use super::print;
use crate::error::{Error, Result};
use crate::evaluation::{Gate, check};
use crate::name;
use crate::training::run::application::{Application, Extent};
use crate::training::run::options::{DeviceOptions, FileOptions};

/// The arguments of `wgrad evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "Example:  wgrad evaluate runs/iris-1 iris --min accuracy=0.9")]
pub(super) struct EvaluateArguments {
    /// A model file, or a run's folder
    model: PathBuf,
    /// An embedded set, a file, or - for stdin
    #[arg(value_parser = name::parser())]
    data: String,
    #[command(flatten)]
    files: FileOptions,
    /// Fail (exit code 4) if a metric is below: accuracy, balanced-accuracy, macro-f1, auc, log-loss, mse, rmse, mae, r2
    #[arg(long, value_name = "METRIC=NUMBER", value_delimiter = ',', value_parser = gate)]
    min: Vec<Gate>,
    /// Fail (exit code 4) if a metric is above
    #[arg(long, value_name = "METRIC=NUMBER", value_delimiter = ',', value_parser = gate)]
    max: Vec<Gate>,
    #[command(flatten)]
    memory: MemoryArguments,
    #[command(flatten)]
    pub(super) device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing but warnings: the exit code is the answer
    #[arg(short, long)]
    quiet: bool,
}

fn gate(text: &str) -> std::result::Result<Gate, String> {
    text.parse().map_err(|error: Error| error.to_string())
}

/// Evaluates.
pub(super) fn run(arguments: &EvaluateArguments) -> Result<()> {
    let reading = arguments.files.reading(arguments.files.labels.clone());
    let extent = Extent { memory: arguments.memory.memory, all_columns: false, targets: true };
    let application = Application::new(&arguments.model, &arguments.data, &reading, extent, &arguments.device)?;
    let evaluation = application.judged()?;
    print::told(&application, arguments.quiet);
    print::remarks(application.remark_on_missing(&arguments.data).as_slice());
    print::remarks(application.remark_on_unfinite().as_slice());
    if arguments.json {
        let report = json!({ "data": arguments.data, "device": application.device.report(), "evaluation": evaluation });
        print::json("evaluate", &report)?;
    } else if !arguments.quiet {
        print::line(&evaluation)?;
    }
    check(&evaluation, &arguments.min, &arguments.max)
}
