//! What the trials of a sweep are judged by: a metric of their outputs for the validation rows.

use crate::data::{Decision, Encoding, Matrix, Task};
use crate::error::{Error, Result, shown, suggestion};
use crate::evaluation::{Asked, Classification, Gate, Regression, Truth, said_class};
use crate::training::session::Precision;

/// A metric of a network's outputs, as `wgrad evaluate` has it.
pub(super) struct Judge {
    metric: &'static str,
    truth: Truth,
    encoding: Encoding,
    decision: Decision,
}

impl Judge {
    /// The metric of this name, or the usual one of the task.
    ///
    /// # Errors
    /// Usage, for a metric that the task does not have.
    pub(super) fn new(metric: Option<&str>, truth: Truth, encoding: &Encoding, has_rule: bool) -> Result<Self> {
        let (known, usual): (&'static [&'static str], _) = match encoding.task() {
            Task::Classification => (Classification::new(&[], &[], encoding.class_names()).metrics(), "accuracy"),
            Task::Regression => (&Regression::METRICS, "r2"),
        };
        let wanted = metric.map_or_else(|| usual.to_owned(), |metric| metric.replace('_', "-"));
        let Some(metric) = known.iter().copied().find(|name| *name == wanted) else {
            let what = if Classification::METRICS.contains(&&*wanted) || Regression::METRICS.contains(&&*wanted) {
                let task = match encoding.task() {
                    Task::Classification if encoding.class_names().len() > 2 => "more than two classes",
                    Task::Classification => "a classification",
                    Task::Regression => "a regression",
                };
                format!("is no metric of {task}")
            } else {
                format!("is no metric{}", suggestion(&wanted, known.iter().copied()))
            };
            return Err(Error::Usage(format!("--metric {}: {what}. Choose one of {}", shown(&wanted), known.join(", "))));
        };
        // Those that no threshold changes.
        if has_rule && !["auc", "average-precision", "log-loss"].contains(&metric) {
            return Err(Error::Usage(format!(
                "--threshold chooses a threshold for the best network, and {metric} would judge all trials without it: take --metric auc, \
                 average-precision or log-loss"
            )));
        }
        Ok(Self { metric, truth, encoding: encoding.clone(), decision: encoding.decision() })
    }

    /// The metric's name.
    pub(super) fn metric(&self) -> &'static str {
        self.metric
    }

    /// Whether less of it is better.
    pub(super) fn lower_is_better(&self) -> bool {
        Gate { metric: self.metric, bound: 0.0 }.is_loss()
    }

    /// The metric of some outputs [rows × outputs]; none where it is not defined or not finite.
    pub(super) fn score<T: Precision>(&self, outputs: &Matrix<T>) -> Option<f64> {
        let score = match (&self.truth, self.metric) {
            // What most sweeps ask for, for each trial and epoch.
            (Truth::Classes(classes), "accuracy") => {
                let mut row = vec![0.0; outputs.columns];
                let is_right = |(values, class): (&[T], &usize)| {
                    row.iter_mut().zip(values).for_each(|(to, value)| *to = value.to_f64());
                    said_class(self.decision, &row) == Some(*class)
                };
                let right = outputs.values.chunks(outputs.columns).zip(classes).map(is_right).filter(|&right| right).count();
                (!classes.is_empty()).then(|| right as f64 / classes.len() as f64)
            }
            _ => self.truth.judge(&self.encoding, outputs, &Asked::default()).ok().and_then(|all| all.metric(self.metric)),
        };
        score.filter(|score| score.is_finite())
    }
}
