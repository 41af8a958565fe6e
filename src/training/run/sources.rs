//! The rows that a run trains on, validates with and tests with: read, split, and encoded as the training rows say.

mod encoded;
mod held;
mod originals;
mod shares;

use std::rc::Rc;

use serde::Serialize;

use super::columns::fitting;
use super::finetuning::Base;
use super::options::{Bytes, Options};
use super::{obstacles, row_weights, threshold};
use crate::data::{
    self, Cells, Encoding, FitOptions, ReadOptions, Readings, Scale, Split, StoredTable, Table, Target, Task, npz,
};
use crate::error::{Error, Obstacle, Remedy, Result, shown};
use crate::evaluation::{Rule, Threshold, Truth};
pub use encoded::Encoded;
pub(super) use held::Held;
pub(super) use originals::Originals;
pub use shares::check_folds;
use shares::{split, unused_share};

/// Some rows of a table.
#[derive(Debug, Clone)]
pub struct Part {
    pub(super) table: Held,
    /// Ascending.
    pub(super) rows: Vec<usize>,
}

impl Part {
    /// All rows of a table.
    pub(super) fn of(table: Held) -> Self {
        Self { rows: (0..table.rows()).collect(), table }
    }

    /// Number of rows.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// What the network should say about the rows.
    ///
    /// # Errors
    /// Data, naming line and column, for a target that the encoding does not know.
    pub fn truth(&self, encoding: &Encoding) -> Result<Truth> {
        self.table.truth(&self.rows, encoding)
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
    /// What is to choose the threshold between two classes, and the true classes of the rows to choose by; none where nothing is.
    pub threshold: Option<(Rule, Vec<usize>)>,
    /// How the numbers are scaled, where one word says it for inputs and targets.
    pub scale: Option<Scale>,
    /// The most bins of a numeric column; none where a model says it.
    pub bins: Option<usize>,
    /// Whether the rows come from an array (IDX, npy), whose columns have no names.
    pub is_array: bool,
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
        let labels_alone = [
            ("--validation-labels", options.validation.is_none() && options.validation_labels.is_some()),
            ("--test-labels", options.test.is_none() && options.test_labels.is_some()),
        ];
        if let Some((flag, _)) = labels_alone.iter().find(|(_, alone)| *alone) {
            return Err(Error::Usage(format!("{flag} goes with a file of images, which is not named")));
        }
        unused_share(options)?;
        let mut sources = match Self::of(source, options, base, stored) {
            Err(Error::Limit(_)) if !stored && can_be_stored(options) => Self::of(source, options, base, true)?,
            read => read?,
        };
        if options.memory.is_some() && !can_be_stored(options) {
            sources.remarks.push(NOT_IN_PARTS.into());
        }
        Ok(sources)
    }

    /// The rows of a source: split, the encoding fitted on those to train on.
    fn of(source: &str, options: &Options, base: Option<&Base>, stored: bool) -> Result<Self> {
        let reading = reading_of(options, base);
        let stored = stored || is_larger(source, options.memory) && can_be_stored(options);
        let fitting = |names: &Table| fitting_of(names, options, base);
        let (table, fitting) = Held::read(source, &reading, stored, options.weight_column.as_deref(), fitting)?;
        let (split, mut encoding, fitting) = match Self::fitted(&table, fitting, options, base) {
            Err(Error::Refused(found)) if base.is_none() => return Err(all_obstacles(found, &table, options)),
            fitted => fitted?,
        };
        let (table, fitting) = (&table, &fitting);
        threshold::decide(&mut encoding, options)?;
        let (classes, column) = (options.class_weights.as_ref(), options.weight_column.as_deref());
        let weights = table.weights(&split.training, &encoding, classes, column)?;
        let others = Others::read(options, &encoding, fitting, stored)?;
        let mut remarks = Vec::new();
        if matches!(table, Held::File(_)) {
            remarks.push(in_parts(source));
        }
        remarks.extend_from_slice(table.remarks());
        for part in [&others.validation, &others.test].into_iter().flatten() {
            remarks.extend_from_slice(part.table.remarks());
        }
        remarks.extend(taken_as_classes(source, &encoding, fitting, table));
        remarks.extend(table.remarks_on_columns(source, &encoding, &split.training, base.is_none())?);
        let is_open = options.missing.is_none() && base.is_none();
        remarks.extend(table.filled_in(&encoding, is_open)?);
        for part in [&others.validation, &others.test].into_iter().flatten() {
            remarks.extend(part.table.filled_in(&encoding, is_open)?);
        }
        let [training, validation, test] = others.parts(table, split);
        let training = training.expect("there are training rows");
        let truth = |part: &Part| part.truth(&encoding);
        let threshold = match options.threshold {
            Some(Threshold::By(rule)) => {
                let truth = validation.as_ref().map(truth).transpose()?;
                threshold::rule_and_truth(rule, options, &encoding, truth)?
            }
            _ => None,
        };
        for (part, what) in [(&validation, "validation"), (&test, "test")] {
            let by_chance = |part: &Part| part.table.is(table) && !options.stratify();
            let absent = |part: &Part| part.table.absent_classes(&part.rows, &encoding, what, by_chance(part));
            remarks.extend(part.as_ref().and_then(absent));
        }
        // What a model was trained on knew its categories; other rows may not.
        for part in validation.iter().chain(&test).chain(base.map(|_| &training)) {
            remarks.extend(part.table.unseen_categories(&part.rows, &encoding));
        }
        let inputs = table.usual_scale(&encoding);
        let targets = match encoding.task() {
            Task::Classification => inputs,
            Task::Regression => fitting.target_scale.unwrap_or(Scale::Standard),
        };
        let (source, scale) = (source.to_owned(), (inputs == targets).then_some(inputs));
        let (bins, is_array) = (fitting.bins, table.is_array());
        Ok(Self { source, encoding, training, weights, validation, test, threshold, scale, bins, is_array, remarks })
    }

    /// Looks whether a table can be trained on by these options, as far as its cells decide it.
    ///
    /// # Errors
    /// Refused, with all that stands in the way; as [`read`](Self::read).
    pub fn check(table: Table, options: &Options) -> Result<()> {
        let table = Held::Memory(Rc::new(table));
        match Self::can_fit(&table, options) {
            Err(Error::Refused(found)) => Err(all_obstacles(found, &table, options)),
            other => other,
        }
    }

    /// Whether these options fit a table that has been read.
    fn can_fit(table: &Held, options: &Options) -> Result<()> {
        let fitting = fitting_of(&table.shape(), options, None)?;
        Self::fitted(&table.clone().kept(&fitting)?, fitting, options, None).map(drop)
    }

    /// Which rows of a table are for what, the encoding that fits those to train on, and what the options say of the columns.
    fn fitted(
        table: &Held,
        mut fitting: FitOptions,
        options: &Options,
        base: Option<&Base>,
    ) -> Result<(Split, Encoding, FitOptions)> {
        if base.is_none() {
            fitting.bins = Some(table.bins(&fitting)?);
        }
        let (strata, mut found) = match table.strata(&fitting) {
            _ if !options.stratify() => (None, Vec::new()),
            Err(Error::Refused(found)) => (None, found),
            strata => (strata?, Vec::new()),
        };
        let split = split(table.rows(), options, strata.as_deref())?;
        drop(strata);
        let encoding = match base {
            None => table.fit(&split.training, &fitting),
            Some(base) => base.encoding(table, &split.training, &fitting),
        };
        match encoding {
            Ok(encoding) if found.is_empty() => Ok((split, encoding, fitting)),
            Err(Error::Refused(more)) => {
                // What stood in the way of the classes does so again.
                let is_new = |obstacle: &Obstacle| !found.iter().any(|known| known.remedy == obstacle.remedy);
                let more: Vec<Obstacle> = more.into_iter().filter(is_new).collect();
                found.extend(more);
                Err(Error::Refused(found))
            }
            Err(other) => Err(other),
            Ok(_) => Err(Error::Refused(found)),
        }
    }

    /// Rows of all parts together.
    pub fn all_rows(&self) -> usize {
        self.parts().map(Part::rows).sum()
    }

    /// Rows of the parts of the main table, which the folds of a cross-validation have in common.
    pub fn rows(&self) -> usize {
        self.parts().filter(|part| part.table.is(&self.training.table)).map(Part::rows).sum()
    }

    fn parts(&self) -> impl Iterator<Item = &Part> {
        [Some(&self.training), self.validation.as_ref(), self.test.as_ref()].into_iter().flatten()
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

/// The error of what was found first, with what is behind it where the table is in memory.
fn all_obstacles(found: Vec<Obstacle>, table: &Held, options: &Options) -> Error {
    let mut found = obstacles::all(found, options, |options| Sources::can_fit(table, options));
    // If the first row was taken as the header, columns are called otherwise.
    let headers = table.remarks().iter().filter(|remark| remark.contains("--no-header"));
    found.extend(headers.map(|remark| Obstacle { text: remark.clone(), remedy: Remedy::None }));
    Error::Refused(found)
}

/// The rows that files of their own hold.
struct Others {
    validation: Option<Part>,
    test: Option<Part>,
}

impl Others {
    fn read(options: &Options, encoding: &Encoding, fitting: &FitOptions, stored: bool) -> Result<Self> {
        let fitting_of = |names: &Table| {
            encoding.check_columns(names)?;
            let is_there = |name: &&String| names.resolve(name, "--ignore").is_ok();
            Ok(FitOptions { ignore: fitting.ignore.iter().filter(is_there).cloned().collect(), ..fitting.clone() })
        };
        let other = |file: &Option<String>, labels| -> Result<Option<Part>> {
            let Some(file) = file else { return Ok(None) };
            let columns = Readings::of_model(encoding);
            let reading = ReadOptions { columns, ..options.files.reading(labels) };
            let stored = (stored || is_larger(file, options.memory)) && StoredTable::is_for(file, &reading);
            let (table, _) = Held::read(file, &reading, stored, None, fitting_of)?;
            Ok(Some(Part::of(table)))
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

/// Whether the main table is one that training can read from a file, a part at a time.
pub(super) fn can_be_stored(options: &Options) -> bool {
    let reading = options.files.reading(options.files.labels.clone());
    options.data.as_deref().is_some_and(|source| StoredTable::is_for(source, &reading))
}

/// What a person should hear of a source that `--memory` says nothing about.
pub(super) const NOT_IN_PARTS: &str = "wgrad reads CSV, Parquet, IDX, npy and npz files (arrays in C order) and folders of tables in parts, but \
                                       not embedded sets, stdin, pipes, and Parquet and npz files in gzip: these rows are in memory, \
                                       whatever --memory says";

/// What a person should hear of a source that is read in parts.
pub(super) fn in_parts(source: &str) -> String {
    let source = shown(source);
    format!(
        "{source}: larger than the memory for it; it was converted into a file without a name, of which a part at a time is read"
    )
}

/// Whether a source's files have more bytes than there is to be memory for.
pub(super) fn is_larger(source: &str, memory: Option<Bytes>) -> bool {
    memory.is_some_and(|memory| data::bytes_of(source) > memory.0)
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

/// How the main table is read: its columns as the options say, or as the model that training starts from.
fn reading_of(options: &Options, base: Option<&Base>) -> ReadOptions {
    let columns = match base {
        None => Readings::of_training(&fitting(options), options.weight_column.as_deref()),
        Some(base) => base.readings(options),
    };
    ReadOptions { columns, ..options.files.reading(options.files.labels.clone()) }
}

/// The remark that numbers are taken for classes, where nobody said so and nothing of their name does.
fn taken_as_classes(source: &str, encoding: &Encoding, fitting: &FitOptions, table: &Held) -> Option<String> {
    let Target::Classification { column, classes, .. } = &encoding.target else { return None };
    // Of --categorical columns the cells are text.
    let is_open =
        fitting.task.is_none() && !table.is_array() && !table.is_text(column) && data::embedded::find(source).is_none();
    let are_numbers = classes.len() > 2 && classes.iter().all(|class| class.parse::<f64>().is_ok());
    (is_open && are_numbers && !data::advice::is_called_target(column)).then(|| {
        format!(
            "{}: wgrad takes the few whole numbers in '{}' for {} classes; if they are amounts, say --task regression",
            shown(source),
            shown(column),
            classes.len()
        )
    })
}

/// What the options, and the model that training starts from, say about the columns of the main table, which has the rows' weights where
/// they are asked for.
fn fitting_of(table: &Table, options: &Options, base: Option<&Base>) -> Result<FitOptions> {
    let is_image = table.columns.iter().all(|column| matches!(column.cells, Cells::Bytes(_)));
    if is_image && !table.is_labelled() && options.target.is_none() {
        let text = format!(
            "{}: images need their labels: name the file (--labels FILE), or the pixel that is the target (--target COLUMN)",
            shown(&table.source)
        );
        return Err(Obstacle::error(text, Remedy::Open("--labels FILE")));
    }
    if let Some(column) = &options.weight_column {
        row_weights::position(table, column)?;
        if options.target.iter().flatten().any(|target| target == column) {
            return Err(Error::Usage(format!("--weight-column {}: this is the target", shown(column))));
        }
    }
    match base {
        None => Ok(fitting(options)),
        Some(base) => base.fitting(table, options),
    }
}

impl std::fmt::Display for DataReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let targets: Vec<String> = self.target.iter().map(|name| format!("'{}'", shown(name))).collect();
        let target = match self.task {
            Task::Classification => format!("{} in {} classes", targets.join(", "), self.classes.len()),
            Task::Regression => format!("{} as numbers", targets.join(", ")),
        };
        write!(text, "{}: {target} from {} columns", shown(&self.source), self.columns)?;
        if self.inputs != self.columns {
            write!(text, " in {} inputs", self.inputs)?;
        }
        write!(text, "; {} rows to train on", self.training_rows)?;
        for (rows, what) in [(self.validation_rows, "validate"), (self.test_rows, "test")] {
            if rows > 0 {
                write!(text, ", {rows} to {what}")?;
            }
        }
        Ok(())
    }
}
