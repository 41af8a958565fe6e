//! Metrics of predicted numbers against true ones, both in the targets' own units. Definitions as in scikit-learn.

use std::fmt;

use serde::Serialize;

use super::parts::{mean, shortened, write_table};
use crate::error::shown;

/// The metrics of a regression: the means over its targets, and each target's own.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Regression {
    /// Number of rows judged. With none, the means below are NaN (null in JSON).
    pub rows: usize,
    /// Rows of which a prediction is NaN or infinite, which makes the means so (null in JSON).
    pub unpredicted: usize,
    /// Mean squared error, the mean over the targets.
    pub mse: f64,
    /// Root of the mean squared error, the mean over the targets.
    pub rmse: f64,
    /// Mean absolute error, the mean over the targets.
    pub mae: f64,
    /// Coefficient of determination, the mean over the targets that have one.
    pub r2: Option<f64>,
    /// What the mean of these rows' true values comes to as the prediction for each, the mean over the targets.
    pub baseline: AlwaysTheMean,
    /// The metrics of each target.
    pub targets: Vec<TargetScores>,
}

/// The errors of predicting the true values' mean for every row.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct AlwaysTheMean {
    /// Root of the mean squared error: the true values' standard deviation.
    pub rmse: f64,
    /// Mean absolute error.
    pub mae: f64,
}

/// The metrics of one target.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetScores {
    /// The target's name.
    pub name: String,
    /// Mean squared error, in the target's unit squared.
    pub mse: f64,
    /// Root of the mean squared error, in the target's unit.
    pub rmse: f64,
    /// Mean absolute error, in the target's unit.
    pub mae: f64,
    /// 1 - Σ (truth - predicted)² / Σ (truth - mean truth)²: 1 is perfect, 0 is no better than the mean. None where the true
    /// values are all the same.
    pub r2: Option<f64>,
    /// What the mean of the true values comes to.
    pub baseline: AlwaysTheMean,
}

impl Regression {
    /// The names that [`metric`](Self::metric) knows.
    pub const METRICS: [&str; 4] = ["mse", "rmse", "mae", "r2"];

    /// Judges `predicted` by `truth`, both rows × targets, row-major.
    ///
    /// # Panics
    /// If the lengths do not agree.
    pub fn new(predicted: &[f64], truth: &[f64], target_names: &[String]) -> Self {
        let count = target_names.len();
        assert!(count > 0, "a regression has targets");
        assert_eq!(predicted.len(), truth.len(), "every prediction has its truth");
        assert_eq!(truth.len() % count, 0, "every row has {count} targets");

        let column =
            |values: &[f64], target: usize| -> Vec<f64> { values.iter().copied().skip(target).step_by(count).collect() };
        let scores =
            |(target, name): (usize, &String)| target_scores(name, &column(predicted, target), &column(truth, target));
        let targets: Vec<TargetScores> = target_names.iter().enumerate().map(scores).collect();
        let is_finite = |row: &&[f64]| row.iter().all(|number| number.is_finite());
        Self {
            rows: truth.len() / count,
            unpredicted: predicted.chunks(count).filter(|row| !is_finite(row)).count(),
            mse: mean(targets.iter().map(|target| target.mse)),
            rmse: mean(targets.iter().map(|target| target.rmse)),
            mae: mean(targets.iter().map(|target| target.mae)),
            r2: targets
                .iter()
                .any(|target| target.r2.is_some())
                .then(|| mean(targets.iter().filter_map(|target| target.r2))),
            baseline: AlwaysTheMean {
                rmse: mean(targets.iter().map(|target| target.baseline.rmse)),
                mae: mean(targets.iter().map(|target| target.baseline.mae)),
            },
            targets,
        }
    }

    /// The metric of that name; none if there is no such metric or these rows leave it undefined.
    pub fn metric(&self, name: &str) -> Option<f64> {
        match name {
            "mse" => Some(self.mse),
            "rmse" => Some(self.rmse),
            "mae" => Some(self.mae),
            "r2" => self.r2,
            _ => None,
        }
    }
}

impl fmt::Display for Regression {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = |name: String, mse: f64, rmse: f64, mae: f64, r2: Option<f64>| {
            let r2 = r2.map_or_else(|| "undefined".to_owned(), |r2| format!("{r2:.4}"));
            vec![name, significant(mse), significant(rmse), significant(mae), r2]
        };
        let mut table = vec![["target", "MSE", "RMSE", "MAE", "R²"].map(str::to_owned).to_vec()];
        for target in &self.targets {
            table.push(line(shortened(&shown(&target.name), 32), target.mse, target.rmse, target.mae, target.r2));
        }
        if self.targets.len() > 1 {
            table.push(line("mean".to_owned(), self.mse, self.rmse, self.mae, self.r2));
        }
        let AlwaysTheMean { rmse, mae } = self.baseline;
        let always = ["always the mean".to_owned(), String::new(), significant(rmse), significant(mae)];
        table.push(always.to_vec());
        write_table(formatter, &table)?;
        writeln!(formatter, "over {} rows", self.rows)
    }
}

fn target_scores(name: &str, predicted: &[f64], truth: &[f64]) -> TargetScores {
    let errors = || truth.iter().zip(predicted).map(|(truth, predicted)| truth - predicted);
    let mse = mean(errors().map(|error| error * error));
    let centre = mean(truth.iter().copied());
    let variance = mean(truth.iter().map(|truth| (truth - centre).powi(2)));
    let constant = truth.iter().all(|value| *value == truth[0]);
    TargetScores {
        name: name.to_owned(),
        mse,
        rmse: mse.sqrt(),
        mae: mean(errors().map(f64::abs)),
        r2: (!constant).then(|| 1.0 - mse / variance),
        baseline: AlwaysTheMean { rmse: variance.sqrt(), mae: mean(truth.iter().map(|truth| (truth - centre).abs())) },
    }
}

/// Five significant digits, in scientific notation where the plain one would be long.
pub(crate) fn significant(value: f64) -> String {
    const DIGITS: i32 = 5;
    let magnitude = if value == 0.0 { 0 } else { libm::floor(libm::log10(value.abs())) as i32 };
    if value.is_finite() && (-4..7).contains(&magnitude) {
        format!("{value:.*}", (DIGITS - 1 - magnitude).max(0) as usize)
    } else {
        format!("{value:.4e}")
    }
}

/// The expected numbers were printed by scikit-learn.
#[cfg(test)]
mod tests {
    use super::*;

    const TRUTH: [f64; 10] = [3.0, -0.5, 2.0, 1.0, -1.0, 7.0, 4.0, 2.5, 0.5, 0.0];
    const PREDICTED: [f64; 10] = [2.5, 0.0, 2.0, 2.0, -1.5, 8.0, 4.2, 2.0, 1.0, -0.25];

    fn names(count: usize) -> Vec<String> {
        (0..count).map(|target| format!("target {target}")).collect()
    }

    fn assert_close(found: f64, expected: f64) {
        assert!((found - expected).abs() <= 1e-14, "{found} is not {expected}");
    }

    #[test]
    fn two_targets_score_as_in_scikit_learn() {
        let scores = Regression::new(&PREDICTED, &TRUTH, &names(2));
        assert_eq!(scores.rows, 5);
        assert_close(scores.mse, 0.33525);
        assert_close(scores.rmse, 0.5566915957254267);
        assert_close(scores.mae, 0.495);
        assert_close(scores.r2.unwrap(), 0.9398972602739726);
        let expected = [(0.158, 0.39749213828703583, 0.34, 0.95), (0.5125, 0.7158910531638176, 0.65, 0.9297945205479452)];
        for (target, (mse, rmse, mae, r2)) in scores.targets.iter().zip(expected) {
            assert_close(target.mse, mse);
            assert_close(target.rmse, rmse);
            assert_close(target.mae, mae);
            assert_close(target.r2.unwrap(), r2);
        }
    }

    #[test]
    fn a_constant_target_has_no_r2() {
        let constant = Regression::new(&[0.1, 0.2, 0.1], &[0.1, 0.1, 0.1], &names(1));
        assert_eq!((constant.r2, constant.targets[0].r2), (None, None));
        let beside = Regression::new(&[0.1, 1.0, 0.2, 2.0], &[0.1, 1.0, 0.1, 2.0], &names(2));
        assert_eq!((beside.r2, beside.targets[0].r2, beside.targets[1].r2), (Some(1.0), None, Some(1.0)));
    }

    /// What `mean_squared_error` and `mean_absolute_error` say of `DummyRegressor().fit(x, TRUTH).predict(x)`.
    #[test]
    fn always_the_mean_has_the_errors_of_scikit_learns_dummy() {
        let one = Regression::new(&PREDICTED, &TRUTH, &names(1)).baseline;
        assert_close(one.rmse, 2.291833327273168);
        assert_close(one.mae, 1.85);
        let two = Regression::new(&PREDICTED, &TRUTH, &names(2));
        let [first, second] = [0, 1].map(|target: usize| two.targets[target].baseline);
        assert_close(two.baseline.rmse, f64::midpoint(first.rmse, second.rmse));
        assert_close(two.baseline.mae, f64::midpoint(first.mae, second.mae));
        // The mean of the second, on its own rows, is no better than itself.
        let means: Vec<f64> = TRUTH.iter().skip(1).step_by(2).map(|_| 2.0).collect();
        let of_mean = Regression::new(&means, &[-0.5, 1.0, 7.0, 2.5, 0.0], &names(1));
        assert_close(of_mean.rmse, second.rmse);
    }

    #[test]
    fn nan_reaches_every_metric() {
        let scores = Regression::new(&[f64::NAN, 2.0], &[1.0, 2.0], &names(1));
        for name in Regression::METRICS {
            assert!(scores.metric(name).unwrap().is_nan(), "{name}");
        }
    }

    #[test]
    fn the_text_is_aligned() {
        let expected = "\
target               MSE     RMSE      MAE      R²
target 0         0.15800  0.39749  0.34000  0.9500
target 1         0.51250  0.71589  0.65000  0.9298
mean             0.33525  0.55669  0.49500  0.9399
always the mean            2.2397   1.8800
over 5 rows
";
        assert_eq!(Regression::new(&PREDICTED, &TRUTH, &names(2)).to_string(), expected);
    }

    #[test]
    fn numbers_have_five_significant_digits() {
        let cases =
            [(0.0, "0.0000"), (12.345678, "12.346"), (1_234_567.8, "1234568"), (1e-9, "1.0000e-9"), (-0.5, "-0.50000")];
        for (value, expected) in cases {
            assert_eq!(significant(value), expected);
        }
        assert_eq!(significant(f64::NAN), "NaN");
    }
}
