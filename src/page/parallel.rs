//! Lines over several axes, each line what belongs together: the axes lie one below the other, as wide as a phone, and their
//! names stand before them.

use std::fmt::Write;

use super::axis::{Axis, Words};
use super::chart::{key, line};
use super::{escaped, named, shortened};

/// Lines over several axes.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Parallel {
    /// What it is called.
    pub title: String,
    /// What it says, for those who do not see it; more than the title.
    pub about: String,
    /// The axes from top to bottom.
    pub axes: Vec<Words>,
    /// The lines, the last above the others.
    pub strands: Vec<Strands>,
}

/// Lines that look the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Strands {
    /// What the legend calls them.
    pub name: String,
    /// Their colour, as CSS has it.
    pub colour: &'static str,
    /// How wide they are.
    pub width: f64,
    /// Each line's values, one an axis; where it has none, no number.
    pub lines: Vec<Vec<f64>>,
}

/// The picture's width, and where axes begin and end.
const WIDTH: f64 = 440.0;
const ENDS: (f64, f64) = (114.0, 422.0);
/// Where the first axis lies, how far they are apart, and the room below the last.
const TOP: f64 = 12.0;
const APART: f64 = 56.0;
const BELOW: f64 = 24.0;
/// Characters of an axis's name that there is room for.
const NAME: usize = 15;

impl Parallel {
    /// The picture as a figure, with its title and legend below.
    pub(crate) fn figure(&self) -> String {
        let strands = self.strands.iter().filter(|strands| !strands.lines.is_empty());
        let keys: String = strands.map(|strands| key("key", strands.colour, &strands.name)).collect();
        format!(
            "<figure class=\"parallel\">\n{}<figcaption><b>{}</b>\n<ul class=\"legend\">\n{keys}</ul>\n</figcaption>\n\
             </figure>\n",
            self.svg(),
            escaped(&self.title)
        )
    }

    fn svg(&self) -> String {
        let axes: Vec<Axis> = self.axes.iter().enumerate().map(|(place, words)| self.axis(place, words)).collect();
        let height = TOP + APART * (axes.len().max(1) - 1) as f64 + BELOW;
        let label = escaped(&format!("{}: {}", self.title, self.about));
        let mut svg = format!("<svg viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" aria-label=\"{label}\">\n");
        self.strands.iter().for_each(|strands| strands.draw(&mut svg, &axes));
        for (place, (axis, words)) in axes.iter().zip(&self.axes).enumerate() {
            draw(&mut svg, axis, &words.label, height_of(place));
        }
        svg.push_str("</svg>\n");
        svg
    }

    fn axis(&self, place: usize, words: &Words) -> Axis {
        let lines = self.strands.iter().flat_map(|strands| &strands.lines);
        Axis::new(words, lines.filter_map(|values| values.get(place).copied()), ENDS.0, ENDS.1)
    }
}

impl Strands {
    fn draw(&self, svg: &mut String, axes: &[Axis]) {
        // Many are seen through each other.
        let opacity = if self.lines.len() > 1 { 0.7 } else { 1.0 };
        let style = format!("stroke-width=\"{}\" stroke-opacity=\"{opacity}\" stroke-linejoin=\"round\"", self.width);
        let _ = writeln!(svg, "<g fill=\"none\" stroke=\"{}\" {style}>", self.colour);
        for values in &self.lines {
            let finite = axes.iter().zip(values).enumerate().filter(|(_, (_, value))| value.is_finite());
            let place = |(place, (axis, value)): (usize, (&Axis, &f64))| {
                format!("{:.1},{:.0}", axis.pixel(*value), height_of(place))
            };
            let path: Vec<String> = finite.map(place).collect();
            let _ = writeln!(svg, "<polyline points=\"{}\"/>", path.join(" "));
        }
        svg.push_str("</g>\n");
    }
}

/// The axis, its name before it, and its values below.
fn draw(svg: &mut String, axis: &Axis, name: &str, high: f64) {
    line(svg, "axis", (axis.from, high), (axis.to, high));
    let (before, middle, short) = (axis.from - 12.0, high + 4.0, shortened(name, NAME));
    let _ = writeln!(
        svg,
        "<text x=\"{before}\" y=\"{middle}\" text-anchor=\"end\">{}<title>{}</title></text>",
        named(&short),
        named(name)
    );
    for (tick, label) in axis.ticks_across() {
        let at = axis.pixel(tick);
        line(svg, "axis", (at, high), (at, high + 4.0));
        let _ = writeln!(
            svg,
            "<text class=\"halo\" x=\"{at:.1}\" y=\"{}\" text-anchor=\"middle\">{}</text>",
            high + 17.0,
            named(&label)
        );
    }
}

/// How far down an axis lies.
fn height_of(place: usize) -> f64 {
    TOP + APART * place as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_pass_over_what_they_have_no_value_of_and_text_is_escaped() {
        let lines = vec![vec![1.0, f64::NAN, 3.0], vec![2.0, 0.0, 4.0], vec![]];
        let strands = vec![Strands { name: "a & b".into(), colour: "var(--c0)", width: 1.0, lines }];
        let axes = vec![Words::linear("<x>"), Words::of_names("y", vec!["<script>".into()]), Words::logarithmic("z")];
        let html = Parallel { title: "all".into(), about: "\"two\"".into(), axes, strands }.figure();
        assert_eq!(html.matches("<polyline").count(), 3);
        assert!(html.contains("&lt;script&gt;") && html.contains("&lt;x&gt;") && html.contains("a &amp; b"), "{html}");
        assert!(!html.contains("<script") && !html.contains("NaN") && html.contains("&quot;two&quot;"), "{html}");
        let first = html.lines().find(|line| line.starts_with("<polyline")).expect("a line");
        assert_eq!(first.matches(',').count(), 2, "{first}");
    }

    #[test]
    fn no_axes_are_a_picture_all_the_same() {
        let html = Parallel { title: "none".into(), about: "nothing".into(), axes: vec![], strands: vec![] }.figure();
        assert!(html.contains("<svg") && !html.contains("NaN"), "{html}");
    }
}
