//! The rows of a run as numbers: in memory, or from file to file.

use std::ops::Range;
use std::rc::Rc;

use super::Sources;
use super::held::Held;
use crate::data::{Encoding, Matrix, StoredTable, Table};
use crate::error::{Error, Result, shown};
use crate::evaluation::Truth;
use crate::memory;
use crate::model::Element;
use crate::plan::human_bytes;
use crate::training::session::{Rows, Samples, StoredSamples};

/// The rows of a run as numbers.
pub struct Encoded<T> {
    /// To train on.
    pub training: Rows<T>,
    /// To choose by.
    pub validation: Option<Rows<T>>,
    /// To report on, and what the network should say of them.
    pub test: Option<(Rows<T>, Truth)>,
}

impl Sources {
    /// Some of the rows to train on, by their places among them in ascending order, for a network of so many outputs.
    ///
    /// # Errors
    /// Data, naming line and column, for a cell that the encoding has no number for; internal, if a file of rows cannot be read.
    pub(in crate::training::run) fn sampled(&self, places: &[usize], outputs: usize) -> Result<Samples<f32>> {
        let (encoding, inputs) = (&self.encoding, self.encoding.inputs());
        let rows: Vec<usize> = places.iter().map(|&place| self.training.rows[place]).collect();
        let mut samples = Samples::new(Matrix::zeros(rows.len(), inputs), Matrix::zeros(rows.len(), outputs));
        let mut encode = |table: &Table, rows: &[usize], first: usize| {
            let (begin, end) = (first, first + rows.len());
            encoding.encode_inputs_into(table, rows, &mut samples.inputs.values[begin * inputs..end * inputs])?;
            let targets = &mut samples.targets.values[begin * outputs..end * outputs];
            encoding.encode_targets_into(table, rows, outputs, targets)
        };
        match &self.training.table {
            Held::Memory(table) => encode(table, &rows, 0)?,
            Held::File(stored) => {
                let mut done = 0;
                for block in blocks(stored, inputs + outputs) {
                    let end = done + rows[done..].partition_point(|&row| row < block.end);
                    if end > done {
                        let of_block: Vec<usize> = rows[done..end].iter().map(|row| row - block.start).collect();
                        encode(&stored.block(block)?, &of_block, done)?;
                    }
                    done = end;
                }
            }
        }
        if let Some(weights) = &self.weights {
            let weights: Vec<f32> = places.iter().map(|&place| weights[place] as f32).collect();
            samples.weights = Some(Matrix::new(weights.len(), 1, weights));
        }
        Ok(samples)
    }

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
        let mut parts = [Some(training), validation, test];
        let mut encoded = [None, None, None];
        while let Some(table) = parts.iter().flatten().map(|part| part.table.clone()).next() {
            let (mut places, mut rows) = (Vec::new(), Vec::new());
            for (place, part) in parts.iter_mut().enumerate() {
                if let Some(part) = part.take_if(|part| part.table.is(&table)) {
                    places.push(place);
                    rows.push(part.rows);
                }
            }
            let prepared = |part: usize, samples: &mut Samples<T>| match places[part] {
                TRAINING => as_trained(samples),
                _ => Ok(()),
            };
            let of_table = match table {
                Held::Memory(table) => encoded_in_memory(Rc::unwrap_or_clone(table), &rows, &encoding, outputs, prepared)?,
                Held::File(stored) => encoded_in_file(&stored, &rows, &encoding, outputs, prepared)?,
            };
            places.iter().zip(of_table).for_each(|(&place, of_part)| encoded[place] = Some(of_part));
        }
        let [training, validation, test] = encoded;
        let training = training.expect("there are training rows").weighted(weights);
        Ok(Encoded { training, validation, test: test.zip(truth) })
    }
}

/// The place of the rows to train on, among those to validate and test with.
const TRAINING: usize = 0;

/// Parts of a table, each some of its rows in ascending order, as a network's inputs and targets. The last rows come first: what
/// has been encoded is cut off the table's end. `prepared` is what is done to each part at last.
fn encoded_in_memory<T: Element>(
    mut table: Table,
    parts: &[Vec<usize>],
    encoding: &Encoding,
    outputs: usize,
    prepared: impl Fn(usize, &mut Samples<T>) -> Result<()>,
) -> Result<Vec<Rows<T>>> {
    /// Rows at a time, at least, and pieces of a table, at most.
    const ROWS: usize = 1 << 12;
    const PIECES: usize = 64;
    let numbers: usize = parts.iter().map(|rows| rows.len() * (encoding.inputs() + outputs)).sum();
    let bytes = (numbers * size_of::<T>()) as u128;
    // The table is given back on the way.
    if !memory::has_room(bytes) || !memory::is_there(bytes.saturating_sub(table.bytes() as u128)) {
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
    samples.iter_mut().enumerate().try_for_each(|(part, samples)| prepared(part, samples))?;
    Ok(samples.into_iter().map(Rows::Memory).collect())
}

/// Rows of a stored table that are held at a time, as cells and as so many numbers each.
fn blocks(stored: &StoredTable, numbers: usize) -> impl Iterator<Item = Range<usize>> {
    /// Numbers and texts that are held at a time.
    const CELLS: usize = 1 << 20;
    let (rows, at_once) = (stored.rows, (CELLS / (numbers + stored.shape().columns.len())).max(64));
    (0..rows).step_by(at_once).map(move |first| first..(first + at_once).min(rows))
}

/// The same of a table in a file, into a file for each part, some rows at a time, each of which `prepared` is given.
fn encoded_in_file<T: Element>(
    stored: &StoredTable,
    parts: &[Vec<usize>],
    encoding: &Encoding,
    outputs: usize,
    prepared: impl Fn(usize, &mut Samples<T>) -> Result<()>,
) -> Result<Vec<Rows<T>>> {
    let zeros = |rows: usize| Samples::new(Matrix::zeros(rows, encoding.inputs()), Matrix::zeros(rows, outputs));
    let file = |_: &Vec<usize>| StoredSamples::new([encoding.inputs(), outputs]);
    let mut files: Vec<StoredSamples<T>> = parts.iter().map(file).collect::<Result<_>>()?;
    let rows: u64 = parts.iter().map(|rows| rows.len() as u64).sum();
    let bytes = rows.saturating_mul(((encoding.inputs() + outputs) * size_of::<T>()) as u64);
    if files.iter().filter_map(StoredSamples::room).min().is_some_and(|room| bytes > room) {
        return Err(Error::Limit(format!(
            "{}: there is no memory for its rows as {} inputs each, nor room for these {} on the disk of the current folder; take fewer \
             rows or columns (--ignore), or run wgrad where there is room",
            shown(&stored.shape().source),
            encoding.inputs(),
            human_bytes(bytes)
        )));
    }
    let mut ends = vec![0; parts.len()];
    for Range { start: first, end: last } in blocks(stored, encoding.inputs() + outputs) {
        let table = stored.block(first..last)?;
        for (part, ((rows, end), file)) in parts.iter().zip(&mut ends).zip(&mut files).enumerate() {
            let begin = *end;
            *end += rows[begin..].partition_point(|&row| row < last);
            let rows: Vec<usize> = rows[begin..*end].iter().map(|row| row - first).collect();
            let mut encoded = zeros(rows.len());
            encoding.encode_inputs_into(&table, &rows, &mut encoded.inputs.values)?;
            encoding.encode_targets_into(&table, &rows, outputs, &mut encoded.targets.values)?;
            prepared(part, &mut encoded)?;
            file.append(&encoded)?;
        }
    }
    Ok(files.into_iter().map(Rows::File).collect())
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
        let columns = columns.map(|(name, cells)| Column::new(name, cells));
        let table = Table::new("t", columns.into());
        let parts: Vec<Vec<usize>> = (0..3).map(|part| (part..rows).step_by(3).collect()).collect();
        let options = FitOptions { task: Some(Task::Classification), missing: Missing::Mode, ..Default::default() };
        let encoding = Encoding::fit(&table, &parts[0], &options).expect("an encoding");
        let pieces = encoded_in_memory::<f32>(table.clone(), &parts, &encoding, 7, |_, _| Ok(())).expect("samples");
        for (part, samples) in parts.iter().zip(pieces) {
            let Rows::Memory(samples) = samples else { panic!("in memory") };
            assert_eq!(samples.inputs, encoding.encode_inputs(&table, part).expect("inputs"));
            assert_eq!(samples.targets, encoding.encode_targets(&table, part, 7).expect("targets"));
        }
    }
}
