//! What the whole network's kernel is told, and what all its forms ask: the layers, and how large their parameters are.

use std::fmt;
use std::sync::Arc;

use super::sequence::Sequence;
use crate::kernels::{Target, stride4};
use crate::network::{Activation, Loss, Network, OptimizerKind};

/// How the shader shares the work out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// One invocation trains one replica: for very small networks, whose numbers fit registers.
    Invocation,
    /// The same by so many lanes of a subgroup, which share the rows of a batch.
    Lanes(u32),
    /// One workgroup trains one replica, with its parameters and activations in workgroup memory.
    Held,
    /// The same where the activations alone fit, with its parameters in a buffer.
    Workgroup,
}

impl Variant {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invocation => "invocation",
            Self::Lanes(_) => "lanes",
            Self::Held => "held",
            Self::Workgroup => "workgroup",
        }
    }

    /// Whether a device can run it.
    pub fn is_for(self, target: &Target) -> bool {
        match self {
            Self::Lanes(lanes) => lanes <= target.subgroup,
            Self::Invocation | Self::Held | Self::Workgroup => true,
        }
    }
}

/// Reads the training inputs [rows × inputs], the targets [rows × outputs] and the order; writes the parameters, layer by layer
/// [(inputs + bias) × outputs], the states of each layer, shaped alike, and the loss, summed over the rows.
#[derive(Clone)]
pub struct Whole {
    /// The network.
    pub network: Network,
    /// What training makes small.
    pub loss: Loss,
    /// The rule that updates the weights.
    pub optimizer: OptimizerKind,
    /// Rows of the largest batch.
    pub batch: usize,
    /// Indices in the order of one replica.
    pub order: usize,
    /// Room for losses of one replica, one a step.
    pub losses: usize,
    /// Networks trained at once.
    pub replicas: usize,
    /// Whether the steps of the replicas differ.
    pub own_steps: bool,
    /// How the shader shares the work out.
    pub variant: Variant,
    /// The same step, kernel by kernel.
    pub sequence: Arc<Sequence>,
}

/// All but the sequence, which follows from the rest.
impl fmt::Debug for Whole {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { network, loss, optimizer, batch, order, losses, replicas, own_steps, variant, sequence: _ } = self;
        let told = (network, loss, optimizer, batch, order, losses, replicas, own_steps, variant);
        formatter.debug_tuple("Whole").field(&told).finish()
    }
}

impl Whole {
    /// What a layer applies before the loss, to which a joint pair leaves the logits.
    pub(super) fn activation(&self, layer: usize) -> Activation {
        if self.loss.is_joint() && layer + 1 == self.network.layers() {
            Activation::Identity
        } else {
            self.network.activations()[layer]
        }
    }

    /// Rows of a layer's parameters.
    pub(super) fn parameter_rows(&self, layer: usize) -> usize {
        self.network.widths()[layer] + usize::from(self.network.bias())
    }

    /// vec4s of one replica's parameters of a layer.
    pub(super) fn parameter_length(&self, layer: usize) -> usize {
        self.parameter_rows(layer) * stride4(self.network.widths()[layer + 1])
    }
}
