//! What a device does at its best, measured with wgrad's own kernels: multiply-adds in a square product
//! and in registers alone, bytes in a copy.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::timing::{Care, Measured, Timings, alone};
use crate::error::{Error, Result};
use crate::executor::Executor;
use crate::executor::gpu::info::GpuInfo;
use crate::kernels::{Choice, Computation, Gather, Peak, Step, UnitsPeak};
use crate::network::{Activation, Loss, Network};
use crate::plan::{Buffer, BufferId, Element, Launch, Options, Phase, Plan};
use crate::training::session::{Device, Precision};
use crate::verification::against_oracle;

/// What a device does at its best.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Peaks {
    /// 10⁹ operations a second of the fastest square product, two a multiply-add.
    pub gflops: f64,
    /// Rows and columns of that product.
    pub product: usize,
    /// 10⁹ operations a second of multiply-adds in registers, two each, whatever memory does: the peak of f32; null on the CPU.
    #[serde(default)]
    pub f32_gflops: Option<f64>,
    /// 10⁹ operations a second of matrix units on fragments in registers, f16 factors into f32 sums; null where the device was not opened with
    /// them.
    #[serde(default)]
    pub units_gflops: Option<f64>,
    /// 10⁹ operations a second, the most that was seen: of the square products, and of the steps or kernels of the same report.
    pub peak_gflops: f64,
    /// 10⁹ bytes a second of a copy, read and written.
    pub gigabytes_per_second: f64,
    /// Bytes that were copied.
    pub copy_bytes: u64,
}

impl Peaks {
    /// What these operations, in units of 10⁹ a second, are of the peak of f32.
    pub fn share_of_f32(&self, gflops: f64) -> Option<f64> {
        self.f32_gflops.map(|peak| gflops / peak)
    }

    /// What these operations of a product, computed so, are of the peak of matrix units, if they are done there: three times as many where
    /// each factor is two halves.
    pub fn share_of_units(&self, gflops: f64, choice: Choice) -> Option<f64> {
        let products = if choice.family.is_split() { 3.0 } else { 1.0 };
        self.units_gflops.filter(|_| choice.family.units().is_some()).map(|peak| products * gflops / peak)
    }

    /// Takes note of operations that were seen, in units of 10⁹ a second.
    pub fn raise(&mut self, gflops: f64) {
        self.peak_gflops = self.peak_gflops.max(gflops);
    }
}

/// Sizes of the square products, the same whatever time there is, so that reports can be compared.
const PRODUCTS: [usize; 4] = [256, 512, 1024, 2048];
/// Seconds of a product after which none larger is tried: the next would take eight times as long, five times over.
const SLOW: f64 = 0.1;
/// A device takes about a second with it, a slow one some more.
const CARE: Care = Care { timing: Duration::from_millis(20), total: Duration::from_millis(200) };
/// Rows and columns of the copy: 64 MiB, more than caches hold.
const COPY: [usize; 2] = [1 << 14, 1 << 10];

/// Measures a device.
///
/// # Errors
/// What the device reports.
pub fn peaks(device: &Device) -> Result<Peaks> {
    let (mut gflops, mut product) = (0.0, 0);
    for size in PRODUCTS {
        let seconds = square_product(size, device)?;
        let reached = 2e-9 * (size as f64).powi(3) / seconds;
        if reached > gflops {
            (gflops, product) = (reached, size);
        }
        if seconds > SLOW {
            break;
        }
    }
    let copy_bytes = (COPY[0] * COPY[1] * 4) as u64;
    let gigabytes_per_second = 2e-9 * copy_bytes as f64 / copy(device)?;
    let f32_gflops = f32_peak(device)?.map(|peak| peak.gflops);
    let units_gflops = units_peak(device)?.map(|peak| peak.gflops);
    Ok(Peaks { gflops, product, f32_gflops, units_gflops, peak_gflops: gflops, gigabytes_per_second, copy_bytes })
}

/// What a kernel that does nothing but arithmetic came to.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Arithmetic {
    /// 10⁹ operations a second.
    pub(super) gflops: f64,
    /// Whether its timings were steady before it was measured.
    pub(super) settled: bool,
}

/// Workgroups of the peaks' kernels, the same whatever time there is.
const GROUPS: [usize; 3] = [64, 1024, 4096];
/// Links of its chains, on a GPU and on a software adapter.
const ROUNDS: [usize; 2] = [1024, 64];

/// The most multiply-adds in f32 that a GPU does; none on the CPU, whose twin is for comparison alone.
///
/// # Errors
/// What the device reports; check failed, if it does not compute what it should.
pub(super) fn f32_peak(device: &Device) -> Result<Option<Arithmetic>> {
    let Some(gpu) = device.gpu() else { return Ok(None) };
    let rounds = ROUNDS[usize::from(gpu.info().software)];
    best_of(|groups| {
        let kernel = Peak { groups, rounds };
        let operations = kernel.operations();
        // Close to 1, so that every link of a chain shows in the result.
        let factors = [0.999, -0.9995, 0.99975, 1.0, 0.5, -0.25, 0.125, 1e-3];
        arithmetic(kernel, operations, [groups * Peak::LANES, 4], &factors, device)
    })
}

/// The most multiply-adds that a GPU's matrix units do, from f16 to f32; none where it was not opened with them.
///
/// # Errors
/// What the device reports; check failed, if it does not compute what it should.
fn units_peak(device: &Device) -> Result<Option<Arithmetic>> {
    // Its fragments are 16 × 16.
    if device.target().and_then(|target| target.units).is_none_or(|units| units.fragment != 16) {
        return Ok(None);
    }
    best_of(|groups| {
        let kernel = UnitsPeak { groups, rounds: ROUNDS[0] };
        let (operations, written) = (kernel.operations(), kernel.written());
        arithmetic(kernel, operations, written, &UnitsPeak::factors(), device)
    })
}

/// The fastest of [`GROUPS`], each of which comes with the seconds of a run, as far as they do not take long.
fn best_of(mut run: impl FnMut(usize) -> Result<(f64, Arithmetic)>) -> Result<Option<Arithmetic>> {
    let mut best: Option<Arithmetic> = None;
    for groups in GROUPS {
        let (seconds, reached) = run(groups)?;
        best = best.filter(|best| best.gflops >= reached.gflops).or(Some(reached));
        if seconds > SLOW {
            break;
        }
    }
    Ok(best)
}

/// Compares a kernel without memory traffic, which reads `factors` in rows of four and writes a matrix of this shape, with the oracle,
/// and times it. The peaks of other units than f32's are measured by kernels of their own in this very way. Gives the
/// seconds of a run.
fn arithmetic(
    kernel: impl Computation + 'static,
    operations: f64,
    [rows, columns]: [usize; 2],
    factors: &[f32],
    device: &Device,
) -> Result<(f64, Arithmetic)> {
    let mut plan = empty_plan(device)?;
    let read = add(&mut plan, "factors", [factors.len() / 4, 4], Element::Real);
    let written = add(&mut plan, "sums", [rows, columns], Element::Real);
    plan.training = vec![Launch::new(kernel.name(), kernel, [("factors", read), ("sums", written)])];
    let mut executor = f32::executor(plan, device)?;
    executor.write(read, 0, factors)?;
    let step = Step { rows: 1, scale: 1.0, ..Step::default() };
    let findings = against_oracle(executor.as_mut(), Phase::Training, &[step])?;
    if let Some(wrong) = findings.iter().find_map(|finding| finding.outcome.as_ref().err()) {
        return Err(Error::CheckFailed(format!(
            "{} does not compute what it should where its peak is measured: {wrong}; see 'wgrad verify'",
            device.label()
        )));
    }
    // Last, so that the device is at work when what comes next begins.
    let timings = timed(executor.as_mut(), Phase::Training, 0, 1)?;
    let seconds = timings.wall.lowest;
    Ok((seconds, Arithmetic { gflops: operations / seconds / 1e9, settled: timings.settled }))
}

/// A plan that has no kernels of its own to be run.
fn empty_plan(device: &Device) -> Result<Plan> {
    let network = Network::new(vec![1, 1], vec![Activation::Identity], false)?;
    Ok(Plan::new(&network, &options(1, device)))
}

fn add(plan: &mut Plan, name: &str, [rows, columns]: [usize; 2], element: Element) -> BufferId {
    plan.buffers.push(Buffer { name: name.into(), rows, columns, element, shared: false, group: None });
    plan.buffers.len() - 1
}

/// Seconds of a product of size × size matrices at its fastest: the forward kernel of a layer without bias or activation.
fn square_product(size: usize, device: &Device) -> Result<f64> {
    let network = Network::new(vec![size; 3], vec![Activation::Identity; 2], false)?;
    let plan = Plan::new(&network, &options(size, device));
    let launch = plan.evaluation.iter().position(|launch| launch.kernel.name() == "forward");
    let launch = launch.expect("a net's first layer is computed by the forward kernel");
    let (inputs, parameters) = (plan.evaluation_inputs, plan.parameters[0]);
    let mut executor = f32::executor(plan, device)?;
    executor.write(inputs, 0, &vec![0.5; size * size])?;
    executor.write(parameters, 0, &vec![1.0 / size as f32; size * size])?;
    fastest(executor.as_mut(), Phase::Evaluation, launch, size)
}

/// Seconds of a copy of [`COPY`] rows and columns at its fastest: the gather kernel, rows in their order.
fn copy(device: &Device) -> Result<f64> {
    let [rows, columns] = COPY;
    let mut plan = empty_plan(device)?;
    let source = add(&mut plan, "source", [rows, columns], Element::Real);
    let order = add(&mut plan, "order", [1, rows], Element::Index);
    let copied = add(&mut plan, "copy", [rows, columns], Element::Real);
    let kernel = Gather { columns, segment_first: 0, segment_rows: rows, order: rows, capacity: rows };
    plan.training = vec![Launch::new("copy", kernel, [("source", source), ("order", order), ("batch", copied)])];
    plan.batch = rows;
    let mut executor = f32::executor(plan, device)?;
    executor.write(source, 0, &vec![0.5; rows * columns])?;
    executor.write_indices(order, 0, &(0..rows as u32).collect::<Vec<_>>())?;
    fastest(executor.as_mut(), Phase::Training, 0, rows)
}

fn options(rows: usize, device: &Device) -> Options {
    let segment_bytes = device.segment_bytes();
    Options {
        loss: Loss::SquaredError,
        training: None,
        evaluation_rows: rows,
        evaluation_data: 0,
        replicas: 1,
        own_steps: false,
        segment_bytes,
    }
}

fn fastest(executor: &mut dyn Executor<f32>, phase: Phase, launch: usize, rows: usize) -> Result<f64> {
    Ok(timed(executor, phase, launch, rows)?.wall.lowest)
}

/// Times one launch of a plan.
fn timed(executor: &mut dyn Executor<f32>, phase: Phase, launch: usize, rows: usize) -> Result<Timings> {
    let step = Step { rows, scale: 1.0, ..Step::default() };
    alone(&mut OneOf { executor, phase, launch, step }, &CARE)
}

/// A launch of a plan. A repeat is one run.
struct OneOf<'a> {
    executor: &'a mut dyn Executor<f32>,
    phase: Phase,
    launch: usize,
    step: Step,
}

impl Measured for OneOf<'_> {
    fn run(&mut self, repeats: usize) -> Result<()> {
        self.executor.run_launches(self.phase, self.launch..self.launch + 1, &vec![self.step; repeats])?;
        self.executor.finish()
    }

    fn gpu(&self) -> Option<GpuInfo> {
        self.executor.gpu().cloned()
    }
}
