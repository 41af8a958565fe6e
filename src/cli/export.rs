//! `wgrad export`: a model in the format of another program.

use std::path::{Path, PathBuf};

use clap::Args;
use serde_json::json;

use super::naming::named_model;
use super::print;
use crate::browser::Seen;
use crate::error::{Error, Result, shown};
use crate::exchange::{Exported, Format, InputType, OnnxOptions, Page, Port, export};
use crate::files::Place;
use crate::files::run::{OPTIONS, REPORT_DATA};
use crate::model::{Model, resolve_model};
use crate::name::{self, folder_of};
use crate::report::Account;

/// The arguments of `wgrad export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:  wgrad export runs/iris-1 --format onnx
           wgrad export runs/iris-1 --format safetensors -o weights.safetensors
           wgrad export runs/iris-1 --format html -o iris.html")]
pub(super) struct ExportArguments {
    /// A model file, a run's folder or name, or latest
    model: PathBuf,
    /// What to write
    #[arg(long)]
    format: Format,
    /// File to write to, - for stdout [default: beside the model, as model.onnx, model.weights.safetensors, model.npz,
    /// model.json or model.html]
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// ONNX: the network alone, without scaling, categories and names
    #[arg(long)]
    plain: bool,
    /// ONNX: the type of inputs that are numbers [default: float; double for a model in f64]
    #[arg(long, value_name = "TYPE")]
    input_type: Option<InputType>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing but warnings
    #[arg(short, long)]
    quiet: bool,
}

/// Exports.
pub(super) fn run(arguments: &ExportArguments) -> Result<()> {
    let file = resolve_model(&named_model(&arguments.model, arguments.quiet)?)?;
    let model = Model::load(&file)?;
    let to_stdout = arguments.output.as_deref() == Some(Path::new("-"));
    if to_stdout && arguments.json {
        return Err(Error::Usage("-o - and --json both write to stdout; name a file".into()));
    }
    let options = OnnxOptions { plain: arguments.plain, input_type: arguments.input_type };
    let folder = folder_of(&file);
    let name = name::shown(if folder.join(OPTIONS).is_file() { folder } else { &file });
    let page = Page { name: &name, seen: seen(&file, arguments.format)? };
    let exported = export(&model, arguments.format, options, &page)?;
    print::remarks(&exported.remarks);
    if to_stdout {
        return print::bytes(&exported.bytes);
    }
    let path = arguments.output.clone().unwrap_or_else(|| file.with_extension(arguments.format.ending()));
    Place::named(&path)?.save_bytes(&exported.bytes, |_| Ok(()))?;
    if arguments.json {
        let Exported { bytes, inputs, outputs, .. } = &exported;
        let (format, bytes) = (arguments.format, bytes.len());
        let report = json!({
            "model": name::shown(&file), "format": format, "file": name::shown(&path), "bytes": bytes, "inputs": inputs, "outputs": outputs
        });
        return print::json("export", &report);
    }
    if arguments.quiet { Ok(()) } else { print::line(text(&path, &exported)) }
}

/// What a run's folder tells of the data that its model was trained on.
fn seen(model: &Path, format: Format) -> Result<Seen> {
    let account = match format {
        Format::Html => Account::read(&folder_of(model).join(REPORT_DATA))?,
        _ => None,
    };
    Ok(account.map_or_else(Seen::default, |account| Seen { ranges: account.ranges, side: account.side }))
}

/// The report for a person.
fn text(path: &Path, exported: &Exported) -> String {
    let mut lines = vec![format!("saved {}, {} bytes", shown(&path.to_string_lossy()), exported.bytes.len())];
    for (what, ports) in [("inputs", &exported.inputs), ("outputs", &exported.outputs)] {
        if !ports.is_empty() {
            lines.push(format!("{what}: {}", listed(ports)));
        }
    }
    lines.join("\n")
}

fn listed(ports: &[Port]) -> String {
    const MOST: usize = 8;
    let port = |port: &Port| {
        let columns = port.width.map(|width| format!(", {width}")).unwrap_or_default();
        let element = serde_json::to_value(port.element).unwrap_or_default();
        format!("'{}' {} [N{columns}]", shown(&port.name), element.as_str().unwrap_or_default())
    };
    let named: Vec<String> = ports.iter().take(MOST).map(port).collect();
    let more = if ports.len() > MOST { format!(" and {} more", ports.len() - MOST) } else { String::new() };
    named.join(", ") + &more
}
