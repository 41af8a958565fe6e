//! The report as one HTML file: tables, the curves where the GPU overtakes the CPU, and the roofline. Nothing is loaded from
//! anywhere.

use super::cell::Cell;
use super::comparison::ComparisonReport;
use super::crossover::Verdict;
use super::report::short_name;
use super::table::html;
use crate::page::{COLOURS, Chart, Form, NEUTRAL, Series, Words, document, escaped};

impl ComparisonReport {
    /// The report as an HTML page.
    pub fn html(&self) -> String {
        let sentences: String =
            self.sentences().iter().map(|sentence| format!("<li>{}</li>\n", escaped(sentence))).collect();
        let body = format!(
            "<h1>wgrad bench</h1>\n<p>{}</p>\n<h2>GPU against CPU</h2>\n<div class=\"charts\">\n{}<ul>\n{sentences}</ul>\n</div>\n{}\
             <h2>Roofline</h2>\n<p>A device's roof: its copy times the operations a byte, up to its peak. Caches lift steps above the slope.</p>\n\
             <div class=\"charts\">\n{}</div>\n{}<h2>Until the first step is done</h2>\n{}",
            escaped(&self.heading()),
            self.curves().figure(),
            html(&self.table()),
            self.roofline().figure(),
            html(&self.peaks_table()),
            html(&self.startup_table()),
        );
        document("wgrad bench", &body)
    }

    /// Samples a second by the size of the batch, a line for each net and device, and a mark where they cross.
    fn curves(&self) -> Chart {
        let mut series = self.lines(|cell| (cell.batch as f64, cell.samples_per_second), true);
        let crossings = self.crossovers.iter().filter_map(|crossover| match crossover.verdict {
            Verdict::Crossing { batch, samples_per_second } => Some((crossover, (batch, samples_per_second))),
            _ => None,
        });
        series.extend(crossings.map(|(crossover, point)| Series {
            name: format!("{}: {} overtakes", crossover.net, short_name(&crossover.gpu, true, crossover.software)),
            colour: NEUTRAL[1],
            form: Form::Marks,
            dashed: false,
            points: vec![point],
        }));
        chart("Samples a second by the rows of a batch", ["rows of a batch", "samples/s"], series)
    }

    /// Operations a second by operations a byte: the devices' roofs, and every cell below.
    fn roofline(&self) -> Chart {
        let mut series = self.lines(|cell| (cell.intensity, cell.computed_gflops), false);
        let intensities = || self.cells.iter().map(|cell| cell.intensity);
        let (least, most) = intensities().fold((1.0, 100.0), |(a, b): (f64, f64), value| (a.min(value), b.max(value)));
        for device in &self.devices {
            let gpu = device.device.gpu.as_ref();
            let (roof, slope) = (device.peaks.peak_gflops, device.peaks.gigabytes_per_second);
            let ridge = roof / slope;
            let most = (2.0 * ridge).max(most);
            let least = least.min(ridge / 2.0);
            series.push(Series {
                name: format!("roof: {}", short_name(&device.name, gpu.is_some(), gpu.is_some_and(|gpu| gpu.software))),
                colour: NEUTRAL[usize::from(gpu.is_some())],
                form: Form::Line,
                dashed: gpu.is_some(),
                points: vec![(least, least * slope), (ridge, roof), (most, roof)],
            });
        }
        chart("Operations a second by operations a byte", ["operations a byte", "GFLOP/s"], series)
    }

    /// The cells as lines, one for each net and device: a net's colour, dashes for a GPU.
    fn lines(&self, point: impl Fn(&Cell) -> (f64, f64), joined: bool) -> Vec<Series> {
        let mut nets: Vec<&str> = Vec::new();
        let mut lines: Vec<Series> = Vec::new();
        for cell in &self.cells {
            let colour = nets.iter().position(|&net| net == cell.net).unwrap_or_else(|| {
                nets.push(&cell.net);
                nets.len() - 1
            });
            let name = format!("{}, {}", cell.net, cell.short_name());
            match lines.iter_mut().find(|line| line.name == name) {
                Some(line) => line.points.push(point(cell)),
                None => {
                    let points = vec![point(cell)];
                    lines.push(Series {
                        name,
                        colour: COLOURS[colour % COLOURS.len()],
                        form: if joined { Form::MarkedLine } else { Form::Marks },
                        dashed: cell.gpu,
                        points,
                    });
                }
            }
        }
        lines
    }
}

/// A chart, both of its axes logarithmic.
fn chart(title: &str, [x, y]: [&str; 2], series: Vec<Series>) -> Chart {
    let about = "its numbers are in the table below".to_string();
    Chart::half(title, about, Words::logarithmic(x), Words::logarithmic(y), series)
}

#[cfg(test)]
mod tests {
    use super::super::crossover::Crossover;
    use super::super::machine::Machine;
    use super::*;

    /// The one line of the curves' picture that a crossing adds is its mark.
    #[test]
    fn a_crossing_is_marked_on_the_curves() {
        let cell = |gpu: bool, batch: usize, samples_per_second: f64| {
            let cell = Cell::for_tests(batch, batch as f64 / samples_per_second);
            if gpu { Cell { device: "a GPU".into(), gpu, ..cell } } else { cell }
        };
        let marked = |verdict: Verdict| {
            let crossover = Crossover { net: "3-4-1".into(), gpu: "a GPU".into(), software: false, verdict };
            let report = ComparisonReport {
                machine: Machine::this(),
                tune: false,
                devices: Vec::new(),
                cells: vec![cell(false, 8, 1e3), cell(true, 8, 5e2), cell(false, 32, 1e3), cell(true, 32, 2e3)],
                left_out: Vec::new(),
                crossovers: vec![crossover],
                compared: None,
                regressions: None,
                seconds: 1.0,
            };
            let picture = report.curves().figure();
            (picture.matches("<circle").count(), picture.contains("3-4-1: a GPU overtakes: 16.0, 1000"))
        };
        assert_eq!(marked(Verdict::Crossing { batch: 16.0, samples_per_second: 1e3 }), (5, true));
        assert_eq!(marked(Verdict::Gpu { from: 8 }), (4, false));
    }
}
