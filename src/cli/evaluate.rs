//! `wgrad evaluate`: how right a model is on data with known targets, as a report or as a gate.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::memory::MemoryArguments;
use super::naming::named_model;
use super::print;
use crate::error::{Error, Result, shown};
use crate::evaluation::{Asked, Gate, Threshold, check};
use crate::name;
use crate::training::run::application::{Application, Extent};
use crate::training::run::attention;
use crate::training::run::options::{DeviceOptions, FileOptions};
use crate::training::run::own_rows::OwnRows;

/// The arguments of `wgrad evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:  wgrad evaluate runs/iris-1 --min accuracy=0.9
           wgrad evaluate runs/iris-1 new.csv --importance")]
pub(super) struct EvaluateArguments {
    /// A model file, a run's folder or name, or latest
    model: PathBuf,
    /// An embedded set, a file, or - for stdin [default: the run's own test rows, read again from its data]
    #[arg(value_parser = name::parser())]
    data: Option<String>,
    /// The run's own rows of this kind, DATA being where its data are now [default: test, without DATA]
    #[arg(long)]
    rows: Option<OwnRows>,
    #[command(flatten)]
    files: FileOptions,
    /// Of two classes: the one whose precision, recall and F1 wgrad prints [default: as the model was trained]
    #[arg(long, value_name = "CLASS")]
    positive: Option<String>,
    /// Of two classes: predict the positive one where its probability is at least this number; or choose the number on these
    /// very rows, as train --threshold does on validation rows (f1, youden, recall=0.9, precision=0.9), which is optimistic
    /// [default: as the model was trained]
    #[arg(long, allow_hyphen_values = true, value_name = "NUMBER|RULE")]
    threshold: Option<Threshold>,
    /// Fail (exit code 4) if a metric is below: accuracy, balanced-accuracy, macro-f1, log-loss; of two classes precision,
    /// recall, f1, auc, average-precision; of numbers mse, rmse, mae, r2
    #[arg(long, value_name = "METRIC=NUMBER", value_delimiter = ',', value_parser = least)]
    min: Vec<Gate>,
    /// Fail (exit code 4) if a metric is above
    #[arg(long, value_name = "METRIC=NUMBER", value_delimiter = ',', value_parser = gate)]
    max: Vec<Gate>,
    /// Also tell how much the model goes by each column: what it loses when the column's cells are shuffled among the rows
    #[arg(long)]
    importance: bool,
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

fn least(text: &str) -> std::result::Result<Gate, String> {
    let gate = gate(text)?;
    match gate.is_loss() {
        true => Err(format!("of {} lower is better: say --max {text}", gate.metric)),
        false => Ok(gate),
    }
}

fn gate(text: &str) -> std::result::Result<Gate, String> {
    text.parse().map_err(|error: Error| error.to_string())
}

/// Evaluates.
pub(super) fn run(arguments: &EvaluateArguments) -> Result<()> {
    let model = &named_model(&arguments.model, arguments.quiet)?;
    let own = arguments.rows.or(arguments.data.is_none().then_some(OwnRows::Test));
    let (memory, device) = (arguments.memory.memory, &arguments.device);
    let application = match &arguments.data {
        Some(data) if arguments.rows.is_none() => {
            let reading = arguments.files.reading(arguments.files.labels.clone());
            let extent = Extent { memory, all_columns: false, targets: true };
            Application::new(model, data, &reading, extent, device)?
        }
        _ if arguments.files != FileOptions::default() => {
            return Err(Error::Usage(
                "a run's own rows are read as the run says: leave out how a file is read, or --rows".into(),
            ));
        }
        data => Application::of_run(model, own.unwrap_or(OwnRows::Test), data.as_deref(), memory, device)?,
    };
    let encoding = &application.model.encoding;
    let positive = arguments.positive.as_ref().map(|name| encoding.class_called("--positive", name)).transpose()?;
    arguments.threshold.map_or(Ok(()), |_| encoding.check_two("--threshold"))?;
    let evaluation = application.judged(&Asked { positive, threshold: arguments.threshold })?;
    print::told(&application, arguments.quiet);
    if let (Some(Threshold::By(rule)), false) = (arguments.threshold, arguments.quiet) {
        let told = "chose the threshold on the very rows that it is judged by: on other rows these scores will be lower";
        print::remarks(&[format!("--threshold {rule} {told}")]);
    }
    print::remarks(application.remark_on_missing().as_slice());
    print::remarks(application.remark_on_unfinite().as_slice());
    print::remarks(application.remark_on_trained_rows(model).as_slice());
    let rows = own;
    let attention = if arguments.importance { application.attention()? } else { None };
    if arguments.importance && attention.is_none() {
        print::remarks(&[format!(
            "--importance: these rows do not tell it: it takes {} of them at least, and outputs that are finite",
            attention::Extent::LEAST
        )]);
    }
    if arguments.json {
        let mut report = json!({
            "data": application.source(),
            "rows": rows.map(OwnRows::name),
            "trained_on": application.trained_on().map(|(rows, _)| rows),
            "device": application.device.report(),
            "evaluation": evaluation,
        });
        if arguments.importance {
            let (importance, dependences) = attention.map_or((None, Vec::new()), |(one, others)| (Some(one), others));
            report["importance"] = json!(importance);
            report["dependences"] = json!(dependences);
        }
        print::json("evaluate", &report)?;
    } else if !arguments.quiet {
        if let Some(rows) = rows {
            print::note(format_args!(
                "{}: the run's {} {} rows",
                shown(application.source()),
                application.rows(),
                rows.name()
            ));
        }
        print::line(&evaluation)?;
        attention.map_or(Ok(()), |(importance, _)| print::line(importance))?;
    }
    check(&evaluation, &arguments.min, &arguments.max)
}
