//! What a plan follows from beside the network: how it is trained, how much is evaluated, what a device's buffers hold.

use crate::kernels::Dropped;
use crate::kernels::whole::Variant;
use crate::network::{Extras, Loss, OptimizerKind};

/// What a training step needs to know beside the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingOptions {
    /// Rows of the training data that are on the device at once.
    pub rows: usize,
    /// Rows of a batch. As many as there are: the batch is the data, and has no order.
    pub batch: usize,
    /// Into how many micro-batches a batch is cut, whose gradients are added up before the parameters are updated: at least 1.
    pub micro_batches: usize,
    /// Whether batches follow an order of the rows. Without, they are the rows as they lie.
    pub shuffle: bool,
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
    /// What share of each hidden layer's units is dropped.
    pub dropout: Dropout,
    /// Room for losses: rows that may be trained on between two readings.
    pub losses: usize,
    /// One kernel for many whole steps, in this variant: for small networks.
    pub whole: Option<Variant>,
}

/// Layers whose parameters stay as they are, of the first 64.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Frozen(u64);

impl Frozen {
    /// Layers that can be named.
    pub const MOST: usize = u64::BITS as usize;

    /// These layers, counted from 0.
    ///
    /// # Panics
    /// If one is not among the first 64.
    pub fn new(layers: impl IntoIterator<Item = usize>) -> Self {
        Self(layers.into_iter().fold(0, |all, layer| {
            assert!(layer < Self::MOST, "only the first {} layers can be frozen", Self::MOST);
            all | 1 << layer
        }))
    }

    /// Whether a layer, counted from 0, is frozen.
    pub fn contains(self, layer: usize) -> bool {
        layer < Self::MOST && self.0 >> layer & 1 == 1
    }

    /// Whether no layer is.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many layers from the first on are frozen without one between: no error has to find its way back through them.
    pub(super) fn below(self) -> usize {
        self.0.trailing_ones() as usize
    }
}

/// What share of each hidden layer's units a training step drops.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Dropout {
    /// In parts of 2^32, layer by layer; the last is that of all further layers.
    thresholds: [u32; Dropout::MOST],
}

impl Dropout {
    /// Hidden layers that can have shares of their own.
    pub const MOST: usize = 32;

    /// The same share, from 0 to below 1, in every hidden layer.
    pub fn of_all(share: f64) -> Self {
        Self { thresholds: [threshold(share); Self::MOST] }
    }

    /// A share for each hidden layer.
    ///
    /// # Panics
    /// If there are more than 32.
    pub fn of_each(shares: &[f64]) -> Self {
        assert!(shares.len() <= Self::MOST, "at most {} hidden layers have shares of their own", Self::MOST);
        let mut thresholds = [0; Self::MOST];
        thresholds.iter_mut().zip(shares).for_each(|(threshold, &share)| *threshold = self::threshold(share));
        Self { thresholds }
    }

    /// Whether nothing is dropped.
    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// The share that is dropped of a hidden layer, counted from 0, in millionths.
    pub fn share(&self, layer: usize) -> f64 {
        let threshold = self.thresholds[layer.min(Self::MOST - 1)];
        (f64::from(threshold) / (1_u64 << 32) as f64 * 1e6).round() / 1e6
    }

    /// What is dropped of a hidden layer, counted from 0.
    pub fn of(&self, layer: usize) -> Option<Dropped> {
        Dropped::new(layer, self.thresholds[layer.min(Self::MOST - 1)])
    }
}

/// A share in parts of 2^32.
fn threshold(share: f64) -> u32 {
    (share * (1_u64 << 32) as f64) as u32
}

impl TrainingOptions {
    /// Batches of the rows as they lie, trained on as they are by the rule alone, kernel by kernel; room for the losses of all rows.
    pub fn plain(rows: usize, batch: usize, optimizer: OptimizerKind) -> Self {
        Self {
            rows,
            batch,
            micro_batches: 1,
            shuffle: false,
            gather: false,
            optimizer,
            extras: Extras::default(),
            weighted: false,
            frozen: Frozen::default(),
            dropout: Dropout::default(),
            losses: rows,
            whole: None,
        }
    }

    /// Rows of a micro-batch: the last ones of a batch may be shorter or missing.
    pub fn micro_batch(&self) -> usize {
        self.batch.div_ceil(self.micro_batches.max(1)).min(self.rows)
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
    /// Networks of this shape that are trained at once.
    pub replicas: usize,
    /// Whether each replica has steps of its own, instead of the same for all.
    pub own_steps: bool,
    /// The largest buffer of source data; more is cut into segments. None: no limit.
    pub segment_bytes: Option<u64>,
}
