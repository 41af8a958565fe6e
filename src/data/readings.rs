//! How the cells of each column are read, decided once from what is known before a source is: the options of a training, or a model.

use std::collections::{HashMap, HashSet};

use super::Encoding;
use super::fit::FitOptions;

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

/// What is known of the columns of a source before it is read. Columns are named by their names, or by their positions from 0.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readings {
    /// The columns that are categories.
    as_written: Vec<String>,
    /// The targets.
    targets: Targets,
    /// The columns that nobody asks for.
    unused: Vec<String>,
    /// The columns that somebody asks for; none = all others.
    used: Option<Vec<String>>,
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
        Self { as_written: options.categorical.clone(), targets, unused, used: None }
    }

    /// As a model has its columns: nobody asks for others.
    pub fn of_model(encoding: &Encoding) -> Self {
        let owned = |name: &str| name.to_owned();
        let categories = encoding.inputs.iter().filter(|column| column.is_category()).map(|column| owned(&column.name));
        let classes = encoding.target_names().into_iter().map(owned).filter(|_| !encoding.class_names().is_empty());
        let inputs = encoding.inputs.iter().map(|column| owned(&column.name));
        let targets = encoding.target_names().into_iter().map(owned);
        Self {
            as_written: categories.chain(classes).collect(),
            targets: Targets::None,
            unused: Vec::new(),
            used: Some(inputs.chain(targets).collect()),
        }
    }

    /// The same, with all columns read.
    pub fn with_all(self) -> Self {
        Self { unused: Vec::new(), used: None, ..self }
    }

    /// The same, with targets of which nothing is known yet: a training that goes on from a model.
    pub fn with_targets(self, options: &FitOptions) -> Self {
        let Self { targets, .. } = Self::of_training(options, None);
        Self { targets, used: None, ..self }
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
        set(self.used.as_deref().unwrap_or_default(), Reading::Plain);
        match &self.targets {
            Targets::None => {}
            Targets::Named(targets) => set(targets, Reading::Spelled),
            Targets::LastBut(others) => {
                let others: HashSet<usize> = others.iter().filter_map(position).collect();
                let last = (0..names.len()).rev().find(|position| !others.contains(position));
                set(&last.map(|last| names[last].clone()).into_iter().collect::<Vec<_>>(), Reading::Spelled);
            }
        }
        set(&self.as_written, Reading::AsWritten);
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
}
