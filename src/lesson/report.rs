//! What a lesson came to: what its program printed, whether the numbers agree, and what there is to learn from it.

use std::fmt::{self, Write as _};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::compare::{Alternatives, grouped};
use super::comparison::Comparison;
use super::picture::Example;
use super::program::Machine;
use crate::braille::Canvas;
use crate::data::Matrix;
use crate::page::Chart;
use crate::training::session::DeviceReport;
use crate::training::session::PrecisionName;

/// Characters in a line of prose.
const LINE: usize = 96;

/// A lesson's outcome.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    /// The lesson's name.
    pub lesson: &'static str,
    /// What it is about, in a line.
    #[serde(skip)]
    pub summary: &'static str,
    /// The device that computed it.
    pub device: DeviceReport,
    /// The type that it was computed in.
    pub precision: PrecisionName,
    /// Steps taken.
    pub steps: usize,
    /// The outputs that the program shows, row by row.
    pub output: Vec<f64>,
    /// The weights at the end: layer by layer, one list an input, one number an output.
    pub weights: Vec<Vec<Vec<f64>>>,
    /// The mean over the rows of ½ Σ (a - y)² before some of the steps.
    pub losses: Vec<LossAt>,
    /// The published numbers by name; null where one is not published.
    pub published: Map<String, Value>,
    /// The numbers computed here by the same names, and by those of what is compared with numpy only.
    pub computed: Map<String, Value>,
    /// Every comparison.
    pub comparisons: Vec<Comparison>,
    /// The largest difference to numpy's numbers, of all comparisons.
    pub largest_difference: f64,
    /// The tolerance of the comparison with that difference.
    pub tolerance: f64,
    /// Whether every comparison agrees.
    pub agrees: bool,
    /// What became of many seeds, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seeds: Option<Seeds>,
    /// Alternatives to the program, if they were asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Alternatives>,
    /// What the program prints, as text.
    pub printed: String,
    /// What it shows, paragraph by paragraph.
    pub explanation: Vec<String>,
    /// Charts of its own, for its page.
    #[serde(skip)]
    pub(super) charts: Vec<Chart>,
    /// The losses as a curve, for its page.
    #[serde(skip)]
    pub(super) curve: Vec<(f64, f64)>,
    /// The row in the picture of its net.
    #[serde(skip)]
    pub(super) example: Example,
}

/// A loss at a step.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct LossAt {
    /// Steps taken before it was measured.
    pub step: usize,
    /// The mean over the rows of ½ Σ (a - y)².
    pub loss: f64,
}

/// What became of a lesson that was started from many seeds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Seeds {
    /// Seeds 0, 1, … before this number.
    pub count: u32,
    /// How many ended with a mean squared error under `bound`.
    pub learned: usize,
    /// What counts as learned.
    pub bound: f64,
    /// The seeds that did not, with their mean squared errors.
    pub failed: Vec<(u32, f64)>,
}

/// What a lesson hands in for its report.
pub(super) struct Findings {
    pub(super) lesson: &'static str,
    pub(super) summary: &'static str,
    pub(super) output: Vec<f64>,
    pub(super) weights: Vec<Matrix<f64>>,
    pub(super) losses: Vec<f64>,
    pub(super) comparisons: Vec<Comparison>,
    pub(super) printed: String,
    pub(super) explanation: Vec<String>,
    pub(super) example: Example,
}

impl Findings {
    /// The report of these findings.
    pub(super) fn report(self, machine: &Machine) -> Report {
        let report = Report {
            lesson: self.lesson,
            summary: self.summary,
            device: machine.device.report(),
            precision: machine.precision,
            steps: self.losses.len(),
            output: self.output,
            weights: self.weights.iter().map(|w| (0..w.rows).map(|row| w.row(row).to_vec()).collect()).collect(),
            losses: sampled(&self.losses),
            published: Map::new(),
            computed: Map::new(),
            agrees: false,
            comparisons: Vec::new(),
            largest_difference: f64::NAN,
            tolerance: 0.0,
            seeds: None,
            comparison: None,
            printed: self.printed,
            explanation: self.explanation,
            charts: Vec::new(),
            curve: curve(&self.losses),
            example: self.example,
        };
        report.held(self.comparisons)
    }
}

/// Points of the curve of the loss, at most.
const POINTS: usize = 200;

/// The losses as points of a curve from step 1 on, each a little farther than the one before where there are many.
fn curve(losses: &[f64]) -> Vec<(f64, f64)> {
    let last = losses.len() as f64;
    let point = |place: usize| last.powf(place as f64 / POINTS as f64).round() as usize;
    let mut steps: Vec<usize> = (0..=POINTS).map(point).filter(|step| (1..=losses.len()).contains(step)).collect();
    steps.dedup();
    steps.into_iter().map(|step| (step as f64, losses[step - 1])).collect()
}

/// The first loss, every tenth part's first, and the last.
fn sampled(losses: &[f64]) -> Vec<LossAt> {
    let every = (losses.len() / 10).max(1);
    let last = losses.len().saturating_sub(1);
    let kept = |step: usize| step.is_multiple_of(every) || step == last;
    losses.iter().enumerate().filter(|(step, _)| kept(*step)).map(|(step, &loss)| LossAt { step, loss }).collect()
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text(None))
    }
}

impl Report {
    /// The report with these comparisons beside those that it has.
    fn held(mut self, more: Vec<Comparison>) -> Self {
        self.comparisons.extend(more);
        let all = &self.comparisons;
        let widest = all.iter().max_by(|a, b| a.largest_difference.total_cmp(&b.largest_difference));
        (self.largest_difference, self.tolerance) =
            widest.map(|widest| (widest.largest_difference, widest.tolerance)).expect("a lesson compares something");
        let of = |values: &dyn Fn(&Comparison) -> Value, wanted: &dyn Fn(&Comparison) -> bool| {
            all.iter().filter(|c| wanted(c)).map(|c| (c.name.to_string(), values(c))).collect()
        };
        self.published = of(&|comparison| json!(comparison.published), &Comparison::is_published);
        self.computed = of(&|comparison| json!(comparison.computed), &|_| true);
        self.agrees = all.iter().all(|comparison| comparison.agrees);
        self
    }

    /// The report with the alternatives beside the program.
    pub(super) fn beside(mut self, mut alternatives: Alternatives) -> Self {
        let comparisons = std::mem::take(&mut alternatives.comparisons);
        self.comparison = Some(alternatives);
        self.held(comparisons)
    }

    /// The report for a person; where there is room for a picture, with the curves of the alternatives.
    pub fn text(&self, canvas: Option<Canvas>) -> String {
        let (heading, printed) = (self.printed_heading(), indented(&self.printed));
        let mut text = format!("{}: {}\n\n{heading}\n{printed}", self.lesson, self.summary);
        if let Some(seeds) = &self.seeds {
            let _ = writeln!(text, "\n{seeds}");
        }
        let _ = write!(text, "\nDo the numbers agree?\n{}", indented(&self.agreement()));
        if let Some(alternatives) = &self.comparison {
            let steps = grouped(alternatives.steps);
            let _ = write!(text, "\nThe alternatives, {steps} steps from the same start\n");
            text += &indented(&alternatives.table().text());
            let canvas = canvas.map(|canvas| Canvas { columns: canvas.columns.saturating_sub(2), ..canvas });
            if let Some(picture) = canvas.and_then(|canvas| alternatives.picture(canvas)) {
                text += &format!("\n{}", indented(&picture));
            }
            text += &format!("\n{}", paragraphs(&alternatives.conclusions));
        }
        text + "\nWhat it shows\n" + &paragraphs(&self.explanation)
    }

    /// What stands above what is printed: some lessons are no famous program.
    pub(super) fn printed_heading(&self) -> &'static str {
        match self.lesson {
            "vanishing" | "confidence" | "plane" => "The numbers",
            _ => "What the program prints",
        }
    }

    /// The comparisons as a table, and the verdict.
    fn agreement(&self) -> String {
        let width = self.comparisons.iter().map(|comparison| comparison.name.chars().count()).max().unwrap_or(0);
        let mut text = format!("{:width$}  largest difference   allowed\n", "");
        for comparison in &self.comparisons {
            let Comparison { name, largest_difference, tolerance, agrees, .. } = comparison;
            let verdict = if *agrees { "" } else { "   does NOT agree" };
            let _ = writeln!(text, "{name:width$}  {largest_difference:>18.1e}   {tolerance:>7.0e}{verdict}");
        }
        text + &wrapped(&self.verdict())
    }

    /// The type of numbers, and the device.
    pub(super) fn place(&self) -> String {
        let precision = if self.precision == PrecisionName::F64 { "f64" } else { "f32" };
        let device = self.device.gpu.as_ref().map_or_else(|| "the CPU".into(), |gpu| crate::error::shown(&gpu.name));
        format!("{precision} on {device}")
    }

    /// Whether the numbers agree, and with what.
    pub(super) fn verdict(&self) -> String {
        format!(
            "{}: computed in {}, held against numpy 2.4.6 in f64 within what is allowed; published numbers may differ by \
             half a unit of their last digit more.",
            if self.agrees { "They agree" } else { "They do NOT agree" },
            self.place()
        )
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "From the seeds 0 to {}", self.count - 1)?;
        write!(f, "  {} of {} end with a mean squared error under {}", self.learned, self.count, self.bound)?;
        for (seed, error) in &self.failed {
            write!(f, "\n  seed {seed} does not: {error:.4}")?;
        }
        Ok(())
    }
}

/// Paragraphs, an empty line between them.
fn paragraphs(paragraphs: &[String]) -> String {
    paragraphs.iter().map(|paragraph| indented(&wrapped(paragraph))).collect::<Vec<_>>().join("\n")
}

/// Every line two blanks further in.
fn indented(text: &str) -> String {
    text.lines().map(|line| if line.is_empty() { "\n".into() } else { format!("  {line}\n") }).collect()
}

/// A paragraph in lines.
fn wrapped(paragraph: &str) -> String {
    let mut text = String::new();
    let mut length = 0;
    for word in paragraph.split_whitespace() {
        let word_length = word.chars().count();
        if length > 0 && length + 1 + word_length > LINE {
            text.push('\n');
            length = 0;
        } else if length > 0 {
            text.push(' ');
            length += 1;
        }
        text.push_str(word);
        length += word_length;
    }
    text
}

/// Numbers in a row, as numpy prints them.
pub(super) fn row(values: &[f64], decimals: usize) -> String {
    values.iter().map(|value| format!("{value:>width$.decimals$}", width = decimals + 3)).collect::<Vec<_>>().join(" ")
}

/// A matrix, row by row under its name.
pub(super) fn rows(name: &str, matrix: &Matrix<f64>, decimals: usize) -> String {
    let lines: String = (0..matrix.rows).map(|index| format!("  {}\n", row(matrix.row(index), decimals))).collect();
    format!("{name}\n{lines}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prose_is_broken_at_blanks_and_loses_no_word() {
        let text = wrapped(&"a word and another ".repeat(20));
        assert!(text.lines().all(|line| line.len() <= LINE) && text.lines().count() > 3);
        assert_eq!(text.split_whitespace().count(), 80);
    }

    #[test]
    fn losses_are_sampled_with_the_first_and_the_last() {
        let steps = |count: usize| sampled(&vec![0.0; count]).iter().map(|at| at.step).collect::<Vec<_>>();
        assert_eq!(steps(1), [0]);
        assert_eq!(steps(1500), [0, 150, 300, 450, 600, 750, 900, 1050, 1200, 1350, 1499]);
    }
}
