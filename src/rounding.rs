//! How far f32 may round: what the kernels' error bounds are made of (Higham, "Accuracy and Stability of Numerical Algorithms",
//! chapter 3).

/// Half the distance from 1 to the next f32: the largest relative error of one rounding.
pub const UNIT: f64 = 5.960_464_477_539_063e-8;

/// How far a sum of `terms` rounded products of random numbers may be from the exact one, as a share of the sum of their
/// magnitudes: the smaller of the certain bound γ and 3 √terms · u, which a dropped term does not pass.
pub fn sum_error(terms: usize) -> f64 {
    let count = terms as f64;
    let certain = count * UNIT / (1.0 - count * UNIT);
    certain.min(3.0 * count.sqrt() * UNIT)
}

/// What underflow may add to a sum of `terms` products.
pub fn underflow(terms: usize) -> f64 {
    terms as f64 * f64::from(f32::MIN_POSITIVE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_term_is_outside_the_bound() {
        let terms = 1000;
        let share_of_one_term = 1.0 / terms as f64;
        assert!(sum_error(terms) < share_of_one_term);
    }
}
