//! Dense neural networks, trained on any GPU or on the CPU by the same plan.
//!
//! The way of the data: `data` reads tables and encodes them as matrices; `network` says what a net is; `plan` lists the kernels
//! of one training step; `executor` runs that list on the CPU or the GPU; `training` repeats it over batches and epochs; `model`
//! keeps the result; `cli` is what people type.

pub mod data;
pub mod error;
pub mod model;
pub mod network;
pub mod random;
pub mod scalar;

pub use error::{Error, Result};
