//! Precision and recall of the positive of two classes for all thresholds. Definitions as in scikit-learn.

use serde::{Deserialize, Serialize};

use super::parts::thinned;
use super::scored::{Cut, Scored};

/// A curve's points, at most.
const POINTS: usize = 400;

/// The curve, and the average precision.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecall {
    /// Σ (recall - recall before) · precision over the thresholds, from the highest down.
    pub average: f64,
    /// The share of rows that are of the positive class: the precision of saying so of every row.
    pub share: f64,
    /// From the highest threshold down. Points between two of the same recall are left out, and where there are very many, others.
    pub points: Vec<PrecisionRecallPoint>,
}

/// A point of the curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PrecisionRecallPoint {
    /// The share of the positive class's rows whose probability is at least the threshold.
    pub recall: f64,
    /// Of the rows whose probability is at least the threshold, the share that is of the positive class.
    pub precision: f64,
    /// The threshold.
    pub threshold: f64,
}

impl PrecisionRecall {
    /// The curve; none without rows of the positive class.
    pub fn new(scored: &Scored) -> Option<Self> {
        let average = average_precision(scored)?;
        let mut cuts: Vec<Cut> = Vec::new();
        for cut in scored.cuts() {
            if let [.., before, last] = cuts[..]
                && before.truly == last.truly
                && last.truly == cut.truly
            {
                cuts.pop();
            }
            cuts.push(cut);
        }
        let point = |index: usize| PrecisionRecallPoint {
            recall: cuts[index].truly as f64 / scored.positive as f64,
            precision: cuts[index].precision(),
            threshold: cuts[index].threshold,
        };
        let last = cuts.len() - 1;
        let points = thinned(last, POINTS - 1).chain([last]).map(point).collect();
        Some(Self { average, share: scored.positive as f64 / scored.rows().len() as f64, points })
    }
}

/// Σ (recall - recall before) · precision over the thresholds, from the highest down; none without rows of the positive class.
pub(super) fn average_precision(scored: &Scored) -> Option<f64> {
    let mut before = 0;
    let gained = |cut: Cut| {
        let gained = cut.truly - before;
        before = cut.truly;
        gained as f64 / scored.positive as f64 * cut.precision()
    };
    // Sums of shares may round beyond 1.
    (scored.positive > 0).then(|| scored.cuts().map(gained).sum::<f64>().min(1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scored(scores: &[f64], truth: &[usize]) -> Scored {
        let probabilities: Vec<f64> = scores.iter().flat_map(|score| [1.0 - score, *score]).collect();
        Scored::new(&probabilities, truth, 1).expect("numbers")
    }

    /// The numbers are those of `average_precision_score` and `precision_recall_curve` of scikit-learn 1.9.1, without its points between
    /// others of the same recall and its last one, which no threshold makes.
    #[test]
    fn the_curve_and_its_average_are_scikit_learns() {
        let scores = [0.1, 0.4, 0.35, 0.8, 0.4, 0.4, 0.9, 0.05];
        let curve = PrecisionRecall::new(&scored(&scores, &[0, 0, 1, 1, 0, 1, 1, 0])).expect("positive rows");
        let expected =
            [(1.0, 0.25, 0.9), (1.0, 0.5, 0.8), (0.6, 0.75, 0.4), (0.6666666666666666, 1.0, 0.35), (0.5, 1.0, 0.05)];
        assert!((curve.average - 0.8166666666666667).abs() < 1e-12, "{}", curve.average);
        assert_eq!((curve.points.len(), curve.share), (expected.len(), 0.5));
        for (point, (precision, recall, threshold)) in curve.points.iter().zip(expected) {
            assert!((point.precision - precision).abs() < 1e-12 && (point.recall - recall).abs() < 1e-12, "{point:?}");
            assert!((point.threshold - threshold).abs() < 1e-12, "{point:?}");
        }
        let scores = [0.3, 0.3, 0.3, 0.7, 0.7, 0.2, 0.2, 0.9, 0.9, 0.9, 0.5, 0.1];
        let truth = [0, 1, 0, 1, 1, 0, 1, 0, 1, 0, 0, 0];
        let average = |positive: usize| {
            let probabilities: Vec<f64> = scores.iter().flat_map(|score| [1.0 - score, *score]).collect();
            average_precision(&Scored::new(&probabilities, &truth, positive).expect("numbers")).expect("positive rows")
        };
        assert!((average(1) - 0.4864646464646464).abs() < 1e-12, "{}", average(1));
        assert!((average(0) - 0.6972789115646258).abs() < 1e-12, "{}: pos_label=0", average(0));
    }

    #[test]
    fn without_positive_rows_there_is_no_curve_and_with_them_alone_precision_is_one() {
        assert_eq!(PrecisionRecall::new(&scored(&[0.1, 0.9], &[0, 0])), None);
        let alone = PrecisionRecall::new(&scored(&[0.1, 0.9], &[1, 1])).expect("positive rows");
        assert_eq!((alone.average, alone.share), (1.0, 1.0));
    }

    #[test]
    fn a_curve_of_very_many_points_is_thinned_out_and_keeps_its_ends() {
        let rows = 20_000_usize;
        let truth: Vec<usize> = (0..rows).map(|row| usize::from(row * row % 7 < 3)).collect();
        let scores: Vec<f64> = (0..rows).map(|row| row as f64 / rows as f64).collect();
        let curve = PrecisionRecall::new(&scored(&scores, &truth)).expect("positive rows");
        let last = curve.points[curve.points.len() - 1];
        assert!(curve.points.len() == POINTS && (last.recall, last.threshold) == (1.0, 0.0), "{}", curve.points.len());
    }
}
