//! `wgrad gradcheck`: a model's gradients on data against central differences of its loss.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::naming::named_model;
use super::print;
use crate::data::remarks::unseen_categories;
use crate::data::{ReadOptions, Readings, read};
use crate::error::{Error, Result};
use crate::model::{Model, resolve_model};
use crate::name;
use crate::training::run::options::FileOptions;
use crate::training::run::values::count_above_zero;
use crate::verification::gradients::{LayerCheck, Problem};

/// The relative error that a gradient in f64 may have.
const LARGEST_ERROR: f64 = 1e-6;

/// The arguments of `wgrad gradcheck`.
#[derive(Debug, Args)]
#[command(after_help = "Example:  wgrad gradcheck runs/iris-1 iris")]
pub(super) struct GradcheckArguments {
    /// A model file, a run's folder or name, or latest
    model: PathBuf,
    /// An embedded set, a file, or - for stdin
    #[arg(value_parser = name::parser())]
    data: String,
    #[command(flatten)]
    files: FileOptions,
    /// Rows of the data to take, the first ones
    #[arg(long, value_name = "N", default_value_t = 64, value_parser = count_above_zero)]
    rows: usize,
    /// Parameters of each layer to check, drawn at random
    #[arg(long, value_name = "N", default_value_t = 200, value_parser = count_above_zero)]
    parameters: usize,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing but warnings: the exit code is the answer
    #[arg(short, long)]
    quiet: bool,
}

/// Checks the gradients.
pub(super) fn run(arguments: &GradcheckArguments) -> Result<()> {
    let model = Model::load(&resolve_model(&named_model(&arguments.model, arguments.quiet)?)?)?;
    let columns = Readings::of_model(&model.encoding);
    let table = read(&arguments.data, &ReadOptions { columns, ..arguments.files.reading(arguments.files.labels.clone()) })?;
    let rows: Vec<usize> = (0..table.rows.min(arguments.rows)).collect();
    print::remarks(&table.remarks);
    print::remarks(&unseen_categories(&model.encoding, &table, &rows));
    let inputs = model.encoding.encode_inputs::<f64>(&table, &rows)?;
    let targets = model.encoding.encode_targets::<f64>(&table, &rows, model.network.outputs())?;
    let networks = model.weights.get();
    let (mut loss, mut layers) = (0.0, Vec::<LayerCheck>::new());
    for weights in &networks {
        let mut problem = Problem::new(&model.network, model.loss, weights, &inputs, &targets)?;
        loss += problem.loss()? / networks.len() as f64;
        let of_network = problem.check(arguments.parameters, 0)?;
        layers = match layers.is_empty() {
            true => of_network,
            false => layers.iter().zip(&of_network).map(|(before, more)| before.and(more)).collect(),
        };
    }
    if arguments.json {
        let report =
            json!({ "data": arguments.data, "rows": rows.len(), "loss": loss, "bound": LARGEST_ERROR, "layers": layers });
        print::json("gradcheck", &report)?;
    } else if !arguments.quiet {
        print::line(text(loss, rows.len(), &layers))?;
    }
    match layers.iter().find(|layer| layer.worst > LARGEST_ERROR) {
        None => Ok(()),
        Some(layer) => Err(Error::CheckFailed(format!(
            "layer {}: a gradient is {:.1e} from the difference of the loss, relative to it; {LARGEST_ERROR:e} is allowed",
            layer.layer, layer.worst
        ))),
    }
}

/// The report for a person.
fn text(loss: f64, rows: usize, layers: &[LayerCheck]) -> String {
    let mut lines = vec![
        format!("loss {loss:.6} over {rows} rows; gradients in f64 against central differences:"),
        format!("{:<8}{:>12}{:>10}{:>24}", "layer", "parameters", "checked", "largest relative error"),
    ];
    for layer in layers {
        lines.push(format!("{:<8}{:>12}{:>10}{:>24.1e}", layer.layer, layer.parameters, layer.checked, layer.worst));
    }
    lines.join("\n")
}
