//! Several networks of one shape as one model, whose output is the mean of their outputs.

use crate::data::Matrix;
use crate::scalar::Scalar;

/// The mean of the outputs [rows × outputs] of several networks, added up in f64 in their order; those of a single one as they are.
///
/// # Panics
/// If there is none.
pub fn mean_outputs<T: Scalar>(mut networks: Vec<Matrix<T>>) -> Matrix<T> {
    if networks.len() == 1 {
        return networks.remove(0);
    }
    let (rows, columns, count) = (networks[0].rows, networks[0].columns, networks.len() as f64);
    let mut sums = vec![0.0; rows * columns];
    for outputs in &networks {
        sums.iter_mut().zip(&outputs.values).for_each(|(sum, output)| *sum += output.to_f64());
    }
    Matrix::new(rows, columns, sums.into_iter().map(|sum| T::from_f64(sum / count)).collect())
}

/// The standard deviation of several networks' numbers, with one degree of freedom less than networks; none of a single number.
pub fn deviation(numbers: impl Iterator<Item = f64> + Clone) -> Option<f64> {
    let count = numbers.clone().count();
    if count < 2 {
        return None;
    }
    let mean = numbers.clone().sum::<f64>() / count as f64;
    Some((numbers.map(|number| (number - mean).powi(2)).sum::<f64>() / (count - 1) as f64).sqrt())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mean_is_of_all_and_of_one_it_is_that_one() {
        let outputs = |values: [f32; 4]| Matrix::new(2, 2, values.to_vec());
        let (one, other) = (outputs([0.1, 0.9, f32::NAN, 1.0]), outputs([0.3, 0.5, 0.0, 0.0]));
        assert_eq!(mean_outputs(vec![other.clone()]), other);
        let mean = mean_outputs(vec![one, other]).values;
        assert_eq!((mean[0], mean[1], mean[2].is_nan(), mean[3]), (0.2, 0.7, true, 0.5));
    }

    /// `numpy.std([1, 2, 4], ddof=1)`.
    #[test]
    fn a_deviation_is_that_of_a_sample() {
        let of = |numbers: &[f64]| deviation(numbers.iter().copied());
        assert!((of(&[1.0, 2.0, 4.0]).expect("three") - 1.527_525_231_651_946_6).abs() < 1e-15);
        assert_eq!((of(&[3.0]), of(&[]), of(&[2.0, 2.0])), (None, None, Some(0.0)));
    }
}
