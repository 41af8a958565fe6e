//! Whether probabilities are what they say: of the rows that are given 70 %, are 70 % so?

use serde::{Deserialize, Serialize};

/// The probabilities of the second of two classes, held against how often it was so.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Calibration {
    /// The mean of (probability - truth)²: 0 is perfect, 0.25 is that of ½ for every row.
    pub brier: f64,
    /// Equal parts of 0 to 1 in order, those without rows left out.
    pub bins: Vec<Bin>,
}

/// The rows whose probability lies in one part of 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Bin {
    /// Their mean probability.
    pub predicted: f64,
    /// The share of them that are of the second class.
    pub observed: f64,
    /// How many there are.
    pub rows: usize,
}

impl Calibration {
    /// The calibration of the second class's probabilities in so many parts, given the true classes, 0 or 1. None without rows, and
    /// where a probability is not between 0 and 1.
    pub fn new(probabilities: impl Iterator<Item = f64>, truth: &[usize], bins: usize) -> Option<Self> {
        let mut sums = vec![(0.0, 0_usize, 0_usize); bins];
        let mut squares = 0.0;
        for (probability, &class) in probabilities.zip(truth) {
            if !(0.0..=1.0).contains(&probability) {
                return None;
            }
            // A probability on the border of two parts belongs to the lower one.
            let inner = 1..bins;
            let bin = inner.filter(|&edge| edge as f64 / (bins as f64) < probability).count();
            let (sum, positive, rows) = &mut sums[bin];
            (*sum, *positive, *rows) = (*sum + probability, *positive + class, *rows + 1);
            squares += (probability - class as f64).powi(2);
        }
        let bin = |&(sum, positive, rows): &(f64, usize, usize)| Bin {
            predicted: sum / rows as f64,
            observed: positive as f64 / rows as f64,
            rows,
        };
        let bins = sums.iter().filter(|(.., rows)| *rows > 0).map(bin).collect();
        (!truth.is_empty()).then(|| Self { brier: squares / truth.len() as f64, bins })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The numbers are those of `calibration_curve` (five bins, uniform) and `brier_score_loss` of scikit-learn 1.9.1, the rows of each
    /// bin numpy's.
    #[test]
    fn the_bins_and_the_brier_score_are_scikit_learns() {
        let truth = [0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1];
        let scores = [0.02, 0.1, 0.15, 0.31, 0.35, 0.5, 0.55, 0.62, 0.7, 0.91, 0.95, 1.0];
        let calibration = Calibration::new(scores.into_iter(), &truth, 5).expect("rows");
        assert!((calibration.brier - 0.24575).abs() < 1e-15);
        let expected = [
            (0.09000000000000001, 0.3333333333333333, 3),
            (0.32999999999999996, 0.5, 2),
            (0.525, 0.5, 2),
            (0.6599999999999999, 1.0, 2),
            (0.9533333333333333, 0.6666666666666666, 3),
        ];
        for (bin, (predicted, observed, rows)) in calibration.bins.iter().zip(expected) {
            assert!((bin.predicted - predicted).abs() < 1e-15 && (bin.observed - observed).abs() < 1e-15, "{bin:?}");
            assert_eq!(bin.rows, rows);
        }
        assert_eq!(calibration.bins.len(), 5);
    }

    #[test]
    fn what_is_no_probability_has_no_calibration() {
        assert_eq!(Calibration::new([f64::NAN].into_iter(), &[1], 5), None);
        assert_eq!(Calibration::new([1.5].into_iter(), &[1], 5), None);
        assert_eq!(Calibration::new(std::iter::empty(), &[], 5), None);
        let ends = Calibration::new([0.0, 1.0].into_iter(), &[0, 1], 4).expect("rows");
        assert_eq!((ends.brier, ends.bins.len()), (0.0, 2));
    }
}
