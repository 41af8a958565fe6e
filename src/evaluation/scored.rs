//! The probabilities of the positive of two classes beside what is true, and what each threshold makes of them.

/// Rows by the probability of the positive class, highest first, each with whether it is of that class.
#[derive(Debug, Clone, PartialEq)]
pub struct Scored {
    rows: Vec<(f64, bool)>,
    /// How many are of the positive class.
    pub(super) positive: usize,
    /// How many are of the other.
    pub(super) negative: usize,
}

/// What a threshold makes of the rows: those of at least this probability are said to be positive.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Cut {
    /// The threshold: the least probability among them.
    pub(super) threshold: f64,
    /// Rows of the positive class among them.
    pub(super) truly: usize,
    /// Rows of the other class among them.
    pub(super) falsely: usize,
}

impl Cut {
    /// The rows that are said to be positive.
    pub(super) fn all(self) -> usize {
        self.truly + self.falsely
    }

    /// Of these, the share that is.
    pub(super) fn precision(self) -> f64 {
        self.truly as f64 / self.all() as f64
    }
}

impl Scored {
    /// The rows of `probabilities` (rows × 2, row-major) and of the true classes, 0 or 1, of which `positive` is the positive one. None
    /// where a probability of it is NaN.
    pub fn new(probabilities: &[f64], truth: &[usize], positive: usize) -> Option<Self> {
        let of_positive = probabilities.iter().skip(positive).step_by(2);
        let mut rows: Vec<(f64, bool)> = of_positive.copied().zip(truth.iter().map(|&class| class == positive)).collect();
        if rows.iter().any(|(probability, _)| probability.is_nan()) {
            return None;
        }
        rows.sort_unstable_by(|a, b| b.0.total_cmp(&a.0));
        let count = rows.iter().filter(|(_, is_positive)| *is_positive).count();
        Some(Self { positive: count, negative: rows.len() - count, rows })
    }

    /// Whether there are rows of both classes.
    pub(super) fn has_both(&self) -> bool {
        self.positive > 0 && self.negative > 0
    }

    /// The rows, highest probability first.
    pub(super) fn rows(&self) -> &[(f64, bool)] {
        &self.rows
    }

    /// What each of the rows' probabilities makes of them as a threshold, the highest first. Rows of the same probability are on the
    /// same side of every threshold.
    pub(super) fn cuts(&self) -> impl Iterator<Item = Cut> {
        let tied = self.rows.chunk_by(|a, b| a.0 == b.0);
        tied.scan((0, 0), |(truly, falsely), tied| {
            let of_positive = tied.iter().filter(|(_, is_positive)| *is_positive).count();
            (*truly, *falsely) = (*truly + of_positive, *falsely + tied.len() - of_positive);
            Some(Cut { threshold: tied[0].0, truly: *truly, falsely: *falsely })
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn either_class_may_be_the_positive_one() {
        let probabilities = [0.9, 0.1, 0.4, 0.6, 0.4, 0.6];
        let second = Scored::new(&probabilities, &[0, 1, 0], 1).expect("numbers");
        assert_eq!((second.positive, second.negative), (1, 2));
        let cuts: Vec<Cut> = second.cuts().collect();
        let cut = |threshold, truly, falsely| Cut { threshold, truly, falsely };
        assert_eq!(cuts, [cut(0.6, 1, 1), cut(0.1, 1, 2)]);
        let first = Scored::new(&probabilities, &[0, 1, 0], 0).expect("numbers");
        assert_eq!(first.cuts().collect::<Vec<_>>(), [cut(0.9, 1, 0), cut(0.4, 2, 1)]);
        assert_eq!(Scored::new(&[0.5, f64::NAN], &[0], 1), None);
    }
}
