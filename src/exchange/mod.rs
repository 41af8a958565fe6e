//! Models in the formats of other programs: ONNX, plain safetensors, npz and JSON out, ONNX and plain safetensors in.

mod arrays;
mod document;
mod exported;
mod foreign;
mod import;
mod onnx;

use serde::Serialize;

pub use exported::{ElementType, Exported, InputType, OnnxOptions, Port};
pub use import::{Imported, Naming, import};

use crate::browser::{Seen, form_page};
use crate::error::{Error, Result};
use crate::memory;
use crate::model::Model;
use crate::scalar::Scalar;

/// The formats that a model is exported to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, clap::ValueEnum)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A graph that takes the data's own columns, scaling and categories included.
    Onnx,
    /// The tensors alone, as PyTorch's `nn.Sequential` loads them.
    Safetensors,
    /// Arrays for numpy: weights, scaling, categories, names.
    Npz,
    /// Everything, as text.
    Json,
    /// A page with a form that computes in the browser, by the same kernels on WebGPU.
    Html,
}

impl Format {
    /// What the name of such a file ends with, where the user gives none.
    pub fn ending(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            // Beside the model, which ends with safetensors itself.
            Self::Safetensors => "weights.safetensors",
            Self::Npz => "npz",
            Self::Json => "json",
            Self::Html => "html",
        }
    }
}

/// What a page says beside what is in the model.
#[derive(Debug, Clone, Default)]
pub struct Page<'a> {
    /// The model's name.
    pub name: &'a str,
    /// What is known of the data that it was trained on.
    pub seen: Seen,
}

/// The model in another format: the same bytes for the same model.
///
/// # Errors
/// Usage, if the options do not go with the format or the model cannot be said in it; Limit, if it is too large for it.
pub fn export(model: &Model, format: Format, options: OnnxOptions, page: &Page<'_>) -> Result<Exported> {
    if format != Format::Onnx && (options.plain || options.input_type.is_some()) {
        return Err(Error::Usage("--plain and --input-type are for --format onnx".into()));
    }
    // The bytes of the file, and parts of it on the way; a number as text takes many times its bytes.
    let copies = if format == Format::Json { 24 } else { 5 };
    let numbers: usize = model.network.widths().windows(2).map(|pair| (pair[0] + 1) * pair[1]).sum();
    let bytes = numbers as u128 * if model.weights.precision() == <f64 as Scalar>::NAME { 8 } else { 4 };
    if !memory::is_there(copies * bytes) {
        return Err(Error::Limit(format!("there is no memory for a file of {numbers} weights in this format")));
    }
    match format {
        Format::Onnx => onnx::export(model, options),
        Format::Safetensors => model.tensors_alone().map(Exported::of),
        Format::Npz => arrays::export(model).map(Exported::of),
        Format::Json => document::export(model).map(Exported::of),
        Format::Html => form_page(model, page.name, &page.seen).map(|page| Exported::of(page.into_bytes())),
    }
}
