//! `wgrad predict`: what a model says of each row, as CSV.

use std::borrow::Cow;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::print;
use crate::data::Task;
use crate::error::{Error, Result, shown};
use crate::evaluation::probabilities;
use crate::model::save_atomically;
use crate::training::application::Application;
use crate::training::options::{DeviceOptions, FileOptions};

/// The arguments of `wgrad predict`.
#[derive(Debug, Args)]
#[command(after_help = "Example:  wgrad predict runs/iris-1 flowers.csv --probabilities --append -o predicted.csv")]
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

/// Columns of text, each with its name.
type Columns = Vec<(String, Vec<String>)>;

/// Predicts.
pub(super) fn run(arguments: &PredictArguments) -> Result<()> {
    let reading = arguments.files.reading(arguments.files.labels.clone());
    let application = Application::new(&arguments.model, &arguments.data, &reading, &arguments.device)?;
    if !arguments.quiet && !arguments.append && !application.extra.is_empty() {
        let names: Vec<String> = application.extra.iter().take(10).map(|name| format!("'{}'", shown(name))).collect();
        eprintln!("wgrad: not used by the model: {}", names.join(", "));
    }
    let columns = columns(&application, arguments.probabilities)?;
    if arguments.json {
        let predictions: serde_json::Map<_, _> = columns.into_iter().map(|(name, cells)| (name, json!(cells))).collect();
        let report =
            json!({ "rows": application.table.rows, "device": application.device.report(), "predictions": predictions });
        return print::json("predict", &report);
    }
    let text = csv(&application, &columns, arguments.append)?;
    match &arguments.output {
        None => print::bytes(&text),
        Some(path) => {
            save_atomically(path, |file| file.write_all(&text).map_err(|error| Error::writing(path, &error)), |_| Ok(()))
        }
    }
}

/// The predictions: a class or a number a row, and the probabilities where they are wanted.
fn columns(application: &Application, wants_probabilities: bool) -> Result<Columns> {
    let encoding = &application.model.encoding;
    let mut columns = Columns::new();
    match encoding.task() {
        Task::Regression if wants_probabilities => {
            return Err(Error::Usage("--probabilities is for classification, and this model predicts numbers".into()));
        }
        Task::Regression => {
            let numbers = encoding.decode_regression(&application.outputs);
            let names = encoding.target_names();
            for (column, name) in names.iter().enumerate() {
                let name = if names.len() == 1 { "prediction".to_string() } else { format!("prediction_{name}") };
                columns.push((name, (0..numbers.rows).map(|row| numbers.row(row)[column].to_string()).collect()));
            }
        }
        Task::Classification => {
            let classes = encoding.class_names();
            let decoded = encoding.decode_classes(&application.outputs);
            columns.push(("prediction".into(), decoded.into_iter().map(|class| classes[class].clone()).collect()));
            if wants_probabilities {
                let probabilities = probabilities(&application.outputs);
                for (column, class) in classes.iter().enumerate() {
                    let cells = (0..probabilities.rows).map(|row| probabilities.row(row)[column].to_string()).collect();
                    columns.push((format!("probability_{class}"), cells));
                }
            }
        }
    }
    Ok(columns)
}

/// The predictions as CSV, behind the table's own columns if `append`.
fn csv(application: &Application, columns: &Columns, append: bool) -> Result<Vec<u8>> {
    let table = &application.table;
    let own = if append { &table.columns[..] } else { &[] };
    let failed = |error: csv::Error| Error::Internal(format!("CSV cannot be written: {error}"));
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = own.iter().map(|column| column.name.as_str()).chain(columns.iter().map(|(name, _)| name.as_str()));
    writer.write_record(header).map_err(failed)?;
    for row in 0..table.rows {
        let cells = own.iter().map(|column| column.cells.text(row).unwrap_or_default());
        let predictions = columns.iter().map(|(_, cells)| Cow::from(cells[row].as_str()));
        writer.write_record(cells.chain(predictions).map(Cow::into_owned)).map_err(failed)?;
    }
    writer.into_inner().map_err(|error| Error::Internal(format!("CSV cannot be written: {error}")))
}
