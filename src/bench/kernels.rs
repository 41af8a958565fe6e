//! `wgrad bench kernels`: how long each kernel of a training step takes, run alone many times.

use std::time::Duration;

use serde::Serialize;

use super::net::{Net, recipe};
use super::peaks::{Peaks, peaks};
use super::statistics::Statistics;
use super::timing::{Care, alone};
use super::work::Work;
use crate::error::Result;
use crate::executor::Executor;
use crate::kernels::Step;
use crate::plan::Phase;
use crate::training::{Device, DeviceReport, Precision};
use crate::verification::fill;

/// The kernels of a step and what they take.
#[derive(Debug, Clone, Serialize)]
pub struct KernelsReport {
    /// What computed; a software adapter is called one.
    pub backend: String,
    /// The device.
    pub device: DeviceReport,
    /// The net.
    pub net: String,
    /// Rows of the batch.
    pub batch: usize,
    /// What the device can do at most.
    pub peaks: Peaks,
    /// Each launch of a step, in its order.
    pub kernels: Vec<KernelFigures>,
}

/// A launch of a step and what it takes.
#[derive(Debug, Clone, Serialize)]
pub struct KernelFigures {
    /// The kernel and its layer.
    pub kernel: String,
    /// Seconds of one launch, by the wall clock, many of them in a row.
    pub seconds: Statistics,
    /// Seconds of one launch by the device's own clock; null where it has none.
    pub device_seconds: Option<f64>,
    /// 10⁹ operations a second of its product; null for what is none.
    pub gflops: Option<f64>,
    /// The same as a share of the device's peak.
    pub share_of_peak: Option<f64>,
    /// 10⁹ bytes a second that it has to read and to write.
    pub gigabytes_per_second: f64,
    /// The same as a share of what a copy reaches: above 1 where caches hold the buffers.
    pub share_of_copy: f64,
    /// Its share of the time of all.
    pub share_of_step: f64,
}

/// Times every launch of a training step of this net over a batch.
///
/// # Errors
/// Limit, if the step does not fit the device; what the device reports.
pub fn kernels(net: &Net, batch: usize, device: &Device, total: Duration) -> Result<KernelsReport> {
    let peaks = peaks(device, total / 3)?;
    let mut executor = f32::executor(net.plan(batch, device)?, device)?;
    fill(executor.as_mut(), 1)?;
    let rates = recipe(batch).optimizer.rates(1, 1e-6);
    let step = Step { rows: batch, scale: 1.0 / batch as f64, rates, ..Step::default() };
    // One whole step first, so that every launch reads what it would read in training.
    executor.run(Phase::Training, &[step])?;
    executor.finish()?;
    let launches = executor.plan().training.len();
    let care = Care { timing: Duration::from_millis(20), total: total / 2 / launches as u32 };
    let mut kernels =
        (0..launches).map(|index| figures(executor.as_mut(), index, &step, &peaks, &care)).collect::<Result<Vec<_>>>()?;
    let whole: f64 = kernels.iter().map(|kernel| kernel.seconds.median).sum();
    kernels.iter_mut().for_each(|kernel| kernel.share_of_step = kernel.seconds.median / whole);
    Ok(KernelsReport { backend: device.label(), device: device.report(), net: net.to_string(), batch, peaks, kernels })
}

fn figures(
    executor: &mut dyn Executor<f32>,
    index: usize,
    step: &Step,
    peaks: &Peaks,
    care: &Care,
) -> Result<KernelFigures> {
    let range = index..index + 1;
    let mut work = |repeats: usize| {
        executor.run_launches(Phase::Training, range.clone(), &vec![*step; repeats])?;
        executor.finish()
    };
    let seconds = alone(&mut work, care)?;
    let repeats = ((care.timing.as_secs_f64() / seconds.median) as usize).clamp(1, 256);
    let timed = executor.run_timed(Phase::Training, range, &vec![*step; repeats])?;
    let launch = &executor.plan().training[index];
    let work = Work::of(executor.plan(), launch, step.rows);
    let gflops = (work.operations > 0.0).then_some(work.operations / seconds.median / 1e9);
    let gigabytes_per_second = work.bytes / seconds.median / 1e9;
    Ok(KernelFigures {
        kernel: launch.label.clone(),
        seconds,
        device_seconds: timed.map(|time| time.as_secs_f64() / repeats as f64),
        gflops,
        share_of_peak: gflops.map(|gflops| gflops / peaks.gflops),
        gigabytes_per_second,
        share_of_copy: gigabytes_per_second / peaks.gigabytes_per_second,
        share_of_step: 0.0,
    })
}
