//! A picture of a network as SVG: layers from top to bottom, units as circles, weights as lines. Its width suits a phone, where a picture
//! from left to right would be scrolled, and its text is as large as the page's there.

use std::fmt::Write;

use super::{escaped, named, shortened};

/// A network, or the part of it that is drawn.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Net {
    /// What it is called.
    pub title: String,
    /// What it shows, for those who do not see it; more than the title.
    pub about: String,
    /// The inputs, then each layer's units.
    pub layers: Vec<Row>,
    /// The lines from each layer to the next: one list fewer than there are layers.
    pub edges: Vec<Vec<Edge>>,
}

/// A layer's units.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row {
    /// What the layer is called.
    pub name: String,
    /// The units that are drawn.
    pub units: Vec<Unit>,
    /// How many units are not drawn.
    pub left_out: usize,
}

/// A unit.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Unit {
    /// A short name, from outside; none is empty.
    pub label: String,
    /// What stands in its circle.
    pub value: String,
    /// Its colour, from -1 to 1.
    pub shade: f64,
}

/// A line between two units.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Edge {
    /// The unit that it comes from, of those that are drawn.
    pub from: usize,
    /// The unit of the next layer that it goes to, of those that are drawn.
    pub to: usize,
    /// From -1 to 1: how wide it is, and its colour.
    pub strength: f64,
    /// What a pointer that rests on it is told.
    pub title: String,
    /// Whether it stands out from the others.
    pub marked: bool,
}

/// Units of a layer that a picture has room for.
pub(crate) const MOST_UNITS: usize = 11;
/// The picture's width, the height of a layer, and a circle's radius.
const WIDTH: f64 = 400.0;
const HEIGHT: f64 = 108.0;
const RADIUS: f64 = 17.0;
/// Room above the first layer's circles, for its names.
const TOP: f64 = 52.0;
/// Where the names of layers end, and circles may begin.
const NAMES: f64 = 14.0;
/// The widest line, and the thinnest.
const WIDEST: f64 = 5.0;
const THINNEST: f64 = 0.4;
/// The width of a character of a unit's name, about.
const CHARACTER: f64 = 6.3;

impl Net {
    /// The picture as a figure.
    pub(crate) fn figure(&self) -> String {
        format!(
            "<figure class=\"net\">\n{}<figcaption><b>{}</b> <span class=\"pair\"><span class=\"key\" \
             style=\"border-color:var(--c0)\"></span>above zero</span> <span class=\"pair\"><span class=\"key\" \
             style=\"border-color:var(--c1)\"></span>below zero</span></figcaption>\n</figure>\n",
            self.svg(),
            escaped(&self.title)
        )
    }

    /// The picture as an SVG element. Scripts find a unit as `.u` of the layer's `.l`, and a line as `.e` with its places in `data-e`.
    pub(crate) fn svg(&self) -> String {
        let height = TOP + HEIGHT * (self.layers.len() as f64 - 1.0) + RADIUS + 30.0;
        let label = escaped(&format!("{}: {}", self.title, self.about));
        let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height:.0}\" role=\"img\" aria-label=\"{label}\">\n");
        // Marked lines lie above the others, and circles above lines.
        for marked in [false, true] {
            for (layer, edges) in self.edges.iter().enumerate() {
                edges.iter().filter(|edge| edge.marked == marked).for_each(|edge| self.line(&mut svg, layer, edge));
            }
        }
        for (layer, row) in self.layers.iter().enumerate() {
            let _ = writeln!(svg, "<g class=\"l\">");
            row.units.iter().enumerate().for_each(|(unit, _)| self.circle(&mut svg, layer, unit));
            let left_out = match row.left_out {
                0 => String::new(),
                count => format!(", {count} more not drawn"),
            };
            // Names of units stand above their circles, but at the outputs.
            let are_named = layer + 1 < self.layers.len() && row.units.iter().any(|unit| !unit.label.is_empty());
            let above = self.y(layer) - RADIUS - if are_named { 20.0 } else { 6.0 };
            let _ =
                writeln!(svg, "<text class=\"layer\" x=\"0\" y=\"{above:.1}\">{}{left_out}</text></g>", named(&row.name));
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn y(&self, layer: usize) -> f64 {
        TOP + HEIGHT * layer as f64
    }

    fn x(&self, layer: usize, unit: usize) -> f64 {
        let units = self.layers[layer].units.len() as f64;
        NAMES + (WIDTH - NAMES) * (unit as f64 + 0.5) / units
    }

    fn line(&self, svg: &mut String, layer: usize, edge: &Edge) {
        let strength = if edge.strength.is_finite() { edge.strength.clamp(-1.0, 1.0) } else { 0.0 };
        let colour = match (edge.marked, strength >= 0.0) {
            (true, _) => "var(--ink)",
            _ if strength == 0.0 => "var(--faint)",
            (false, true) => "var(--c0)",
            (false, false) => "var(--c1)",
        };
        let title = if edge.title.is_empty() { String::new() } else { format!("<title>{}</title>", escaped(&edge.title)) };
        let wide = (strength.abs() * WIDEST).max(THINNEST);
        let _ = writeln!(
            svg,
            "<line class=\"e\" data-e=\"{layer} {} {}\" x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"{colour}\" \
             stroke-width=\"{wide:.2}\" stroke-opacity=\".75\">{title}</line>",
            edge.from,
            edge.to,
            self.x(layer, edge.from),
            self.y(layer) + RADIUS,
            self.x(layer + 1, edge.to),
            self.y(layer + 1) - RADIUS
        );
    }

    fn circle(&self, svg: &mut String, layer: usize, place: usize) {
        let Unit { label, value, shade } = &self.layers[layer].units[place];
        let (x, y) = (self.x(layer, place), self.y(layer));
        let shade = if shade.is_finite() { shade.clamp(-1.0, 1.0) } else { 0.0 };
        let colour = if shade >= 0.0 { "var(--c0)" } else { "var(--c1)" };
        let above = layer + 1 < self.layers.len();
        let beside = if above { y - RADIUS - 5.0 } else { y + RADIUS + 15.0 };
        let room = (WIDTH / self.layers[layer].units.len() as f64 / CHARACTER) as usize;
        let short = shortened(label, room);
        let _ = write!(
            svg,
            "<circle class=\"page\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{RADIUS}\"/><circle class=\"u\" cx=\"{x:.1}\" cy=\"{y:.1}\" \
             r=\"{RADIUS}\" fill=\"{colour}\" fill-opacity=\"{:.2}\"/>",
            0.55 * shade.abs()
        );
        let _ = write!(
            svg,
            "<text class=\"v\" x=\"{x:.1}\" y=\"{:.1}\" text-anchor=\"middle\">{}</text>",
            y + 4.0,
            escaped(value)
        );
        if !label.is_empty() {
            let _ = write!(
                svg,
                "<text class=\"n\" x=\"{x:.1}\" y=\"{beside:.1}\" text-anchor=\"middle\">{}<title>{}</title></text>",
                named(&short),
                named(label)
            );
        }
        svg.push('\n');
    }
}

/// A number that fits into a circle.
pub(crate) fn in_circle(value: f64) -> String {
    let size = value.abs();
    match size {
        _ if value == 0.0 => "0".to_owned(),
        _ if value.fract() == 0.0 && size < 100.0 => format!("{value}"),
        _ if !(0.0005..999.5).contains(&size) => format!("{value:.0e}"),
        _ if size >= 10.0 => format!("{value:.0}"),
        _ if size >= 1.0 => format!("{value:.2}"),
        _ => format!("{value:.3}").replacen("0.", ".", 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn net(units: usize) -> Net {
        let unit = |number: usize| Unit { label: "<script>".into(), value: format!("{number}"), shade: f64::NAN };
        let row = |units: usize| Row { name: "a & b".into(), units: (0..units).map(unit).collect(), left_out: 3 };
        let edge = Edge { from: 0, to: 1, strength: 7.0, title: "1 < 2".into(), marked: true };
        Net { title: "net".into(), about: "of \"two\"".into(), layers: vec![row(units), row(2)], edges: vec![vec![edge]] }
    }

    #[test]
    fn numbers_fit_into_circles() {
        let numbers = [-0.0, 1.0, -12.0, 0.5, -0.0646, 2.345, 12.34, 250.0, 1234.0, 0.00012, -3e-9];
        let short = ["0", "1", "-12", ".500", "-.065", "2.35", "12", "250", "1e3", "1e-4", "-3e-9"];
        assert_eq!(numbers.map(in_circle), short);
        assert!(short.iter().all(|number| number.len() < 6));
    }

    #[test]
    fn text_is_escaped_and_nothing_leaves_the_picture() {
        let html = net(8).figure();
        assert!(
            !html.contains("<script") && !html.contains("NaN") && html.contains("a &amp; b, 3 more not drawn"),
            "{html}"
        );
        assert!(html.contains("1 &lt; 2") && html.contains("&lt;sc…pt&gt;<title>&lt;script&gt;"), "{html}");
        assert!(html.contains("stroke-width=\"5.00\""), "a line is as wide as the widest: {html}");
        assert_eq!(html.matches("class=\"u\"").count(), 10);
    }
}
