//! The different values of cells, counted.

use std::collections::BTreeMap;

use crate::data::categories::missing_target;
use crate::data::{Cells, Column, Table};
use crate::error::Result;

/// The different values of a target column in `rows`: numbers by value, text by code point.
pub(super) fn values(table: &Table, position: usize, rows: &[usize]) -> Result<Counted> {
    if let Some(&row) = rows.iter().find(|&&row| table.columns[position].cells.is_missing(row)) {
        return Err(missing_target(table, row, position));
    }
    Ok(Counted::of(&table.columns[position], rows))
}

/// The different values of some cells and how often each is there.
pub(crate) struct Counted {
    /// Sorted: numbers by value, text by code point.
    pub(crate) names: Vec<String>,
    pub(crate) counts: Vec<usize>,
}

impl Counted {
    /// Counts the cells of `rows` that are not missing.
    pub(crate) fn of(column: &Column, rows: &[usize]) -> Self {
        if let Cells::Text(cells) = &column.cells {
            let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
            for cell in rows.iter().filter_map(|&row| cells.get(row)) {
                *counts.entry(cell).or_default() += 1;
            }
            let (names, counts) = counts.into_iter().map(|(name, count)| (name.to_owned(), count)).unzip();
            return Self { names, counts };
        }
        let mut numbers: Vec<f64> = rows.iter().filter_map(|&row| column.cells.number(row)).collect();
        numbers.sort_by(f64::total_cmp);
        let runs = numbers.chunk_by(|a, b| a == b);
        let (names, counts) = runs.map(|run| (column.spelled(run[0]), run.len())).unzip();
        Self { names, counts }
    }

    /// The most frequent value, the first of equals.
    pub(super) fn mode(&self) -> Option<&str> {
        let best = self.counts.iter().max()?;
        self.counts.iter().position(|count| count == best).map(|index| self.names[index].as_str())
    }
}
