//! How a factor of a product lies in memory.

/// How a factor of a product lies in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    /// Row-major, as the product reads it.
    Normal,
    /// Row-major, but its transpose is what the product reads.
    Transposed,
}
