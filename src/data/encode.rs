//! Applying an encoding: a table's rows to the network's inputs and targets, its outputs back to classes and units.

use std::collections::HashMap;

use rayon::prelude::*;

use super::categories::{Categories, missing_cell, missing_target};
use super::dates;
use super::{Cells, Encoding, InputColumn, InputKind, Matrix, NumberTarget, Table, Target};
use crate::error::{Error, Obstacle, Remedy, Result, shown};
use crate::scalar::Scalar;

/// One column of a table, as its cells become numbers.
enum Encoder<'a, T> {
    /// What each byte becomes.
    Bytes(&'a [u8], Vec<T>),
    /// The column's position, how its numbers are encoded, and what stands in for one that is missing.
    Numbers { table: &'a Table, position: usize, column: &'a InputColumn, missing: Option<f64> },
    /// The category of each of the rows in question, none for one not seen in training, and how many categories there are.
    Categories(Vec<Option<usize>>, usize),
}

impl Encoding {
    /// The network's inputs for `rows` of the table: rows × [`Encoding::inputs`].
    ///
    /// # Errors
    /// Data, naming line and column: absent columns, missing cells without a stand-in, text for a number, numbers that leave `T`
    /// when scaled. Categories not seen in training are none of the known ones ([`super::remarks::unseen_categories`]).
    pub fn encode_inputs<T: Scalar>(&self, table: &Table, rows: &[usize]) -> Result<Matrix<T>> {
        let mut matrix = Matrix::zeros(rows.len(), self.inputs());
        self.encode_inputs_into(table, rows, &mut matrix.values)?;
        Ok(matrix)
    }

    /// As [`encode_inputs`](Self::encode_inputs), into the values of a matrix, which are zero.
    ///
    /// # Errors
    /// As there.
    pub fn encode_inputs_into<T: Scalar>(&self, table: &Table, rows: &[usize], values: &mut [T]) -> Result<()> {
        /// Columns at a time: so many streams are read side by side into neighbouring cells of a row.
        const GROUP: usize = 64;
        self.check_columns(table)?;
        let (width, positions) = (self.inputs(), table.positions());
        let mut start = 0;
        for group in self.inputs.chunks(GROUP) {
            let encoders: Vec<Result<Encoder<'_, T>>> =
                group.par_iter().map(|column| column.encoder(table, positions[column.name.as_str()], rows)).collect();
            let encoders = encoders.into_iter().collect::<Result<Vec<_>>>()?;
            let encoded = values.par_chunks_exact_mut(width.max(1)).enumerate().try_for_each(|(index, values)| {
                let mut place = start;
                for encoder in &encoders {
                    place += encoder.encode(index, rows[index], &mut values[place..])?;
                }
                Ok(())
            });
            if let Err(any) = encoded {
                return Err(first_refused(&encoders, rows, width).unwrap_or(any));
            }
            start += group.iter().map(InputColumn::width).sum::<usize>();
        }
        Ok(())
    }

    /// The targets for `rows` of the table: rows × `outputs`. Of a regression, the scaled numbers; of a classification, 1
    /// for the row's class among as many outputs as there are classes, or, with one output, 1 for the second of two classes.
    ///
    /// # Errors
    /// Data, naming line and column, for absent, missing or unknown targets; Usage, if a net of so many outputs cannot say
    /// them.
    pub fn encode_targets<T: Scalar>(&self, table: &Table, rows: &[usize], outputs: usize) -> Result<Matrix<T>> {
        let mut matrix = Matrix::zeros(rows.len(), outputs);
        self.encode_targets_into(table, rows, outputs, &mut matrix.values)?;
        Ok(matrix)
    }

    /// As [`encode_targets`](Self::encode_targets), into the values of a matrix, which are zero.
    ///
    /// # Errors
    /// As there.
    pub fn encode_targets_into<T: Scalar>(
        &self,
        table: &Table,
        rows: &[usize],
        outputs: usize,
        values: &mut [T],
    ) -> Result<()> {
        match &self.target {
            Target::Classification { classes, .. } => {
                if outputs != classes.len() && (outputs, classes.len()) != (1, 2) {
                    let count = classes.len();
                    return Err(Error::Usage(format!(
                        "{outputs} outputs cannot tell {count} classes apart; give the net {count}"
                    )));
                }
                for (row, class) in self.class_indices(table, rows)?.into_iter().enumerate() {
                    match outputs {
                        1 => values[row] = T::from_f64(class as f64),
                        _ => values[row * outputs + class] = T::ONE,
                    }
                }
            }
            Target::Regression { columns } => {
                if outputs != columns.len() {
                    let count = columns.len();
                    return Err(Error::Usage(format!("{outputs} outputs are not one for each of {count} target columns")));
                }
                let positions = table.positions();
                for (output, column) in columns.iter().enumerate() {
                    let numbers = column.numbers(table, &positions, rows)?;
                    for (row, number) in numbers.into_iter().enumerate() {
                        let value = T::from_f64((number - column.offset) / column.scale);
                        values[row * outputs + output] = finite(value, table, rows[row], &column.name)?;
                    }
                }
            }
        }
        Ok(())
    }

    /// The class of each of `rows`, as an index into [`Encoding::class_names`].
    ///
    /// # Errors
    /// Data, naming line and column, for absent, missing or unknown classes.
    ///
    /// # Panics
    /// If the task is regression.
    pub fn class_indices(&self, table: &Table, rows: &[usize]) -> Result<Vec<usize>> {
        let Target::Classification { column, classes, .. } = &self.target else { panic!("a regression has no classes") };
        let position = table.position(column).ok_or_else(|| no_target(table, column))?;
        if let Some(&row) = rows.iter().find(|&&row| table.columns[position].cells.is_missing(row)) {
            return Err(missing_target(table, row, position));
        }
        Categories::new(classes).codes(table, position, rows)
    }

    /// What finds the class that a text names, as an index into [`Encoding::class_names`].
    pub(crate) fn classes(&self) -> Categories<'_> {
        Categories::new(self.class_names())
    }

    /// The targets of a regression in their own units: rows × target columns.
    ///
    /// # Errors
    /// Data, naming line and column, for absent or missing targets and those that are no numbers.
    ///
    /// # Panics
    /// If the task is classification.
    pub fn regression_targets(&self, table: &Table, rows: &[usize]) -> Result<Matrix<f64>> {
        let Target::Regression { columns } = &self.target else { panic!("a classification has no target numbers") };
        let positions = table.positions();
        let numbers = columns.iter().map(|column| column.numbers(table, &positions, rows));
        let mut numbers: Vec<Vec<f64>> = numbers.collect::<Result<_>>()?;
        if columns.len() == 1 {
            return Ok(Matrix::new(rows.len(), 1, numbers.remove(0)));
        }
        Ok(Matrix::new(columns.len(), rows.len(), numbers.concat()).transposed())
    }

    /// A regression's outputs (rows × target columns) in the targets' own units.
    ///
    /// # Panics
    /// If the task is classification or the number of outputs is not that of the target columns.
    pub fn decode_regression<T: Scalar>(&self, outputs: &Matrix<T>) -> Matrix<f64> {
        let Target::Regression { columns } = &self.target else { panic!("a classification has no target numbers") };
        assert_eq!(outputs.columns, columns.len(), "one output a target column");
        let unit = |(value, column): (&T, &NumberTarget)| value.to_f64() * column.scale + column.offset;
        let values = outputs.values.iter().zip(columns.iter().cycle()).map(unit).collect();
        Matrix::new(outputs.rows, outputs.columns, values)
    }
}

impl InputColumn {
    /// How the column at this position of the table becomes numbers.
    fn encoder<'a, T: Scalar>(&'a self, table: &'a Table, position: usize, rows: &[usize]) -> Result<Encoder<'a, T>> {
        match &self.kind {
            InputKind::Number { missing, bins, .. } => {
                let is_plain = bins.is_empty() && self.calendar.is_none();
                if let (Cells::Bytes(cells), true) = (&table.columns[position].cells, is_plain) {
                    let scaled = (0..=u8::MAX).flat_map(|byte| self.encoded(f64::from(byte)));
                    let values: Vec<T> = scaled.map(T::from_f64).collect();
                    if values.iter().all(|value| value.is_finite()) {
                        return Ok(Encoder::Bytes(cells, values));
                    }
                }
                Ok(Encoder::Numbers { table, position, column: self, missing: *missing })
            }
            InputKind::Category { categories, missing } => {
                let codes = Categories::new(categories).known(table, position, rows, missing.as_deref())?;
                Ok(Encoder::Categories(codes, categories.len()))
            }
        }
    }
}

impl<T: Scalar> Encoder<'_, T> {
    /// Writes what one row becomes, `row` in the table and at `index` among those in question, to the beginning of `values`, which
    /// are zero; gives how many numbers that is.
    fn encode(&self, index: usize, row: usize, values: &mut [T]) -> Result<usize> {
        match self {
            Self::Bytes(cells, numbers) => values[0] = numbers[usize::from(cells[row])],
            Self::Numbers { table, position, column, missing } => {
                let number = match column.calendar {
                    None => number_at(table, *position, row)?,
                    Some(calendar) => days_at(table, *position, row)?.map(|days| calendar.reduced(days)),
                };
                let number = number.or(*missing).ok_or_else(|| missing_cell(table, row, *position))?;
                let mut width = 0;
                for (value, encoded) in values.iter_mut().zip(column.encoded(number)) {
                    *value = finite(T::from_f64(encoded), table, row, &column.name)?;
                    width += 1;
                }
                return Ok(width);
            }
            Self::Categories(codes, count) => {
                if let Some(code) = codes[index] {
                    values[code] = T::ONE;
                }
                return Ok(*count);
            }
        }
        Ok(1)
    }
}

/// What is wrong with the first cell that cannot be encoded, column by column: threads find any.
fn first_refused<T: Scalar>(encoders: &[Encoder<'_, T>], rows: &[usize], width: usize) -> Option<Error> {
    let mut values = vec![T::ZERO; width];
    let cells = encoders.iter().flat_map(|encoder| rows.iter().enumerate().map(move |(index, &row)| (encoder, index, row)));
    cells.into_iter().find_map(|(encoder, index, row)| encoder.encode(index, row, &mut values).err())
}

impl NumberTarget {
    fn numbers(&self, table: &Table, positions: &HashMap<&str, usize>, rows: &[usize]) -> Result<Vec<f64>> {
        let position = positions.get(self.name.as_str()).copied().ok_or_else(|| no_target(table, &self.name))?;
        rows.iter()
            .map(|&row| number_at(table, position, row)?.ok_or_else(|| missing_target(table, row, position)))
            .collect()
    }
}

fn finite<T: Scalar>(value: T, table: &Table, row: usize, column: &str) -> Result<T> {
    if value.is_finite() {
        return Ok(value);
    }
    let place = table.place(row, column);
    Err(Error::Data(format!(
        "{place}: the number is so far from the training rows' that it leaves {} when scaled; mend it",
        T::NAME
    )))
}

/// The number in a cell, none if it is missing. Text that is a number counts.
pub(crate) fn number_at(table: &Table, position: usize, row: usize) -> Result<Option<f64>> {
    let column = &table.columns[position];
    let Cells::Text(cells) = &column.cells else { return Ok(column.cells.number(row)) };
    let Some(cell) = cells.get(row) else { return Ok(None) };
    match table.numerals.parse(cell) {
        Some(number) if number.is_finite() => Ok(Some(number)),
        _ => {
            let hint = match table.numerals.other_flags(|| std::iter::once(cell)) {
                // As 1,234 is, which may be a thousand and some or one and some decimals.
                Some(flags) if flags.contains(" or ") => format!("say {flags} as it is meant"),
                Some(flags) => format!("say {flags} if it is one"),
                None => "mend it".into(),
            };
            let place = table.place(row, &column.name);
            Err(Error::Data(format!("{place}: '{}' is no number; {hint}", shown(cell))))
        }
    }
}

/// The days since 1970 of a date in a cell, none if it is missing.
fn days_at(table: &Table, position: usize, row: usize) -> Result<Option<f64>> {
    let column = &table.columns[position];
    let Some(cell) = column.cells.text(row) else { return Ok(None) };
    let days = if column.cells.is_text() { dates::days(&cell) } else { None };
    days.map(Some).ok_or_else(|| {
        let place = table.place(row, &column.name);
        let text =
            format!("{place}: '{}' is no date in ISO form, such as 2024-01-31 or 2024-01-31T12:30; mend it", shown(&cell));
        Obstacle::error(text, Remedy::None)
    })
}

fn no_target(table: &Table, name: &str) -> Error {
    let (source, name) = (shown(&table.source), shown(name));
    Error::Data(format!("{source}: the target column '{name}' is missing, without which there is nothing to compare with"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Column, FitOptions, Missing, ReadOptions, Scale, Task, csv};
    use crate::random::{Purpose, Stream};

    fn table(text: &str) -> Table {
        csv::read("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    fn all(table: &Table) -> Vec<usize> {
        (0..table.rows).collect()
    }

    fn fitted(text: &str, options: &FitOptions) -> Encoding {
        let table = table(text);
        Encoding::fit(&table, &all(&table), options).unwrap()
    }

    fn inputs<T: Scalar>(encoding: &Encoding, text: &str) -> Result<Matrix<T>> {
        let table = table(text);
        encoding.encode_inputs(&table, &all(&table))
    }

    fn minmax() -> FitOptions {
        FitOptions { scale: Some(Scale::Minmax), ..Default::default() }
    }

    const SMALL: &str = "x,town,y\n1,b,0.5\n3,a,1.5\n5,b,5.5\n";

    #[test]
    fn numbers_are_scaled_and_categories_are_one_hot_in_both_precisions() {
        let encoding = fitted(SMALL, &minmax());
        let expected = vec![0.0, 0.0, 1.0, 0.5, 1.0, 0.0, 1.0, 0.0, 1.0];
        assert_eq!(inputs::<f64>(&encoding, SMALL).unwrap(), Matrix::new(3, 3, expected));
        let third = "x,town,y\n1.1,b,0\n";
        let exact = inputs::<f64>(&encoding, third).unwrap().values[0];
        assert_eq!(exact, (1.1 - 1.0) / 4.0);
        assert_eq!(inputs::<f32>(&encoding, third).unwrap().values[0], exact as f32);
    }

    #[test]
    fn columns_may_come_in_any_order_with_others_and_without_the_target() {
        let encoding = fitted(SMALL, &minmax());
        let moved = "other,town,x\nq,b,1\nr,a,3\ns,b,5\n";
        assert_eq!(inputs::<f32>(&encoding, moved).unwrap(), inputs::<f32>(&encoding, SMALL).unwrap());
        assert!(inputs::<f32>(&encoding, "x,y\n1,2\n").unwrap_err().to_string().contains("'town'"));
    }

    #[test]
    fn rows_are_taken_in_the_order_asked_for() {
        let encoding = fitted(SMALL, &minmax());
        let matrix: Matrix<f64> = encoding.encode_inputs(&table(SMALL), &[2, 0]).unwrap();
        assert_eq!(matrix, Matrix::new(2, 3, vec![1.0, 0.0, 1.0, 0.0, 0.0, 1.0]));
        assert_eq!(encoding.encode_targets::<f64>(&table(SMALL), &[2, 0], 1).unwrap().values, [1.0, 0.0]);
    }

    #[test]
    fn training_inputs_have_mean_zero_and_deviation_one() {
        let rows: String = (0..100).map(|row| format!("{},{}\n", (row * row) % 37, row)).collect();
        let text = format!("x,y\n{rows}");
        let matrix: Matrix<f64> = inputs(&fitted(&text, &FitOptions::default()), &text).unwrap();
        let mean = matrix.values.iter().sum::<f64>() / 100.0;
        let variance = matrix.values.iter().map(|value| value * value).sum::<f64>() / 100.0;
        assert!(mean.abs() < 1e-14 && (variance - 1.0).abs() < 1e-14, "mean {mean}, variance {variance}");
    }

    #[test]
    fn more_columns_than_a_group_keep_their_places() {
        let columns = 150;
        let cells = |column: usize| Cells::Bytes((0..5).map(|row| (row * 50 + column) as u8).collect());
        let mut columns: Vec<Column> = (0..columns).map(|column| Column::new(column.to_string(), cells(column))).collect();
        columns[70].cells = Cells::Text(["a", "b", "a", "b", "a"].map(Some).into_iter().collect());
        let table = Table::new("wide", columns);
        let encoding =
            Encoding::fit(&table, &all(&table), &FitOptions { scale: Some(Scale::None), ..Default::default() }).unwrap();
        let matrix: Matrix<f32> = encoding.encode_inputs(&table, &all(&table)).unwrap();
        assert_eq!((matrix.rows, matrix.columns), (5, 150));
        for row in 0..5 {
            let expected: Vec<f32> = (0..149)
                .flat_map(|column| match column {
                    70 => [[1.0, 0.0], [0.0, 1.0]][row % 2].to_vec(),
                    _ => vec![f32::from((row * 50 + column) as u8)],
                })
                .collect();
            assert_eq!(matrix.row(row), expected);
        }
    }

    #[test]
    fn bytes_become_0_to_1() {
        let table = Table::new(
            "images",
            vec![Column::new("0", Cells::Bytes(vec![0, 51, 255])), Column::new("label", Cells::Bytes(vec![0, 1, 1]))],
        );
        let encoding =
            Encoding::fit(&table, &[0], &FitOptions { task: Some(Task::Regression), ..Default::default() }).unwrap();
        assert_eq!(encoding.encode_inputs::<f64>(&table, &[0, 1, 2]).unwrap().values, [0.0, 0.2, 1.0]);
    }

    #[test]
    fn categories_that_are_numbers_match_in_any_spelling() {
        let options = FitOptions { categorical: vec!["x".into()], ..Default::default() };
        let encoding = fitted("x,y\n1,0.5\n2,1.5\n", &options);
        assert_eq!(inputs::<f32>(&encoding, "x\n2.0\n01\n").unwrap().values, [0.0, 1.0, 1.0, 0.0]);
    }

    #[test]
    fn missing_cells_get_the_stand_in_or_are_refused() {
        let text = "x,town,y\n1,a,0.5\n5,a,1.5\n,b,2.5\n";
        let encoding = fitted(text, &FitOptions { missing: Missing::Mean, ..minmax() });
        assert_eq!(inputs::<f64>(&encoding, "x,town\n,\n").unwrap().values, [0.5, 1.0, 0.0]);
        let strict = fitted(SMALL, &minmax());
        assert!(inputs::<f64>(&strict, "x,town\n1,a\n,b\n").unwrap_err().to_string().contains("line 3, column 'x'"));
        assert!(inputs::<f64>(&strict, "x,town\n1,a\n2,\n").unwrap_err().to_string().contains("line 3, column 'town'"));
    }

    #[test]
    fn text_where_a_number_belongs_is_refused() {
        let message = inputs::<f64>(&fitted(SMALL, &minmax()), "x,town\n1,a\nbig,b\n").unwrap_err().to_string();
        assert!(message.contains("line 3, column 'x': 'big' is no number"), "{message}");
    }

    #[test]
    fn a_number_that_leaves_f32_when_scaled_is_refused() {
        let encoding = fitted("x,y\n0,0.5\n1e-30,1.5\n", &minmax());
        assert!(inputs::<f32>(&encoding, "x\n1e20\n").unwrap_err().to_string().contains("leaves f32"));
        assert!(inputs::<f64>(&encoding, "x\n1e20\n").is_ok());
    }

    #[test]
    fn two_classes_are_one_output_or_two() {
        let text = "x,y\n1,yes\n2,no\n3,yes\n";
        let encoding = fitted(text, &FitOptions::default());
        let targets = |outputs| encoding.encode_targets::<f32>(&table(text), &[0, 1, 2], outputs);
        assert_eq!(encoding.class_names(), ["no", "yes"]);
        assert_eq!(targets(1).unwrap().values, [1.0, 0.0, 1.0]);
        assert_eq!(targets(2).unwrap(), Matrix::new(3, 2, vec![0.0, 1.0, 1.0, 0.0, 0.0, 1.0]));
        assert!(matches!(targets(3), Err(Error::Usage(_))));
        let three = fitted("x,y\n1,a\n2,b\n3,c\n", &FitOptions::default());
        assert!(matches!(three.encode_targets::<f32>(&table("x,y\n1,a\n"), &[0], 1), Err(Error::Usage(_))));
    }

    #[test]
    fn a_class_not_seen_in_training_and_an_absent_target_are_refused() {
        let encoding = fitted("x,y\n1,yes\n2,no\n", &FitOptions::default());
        let message = |text: &str| encoding.class_indices(&table(text), &[0]).unwrap_err().to_string();
        assert!(message("x,y\n1,maybe\n").contains("line 2, column 'y': the class 'maybe' was not"));
        assert!(message("x\n1\n").contains("target column 'y' is missing"));
        assert!(message("x,y\n1,\n2,no\n").contains("line 2, column 'y': the target is missing"));
    }

    #[test]
    fn what_is_encoded_is_decoded_to_the_same_units() {
        let text = "a,b,x\n1,10,0\n2,30,0\n4,-50,1\n";
        for scale in [Scale::Standard, Scale::Minmax, Scale::None] {
            let options = FitOptions { target: vec!["a".into(), "b".into()], scale: Some(scale), ..Default::default() };
            let encoding = fitted(text, &options);
            let encoded: Matrix<f64> = encoding.encode_targets(&table(text), &[0, 1, 2], 2).unwrap();
            let targets = encoding.regression_targets(&table(text), &[0, 1, 2]).unwrap();
            assert_eq!(targets, Matrix::new(3, 2, vec![1.0, 10.0, 2.0, 30.0, 4.0, -50.0]));
            let decoded = encoding.decode_regression(&encoded);
            let close = |(a, b): (&f64, &f64)| (a - b).abs() < 1e-12;
            assert!(decoded.values.iter().zip(&targets.values).all(close), "{decoded:?}");
        }
    }

    #[test]
    fn random_tables_are_encoded_and_decoded_to_themselves() {
        let mut stream = Stream::new(11, Purpose::Test, 0);
        for round in 0..100 {
            let rows = 2 + stream.below(30) as usize;
            let words = ["", " x", "7", "-0", "ß", "a,b", "\n", "NaN?"];
            let mut number = || stream.normal() * 2_f64.powi(stream.below(60) as i32 - 30);
            let numbers: Vec<f64> = (0..rows).map(|_| number()).collect();
            let targets: Vec<f64> = (0..rows).map(|_| number()).collect();
            let texts: Vec<usize> = (0..rows).map(|_| stream.below(words.len() as u64) as usize).collect();
            let text = |&word: &usize| Some(words[word].to_owned());
            let columns = [
                ("n", Cells::Numbers(numbers)),
                ("t", Cells::Text(texts.iter().map(text).collect())),
                ("y", Cells::Numbers(targets.clone())),
            ];
            let columns = columns.map(|(name, cells)| Column::new(name, cells));
            let table = Table::new("random", columns.into());
            let scale = [Scale::Standard, Scale::Minmax, Scale::None][round % 3];
            let task = Some(Task::Regression);
            let options = FitOptions { scale: Some(scale), task, ..Default::default() };
            let encoding = Encoding::fit(&table, &all(&table), &options).unwrap();
            let inputs: Matrix<f64> = encoding.encode_inputs(&table, &all(&table)).unwrap();
            let InputKind::Category { categories, .. } = &encoding.inputs[1].kind else { panic!("texts are categories") };
            for (row, &word) in texts.iter().enumerate() {
                let hot = &inputs.row(row)[1..];
                assert_eq!(hot.iter().sum::<f64>(), 1.0);
                let place = hot.iter().position(|&value| value == 1.0).unwrap();
                assert_eq!(categories[place], words[word], "round {round}");
            }
            let encoded: Matrix<f64> = encoding.encode_targets(&table, &all(&table), 1).unwrap();
            let decoded = encoding.decode_regression(&encoded);
            let largest = targets.iter().fold(0.0_f64, |most, target| most.max(target.abs()));
            let close = |(a, b): (&f64, &f64)| (a - b).abs() <= 4.0 * f64::EPSILON * largest;
            assert!(decoded.values.iter().zip(&targets).all(close), "round {round}, {scale:?}");
        }
    }
}
