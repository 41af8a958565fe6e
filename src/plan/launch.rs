//! What a plan is made of: buffers, and kernels over them.

use std::sync::Arc;

use crate::kernels::operands::{Access, names};
use crate::kernels::product::partial_bytes;
use crate::kernels::{Choice, Computation, Factors, Form, Operand, Step, Target, scales, stride4};

/// A buffer's place in [`Plan::buffers`](super::Plan::buffers).
pub type BufferId = usize;

/// What a buffer's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// f32 or f64.
    Real,
    /// u32.
    Index,
}

/// A named matrix of the plan.
#[derive(Debug, Clone)]
pub struct Buffer {
    /// Its name, as `--dry-run` prints it.
    pub name: String,
    /// Rows of one replica.
    pub rows: usize,
    /// Columns. On the GPU each row is padded with zeros to a multiple of four.
    pub columns: usize,
    /// What its elements are.
    pub element: Element,
    /// One for all replicas, instead of one each.
    pub shared: bool,
    /// Buffers of one group lie in one piece of the device's memory, so that a kernel can bind them together.
    pub group: Option<usize>,
}

impl Buffer {
    /// Bytes on the GPU, with its padding, for this many replicas.
    pub fn padded_bytes(&self, replicas: usize) -> u64 {
        let copies = if self.shared { 1 } else { replicas as u64 };
        copies.saturating_mul(self.rows as u64).saturating_mul(stride4(self.columns) as u64).saturating_mul(16)
    }

    /// Elements of one replica, without padding.
    pub fn length(&self) -> usize {
        self.rows * self.columns
    }
}

/// One kernel over its buffers.
#[derive(Clone)]
pub struct Launch {
    /// The kernel and, where there are several, its layer (from 1): `forward 2`.
    pub label: String,
    /// The kernel with its sizes.
    pub kernel: Arc<dyn Computation>,
    /// The kernel's operands, which the buffers are in the order of.
    pub operands: Vec<Operand>,
    /// The buffers that it reads.
    pub reads: Vec<BufferId>,
    /// The buffers that it writes.
    pub writes: Vec<BufferId>,
    /// How it is computed on a GPU; None: as its sizes and the device suggest.
    pub choice: Option<Choice>,
    /// Whether it is run once a batch, after the last of its micro-batches.
    pub ends_batch: bool,
}

impl Launch {
    /// A kernel over buffers, each given with the name of the operand that it is; those of one name in their order.
    ///
    /// # Panics
    /// If an operand has no buffer, or a buffer is no operand.
    pub fn new(
        label: impl Into<String>,
        kernel: impl Computation + 'static,
        buffers: impl IntoIterator<Item = (&'static str, BufferId)>,
    ) -> Self {
        let (label, operands) = (label.into(), kernel.operands());
        let mut given: Vec<(&str, BufferId)> = buffers.into_iter().collect();
        let mut of = |access| {
            let take = |name| {
                let place = given.iter().position(|&(given, _)| given == name);
                given.remove(place.unwrap_or_else(|| panic!("'{label}' has no buffer for '{name}'"))).1
            };
            names(&operands, access).map(take).collect::<Vec<_>>()
        };
        let (reads, writes) = (of(Access::Read), of(Access::Write));
        assert!(given.is_empty(), "'{label}' has no operands for {given:?}");
        Self { label, kernel: Arc::new(kernel), operands, reads, writes, choice: None, ends_batch: false }
    }

    /// The names of the operands that the buffers are which are read or written, one a buffer.
    pub fn names(&self, access: Access) -> impl Iterator<Item = &'static str> {
        names(&self.operands, access)
    }

    /// Whether it is part of this step.
    pub fn is_run_in(&self, step: &Step) -> bool {
        !(self.ends_batch && step.is_partial)
    }

    /// How a batch of up to `rows` rows is computed on a device.
    pub fn choice(&self, rows: usize, target: &Target) -> Choice {
        self.choice.unwrap_or_else(|| self.kernel.choices(rows, target)[0])
    }

    /// The kernel and its product's sizes, which decide what way to compute it is fast. None for what is no product.
    pub fn product_key(&self, rows: usize) -> Option<String> {
        let [rows, columns, terms] = self.kernel.product(rows)?;
        let mixed = if self.kernel.factors() == Factors::Halves { "mixed " } else { "" };
        Some(format!("{mixed}{} of {rows} × {columns} over {terms}", self.kernel.name()))
    }

    /// Its dispatches on a device, one after the other, for a batch of up to `rows` rows.
    pub fn forms(&self, rows: usize, target: &Target) -> impl Iterator<Item = Form> + use<> {
        self.choice(rows, target).forms(target.lanes)
    }

    /// Bytes of the partial sums that it needs on a device, for this many replicas; 0 for sums in one part.
    pub fn partial_bytes(&self, rows: usize, replicas: usize, target: &Target) -> u64 {
        match (self.kernel.product(rows), self.choice(rows, target).parts) {
            (None, _) | (_, 1) => 0,
            (Some(sizes), parts) => partial_bytes(sizes, parts, replicas),
        }
    }

    /// Bytes of the scales that its factors need on a device, for this many replicas; 0 where they are not taken as halves.
    pub fn scale_bytes(&self, rows: usize, replicas: usize, target: &Target) -> u64 {
        let sizes = self.kernel.product(rows).filter(|_| self.choice(rows, target).family.is_split());
        sizes.map_or(0, |sizes| scales::bytes(sizes, replicas))
    }
}

/// A part of the training data's rows, in a buffer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The buffer.
    pub buffer: BufferId,
    /// The data's row that is its first.
    pub first: usize,
    /// Rows in it.
    pub rows: usize,
}
