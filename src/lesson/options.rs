//! How a lesson is run.

use std::path::PathBuf;

use crate::training::Wanted;
use crate::training::session::PrecisionName;

/// How a lesson is run.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where to compute.
    pub device: Wanted,
    /// The type of numbers; without it f64 on the CPU and f32 on a GPU.
    pub precision: Option<PrecisionName>,
    /// The file with the data, for the lesson that has none of its own.
    pub data: Option<PathBuf>,
    /// Runs the lesson that sets no seed once for each of the seeds 0, 1, … before this number.
    pub seeds: Option<u32>,
    /// Runs alternatives to the program as well, from the same start.
    pub compare: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self { device: Wanted::Cpu, precision: None, data: None, seeds: None, compare: false }
    }
}
