//! What was measured, for people: tables and sentences.

use super::comparison::{Cell, ComparisonReport, Crossover, Verdict};
use super::kernels::KernelsReport;
use super::table::Table;

/// Seconds in the unit that people read them in.
pub(super) fn seconds(seconds: f64) -> String {
    let (value, unit) = match seconds {
        s if s < 1e-6 => (s * 1e9, "ns"),
        s if s < 1e-3 => (s * 1e6, "µs"),
        s if s < 1.0 => (s * 1e3, "ms"),
        s => (s, "s"),
    };
    format!("{} {unit}", figures(value))
}

/// A number with three significant figures, or all those before the point.
pub(super) fn figures(value: f64) -> String {
    let scientific = format!("{value:.2e}");
    let exponent = scientific.split_once('e').and_then(|(_, exponent)| exponent.parse::<i32>().ok());
    match exponent {
        Some(exponent) if exponent >= -4 => format!("{value:.*}", (2 - exponent).max(0) as usize),
        _ => scientific,
    }
}

fn percent(share: f64) -> String {
    format!("{} %", figures(100.0 * share))
}

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
                cell.device_step.map_or(String::new(), seconds),
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

    /// Every cell with all digits: what CSV holds.
    pub fn full_table(&self) -> Table {
        let headers = vec![
            "net",
            "device",
            "software",
            "batch",
            "step_seconds",
            "lower_quartile",
            "upper_quartile",
            "lowest",
            "highest",
            "timings",
            "outliers",
            "device_step_seconds",
            "samples_per_second",
            "gflops",
            "computed_gflops",
            "share_of_peak",
            "intensity",
        ];
        let row = |cell: &Cell| {
            let step = &cell.step;
            let numbers = [step.median, step.lower_quartile, step.upper_quartile, step.lowest, step.highest];
            let rates = [cell.samples_per_second, cell.gflops, cell.computed_gflops, cell.share_of_peak, cell.intensity];
            let mut row = vec![cell.net.clone(), cell.device.clone(), cell.software.to_string(), cell.batch.to_string()];
            row.extend(numbers.map(|number| number.to_string()));
            row.extend([step.samples.to_string(), step.outliers.to_string()]);
            row.push(cell.device_step.map_or(String::new(), |seconds| seconds.to_string()));
            row.extend(rates.map(|number| number.to_string()));
            row
        };
        Table { headers, rows: self.cells.iter().map(row).collect(), text_columns: 3 }
    }

    /// What each device can do at most.
    pub fn peaks_table(&self) -> Table {
        let row = |device: &super::comparison::DeviceFigures| {
            let peaks = &device.peaks;
            vec![device.name.clone(), figures(peaks.gflops), peaks.product.to_string(), figures(peaks.gigabytes_per_second)]
        };
        let headers = vec!["device", "GFLOP/s", "in a product of size", "GB/s in a copy"];
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
                    seconds(startup.upload),
                    seconds(startup.first_step),
                ]
            })
        });
        let headers = vec!["net", "device", "batch", "compile", "upload", "first step"];
        Table { headers, rows: rows.collect(), text_columns: 2 }
    }

    /// The crossovers, what was left out, and what a software adapter is, a sentence each.
    pub fn sentences(&self) -> Vec<String> {
        let software = self.devices.iter().filter(|device| device.device.gpu.as_ref().is_some_and(|gpu| gpu.software));
        let software = software
            .map(|device| format!("{} is no GPU: it runs on the CPU, and its figures say nothing about one", device.name));
        let left_out = self.left_out.iter().map(|left_out| {
            format!("left out: {}, batches of {}, {}: {}", left_out.net, left_out.batch, left_out.device, left_out.why)
        });
        software.chain(self.crossovers.iter().map(ToString::to_string)).chain(left_out).collect()
    }

    /// The report as Markdown.
    pub fn markdown(&self) -> String {
        let sentences: Vec<String> = self.sentences().iter().map(|sentence| format!("- {sentence}")).collect();
        [
            self.heading(),
            self.peaks_table().markdown(),
            self.table().markdown(),
            sentences.join("\n"),
            self.startup_table().markdown(),
        ]
        .join("\n\n")
    }

    /// The machine, the program and what the figures are, in two lines.
    pub(super) fn heading(&self) -> String {
        let machine = &self.machine;
        format!(
            "wgrad {} on {} {}, {} threads. A step is the median until its losses are read back, ± half the distance of the \
             quartiles. GFLOP/s are 6 · parameters · samples; the share of the peak counts the products that are computed.",
            machine.wgrad, machine.system, machine.architecture, machine.cores
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
            Verdict::Crossing { batch } => {
                write!(text, "{net}: {gpu} is faster than the CPU from batches of about {} on", figures(batch))
            }
        }
    }
}

impl std::fmt::Display for ComparisonReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts = [self.heading(), self.peaks_table().text(), self.table().text(), self.startup_table().text()];
        let sentences = self.sentences();
        let sentences = (!sentences.is_empty()).then(|| sentences.join("\n"));
        let parts: Vec<String> = parts.into_iter().chain(sentences).collect();
        text.write_str(&parts.join("\n\n"))
    }
}

impl KernelsReport {
    /// Every kernel, rounded for reading.
    pub fn table(&self) -> Table {
        let headers = vec![
            "kernel",
            "time",
            "spread",
            "outliers",
            "by its clock",
            "of the step",
            "GFLOP/s",
            "of peak",
            "GB/s",
            "of copy",
        ];
        let row = |kernel: &super::kernels::KernelFigures| {
            vec![
                kernel.kernel.clone(),
                seconds(kernel.seconds.median),
                format!("± {}", percent(kernel.seconds.spread() / 2.0)),
                format!("{} of {}", kernel.seconds.outliers, kernel.seconds.samples),
                kernel.device_seconds.map_or(String::new(), seconds),
                percent(kernel.share_of_step),
                kernel.gflops.map_or(String::new(), figures),
                kernel.share_of_peak.map_or(String::new(), percent),
                figures(kernel.gigabytes_per_second),
                percent(kernel.share_of_copy),
            ]
        };
        Table { headers, rows: self.kernels.iter().map(row).collect(), text_columns: 1 }
    }
}

impl std::fmt::Display for KernelsReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(text, "{}, batches of {}: {}", self.net, self.batch, self.backend)?;
        let peaks = &self.peaks;
        let (gflops, copy) = (figures(peaks.gflops), figures(peaks.gigabytes_per_second));
        writeln!(text, "at most {gflops} GFLOP/s (a product of size {}), {copy} GB/s (a copy)\n", peaks.product)?;
        text.write_str(&self.table().text())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_said_in_three_figures() {
        assert_eq!([1.2345, 12.345, 123.45, 1234.4].map(figures), ["1.23", "12.3", "123", "1234"]);
        assert_eq!([0.012345, 0.00307, 0.0001, 1.234e-7].map(figures), ["0.0123", "0.00307", "0.000100", "1.23e-7"]);
        assert_eq!([0.0, 0.9996, 9.996, -0.05].map(figures), ["0.00", "1.00", "10.0", "-0.0500"]);
        assert_eq!([f64::NAN, f64::INFINITY].map(figures), ["NaN", "inf"]);
        let said = [2e-9, 3.5e-6, 0.25, 12.0].map(seconds);
        assert_eq!(said, ["2.00 ns", "3.50 µs", "250 ms", "12.0 s"]);
    }
}
