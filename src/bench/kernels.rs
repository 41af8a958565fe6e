//! `wgrad bench kernels`: how long each kernel of a training step takes, run alone many times.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::budget::{Budget, NOTHING, refusal};
use super::net::{Net, recipe};
use super::peaks::{Peaks, peaks};
use super::statistics::Statistics;
use super::timing::{Care, Measured, alone, fewest_runs};
use super::work::Work;
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::executor::gpu::info::GpuInfo;
use crate::executor::gpu::tuning::Tuned;
use crate::kernels::{Choice, Step, Target};
use crate::plan::Phase;
use crate::training::session::{Device, DeviceReport, Precision};
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
    /// What the device does at its best.
    pub peaks: Peaks,
    /// Each launch of a step that was measured, in its order.
    pub kernels: Vec<KernelFigures>,
    /// The launches that were not.
    pub left_out: Vec<LeftOutKernel>,
    /// What was measured of each product, and taken, where that was asked for.
    pub tuned: BTreeMap<String, Tuned>,
}

/// A launch that was not measured, and why.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LeftOutKernel {
    /// The kernel and its layer.
    pub kernel: String,
    /// The reason.
    pub why: String,
}

/// A launch of a step and what it takes.
#[derive(Debug, Clone, Serialize)]
pub struct KernelFigures {
    /// The kernel and its layer.
    pub kernel: String,
    /// How its product is computed on a GPU; null for what is none, and on the CPU.
    pub choice: Option<Choice>,
    /// Seconds of one launch, by the wall clock, many of them in a row.
    pub seconds: Statistics,
    /// Median seconds of one launch by the device's own clock, timed in between; null where it has none.
    pub device_seconds: Option<f64>,
    /// Those timings.
    pub device_timings: Option<Statistics>,
    /// 10⁹ operations a second of its product; null for what is none.
    pub gflops: Option<f64>,
    /// The same as a share of the device's peak.
    pub share_of_peak: Option<f64>,
    /// The same as a share of the GPU's peak of f32 in registers; null on the CPU.
    pub share_of_f32_peak: Option<f64>,
    /// What is done on matrix units, as a share of their peak in registers; null for what is not done there.
    pub share_of_units_peak: Option<f64>,
    /// Whether timings were steady before the first that counts.
    pub settled: bool,
    /// 10⁹ bytes a second that it has to read and to write.
    pub gigabytes_per_second: f64,
    /// The same as a share of what a copy reaches: above 1 where caches hold the buffers.
    pub share_of_copy: f64,
    /// Its share of the time of all; null where some were left out.
    pub share_of_step: Option<f64>,
}

impl KernelsReport {
    /// That something was measured.
    ///
    /// # Errors
    /// Limit, if nothing was.
    pub fn check(&self) -> Result<()> {
        if self.kernels.is_empty() { Err(Error::Limit(NOTHING.into())) } else { Ok(()) }
    }

    /// Works out the shares, once all is measured.
    fn share(&mut self) {
        self.kernels.iter().filter_map(|kernel| kernel.gflops).for_each(|gflops| self.peaks.raise(gflops));
        let whole: f64 = self.kernels.iter().map(|kernel| kernel.seconds.median).sum();
        for kernel in &mut self.kernels {
            kernel.share_of_peak = kernel.gflops.map(|gflops| gflops / self.peaks.peak_gflops);
            kernel.share_of_step = self.left_out.is_empty().then(|| kernel.seconds.median / whole);
        }
    }
}

/// Times every launch of a training step of this net over a batch, for about `total`; with `tune`, each as it is computed fastest,
/// which is measured before; with `mixed`, the factors of large products rounded to f16.
///
/// # Errors
/// Limit, if the step does not fit the device; what the device reports.
pub fn kernels(net: &Net, batch: usize, device: &Device, total: Duration, tune: bool, mixed: bool) -> Result<KernelsReport> {
    let mut device = device.clone();
    let tuned = if tune { device.tune_too(&net.plan(batch, &device, mixed)?, &[Phase::Training])? } else { Vec::new() };
    let device = &device;
    let started = Instant::now();
    let plan = net.plan(batch, device, mixed)?;
    let peaks = peaks(device)?;
    let mut executor = f32::executor(plan, device)?;
    fill(executor.as_mut(), 1)?;
    let rates = recipe(batch).optimizer.rates(1, 1e-6);
    let step = Step { rows: batch, scale: 1.0 / batch as f64, rates, ..Step::default() };
    let least = Work::of_step(executor.plan(), batch, None).operations / (1e9 * peaks.gflops);
    if least <= total.as_secs_f64() {
        // One whole step first, so that every launch is compiled and reads what it would read in training.
        executor.run(Phase::Training, &[step])?;
        executor.finish()?;
    }
    let budget = Budget::new(started, total);
    let (mut kernels, mut left_out) = (Vec::new(), Vec::new());
    let runs = fewest_runs(device.gpu().is_some()) as f64;
    let launches = executor.plan().training.len();
    for index in 0..launches {
        let share = budget.share(launches - index);
        let mut launch = OneLaunch { executor: executor.as_mut(), index, step, target: device.target() };
        match too_long(&mut launch, runs, share)? {
            None => kernels.push(figures(launch, &peaks, share)?),
            Some(why) => left_out.push(LeftOutKernel { kernel: executor.plan().training[index].label.clone(), why }),
        }
    }
    let (backend, net) = (device.label(), net.to_string());
    let mut report = KernelsReport {
        backend,
        device: device.report(),
        net,
        batch,
        peaks,
        kernels,
        left_out,
        tuned: tuned.into_iter().collect(),
    };
    report.share();
    Ok(report)
}

/// Why a launch is left out; none if it is not. It is run once to know, while there is time.
fn too_long(launch: &mut OneLaunch<'_>, runs: f64, share: Duration) -> Result<Option<String>> {
    if share.is_zero() {
        return Ok(refusal(0.0, share));
    }
    let started = Instant::now();
    launch.run(1)?;
    Ok(refusal(runs * started.elapsed().as_secs_f64(), share))
}

/// A launch, run alone. A repeat is one run.
struct OneLaunch<'a> {
    executor: &'a mut dyn Executor<f32>,
    index: usize,
    step: Step,
    target: Option<Target>,
}

impl Measured for OneLaunch<'_> {
    fn run(&mut self, repeats: usize) -> Result<()> {
        let range = self.index..self.index + 1;
        self.executor.run_launches(Phase::Training, range, &vec![self.step; repeats])?;
        self.executor.finish()
    }

    fn gpu(&self) -> Option<GpuInfo> {
        self.executor.gpu().cloned()
    }

    fn run_by_own_clock(&mut self, repeats: usize) -> Result<Option<f64>> {
        let range = self.index..self.index + 1;
        let timed = self.executor.run_timed(Phase::Training, range, &vec![self.step; repeats])?;
        Ok(timed.map(|time| time.as_secs_f64() / repeats as f64))
    }
}

/// Times a launch for about its share of the time; the shares of peak and step are still open.
fn figures(mut launch: OneLaunch<'_>, peaks: &Peaks, share: Duration) -> Result<KernelFigures> {
    let timings = alone(&mut launch, &Care { timing: Duration::from_millis(20), total: share / 2 })?;
    let plan = launch.executor.plan();
    let kernel = &plan.training[launch.index];
    let work = Work::of(plan, kernel, launch.step.rows, launch.target.as_ref());
    let choice = kernel.kernel.product(plan.batch).and(launch.target).map(|target| kernel.choice(plan.batch, &target));
    let seconds = timings.wall;
    let gigabytes_per_second = work.bytes / seconds.median / 1e9;
    let gflops = (work.operations > 0.0).then_some(work.operations / seconds.median / 1e9);
    Ok(KernelFigures {
        kernel: kernel.label.clone(),
        choice,
        seconds,
        device_seconds: timings.own_clock.map(|clock| clock.median),
        device_timings: timings.own_clock,
        gflops,
        share_of_peak: None,
        share_of_f32_peak: gflops.and_then(|gflops| peaks.share_of_f32(gflops)),
        share_of_units_peak: gflops.zip(choice).and_then(|(gflops, choice)| peaks.share_of_units(gflops, choice)),
        settled: timings.settled,
        gigabytes_per_second,
        share_of_copy: gigabytes_per_second / peaks.gigabytes_per_second,
        share_of_step: None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kernel(gflops: Option<f64>, median: f64) -> KernelFigures {
        KernelFigures {
            kernel: "forward 1".into(),
            choice: None,
            seconds: Statistics::of(&[median]),
            device_seconds: None,
            device_timings: None,
            gflops,
            share_of_peak: None,
            share_of_f32_peak: None,
            share_of_units_peak: None,
            settled: true,
            gigabytes_per_second: 1.0,
            share_of_copy: 1.0,
            share_of_step: None,
        }
    }

    #[test]
    fn no_share_of_the_peak_is_above_one_and_those_of_a_step_are_of_all_of_it() {
        let peaks = Peaks {
            gflops: 4.0,
            product: 256,
            f32_gflops: None,
            units_gflops: None,
            peak_gflops: 4.0,
            gigabytes_per_second: 1.0,
            copy_bytes: 1,
        };
        let mut report = KernelsReport {
            backend: "a test".into(),
            device: Device::cpu(Some(1), "a test").report(),
            net: "3-4-1".into(),
            batch: 1,
            peaks,
            kernels: vec![kernel(Some(2.0), 1.0), kernel(Some(5.0), 3.0), kernel(None, 4.0)],
            left_out: Vec::new(),
            tuned: BTreeMap::new(),
        };
        report.share();
        let of_peak: Vec<Option<f64>> = report.kernels.iter().map(|kernel| kernel.share_of_peak).collect();
        assert_eq!((of_peak, report.peaks.peak_gflops), (vec![Some(0.4), Some(1.0), None], 5.0));
        let of_step = |report: &KernelsReport| report.kernels.iter().map(|kernel| kernel.share_of_step).collect::<Vec<_>>();
        assert_eq!(of_step(&report), [Some(0.125), Some(0.375), Some(0.5)]);
        report.left_out.push(LeftOutKernel { kernel: "delta 1".into(), why: "it would take long".into() });
        report.share();
        assert_eq!(of_step(&report), [None; 3]);
    }

    #[test]
    fn what_matrix_units_compute_is_shown_as_a_share_of_their_peak() {
        use crate::kernels::form::Family;
        let peaks = |units_gflops| Peaks {
            gflops: 4.0,
            product: 256,
            f32_gflops: Some(5.0),
            units_gflops,
            peak_gflops: 4.0,
            gigabytes_per_second: 1.0,
            copy_bytes: 1,
        };
        let shares = |peaks: Peaks| {
            let of = |family| peaks.share_of_units(10.0, Choice { family, parts: 1 });
            [Family::Units128, Family::Units64Split, Family::Tiled128, Family::DirectSplit].map(of)
        };
        assert_eq!(shares(peaks(Some(40.0))), [Some(0.25), Some(0.75), None, None]);
        assert_eq!(shares(peaks(None)), [None; 4]);
        let report = |units| KernelsReport {
            backend: "a test".into(),
            device: Device::cpu(Some(1), "a test").report(),
            net: "3-4-1".into(),
            batch: 1,
            peaks: peaks(units),
            kernels: vec![
                KernelFigures { share_of_units_peak: units.map(|_| 0.75), ..kernel(Some(2.0), 1.0) },
                kernel(None, 4.0),
            ],
            left_out: Vec::new(),
            tuned: BTreeMap::new(),
        };
        let (with, without) = (report(Some(40.0)), report(None));
        let text = with.to_string();
        assert!(text.contains("matrix units, f16 to f32 in registers: 40.0 GFLOP/s"), "{text}");
        let table = with.table();
        let place = table.headers.iter().position(|header| *header == "of matrix units").expect("a column");
        assert_eq!([&table.rows[0][place], &table.rows[1][place]], ["75.0 %", ""]);
        assert!(table.rows.iter().all(|row| row.len() == table.headers.len()));
        assert!(!without.to_string().contains("matrix units") && without.table().headers.len() + 1 == table.headers.len());
    }

    #[test]
    fn without_time_every_kernel_is_left_out_and_that_is_told() {
        let net: Net = "200-120-20".parse().expect("a net");
        let report = kernels(&net, 4, &Device::cpu(Some(1), "a test"), Duration::ZERO, false, false).expect("a report");
        assert!(report.kernels.is_empty() && report.left_out.len() == 6, "{report:?}");
        assert!(report.left_out.iter().all(|left_out| left_out.why == "the time was used up: see --time"));
        assert_eq!(report.check().expect_err("nothing was measured").exit_code(), 6);
    }
}
