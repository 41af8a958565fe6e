//! The rows that a run trains on, validates with and tests with: read, split, and encoded as the training rows say.

mod stored;

use std::rc::Rc;

use serde::Serialize;

use super::finetuning::Base;
use super::options::Options;
use super::row_weights;
use super::session::{Samples, StoredSamples, TrainingRows};
use crate::data::{
    self, Cells, Encoding, FitOptions, Fold, Fractions, InputColumn, InputKind, Matrix, Scale, Split, StoredTable, Table,
    Task, fit, npz, remarks,
};
use crate::error::{Error, Result, shown};
use crate::evaluation::Truth;
use crate::memory;
use crate::model::Element;
use crate::network::Activation;
use crate::scalar::Scalar;

/// Some rows of a table.
#[derive(Debug, Clone)]
pub struct Part {
    table: Held,
    rows: Vec<usize>,
}

/// Where a table is.
#[derive(Debug, Clone)]
enum Held {
    Memory(Rc<Table>),
    File(Rc<StoredTable>),
}

impl Held {
    /// Whether both are the same.
    fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Memory(one), Self::Memory(other)) => Rc::ptr_eq(one, other),
            (Self::File(one), Self::File(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Part {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// What the network should say about the rows.
    ///
    /// # Errors
    /// Data, naming line and column, for a target that the encoding does not know.
    pub fn truth(&self, encoding: &Encoding) -> Result<Truth> {
        match &self.table {
            Held::Memory(table) => Truth::of(encoding, table, &self.rows),
            Held::File(stored) => Truth::of(encoding, &stored::targets(stored, encoding)?, &self.rows),
        }
    }

    /// Whether the rows are in a file, because there is no memory for them.
    pub fn is_stored(&self) -> bool {
        matches!(self.table, Held::File(_))
    }
}

/// The rows of a run by what they are for, and the encoding that was fitted on those to train on.
#[derive(Debug, Clone)]
pub struct Sources {
    /// The source, as the user named it.
    pub source: String,
    /// How columns become numbers.
    pub encoding: Encoding,
    /// To train on.
    pub training: Part,
    /// What the losses of the rows to train on are multiplied by; none where they all count the same.
    pub weights: Option<Vec<f64>>,
    /// To choose by.
    pub validation: Option<Part>,
    /// To report on.
    pub test: Option<Part>,
    /// How the numbers are scaled, where one word says it for inputs and targets.
    pub scale: Option<Scale>,
    /// Whether the rows come from an array (IDX, npy), whose columns have no names.
    pub is_array: bool,
    /// What a person should hear about the data.
    pub remarks: Vec<String>,
}

/// The rows of a run as numbers.
pub struct Encoded<T> {
    /// To train on.
    pub training: TrainingRows<T>,
    /// To choose by.
    pub validation: Option<Samples<T>>,
    /// To report on, and what the network should say of them.
    pub test: Option<(Samples<T>, Truth)>,
}

/// What a report says of the data.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DataReport {
    /// The source, as the user named it.
    pub source: String,
    /// What the net is trained for.
    pub task: Task,
    /// The target columns.
    pub target: Vec<String>,
    /// The classes; empty for regression.
    pub classes: Vec<String>,
    /// Input columns of the table.
    pub columns: usize,
    /// Inputs of the network.
    pub inputs: usize,
    /// Rows to train on.
    pub training_rows: usize,
    /// Rows to choose by.
    pub validation_rows: usize,
    /// Rows to report on.
    pub test_rows: usize,
}

impl Sources {
    /// Reads and splits what the options name, and fits the encoding on the training rows. Those are `stored` in a file if it is said, if
    /// the options ask for it, or if there is no memory for the table.
    ///
    /// # Errors
    /// Data, for what cannot be read or does not fit; usage, for options that contradict each other.
    pub fn read(options: &Options, base: Option<&Base>, stored: bool) -> Result<Self> {
        let Some(source) = &options.data else {
            let sets: Vec<&str> = data::embedded::names().collect();
            return Err(Error::Usage(format!(
                "there is no data to train on: name an embedded set ({}) or a file, as in 'wgrad train digits'",
                sets.join(", ")
            )));
        };
        if stored || stored::is_asked_for(source, options) {
            return Self::stored(source, options, base);
        }
        match Self::in_memory(source, options, base) {
            Err(Error::Limit(_)) if stored::can_be(source, options) => Self::stored(source, options, base),
            read => {
                let mut read = read?;
                if options.memory.is_some() && !stored::can_be(source, options) {
                    read.remarks.push("--memory is for single CSV files: these rows are in memory".into());
                }
                Ok(read)
            }
        }
    }

    fn in_memory(source: &str, options: &Options, base: Option<&Base>) -> Result<Self> {
        let table = unfiltered(source, options, options.files.labels.clone(), true)?;
        let fitting = match base {
            None => fitting(options),
            Some(base) => base.fitting(&table, options)?,
        };
        let table = kept(table, &fitting)?;
        let is_image = table.columns.iter().all(|column| matches!(column.cells, Cells::Bytes(_)));
        let labels_alone = [
            ("--validation-labels", options.validation.is_none() && options.validation_labels.is_some()),
            ("--test-labels", options.test.is_none() && options.test_labels.is_some()),
        ];
        if let Some((flag, _)) = labels_alone.iter().find(|(_, alone)| *alone) {
            return Err(Error::Usage(format!("{flag} goes with a file of images, which is not named")));
        }
        if is_image && !table.is_labelled() && options.target.is_none() {
            return Err(Error::Usage(format!(
                "{}: images need their labels: name the file (--labels FILE), or the pixel that is the target (--target COLUMN)",
                shown(source)
            )));
        }
        let strata = if is_stratified(options) { fit::strata(&table, &fitting)? } else { None };
        unused_share(options)?;
        let is_array = table.lines.is_empty() && table.task.is_none();
        let split = split(table.rows, options, strata.as_deref())?;
        let encoding = match base {
            None => Encoding::fit(&table, &split.training, &fitting)?,
            Some(base) => base.encoding(&table, &split.training, &fitting)?,
        };
        let (classes, column) = (options.class_weights.as_ref(), options.weight_column.as_deref());
        let weights = row_weights::of_rows(&table, &split.training, &encoding, classes, column)?;
        let table = Rc::new(table);
        let others = Others::read(options, &encoding, &fitting)?;
        let mut remarks = remarks::stray_text(&table);
        // What is embedded is as it is.
        if table.task.is_none() {
            remarks.extend(remarks::constant(source, &remarks::constant_columns(&encoding, &table, &split.training)));
        }
        let [training, validation, test] = others.parts(&Held::Memory(Rc::clone(&table)), split);
        let training = training.expect("there are training rows");
        for (part, what) in [(&validation, "validation"), (&test, "test")] {
            remarks.extend(part.as_ref().and_then(|part| part.absent_classes(&encoding, what)));
        }
        // What a model was trained on knew its categories; other rows may not.
        for part in validation.iter().chain(&test).chain(base.map(|_| &training)) {
            remarks.extend(part.unseen_categories(&encoding));
        }
        let positions = table.positions();
        let is_byte = |column: &InputColumn| {
            let cells = positions.get(column.name.as_str()).map(|&position| &table.columns[position].cells);
            matches!((cells, &column.kind), (Some(Cells::Bytes(_)), InputKind::Number { .. }))
        };
        let inputs = if encoding.inputs.iter().all(is_byte) { Scale::Minmax } else { Scale::Standard };
        let targets = match encoding.task() {
            Task::Classification => inputs,
            Task::Regression => fitting.target_scale.unwrap_or(Scale::Standard),
        };
        let scale = (inputs == targets).then_some(inputs);
        let source = source.to_owned();
        Ok(Self { source, encoding, training, weights, validation, test, scale, is_array, remarks })
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
                Held::Memory(table) => encoded(Rc::unwrap_or_clone(table), &rows, &encoding, outputs)?,
                Held::File(stored) => {
                    let mut training = StoredSamples::new([encoding.inputs(), outputs], weights.clone())?;
                    let others = stored::encoded(&stored, &rows, &encoding, outputs, |samples| {
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

    /// What a report says of the data.
    pub fn report(&self) -> DataReport {
        DataReport {
            source: self.source.clone(),
            task: self.encoding.task(),
            target: self.encoding.target_names().into_iter().map(str::to_string).collect(),
            classes: self.encoding.class_names().to_vec(),
            columns: self.encoding.inputs.len(),
            inputs: self.encoding.inputs(),
            training_rows: self.training.rows(),
            validation_rows: self.validation.as_ref().map_or(0, Part::rows),
            test_rows: self.test.as_ref().map_or(0, Part::rows),
        }
    }
}

/// The rows that files of their own hold.
struct Others {
    validation: Option<Part>,
    test: Option<Part>,
}

impl Others {
    fn read(options: &Options, encoding: &Encoding, fitting: &FitOptions) -> Result<Self> {
        let other = |file: &Option<String>, labels| -> Result<Option<Part>> {
            let Some(file) = file else { return Ok(None) };
            let other = unfiltered(file, options, labels, false)?;
            encoding.check_columns(&other)?;
            let other = kept(other, fitting)?;
            Ok(Some(Part { rows: (0..other.rows).collect(), table: Held::Memory(Rc::new(other)) }))
        };
        Ok(Self {
            validation: other(&options.validation, options.validation_labels.clone())?,
            test: other(&options.test, options.test_labels.clone())?,
        })
    }

    /// The parts for training, validation and test: those of files, and what a table's split gives to the others.
    fn parts(self, table: &Held, split: Split) -> [Option<Part>; 3] {
        let part = |rows: Vec<usize>| (!rows.is_empty()).then(|| Part { table: table.clone(), rows });
        let Split { training, validation, test } = split;
        [part(training), self.validation.or_else(|| part(validation)), self.test.or_else(|| part(test))]
    }
}

impl Part {
    /// The remark about classes that none of the rows is of.
    fn absent_classes(&self, encoding: &Encoding, what: &str) -> Option<String> {
        match &self.table {
            Held::Memory(table) => remarks::absent_classes(encoding, table, &self.rows, what),
            Held::File(stored) => {
                remarks::absent_classes(encoding, &stored::targets(stored, encoding).ok()?, &self.rows, what)
            }
        }
    }

    /// The remarks about categories that the encoding does not know.
    fn unseen_categories(&self, encoding: &Encoding) -> Vec<String> {
        match &self.table {
            Held::Memory(table) => remarks::unseen_categories(encoding, table, &self.rows),
            Held::File(stored) => stored::unseen_categories(stored, encoding, &self.rows),
        }
    }
}

/// The rows by what they are for.
fn split(rows: usize, options: &Options, strata: Option<&[usize]>) -> Result<Split> {
    let (shares, seed) = (shares(options), options.seed.unwrap_or(0));
    match fold(options)? {
        None => data::split(rows, shares, seed, strata),
        Some(fold) => data::fold(rows, fold, shares, seed, strata),
    }
}

/// Parts of a table, each some of its rows in ascending order, as a network's inputs and targets. The last rows come first: what
/// has been encoded is cut off the table's end.
fn encoded<T: Scalar>(
    mut table: Table,
    parts: &[Vec<usize>],
    encoding: &Encoding,
    outputs: usize,
) -> Result<Vec<Samples<T>>> {
    /// Rows at a time, at least, and pieces of a table, at most.
    const ROWS: usize = 1 << 12;
    const PIECES: usize = 32;
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

/// Whether the main table is one that training can read from a file, a part at a time.
pub(super) fn can_be_stored(options: &Options) -> bool {
    options.data.as_deref().is_some_and(|source| stored::can_be(source, options))
}

/// The options of a training on an archive that holds rows to train on and rows to test with: both are named, unless other rows are
/// to test with.
///
/// # Errors
/// Data, if the archive cannot be read.
pub(super) fn with_named_arrays(options: &Options) -> Result<Options> {
    let mut options = options.clone();
    if let Some((training, test)) = options.data.as_deref().map(npz::parts).transpose()?.flatten() {
        options.data = Some(training);
        if options.test.is_none() && options.folds.is_none() && options.split.is_none_or(|split| split.test() == 0.0) {
            options.test = Some(test);
        }
    }
    Ok(options)
}

/// What the options say about the columns.
pub fn fitting(options: &Options) -> FitOptions {
    FitOptions {
        target: options.target.clone().unwrap_or_default(),
        task: options.task,
        ignore: options.ignore.iter().flatten().chain(&options.weight_column).cloned().collect(),
        categorical: options.categorical.clone().unwrap_or_default(),
        missing: options.missing.unwrap_or_default(),
        scale: options.scale,
        target_scale: target_scale(options),
    }
}

/// How the targets of a regression are scaled, as its output's activation asks for.
pub(super) fn target_scale(options: &Options) -> Option<Scale> {
    match options.output_activation {
        None | Some(Activation::Identity) => None,
        Some(_) => Some(Scale::Minmax),
    }
}

/// Reads one table. That to train on has the rows' weights, where they are asked for.
fn unfiltered(source: &str, options: &Options, labels: Option<std::path::PathBuf>, is_trained_on: bool) -> Result<Table> {
    let table = data::read(source, &options.files.reading(labels))?;
    if let Some(column) = options.weight_column.as_ref().filter(|_| is_trained_on) {
        check_weight_column(&table, options, column)?;
    }
    Ok(table)
}

/// Refuses a column of weights that is not there, or is the target.
fn check_weight_column(table: &Table, options: &Options, column: &str) -> Result<()> {
    row_weights::position(table, column)?;
    if options.target.iter().flatten().any(|target| target == column) {
        return Err(Error::Usage(format!("--weight-column {}: this is the target", shown(column))));
    }
    Ok(())
}

/// A table without the rows that `--missing drop` leaves out.
fn kept(table: Table, fitting: &FitOptions) -> Result<Table> {
    Ok(match fit::rows_kept(&table, fitting)? {
        None => table,
        Some(kept) => table.with_rows(&kept),
    })
}

/// Whether each class is shared out alike: as it is said, or else where the rows are dealt out to folds.
pub(super) fn is_stratified(options: &Options) -> bool {
    options.stratify.unwrap_or(options.folds.is_some())
}

/// The fold whose rows are the test rows, in a cross-validation.
fn fold(options: &Options) -> Result<Option<Fold>> {
    let number = options.fold.unwrap_or(1);
    let refused = |what: String| Err(Error::Usage(what));
    match options.folds {
        None if options.fold.is_some() => refused(format!("--fold {number}: of how many (--folds NUMBER)?")),
        None => Ok(None),
        Some(_) if options.test.is_some() => {
            refused("--folds and --test: each fold is tested on its own rows; leave one of the two out".into())
        }
        Some(of) if of < 2 => refused(format!("--folds {of}: two at least")),
        Some(of) if number == 0 || number > of => refused(format!("--fold {number}: there are the folds 1 to {of}")),
        Some(of) => Ok(Some(Fold { number, of })),
    }
}

/// Refuses a share of the rows that nothing would use, because a file holds what it is for.
fn unused_share(options: &Options) -> Result<()> {
    let Some(split) = options.split else { return Ok(()) };
    let twice = [
        ("--validation", options.validation.is_some() && split.validation() > 0.0),
        ("--test", options.test.is_some() && split.test() > 0.0),
    ];
    if options.folds.is_some() && split.test() > 0.0 {
        return Err(Error::Usage(format!(
            "--folds sets test rows apart, and so does --split {split}: make its last share 0; the others share what is left"
        )));
    }
    match twice.into_iter().find(|(_, twice)| *twice) {
        None => Ok(()),
        Some((flag, _)) => Err(Error::Usage(format!(
            "{flag} names a file, and --split {split} sets rows apart for the same: make that share 0, or leave one of the two out"
        ))),
    }
}

/// The shares of the rows of the main table, or of those that are in no fold: what another file or a fold holds needs none of it.
pub(super) fn shares(options: &Options) -> Fractions {
    let default = match (options.validation.is_some(), options.test.is_some() || options.folds.is_some()) {
        (false, false) => "0.8/0.1/0.1",
        (true, false) => "0.9/0/0.1",
        (false, true) => "0.9/0.1/0",
        (true, true) => "1/0/0",
    };
    options.split.unwrap_or_else(|| default.parse().expect("shares that add up to 1"))
}

impl std::fmt::Display for DataReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let targets: Vec<String> = self.target.iter().map(|name| format!("'{}'", shown(name))).collect();
        let target = match self.task {
            Task::Classification => format!("{} in {} classes", targets.join(", "), self.classes.len()),
            Task::Regression => format!("{} as numbers", targets.join(", ")),
        };
        write!(
            text,
            "{}: {target} from {} columns; {} rows to train on, {} to validate, {} to test",
            shown(&self.source),
            self.columns,
            self.training_rows,
            self.validation_rows,
            self.test_rows
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Column, Missing};

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
        let pieces = encoded::<f32>(table.clone(), &parts, &encoding, 7).expect("samples");
        for (part, samples) in parts.iter().zip(pieces) {
            assert_eq!(samples.inputs, encoding.encode_inputs(&table, part).expect("inputs"));
            assert_eq!(samples.targets, encoding.encode_targets(&table, part, 7).expect("targets"));
        }
    }
}
