//! How much a model goes by each column: what it loses when the cells of that column are dealt out to other rows (Breiman, "Random
//! Forests", Machine Learning 45, 2001).

use std::fmt;
use std::ops::Range;

use serde::{Deserialize, Serialize};

use super::classification::{decided_class, log_loss};
use super::parts::{mean, shortened, write_table};
use super::probabilities::probabilities;
use super::truth::Truth;
use super::{Regression, significant};
use crate::data::{Encoding, Matrix};
use crate::error::{Result, shown};
use crate::random::{Purpose, Stream};
use crate::scalar::Scalar;

/// The importance of every input column, over some rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// Rows that were judged.
    pub rows: usize,
    /// How often the cells of each column were shuffled.
    pub shuffles: usize,
    /// What the loss is: `log-loss`, or `mse` in the targets' own units squared.
    pub loss_name: String,
    /// The loss of the rows as they are.
    pub loss: f64,
    /// What the score is: `accuracy` or `r2`.
    pub score_name: String,
    /// The score of the rows as they are; none where it is not defined.
    pub score: Option<f64>,
    /// The columns, the most important first.
    pub columns: Vec<ColumnImportance>,
}

/// The importance of one column: means over the shuffles, and standard deviations (of all of them, not of a sample).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ColumnImportance {
    /// Its name.
    pub name: String,
    /// Its place among the input columns, from 0.
    pub column: usize,
    /// By how much the loss rises.
    pub rise: f64,
    /// The standard deviation of that.
    pub deviation: f64,
    /// By how much the score drops; none where it is not defined.
    pub drop: Option<f64>,
    /// The standard deviation of that.
    pub drop_deviation: Option<f64>,
}

impl Importance {
    /// Shuffles of a column.
    pub const SHUFFLES: usize = 5;

    /// The order in which rows give a column's cells to the others in one of the shuffles.
    pub fn order(rows: usize, seed: u64, column: usize, shuffle: usize) -> Vec<usize> {
        let mut order: Vec<usize> = (0..rows).collect();
        let stream = (column * Self::SHUFFLES + shuffle) as u64;
        Stream::new(seed, Purpose::Importance, stream).shuffle(&mut order);
        order
    }

    /// The importance of the columns for rows of these inputs [rows × inputs]. `says` gives the outputs [rows × outputs] of the rows when
    /// the inputs in a range are others [rows × inputs in the range], and of several times all rows one time after the other. All inputs that one column becomes are exchanged together. None
    /// where an output is not finite.
    ///
    /// # Errors
    /// What `says` comes to; limit, if there is no memory for probabilities.
    pub fn new<T: Scalar>(
        encoding: &Encoding,
        inputs: &Matrix<T>,
        truth: &Truth,
        seed: u64,
        mut says: impl FnMut(Range<usize>, &Matrix<T>) -> Result<Matrix<T>>,
    ) -> Result<Option<Self>> {
        let rows = inputs.rows;
        let (loss, score) = cost(encoding, truth, &says(0..0, &Matrix::new(rows, 0, Vec::new()))?)?;
        let mut columns = Vec::with_capacity(encoding.inputs.len());
        for (column, span) in encoding.spans().into_iter().enumerate() {
            let own = part(inputs, &span);
            let is_constant = (1..rows).all(|row| own.row(row) == own.row(0));
            let (mut rises, mut drops) = (Vec::new(), Vec::new());
            let shuffles = if is_constant { 0 } else { Self::SHUFFLES };
            let orders: Vec<usize> = (0..shuffles).flat_map(|shuffle| Self::order(rows, seed, column, shuffle)).collect();
            let outputs = says(span, &own.gathered(&orders))?;
            for shuffled in outputs.values.chunks_exact(rows * outputs.columns) {
                let outputs = Matrix::new(rows, outputs.columns, shuffled.to_vec());
                let (shuffled_loss, shuffled_score) = cost(encoding, truth, &outputs)?;
                rises.push(shuffled_loss - loss);
                drops.extend(score.zip(shuffled_score).map(|(score, shuffled)| score - shuffled));
            }
            let [rise, drop] = [rises, drops].map(|values| if is_constant { (0.0, 0.0) } else { spread(&values) });
            columns.push(ColumnImportance {
                name: encoding.inputs[column].name.clone(),
                column,
                rise: rise.0,
                deviation: rise.1,
                drop: score.map(|_| drop.0),
                drop_deviation: score.map(|_| drop.1),
            });
        }
        if !loss.is_finite() || !columns.iter().all(|column| column.rise.is_finite() && column.deviation.is_finite()) {
            return Ok(None);
        }
        columns.sort_by(|one, other| other.rise.total_cmp(&one.rise));
        let [loss_name, score_name] = match truth {
            Truth::Classes(_) => ["log-loss", "accuracy"],
            Truth::Numbers(_) => ["mse", "r2"],
        }
        .map(str::to_owned);
        Ok(Some(Self { rows, shuffles: Self::SHUFFLES, loss_name, loss, score_name, score, columns }))
    }

    /// What the loss is called, for people.
    pub fn loss_called(&self) -> &str {
        if self.loss_name == "mse" { "MSE" } else { "log loss" }
    }

    /// For people, how the loss changes, with its deviation (of an MSE as a share of it), and how the score does.
    pub fn told(&self, column: &ColumnImportance) -> [String; 2] {
        let signed = |value: f64| if value.abs() < 5e-5 { "0".to_owned() } else { format!("{value:+.4}") };
        let loss = match self.loss_name == "mse" && self.loss > 0.0 {
            true => {
                let percent = |value: f64| 100.0 * value / self.loss;
                format!("{:+.1} ± {:.1} %", percent(column.rise), percent(column.deviation))
            }
            false => format!("{} ± {:.4}", signed(column.rise), column.deviation),
        };
        [loss, column.drop.map_or("undefined".to_owned(), |drop| signed(-drop))]
    }

    /// What the score is called, for people.
    pub fn score_called(&self) -> &str {
        if self.score_name == "r2" { "R²" } else { "accuracy" }
    }
}

/// The inputs in a range, of every row.
pub(super) fn part<T: Scalar>(inputs: &Matrix<T>, span: &Range<usize>) -> Matrix<T> {
    let values = (0..inputs.rows).flat_map(|row| inputs.row(row)[span.clone()].iter().copied()).collect();
    Matrix::new(inputs.rows, span.len(), values)
}

/// The loss of outputs, and their score where it is defined.
fn cost<T: Scalar>(encoding: &Encoding, truth: &Truth, outputs: &Matrix<T>) -> Result<(f64, Option<f64>)> {
    match truth {
        Truth::Classes(classes) => {
            let probabilities = probabilities(outputs)?;
            let is_right = |row: usize| decided_class(encoding.decision(), probabilities.row(row)) == Some(classes[row]);
            let right = (0..probabilities.rows).filter(|&row| is_right(row)).count();
            let loss = log_loss(&probabilities.values, classes, probabilities.columns);
            Ok((loss, Some(right as f64 / classes.len() as f64)))
        }
        Truth::Numbers(numbers) => {
            let names = vec![String::new(); numbers.columns];
            let scores = Regression::new(&encoding.decode_regression(outputs).values, &numbers.values, &names);
            Ok((scores.mse, scores.r2))
        }
    }
}

/// The mean of some values and their standard deviation.
fn spread(values: &[f64]) -> (f64, f64) {
    let centre = mean(values.iter().copied());
    (centre, mean(values.iter().map(|value| (value - centre).powi(2))).sqrt())
}

impl fmt::Display for Importance {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        /// Columns that are listed, at most.
        const LISTED: usize = 20;
        let (loss, score) = (self.loss_called(), self.score_called());
        writeln!(
            formatter,
            "importance: the rise of the {loss} ({}) when a column's cells are shuffled, mean ± deviation of {} shuffles",
            significant(self.loss),
            self.shuffles
        )?;
        let mut table = vec![vec!["column".to_owned(), loss.to_owned(), score.to_owned()]];
        for column in self.columns.iter().take(LISTED) {
            let name = shortened(&shown(&column.name), 32);
            table.push([name].into_iter().chain(self.told(column)).collect());
        }
        write_table(formatter, &table)?;
        if self.columns.len() > LISTED {
            writeln!(formatter, "… and {} columns of less importance (--json lists them all)", self.columns.len() - LISTED)?;
        }
        writeln!(formatter, "over {} rows", self.rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::Decision;
    use crate::data::{Bins, InputColumn, InputKind, NumberTarget, Numerals, Target};

    fn encoding() -> Encoding {
        let number = InputKind::Number { offset: 0.0, scale: 1.0, missing: None, bins: Bins::default() };
        let category = InputKind::Category { categories: ["a", "b", "c"].map(str::to_owned).into(), missing: None };
        let column = |name: &str, kind: &InputKind| InputColumn::new(name, kind.clone());
        Encoding {
            inputs: vec![column("noise", &number), column("kind", &category), column("same", &number), column("x", &number)],
            target: Target::Regression { columns: vec![NumberTarget { name: "y".into(), offset: 0.0, scale: 1.0 }] },
            missing_values: None,
            numerals: Numerals::default(),
        }
    }

    /// 60 rows: noise, a category as three inputs, a constant, and x.
    fn inputs() -> Matrix<f64> {
        let mut stream = Stream::new(3, Purpose::Test, 0);
        let row = |index: usize| {
            let mut row = vec![0.0; 6];
            row[0] = stream.normal();
            row[1 + index % 3] = 1.0;
            row[4] = 7.0;
            row[5] = stream.normal();
            row
        };
        Matrix::new(60, 6, (0..60).flat_map(row).collect())
    }

    /// y = 3x + the category's number, whatever the noise.
    fn model(inputs: &Matrix<f64>) -> Matrix<f64> {
        let said = |row: usize| {
            let row = inputs.row(row);
            3.0 * row[5] + row[2] + 2.0 * row[3]
        };
        Matrix::new(inputs.rows, 1, (0..inputs.rows).map(said).collect())
    }

    fn replaced(inputs: &Matrix<f64>, span: &Range<usize>, others: &Matrix<f64>) -> Matrix<f64> {
        let mut inputs = inputs.gathered(&(0..others.rows).map(|row| row % inputs.rows).collect::<Vec<_>>());
        for row in 0..inputs.rows {
            let first = row * inputs.columns;
            inputs.values[first + span.start..first + span.end].copy_from_slice(others.row(row));
        }
        inputs
    }

    #[test]
    fn what_decides_the_target_comes_first_and_what_says_nothing_has_no_importance() {
        let (inputs, encoding) = (inputs(), encoding());
        let truth = Truth::Numbers(model(&inputs));
        let importance = |seed| {
            let says = |span: Range<usize>, others: &Matrix<f64>| Ok(model(&replaced(&inputs, &span, others)));
            Importance::new(&encoding, &inputs, &truth, seed, says).expect("outputs").expect("finite ones")
        };
        let found = importance(1);
        let names: Vec<&str> = found.columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!((&names[..2], found.loss, found.score), (&["x", "kind"][..], 0.0, Some(1.0)));
        assert!(
            found.columns[2..].iter().all(|column| (column.rise, column.deviation, column.drop) == (0.0, 0.0, Some(0.0)))
        );
        // In the mean over all orders, exchanging x costs twice its variance times the square of its weight.
        let x: Vec<f64> = (0..60).map(|row| inputs.row(row)[5]).collect();
        let expected = 2.0 * 9.0 * spread(&x).1.powi(2);
        assert!((found.columns[0].rise / expected - 1.0).abs() < 0.25, "{found:?}, {expected}");
        assert!(found.columns[0].deviation > 0.0 && found.columns[0].drop.is_some_and(|drop| drop > 1.0), "{found:?}");
        assert_eq!(found, importance(1), "the same seed, the same bits");
        assert_ne!(found, importance(2));
        assert!(found.to_string().contains("kind") && found.to_string().contains("over 60 rows"), "{found}");
    }

    #[test]
    fn a_shuffled_category_stays_one_of_them_and_each_is_as_frequent_as_before() {
        let (inputs, encoding) = (inputs(), encoding());
        let mut seen = 0;
        let says = |span: Range<usize>, others: &Matrix<f64>| {
            if span == (1..4) {
                seen += 1;
                let ones: Vec<usize> =
                    (0..others.rows).map(|row| others.row(row).iter().filter(|&&value| value == 1.0).count()).collect();
                let sums =
                    (0..3).map(|place| (0..others.rows).map(|row| others.row(row)[place]).sum::<f64>()).collect::<Vec<_>>();
                assert_eq!((ones, sums), (vec![1; 300], vec![100.0; 3]));
            }
            Ok(model(&replaced(&inputs, &span, others)))
        };
        Importance::new(&encoding, &inputs, &Truth::Numbers(model(&inputs)), 1, says).expect("outputs");
        assert_eq!(seen, 1, "all shuffles at once");
    }

    #[test]
    fn classes_are_judged_by_their_log_loss_and_outputs_that_are_not_finite_not_at_all() {
        let inputs = Matrix::new(4, 1, vec![0.0, 1.0, 0.0, 1.0]);
        let mut encoding = encoding();
        encoding.inputs.truncate(1);
        encoding.target = Target::Classification {
            column: "y".into(),
            classes: vec!["no".into(), "yes".into()],
            decision: Decision::default(),
        };
        let truth = Truth::Classes(vec![0, 1, 0, 1]);
        let output = |value: f64| move |x: &f64| if *x > 0.5 { value } else { 0.1 };
        let importance = |value: f64| {
            let says = |span: Range<usize>, others: &Matrix<f64>| {
                let cells = if span.is_empty() { &inputs } else { others };
                Ok(Matrix::new(cells.rows, 1, cells.values.iter().map(output(value)).collect()))
            };
            Importance::new(&encoding, &inputs, &truth, 5, says).expect("outputs")
        };
        let found = importance(0.9).expect("finite outputs");
        assert!((found.loss + 0.9_f64.ln()).abs() < 1e-12 && found.score == Some(1.0), "{found:?}");
        // Each of the five orders takes some number of rows for the wrong class.
        let orders = (0..5).map(|shuffle| Importance::order(4, 5, 0, shuffle));
        let wrong = orders.map(|order| order.iter().enumerate().filter(|(row, from)| row % 2 != *from % 2).count());
        let share = wrong.sum::<usize>() as f64 / 20.0;
        assert!((found.columns[0].drop.expect("a drop") - share).abs() < 1e-12 && share > 0.0, "{found:?}, {share}");
        assert!((found.columns[0].rise - share * (0.9_f64.ln() - 0.1_f64.ln())).abs() < 1e-12, "{found:?}");
        assert_eq!(importance(f64::NAN), None);
    }

    #[test]
    fn the_score_is_of_the_classes_that_the_threshold_decides() {
        let inputs = Matrix::new(4, 1, vec![0.1, 0.9, 0.1, 0.9]);
        let mut encoding = encoding();
        encoding.inputs.truncate(1);
        let truth = Truth::Classes(vec![0, 1, 0, 1]);
        // By 0.05 all four rows are `yes`, by 0.95 all are `no`; in both cases shuffling the column changes nothing.
        for (positive, threshold, score) in
            [(1, None, 1.0), (1, Some(0.05), 0.5), (1, Some(0.95), 0.5), (0, Some(0.85), 1.0)]
        {
            encoding.target = Target::Classification {
                column: "y".into(),
                classes: vec!["no".into(), "yes".into()],
                decision: Decision { positive, threshold },
            };
            let says = |span: Range<usize>, others: &Matrix<f64>| {
                let cells = if span.is_empty() { &inputs } else { others };
                Ok(Matrix::new(cells.rows, 1, cells.values.clone()))
            };
            let found = Importance::new(&encoding, &inputs, &truth, 5, says).expect("outputs").expect("finite outputs");
            assert_eq!(found.score, Some(score), "{found:?}");
            let drop = found.columns[0].drop.expect("a drop");
            assert_eq!(drop > 0.0, score == 1.0, "{found:?}");
        }
    }
}
