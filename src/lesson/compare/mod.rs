//! A lesson's program beside alternatives to it, from the same start with the same steps.

mod alternatives;
mod backprop;
mod by_hand;
mod course;
mod loy;
mod trask;
mod trask_hidden;

pub use alternatives::{Alternative, Alternatives, Figure, Point};

pub(super) use alternatives::grouped;
pub(super) use backprop::compare as backprop;
pub(super) use loy::compare as loy;
pub(super) use trask::compare as trask;
pub(super) use trask_hidden::compare as trask_hidden;
