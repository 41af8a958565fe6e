//! What a model says in the mean when one column has the same value in all rows: its partial dependence on that column (Friedman,
//! "Greedy Function Approximation", Annals of Statistics 29, 2001).

use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::importance::part;
use super::parts::mean;
use super::probabilities::probabilities;
use crate::data::dates::YEAR;
use crate::data::{Encoding, InputColumn, InputKind, Matrix, Task};
use crate::error::Result;
use crate::scalar::Scalar;

/// Values of a column of numbers, and categories, at most.
const POINTS: usize = 20;
const CATEGORIES: usize = 12;
/// Classes that are told of, at most, where there are more than two.
const CLASSES: usize = 5;

/// What a model says in the mean, by the value of one column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Dependence {
    /// The column's name.
    pub name: String,
    /// Its place among the input columns, from 0.
    pub column: usize,
    /// Rows over which the means are.
    pub rows: usize,
    /// Its values, ascending: quantiles of those rows; empty of a column of categories.
    pub numbers: Vec<f64>,
    /// Its categories; empty of a column of numbers.
    pub categories: Vec<String>,
    /// What is said: of a regression the first target; of two classes the probability of the positive one; of more, the
    /// probabilities of those that it changes most.
    pub said: Vec<Said>,
}

/// One output, by the value of a column.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Said {
    /// The class or the target.
    pub name: String,
    /// The mean for each value: a probability, or a number in the target's unit.
    pub means: Vec<f64>,
}

impl Dependence {
    /// The dependence on one of the columns, for rows of these inputs [rows × inputs]; `says` as in
    /// [`Importance::new`](super::Importance::new). None of a column whose inputs are neither one number nor categories, of one that is
    /// the same in all rows, and where an output is not finite.
    ///
    /// # Errors
    /// What `says` comes to; limit, if there is no memory for probabilities.
    pub fn new<T: Scalar>(
        encoding: &Encoding,
        inputs: &Matrix<T>,
        column: usize,
        mut says: impl FnMut(Range<usize>, &Matrix<T>) -> Result<Matrix<T>>,
    ) -> Result<Option<Self>> {
        let (input, rows) = (&encoding.inputs[column], inputs.rows);
        let span = encoding.spans()[column].clone();
        let (numbers, categories, values) = values(input, &part(inputs, &span));
        if values.len() < 2 {
            return Ok(None);
        }
        let mut names: Vec<&str> = match encoding.task() {
            Task::Regression => encoding.target_names(),
            Task::Classification => encoding.class_names().iter().map(String::as_str).collect(),
        };
        let mut means: Vec<Vec<f64>> = vec![Vec::new(); names.len()];
        let others: Vec<T> = values.iter().flat_map(|value| value.repeat(rows)).collect();
        let outputs = says(span.clone(), &Matrix::new(values.len() * rows, span.len(), others))?;
        let said = match encoding.task() {
            Task::Regression => encoding.decode_regression(&outputs),
            Task::Classification => probabilities(&outputs)?,
        };
        for first in (0..said.rows).step_by(rows) {
            for (output, means) in means.iter_mut().enumerate() {
                means.push(mean((first..first + rows).map(|row| said.row(row)[output])));
            }
        }
        if !means.iter().flatten().all(|mean| mean.is_finite()) {
            return Ok(None);
        }
        match encoding.task() {
            Task::Regression => names.truncate(1),
            Task::Classification if names.len() == 2 => {
                let positive = encoding.decision().positive;
                names = vec![names[positive]];
                means = vec![means.swap_remove(positive)];
            }
            Task::Classification => {}
        }
        let mut said: Vec<Said> =
            names.into_iter().zip(means).map(|(name, means)| Said { name: name.to_owned(), means }).collect();
        said.sort_by(|one, other| other.range().total_cmp(&one.range()));
        said.truncate(CLASSES);
        Ok(Some(Self { name: input.name.clone(), column, rows, numbers, categories, said }))
    }
}

impl Said {
    /// How far apart the least and the largest mean are.
    fn range(&self) -> f64 {
        let most = self.means.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        most - self.means.iter().copied().fold(f64::INFINITY, f64::min)
    }
}

/// Some values of a column, as numbers or as categories, and as the inputs that they become. A number's inputs are those of a row.
fn values<T: Scalar>(input: &InputColumn, own: &Matrix<T>) -> (Vec<f64>, Vec<String>, Vec<Vec<T>>) {
    if let InputKind::Category { categories, .. } = &input.kind {
        let count = |place: usize| (0..own.rows).filter(|&row| own.row(row)[place] == T::ONE).count();
        let mut places: Vec<(usize, usize)> = (0..categories.len()).map(|place| (count(place), place)).collect();
        places.sort_by_key(|&(count, place)| (std::cmp::Reverse(count), place));
        places.truncate(CATEGORIES);
        places.sort_by_key(|&(_, place)| place);
        let one_hot = |&(_, place): &(usize, usize)| {
            (0..categories.len()).map(|other| if other == place { T::ONE } else { T::ZERO }).collect()
        };
        let names = places.iter().map(|&(_, place)| categories[place].clone()).collect();
        return (Vec::new(), names, places.iter().map(one_hot).collect());
    }
    let InputKind::Number { scale, .. } = &input.kind else { return (Vec::new(), Vec::new(), Vec::new()) };
    let number = |row: usize| {
        let number = input.decoded(own.row(row)[0].to_f64()).filter(|number| number.is_finite())?;
        // The days of a date are told as years.
        let told = match input.calendar {
            Some(_) => tidy(1970.0 + number / YEAR, *scale / YEAR),
            None => tidy(number, *scale),
        };
        Some((told, row))
    };
    let mut sorted: Vec<(f64, usize)> = (0..own.rows).filter_map(number).collect();
    sorted.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.cmp(&other.1)));
    let mut different = sorted.clone();
    different.dedup_by_key(|point| point.0);
    if different.len() > POINTS {
        different = (0..POINTS).map(|point| sorted[point * (sorted.len() - 1) / (POINTS - 1)]).collect();
        different.dedup_by_key(|point| point.0);
    }
    let numbers = different.iter().map(|point| point.0).collect();
    (numbers, Vec::new(), different.iter().map(|&(_, row)| own.row(row).to_vec()).collect())
}

/// A number as it was before it became one of the network's inputs: without what rounding did to it there, which is far below the
/// column's scale.
fn tidy(number: f64, scale: f64) -> f64 {
    let decimals = (4.0 - libm::floor(libm::log10(scale))).clamp(0.0, 300.0) as usize;
    format!("{number:.decimals$}").parse::<f64>().map_or(number, |tidy| tidy + 0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Decision;
    use crate::data::{Bins, NumberTarget, Numerals, Target};

    fn column(name: &str, kind: InputKind) -> InputColumn {
        InputColumn::new(name, kind)
    }

    fn encoding(target: Target) -> Encoding {
        let bins = Bins { edges: vec![0.0, 10.0, 20.0], reach: None };
        let number = InputKind::Number { offset: 10.0, scale: 2.0, missing: None, bins };
        let category = InputKind::Category { categories: vec!["a".into(), "b".into()], missing: None };
        let inputs = vec![column("x", number), column("kind", category)];
        Encoding { inputs, target, missing_values: None, numerals: Numerals::default() }
    }

    /// Rows whose x goes from 0 on in steps of ½, with both categories in turn.
    fn inputs(encoding: &Encoding, rows: usize) -> Matrix<f64> {
        let row = |row: usize| {
            let x = encoding.inputs[0].encoded(0.5 * row as f64).collect::<Vec<_>>();
            [x, vec![((row + 1) % 2) as f64, (row % 2) as f64]].concat()
        };
        Matrix::new(rows, 5, (0..rows).flat_map(row).collect())
    }

    fn replaced(inputs: &Matrix<f64>, span: &Range<usize>, others: &Matrix<f64>) -> Matrix<f64> {
        let mut inputs = inputs.gathered(&(0..others.rows).map(|row| row % inputs.rows).collect::<Vec<_>>());
        for row in 0..inputs.rows {
            inputs.values[row * 5 + span.start..row * 5 + span.end].copy_from_slice(others.row(row));
        }
        inputs
    }

    #[test]
    fn a_line_is_the_line_that_the_model_draws() {
        let target = Target::Regression { columns: vec![NumberTarget { name: "y".into(), offset: 100.0, scale: 10.0 }] };
        let encoding = encoding(target);
        let inputs = inputs(&encoding, 41);
        // In the target's unit y = 100 + 10 (x's scaled number + what its second bin says + 3 for b).
        let model = |inputs: &Matrix<f64>| {
            let said = |row: usize| inputs.row(row)[0] + inputs.row(row)[2] + 3.0 * inputs.row(row)[4];
            Matrix::new(inputs.rows, 1, (0..inputs.rows).map(said).collect())
        };
        let says = |span: Range<usize>, others: &Matrix<f64>| Ok(model(&replaced(&inputs, &span, others)));
        let x = Dependence::new(&encoding, &inputs, 0, says).expect("outputs").expect("a line");
        assert_eq!((x.numbers.len(), x.numbers[0], x.numbers[POINTS - 1], x.said.len()), (POINTS, 0.0, 20.0, 1));
        for (number, mean) in x.numbers.iter().zip(&x.said[0].means) {
            let expected = 100.0 + 10.0 * ((number - 10.0) / 2.0 + ((number - 10.0) / 10.0).max(0.0) + 3.0 * 20.0 / 41.0);
            assert!((mean - expected).abs() < 1e-9, "{number}: {mean}, expected {expected}");
        }
        let says = |span: Range<usize>, others: &Matrix<f64>| Ok(model(&replaced(&inputs, &span, others)));
        let kind = Dependence::new(&encoding, &inputs, 1, says).expect("outputs").expect("two categories");
        assert_eq!((&kind.categories[..], kind.numbers.len()), (&["a".to_owned(), "b".into()][..], 0));
        assert!((kind.said[0].means[1] - kind.said[0].means[0] - 30.0).abs() < 1e-9, "{kind:?}");
    }

    #[test]
    fn of_two_classes_the_positive_one_is_told_and_of_many_those_that_change() {
        for (classes, positive, told) in [(2, 1, 1), (2, 0, 1), (9, 1, CLASSES)] {
            let names: Vec<String> = (0..classes).map(|class| format!("c{class}")).collect();
            let decision = Decision { positive, threshold: None };
            let encoding = encoding(Target::Classification { column: "y".into(), classes: names, decision });
            let inputs = inputs(&encoding, 8);
            let says = |_: Range<usize>, others: &Matrix<f64>| {
                let share = |row: usize| 0.5 + 0.01 * others.row(row)[0];
                let output = |row: usize, class: usize| match class {
                    0 => share(row),
                    1 => 1.0 - share(row),
                    _ => 0.0,
                };
                Ok(Matrix::new(
                    others.rows,
                    classes,
                    (0..others.rows * classes).map(|place| output(place / classes, place % classes)).collect(),
                ))
            };
            let found = Dependence::new(&encoding, &inputs, 0, says).expect("outputs").expect("a line");
            assert_eq!((found.said.len(), found.numbers.len()), (told, 8));
            let name = format!("c{positive}");
            let means = &found.said.iter().find(|said| said.name == name).expect("the positive class").means;
            assert!(if positive == 0 { means[0] < means[7] } else { means[0] > means[7] }, "{found:?}");
        }
    }

    #[test]
    fn a_column_that_is_the_same_in_all_rows_has_none() {
        let target = Target::Regression { columns: vec![NumberTarget { name: "y".into(), offset: 0.0, scale: 1.0 }] };
        let encoding = encoding(target);
        let one = inputs(&encoding, 1).values.repeat(4);
        let says = |_: Range<usize>, _: &Matrix<f64>| panic!("nothing to ask");
        assert_eq!(Dependence::new(&encoding, &Matrix::new(4, 5, one), 0, says).expect("nothing"), None);
    }
}
