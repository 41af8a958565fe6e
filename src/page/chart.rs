//! Charts with two logarithmic axes, as SVG.

use std::fmt::Write;

use super::html::escaped;
use super::report::figures;

/// A line, or some marks, of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its colour, as CSS has it.
    pub colour: &'static str,
    /// Whether its points are joined by a line.
    pub joined: bool,
    /// Whether that line is dashed and its marks are hollow: what belongs to a GPU.
    pub dashed: bool,
    /// Whether its points are marked.
    pub marked: bool,
    /// The points, both numbers above zero.
    pub points: Vec<(f64, f64)>,
}

/// A chart's words and lines.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Chart {
    /// What is along the x axis.
    pub x: &'static str,
    /// What is along the y axis.
    pub y: &'static str,
    /// What it shows.
    pub series: Vec<Series>,
}

const WIDTH: f64 = 760.0;
const HEIGHT: f64 = 420.0;
/// Room at the left, top, right and bottom of the plot; the legend is below.
const MARGINS: [f64; 4] = [70.0, 12.0, 16.0, 52.0];
const LEGEND_LINE: f64 = 20.0;
/// Okabe and Ito's colours, which people tell apart whatever colours they see.
pub(super) const COLOURS: [&str; 7] = ["#0072b2", "#d55e00", "#009e73", "#cc79a7", "#e69f00", "#56b4e9", "#f0e442"];
/// Colours for what belongs to no net: the CPU's and the GPU's.
pub(super) const NEUTRAL: [&str; 2] = ["#777777", "var(--ink)"];

/// A logarithmic axis from its least to its largest value, onto pixels.
struct Axis {
    least: f64,
    largest: f64,
    from: f64,
    to: f64,
}

impl Axis {
    /// The axis of some values, with a little room at both ends.
    fn over(values: impl Iterator<Item = f64>, from: f64, to: f64) -> Self {
        let (least, largest) = values.fold((f64::INFINITY, 0.0_f64), |(a, b), value| (a.min(value), b.max(value)));
        let (least, largest) = if least <= largest { (least, largest) } else { (1.0, 10.0) };
        Self { least: least / 1.4, largest: largest * 1.4, from, to }
    }

    fn pixel(&self, value: f64) -> f64 {
        self.from + (value / self.least).ln() / (self.largest / self.least).ln() * (self.to - self.from)
    }

    /// Round values on the axis: powers of ten, and twice and five times them where there are few.
    fn ticks(&self) -> Vec<f64> {
        let decades = (self.largest / self.least).log10();
        let steps: &[f64] = if decades > 3.0 { &[1.0] } else { &[1.0, 2.0, 5.0] };
        let exponents = self.least.log10().floor() as i32..=self.largest.log10().ceil() as i32;
        exponents
            .flat_map(|exponent| steps.iter().map(move |step| step * 10.0_f64.powi(exponent)))
            .filter(|tick| (self.least..=self.largest).contains(tick))
            .collect()
    }
}

impl Chart {
    /// The chart as an SVG element.
    pub(super) fn svg(&self) -> String {
        let [left, top, right, bottom] = MARGINS;
        let points = || self.series.iter().flat_map(|series| series.points.iter().copied());
        let x = Axis::over(points().map(|point| point.0), left, WIDTH - right);
        let y = Axis::over(points().map(|point| point.1), HEIGHT - bottom, top);
        let height = HEIGHT + LEGEND_LINE * self.series.len().div_ceil(2) as f64;
        let mut svg =
            format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{} by {}\">\n", self.y, self.x);
        self.axes(&mut svg, &x, &y);
        for (index, series) in self.series.iter().enumerate() {
            series.draw(&mut svg, &x, &y);
            let (column, line) = ((index % 2) as f64, (index / 2) as f64);
            series.legend(&mut svg, left + column * (WIDTH - left) / 2.0, HEIGHT + LEGEND_LINE * line);
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn axes(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let middle = |axis: &Axis| f64::midpoint(axis.from, axis.to);
        for tick in x.ticks() {
            let (at, label) = (x.pixel(tick), short(tick));
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{at:.1}\" x2=\"{at:.1}\" y1=\"{:.1}\" y2=\"{:.1}\"/>",
                y.from, y.to
            );
            let _ = writeln!(svg, "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{label}</text>", y.from + 16.0);
        }
        for tick in y.ticks() {
            let (at, label) = (y.pixel(tick), short(tick));
            let _ = writeln!(
                svg,
                "<line class=\"grid\" x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{at:.1}\" y2=\"{at:.1}\"/>",
                x.from, x.to
            );
            let _ =
                writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", x.from - 6.0, at + 4.0);
        }
        let (right, below) = (middle(x), y.from + 36.0);
        let _ = writeln!(svg, "<text x=\"{right:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{}</text>", escaped(self.x));
        let _ = writeln!(
            svg,
            "<text transform=\"translate(14 {:.1}) rotate(-90)\" text-anchor=\"middle\">{}</text>",
            middle(y),
            escaped(self.y)
        );
    }
}

impl Series {
    fn draw(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let places: Vec<(f64, f64)> = self.points.iter().map(|point| (x.pixel(point.0), y.pixel(point.1))).collect();
        if self.joined {
            let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
            let _ = writeln!(svg, "<polyline {} points=\"{}\"/>", self.stroke(), path.join(" "));
        }
        for (place, point) in places.iter().zip(&self.points).filter(|_| self.marked) {
            let title = format!("{}: {}, {}", self.name, figures(point.0), figures(point.1));
            self.mark(svg, *place, &title);
        }
    }

    fn legend(&self, svg: &mut String, left: f64, line: f64) {
        let at = line + 4.0;
        if self.joined {
            let _ = writeln!(svg, "<polyline {} points=\"{left:.1},{at:.1} {:.1},{at:.1}\"/>", self.stroke(), left + 30.0);
        }
        if self.marked {
            self.mark(svg, (left + 15.0, at), &self.name);
        }
        let _ = writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\">{}</text>", left + 38.0, at + 4.0, escaped(&self.name));
    }

    fn mark(&self, svg: &mut String, (x, y): (f64, f64), title: &str) {
        let colour = self.colour;
        let fill = if self.dashed { "var(--page)" } else { colour };
        let style = format!("fill=\"{fill}\" stroke=\"{colour}\" stroke-width=\"1.5\"");
        let _ =
            writeln!(svg, "<circle {style} cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"4\"><title>{}</title></circle>", escaped(title));
    }

    fn stroke(&self) -> String {
        let dashes = if self.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        format!("fill=\"none\" stroke=\"{}\" stroke-width=\"2\"{dashes}", self.colour)
    }
}

/// A round number in few characters.
fn short(value: f64) -> String {
    match value {
        value if value >= 1e9 => format!("{}G", value / 1e9),
        value if value >= 1e6 => format!("{}M", value / 1e6),
        value if value >= 1e4 => format!("{}k", value / 1e3),
        value if value >= 1.0 => format!("{value}"),
        value => format!("{}", (value * 1e6).round() / 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_are_logarithmic_and_their_ticks_round() {
        let axis = Axis { least: 1.0, largest: 100.0, from: 0.0, to: 200.0 };
        assert!((axis.pixel(10.0) - 100.0).abs() < 1e-9);
        assert_eq!(axis.ticks(), [1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0]);
        let wide = Axis { least: 1.0, largest: 1e5, from: 0.0, to: 1.0 };
        assert_eq!(wide.ticks().len(), 6);
    }

    #[test]
    fn no_two_colours_are_the_same() {
        let all: std::collections::HashSet<&str> = COLOURS.into_iter().chain(NEUTRAL).collect();
        assert_eq!(all.len(), COLOURS.len() + NEUTRAL.len());
    }

    #[test]
    fn every_point_is_marked_inside_the_picture() {
        let points = vec![(16.0, 1e3), (64.0, 2e6)];
        let series = Series { name: "a < b".into(), colour: COLOURS[0], joined: true, dashed: false, marked: true, points };
        let svg = Chart { x: "batch", y: "samples/s", series: vec![series] }.svg();
        assert_eq!(svg.matches("<circle").count(), 3, "two points and one in the legend");
        assert!(svg.contains("a &lt; b") && !svg.contains("a < b") && !svg.contains("NaN") && !svg.contains("inf"));
    }
}
