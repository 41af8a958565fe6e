//! `wgrad import`: a net that another program trained, as a model of wgrad's.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use super::print;
use crate::data::Task;
use crate::error::{Result, shown, typed_path};
use crate::exchange::{Naming, import};
use crate::files::Place;
use crate::name;
use crate::network::Activation;

/// The arguments of `wgrad import`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:  wgrad import net.onnx --classes setosa,versicolor,virginica
           wgrad import mlp.onnx --columns height,weight,age -o mlp.safetensors
           wgrad import weights.safetensors --activation relu \\
               --output-activation softmax -o model.safetensors")]
pub(super) struct ImportArguments {
    /// A plain dense network, also as skl2onnx writes it: .onnx, or .safetensors with tensors 0.weight, 0.bias, 2.weight, …
    file: PathBuf,
    /// Model file to write [default: beside FILE, as NAME.wgrad.safetensors]
    #[arg(short, long, value_name = "MODEL")]
    output: Option<PathBuf>,
    /// What the outputs are [default: classification for softmax and sigmoid outputs or with --classes, else regression]
    #[arg(long)]
    task: Option<Task>,
    /// Names of the classes, in the outputs' order, with commas [default: the graph's labels, or 0,1,2,…]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    classes: Vec<String>,
    /// Names of the input columns, with commas [default: the graph's inputs, or 0,1,2,…]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    columns: Vec<String>,
    /// Names of the target columns, with commas [default: class, or the graph's output, or output]
    #[arg(long, value_name = "NAMES", value_delimiter = ',')]
    target: Vec<String>,
    /// Safetensors: activation of the hidden layers: one for all, or one for each, with commas
    #[arg(long, value_delimiter = ',')]
    activation: Vec<Activation>,
    /// Safetensors: activation of the outputs
    #[arg(long, value_name = "ACTIVATION")]
    output_activation: Option<Activation>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing but warnings
    #[arg(short, long)]
    quiet: bool,
}

/// Imports.
pub(super) fn run(arguments: &ImportArguments) -> Result<()> {
    let file = &arguments.file;
    let naming = Naming {
        task: arguments.task,
        classes: arguments.classes.clone(),
        columns: arguments.columns.clone(),
        target: arguments.target.clone(),
        activation: arguments.activation.clone(),
        output_activation: arguments.output_activation,
    };
    let imported = import(file, &naming)?;
    let path = arguments.output.clone().unwrap_or_else(|| file.with_extension("wgrad.safetensors"));
    let named = shown(&path.to_string_lossy());
    let place = Place::named(&path)?;
    print::remarks(&imported.remarks);
    imported.model.save(&place)?;
    let summary = imported.model.summary(std::fs::metadata(&path).ok().map(|metadata| metadata.len()));
    if arguments.json {
        let report =
            json!({ "source": name::shown(file), "format": imported.format, "file": name::shown(&path), "model": summary });
        return print::json("import", &report);
    }
    if arguments.quiet {
        return Ok(());
    }
    let model = typed_path(&path);
    print::line(format_args!(
        "{summary}\nsaved as {named}; next: wgrad predict {model} DATA, wgrad train DATA --init {model}"
    ))
}
