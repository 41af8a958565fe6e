//! What was measured, for people: tables and sentences.

use super::cell::Cell;
use super::comparison::ComparisonReport;
use super::crossover::{Crossover, Verdict};
use super::kernels::KernelsReport;
use super::table::{Table, percent, seconds, spread};
use crate::executor::gpu::tuning::Tuned;
use crate::page::figures;

impl ComparisonReport {
    /// Every cell, rounded for reading.
    pub fn table(&self) -> Table {
        let headers = vec![
            "net",
            "device",
            "batch",
            "step",
            "spread",
            "outliers",
            "samples/s",
            "GFLOP/s",
            "of peak",
            "of f32 peak",
            "by its clock",
            "× CPU",
        ];
        let row = |cell: &Cell| {
            vec![
                cell.net.clone(),
                cell.short_name(),
                cell.batch.to_string(),
                seconds(cell.step.median),
                format!("± {}", percent(cell.step.spread() / 2.0)),
                format!("{} of {}", cell.step.outliers, cell.step.samples),
                format!("{:.0}", cell.samples_per_second),
                figures(cell.gflops),
                percent(cell.share_of_peak),
                cell.share_of_f32_peak.map_or(String::new(), percent),
                cell.device_timings.map_or(String::new(), |clock| spread(&clock)),
                self.against_cpu(cell).map_or(String::new(), figures),
            ]
        };
        Table { headers, rows: self.cells.iter().map(row).collect(), text_columns: 2 }
    }

    /// How often as fast as the CPU a GPU's cell is.
    fn against_cpu(&self, cell: &Cell) -> Option<f64> {
        let same = |cpu: &&Cell| !cpu.gpu && cpu.net == cell.net && cpu.batch == cell.batch;
        let cpu = self.cells.iter().find(same).filter(|_| cell.gpu)?;
        Some(cell.samples_per_second / cpu.samples_per_second)
    }

    /// What each device does at its best.
    pub fn peaks_table(&self) -> Table {
        let has_units = self.devices.iter().any(|device| device.peaks.units_gflops.is_some());
        let row = |device: &super::comparison::DeviceFigures| {
            let peaks = &device.peaks;
            let product = format!("{}: {}", peaks.product, figures(peaks.gflops));
            let in_registers = peaks.f32_gflops.map_or(String::new(), figures);
            let on_units = has_units.then(|| peaks.units_gflops.map_or(String::new(), figures));
            let rates = [peaks.peak_gflops, peaks.gigabytes_per_second].map(figures);
            [device.name.clone(), product, in_registers].into_iter().chain(on_units).chain(rates).collect()
        };
        let mut headers =
            vec!["device", "square product, GFLOP/s", "f32 in registers, GFLOP/s", "peak, GFLOP/s", "copy, GB/s"];
        if has_units {
            headers.insert(3, "matrix units, GFLOP/s");
        }
        Table { headers, rows: self.devices.iter().map(row).collect(), text_columns: 1 }
    }

    /// What it takes until the first step is done.
    pub fn startup_table(&self) -> Table {
        let rows = self.devices.iter().flat_map(|device| {
            device.startups.iter().map(|startup| {
                vec![
                    startup.net.clone(),
                    device.name.clone(),
                    startup.batch.to_string(),
                    seconds(startup.compile),
                    startup.compile_again.map_or(String::new(), seconds),
                    seconds(startup.upload),
                    seconds(startup.first_step),
                ]
            })
        });
        let headers = vec!["net", "device", "batch", "compile", "compile again", "upload", "first step"];
        Table { headers, rows: rows.collect(), text_columns: 2 }
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
             GFLOP/s are 6 · parameters · samples; the share of the peak counts the products that are computed, and the peak is the \
             most that was seen of them, in square products and in steps.",
            machine.wgrad,
            machine.system,
            machine.architecture,
            machine.processor.as_deref().map_or(String::new(), |name| format!(", {name}"))
        )
    }
}

impl Cell {
    /// The device in a word or two, where its full name is told elsewhere.
    pub(super) fn short_name(&self) -> String {
        short_name(&self.device, self.gpu, self.software)
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
        let parts = [self.heading(), self.peaks_table().text(), self.table().text(), self.startup_table().text()];
        text.write_str(&paragraphs(parts.into_iter().chain([self.sentences().join("\n")])))
    }
}

impl KernelsReport {
    /// Every kernel, rounded for reading.
    pub fn table(&self) -> Table {
        let mut headers = vec![
            "kernel",
            "computed by",
            "time",
            "spread",
            "outliers",
            "by its clock",
            "of the step",
            "GFLOP/s",
            "of peak",
            "of f32 peak",
            "GB/s",
            "of copy",
        ];
        let units = self.peaks.units_gflops.is_some().then(|| headers.len() - 2);
        units.into_iter().for_each(|place| headers.insert(place, "of matrix units"));
        let row = |kernel: &super::kernels::KernelFigures| {
            let mut row = vec![
                kernel.kernel.clone(),
                kernel.choice.map_or(String::new(), |choice| choice.to_string()),
                seconds(kernel.seconds.median),
                format!("± {}", percent(kernel.seconds.spread() / 2.0)),
                format!("{} of {}", kernel.seconds.outliers, kernel.seconds.samples),
                kernel.device_timings.map_or(String::new(), |clock| spread(&clock)),
                kernel.share_of_step.map_or(String::new(), percent),
                kernel.gflops.map_or(String::new(), figures),
                kernel.share_of_peak.map_or(String::new(), percent),
                kernel.share_of_f32_peak.map_or(String::new(), percent),
                figures(kernel.gigabytes_per_second),
                percent(kernel.share_of_copy),
            ];
            units.into_iter().for_each(|place| row.insert(place, kernel.share_of_units_peak.map_or(String::new(), percent)));
            row
        };
        Table { headers, rows: self.kernels.iter().map(row).collect(), text_columns: 2 }
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
        text.write_str(&paragraphs([self.table().text(), self.sentences().join("\n")]))
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
