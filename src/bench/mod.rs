//! How fast wgrad is on this machine, measured so that the figures can be trusted.
//!
//! `comparison` holds the GPU against the CPU, over nets (`net`) and batch sizes, and `crossover` says which is faster from where on; `kernels` times each kernel of a step;
//! `training` times a named `workload` as other programs do. They stand on `timing` (how often, how long, in turn),
//! `statistics` (medians and spread), `budget` (what each may take of the time), `peaks` (a square product and a copy) and `work`
//! (what a launch has to do). A `cell` is what was measured of one net, batch size and device, a `machine` where. `report`, `table` and
//! `html` show it; `baseline` compares it with an earlier report.

pub mod baseline;
mod budget;
pub mod cell;
pub mod comparison;
pub mod crossover;
mod html;
pub mod kernels;
pub mod machine;
pub mod net;
pub mod peaks;
mod report;
pub mod statistics;
pub mod table;
pub mod timing;
pub mod training;
pub mod work;
pub mod workload;

pub use baseline::{Baseline, Regression};
pub use comparison::{ComparisonOptions, ComparisonReport, compare};
pub use kernels::{KernelsReport, kernels};
pub use machine::Machine;
pub use net::Net;
pub use training::{TrainingOptions, TrainingReport, training};
pub use workload::WorkloadName;
