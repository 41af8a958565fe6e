//! The test rows that a network is most wrong about, as their source has them.

use super::sources::Originals;
use crate::data::{Encoding, Matrix, Target};
use crate::error::Result;
use crate::evaluation::{Truth, decided_class, probabilities};
use crate::report::account::{WrongRow, WrongRows};
use crate::training::session::Precision;

/// Rows, and columns of them that are shown, at most.
const ROWS: usize = 10;
const COLUMNS: usize = 5;
/// Targets of a regression that are told, at most.
const TARGETS: usize = 3;
/// Rows that are decoded at a time.
const PIECE: usize = 1 << 12;

/// The rows of the highest loss: of a classification -ln(probability of the true class), of a regression the squared error in units of
/// the scaled targets, added up. `important` are the input columns from the most important on.
///
/// # Errors
/// Limit, if there is no memory for probabilities; internal, if a file cannot be read.
pub(super) fn rows<T: Precision>(
    encoding: &Encoding,
    outputs: &Matrix<T>,
    truth: &Truth,
    originals: &Originals,
    important: &[usize],
) -> Result<WrongRows> {
    let names: Vec<&str> = important.iter().take(COLUMNS).map(|&column| encoding.inputs[column].name.as_str()).collect();
    let worst = worst(losses(encoding, outputs, truth)?);
    let row = |(loss, row): (f64, usize)| {
        let (origin, cells) = originals.of_row(row, &names)?;
        let (truth, predicted, [probability, probability_of_truth]) = told(encoding, outputs, truth, row)?;
        let loss = Some(loss).filter(|loss| loss.is_finite());
        Ok(WrongRow { origin, loss, truth, predicted, probability, probability_of_truth, cells })
    };
    let rows: Vec<WrongRow> = worst.into_iter().map(row).collect::<Result<_>>()?;
    let columns = if rows.iter().all(|row| row.cells.is_empty()) { Vec::new() } else { names };
    let source = originals.source().to_owned();
    Ok(WrongRows { source, columns: columns.into_iter().map(str::to_owned).collect(), rows })
}

/// The highest losses with their rows, the highest first; one that is not finite is higher than all others.
fn worst(losses: Vec<f64>) -> Vec<(f64, usize)> {
    let mut losses: Vec<(f64, usize)> = losses.into_iter().enumerate().map(|(row, loss)| (loss, row)).collect();
    let rank = |loss: f64| if loss.is_finite() { loss } else { f64::INFINITY };
    losses.sort_by(|one, other| rank(other.0).total_cmp(&rank(one.0)).then(one.1.cmp(&other.1)));
    losses.truncate(ROWS);
    losses
}

/// Every row's loss.
fn losses<T: Precision>(encoding: &Encoding, outputs: &Matrix<T>, truth: &Truth) -> Result<Vec<f64>> {
    match (truth, &encoding.target) {
        (Truth::Classes(classes), _) => {
            let probabilities = probabilities(outputs)?;
            Ok(classes.iter().enumerate().map(|(row, &class)| -libm::log(probabilities.row(row)[class])).collect())
        }
        (Truth::Numbers(numbers), Target::Regression { columns }) => {
            let mut losses = Vec::with_capacity(outputs.rows);
            for first in (0..outputs.rows).step_by(PIECE) {
                let rows: Vec<usize> = (first..outputs.rows.min(first + PIECE)).collect();
                let predicted = encoding.decode_regression(&outputs.gathered(&rows));
                losses.extend(rows.into_iter().enumerate().map(|(place, row)| -> f64 {
                    let error =
                        |target: usize| (predicted.row(place)[target] - numbers.row(row)[target]) / columns[target].scale;
                    (0..columns.len()).map(|target| error(target).powi(2)).sum()
                }));
            }
            Ok(losses)
        }
        (Truth::Numbers(_), Target::Classification { .. }) => Ok(Vec::new()),
    }
}

/// What is true of a row and what was predicted, in words, and of a classification the probabilities of the predicted and of the true class.
fn told<T: Precision>(
    encoding: &Encoding,
    outputs: &Matrix<T>,
    truth: &Truth,
    row: usize,
) -> Result<(String, String, [Option<f64>; 2])> {
    let outputs = outputs.gathered(&[row]);
    match truth {
        Truth::Classes(classes) => {
            let (names, probabilities) = (encoding.class_names(), probabilities(&outputs)?);
            let said = decided_class(encoding.decision(), probabilities.row(0));
            let predicted = said.map_or_else(String::new, |class| names[class].clone());
            let of = |class: Option<usize>| class.map(|class| probabilities.row(0)[class]).filter(|share| share.is_finite());
            Ok((names[classes[row]].clone(), predicted, [of(said), of(Some(classes[row]))]))
        }
        Truth::Numbers(numbers) => {
            let predicted = encoding.decode_regression(&outputs);
            let names = encoding.target_names();
            let number = |value: f64| format!("{value:.5e}").parse().unwrap_or(value).to_string();
            let all = |row: &[f64]| match row {
                [one] => number(*one),
                many => {
                    let named =
                        names.iter().zip(many).take(TARGETS).map(|(name, &value)| format!("{name} {}", number(value)));
                    named.collect::<Vec<_>>().join(", ") + if many.len() > TARGETS { ", …" } else { "" }
                }
            };
            Ok((all(numbers.row(row)), all(predicted.row(0)), [None; 2]))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Decision;
    use crate::data::{NumberTarget, Numerals};

    fn encoding(target: Target) -> Encoding {
        Encoding { inputs: Vec::new(), target, missing_values: None, numerals: Numerals::default() }
    }

    #[test]
    fn the_rows_of_the_highest_loss_come_first_and_those_without_a_number_before_them() {
        let found = worst(vec![0.5, 3.0, f64::NAN, 3.0, 0.1]);
        assert_eq!(found.iter().map(|row| row.1).collect::<Vec<_>>(), [2, 1, 3, 0, 4]);
        assert_eq!(worst(vec![1.0; 50]).len(), ROWS);
    }

    #[test]
    fn losses_are_those_of_the_true_class_and_of_scaled_targets() {
        let classes = encoding(Target::Classification {
            column: "y".into(),
            classes: vec!["a".into(), "b".into()],
            decision: Decision::default(),
        });
        let outputs = Matrix::new(2, 1, vec![0.25, 0.75]);
        let truth = Truth::Classes(vec![1, 1]);
        assert_eq!(losses(&classes, &outputs, &truth).expect("losses"), [-(0.25_f64.ln()), -(0.75_f64.ln())]);
        let (truth, predicted, shares) = told(&classes, &outputs, &truth, 0).expect("a row");
        assert_eq!((truth.as_str(), predicted.as_str(), shares), ("b", "a", [Some(0.75), Some(0.25)]));
        let target = |name: &str, scale: f64| NumberTarget { name: name.into(), offset: 1.0, scale };
        let numbers = encoding(Target::Regression { columns: vec![target("y", 2.0), target("z", 10.0)] });
        let outputs = Matrix::new(2, 2, vec![0.0, 0.0, 1.0, 2.0]);
        let truth = Truth::Numbers(Matrix::new(2, 2, vec![1.0, 1.0, 7.0, 11.0]));
        assert_eq!(losses(&numbers, &outputs, &truth).expect("losses"), [0.0, 4.0 + 1.0]);
        let (truth, predicted, shares) = told(&numbers, &outputs, &truth, 1).expect("a row");
        assert_eq!((truth.as_str(), predicted.as_str(), shares), ("y 7, z 11", "y 3, z 21", [None; 2]));
    }
}
