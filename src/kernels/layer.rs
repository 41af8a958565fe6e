//! The sizes of a layer, as its kernels have them. Shader: `shaders/layer.wgsl`.

use super::{Operand, word};

/// A layer's widths, and the batch's room.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Layer {
    /// Width of its input.
    pub inputs: usize,
    /// Width of its output.
    pub outputs: usize,
    /// Whether the last row of the parameters is the biases.
    pub bias: bool,
    /// Rows that the batch's buffers have room for.
    pub capacity: usize,
}

impl Layer {
    /// Rows of its parameters: inputs and bias.
    pub fn parameter_rows(self) -> usize {
        self.inputs + usize::from(self.bias)
    }

    /// Its weights, without the biases.
    pub fn weights(self) -> usize {
        self.inputs * self.outputs
    }

    /// Its parameters, as they are read.
    pub(super) fn weight(self) -> Operand {
        Operand::read("weight", self.parameter_rows(), self.outputs)
    }

    /// The words of the shaders' parameters.
    pub(super) fn words(self) -> [u32; 4] {
        [self.inputs, self.outputs, usize::from(self.bias), self.capacity].map(word)
    }
}
