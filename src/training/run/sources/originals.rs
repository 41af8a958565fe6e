//! Rows as their source has them, for those who want to find some of them again when all have become numbers.

use std::rc::Rc;

use super::Part;
use super::held::Held;
use crate::data::table::{Origin, Origins};
use crate::data::{StoredTable, Table};
use crate::error::Result;

/// Where the rows of a part are in their source, and what their cells say.
#[derive(Debug)]
pub(in crate::training::run) struct Originals {
    source: String,
    rows: Kept,
}

#[derive(Debug)]
enum Kept {
    /// Where each row is, and the rows themselves, if they are not too many to keep.
    Memory(Origins, Option<Box<Table>>),
    /// A file that holds them, and their numbers in it.
    File(Rc<StoredTable>, Vec<usize>),
}

impl Originals {
    /// Bytes of cells that are kept, at most.
    const BYTES: usize = 4 << 20;

    /// Those of a part.
    pub(in crate::training::run) fn of(part: &Part) -> Self {
        let kept = |table: &Table| {
            let bytes = table.all_bytes() as u128 * part.rows.len() as u128 / table.rows.max(1) as u128;
            (bytes <= Self::BYTES as u128).then(|| Box::new(table.with_rows(&part.rows)))
        };
        let (source, rows) = match &part.table {
            Held::Memory(table) => (table.source.clone(), Kept::Memory(table.origins(&part.rows), kept(table))),
            Held::File(stored) => (stored.shape().source, Kept::File(stored.clone(), part.rows.clone())),
        };
        Self { source, rows }
    }

    /// The source of all of them, as the user named it.
    pub(in crate::training::run) fn source(&self) -> &str {
        &self.source
    }

    /// Where a row of the part is, and what it has in these columns; nothing of the cells where they were not kept.
    ///
    /// # Errors
    /// Internal, if a file cannot be read.
    pub(in crate::training::run) fn of_row(&self, row: usize, columns: &[&str]) -> Result<(Origin, Vec<String>)> {
        let cells = |table: &Table, row: usize| {
            let cell = |name: &&str| {
                let cells = &table.columns[table.position(name)?].cells;
                Some(cells.text(row).map_or_else(String::new, std::borrow::Cow::into_owned))
            };
            columns.iter().map(|name| cell(name).unwrap_or_default()).collect()
        };
        match &self.rows {
            Kept::Memory(origins, table) => {
                Ok((origins.of(row), table.as_ref().map_or_else(Vec::new, |table| cells(table, row))))
            }
            Kept::File(stored, rows) => {
                let block = stored.block(rows[row]..rows[row] + 1)?;
                Ok((block.origin(0), cells(&block, 0)))
            }
        }
    }
}
