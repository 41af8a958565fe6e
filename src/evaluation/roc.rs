//! The receiver operating characteristic of two classes: what share of each class scores above a threshold, for all thresholds.

use serde::{Deserialize, Serialize};

use super::parts::thinned;
use super::scored::{Cut, Scored};

/// A curve's points, at most, once those on a straight line are left out.
const POINTS: usize = 400;

/// The curve, and the area below it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Roc {
    /// The area: the probability that a row of the positive class scores above one of the other.
    pub area: f64,
    /// From (0, 0) to (1, 1). Points between two on the same straight line are left out, and where there are very many, others.
    pub points: Vec<RocPoint>,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RocPoint {
    /// The share of the other class's rows that score at least the threshold.
    pub false_positives: f64,
    /// The share of the positive class's rows that do.
    pub true_positives: f64,
    /// The threshold; none of the first point, which no row reaches.
    pub threshold: Option<f64>,
}

impl Roc {
    /// The curve; none, unless there are rows of both classes.
    pub fn new(scored: &Scored) -> Option<Self> {
        let area = area(scored)?;
        let mut corners = vec![(0, 0, None)];
        scored.cuts().for_each(|cut| add(&mut corners, (cut.falsely, cut.truly, Some(cut.threshold))));
        let last = corners.len() - 1;
        let point = |index: usize| {
            let (falsely, truly, threshold) = corners[index];
            RocPoint {
                false_positives: falsely as f64 / scored.negative as f64,
                true_positives: truly as f64 / scored.positive as f64,
                threshold,
            }
        };
        let points = thinned(last, POINTS - 1).chain([last]).map(point).collect();
        Some(Self { area, points })
    }
}

/// The area below the curve: the probability that a row of the positive class scores above one of the other, ties counting half. None,
/// unless there are rows of both.
pub(super) fn area(scored: &Scored) -> Option<f64> {
    let (mut falsely, mut truly) = (0, 0);
    let below = |cut: Cut| {
        let below = (cut.falsely - falsely) as f64 * (truly + cut.truly) as f64 / 2.0;
        (falsely, truly) = (cut.falsely, cut.truly);
        below
    };
    let pairs = scored.positive as f64 * scored.negative as f64;
    scored.has_both().then(|| scored.cuts().map(below).sum::<f64>() / pairs)
}

/// Rows of the other class and of the positive one that score at least a threshold.
type Count = (usize, usize, Option<f64>);

/// Adds a point, in place of the last one if that lies on the straight line to it.
fn add(corners: &mut Vec<Count>, point: Count) {
    if let [.., before, last] = corners[..] {
        let [across, up] = [last.0 - before.0, last.1 - before.1];
        let [next_across, next_up] = [point.0 - last.0, point.1 - last.1];
        if across as u128 * next_up as u128 == next_across as u128 * up as u128 {
            corners.pop();
        }
    }
    corners.push(point);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roc(scores: &[f64], truth: &[usize]) -> Option<Roc> {
        let probabilities: Vec<f64> = scores.iter().flat_map(|score| [1.0 - score, *score]).collect();
        Roc::new(&Scored::new(&probabilities, truth, 1)?)
    }

    /// The numbers are those of `roc_curve` and `roc_auc_score` of scikit-learn 1.9.1.
    #[test]
    fn the_curve_and_its_area_are_scikit_learns() {
        let scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.05];
        let roc = roc(&scores, &[0, 0, 1, 1, 0, 1, 1, 0]).expect("both classes");
        assert!((roc.area - 0.8125).abs() < 1e-15);
        let expected = [(0.0, 0.0), (0.0, 0.5), (0.5, 0.75), (0.5, 1.0), (1.0, 1.0)];
        // Without the point (0, 0.25) of 0.9, which lies on a straight line; scikit-learn keeps it.
        assert_eq!(
            roc.points.iter().map(|point| (point.false_positives, point.true_positives)).collect::<Vec<_>>(),
            expected
        );
        let thresholds: Vec<Option<f64>> = roc.points.iter().map(|point| point.threshold).collect();
        assert_eq!(thresholds, [None, Some(0.8), Some(0.4), Some(0.35), Some(0.05)]);
    }

    #[test]
    fn one_class_and_nan_have_no_curve() {
        assert_eq!(roc(&[0.1, 0.9], &[1, 1]), None);
        assert_eq!(roc(&[f64::NAN, 0.9], &[0, 1]), None);
        assert_eq!(roc(&[], &[]), None);
    }

    #[test]
    fn a_curve_of_very_many_points_is_thinned_out_and_keeps_its_ends() {
        let rows = 20_000_usize;
        let truth: Vec<usize> = (0..rows).map(|row| usize::from(row * row % 7 < 3)).collect();
        let scores: Vec<f64> = (0..rows).map(|row| row as f64 / rows as f64).collect();
        let roc = roc(&scores, &truth).expect("both classes");
        let (first, last) = (roc.points[0], roc.points[roc.points.len() - 1]);
        assert!(roc.points.len() == POINTS && first.threshold.is_none(), "{}", roc.points.len());
        assert_eq!((last.false_positives, last.true_positives), (1.0, 1.0));
    }
}
