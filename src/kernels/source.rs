//! Where a kernel finds the rows of a batch. Shaders: `shaders/sources/`.

use std::borrow::Cow;

use super::operands::Elements;
use super::shader::shader_file;
use super::{Operand, Step, View, read, word};
use crate::scalar::Scalar;

/// The name of an order among operands.
pub(crate) const ORDER: &str = "order";

impl Operand {
    /// The order in which the data's rows are read.
    pub fn order(places: usize) -> Self {
        Self::read(ORDER, 1, places).of(Elements::Index)
    }
}

/// Where the rows of a batch are, in the buffer that a kernel reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    /// In a buffer of the batch's own.
    Batch,
    /// In the data, one after the other from the step's first row on.
    InPlace,
    /// In the data, where an order of so many rows says, from the step's first place on. The order is the last buffer that the
    /// kernel reads.
    Ordered(usize),
}

impl Source {
    /// Its name as a part of a shader's name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Batch => "batch",
            Self::InPlace => "in-place",
            Self::Ordered(_) => "ordered",
        }
    }

    /// The WGSL of `source_row(row)`.
    pub(crate) fn shader(self) -> (&'static str, &'static str) {
        match self {
            Self::Batch => shader_file!("sources/batch.wgsl"),
            Self::InPlace => shader_file!("sources/in_place.wgsl"),
            Self::Ordered(_) => shader_file!("sources/ordered.wgsl"),
        }
    }

    /// A matrix that is read through it, [rows × columns], in a batch of so many rows.
    pub(super) fn matrix(self, name: &'static str, capacity: usize, columns: usize) -> Operand {
        Operand::read(name, Some(capacity).filter(|_| self == Self::Batch), columns)
    }

    /// What a kernel reads for it beside the rows: the order, or nothing.
    pub(super) fn operand(self) -> Option<Operand> {
        match self {
            Self::Ordered(places) => Some(Operand::order(places)),
            Self::Batch | Self::InPlace => None,
        }
    }

    /// Places from one replica's order to the next, as the shaders' parameters have it.
    pub(crate) fn order_length(self) -> u32 {
        match self {
            Self::Ordered(length) => word(length.next_multiple_of(4)),
            Self::Batch | Self::InPlace => 0,
        }
    }

    /// The batch's rows [rows × columns] of a buffer, of a kernel that reads `reads`; copied together only where an order
    /// scatters them.
    pub(crate) fn rows<'a, T: Scalar>(
        self,
        step: &Step,
        buffer: View<'a, T>,
        columns: usize,
        reads: &[View<'_, T>],
    ) -> Cow<'a, [T]> {
        self.pick(step, buffer.values, columns, reads)
    }

    /// The errors of the batch's rows, found as the [`rows`](Self::rows) are; none where the buffer is exact.
    pub(crate) fn errors<'a>(
        self,
        step: &Step,
        buffer: View<'a, f64>,
        columns: usize,
        reads: &[View<'_, f64>],
    ) -> Cow<'a, [f64]> {
        if buffer.errors.is_empty() { Cow::Borrowed(&[]) } else { self.pick(step, buffer.errors, columns, reads) }
    }

    fn pick<'a, T: Scalar>(self, step: &Step, values: &'a [T], columns: usize, reads: &[View<'_, T>]) -> Cow<'a, [T]> {
        match self {
            Self::Batch => Cow::Borrowed(&values[..step.rows * columns]),
            Self::InPlace => Cow::Borrowed(&values[step.first * columns..][..step.rows * columns]),
            Self::Ordered(_) => {
                let places = &read(reads, ORDER).indices[step.first..step.first + step.rows];
                Cow::Owned(places.iter().flat_map(|&row| &values[row as usize * columns..][..columns]).copied().collect())
            }
        }
    }
}
