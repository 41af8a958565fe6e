//! How fast wgrad is on this machine, measured so that the figures can be trusted.
//!
//! `workload` names nets with their data, the same for every program that is compared; `training` times one of them.

pub mod training;
pub mod workload;

pub use training::{TrainingOptions, TrainingReport, training};
pub use workload::WorkloadName;
