//! What another program's file holds.

use crate::model::StoredWeights;
use crate::network::Activation;

/// A network that came from elsewhere, with what its file says of an encoding.
pub(super) struct Foreign {
    pub(super) activations: Vec<Activation>,
    pub(super) weights: StoredWeights,
    /// The names of its inputs, where it has any.
    pub(super) inputs: Option<Vec<String>>,
    /// The one input that holds all columns, where these have no names.
    pub(super) input: Option<String>,
    /// An offset and a scale for each input.
    pub(super) scaling: Vec<(f64, f64)>,
    /// The name of its output.
    pub(super) output: String,
    /// The names of the classes; empty where the file has none.
    pub(super) classes: Vec<String>,
    /// The program that it came from.
    pub(super) producer: String,
    /// What a person should hear about it.
    pub(super) remarks: Vec<String>,
}
