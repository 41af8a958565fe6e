//! What a network should have said, and the judgement of what it said.

use super::probabilities::probabilities;
use super::{Classification, Evaluation, Regression, Scored, Threshold};
use crate::data::{Decision, Encoding, Matrix, Table, Target};
use crate::error::{Error, Result};
use crate::memory;
use crate::scalar::Scalar;

/// What a network should say about some rows.
#[derive(Debug, Clone, PartialEq)]
pub enum Truth {
    /// The class of each row, as its place among the classes.
    Classes(Vec<usize>),
    /// rows × target columns, in the data's own units.
    Numbers(Matrix<f64>),
}

/// What is asked of a judgement of two classes, where it is something else than the model says.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Asked {
    /// The class whose precision and recall are told.
    pub positive: Option<usize>,
    /// From which probability of it on it is said; a rule chooses on the very rows that are judged.
    pub threshold: Option<Threshold>,
}

impl Truth {
    /// The truth that a table's rows hold.
    ///
    /// # Errors
    /// Data, naming line and column, for absent, missing or unknown targets.
    pub fn of(encoding: &Encoding, table: &Table, rows: &[usize]) -> Result<Self> {
        Ok(match encoding.target {
            Target::Classification { .. } => Self::Classes(encoding.class_indices(table, rows)?),
            Target::Regression { .. } => Self::Numbers(encoding.regression_targets(table, rows)?),
        })
    }

    /// The truth of some of the rows, in this order.
    pub fn gathered(&self, rows: &[usize]) -> Self {
        match self {
            Self::Classes(classes) => Self::Classes(rows.iter().map(|&row| classes[row]).collect()),
            Self::Numbers(numbers) => Self::Numbers(numbers.gathered(rows)),
        }
    }

    /// Judges a network's outputs [rows × outputs].
    ///
    /// # Errors
    /// Limit, if there is no memory for their probabilities; data, where a rule has no rows of both classes to choose a threshold on.
    pub fn judge<T: Scalar>(&self, encoding: &Encoding, outputs: &Matrix<T>, asked: &Asked) -> Result<Evaluation> {
        // Probabilities or numbers, and lists of them that are sorted.
        let bytes = outputs.rows as u128 * (16 * outputs.columns.max(2) as u128 + 40);
        if bytes > memory::SMALL && !memory::is_there(bytes) {
            return Err(Error::Limit(format!("there is no memory to judge {} rows; take fewer", outputs.rows)));
        }
        Ok(match self {
            Self::Classes(classes) => {
                let (probabilities, names) = (probabilities(outputs)?.values, encoding.class_names());
                let mut decision = encoding.decision();
                let positive = asked.positive.unwrap_or(decision.positive);
                if let Some(threshold) = asked.threshold {
                    let threshold = match threshold {
                        Threshold::Given(threshold) => threshold,
                        Threshold::By(rule) => {
                            let scored = Scored::new(&probabilities, classes, positive);
                            let chosen = scored.and_then(|scored| rule.choose(&scored));
                            let none = || Error::Data(format!("--threshold {rule}: {NOTHING_TO_CHOOSE_ON}"));
                            chosen.ok_or_else(none)?.threshold
                        }
                    };
                    decision = Decision { positive, threshold: Some(threshold) };
                }
                Evaluation::Classification(Classification::decided(&probabilities, classes, names, decision, positive))
            }
            Self::Numbers(numbers) => {
                let names: Vec<String> = encoding.target_names().into_iter().map(str::to_string).collect();
                let predicted = encoding.decode_regression(outputs);
                Evaluation::Regression(Regression::new(&predicted.values, &numbers.values, &names))
            }
        })
    }
}

/// Why a rule can choose no threshold.
pub(crate) const NOTHING_TO_CHOOSE_ON: &str =
    "these rows are all of one class, or an output is NaN or infinite: name rows of both classes";
