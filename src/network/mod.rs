//! What a network is: its shape, activations, losses, optimizers and first weights. No buffers, no devices.

pub mod activation;
pub mod ensemble;
pub mod initialization;
pub mod loss;
pub mod optimizer;

pub use activation::{Activation, Slope};
pub use initialization::Initialization;
pub use loss::Loss;
pub use optimizer::{Clip, Extras, Optimizer, OptimizerKind};

use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::scalar::Scalar;

/// The widest layer: far beyond every memory, and small enough that no size overflows.
const WIDEST: usize = 1 << 30;

/// The shape of a dense network: layer `l` computes `f(x · W[l] + b[l])`, `W[l]` being `widths[l]` × `widths[l + 1]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Network {
    /// Inputs, hidden widths, outputs: one more than there are layers.
    widths: Vec<usize>,
    /// One activation a layer; the last is the output's.
    activations: Vec<Activation>,
    /// Whether the layers have biases.
    bias: bool,
}

impl Network {
    /// A network of these widths (inputs first, outputs last) and activations (one a layer).
    ///
    /// # Errors
    /// Usage, if a width is zero, there is no layer, the counts differ, or softmax is not the output's; limit, if a width is
    /// beyond every memory.
    pub fn new(widths: Vec<usize>, activations: Vec<Activation>, bias: bool) -> Result<Self> {
        if widths.len() < 2 || widths.contains(&0) {
            return Err(Error::Usage(format!("a network needs inputs, outputs and no empty layer, not widths {widths:?}")));
        }
        if let Some(width) = widths.iter().find(|&&width| width > WIDEST) {
            return Err(Error::Limit(format!("a layer of {width} is wider than {WIDEST}, the most that wgrad takes")));
        }
        if activations.len() != widths.len() - 1 {
            return Err(Error::Usage(format!(
                "{} layers need as many activations, not {}",
                widths.len() - 1,
                activations.len()
            )));
        }
        if let Some(last) = activations[..activations.len() - 1].iter().find(|activation| activation.facts().is_over_rows) {
            return Err(Error::Usage(format!("{last} is for the output layer only (--output-activation {last})")));
        }
        Ok(Self { widths, activations, bias })
    }

    /// Number of layers, `L`.
    pub fn layers(&self) -> usize {
        self.activations.len()
    }

    /// Inputs, hidden widths, outputs.
    pub fn widths(&self) -> &[usize] {
        &self.widths
    }

    /// Number of inputs of the network.
    pub fn inputs(&self) -> usize {
        self.widths[0]
    }

    /// Number of outputs of the network.
    pub fn outputs(&self) -> usize {
        self.widths[self.layers()]
    }

    /// One activation a layer.
    pub fn activations(&self) -> &[Activation] {
        &self.activations
    }

    /// The last layer's activation.
    pub fn output_activation(&self) -> Activation {
        self.activations[self.layers() - 1]
    }

    /// Whether the layers have biases.
    pub fn bias(&self) -> bool {
        self.bias
    }

    /// Number of trained numbers.
    pub fn parameter_count(&self) -> u64 {
        let layer = |pair: &[usize]| (pair[0] as u64 + u64::from(self.bias)) * pair[1] as u64;
        self.widths.windows(2).map(layer).fold(0, u64::saturating_add)
    }
}

/// The trained numbers of one layer.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer<T> {
    /// inputs × outputs.
    pub weight: Matrix<T>,
    /// One an output; empty in a network without biases.
    pub bias: Vec<T>,
}

/// The trained numbers of a network, layer by layer.
pub type Weights<T> = Vec<Layer<T>>;

/// The same weights in another number type.
pub fn converted<T: Scalar, U: Scalar>(weights: &Weights<T>) -> Weights<U> {
    weights
        .iter()
        .map(|layer| Layer {
            weight: layer.weight.converted(),
            bias: layer.bias.iter().map(|value| U::from_f64(value.to_f64())).collect(),
        })
        .collect()
}
