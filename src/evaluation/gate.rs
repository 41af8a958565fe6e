//! Gates: bounds on metrics (`--min accuracy=0.9 --max log-loss=0.3`) that decide between exit code 0 and 4.

use std::str::FromStr;

use super::{Classification, Evaluation, Regression};
use crate::error::{Error, Result, shown, suggestion};

/// The metrics that lie between 0 and 1, where a bound of 90 must be a mistake for 0.9.
const SHARES: [&str; 8] =
    ["accuracy", "balanced-accuracy", "macro-f1", "precision", "recall", "f1", "auc", "average-precision"];

/// A bound on a metric, read from `metric=number`. Which side of it is right, the flag says.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Gate {
    /// The metric's name.
    pub metric: &'static str,
    /// The least or greatest value that passes.
    pub bound: f64,
}

impl Gate {
    /// Whether the metric is better the lower it is.
    pub fn is_loss(self) -> bool {
        ["log-loss", "mse", "rmse", "mae"].contains(&self.metric)
    }
}

impl FromStr for Gate {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let usage = |message: String| Error::Usage(format!("'{}': {message}", shown(text)));
        let (name, bound) =
            text.split_once('=').ok_or_else(|| usage("expected METRIC=NUMBER, as in accuracy=0.9".to_owned()))?;
        let known = Classification::METRICS.into_iter().chain(Regression::METRICS);
        let metric = known.clone().find(|metric| *metric == name.trim()).ok_or_else(|| {
            let list: Vec<&str> = known.collect();
            let end = match suggestion(name.trim(), list.iter().copied()) {
                none if none.is_empty() => ".".to_owned(),
                close => close,
            };
            usage(format!("no metric is called '{}'{end} The metrics are {}.", shown(name.trim()), list.join(", ")))
        })?;
        let bound = bound.trim().parse::<f64>().ok().filter(|bound| bound.is_finite());
        let bound = bound.ok_or_else(|| usage(format!("expected a number after '{metric}='")))?;
        if SHARES.contains(&metric) && !(0.0..=1.0).contains(&bound) {
            return Err(usage(format!("{metric} lies between 0 and 1 (0.9 is 90 %)")));
        }
        Ok(Self { metric, bound })
    }
}

/// Holds an evaluation against bounds from below (`--min`) and above (`--max`). NaN passes no gate.
///
/// # Errors
/// [`Error::Usage`] for a metric that this task does not have, [`Error::CheckFailed`] with every gate that does not hold.
pub fn check(evaluation: &Evaluation, minima: &[Gate], maxima: &[Gate]) -> Result<()> {
    let sides = [("below the minimum", minima), ("above the maximum", maxima)];
    let mut failed = Vec::new();
    for (position, (outside, gates)) in sides.into_iter().enumerate() {
        for Gate { metric, bound } in gates {
            if !evaluation.metrics().contains(metric) {
                let of_two = Classification::METRICS.contains(metric) && matches!(evaluation, Evaluation::Classification(_));
                let why = if of_two { "is a metric of two classes, and here are more" } else { "is no metric of this task" };
                let message = format!("{metric} {why}; it has: {}", evaluation.metrics().join(", "));
                return Err(Error::Usage(message));
            }
            match evaluation.metric(metric) {
                None => failed.push(format!("{metric} is undefined on these rows, {bound} was asked for")),
                Some(value) if value.is_nan() => failed.push(format!("{metric} is not a number, {bound} was asked for")),
                Some(value) => {
                    let holds = if position == 0 { value >= *bound } else { value <= *bound };
                    if !holds {
                        failed.push(format!("{metric} is {value}, {outside} of {bound}"));
                    }
                }
            }
        }
    }
    if failed.is_empty() { Ok(()) } else { Err(Error::CheckFailed(failed.join("; "))) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(text: &str) -> Gate {
        text.parse().unwrap()
    }

    fn message(text: &str) -> String {
        text.parse::<Gate>().unwrap_err().to_string()
    }

    fn evaluation(predicted: f64) -> Evaluation {
        let names = ["no".to_owned(), "yes".to_owned()];
        let probabilities = [0.75, 0.25, 0.75, 0.25, 0.75, 0.25, 1.0 - predicted, predicted];
        Evaluation::Classification(Classification::new(&probabilities, &[0, 0, 1, 1], &names))
    }

    #[test]
    fn a_gate_is_read_from_metric_and_number() {
        assert_eq!(gate("accuracy=0.9"), Gate { metric: "accuracy", bound: 0.9 });
        assert_eq!(gate("r2 = -1.5"), Gate { metric: "r2", bound: -1.5 });
    }

    #[test]
    fn a_mistyped_gate_says_what_to_write() {
        assert_eq!(message("accuracy"), "'accuracy': expected METRIC=NUMBER, as in accuracy=0.9");
        assert!(
            message("acuracy=0.9").starts_with("'acuracy=0.9': no metric is called 'acuracy', did you mean 'accuracy'?")
        );
        assert!(message("zzz=1").starts_with("'zzz=1': no metric is called 'zzz'. The metrics are accuracy, "));
        assert_eq!(message("mse=low"), "'mse=low': expected a number after 'mse='");
        assert_eq!(message("mse=nan"), "'mse=nan': expected a number after 'mse='");
        assert_eq!(message("accuracy=90"), "'accuracy=90': accuracy lies between 0 and 1 (0.9 is 90 %)");
    }

    #[test]
    fn a_bound_that_is_met_exactly_holds() {
        assert!(check(&evaluation(0.75), &[gate("accuracy=0.75")], &[gate("accuracy=0.75")]).is_ok());
    }

    #[test]
    fn every_gate_that_fails_is_listed() {
        let error = check(&evaluation(0.75), &[gate("accuracy=0.8"), gate("auc=0.5")], &[gate("log-loss=0.1")]).unwrap_err();
        assert_eq!(error.exit_code(), 4);
        let text = error.to_string();
        assert!(text.starts_with("accuracy is 0.75, below the minimum of 0.8; log-loss is 0."), "{text}");
        assert!(text.ends_with(", above the maximum of 0.1"), "{text}");
    }

    #[test]
    fn nan_passes_no_gate() {
        let broken = evaluation(f64::NAN);
        for (minima, maxima) in [(vec![gate("log-loss=0")], vec![]), (vec![], vec![gate("log-loss=100")])] {
            assert!(matches!(check(&broken, &minima, &maxima), Err(Error::CheckFailed(_))));
        }
        assert!(matches!(check(&broken, &[gate("auc=0")], &[]), Err(Error::CheckFailed(_))));
    }

    #[test]
    fn a_metric_of_two_classes_is_no_metric_of_three() {
        let names = ["a", "b", "c"].map(String::from);
        let three = Evaluation::Classification(Classification::new(&[0.2, 0.3, 0.5], &[2], &names));
        for metric in ["precision", "recall", "f1", "auc", "average-precision"] {
            let error = check(&three, &[gate(&format!("{metric}=0.5"))], &[]).unwrap_err();
            assert!(matches!(&error, Error::Usage(told) if told.contains("is a metric of two classes")), "{error}");
        }
        assert!(
            check(&evaluation(0.75), &[gate("precision=1"), gate("f1=0.66"), gate("average-precision=0.75")], &[]).is_ok()
        );
        assert!(matches!(check(&evaluation(0.25), &[gate("recall=0.6")], &[]), Err(Error::CheckFailed(_))));
    }

    #[test]
    fn a_metric_of_the_other_task_is_a_usage_error() {
        let error = check(&evaluation(0.75), &[gate("r2=0.5")], &[]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
        assert!(error.to_string().contains("accuracy, balanced-accuracy"), "{error}");
    }
}
