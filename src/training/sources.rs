//! The rows that a run trains on, validates with and tests with: read, split, and encoded as the training rows say.

use std::rc::Rc;

use serde::Serialize;

use super::options::Options;
use super::session::Samples;
use crate::data::{self, Cells, Encoding, FitOptions, Fractions, InputColumn, InputKind, Scale, Table, Task, fit, remarks};
use crate::error::{Error, Result, shown};
use crate::evaluation::Truth;
use crate::network::Activation;
use crate::scalar::Scalar;

/// Some rows of a table.
#[derive(Debug, Clone)]
pub struct Part {
    table: Rc<Table>,
    rows: Vec<usize>,
}

impl Part {
    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// The rows as a network's inputs and targets.
    ///
    /// # Errors
    /// Data, naming line and column, for a cell that the encoding has no number for.
    pub fn samples<T: Scalar>(&self, encoding: &Encoding, outputs: usize) -> Result<Samples<T>> {
        Ok(Samples {
            inputs: encoding.encode_inputs(&self.table, &self.rows)?,
            targets: encoding.encode_targets(&self.table, &self.rows, outputs)?,
        })
    }

    /// What the network should say about the rows.
    ///
    /// # Errors
    /// Data, naming line and column, for a target that the encoding does not know.
    pub fn truth(&self, encoding: &Encoding) -> Result<Truth> {
        Truth::of(encoding, &self.table, &self.rows)
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
    /// To choose by.
    pub validation: Option<Part>,
    /// To report on.
    pub test: Option<Part>,
    /// How the numbers are scaled, where one word says it for inputs and targets.
    pub scale: Option<Scale>,
    /// What a person should hear about the data.
    pub remarks: Vec<String>,
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
    /// Reads and splits what the options name, and fits the encoding on the training rows.
    ///
    /// # Errors
    /// Data, for what cannot be read or does not fit; usage, for options that contradict each other.
    pub fn read(options: &Options) -> Result<Self> {
        let Some(source) = &options.data else {
            let sets: Vec<&str> = data::embedded::names().collect();
            return Err(Error::Usage(format!(
                "there is no data to train on: name an embedded set ({}) or a file, as in 'wgrad train digits'",
                sets.join(", ")
            )));
        };
        let seed = options.seed.unwrap_or(0);
        let fitting = fitting(options);
        let table = table(source, options, options.files.labels.clone(), &fitting)?;
        let is_image = table.columns.iter().all(|column| matches!(column.cells, Cells::Bytes(_)));
        let labels_alone = [
            ("--validation-labels", options.validation.is_none() && options.validation_labels.is_some()),
            ("--test-labels", options.test.is_none() && options.test_labels.is_some()),
        ];
        if let Some((flag, _)) = labels_alone.iter().find(|(_, alone)| *alone) {
            return Err(Error::Usage(format!("{flag} goes with a file of images, which is not named")));
        }
        if is_image && options.files.labels.is_none() && options.target.is_none() {
            return Err(Error::Usage(format!(
                "{}: images need their labels: name the file (--labels FILE), or the pixel that is the target (--target COLUMN)",
                shown(source)
            )));
        }
        let strata = if options.stratify.unwrap_or(false) { fit::strata(&table, &fitting)? } else { None };
        unused_share(options)?;
        let split = data::split(table.rows, shares(options), seed, strata.as_deref())?;
        let encoding = Encoding::fit(&table, &split.training, &fitting)?;
        let table = Rc::new(table);
        let part = |rows: Vec<usize>| (!rows.is_empty()).then(|| Part { table: Rc::clone(&table), rows });
        let other = |file: &Option<String>, labels| -> Result<Option<Part>> {
            let Some(file) = file else { return Ok(None) };
            let other = self::table(file, options, labels, &fitting)?;
            encoding.check_columns(&other)?;
            Ok(Some(Part { rows: (0..other.rows).collect(), table: Rc::new(other) }))
        };
        let validation = other(&options.validation, options.validation_labels.clone())?;
        let test = other(&options.test, options.test_labels.clone())?;
        let training = Part { table: Rc::clone(&table), rows: split.training };
        let validation = validation.or_else(|| part(split.validation));
        let test = test.or_else(|| part(split.test));
        let mut remarks = remarks::stray_text(&table);
        // What is embedded is as it is.
        if table.task.is_none() {
            remarks.extend(remarks::constant_columns(&encoding, &table, &training.rows));
        }
        for (part, what) in [(&validation, "validation"), (&test, "test")] {
            let absent = |part: &Part| remarks::absent_classes(&encoding, &part.table, &part.rows, what);
            remarks.extend(part.as_ref().and_then(absent));
        }
        for part in validation.iter().chain(&test) {
            remarks.extend(remarks::unseen_categories(&encoding, &part.table, &part.rows));
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
        Ok(Self { source: source.clone(), encoding, training, validation, test, scale, remarks })
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

/// What the options say about the columns.
pub fn fitting(options: &Options) -> FitOptions {
    FitOptions {
        target: options.target.clone().unwrap_or_default(),
        task: options.task,
        ignore: options.ignore.clone().unwrap_or_default(),
        categorical: options.categorical.clone().unwrap_or_default(),
        missing: options.missing.unwrap_or_default(),
        scale: options.scale,
        target_scale: match options.output_activation {
            None | Some(Activation::Identity) => None,
            Some(_) => Some(Scale::Minmax),
        },
    }
}

/// Reads one table, without the rows that `--missing drop` leaves out.
fn table(source: &str, options: &Options, labels: Option<std::path::PathBuf>, fitting: &FitOptions) -> Result<Table> {
    let table = data::read(source, &options.files.reading(labels))?;
    let kept = fit::rows_kept(&table, fitting)?;
    Ok(if kept.len() == table.rows { table } else { table.with_rows(&kept) })
}

/// Refuses a share of the rows that nothing would use, because a file holds what it is for.
fn unused_share(options: &Options) -> Result<()> {
    let Some(split) = options.split else { return Ok(()) };
    let twice = [
        ("--validation", options.validation.is_some() && split.validation() > 0.0),
        ("--test", options.test.is_some() && split.test() > 0.0),
    ];
    match twice.into_iter().find(|(_, twice)| *twice) {
        None => Ok(()),
        Some((flag, _)) => Err(Error::Usage(format!(
            "{flag} names a file, and --split {split} sets rows apart for the same: make that share 0, or leave one of the two out"
        ))),
    }
}

/// The shares of the rows of the main table: what another file holds needs none of it.
pub(super) fn shares(options: &Options) -> Fractions {
    let default = match (&options.validation, &options.test) {
        (None, None) => "0.8/0.1/0.1",
        (Some(_), None) => "0.9/0/0.1",
        (None, Some(_)) => "0.9/0.1/0",
        (Some(_), Some(_)) => "1/0/0",
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
