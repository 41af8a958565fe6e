//! Trask's net with a hidden layer: how wide must it be, and how much is the seed's luck?

use super::alternatives::{Alternative, Alternatives, BY_PLAN, Figure, Point, grouped, sampled};
use crate::error::Result;
use crate::lesson::Comparison;
use crate::lesson::loy::LEARNED;
use crate::lesson::program::Machine;
use crate::lesson::trask_hidden::{first_weights, program};
use crate::page::digits;

/// Units of the hidden layer; the program has the third.
const WIDTHS: [usize; 4] = [1, 2, 4, 32];
/// The seeds 0, 1, … before this number; the program has the second.
const SEEDS: u32 = 10;
const STEPS: usize = 10_000;

/// What became of one width.
struct Width {
    learned: usize,
    median: f64,
    worst: f64,
    /// The median of the steps of those that learned.
    steps: Option<usize>,
    curve: Vec<Point>,
}

pub(in crate::lesson) fn compare(machine: &Machine) -> Result<Alternatives> {
    let found: Vec<Width> = WIDTHS.into_iter().map(|width| Width::measure(machine, width)).collect::<Result<_>>()?;
    let alternatives = found.iter().zip(WIDTHS).map(|(found, width)| found.alternative(width)).collect();
    let learned: Vec<f64> = found.iter().map(|found| found.learned as f64).collect();
    let comparisons = vec![Comparison::new("seeds that learn, by width", "", &[0.0, 4.0, 10.0, 10.0], &learned, 0.0)];
    Ok(Alternatives { steps: STEPS, alternatives, conclusions: conclusions(&found), comparisons })
}

impl Width {
    fn measure(machine: &Machine, width: usize) -> Result<Self> {
        let first: Vec<_> = (0..SEEDS).map(|seed| first_weights(width, seed)).collect();
        // The loss ½ Σ (y - a)² before the step after the last is that after the last.
        let losses = machine.side_by_side(&program(first[0].clone()), &first, STEPS + 1)?;
        let errors_at = |step: usize| -> Vec<f64> { losses.iter().map(|losses| 2.0 * losses[step]).collect() };
        let last = errors_at(STEPS);
        let steps = losses.iter().filter(|losses| 2.0 * losses[STEPS] < LEARNED);
        let steps: Vec<f64> =
            steps.filter_map(|losses| losses.iter().position(|loss| 2.0 * loss < LEARNED)).map(|step| step as f64).collect();
        let point = |step: usize| Point { step, mean_squared_error: median(errors_at(step)) };
        Ok(Self {
            learned: steps.len(),
            worst: last.iter().copied().fold(f64::NEG_INFINITY, f64::max),
            median: median(last),
            steps: (!steps.is_empty()).then(|| median(steps) as usize),
            curve: sampled(STEPS, &[]).into_iter().map(point).collect(),
        })
    }

    fn alternative(&self, width: usize) -> Alternative {
        let units = if width == 1 { "unit" } else { "units" };
        let learned = Figure {
            name: format!("seeds that learn, of {SEEDS}"),
            shown: self.learned.to_string(),
            value: self.learned.into(),
        };
        let figures = vec![
            learned,
            Figure::number("mean squared error, median", self.median),
            Figure::number("mean squared error, largest", self.worst),
            Figure::optional("steps until learned, median", self.steps),
        ];
        Alternative { name: format!("{width} {units}"), computed_by: BY_PLAN, figures, curve: self.curve.clone() }
    }
}

/// The middle of some numbers, or of the two in the middle.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let half = values.len() / 2;
    if values.len().is_multiple_of(2) { f64::midpoint(values[half - 1], values[half]) } else { values[half] }
}

fn conclusions(found: &[Width]) -> Vec<String> {
    let [one, two, four, many] = found else { return Vec::new() };
    let steps = |width: &Width| width.steps.map_or("no".into(), grouped);
    vec![
        format!(
            "How many hidden units the exclusive or needs. Counted as learned are the seeds that end with a mean squared \
             error under {LEARNED} after {} steps, of the seeds 0 to {}. With 1 hidden unit {} of them do: one unit \
             draws one line, and no single line parts these rows. Two units are enough on paper, and {} of {SEEDS} seeds \
             find how; the others stop on a plateau, the worst at {}. With 4 units {} learn, with 32 units {}. Spare \
             units are spare tries: it is enough if some of them begin near something useful.",
            grouped(STEPS),
            SEEDS - 1,
            one.learned,
            two.learned,
            digits(two.worst),
            four.learned,
            many.learned
        ),
        format!(
            "Whether more units learn faster. In steps they do: those that learn need {} steps in the median with 2 \
             units, {} with 4 and {} with 32. At the same rate more units also mean a longer step of the output, since \
             each adds its part.",
            steps(two),
            steps(four),
            steps(many)
        ),
    ]
}
