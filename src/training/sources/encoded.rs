//! The rows of a run as numbers: those to train on in memory, or from file to file.

use std::rc::Rc;

use super::Sources;
use super::held::Held;
use crate::data::{Encoding, Matrix, StoredTable, Table};
use crate::error::{Error, Result, shown};
use crate::evaluation::Truth;
use crate::memory;
use crate::model::Element;
use crate::scalar::Scalar;
use crate::training::session::{Samples, StoredSamples, TrainingRows};

/// The rows of a run as numbers.
pub struct Encoded<T> {
    /// To train on.
    pub training: TrainingRows<T>,
    /// To choose by.
    pub validation: Option<Samples<T>>,
    /// To report on, and what the network should say of them.
    pub test: Option<(Samples<T>, Truth)>,
}

impl Sources {
    /// Encodes all rows for a network of so many outputs, in place of the tables: these are given back row by row as they are
    /// encoded, so that both together take little more memory than one. `as_trained` is what is done to the rows to train on, of which it
    /// is given all or, where they go into a file, some at a time.
    ///
    /// # Errors
    /// Data, naming line and column, for a cell that the encoding has no number for.
    pub fn encoded<T: Element>(
        self,
        outputs: usize,
        as_trained: impl Fn(&mut Samples<T>) -> Result<()>,
    ) -> Result<Encoded<T>> {
        let Self { encoding, training, weights, validation, test, .. } = self;
        let truth = test.as_ref().map(|test| test.truth(&encoding)).transpose()?;
        let of_rows = |weights: Vec<f64>| {
            let weights: Vec<T> = weights.into_iter().map(T::from_f64).collect();
            Matrix::new(weights.len(), 1, weights)
        };
        let weights = weights.map(of_rows);
        let (mut in_file, mut parts) = (None, [Some(training), validation, test]);
        let mut samples = [None, None, None];
        while let Some(table) = parts.iter().flatten().map(|part| part.table.clone()).next() {
            let (mut places, mut rows) = (Vec::new(), Vec::new());
            for (place, part) in parts.iter_mut().enumerate() {
                if let Some(part) = part.take_if(|part| part.table.is(&table)) {
                    places.push(place);
                    rows.push(part.rows);
                }
            }
            let encoded = match table {
                Held::Memory(table) => encoded_in_memory(Rc::unwrap_or_clone(table), &rows, &encoding, outputs)?,
                Held::File(stored) => {
                    let mut training = StoredSamples::new([encoding.inputs(), outputs], weights.clone())?;
                    let others = encoded_in_file(&stored, &rows, &encoding, outputs, |samples| {
                        as_trained(samples)?;
                        training.append(samples)
                    })?;
                    in_file = Some(training);
                    others
                }
            };
            places.into_iter().zip(encoded).for_each(|(place, encoded)| samples[place] = Some(encoded));
        }
        let [training, validation, test] = samples;
        let training = match in_file {
            Some(stored) => TrainingRows::File(stored),
            None => {
                let mut training = Samples { weights, ..training.expect("there are training rows") };
                as_trained(&mut training)?;
                TrainingRows::Memory(training)
            }
        };
        Ok(Encoded { training, validation, test: test.zip(truth) })
    }
}

/// Parts of a table, each some of its rows in ascending order, as a network's inputs and targets. The last rows come first: what
/// has been encoded is cut off the table's end.
fn encoded_in_memory<T: Scalar>(
    mut table: Table,
    parts: &[Vec<usize>],
    encoding: &Encoding,
    outputs: usize,
) -> Result<Vec<Samples<T>>> {
    /// Rows at a time, at least, and pieces of a table, at most.
    const ROWS: usize = 1 << 12;
    const PIECES: usize = 64;
    let numbers: usize = parts.iter().map(|rows| rows.len() * (encoding.inputs() + outputs)).sum();
    if !memory::has_room((numbers * size_of::<T>()) as u128) {
        return Err(Error::Limit(format!(
            "{}: there is no memory for its rows as {} inputs each; take fewer rows or columns (--ignore)",
            shown(&table.source),
            encoding.inputs()
        )));
    }
    let zeros =
        |rows: &Vec<usize>| Samples::new(Matrix::zeros(rows.len(), encoding.inputs()), Matrix::zeros(rows.len(), outputs));
    let mut samples: Vec<Samples<T>> = parts.iter().map(zeros).collect();
    let mut ends: Vec<usize> = parts.iter().map(Vec::len).collect();
    let rows = table.rows.div_ceil(PIECES).max(ROWS);
    for first in (0..table.rows).step_by(rows).rev() {
        for ((part, samples), end) in parts.iter().zip(&mut samples).zip(&mut ends) {
            let begin = part[..*end].partition_point(|&row| row < first);
            let rows = &part[begin..*end];
            let inputs = &mut samples.inputs.values[begin * encoding.inputs()..*end * encoding.inputs()];
            encoding.encode_inputs_into(&table, rows, inputs)?;
            encoding.encode_targets_into(
                &table,
                rows,
                outputs,
                &mut samples.targets.values[begin * outputs..*end * outputs],
            )?;
            *end = begin;
        }
        table.truncate(first);
    }
    Ok(samples)
}

/// Encodes a stored table some rows at a time: those of the first part, which are to train on, are given to `training`, those of the others
/// are kept. Rows of a part ascend.
///
/// # Errors
/// Data, naming line and column, for a cell that the encoding has no number for; limit, where there is no memory for the others.
fn encoded_in_file<T: Scalar>(
    stored: &StoredTable,
    parts: &[Vec<usize>],
    encoding: &Encoding,
    outputs: usize,
    mut training: impl FnMut(&mut Samples<T>) -> Result<()>,
) -> Result<Vec<Samples<T>>> {
    /// Numbers and texts that are held at a time.
    const CELLS: usize = 1 << 20;
    let numbers: usize = parts[1..].iter().map(|rows| rows.len() * (encoding.inputs() + outputs)).sum();
    if !memory::has_room((numbers * size_of::<T>()) as u128) {
        return Err(Error::Limit(format!(
            "{}: there is no memory for the rows to validate and test with, which stay there; give them a smaller share (--split)",
            shown(&stored.shape().source)
        )));
    }
    let zeros = |rows: usize| Samples::new(Matrix::zeros(rows, encoding.inputs()), Matrix::zeros(rows, outputs));
    // The first stays empty: who trains has its rows.
    let mut samples = vec![zeros(0)];
    samples.extend(parts[1..].iter().map(|rows| zeros(rows.len())));
    let mut ends = vec![0; parts.len()];
    let at_once = (CELLS / (encoding.inputs() + stored.shape().columns.len() + outputs)).max(64);
    for first in (0..stored.rows).step_by(at_once) {
        let last = (first + at_once).min(stored.rows);
        let table = stored.block(first..last)?;
        for (part, (rows, end)) in parts.iter().zip(&mut ends).enumerate() {
            let begin = *end;
            *end += rows[begin..].partition_point(|&row| row < last);
            let rows: Vec<usize> = rows[begin..*end].iter().map(|row| row - first).collect();
            let mut encoded = zeros(rows.len());
            encoding.encode_inputs_into(&table, &rows, &mut encoded.inputs.values)?;
            encoding.encode_targets_into(&table, &rows, outputs, &mut encoded.targets.values)?;
            if part == 0 {
                training(&mut encoded)?;
                continue;
            }
            let inputs = begin * encoding.inputs();
            samples[part].inputs.values[inputs..][..encoded.inputs.values.len()].copy_from_slice(&encoded.inputs.values);
            let targets = begin * outputs;
            samples[part].targets.values[targets..][..encoded.targets.values.len()].copy_from_slice(&encoded.targets.values);
        }
    }
    Ok(samples)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Cells, Column, FitOptions, Missing, Task};

    #[test]
    fn rows_that_are_encoded_piece_by_piece_are_as_those_encoded_at_once() {
        let rows = 10_007;
        let number = |row: usize| ((row * row) % 97) as f64;
        let text = |row: usize| (!row.is_multiple_of(5)).then(|| ["a", "b", "c"][row % 3].to_owned());
        let columns = [
            ("number", Cells::Numbers((0..rows).map(number).collect())),
            ("single", Cells::Singles((0..rows).map(|row| row as f32).collect())),
            ("text", Cells::Text((0..rows).map(text).collect())),
            ("byte", Cells::Bytes((0..rows).map(|row| (row % 7) as u8).collect())),
        ];
        let columns = columns.map(|(name, cells)| Column { name: name.into(), cells });
        let table = Table::new("t", columns.into());
        let parts: Vec<Vec<usize>> = (0..3).map(|part| (part..rows).step_by(3).collect()).collect();
        let options = FitOptions { task: Some(Task::Classification), missing: Missing::Mode, ..Default::default() };
        let encoding = Encoding::fit(&table, &parts[0], &options).expect("an encoding");
        let pieces = encoded_in_memory::<f32>(table.clone(), &parts, &encoding, 7).expect("samples");
        for (part, samples) in parts.iter().zip(pieces) {
            assert_eq!(samples.inputs, encoding.encode_inputs(&table, part).expect("inputs"));
            assert_eq!(samples.targets, encoding.encode_targets(&table, part, 7).expect("targets"));
        }
    }
}
