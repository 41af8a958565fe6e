//! The class probabilities that a network's outputs say.

use crate::data::Matrix;
use crate::error::Result;
use crate::memory;
use crate::scalar::Scalar;

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
