//! How good predictions are: the metrics of a classification or a regression, as text, as JSON and as a gate.

mod calibration;
mod classification;
mod dependence;
mod distribution;
mod gate;
mod importance;
mod parts;
mod precision_recall;
mod probabilities;
mod regression;
mod residuals;
mod roc;
mod scored;
mod threshold;
mod truth;

use std::fmt;

use serde::Serialize;

pub use calibration::{Bin, Calibration};
pub use classification::{
    Baseline, ClassScores, Classification, Decided, OfTwo, decided_class, predicted_class, said_class,
};
pub use dependence::{Dependence, Said};
pub use distribution::Distribution;
pub use gate::{Gate, check};
pub use importance::{ColumnImportance, Importance};
pub use parts::thinned;
pub use precision_recall::{PrecisionRecall, PrecisionRecallPoint};
pub use probabilities::probabilities;
pub(crate) use regression::significant;
pub use regression::{AlwaysTheMean, Regression, TargetScores};
pub use residuals::Residuals;
pub use roc::{Roc, RocPoint};
pub use scored::Scored;
pub use threshold::{Chosen, Rule, Threshold};
pub use truth::{Asked, Truth};

/// The metrics of one model on one set of rows.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "task")]
pub enum Evaluation {
    /// Predicted class probabilities against true classes.
    Classification(Classification),
    /// Predicted numbers against true numbers.
    Regression(Regression),
}

impl Evaluation {
    /// Rows whose outputs are not all finite.
    pub fn unpredicted(&self) -> usize {
        match self {
            Self::Classification(scores) => scores.unpredicted,
            Self::Regression(scores) => scores.unpredicted,
        }
    }

    /// The metric of that name; none if this task does not have it or these rows leave it undefined.
    pub fn metric(&self, name: &str) -> Option<f64> {
        match self {
            Self::Classification(scores) => scores.metric(name),
            Self::Regression(scores) => scores.metric(name),
        }
    }

    /// The scores that say most, and what always saying the same comes to, in a line.
    pub fn in_short(&self) -> String {
        match self {
            Self::Classification(scores) => {
                let always = scores.baseline.as_ref().map_or(String::new(), |baseline| format!(" ({baseline})"));
                let Classification { accuracy, balanced_accuracy, log_loss, .. } = scores;
                format!("accuracy {accuracy:.4}{always}, balanced accuracy {balanced_accuracy:.4}, log loss {log_loss:.4}")
            }
            Self::Regression(Regression { rmse, mae, r2, baseline, .. }) => {
                let r2 = r2.map_or("undefined".into(), |r2| format!("{r2:.4}"));
                let errors = |rmse: f64, mae: f64| format!("RMSE {}, MAE {}", significant(rmse), significant(mae));
                format!("R² {r2}, {} (always the mean: {})", errors(*rmse, *mae), errors(baseline.rmse, baseline.mae))
            }
        }
    }

    /// The names that [`metric`](Self::metric) knows for this task.
    pub fn metrics(&self) -> &'static [&'static str] {
        match self {
            Self::Classification(scores) => scores.metrics(),
            Self::Regression(_) => &Regression::METRICS,
        }
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Classification(scores) => scores.fmt(formatter),
            Self::Regression(scores) => scores.fmt(formatter),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_names_the_task() {
        let names = ["no".to_owned(), "yes".to_owned()];
        let evaluation = Evaluation::Classification(Classification::new(&[0.9, 0.1], &[0], &names));
        let json = serde_json::to_value(&evaluation).unwrap();
        assert_eq!(json["task"], "classification");
        assert_eq!(json["accuracy"], 1.0);
        assert_eq!(json["auc"], serde_json::Value::Null);
    }

    #[test]
    fn every_listed_metric_is_known() {
        let names = ["no".to_owned(), "yes".to_owned()];
        let two = Evaluation::Classification(Classification::new(&[0.9, 0.1, 0.2, 0.8], &[0, 1], &names));
        let one = Evaluation::Regression(Regression::new(&[1.0, 2.0], &[1.0, 3.0], &names[..1]));
        for evaluation in [two, one] {
            for name in evaluation.metrics() {
                assert!(evaluation.metric(name).is_some(), "{name}");
            }
            assert_eq!(evaluation.metric("beauty"), None);
        }
    }
}
