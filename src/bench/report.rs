//! What was measured, for people: tables and sentences.

use super::cell::Cell;
use super::comparison::ComparisonReport;
use super::crossover::{Crossover, Verdict};
use super::kernels::KernelsReport;
use super::statistics::Statistics;
use super::table::{percent, seconds, spread};
use crate::columns::{COLUMNS, Table, wrapped};
use crate::executor::gpu::tuning::Tuned;
use crate::page::figures;

/// Columns that a table drops where it has no room for them.
const SAMPLES: &str = "samples/s";
const F32_PEAK: &str = "of f32 peak";
const UNITS: &str = "of matrix units";
const CLOCK: &str = "by its clock";

/// Half the distance of the quartiles, as a share of the median.
fn half_spread(statistics: &Statistics) -> String {
    format!("± {}", percent(statistics.spread() / 2.0))
}

impl ComparisonReport {
    /// Every cell, rounded for reading.
    pub(super) fn table(&self) -> Table {
        let headers = [
            "net", "device", "batch", "step", "spread", "outliers", SAMPLES, "GFLOP/s", "of peak", F32_PEAK, CLOCK, "× CPU",
        ];
        let row = |cell: &Cell| {
            vec![
                cell.net.clone(),
                cell.short_name(),
                cell.batch.to_string(),
                seconds(cell.step.median),
                half_spread(&cell.step),
                format!("{} of {}", cell.step.outliers, cell.step.samples),
                format!("{:.0}", cell.samples_per_second),
                figures(cell.computed_gflops),
                percent(cell.share_of_peak),
                cell.share_of_f32_peak.map_or(String::new(), percent),
                cell.device_timings.map_or(String::new(), |clock| spread(&clock)),
                self.against_cpu(cell).map_or(String::new(), figures),
            ]
        };
        Table::new(&headers, self.cells.iter().map(row).collect(), 2)
    }

    /// The cells of each net, in a table of its own under the net's name, as far as they fit beside each other: `--json` and `--html` have
    /// all of it.
    fn tables(&self) -> Vec<String> {
        let Table { headers, rows, text_columns } = self.table();
        let of_net = |rows: &[Vec<String>]| {
            let table = Table { headers: headers.clone(), rows: rows.to_vec(), text_columns };
            let least = ["outliers", CLOCK, F32_PEAK, "spread", SAMPLES];
            format!("{}\n{}", rows[0][0], table.without("net").within(COLUMNS, &least).text())
        };
        rows.chunk_by(|one, other| one[0] == other[0]).map(of_net).collect()
    }

    /// How often as fast as the CPU a GPU's cell is.
    fn against_cpu(&self, cell: &Cell) -> Option<f64> {
        let same = |cpu: &&Cell| !cpu.gpu && cpu.net == cell.net && cpu.batch == cell.batch;
        let cpu = self.cells.iter().find(same).filter(|_| cell.gpu)?;
        Some(cell.samples_per_second / cpu.samples_per_second)
    }

    /// What each device does at its best.
    pub(super) fn peaks_table(&self) -> Table {
        let row = |device: &super::comparison::DeviceFigures| {
            let peaks = &device.peaks;
            let of = |rate: Option<f64>| rate.map_or(String::new(), figures);
            vec![
                device.short_name(),
                format!("{}: {}", peaks.product, figures(peaks.gflops)),
                of(peaks.f32_gflops),
                of(peaks.units_gflops),
                figures(peaks.peak_gflops),
                figures(peaks.gigabytes_per_second),
            ]
        };
        let headers = ["GFLOP/s at best", "square product", "f32 registers", "matrix units", "peak", "copy, GB/s"];
        Table::new(&headers, self.devices.iter().map(row).collect(), 1)
    }

    /// What it takes until the first step is done.
    pub(super) fn startup_table(&self) -> Table {
        let rows = self.devices.iter().flat_map(|device| {
            device.startups.iter().map(|startup| {
                vec![
                    startup.net.clone(),
                    device.short_name(),
                    startup.batch.to_string(),
                    seconds(startup.compile),
                    startup.compile_again.map_or(String::new(), seconds),
                    seconds(startup.upload),
                    seconds(startup.first_step),
                ]
            })
        });
        let headers = ["net", "device", "batch", "compile", "again", "upload", "first step"];
        Table::new(&headers, rows.collect(), 2)
    }

    /// Why each device was taken, what a software adapter is, what was tuned, the crossovers, what was left out, and how much of a baseline could be
    /// compared, a sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let reasons = self.devices.iter().map(|device| format!("{}: {}", device.name, device.device.reason));
        let software = self.devices.iter().filter(|device| device.device.gpu.as_ref().is_some_and(|gpu| gpu.software));
        let software = software
            .map(|device| format!("{} is no GPU: it runs on the CPU, and its figures say nothing about one", device.name));
        let left_out = self.left_out.iter().map(|left_out| {
            format!("left out: {}, batches of {}, {}: {}", left_out.net, left_out.batch, left_out.device, left_out.why)
        });
        let crossovers = self.crossovers.iter().map(ToString::to_string);
        let tuned = self.devices.iter().filter(|device| !device.tuned.is_empty()).map(|device| {
            let is_other =
                |tuned: &&Tuned| tuned.measured.first().is_some_and(|&(unmeasured, _)| tuned.choice != unmeasured);
            let (all, others) = (device.tuned.len(), device.tuned.values().filter(is_other).count());
            format!(
                "{}: {all} products were tuned, {others} of them are computed otherwise than without --tune",
                device.name
            )
        });
        let unsettled = self.cells.iter().filter(|cell| !cell.settled).map(|cell| {
            let (net, batch, device) = (&cell.net, cell.batch, &cell.device);
            format!("{net}, batches of {batch}, {device}: the timings did not settle, so that its figures may be too low")
        });
        let compared = self.compared.iter().map(ToString::to_string);
        reasons.chain(software).chain(tuned).chain(unsettled).chain(crossovers).chain(left_out).chain(compared).collect()
    }

    /// The machine, the program and what the figures are, in two lines.
    pub(super) fn heading(&self) -> String {
        let machine = &self.machine;
        format!(
            "wgrad {} on {} {}{}. A step is the median until its losses are read back, ± half the distance of the quartiles. \
             GFLOP/s count the products that a step computes, and the peak is the most that was seen of them, in square products and in \
             steps.",
            machine.wgrad,
            machine.system,
            machine.architecture,
            machine.processor.as_deref().map_or(String::new(), |name| format!(", {name}"))
        )
    }
}

impl Cell {
    /// The device in a word or two; the report gives its full name elsewhere.
    pub(super) fn short_name(&self) -> String {
        short_name(&self.device, self.gpu, self.software)
    }
}

impl super::comparison::DeviceFigures {
    /// The device in a word or two; the report gives its full name elsewhere.
    fn short_name(&self) -> String {
        let gpu = self.device.gpu.as_ref();
        short_name(&self.name, gpu.is_some(), gpu.is_some_and(|gpu| gpu.software))
    }
}

/// A device's name without its interface and version: a software adapter is called one here too.
pub(super) fn short_name(device: &str, gpu: bool, software: bool) -> String {
    let name = device.split(" (").next().unwrap_or_default();
    match (gpu, software) {
        (false, _) => "CPU".into(),
        (true, false) => name.into(),
        (true, true) => format!("{name} (software)"),
    }
}

impl std::fmt::Display for Crossover {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (net, gpu) = (&self.net, &self.gpu);
        match self.verdict {
            Verdict::Cpu { up_to } => write!(text, "{net}: the CPU is faster than {gpu} at every batch size up to {up_to}"),
            Verdict::Gpu { from } => write!(text, "{net}: {gpu} is faster than the CPU at every batch size from {from} on"),
            Verdict::Crossing { batch, .. } => {
                write!(text, "{net}: {gpu} is faster than the CPU from batches of about {} on", figures(batch))
            }
        }
    }
}

impl std::fmt::Display for ComparisonReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let startups = self.startup_table().within(COLUMNS, &["upload", "device"]);
        let parts = [wrapped(&self.heading(), COLUMNS), self.peaks_table().text()];
        let last = [startups.text(), wrapped(&self.sentences().join("\n"), COLUMNS)];
        text.write_str(&paragraphs(parts.into_iter().chain(self.tables()).chain(last)))
    }
}

impl KernelsReport {
    /// Every kernel, rounded for reading.
    pub(super) fn table(&self) -> Table {
        let headers = [
            "kernel",
            "computed by",
            "time",
            "spread",
            "outliers",
            CLOCK,
            "of the step",
            "GFLOP/s",
            "of peak",
            F32_PEAK,
            UNITS,
            "GB/s",
            "of copy",
        ];
        let row = |kernel: &super::kernels::KernelFigures| {
            vec![
                kernel.kernel.clone(),
                kernel.choice.map_or(String::new(), |choice| choice.to_string()),
                seconds(kernel.seconds.median),
                half_spread(&kernel.seconds),
                format!("{} of {}", kernel.seconds.outliers, kernel.seconds.samples),
                kernel.device_timings.map_or(String::new(), |clock| spread(&clock)),
                kernel.share_of_step.map_or(String::new(), percent),
                kernel.gflops.map_or(String::new(), figures),
                kernel.share_of_peak.map_or(String::new(), percent),
                kernel.share_of_f32_peak.map_or(String::new(), percent),
                kernel.share_of_units_peak.map_or(String::new(), percent),
                figures(kernel.gigabytes_per_second),
                percent(kernel.share_of_copy),
            ]
        };
        Table::new(&headers, self.kernels.iter().map(row).collect(), 2)
    }

    /// What was tuned and left out, a sentence each, in text as many as are read.
    fn sentences(&self) -> Vec<String> {
        const MOST: usize = 8;
        let tuned = self.tuned.iter().map(|(product, tuned)| tuned.of(product));
        let unsettled = self.kernels.iter().filter(|kernel| !kernel.settled);
        let unsettled = unsettled.map(|kernel| format!("{}: the timings did not settle", kernel.kernel));
        let told =
            self.left_out.iter().take(MOST).map(|left_out| format!("left out: {}: {}", left_out.kernel, left_out.why));
        let more = self.left_out.len().saturating_sub(MOST);
        tuned
            .chain(unsettled)
            .chain(told)
            .chain((more > 0).then(|| format!("and {more} more, which --json lists")))
            .collect()
    }
}

/// Parts that hold something, a line apart.
fn paragraphs(parts: impl IntoIterator<Item = String>) -> String {
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
}

impl std::fmt::Display for KernelsReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(text, "{}, batches of {}", self.net, self.batch)?;
        writeln!(text, "on {}: {}", self.backend, self.device.reason)?;
        let peaks = &self.peaks;
        let [gflops, peak, copy] = [peaks.gflops, peaks.peak_gflops, peaks.gigabytes_per_second].map(figures);
        writeln!(text, "square product of size {}: {gflops} GFLOP/s; copy: {copy} GB/s", peaks.product)?;
        if let Some(peak) = peaks.f32_gflops {
            writeln!(text, "multiply-adds of f32 in registers: {} GFLOP/s", figures(peak))?;
        }
        if let Some(peak) = peaks.units_gflops {
            writeln!(text, "matrix units, f16 to f32 in registers: {} GFLOP/s", figures(peak))?;
        }
        writeln!(text, "the peak is the most that was seen, in square products and in kernels: {peak} GFLOP/s\n")?;
        let least = ["outliers", CLOCK, "of copy", F32_PEAK, UNITS, "spread", "GB/s", "computed by"];
        let table = self.table().within(COLUMNS, &least);
        text.write_str(&paragraphs([table.text(), wrapped(&self.sentences().join("\n"), COLUMNS)]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_without_a_word_leave_no_blank_lines() {
        assert_eq!(paragraphs(["a".into(), String::new(), "b".into()]), "a\n\nb");
    }
}
