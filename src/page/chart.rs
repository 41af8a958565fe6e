//! Charts as SVG, written by hand: their colours and text follow the page, their size its width, and each says in words what it shows.

use std::fmt::Write;

use super::axis::{Axis, Words};
use super::{escaped, figures, named};

/// How the points of a series are drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// A line through them.
    Line,
    /// A line through them, and a mark at each.
    MarkedLine,
    /// A mark at each, with its numbers.
    Marks,
    /// A small dot at each: for many.
    Dots,
    /// Many thin lines, each ended by a point that is no number.
    Threads,
    /// A bar from zero to each, as wide as they are apart.
    Bars,
}

/// A line, or some marks, of a chart.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Series {
    /// What the legend calls it.
    pub name: String,
    /// Its colour, as CSS has it.
    pub colour: &'static str,
    /// How its points are drawn.
    pub form: Form,
    /// Whether its line is dashed and its marks are hollow.
    pub dashed: bool,
    /// The points; on a logarithmic axis both numbers are above zero.
    pub points: Vec<(f64, f64)>,
}

/// A line across a chart at one value of x, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Rule {
    /// Where.
    pub x: f64,
    /// What stands beside it, if anything.
    pub label: String,
}

/// How large a chart is, in units of which its text is thirteen high.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Size {
    /// One of several side by side; on a phone one below the other.
    Half,
    /// The same, as high as wide.
    Square,
}

/// A chart's words and lines.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chart {
    /// What it is called.
    pub title: String,
    /// What it says, for those who do not see it; more than the title.
    pub about: String,
    /// The x axis.
    pub x: Words,
    /// The y axis.
    pub y: Words,
    /// What it shows.
    pub series: Vec<Series>,
    /// Lines across it.
    pub rules: Vec<Rule>,
    /// The address of a picture behind it, from end to end of both axes.
    pub picture: Option<String>,
    /// How large it is.
    pub size: Size,
}

/// Room at the left, top, right and bottom of the plot; the legend is below.
const MARGINS: [f64; 4] = [70.0, 24.0, 14.0, 48.0];
/// Okabe and Ito's colours, which people tell apart whatever colours they see.
/// The page gives them their values, lighter ones in the dark.
pub(crate) const COLOURS: [&str; 7] =
    ["var(--c0)", "var(--c1)", "var(--c2)", "var(--c3)", "var(--c4)", "var(--c5)", "var(--c6)"];
/// Red, green and blue of these colours, for pictures of pixels.
pub(crate) const PIGMENTS: [[u8; 3]; 7] = [
    [0x00, 0x72, 0xb2],
    [0xd5, 0x5e, 0x00],
    [0x00, 0x9e, 0x73],
    [0xcc, 0x79, 0xa7],
    [0xe6, 0x9f, 0x00],
    [0x56, 0xb4, 0xe9],
    [0xf0, 0xe4, 0x42],
];
/// Colours for what belongs to no series of its own.
pub(crate) const NEUTRAL: [&str; 2] = ["var(--middle)", "var(--ink)"];
/// The first colour, fainter.
pub(crate) const PALE: &str = "var(--pale)";

impl Size {
    fn units(self) -> (f64, f64) {
        match self {
            Self::Half => (440.0, 280.0),
            Self::Square => (400.0, 384.0),
        }
    }
}

impl Chart {
    /// A chart of lines, half as wide as the page.
    pub(crate) fn half(title: &str, about: String, x: Words, y: Words, series: Vec<Series>) -> Self {
        let title = title.to_string();
        Self { title, about, x, y, series, rules: Vec::new(), picture: None, size: Size::Half }
    }

    /// The chart as a figure: the picture, and its title and legend below.
    pub(crate) fn figure(&self) -> String {
        let keys: String = self.series.iter().map(Series::key).collect();
        let legend = if keys.is_empty() { keys } else { format!("<ul class=\"legend\">\n{keys}</ul>\n") };
        format!("<figure>\n{}<figcaption><b>{}</b>\n{legend}</figcaption>\n</figure>\n", self.svg(), escaped(&self.title))
    }

    /// The chart as an SVG element.
    fn svg(&self) -> String {
        let [left, top, right, bottom] = MARGINS;
        let (width, height) = self.size.units();
        let points = || self.series.iter().flat_map(|series| series.points.iter().copied());
        let x = Axis::new(&self.x, points().map(|point| point.0), left, width - right);
        let y = Axis::new(&self.y, points().map(|point| point.1), height - bottom, top);
        let label = escaped(&format!("{}: {}", self.title, self.about));
        let mut svg = format!("<svg viewBox=\"0 0 {width} {height}\" role=\"img\" aria-label=\"{label}\">\n");
        if let Some(picture) = &self.picture {
            let (wide, high) = (x.to - x.from, y.from - y.to);
            let _ = writeln!(
                svg,
                "<image x=\"{:.1}\" y=\"{:.1}\" width=\"{wide:.1}\" height=\"{high:.1}\" preserveAspectRatio=\"none\" href=\"{picture}\"/>",
                x.from, y.to
            );
        }
        self.axes(&mut svg, &x, &y);
        let is_pictured = self.picture.is_some();
        self.series.iter().for_each(|series| series.draw(&mut svg, &x, &y, is_pictured));
        self.rules.iter().for_each(|rule| rule.draw(&mut svg, &x, &y));
        svg.push_str("</svg>\n");
        svg
    }

    fn axes(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let middle = |axis: &Axis| f64::midpoint(axis.from, axis.to);
        for (tick, label) in x.ticks_across() {
            let at = x.pixel(tick);
            line(svg, "grid", (at, y.from), (at, y.to));
            let _ = writeln!(
                svg,
                "<text x=\"{at:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
                y.from + 17.0,
                named(&label)
            );
        }
        for (tick, label) in y.ticks() {
            let at = y.pixel(tick);
            line(svg, "grid", (x.from, at), (x.to, at));
            let _ =
                writeln!(svg, "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{label}</text>", x.from - 6.0, at + 4.0);
        }
        let (right, below) = (middle(x), y.from + 38.0);
        let [across, up] = [&self.x, &self.y].map(|words| escaped(&words.label));
        let _ = writeln!(svg, "<text x=\"{right:.1}\" y=\"{below:.1}\" text-anchor=\"middle\">{across}</text>");
        let at = middle(y);
        let _ = writeln!(svg, "<text transform=\"translate(13 {at:.1}) rotate(-90)\" text-anchor=\"middle\">{up}</text>");
    }
}

impl Series {
    fn draw(&self, svg: &mut String, x: &Axis, y: &Axis, is_pictured: bool) {
        let finite = self.points.iter().filter(|point| point.0.is_finite() && point.1.is_finite());
        let places: Vec<(f64, f64)> = finite.clone().map(|point| (x.pixel(point.0), y.pixel(point.1))).collect();
        match self.form {
            Form::Bars => return self.bars(svg, &places, y),
            Form::Dots => return self.dots(svg, &places),
            Form::Threads => return self.threads(svg, x, y),
            Form::Line | Form::MarkedLine => {
                let path: Vec<String> = places.iter().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
                let _ = writeln!(svg, "<polyline {} points=\"{}\"/>", self.stroke(), path.join(" "));
            }
            Form::Marks => {}
        }
        for (place, point) in places.iter().zip(finite).filter(|_| self.form != Form::Line) {
            let title = format!("{}: {}, {}", self.name, x.said(point.0), figures(point.1));
            self.mark(svg, *place, &title, is_pictured);
        }
    }

    /// All dots are one path: a line of no length with round ends is a dot.
    fn dots(&self, svg: &mut String, places: &[(f64, f64)]) {
        let path: String = places.iter().map(|(x, y)| format!("M{x:.1} {y:.1}h0")).collect();
        let style = format!("stroke=\"{}\" stroke-width=\"5\" stroke-linecap=\"round\" stroke-opacity=\".75\"", self.colour);
        let _ = writeln!(svg, "<path fill=\"none\" {style} d=\"{path}\"/>");
    }

    /// Lines that are seen through each other.
    fn threads(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let style =
            "fill=\"none\" stroke-width=\"1.5\" stroke-opacity=\".5\" stroke-linejoin=\"round\" stroke-linecap=\"round\"";
        let _ = writeln!(svg, "<g stroke=\"{}\" {style}>", self.colour);
        let threads = self.points.split(|point| !(point.0.is_finite() && point.1.is_finite()));
        for thread in threads.filter(|thread| !thread.is_empty()) {
            let place = |point: &(f64, f64)| format!("{:.1},{:.1}", x.pixel(point.0), y.pixel(point.1));
            let mut path: Vec<String> = thread.iter().map(place).collect();
            // A line of one point is seen as its two round ends.
            if let [only] = &path[..] {
                path = vec![only.clone(); 2];
            }
            let _ = writeln!(svg, "<polyline points=\"{}\"/>", path.join(" "));
        }
        svg.push_str("</g>\n");
    }

    fn bars(&self, svg: &mut String, places: &[(f64, f64)], y: &Axis) {
        let apart = places.windows(2).map(|pair| pair[1].0 - pair[0].0).fold(f64::INFINITY, f64::min);
        let wide = if apart.is_finite() { (apart - 1.0).max(0.5) } else { 30.0 };
        let zero = y.pixel(y.least.max(0.0)).min(y.from);
        let path: String =
            places.iter().map(|(x, y)| format!("M{:.1} {zero:.1}V{y:.1}h{wide:.1}V{zero:.1}z", x - wide / 2.0)).collect();
        let _ = writeln!(svg, "<path fill=\"{}\" d=\"{path}\"/>", self.colour);
    }

    /// Its line of the legend.
    fn key(&self) -> String {
        let kind = match self.form {
            Form::Marks | Form::Dots => "key mark",
            _ if self.dashed => "key dashed",
            _ => "key",
        };
        key(kind, self.colour, &self.name)
    }

    /// A mark; on a picture its rim stands out from it.
    fn mark(&self, svg: &mut String, (x, y): (f64, f64), title: &str, is_pictured: bool) {
        let colour = self.colour;
        let fill = if self.dashed { "var(--page)" } else { colour };
        let rim = if is_pictured { "var(--page)" } else { colour };
        let style = format!("fill=\"{fill}\" stroke=\"{rim}\" stroke-width=\"1.5\"");
        let _ = writeln!(
            svg,
            "<circle {style} cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.5\"><title>{}</title></circle>",
            escaped(title)
        );
    }

    fn stroke(&self) -> String {
        let dashes = if self.dashed { " stroke-dasharray=\"6 4\"" } else { "" };
        format!("fill=\"none\" stroke=\"{}\" stroke-width=\"2\" stroke-linejoin=\"round\"{dashes}", self.colour)
    }
}

impl Rule {
    /// The line, and its words above it, on the side where there is more room.
    fn draw(&self, svg: &mut String, x: &Axis, y: &Axis) {
        let at = x.pixel(self.x);
        if !(x.from..=x.to).contains(&at) {
            return;
        }
        line(svg, "rule", (at, y.from), (at, y.to));
        if self.label.is_empty() {
            return;
        }
        let (place, anchor) = if at > f64::midpoint(x.from, x.to) { (at + 4.0, "end") } else { (at - 4.0, "start") };
        let (high, label) = (y.to - 6.0, escaped(&self.label));
        let _ = writeln!(svg, "<text x=\"{place:.1}\" y=\"{high:.1}\" text-anchor=\"{anchor}\">{label}</text>");
    }
}

/// A line of a legend.
pub(super) fn key(kind: &str, colour: &str, name: &str) -> String {
    format!("<li><span class=\"{kind}\" style=\"border-color:{colour}\"></span>{}</li>\n", escaped(name))
}

pub(super) fn line(svg: &mut String, class: &str, from: (f64, f64), to: (f64, f64)) {
    let ((x1, y1), (x2, y2)) = (from, to);
    let _ = writeln!(svg, "<line class=\"{class}\" x1=\"{x1:.1}\" x2=\"{x2:.1}\" y1=\"{y1:.1}\" y2=\"{y2:.1}\"/>");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn series(form: Form, points: Vec<(f64, f64)>) -> Series {
        Series { name: "a < b".into(), colour: COLOURS[0], form, dashed: false, points }
    }

    fn chart(series: Series) -> Chart {
        let (x, y) = (Words::logarithmic("batch"), Words::logarithmic("samples/s"));
        Chart::half("rates", "they \"rise\"".into(), x, y, vec![series])
    }

    #[test]
    fn no_two_colours_are_the_same() {
        let all: std::collections::HashSet<&str> = COLOURS.into_iter().chain(NEUTRAL).collect();
        assert_eq!(all.len(), COLOURS.len() + NEUTRAL.len());
    }

    #[test]
    fn every_point_is_marked_inside_the_picture() {
        let svg = chart(series(Form::MarkedLine, vec![(16.0, 1e3), (64.0, 2e6)])).figure();
        assert_eq!(svg.matches("<circle").count(), 2);
        assert!(svg.contains("a &lt; b") && !svg.contains("a < b") && !svg.contains("NaN") && !svg.contains("inf"));
        assert!(svg.contains("role=\"img\" aria-label=\"rates: they &quot;rise&quot;\""), "{svg}");
    }

    #[test]
    fn threads_are_ended_by_what_is_no_number() {
        let (end, points) = ((f64::NAN, f64::NAN), [(1.0, 2.0), (2.0, 3.0)]);
        let all = [&points[..], &[end, end], &points[..1], &[end]].concat();
        let svg = chart(series(Form::Threads, all)).figure();
        assert_eq!((svg.matches("<polyline").count(), svg.matches("<circle").count()), (2, 0), "{svg}");
    }

    #[test]
    fn what_is_not_finite_is_left_out() {
        for form in [Form::Line, Form::MarkedLine, Form::Marks, Form::Dots, Form::Threads, Form::Bars] {
            let mut chart = chart(series(form, vec![(1.0, f64::NAN), (f64::INFINITY, 2.0), (3.0, 4.0)]));
            (chart.x, chart.y) = (Words::linear("x"), Words::linear("y"));
            let svg = chart.figure();
            assert!(!svg.contains("NaN") && !svg.contains("inf"), "{svg}");
        }
    }
}
