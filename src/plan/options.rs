//! What a plan follows from beside the network: how it is trained, how much is evaluated, what a device's buffers hold.

use super::layers::{Dropout, Frozen, LayerRates};
use crate::kernels::whole::Variant;
use crate::network::{Extras, Loss, OptimizerKind};

/// What a training step needs to know beside the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingOptions {
    /// Rows of the training data that each network has on the device at once.
    pub rows: usize,
    /// How often there are as many: 1, or, where the networks go through more data than the device holds in orders of their own, a window of
    /// rows for each, one behind the other.
    pub windows: usize,
    /// Rows of a batch. As many as there are: the batch is the data, and has no order.
    pub batch: usize,
    /// Into how many micro-batches a batch is cut, whose gradients are added up before the parameters are updated: at least 1.
    pub micro_batches: usize,
    /// Whether batches follow an order of the rows. Without, they are the rows as they lie.
    pub shuffle: bool,
    /// Whether each network goes through rows that it has drawn: by an order even where a batch is all of them.
    pub bootstrap: bool,
    /// Whether the rows of a shuffled batch are copied together, for products that want them so, instead of being read where
    /// the order says.
    pub gather: bool,
    /// The optimizer's rule.
    pub optimizer: OptimizerKind,
    /// What is done beside it.
    pub extras: Extras,
    /// Whether each row's loss is multiplied by a weight of its own.
    pub weighted: bool,
    /// Layers whose parameters stay as they are.
    pub frozen: Frozen,
    /// What each layer's learning rate is of that of the step.
    pub layer_rates: LayerRates,
    /// What share of each hidden layer's units is dropped.
    pub dropout: Dropout,
    /// Whether layers that are wide enough round the factors of their products to f16 ([`Factors::of_layer`](crate::kernels::Factors)).
    pub mixed: bool,
    /// Room for losses: rows that may be trained on between two readings, or steps where one kernel takes whole ones.
    pub losses: usize,
    /// Whether the updates of all layers are one dispatch, where the rule alone updates them: for GPUs, which they fill together.
    pub joint: bool,
    /// One kernel for many whole steps, in this variant: for small networks.
    pub whole: Option<Variant>,
}

impl TrainingOptions {
    /// Batches of the rows as they lie, trained on as they are by the rule alone, kernel by kernel; room for the losses of all rows.
    pub fn plain(rows: usize, batch: usize, optimizer: OptimizerKind) -> Self {
        Self {
            rows,
            windows: 1,
            batch,
            micro_batches: 1,
            shuffle: false,
            bootstrap: false,
            gather: false,
            optimizer,
            extras: Extras::default(),
            weighted: false,
            frozen: Frozen::default(),
            layer_rates: LayerRates::default(),
            dropout: Dropout::default(),
            mixed: false,
            losses: rows,
            joint: false,
            whole: None,
        }
    }

    /// Rows of a micro-batch: the last ones of a batch may be shorter or missing.
    pub fn micro_batch(&self) -> usize {
        self.batch.div_ceil(self.micro_batches.max(1)).min(self.rows)
    }

    /// Rows of the data that are on the device at once.
    pub(super) fn data_rows(&self) -> usize {
        self.rows * self.windows
    }

    /// Micro-batches of a whole batch.
    pub(super) fn count(&self) -> usize {
        self.batch.div_ceil(self.micro_batch().max(1))
    }
}

/// What a plan needs to know beside the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The loss.
    pub loss: Loss,
    /// Absent: the plan evaluates only.
    pub training: Option<TrainingOptions>,
    /// Rows that are evaluated at once.
    pub evaluation_rows: usize,
    /// Rows to evaluate that stay on the device, one copy for all networks, so that a step's first row says which are meant; 0: rows are
    /// brought for each evaluation, for each network its own.
    pub evaluation_data: usize,
    /// Networks of this shape that are trained at once.
    pub replicas: usize,
    /// Whether each replica has steps of its own, instead of the same for all.
    pub own_steps: bool,
    /// The largest buffer of source data; more is cut into segments. None: no limit.
    pub segment_bytes: Option<u64>,
}
