//! Finding a cell among known categories or classes.

use std::collections::HashMap;

use super::Table;
use super::cells::spelled;
use super::table::listed;
use crate::error::{Error, Obstacle, Remedy, Result, flagged, shown};

/// Known categories or classes. A cell is the one that is spelled like it. If there is none, a class is the same number in any spelling
/// (`7`, `007`, `7.0`), but a category, where 3.1 and 3.10 are two, only the same integer with or without `.0` (`1`, `1.0`), which programs
/// add when they rewrite a column with missing cells.
pub(crate) struct Categories<'a> {
    names: &'a [String],
    by_name: HashMap<&'a str, usize>,
    by_number: HashMap<u64, usize>,
    by_integer: HashMap<&'a str, usize>,
}

impl<'a> Categories<'a> {
    pub(crate) fn new(names: &'a [String]) -> Self {
        let by_name = names.iter().enumerate().map(|(index, name)| (name.as_str(), index)).collect();
        // Backwards, so that of two spellings of one number the first is found.
        let by_number = names.iter().enumerate().rev().filter_map(|(index, name)| Some((number(name)?, index))).collect();
        let numbers = names.iter().enumerate().rev().filter(|(_, name)| number(name).is_some());
        let by_integer = numbers.map(|(index, name)| (without_zeros(name), index)).collect();
        Self { names, by_name, by_number, by_integer }
    }

    /// The class that a cell is.
    pub(crate) fn find(&self, cell: &str) -> Option<usize> {
        self.by_name.get(cell).or_else(|| self.by_number.get(&number(cell)?)).copied()
    }

    /// The category that a cell is.
    pub(crate) fn find_category(&self, cell: &str) -> Option<usize> {
        let found = self.by_name.get(cell).copied();
        found.or_else(|| self.by_integer.get(without_zeros(cell)).copied())
    }

    /// The category of each of `rows`, `missing` standing in for missing cells; none for one that is not known.
    pub(crate) fn known(
        &self,
        table: &Table,
        position: usize,
        rows: &[usize],
        missing: Option<&str>,
    ) -> Result<Vec<Option<usize>>> {
        let cells = &table.columns[position].cells;
        let code = |&row: &usize| match cells.text(row).as_deref().or(missing) {
            Some(cell) => Ok(self.find_category(cell)),
            None => Err(missing_cell(table, row, position)),
        };
        rows.iter().map(code).collect()
    }

    /// The category of each of `rows`, all of which must be known.
    pub(crate) fn codes(&self, table: &Table, position: usize, rows: &[usize]) -> Result<Vec<usize>> {
        let column = &table.columns[position];
        let code = |&row: &usize| {
            let cell = column.cells.text(row);
            let Some(cell) = cell.as_deref() else { return Err(missing_cell(table, row, position)) };
            let otherwise = || self.find(&spelled(table.numerals.parse(cell)?));
            self.find(cell).or_else(otherwise).ok_or_else(|| {
                let numerals = table.numerals.other_flags(|| std::iter::once(cell));
                let hint = numerals.map_or_else(
                    || {
                        "mend it, or train on rows of that class; if the target is another column, name it with --target"
                            .into()
                    },
                    |flags| format!("say {flags} if it is a number"),
                );
                Error::Data(format!(
                    "{}: the class '{}' was not among those of the training rows ({}); {hint}",
                    table.place(row, &column.name),
                    shown(cell),
                    listed(self.names.iter().map(String::as_str))
                ))
            })
        };
        rows.iter().map(code).collect()
    }
}

/// An integer without its point and the zeros behind it; any other text as it is.
fn without_zeros(text: &str) -> &str {
    let Some((integer, zeros)) = text.split_once('.') else { return text };
    if zeros.bytes().all(|byte| byte == b'0') { integer } else { text }
}

/// The bits of the number that this text is, 0 having one sign.
fn number(text: &str) -> Option<u64> {
    text.parse::<f64>().ok().map(|number| (number + 0.0).to_bits())
}

/// The error for a missing cell that nothing stands in for.
pub(crate) fn missing_cell(table: &Table, row: usize, position: usize) -> Error {
    let name = &table.columns[position].name;
    let text = format!(
        "{}: the cell is missing; fill it in, or train with --missing drop, mean, median or mode, or with {}",
        table.place(row, name),
        flagged("--ignore", &table.flag_value(position))
    );
    Obstacle::error(text, Remedy::None)
}

/// The error for a missing target.
pub(crate) fn missing_target(table: &Table, row: usize, position: usize) -> Error {
    let place = table.place(row, &table.columns[position].name);
    let text = format!(
        "{place}: the target is missing; fill it in or take the row out; 'wgrad train' leaves such rows out with --missing drop"
    );
    Obstacle::error(text, Remedy::Option("missing", "drop".into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_category_is_found_by_spelling_first_and_then_as_a_number() {
        let names: Vec<String> = ["0", "01", "1", "a"].map(String::from).to_vec();
        let categories = Categories::new(&names);
        let found = |cell| categories.find(cell);
        assert_eq!((found("01"), found("1"), found("1.0"), found("-0")), (Some(1), Some(2), Some(1), Some(0)));
        assert_eq!((found("a"), found("A"), found("2")), (Some(3), None, None));
        // Another spelling of the number comes first.
        let names: Vec<String> = ["01", "1", "3.1", "5.0", "007"].map(String::from).to_vec();
        let categories = Categories::new(&names);
        let found = |cell| categories.find_category(cell);
        assert_eq!((found("1.0"), found("1."), found("5"), found("3.1")), (Some(1), Some(1), Some(3), Some(2)));
        assert_eq!((found("3.10"), found("7"), found("007"), found("001")), (None, None, Some(4), None));
    }
}
