//! How a target is distributed in the rows that a network is trained on, and in those that judge it.

use serde::{Deserialize, Serialize};

use super::Truth;
use crate::data::Encoding;

/// Parts of the range of numbers, at most.
const PARTS: usize = 24;
/// Classes that are counted, the most frequent, and targets, at most.
const CLASSES: usize = 30;
const TARGETS: usize = 4;

/// How often which class, or which numbers, are there.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Distribution {
    /// The target's name.
    pub name: String,
    /// The classes in the order of the model's outputs; empty for numbers.
    pub classes: Vec<String>,
    /// Classes that are not counted, because there are many.
    pub left_out: usize,
    /// From where to where the parts go, all of the same width; none for classes.
    pub range: Option<[f64; 2]>,
    /// Rows to train on, by class or by part.
    pub training: Vec<usize>,
    /// Rows to test with; empty without any.
    pub test: Vec<usize>,
}

impl Distribution {
    /// The distribution of each target, of the first few.
    pub fn of(encoding: &Encoding, training: &Truth, test: Option<&Truth>) -> Vec<Self> {
        let names = encoding.target_names();
        match (training, test) {
            (Truth::Classes(training), None) => vec![of_classes(encoding, training, &[])],
            (Truth::Classes(training), Some(Truth::Classes(test))) => vec![of_classes(encoding, training, test)],
            (Truth::Numbers(training), _) => {
                let test = match test {
                    Some(Truth::Numbers(test)) => Some(test),
                    _ => None,
                };
                let column = |target: usize| {
                    let [training, test] = [Some(training), test].map(|numbers| -> Vec<f64> {
                        let of = |row| numbers.map_or(f64::NAN, |numbers| numbers.row(row)[target]);
                        (0..numbers.map_or(0, |numbers| numbers.rows)).map(of).filter(|number| number.is_finite()).collect()
                    });
                    of_numbers(names[target], &training, &test)
                };
                (0..names.len().min(TARGETS)).filter_map(column).collect()
            }
            (Truth::Classes(_), Some(Truth::Numbers(_))) => Vec::new(),
        }
    }
}

fn of_classes(encoding: &Encoding, training: &[usize], test: &[usize]) -> Distribution {
    let classes = encoding.class_names();
    let [in_training, in_test] = [training, test].map(|rows| {
        let mut counts = vec![0; classes.len()];
        rows.iter().for_each(|&class| counts[class] += 1);
        counts
    });
    let mut kept: Vec<usize> = (0..classes.len()).collect();
    kept.sort_by_key(|&class| (std::cmp::Reverse(in_training[class] + in_test[class]), class));
    kept.truncate(CLASSES);
    kept.sort_unstable();
    let counts = |counts: Vec<usize>| kept.iter().map(|&class| counts[class]).collect();
    Distribution {
        name: encoding.target_names()[0].to_owned(),
        classes: kept.iter().map(|&class| classes[class].clone()).collect(),
        left_out: classes.len() - kept.len(),
        range: None,
        training: counts(in_training),
        test: if test.is_empty() { Vec::new() } else { counts(in_test) },
    }
}

/// Of whole numbers that are few, each has a part of its own.
fn of_numbers(name: &str, training: &[f64], test: &[f64]) -> Option<Distribution> {
    let all = || training.iter().chain(test).copied();
    let (least, largest) = (all().fold(f64::INFINITY, f64::min), all().fold(f64::NEG_INFINITY, f64::max));
    let is_few = largest - least < PARTS as f64 && all().all(|number| number == number.trunc());
    let (range, parts) = match is_few {
        true => ([least - 0.5, largest + 0.5], (largest - least) as usize + 1),
        false => ([least, largest], PARTS),
    };
    let wide = range[1] - range[0];
    if training.is_empty() || !wide.is_finite() || wide <= 0.0 {
        return None;
    }
    let counts = |numbers: &[f64]| {
        let mut counts = vec![0; parts];
        numbers.iter().for_each(|number| counts[(((number - range[0]) / wide * parts as f64) as usize).min(parts - 1)] += 1);
        counts
    };
    let test = if test.is_empty() { Vec::new() } else { counts(test) };
    Some(Distribution {
        name: name.to_owned(),
        classes: Vec::new(),
        left_out: 0,
        range: Some(range),
        training: counts(training),
        test,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Decision;
    use crate::data::{Matrix, NumberTarget, Numerals, Target};

    fn encoding(target: Target) -> Encoding {
        Encoding { inputs: Vec::new(), target, missing_values: None, numerals: Numerals::default() }
    }

    #[test]
    fn classes_are_counted_and_of_many_the_most_frequent() {
        let classes = (0..40).map(|class| format!("c{class}")).collect();
        let encoding = encoding(Target::Classification { column: "y".into(), classes, decision: Decision::default() });
        let rows = Truth::Classes((0..400).map(|row| if row < 100 { 39 } else { row % 38 }).collect());
        let found = &Distribution::of(&encoding, &rows, Some(&Truth::Classes(vec![0, 39, 39])))[0];
        assert_eq!((found.classes.len(), found.left_out, found.classes[29].as_str()), (30, 10, "c39"));
        assert_eq!((found.training[29], found.test[29], found.test[0]), (100, 2, 1));
        assert!(Distribution::of(&encoding, &rows, None)[0].test.is_empty());
    }

    #[test]
    fn numbers_are_counted_in_parts_of_one_width_for_both_kinds_of_rows() {
        let target = |name: &str| NumberTarget { name: name.into(), offset: 0.0, scale: 1.0 };
        let encoding = encoding(Target::Regression { columns: vec![target("whole"), target("any")] });
        let training = Truth::Numbers(Matrix::new(3, 2, vec![3.0, 0.0, 5.0, 2.4, 5.0, 1.2]));
        let test = Truth::Numbers(Matrix::new(1, 2, vec![8.0, -2.4]));
        let found = Distribution::of(&encoding, &training, Some(&test));
        assert_eq!((found[0].range, &found[0].training[..]), (Some([2.5, 8.5]), &[1, 0, 2, 0, 0, 0][..]));
        assert_eq!(found[0].test, [0, 0, 0, 0, 0, 1]);
        assert_eq!((found[1].range, found[1].training.len()), (Some([-2.4, 2.4]), PARTS));
        assert_eq!((found[1].test[0], found[1].training[12], found[1].training[PARTS - 1]), (1, 1, 1));
        let same = Truth::Numbers(Matrix::new(2, 2, vec![3.0, 0.5, 3.0, 0.5]));
        let found = Distribution::of(&encoding, &same, None);
        assert_eq!((found.len(), found[0].range), (1, Some([2.5, 3.5])), "one number that is no whole one has no range");
    }
}
