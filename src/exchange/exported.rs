//! What a model in another format is.

use serde::Serialize;

/// The number type of an ONNX graph's inputs that are numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum InputType {
    /// 32 bits.
    Float,
    /// 64 bits.
    Double,
}

/// What an ONNX file is to look like.
#[derive(Debug, Clone, Copy, Default)]
pub struct OnnxOptions {
    /// The network alone: encoded inputs in, outputs out.
    pub plain: bool,
    /// The type of the inputs that are numbers; none = float, or double for a model in f64.
    pub input_type: Option<InputType>,
}

/// The type of the values of an ONNX graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ElementType {
    /// Numbers of 32 bits.
    Float,
    /// Numbers of 64 bits.
    Double,
    /// Integers.
    Int64,
    /// Text.
    #[serde(rename = "string")]
    Text,
}

/// An input or output of an ONNX graph.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// Its type.
    #[serde(rename = "type")]
    pub element: ElementType,
    /// Its columns; none where it is a list, one element a row.
    pub width: Option<usize>,
}

/// A model in another format.
#[derive(Debug, Clone)]
pub struct Exported {
    /// The file.
    pub bytes: Vec<u8>,
    /// The inputs of an ONNX graph.
    pub inputs: Vec<Port>,
    /// The outputs of an ONNX graph.
    pub outputs: Vec<Port>,
    /// What a person should hear about it.
    pub remarks: Vec<String>,
}

impl Exported {
    /// A file that is no graph.
    pub(super) fn of(bytes: Vec<u8>) -> Self {
        Self { bytes, inputs: Vec::new(), outputs: Vec::new(), remarks: Vec::new() }
    }
}
