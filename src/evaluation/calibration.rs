//! Whether probabilities are what they say: of the rows that are given 70 %, are 70 % so?

use serde::{Deserialize, Serialize};

use super::scored::Scored;

/// The probabilities of the positive of two classes, held against how often it was so.
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
    /// The share of them that are of the positive class.
    pub observed: f64,
    /// How many there are.
    pub rows: usize,
}

impl Calibration {
    /// The parts that a report shows.
    pub const BINS: usize = 10;

    /// The calibration of the positive class's probabilities in so many parts. None without rows, and where a probability is not between
    /// 0 and 1.
    pub fn new(scored: &Scored, bins: usize) -> Option<Self> {
        let mut sums = vec![(0.0, 0_usize, 0_usize); bins];
        let mut squares = 0.0;
        for &(probability, is_positive) in scored.rows() {
            if !(0.0..=1.0).contains(&probability) {
                return None;
            }
            // A probability on the border of two parts belongs to the lower one.
            let inner = 1..bins;
            let bin = inner.filter(|&edge| edge as f64 / (bins as f64) < probability).count();
            let (sum, positive, rows) = &mut sums[bin];
            let truth = u8::from(is_positive);
            (*sum, *positive, *rows) = (*sum + probability, *positive + usize::from(truth), *rows + 1);
            squares += (probability - f64::from(truth)).powi(2);
        }
        let bin = |&(sum, positive, rows): &(f64, usize, usize)| Bin {
            predicted: sum / rows as f64,
            observed: positive as f64 / rows as f64,
            rows,
        };
        let bins = sums.iter().filter(|(.., rows)| *rows > 0).map(bin).collect();
        (!scored.rows().is_empty()).then(|| Self { brier: squares / scored.rows().len() as f64, bins })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calibration(scores: &[f64], truth: &[usize], bins: usize) -> Option<Calibration> {
        let probabilities: Vec<f64> = scores.iter().flat_map(|score| [1.0 - score, *score]).collect();
        Calibration::new(&Scored::new(&probabilities, truth, 1)?, bins)
    }

    /// The numbers are those of `calibration_curve` (five bins, uniform) and `brier_score_loss` of scikit-learn 1.9.1, the rows of each
    /// bin numpy's.
    #[test]
    fn the_bins_and_the_brier_score_are_scikit_learns() {
        let truth = [0, 0, 1, 0, 1, 1, 0, 1, 1, 1, 0, 1];
        let scores = [0.02, 0.1, 0.15, 0.31, 0.35, 0.5, 0.55, 0.62, 0.7, 0.91, 0.95, 1.0];
        let calibration = calibration(&scores, &truth, 5).expect("rows");
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
        assert_eq!(calibration(&[f64::NAN], &[1], 5), None);
        assert_eq!(calibration(&[1.5], &[1], 5), None);
        assert_eq!(calibration(&[], &[], 5), None);
        let ends = calibration(&[0.0, 1.0], &[0, 1], 4).expect("rows");
        assert_eq!((ends.brier, ends.bins.len()), (0.0, 2));
    }
}
