//! The report as one HTML file: tables, the curves where the GPU overtakes the CPU, and the roofline. Nothing is loaded from
//! anywhere.

use super::chart::{COLOURS, Chart, NEUTRAL, Series};
use super::comparison::{Cell, ComparisonReport};
use super::report::short_name;

/// Text as it may stand in HTML and SVG.
pub(super) fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

const STYLE: &str = "\
:root { --page: #fff; --ink: #1b1b1b; --faint: #d8d8d8; color-scheme: light dark }
@media (prefers-color-scheme: dark) { :root { --page: #161616; --ink: #e8e8e8; --faint: #3a3a3a } }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 66rem; margin: 2rem auto; padding: 0 1rem; color: var(--ink); background: var(--page) }
h1 { font-size: 1.5rem } h2 { font-size: 1.15rem; margin-top: 2rem }
table { border-collapse: collapse; font-size: 13px; display: block; overflow-x: auto }
th, td { padding: .2rem .7rem; border-bottom: 1px solid var(--faint); text-align: left; white-space: nowrap }
.number { text-align: right; font-variant-numeric: tabular-nums }
svg { width: 100%; height: auto } svg text { font: 12px system-ui, sans-serif; fill: var(--ink) } .grid { stroke: var(--faint) }";

impl ComparisonReport {
    /// The report as an HTML page.
    pub fn html(&self) -> String {
        let sentences: String =
            self.sentences().iter().map(|sentence| format!("<li>{}</li>\n", escaped(sentence))).collect();
        format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width\">\n<title>wgrad bench</title>\n<style>\n{STYLE}\n</style>\n\
             </head>\n<body>\n<h1>wgrad bench</h1>\n<p>{}</p>\n\
             <h2>GPU against CPU</h2>\n{}<ul>\n{sentences}</ul>\n{}\
             <h2>Roofline</h2>\n<p>A device's roof: its copy times the operations a byte, up to its peak. Caches lift steps above the slope.</p>\n{}{}\
             <h2>Until the first step is done</h2>\n{}</body>\n</html>\n",
            escaped(&self.heading()),
            self.curves().svg(),
            self.table().html(),
            self.roofline().svg(),
            self.peaks_table().html(),
            self.startup_table().html(),
        )
    }

    /// Samples a second by the size of the batch, a line for each net and device.
    fn curves(&self) -> Chart {
        let series = self.lines(|cell| (cell.batch as f64, cell.samples_per_second), true);
        Chart { x: "rows of a batch", y: "samples/s", series }
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
                joined: true,
                dashed: gpu.is_some(),
                marked: false,
                points: vec![(least, least * slope), (ridge, roof), (most, roof)],
            });
        }
        Chart { x: "operations a byte", y: "GFLOP/s", series }
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
                        joined,
                        dashed: cell.gpu,
                        marked: true,
                        points,
                    });
                }
            }
        }
        lines
    }
}
