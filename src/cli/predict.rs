//! `wgrad predict`: what a model says of each row, as CSV.

use std::io::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::{MemoryArguments, print};
use crate::data;
use crate::error::{Error, Result, shown};
use crate::model::save_atomically;
use crate::scratch::ScratchFile;
use crate::training::application::{Application, Extent};
use crate::training::options::{DeviceOptions, FileOptions};
use crate::training::predictions::{self, Columns};

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
    /// Add the predictions after the data's own columns, and leave their cells as written
    #[arg(long, conflicts_with = "json")]
    append: bool,
    /// File to write to, or - for stdout [default: stdout]
    #[arg(short, long, value_name = "FILE", conflicts_with = "json")]
    output: Option<PathBuf>,
    #[command(flatten)]
    memory: MemoryArguments,
    #[command(flatten)]
    device: DeviceOptions,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// No notes on stderr, as on columns that the model does not use; warnings stay
    #[arg(short, long)]
    quiet: bool,
}

/// Predicts.
pub(super) fn run(arguments: &PredictArguments) -> Result<()> {
    let reading = arguments.files.reading(arguments.files.labels.clone());
    let extent = Extent { memory: arguments.memory.memory, all_columns: arguments.append, targets: false };
    let application = Application::new(&arguments.model, &arguments.data, &reading, extent, &arguments.device)?;
    print::told(&application, arguments.quiet);
    if arguments.json {
        return json_of(&application, arguments.probabilities);
    }
    let Some(path) = arguments.output.as_ref().filter(|path| path.as_os_str() != "-") else {
        // Nothing is printed if a row has an error: what there is no memory for waits in a file.
        if application.is_stored() {
            let mut waiting = ScratchFile::new()?;
            csv_of(&application, arguments, |piece| waiting.append(&piece))?;
            return waiting.each(print::bytes);
        }
        let mut text = Vec::new();
        csv_of(&application, arguments, |piece| {
            text.extend(piece);
            Ok(())
        })?;
        return print::bytes(&text);
    };
    if [Path::new(&arguments.data), &arguments.model, &application.file].into_iter().any(|read| super::is_same(path, read))
        || data::takes_in(&arguments.data, path)
    {
        let path = shown(&path.to_string_lossy());
        return Err(Error::Usage(format!("{path}: this is the data or the model; name another file for the predictions")));
    }
    let write = |file: &mut dyn Write| {
        csv_of(&application, arguments, |piece| file.write_all(&piece).map_err(|error| Error::writing(path, &error)))
    };
    save_atomically(path, write, |_| Ok(()))
}

/// Gives the predictions as CSV, some rows after the other.
fn csv_of(
    application: &Application,
    arguments: &PredictArguments,
    mut put: impl FnMut(Vec<u8>) -> Result<()>,
) -> Result<()> {
    let mut is_first = true;
    application.each(|table, rows, outputs| {
        let columns = predictions::columns(&application.model.encoding, outputs, arguments.probabilities)?;
        let text = predictions::csv(table, rows, &columns, arguments.append, is_first)?;
        is_first = false;
        put(text)
    })
}

fn json_of(application: &Application, wants_probabilities: bool) -> Result<()> {
    let mut all: Columns = Vec::new();
    application.each(|_, _, outputs| {
        let columns = predictions::columns(&application.model.encoding, outputs, wants_probabilities)?;
        match all.is_empty() {
            true => all = columns,
            false => all.iter_mut().zip(columns).for_each(|((_, all), (_, cells))| all.extend(cells)),
        }
        Ok(())
    })?;
    let predictions: serde_json::Map<_, _> = all.into_iter().map(|(name, cells)| (name, json!(cells))).collect();
    let report = json!({ "rows": application.rows(), "device": application.device.report(), "predictions": predictions });
    print::json("predict", &report)
}
