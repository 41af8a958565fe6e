//! Sources that are larger than memory: a CSV file that is converted into a file of columns, and read a column or some rows at a time.

use std::rc::Rc;

use super::{Held, Others, Samples, Sources, is_stratified, row_weights, split, unused_share};
use crate::data::{Encoding, InputKind, Matrix, Scale, StoredTable, Table, Task, embedded, fit, remarks};
use crate::error::{Error, Result, shown};
use crate::scalar::Scalar;
use crate::training::finetuning::Base;
use crate::training::options::Options;

/// Whether the options give the data less memory than its file has bytes.
pub(super) fn is_asked_for(source: &str, options: &Options) -> bool {
    let length = std::fs::metadata(source).map_or(0, |metadata| metadata.len());
    options.memory.is_some_and(|memory| length > memory.0) && can_be(source, options)
}

/// Whether the source is a CSV file, which can be read a part at a time.
pub(super) fn can_be(source: &str, options: &Options) -> bool {
    let is_file = std::fs::metadata(source).is_ok_and(|metadata| metadata.is_file());
    embedded::find(source).is_none() && is_file && options.files.labels.is_none() && StoredTable::is_for(source)
}

impl Sources {
    /// As [`read`](Self::read), without ever holding more than a column, or some rows, of the main table.
    pub(super) fn stored(source: &str, options: &Options, base: Option<&Base>) -> Result<Self> {
        unused_share(options)?;
        let reading = options.files.reading(None);
        let (stored, fitting) =
            StoredTable::convert(source, &reading, options.weight_column.as_deref(), |names: &Table| {
                if let Some(column) = &options.weight_column {
                    super::check_weight_column(names, options, column)?;
                }
                match base {
                    None => Ok(super::fitting(options)),
                    Some(base) => base.fitting(names, options),
                }
            })?;
        let strata = if is_stratified(options) { fit::strata_stored(&stored, &fitting)? } else { None };
        let split = split(stored.rows, options, strata.as_deref())?;
        drop(strata);
        let encoding = match base {
            None => Encoding::fit_stored(&stored, &split.training, &fitting)?,
            Some(base) => base.encoding_stored(&stored, &split.training, &fitting)?,
        };
        let (classes, column) = (options.class_weights.as_ref(), options.weight_column.as_deref());
        let weights = match (classes, column) {
            (None, None) => None,
            _ => {
                let mut table = targets(&stored, &encoding)?;
                if let Some(position) = column.and_then(|column| stored.shape().position(column)) {
                    table.columns.extend(stored.only(&[position])?.columns);
                }
                row_weights::of_rows(&table, &split.training, &encoding, classes, column)?
            }
        };
        let others = Others::read(options, &encoding, &fitting)?;
        let mut remarks = vec![format!(
            "{}: larger than the memory for it; it was converted into a file without a name, of which training reads a part at a time",
            shown(source)
        )];
        remarks.extend(of_columns(&stored, &encoding, &split.training)?);
        let [training, validation, test] = others.parts(&Held::File(Rc::new(stored)), split);
        let training = training.expect("there are training rows");
        for (part, what) in [(&validation, "validation"), (&test, "test")] {
            remarks.extend(part.as_ref().and_then(|part| part.absent_classes(&encoding, what)));
        }
        for part in validation.iter().chain(&test).chain(base.map(|_| &training)) {
            remarks.extend(part.unseen_categories(&encoding));
        }
        let targets = match encoding.task() {
            Task::Classification => Scale::Standard,
            Task::Regression => fitting.target_scale.unwrap_or(Scale::Standard),
        };
        let (source, scale) = (source.to_owned(), (targets == Scale::Standard).then_some(Scale::Standard));
        Ok(Self { source, encoding, training, weights, validation, test, scale, is_array: false, remarks })
    }
}

/// The target columns of all rows.
pub(super) fn targets(stored: &StoredTable, encoding: &Encoding) -> Result<Table> {
    let shape = stored.shape();
    let positions: Vec<usize> = encoding.target_names().into_iter().filter_map(|name| shape.position(name)).collect();
    if positions.is_empty() {
        // Without them there is an error to tell.
        return Ok(shape);
    }
    stored.only(&positions)
}

/// An input column of all rows, alone, and what is said of it.
fn alone(stored: &StoredTable, encoding: &Encoding, input: usize) -> Result<Option<(Table, Encoding)>> {
    let column = &encoding.inputs[input];
    let Some(position) = stored.shape().position(&column.name) else { return Ok(None) };
    let encoding = Encoding { inputs: vec![column.clone()], target: encoding.target.clone() };
    Ok(Some((stored.only(&[position])?, encoding)))
}

/// The remarks about single columns: stray text, and what is the same in all training rows.
fn of_columns(stored: &StoredTable, encoding: &Encoding, rows: &[usize]) -> Result<Vec<String>> {
    let (mut stray, mut constant) = (Vec::new(), Vec::new());
    for input in 0..encoding.inputs.len() {
        let Some((table, encoding)) = alone(stored, encoding, input)? else { continue };
        stray.extend(remarks::stray_text(&table));
        constant.extend(remarks::constant_columns(&encoding, &table, rows));
    }
    stray.extend(remarks::constant(&stored.shape().source, &constant));
    Ok(stray)
}

/// The remarks about categories among `rows` that the encoding does not know; none where there is no memory to look.
pub(super) fn unseen_categories(stored: &StoredTable, encoding: &Encoding, rows: &[usize]) -> Vec<String> {
    let is_category = |input: &usize| matches!(encoding.inputs[*input].kind, InputKind::Category { .. });
    let of_column = |input: usize| {
        let (table, encoding) = alone(stored, encoding, input).ok().flatten()?;
        Some(remarks::unseen_categories(&encoding, &table, rows))
    };
    (0..encoding.inputs.len()).filter(is_category).filter_map(of_column).flatten().collect()
}

/// Encodes a stored table some rows at a time: those of the first part, which are to train on, are given to `training`, those of the others
/// are kept. Rows of a part ascend.
///
/// # Errors
/// Data, naming line and column, for a cell that the encoding has no number for; limit, where there is no memory for the others.
pub(super) fn encoded<T: Scalar>(
    stored: &StoredTable,
    parts: &[Vec<usize>],
    encoding: &Encoding,
    outputs: usize,
    mut training: impl FnMut(&mut Samples<T>) -> Result<()>,
) -> Result<Vec<Samples<T>>> {
    /// Numbers and texts that are held at a time.
    const CELLS: usize = 1 << 20;
    let numbers: usize = parts[1..].iter().map(|rows| rows.len() * (encoding.inputs() + outputs)).sum();
    if !crate::memory::has_room((numbers * size_of::<T>()) as u128) {
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
