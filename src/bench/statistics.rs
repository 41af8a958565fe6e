//! What many timings of one thing come to: the median, how far they spread, and which of them lie apart.

use serde::{Deserialize, Serialize};

/// Timings of one thing, in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Statistics {
    /// Half of the timings are below.
    pub median: f64,
    /// A quarter of the timings is below.
    pub lower_quartile: f64,
    /// A quarter of the timings is above.
    pub upper_quartile: f64,
    /// The least.
    pub lowest: f64,
    /// The most.
    pub highest: f64,
    /// How many timings.
    pub samples: usize,
    /// Timings further than 1.5 times the distance of the quartiles from the nearer one (Tukey's fences).
    pub outliers: usize,
}

impl Statistics {
    /// Sums up some timings.
    ///
    /// # Panics
    /// If there is none.
    pub fn of(timings: &[f64]) -> Self {
        assert!(!timings.is_empty(), "something was timed");
        let mut sorted = timings.to_vec();
        sorted.sort_by(f64::total_cmp);
        let [lower_quartile, median, upper_quartile] = [0.25, 0.5, 0.75].map(|share| quantile(&sorted, share));
        let reach = 1.5 * (upper_quartile - lower_quartile);
        let apart = |timing: &&f64| **timing < lower_quartile - reach || **timing > upper_quartile + reach;
        Self {
            median,
            lower_quartile,
            upper_quartile,
            lowest: sorted[0],
            highest: sorted[sorted.len() - 1],
            samples: sorted.len(),
            outliers: sorted.iter().filter(apart).count(),
        }
    }

    /// The distance of the quartiles as a share of the median.
    pub fn spread(&self) -> f64 {
        (self.upper_quartile - self.lower_quartile) / self.median
    }

    /// The same timings in another unit, or of a part of what was timed.
    pub fn scaled(&self, factor: f64) -> Self {
        Self {
            median: self.median * factor,
            lower_quartile: self.lower_quartile * factor,
            upper_quartile: self.upper_quartile * factor,
            lowest: self.lowest * factor,
            highest: self.highest * factor,
            ..*self
        }
    }
}

/// The value below which this share of the sorted values lies, between two of them in proportion.
fn quantile(sorted: &[f64], share: f64) -> f64 {
    let place = share * (sorted.len() - 1) as f64;
    let (below, above) = (place.floor() as usize, place.ceil() as usize);
    sorted[below] + (sorted[above] - sorted[below]) * (place - place.floor())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quartiles_are_those_of_numpy_and_what_lies_apart_is_counted() {
        let statistics = Statistics::of(&[4.0, 1.0, 3.0, 2.0, 5.0, 40.0]);
        assert_eq!((statistics.lower_quartile, statistics.median, statistics.upper_quartile), (2.25, 3.5, 4.75));
        assert_eq!((statistics.lowest, statistics.highest, statistics.outliers), (1.0, 40.0, 1));
        assert!((statistics.spread() - 2.5 / 3.5).abs() < 1e-15);
        assert_eq!(Statistics::of(&[2.0]).scaled(0.5).median, 1.0);
        assert_eq!(Statistics::of(&[2.0, 2.0, 2.0, 2.5]).outliers, 1);
    }
}
