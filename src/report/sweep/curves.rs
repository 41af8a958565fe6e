//! The curves of a sweep's trials.

use super::charts::Kind;
use super::ranked::{Ranked, evenly, in_order, selected, soft};
use super::record::{Curve, TrialRecord};
use super::room::Room;
use crate::page::{Chart, Form, Rule, Words, digits, ends, table};

/// The most curves, the points of all of them in one chart, and the fewest and most points of one.
const CURVES: usize = 200;
const CURVE_POINTS: usize = 7_000;
const POINTS: (usize, usize) = (10, 200);
/// The most epochs in the table.
const EPOCHS: usize = 12;

impl Ranked<'_> {
    /// The curves of the trials, and some epochs in numbers.
    pub(super) fn curves(&self) -> String {
        let all: Vec<&TrialRecord> = self.all().filter(|trial| trial.epochs > 0).collect();
        let shown = evenly(&all, CURVES);
        let scores = self.curves_of(&shown, self.metric, self.account.lower_is_better, |curve| {
            curve.score.iter().map(|score| score.unwrap_or(f64::NAN)).collect()
        });
        let losses = self.curves_of(&shown, "validation loss", true, |curve| curve.validation_loss.clone());
        let charts: Vec<(Chart, String)> = [scores, losses].into_iter().flatten().collect();
        if charts.is_empty() {
            return String::new();
        }
        let thinned = selected(shown.len(), all.len(), "curves");
        let rungs: Vec<String> = self.account.rungs.iter().map(usize::to_string).collect();
        let rungs = match rungs.is_empty() {
            true => String::new(),
            false => soft(&format!("Halving ends the worse trials at the dashed lines: after {} epochs.", rungs.join(", "))),
        };
        let notes: String = charts.iter().map(|(_, note)| note.as_str()).collect();
        let figures: String = charts.iter().map(|(chart, _)| chart.figure()).collect();
        let table = self.epochs_table(&all);
        format!("<h2>Curves</h2>\n{thinned}{rungs}{notes}<div class=\"charts\">\n{figures}</div>\n{table}")
    }

    /// A chart of some curves, and what a reader must know of it; none if there is nothing to draw.
    fn curves_of(
        &self,
        shown: &[&TrialRecord],
        name: &str,
        lower_is_better: bool,
        values: fn(&Curve) -> Vec<f64>,
    ) -> Option<(Chart, String)> {
        let curves: Vec<(Kind, Vec<f64>)> = shown.iter().map(|trial| (self.kind(trial), values(&trial.curve))).collect();
        let all = || curves.iter().flat_map(|(_, values)| values.iter().copied()).filter(|value| value.is_finite());
        let (least, largest) = ends(all());
        if least > largest {
            return None;
        }
        let room = Room::new(all(), lower_is_better);
        let most = (CURVE_POINTS / curves.len().max(1)).clamp(POINTS.0, POINTS.1);
        let points = |kind: Kind| {
            let of_kind = curves.iter().filter(|(of, _)| *of == kind);
            let most = if kind == Kind::Best { POINTS.1 } else { most };
            of_kind.flat_map(|(_, values)| thread(values, most, room)).collect()
        };
        let series = self.kinds(&points, Form::Threads, Form::Line);
        let best = shown.first().and_then(|trial| values(&trial.curve).into_iter().rfind(|value| value.is_finite()));
        let best = best.map_or(String::new(), |value| format!("; trial {} ends at {}", shown[0].trial, digits(value)));
        let about = format!("{} curves between {} and {}{best}", curves.len(), digits(least), digits(largest));
        let y =
            if lower_is_better { Words::suiting(name, all().map(|value| room.within(value))) } else { Words::linear(name) };
        let rules = self.account.rungs.iter().map(|&epoch| Rule { x: epoch as f64, label: String::new() }).collect();
        let chart = Chart::half(&format!("{name} by epoch"), about, Words::linear("epoch"), y, series);
        Some((Chart { rules, ..chart }, room.note(&format!("Values of the {name}"))))
    }

    /// Some epochs in numbers: of all trials, and of the best.
    fn epochs_table(&self, all: &[&TrialRecord]) -> String {
        let longest = all.iter().map(|trial| trial.epochs).max().unwrap_or(0);
        let apart = longest.div_ceil(EPOCHS).max(1);
        let mut epochs: Vec<usize> = (1..=longest).step_by(apart).collect();
        epochs.extend((epochs.last() != Some(&longest)).then_some(longest));
        let best = self.best;
        let at = |trial: &TrialRecord, epoch: usize| trial.curve.score.get(epoch - 1).copied().flatten();
        let number = |value: Option<f64>| value.map_or("–".to_owned(), digits);
        let row = |&epoch: &usize| {
            let mut scores: Vec<f64> =
                all.iter().filter_map(|trial| at(trial, epoch)).filter(|score| score.is_finite()).collect();
            scores.sort_by(|a, b| in_order(*a, *b, self.account.lower_is_better));
            let there = all.iter().filter(|trial| trial.epochs >= epoch).count();
            let of_best = best.map(|best| number(at(best, epoch)));
            let of_all = [scores.first(), scores.get(scores.len() / 2)].map(|score| number(score.copied()));
            [epoch.to_string(), there.to_string()].into_iter().chain(of_all).chain(of_best).collect()
        };
        let rows: Vec<Vec<String>> = epochs.iter().map(row).collect();
        let metric = self.metric;
        let mut headers = vec!["epoch".to_owned(), "trials".into(), format!("best {metric}"), "median".into()];
        headers.extend(best.map(|best| format!("trial {}", best.trial)));
        format!("<details>\n<summary>Some epochs in numbers</summary>\n{}</details>\n", table("", &headers, &rows, 0))
    }
}

/// A curve as a thread of points, the first and the last among them, and what ends it.
fn thread(values: &[f64], most: usize, room: Room) -> Vec<(f64, f64)> {
    let places: Vec<usize> = (0..values.len()).collect();
    let mut places = evenly(&places, most);
    if let Some(last) = places.last_mut() {
        *last = values.len() - 1;
    }
    let points = places.into_iter().map(|place| (place as f64 + 1.0, room.within(values[place])));
    points.chain([(f64::NAN, f64::NAN)]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_keeps_its_ends() {
        let thread = thread(&[5.0, 4.0, 3.0, 2.0, 1.0], 3, Room::new(std::iter::empty(), true));
        assert_eq!(thread[..3], [(1.0, 5.0), (2.0, 4.0), (5.0, 1.0)]);
        assert!(thread.len() == 4 && thread[3].0.is_nan());
    }
}
