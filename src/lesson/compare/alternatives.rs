//! Alternatives side by side: their figures in a table, their curves, and what follows from them.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};
use serde_json::{Value, json};

use crate::braille::{self, Canvas};
use crate::columns::Table;
use crate::lesson::Comparison;
use crate::page::{self, COLOURS, Chart, Form, Series, Words, digits};

/// Alternatives side by side.
#[derive(Debug, Clone, Serialize)]
pub struct Alternatives {
    /// Steps that each takes.
    pub steps: usize,
    /// What is compared, as its program has it first.
    pub alternatives: Vec<Alternative>,
    /// What follows, paragraph by paragraph.
    pub conclusions: Vec<String>,
    /// Some of the figures, held against numpy's.
    #[serde(skip)]
    pub(in crate::lesson) comparisons: Vec<Comparison>,
}

/// One of them.
#[derive(Debug, Clone, Serialize)]
pub struct Alternative {
    /// What it is called.
    pub name: String,
    /// By what it was computed.
    pub computed_by: &'static str,
    /// What it came to; every alternative has the same figures in the same order.
    #[serde(serialize_with = "by_name")]
    pub figures: Vec<Figure>,
    /// The mean squared error after some steps.
    pub curve: Vec<Point>,
}

/// A figure of an alternative.
#[derive(Debug, Clone, PartialEq)]
pub struct Figure {
    /// What it measures.
    pub name: String,
    /// As it stands in a table.
    pub shown: String,
    /// As it stands in JSON.
    pub value: Value,
}

/// A point of a curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Point {
    /// Steps taken.
    pub step: usize,
    /// The mean over the rows of (y - a)² after them.
    pub mean_squared_error: f64,
}

/// Computed by the plan, as every training is.
pub(super) const BY_PLAN: &str = "the plan";
/// Computed by a few lines in f64: no loss has this as its gradient.
pub(super) const BY_HAND: &str = "by hand (f64)";

fn by_name<S: Serializer>(figures: &[Figure], serializer: S) -> Result<S::Ok, S::Error> {
    let mut map = serializer.serialize_map(Some(figures.len()))?;
    figures.iter().try_for_each(|figure| map.serialize_entry(&figure.name, &figure.value))?;
    map.end()
}

impl Figure {
    /// A number, with four digits at most.
    pub(super) fn number(name: &str, value: f64) -> Self {
        Self { name: name.into(), shown: digits(value), value: json!(value) }
    }

    /// A number that may not be there.
    pub(super) fn optional(name: &str, value: Option<usize>) -> Self {
        Self { name: name.into(), shown: value.map_or("never".into(), grouped), value: json!(value) }
    }

    /// Numbers of the rows, shown so.
    pub(super) fn list<T: Serialize>(name: &str, values: &[T], shown: impl Fn(&T) -> String) -> Self {
        let shown = values.iter().map(shown).collect::<Vec<_>>().join(" ");
        Self { name: name.into(), shown, value: json!(values) }
    }
}

impl Alternatives {
    /// The figures, one a line, and the alternatives beside each other.
    pub(in crate::lesson) fn table(&self) -> Table {
        let first = &self.alternatives[0].figures;
        let of = |place: usize| self.alternatives.iter().map(move |alternative| alternative.figures[place].shown.clone());
        let mut rows: Vec<Vec<String>> = first
            .iter()
            .enumerate()
            .map(|(place, figure)| std::iter::once(figure.name.clone()).chain(of(place)).collect())
            .collect();
        let computed = self.alternatives.iter().map(|alternative| alternative.computed_by.to_owned());
        rows.push(std::iter::once("computed by".to_owned()).chain(computed).collect());
        let names = self.alternatives.iter().map(|alternative| alternative.name.as_str());
        let headers: Vec<&str> = std::iter::once("").chain(names).collect();
        Table::new(&headers, rows, 1)
    }

    /// The curves for a terminal.
    pub(in crate::lesson) fn picture(&self, canvas: Canvas) -> Option<String> {
        let curves: Vec<braille::Curve<'_>> = self
            .alternatives
            .iter()
            .map(|alternative| (alternative.name.as_str(), alternative.points(|step| (step as f64).ln())))
            .collect();
        let caption = format!("mean squared error by the logarithm of {} steps", grouped(self.steps));
        braille::picture(&curves, &caption, canvas)
    }

    /// The curves for a page.
    pub(in crate::lesson) fn chart(&self) -> Chart {
        let series: Vec<Series> = self
            .alternatives
            .iter()
            .zip(COLOURS)
            .enumerate()
            .map(|(place, (alternative, colour))| Series {
                name: alternative.name.clone(),
                colour,
                form: Form::Line,
                // The last may lie on another.
                dashed: place + 1 == self.alternatives.len(),
                points: alternative.points(|step| step as f64),
            })
            .collect();
        let ends = self.alternatives.iter().filter_map(|alternative| {
            let last = alternative.curve.last()?;
            Some(format!("{}: {} at the end", alternative.name, page::figures(last.mean_squared_error)))
        });
        let about = ends.collect::<Vec<_>>().join(", ");
        let values = series.iter().flat_map(|series| series.points.iter().map(|point| point.1));
        let y = Words::suiting("mean squared error", values);
        Chart::half("Mean squared error by steps", about, Words::logarithmic("steps"), y, series)
    }
}

impl Alternative {
    /// The points after the first step, x as a function of the steps.
    fn points(&self, x: impl Fn(usize) -> f64) -> Vec<(f64, f64)> {
        let later = self.curve.iter().filter(|point| point.step > 0);
        later.map(|point| (x(point.step), point.mean_squared_error)).collect()
    }
}

/// The steps of a curve: about sixty, each a little farther than the one before, and these.
pub(super) fn sampled(steps: usize, and: &[usize]) -> Vec<usize> {
    const POINTS: i32 = 60;
    let point = |place: i32| (steps as f64).powf(f64::from(place) / f64::from(POINTS)).round() as usize;
    let mut sampled: Vec<usize> = (0..=POINTS).map(point).chain(and.iter().copied()).chain([0]).collect();
    sampled.sort_unstable();
    sampled.dedup();
    sampled
}

/// A count with commas.
pub(in crate::lesson) fn grouped(count: usize) -> String {
    let digits = count.to_string();
    let mut text = String::new();
    for (place, digit) in digits.char_indices() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas_and_curves_their_ends() {
        assert_eq!([0, 999, 1000, 60_000, 1_234_567].map(grouped), ["0", "999", "1,000", "60,000", "1,234,567"]);
        let steps = sampled(1_500, &[10, 100]);
        assert_eq!((steps[0], steps[1], steps[steps.len() - 1]), (0, 1, 1_500));
        assert!(steps.contains(&10) && steps.contains(&100) && steps.windows(2).all(|pair| pair[0] < pair[1]));
    }
}
