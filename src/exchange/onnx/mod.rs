//! ONNX files: a model as a graph, and a plain dense network from one.

mod activations;
mod builder;
mod export;
mod file;
mod graph;
mod import;
mod messages;
mod outputs;
mod scaling;

pub(super) use export::export;
pub(super) use import::import;
