//! What was measured of a net with a batch size on a device, or why it was not.

use serde::{Deserialize, Serialize};

use super::statistics::Statistics;

/// A net with a batch size on a device.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Cell {
    /// The net.
    pub net: String,
    /// Rows of the batch.
    pub batch: usize,
    /// The device's name.
    pub device: String,
    /// Whether that is a GPU.
    pub gpu: bool,
    /// Whether it is a software adapter, which runs on the CPU.
    pub software: bool,
    /// Seconds of a step, by the wall clock until the losses are read back.
    pub step: Statistics,
    /// Median seconds of a step by the device's own clock, timed in between; null where it has none.
    pub device_step: Option<f64>,
    /// Those timings.
    pub device_timings: Option<Statistics>,
    /// Rows a second.
    pub samples_per_second: f64,
    /// 10⁹ nominal operations a second: 6 · parameters · rows.
    pub gflops: f64,
    /// 10⁹ operations a second that the step's products do: fewer, as the first layer needs no delta of its inputs.
    pub computed_gflops: f64,
    /// The same as a share of the device's peak.
    pub share_of_peak: f64,
    /// The same as a share of the GPU's peak of f32 in registers; null on the CPU.
    #[serde(default)]
    pub share_of_f32_peak: Option<f64>,
    /// Whether timings were steady before the first that counts.
    #[serde(default = "yes")]
    pub settled: bool,
    /// Operations a byte that the step's kernels have to read and to write.
    pub intensity: f64,
}

/// What reports are taken for that do not say it.
fn yes() -> bool {
    true
}

#[cfg(test)]
impl Cell {
    /// A step of a net on the CPU that takes so many seconds.
    pub(super) fn for_tests(batch: usize, median: f64) -> Self {
        Self {
            net: "3-4-1".into(),
            batch,
            device: "the CPU, 1 thread".into(),
            gpu: false,
            software: false,
            step: Statistics::of(&[median]),
            device_step: None,
            device_timings: None,
            samples_per_second: batch as f64 / median,
            gflops: 1.0,
            computed_gflops: 1.0,
            share_of_peak: 1.0,
            share_of_f32_peak: None,
            settled: true,
            intensity: 1.0,
        }
    }
}

/// What was not measured, and why.
#[derive(Debug, Clone, Serialize)]
pub struct LeftOut {
    /// The net.
    pub net: String,
    /// Rows of the batch.
    pub batch: usize,
    /// The device's name.
    pub device: String,
    /// The reason.
    pub why: String,
}
