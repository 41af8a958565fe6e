//! `wgrad train --dry-run`: the plan as a table, its buffers against the device's limits.

use serde::Serialize;

use super::print;
use crate::error::Result;
use crate::kernels::stride4;
use crate::plan::{Buffer, Plan, RowBytes, human_bytes};
use crate::training::run::length::Trial;
use crate::training::run::sources::Part;
use crate::training::run::{DataReport, NetworkReport, Run};
use crate::training::session::DeviceReport;
use crate::training::session::forecast::{Forecast, human_seconds};

/// What a dry run shows.
#[derive(Debug, Serialize)]
struct DryRun {
    data: DataReport,
    network: NetworkReport,
    device: DeviceReport,
    /// What the length of the training follows from; absent where it was said.
    #[serde(skip_serializing_if = "Option::is_none")]
    trial: Option<Trial>,
    /// The kernels of a training step, in their order.
    step: Vec<LaunchReport>,
    /// Every buffer, of all networks together.
    buffers: Vec<BufferReport>,
    /// Bytes of all buffers together.
    bytes: u64,
    /// The largest buffer that the device's kernels may bind; absent for the CPU.
    largest_buffer: Option<u64>,
    /// Bytes that the kernels of a step read and write, of a whole batch.
    step_bytes: u64,
    /// The least that kernels of this kind would have to.
    least_step_bytes: u64,
    /// Bytes of the losses of a step that the host reads back.
    loss_bytes: u64,
    /// Dispatches of a step that wait for one before them; absent for the CPU.
    dependent_dispatches: Option<usize>,
    /// Rows of the data that are on the device at once.
    rows_on_device: usize,
    /// How often there are as many: once, or for each network.
    #[serde(skip)]
    windows: usize,
    /// Steps in an epoch.
    steps_per_epoch: usize,
    /// Bytes of the host's memory that the rows take as numbers, those to validate and test with included.
    host_bytes: u64,
    /// How long it will take; absent where the device cannot do it.
    forecast: Option<Forecast>,
    /// Whether the device's limits allow it, and if not, why.
    refused: Option<String>,
}

#[derive(Debug, Serialize)]
struct LaunchReport {
    kernel: String,
    /// How often it is run: once for each micro-batch, or once.
    times: usize,
    /// Bytes that it reads and writes each time.
    bytes: u64,
    reads: Vec<String>,
    writes: Vec<String>,
}

#[derive(Debug, Serialize)]
struct BufferReport {
    name: String,
    /// One for each network, or one for all.
    copies: usize,
    rows: usize,
    columns: usize,
    bytes: u64,
}

/// Prints what a run would do.
pub(super) fn print(run: &Run, json: bool) -> Result<()> {
    let plan = run.plan();
    let rows = run.sources.training.rows();
    let row_bytes = row_bytes_on(run);
    let limits = run.device.gpu().map(crate::executor::gpu::device::Device::limits);
    let refusal = run.affordable().err();
    let all = |launch: &LaunchReport| launch.bytes.saturating_mul(launch.times as u64);
    let step = launches(&plan, run);
    let step_bytes = step.iter().map(all).fold(0, u64::saturating_add);
    let report = DryRun {
        data: run.sources.report(),
        network: NetworkReport::of(&run.network, &run.recipe),
        trial: run.trial.clone(),
        device: run.device.report(),
        step_bytes,
        least_step_bytes: plan.least_bytes(&run.network, row_bytes),
        loss_bytes: plan.loss_places(run.recipe.batch.min(rows)) as u64 * plan.replicas as u64 * row_bytes(4) / 4,
        step,
        dependent_dispatches: run.device.target().map(|target| plan.dependent_dispatches(&target)),
        rows_on_device: plan.window,
        windows: plan.windows,
        buffers: buffers(&plan, run),
        bytes: buffers(&plan, run).iter().map(|buffer| buffer.bytes).fold(0, u64::saturating_add),
        largest_buffer: limits.as_ref().map(|limits| limits.buffer_bytes),
        steps_per_epoch: rows.div_ceil(run.recipe.batch.max(1)),
        host_bytes: host_bytes(run),
        forecast: if refusal.is_none() { Some(run.forecast()?) } else { None },
        refused: refusal.as_ref().map(ToString::to_string),
    };
    if json {
        print::json("train --dry-run", &report)?;
    } else {
        print::line(text(&report, run))?;
    }
    refusal.map_or(Ok(()), Err)
}

/// Bytes of the rows that are kept in memory, as the numbers that a network takes.
fn host_bytes(run: &Run) -> u64 {
    let sources = &run.sources;
    let others = sources.validation.iter().chain(&sources.test).map(Part::rows).sum::<usize>();
    let training = if run.recipe.streamed { 0 } else { sources.training.rows() };
    let numbers = (training + others) as u64 * (run.network.inputs() + run.network.outputs()) as u64;
    numbers * if run.options.device.double() { 8 } else { 4 }
}

/// On a GPU rows are padded to whole vec4s of f32; on the CPU they are not.
fn row_bytes_on(run: &Run) -> RowBytes {
    match run.device.gpu() {
        Some(_) => |columns| 16 * stride4(columns) as u64,
        None if run.options.device.double() => |columns| 8 * columns as u64,
        None => |columns| 4 * columns as u64,
    }
}

fn launches(plan: &Plan, run: &Run) -> Vec<LaunchReport> {
    let (row_bytes, target) = (row_bytes_on(run), run.device.target());
    let names = |ids: &[usize]| ids.iter().map(|&id| plan.buffers[id].name.clone()).collect();
    plan.training
        .iter()
        .map(|launch| LaunchReport {
            kernel: launch.label.clone(),
            times: plan.times(launch),
            bytes: plan.moved_bytes(launch, row_bytes, target.as_ref()),
            reads: names(&launch.reads),
            writes: names(&launch.writes),
        })
        .collect()
}

fn buffers(plan: &Plan, run: &Run) -> Vec<BufferReport> {
    let row_bytes = row_bytes_on(run);
    let scratch = run.device.target().map_or([0; 2], |target| plan.scratch(&target));
    let scratch =
        ["scales", "partial sums"].into_iter().zip(scratch).filter(|(_, bytes)| *bytes > 0).map(|(name, bytes)| {
            BufferReport { name: name.into(), copies: 1, rows: 1, columns: (bytes / 4) as usize, bytes }
        });
    let buffer = |(id, buffer): (usize, &Buffer)| BufferReport {
        name: buffer.name.clone(),
        copies: plan.copies(id),
        rows: buffer.rows,
        columns: buffer.columns,
        bytes: (buffer.rows as u64).saturating_mul(row_bytes(buffer.columns)).saturating_mul(plan.copies(id) as u64),
    };
    let buffers = plan.buffers.iter().enumerate().map(buffer);
    buffers.chain(scratch).collect()
}

fn text(report: &DryRun, run: &Run) -> String {
    let mut lines = vec![
        report.data.to_string(),
        report.network.to_string(),
        format!("on {}", run.device),
        String::new(),
        format!("one step, {} of them an epoch:", report.steps_per_epoch),
    ];
    for launch in &report.step {
        let (reads, writes) = (launch.reads.join(", "), launch.writes.join(", "));
        let times = if launch.times > 1 { format!(", {} times", launch.times) } else { String::new() };
        lines.push(format!("  {:<18} {:>10}  {reads}  ->  {writes}{times}", launch.kernel, human_bytes(launch.bytes)));
    }
    let (moved, least) = (human_bytes(report.step_bytes), human_bytes(report.least_step_bytes));
    lines.push(format!("  {:<18} {moved:>10}  moved; the least for kernels of this kind is {least}", "together"));
    lines.push(format!("  {:<18} {:>10}  of them losses, which the host reads back", "", human_bytes(report.loss_bytes)));
    if let Some(count) = report.dependent_dispatches {
        lines.push(format!("  {:<18} {count:>10}  dispatches wait for one before them", ""));
    }
    let rows = run.sources.training.rows();
    if report.rows_on_device < rows {
        let each = if report.windows > 1 { " for each network" } else { "" };
        lines.push(format!("the {rows} rows are streamed, {} at once on the device{each}", report.rows_on_device));
    }
    lines.extend([String::new(), "buffers:".into()]);
    for buffer in &report.buffers {
        let copies = if buffer.copies > 1 { format!("{} × ", buffer.copies) } else { String::new() };
        let shape = format!("{copies}{} × {}", buffer.rows, buffer.columns);
        lines.push(format!("  {:<24} {shape:>16} {:>12}", buffer.name, human_bytes(buffer.bytes)));
    }
    lines.push(format!("  {:<24} {:>16} {:>12}", "together", "", human_bytes(report.bytes)));
    if let Some(largest) = report.largest_buffer {
        lines.push(format!("  {:<24} {:>16} {:>12}", "the device's largest", "", human_bytes(largest)));
    }
    let on_host = if run.recipe.streamed { "other rows, on the host" } else { "all rows, on the host" };
    lines.push(format!("  {on_host:<24} {:>16} {:>12}", "", human_bytes(report.host_bytes)));
    if let Some(forecast) = &report.forecast {
        let measured = if forecast.estimated { "estimated from a smaller batch" } else { "measured" };
        let (step, epoch) = (human_seconds(forecast.step_seconds), human_seconds(forecast.epoch_seconds));
        lines.extend([String::new(), format!("a step takes {step} ({measured}), an epoch {epoch}")]);
        let (all, epochs) = (human_seconds(forecast.seconds), forecast.epochs);
        lines.push(format!("about {all} for {epochs} epochs on {}", run.device.label()));
    }
    lines.join("\n")
}
