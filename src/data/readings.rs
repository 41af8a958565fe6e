//! How a source is read, and the cells of each of its columns: decided once, before it is read, from the options of a training or a model.

use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::Arc;

use super::fit::FitOptions;
use super::{Encoding, MissingValues, Numerals, Table};

/// How a source is to be read.
#[derive(Debug, Clone, PartialEq)]
pub struct ReadOptions {
    /// Whether the first line of a CSV file names the columns; if not, they are called `0`, `1`, …
    pub header: bool,
    /// The file of labels (IDX or npy) that belongs to images: becomes the last column, `label`.
    pub labels: Option<PathBuf>,
    /// What separates the cells of a CSV file; none = a tab for `.tsv`, else a comma.
    pub delimiter: Option<u8>,
    /// How its numbers are written; none = as the file shows, or with a point.
    pub numerals: Option<Numerals>,
    /// What may stand before or after its numbers.
    pub units: Arc<[String]>,
    /// What is known of its columns.
    pub columns: Readings,
    /// Whether its rows are wanted as they are, to be written again: of a CSV file their texts are kept, of other formats all columns.
    pub keeps_text: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self {
            header: true,
            labels: None,
            delimiter: None,
            numerals: None,
            units: Arc::default(),
            columns: Readings::default(),
            keeps_text: false,
        }
    }
}

impl ReadOptions {
    /// How numbers are written as far as it is known, from the options or from a model, and whether that is all of it.
    pub(super) fn known_numerals(&self) -> (Numerals, bool) {
        let known = self.numerals.as_ref().or(self.columns.numerals());
        let mut numerals = known.cloned().unwrap_or_default();
        if !self.units.is_empty() {
            numerals.units = Arc::clone(&self.units);
        }
        (numerals, known.is_some())
    }
}

/// How the cells of a column are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reading {
    /// As numbers, if all are, else as text.
    Plain,
    /// As text, as they are written: categories, of which 3.1 and 3.10 are two.
    AsWritten,
    /// As numbers, if all are, whose spelling is kept: they may turn out to be classes, which are called as they are written.
    Spelled,
    /// Nobody asks for them, so that they may hold anything.
    Unused,
}

/// What is known of the columns of a source before it is read. Options name columns by their names or by their positions from 0; a model
/// by their names alone.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Readings {
    /// Which cells say that their value is missing.
    missing: MissingValues,
    /// How numbers are written; none = as a file shows.
    numerals: Option<Numerals>,
    /// The columns that are categories.
    as_written: Vec<String>,
    /// Whether a model names these, and those that are used.
    of_model: bool,
    /// The targets.
    targets: Targets,
    /// The columns that nobody asks for.
    unused: Vec<String>,
    /// The columns that somebody asks for; none = all others.
    used: Option<Vec<String>>,
    /// One more that somebody asks for: the rows' weights.
    needed: Option<String>,
}

/// Which columns are the targets.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
enum Targets {
    /// There are none.
    #[default]
    None,
    /// The last column that is not among these.
    LastBut(Vec<String>),
    /// These.
    Named(Vec<String>),
}

impl Readings {
    /// As a training's options say; of the columns that they ignore the `needed` one is read.
    pub fn of_training(options: &FitOptions, needed: Option<&str>) -> Self {
        let targets = match &options.target[..] {
            [] => Targets::LastBut(options.ignore.clone()),
            names => Targets::Named(names.to_vec()),
        };
        let unused = options.ignore.iter().filter(|name| Some(name.as_str()) != needed).cloned().collect();
        let as_written = options.categorical.clone();
        let missing = MissingValues::of(options.missing_values.as_deref());
        Self { missing, as_written, targets, unused, needed: needed.map(str::to_owned), ..Self::default() }
    }

    /// As a model has its inputs: nobody asks for other columns.
    pub fn of_inputs(encoding: &Encoding) -> Self {
        let names = |categories: bool| {
            let columns = encoding.inputs.iter().filter(|column| !categories || column.is_category());
            columns.map(|column| column.name.clone()).collect()
        };
        let missing = encoding.missing();
        let numerals = Some(encoding.numerals.clone());
        Self { missing, numerals, as_written: names(true), of_model: true, used: Some(names(false)), ..Self::default() }
    }

    /// As a model has its inputs and targets.
    pub fn of_model(encoding: &Encoding) -> Self {
        let targets: Vec<String> = encoding.target_names().into_iter().map(str::to_owned).collect();
        let mut readings = Self::of_inputs(encoding);
        if !encoding.class_names().is_empty() {
            readings.as_written.extend(targets.iter().cloned());
        }
        readings.used.iter_mut().for_each(|used| used.extend(targets.iter().cloned()));
        readings
    }

    /// The same, with all columns read.
    pub fn with_all(self) -> Self {
        Self { unused: Vec::new(), used: None, ..self }
    }

    /// The same, with the rows' weights, if there is a column of them.
    pub fn with_weights(self, column: Option<&str>) -> Self {
        Self { needed: column.map(str::to_owned), ..self }
    }

    /// A model's inputs with targets of which it knows nothing: those named, else the last column that is neither an input nor the weights.
    pub fn with_targets(self, named: &[String]) -> Self {
        let targets = match named {
            [] => Targets::LastBut(self.used.iter().flatten().chain(&self.needed).cloned().collect()),
            names => Targets::Named(names.to_vec()),
        };
        Self { targets, ..self }
    }

    /// Which cells say that their value is missing.
    pub(super) fn missing(&self) -> &MissingValues {
        &self.missing
    }

    /// How numbers are written, if a model says so.
    pub(super) fn numerals(&self) -> Option<&Numerals> {
        self.numerals.as_ref()
    }

    /// How each column of a table is read.
    pub(super) fn of_table(&self, table: &Table) -> Vec<Reading> {
        self.of(&table.names().map(str::to_owned).collect::<Vec<_>>())
    }

    /// How each of these columns is read.
    pub(super) fn of(&self, names: &[String]) -> Vec<Reading> {
        let by_name: HashMap<&str, usize> = names.iter().enumerate().map(|(place, name)| (name.as_str(), place)).collect();
        let position = |text: &String| {
            let by_position = || text.parse().ok().filter(|&position: &usize| position < names.len());
            by_name.get(text.as_str()).copied().or_else(by_position)
        };
        let start = if self.used.is_some() { Reading::Unused } else { Reading::Plain };
        let mut readings = vec![start; names.len()];
        let mut set = |given: &[String], reading| {
            given.iter().filter_map(position).for_each(|position| readings[position] = reading);
        };
        let of_model = |given: &[String]| -> Vec<String> {
            given.iter().filter(|name| !self.of_model || by_name.contains_key(name.as_str())).cloned().collect()
        };
        set(&of_model(self.used.as_deref().unwrap_or_default()), Reading::Plain);
        set(self.needed.as_slice(), Reading::Plain);
        match &self.targets {
            Targets::None => {}
            Targets::Named(targets) => set(targets, Reading::Spelled),
            Targets::LastBut(others) => {
                let others: HashSet<usize> = others.iter().filter_map(position).collect();
                let last = (0..names.len()).rev().find(|position| !others.contains(position));
                set(&last.map(|last| names[last].clone()).into_iter().collect::<Vec<_>>(), Reading::Spelled);
            }
        }
        set(&of_model(&self.as_written), Reading::AsWritten);
        set(&self.unused, Reading::Unused);
        readings
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(names: &[&str]) -> Vec<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_column_is_read_as_the_options_say() {
        let columns = names(&["a", "code", "w", "y"]);
        let options = FitOptions { categorical: names(&["1"]), ignore: names(&["w"]), ..FitOptions::default() };
        let of = |options: &FitOptions, needed| Readings::of_training(options, needed).of(&columns);
        use Reading::{AsWritten, Plain, Spelled, Unused};
        assert_eq!(of(&options, None), [Plain, AsWritten, Unused, Spelled]);
        assert_eq!(of(&options, Some("w")), [Plain, AsWritten, Plain, Spelled], "it is needed");
        let last = FitOptions { ignore: names(&["3"]), ..FitOptions::default() };
        assert_eq!(of(&last, None), [Plain, Plain, Spelled, Unused]);
        let named = FitOptions { target: names(&["a", "y"]), categorical: names(&["y"]), ..FitOptions::default() };
        assert_eq!(of(&named, None), [Spelled, Plain, Plain, AsWritten]);
        assert_eq!(Readings::default().of(&columns), [Plain; 4]);
    }

    #[test]
    fn a_column_is_read_as_the_model_has_it() {
        use Reading::{AsWritten, Plain, Spelled, Unused};
        let table = crate::data::csv::read("t.csv", b"a,code,y\n1,x,no\n2,y,yes\n3,x,no\n", &Default::default()).unwrap();
        let encoding = Encoding::fit(&table, &[0, 1, 2], &FitOptions::default()).unwrap();
        let columns = names(&["code", "other", "w", "y", "a", "new"]);
        assert_eq!(Readings::of_model(&encoding).of(&columns), [AsWritten, Unused, Unused, AsWritten, Plain, Unused]);
        let inputs = Readings::of_inputs(&encoding).with_weights(Some("w"));
        assert_eq!(inputs.of(&columns), [AsWritten, Unused, Plain, Unused, Plain, Unused]);
        let last = inputs.clone().with_targets(&[]);
        assert_eq!(last.of(&columns), [AsWritten, Unused, Plain, Unused, Plain, Spelled]);
        assert_eq!(last.of(&columns[..3]), [AsWritten, Spelled, Plain], "the weights come last");
        let named = inputs.with_targets(&names(&["3"]));
        assert_eq!(named.of(&columns), [AsWritten, Unused, Plain, Spelled, Plain, Unused]);
        // A model knows names, not positions: its input '0' is not the first column.
        let plain = crate::data::csv::read("t.csv", b"1,5\n2,6\n", &ReadOptions { header: false, ..Default::default() });
        let by_position = Encoding::fit(&plain.unwrap(), &[0, 1], &FitOptions::default()).unwrap();
        assert_eq!(Readings::of_model(&by_position).of(&names(&["p", "q"])), [Unused, Unused]);
    }
}
