//! The residuals of a regression, true minus predicted: how they are spread, and some of them beside what was predicted.

use serde::{Deserialize, Serialize};

use super::parts::{mean, thinned};

/// Points of a picture, at most.
const POINTS: usize = 2000;
/// Bars of the picture of their spread.
const BARS: usize = 20;

/// The residuals of one target, in its own unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Residuals {
    /// The target's name.
    pub name: String,
    /// Number of rows.
    pub rows: usize,
    /// Their mean: what the predictions are too low by.
    pub mean: f64,
    /// Their standard deviation.
    pub deviation: f64,
    /// The residuals that [`SHARES`](Self::SHARES) of them lie below.
    pub quantiles: Vec<f64>,
    /// How many lie in each of equal parts from the least to the largest.
    pub counts: Vec<usize>,
    /// Predicted and true numbers of the rows, or of some of them, evenly spread.
    pub points: Vec<[f64; 2]>,
}

impl Residuals {
    /// The shares that the quantiles are of.
    pub const SHARES: [f64; 7] = [0.0, 0.05, 0.25, 0.5, 0.75, 0.95, 1.0];

    /// The residuals of a target, given what was predicted and what is true of so many rows, one after the other: they may be many.
    /// None without rows, and where a number is not finite.
    pub fn new(name: &str, rows: usize, pairs: impl Iterator<Item = (f64, f64)>) -> Option<Self> {
        let (mut residuals, mut points) = (Vec::with_capacity(rows), Vec::new());
        let mut shown = thinned(rows, POINTS).peekable();
        for (row, (predicted, truth)) in pairs.take(rows).enumerate() {
            residuals.push(truth - predicted);
            if shown.next_if_eq(&row).is_some() {
                points.push([predicted, truth]);
            }
        }
        if residuals.is_empty() || !residuals.iter().all(|residual| residual.is_finite()) {
            return None;
        }
        residuals.sort_unstable_by(f64::total_cmp);
        let centre = mean(residuals.iter().copied());
        let variance = mean(residuals.iter().map(|residual| (residual - centre).powi(2)));
        if !centre.is_finite() || !variance.is_finite() {
            return None;
        }
        Some(Self {
            name: name.to_string(),
            rows: residuals.len(),
            mean: centre,
            deviation: variance.sqrt(),
            quantiles: Self::SHARES.iter().map(|&share| quantile(&residuals, share)).collect(),
            counts: counts(&residuals),
            points,
        })
    }
}

/// The number below which this share of sorted numbers lies: between two, in proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, part) = (place.floor() as usize, place.fract());
    let above = sorted[(below + 1).min(sorted.len() - 1)];
    sorted[below] + part * (above - sorted[below])
}

/// How many of sorted numbers lie in each of equal parts; all in the first, if they are all the same.
fn counts(sorted: &[f64]) -> Vec<usize> {
    let (least, largest) = (sorted[0], sorted[sorted.len() - 1]);
    let mut counts = vec![0; BARS];
    for value in sorted {
        let share = (value - least) / (largest - least);
        counts[((share * BARS as f64) as usize).min(BARS - 1)] += 1;
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn residuals(predicted: &[f64], truth: &[f64]) -> Option<Residuals> {
        Residuals::new("y", truth.len(), predicted.iter().copied().zip(truth.iter().copied()))
    }

    /// The numbers are those of `quantile`, `mean`, `std` and `histogram` of numpy.
    #[test]
    fn mean_deviation_and_quantiles_are_numpys() {
        let truth = [3.0, -0.5, 2.0, 1.0, -1.0, 7.0, 4.0, 2.5, 0.5, 0.0];
        let predicted = [2.5, 0.0, 2.0, 2.0, -1.5, 8.0, 4.2, 2.0, 1.0, -0.25];
        let residuals = residuals(&predicted, &truth).expect("rows");
        assert!((residuals.mean - -0.14500000000000002).abs() < 1e-15);
        assert!((residuals.deviation - 0.5605577579518457).abs() < 1e-15);
        let expected = [-1.0, -1.0, -0.5, -0.10000000000000009, 0.4375, 0.5, 0.5];
        for (found, expected) in residuals.quantiles.iter().zip(expected) {
            assert!((found - expected).abs() < 1e-15, "{found}, {expected}");
        }
        let fifths: Vec<usize> = residuals.counts.chunks(BARS / 5).map(|part| part.iter().sum()).collect();
        assert_eq!(fifths, [2, 2, 1, 1, 4]);
    }

    #[test]
    fn many_rows_are_thinned_out_in_the_picture_only() {
        let truth: Vec<f64> = (0..10_000).map(f64::from).collect();
        let residuals = residuals(&vec![0.0; 10_000], &truth).expect("rows");
        assert_eq!((residuals.rows, residuals.points.len(), residuals.points[1]), (10_000, POINTS, [0.0, 5.0]));
        assert_eq!(residuals.counts, [500; BARS]);
    }

    #[test]
    fn no_rows_and_nan_have_no_residuals_and_equal_ones_do() {
        assert_eq!(residuals(&[], &[]), None);
        assert_eq!(residuals(&[f64::NAN], &[1.0]), None);
        let equal = residuals(&[1.0, 2.0], &[2.0, 3.0]).expect("rows");
        assert_eq!((equal.deviation, equal.counts.iter().sum::<usize>()), (0.0, 2));
    }
}
