//! What a network should have said, and the judgement of what it said.

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
    "it is chosen on rows of both classes whose predictions are numbers, and these are not";

/// The class probabilities [rows × classes] that a network's outputs say. A single output is the second class's; several that do
/// not add up to 1 (independent sigmoids, say) are divided by their sum, and negative ones lifted to zero with their row first,
/// which keeps their order.
///
/// # Errors
/// Limit, if there is no memory for them.
pub fn probabilities<T: Scalar>(outputs: &Matrix<T>) -> Result<Matrix<f64>> {
    let classes = outputs.columns.max(2);
    let mut values = memory::reserved(outputs.rows as u128 * classes as u128, || {
        format!("the probabilities of {classes} classes for {} rows", outputs.rows)
    })?;
    for row in 0..outputs.rows {
        let row: Vec<f64> = outputs.row(row).iter().map(|value| value.to_f64()).collect();
        values.extend(probabilities_of(&row));
    }
    Ok(Matrix::new(outputs.rows, classes, values))
}

/// The same of one row.
pub(super) fn probabilities_of(row: &[f64]) -> Vec<f64> {
    if let [second] = row {
        let second = second.clamp(0.0, 1.0);
        return vec![1.0 - second, second];
    }
    let lowest = row.iter().fold(0.0_f64, |lowest, &value| lowest.min(value));
    let sum: f64 = row.iter().map(|value| value - lowest).sum();
    // A softmax's own rounding is not worth a division, and rows of zeros have no sum to divide by.
    let divisor = if sum == 0.0 || (sum - 1.0).abs() < 1e-5 { 1.0 } else { sum };
    row.iter().map(|value| (value - lowest) / divisor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn probabilities_keep_the_order_of_the_outputs() {
        let outputs = Matrix::new(3, 3, vec![0.2, 0.3, 0.5, 0.9, 0.9, 0.0, -0.5, -0.1, 0.4]);
        let probabilities = probabilities(&outputs).expect("memory");
        assert_eq!(probabilities.row(0), [0.2, 0.3, 0.5]);
        assert_eq!(probabilities.row(1), [0.5, 0.5, 0.0]);
        assert!(probabilities.row(2)[2] > probabilities.row(2)[1] && probabilities.row(2)[0] == 0.0);
    }

    #[test]
    fn one_output_is_the_second_class() {
        assert_eq!(probabilities(&Matrix::new(1, 1, vec![0.75_f32])).expect("memory").values, [0.25, 0.75]);
        assert!(probabilities(&Matrix::new(1, 1, vec![f32::NAN])).expect("memory").values[1].is_nan());
    }
}
