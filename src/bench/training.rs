//! `wgrad bench training`: one workload trained for some epochs, timed as other programs time it.

use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::time::Instant;

use serde::Serialize;

use super::peaks::f32_peak;
use super::workload::WorkloadName;
use crate::error::{Error, Result};
use crate::executor::gpu::tuning::Tuned;
use crate::page::figures;
use crate::plan::Phase;
use crate::training::session::Mixed;
use crate::training::session::planning::{affordable, plan};
use crate::training::session::{Device, DeviceReport, Recipe, Samples, Session};

/// What is trained, and for how long.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingOptions {
    /// The workload.
    pub workload: WorkloadName,
    /// Epochs that are timed.
    pub epochs: usize,
    /// Rows of the data, at most as many as the workload has; none: all.
    pub samples: Option<usize>,
    /// Epochs before the clock starts; none: as many as the workload asks for.
    pub warmup: Option<usize>,
    /// Networks that are trained side by side, each from weights of its own.
    pub replicas: usize,
    /// Whether to measure first how a GPU computes the products fastest.
    pub tune: bool,
    /// Whether the factors of large products are rounded to f16.
    pub mixed: bool,
}

/// What training came to. The fields are those that the other programs print.
#[derive(Debug, Clone, Serialize)]
pub struct TrainingReport {
    /// The program and its version.
    pub peer: String,
    /// What computed; a software adapter is called one.
    pub backend: String,
    /// The workload.
    pub workload: WorkloadName,
    /// Epochs timed.
    pub epochs: usize,
    /// Rows of the data.
    pub samples: usize,
    /// Networks that were trained side by side.
    pub replicas: usize,
    /// `f32` or `mixed`.
    pub precision: &'static str,
    /// Seconds of the timed epochs, until their losses were read back.
    pub wall_s_train_only: f64,
    /// Rows a second, of all networks together.
    pub samples_per_s: f64,
    /// 6 · parameters · rows / seconds, in units of 10⁹: nominal, as the first layer needs no delta of its inputs.
    pub gflops: f64,
    /// 10⁹ operations a second of multiply-adds in registers: the GPU's peak of f32; null on the CPU.
    pub f32_peak_gflops: Option<f64>,
    /// `gflops` as a share of it.
    pub share_of_f32_peak: Option<f64>,
    /// Whether the GPU's timings were steady right before the clock started.
    pub settled: bool,
    /// Mean of (a - y)² over rows and outputs after training, of the first network.
    pub final_loss: f64,
    /// Seconds of the epochs before the clock started.
    pub warmup_s: f64,
    /// Seconds of everything since `started`.
    pub process_s: f64,
    /// The device.
    pub device: DeviceReport,
    /// What was measured of each product, and taken, where that was asked for.
    pub tuned: BTreeMap<String, Tuned>,
}

/// Trains a workload on a device. `started` is when the program was.
///
/// # Errors
/// Usage, for more rows than the workload has; limit, if it does not fit the device; what the device reports.
pub fn training(options: &TrainingOptions, device: &Device, started: Instant) -> Result<TrainingReport> {
    let workload = options.workload.workload();
    let rows = options.samples.unwrap_or(workload.rows).max(1);
    if rows > workload.rows {
        let most = workload.rows;
        return Err(Error::Usage(format!("--samples {rows} are more than this workload has: at most {most}")));
    }
    let mixed = options.mixed.then(Mixed::default);
    let (network, recipe) = (workload.network()?, Recipe { mixed, ..workload.recipe() });
    let mut device = device.clone();
    let plan = plan::<f32>(&network, recipe.loss, Some(&recipe), rows, options.replicas, &device);
    affordable::<f32>(&plan, &device)?;
    let tuned =
        if options.tune { device.tune_too(&plan, &[Phase::Training])?.into_iter().collect() } else { BTreeMap::new() };
    let device = &device;
    let samples = workload.samples(rows);
    let weights: Vec<_> = (0..options.replicas).map(|replica| workload.weights_of(replica)).collect();
    let recipes: Vec<Recipe> = (0..options.replicas as u64).map(|seed| Recipe { seed, ..recipe }).collect();
    let mut session = Session::side_by_side(network, &recipes, &weights, Samples::clone(&samples), device)?;
    let warmup = epochs(&mut session, options.warmup.unwrap_or(workload.warmup))?;
    // The peak is measured last before the clock starts: it keeps the device at work, and training goes no further by it.
    let peak = f32_peak(device)?;
    let seconds = epochs(&mut session, options.epochs)?;
    let (_, loss) = session.evaluate(&samples)?;
    let seen = (rows * options.epochs * options.replicas) as f64;
    let gflops = 6.0 * workload.parameters() as f64 * seen / seconds / 1e9;
    Ok(TrainingReport {
        peer: concat!("wgrad-", env!("CARGO_PKG_VERSION")).into(),
        backend: device.label(),
        workload: options.workload,
        epochs: options.epochs,
        samples: rows,
        replicas: options.replicas,
        precision: if options.mixed { "mixed" } else { "f32" },
        wall_s_train_only: seconds,
        samples_per_s: seen / seconds,
        gflops,
        f32_peak_gflops: peak.map(|peak| peak.gflops),
        share_of_f32_peak: peak.map(|peak| gflops / peak.gflops),
        settled: peak.is_none_or(|peak| peak.settled),
        final_loss: workload.loss(loss),
        warmup_s: warmup,
        process_s: started.elapsed().as_secs_f64(),
        device: device.report(),
        tuned,
    })
}

/// Trains for some epochs, until the last losses are read back; gives the seconds that they took.
pub(super) fn epochs(session: &mut Session<f32>, epochs: usize) -> Result<f64> {
    let started = Instant::now();
    let mut left = epochs;
    while left > 0 {
        left -= session.train(left, |_| ControlFlow::Continue(()))?.losses.len();
    }
    Ok(started.elapsed().as_secs_f64())
}

impl std::fmt::Display for TrainingReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let workload = self.workload.workload();
        let widths: Vec<String> = workload.widths.iter().map(usize::to_string).collect();
        writeln!(text, "{}, batches of {}, {} rows", widths.join("-"), workload.batch, self.samples)?;
        writeln!(text, "on {}: {}", self.backend, self.device.reason)?;
        let per_epoch = self.wall_s_train_only / self.epochs as f64;
        writeln!(
            text,
            "{} epoch{} in {:.6} s, {per_epoch:.3e} s an epoch, after {:.6} s of warm-up",
            self.epochs,
            if self.epochs == 1 { "" } else { "s" },
            self.wall_s_train_only,
            self.warmup_s
        )?;
        for (product, tuned) in &self.tuned {
            writeln!(text, "{}", tuned.of(product))?;
        }
        if self.replicas > 1 {
            let each = per_epoch / self.replicas as f64;
            writeln!(text, "{} networks side by side, {each:.3e} s an epoch and network", self.replicas)?;
        }
        writeln!(text, "{:.0} samples/s, {:.3} GFLOP/s (6 · parameters · samples)", self.samples_per_s, self.gflops)?;
        if let (Some(share), Some(peak)) = (self.share_of_f32_peak, self.f32_peak_gflops) {
            writeln!(text, "{} % of the f32 peak of {} GFLOP/s", figures(100.0 * share), figures(peak))?;
        }
        if !self.settled {
            writeln!(text, "the timings before it did not settle: another program may be using the GPU")?;
        }
        write!(text, "final loss {:.8} (mean of (a - y)² over rows and outputs)", self.final_loss)
    }
}
