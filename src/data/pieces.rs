//! What every format gives: a table some rows at a time. A table in memory is the pieces collected.

use super::input::Input;
use super::table::Files;
use super::{ReadOptions, Table};
use crate::error::{Error, Result, shown};
use crate::memory;

/// A source that gives its rows some at a time, from the first on as often as it is asked.
pub(super) trait Pieces {
    /// What can be said before a row is read.
    ///
    /// # Errors
    /// As [`each`](Self::each).
    fn known(&mut self) -> Result<Known> {
        Ok(Known { shape: None, is_in_parts: true })
    }

    /// Gives all rows, one table after the other, of which the first may have none. The columns at the positions `texts` are text whatever
    /// they hold, if the format leaves that open.
    ///
    /// # Errors
    /// Data, naming place and column, for what cannot be read or is not what it says; limit, for what does not fit memory even in pieces;
    /// what `give` comes to.
    fn each(&mut self, texts: &[usize], give: &mut Give<'_>) -> Result<()>;
}

/// Takes the next rows, and the share of the source, from 0 to 1, that ends with them.
pub(super) type Give<'a> = dyn FnMut(Table, f64) -> Result<()> + 'a;

/// What can be said of a source before a row of it is read.
#[derive(Debug, Clone, Copy)]
pub(super) struct Known {
    /// Its numbers of rows and columns, where it says so.
    pub(super) shape: Option<[usize; 2]>,
    /// Whether its rows can be read in parts, so that not all are in memory.
    pub(super) is_in_parts: bool,
}

/// A format.
pub(super) struct Format {
    /// Whether a file that begins with these bytes is of it.
    pub(super) begins: fn(&[u8]) -> bool,
    pub(super) holds: Holds,
    /// A file of it.
    pub(super) open: for<'a> fn(Input, &'a ReadOptions) -> Result<Box<dyn Pieces + 'a>>,
}

/// What a file holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Holds {
    /// A table: several of them may be one.
    Table,
    /// An array of numbers, whose columns have no names and whose labels may lie elsewhere.
    Array,
    /// Several such arrays.
    Archive,
}

/// Columns of a table, at most: more is hardly a table, and each takes memory of its own.
const MOST_COLUMNS: usize = 1 << 18;

/// Refuses more columns than a table has.
///
/// # Errors
/// Limit.
pub(super) fn check_columns(source: &str, columns: usize) -> Result<()> {
    if columns <= MOST_COLUMNS {
        return Ok(());
    }
    Err(Error::Limit(format!(
        "{}: it has {columns} columns, and wgrad reads {MOST_COLUMNS} at most; are rows and columns exchanged?",
        shown(source)
    )))
}

/// All rows of a source as one table. A column that is text in one of the pieces is text in all of them.
///
/// # Errors
/// As [`Pieces::each`]; limit, if there is no memory for all rows.
pub(super) fn collected(source: &str, pieces: &mut dyn Pieces) -> Result<Table> {
    let mut texts = Vec::new();
    loop {
        let mut collection = Collection::default();
        pieces.each(&texts, &mut |table, share| collection.add(source, table, share))?;
        let Collection { table, files, is_mixed, is_text, .. } = collection;
        if !is_mixed {
            let mut table = table.expect("a first table, if only of names");
            table.columns.iter_mut().for_each(|column| column.cells.shrink_to_fit());
            return Ok(Table { files, ..table });
        }
        texts = (0..is_text.len()).filter(|&position| is_text[position]).collect();
    }
}

/// The rows that were read so far.
#[derive(Default)]
struct Collection {
    table: Option<Table>,
    files: Files,
    /// Bytes that all of it takes.
    bytes: usize,
    /// Whether each column was text in a piece.
    is_text: Vec<bool>,
    /// Whether a column was text in one piece and numbers in another: the rows are no longer kept.
    is_mixed: bool,
}

impl Collection {
    /// Adds the next rows of a source, of which this share ends with them.
    fn add(&mut self, source: &str, mut table: Table, share: f64) -> Result<()> {
        self.is_text.resize(table.columns.len(), false);
        let has_rows = table.rows > 0;
        for (column, is_text) in table.columns.iter().zip(&mut self.is_text) {
            *is_text |= has_rows && column.cells.is_text();
        }
        if table.source != source {
            self.files.add(&table);
        }
        self.bytes += table.all_bytes();
        let Some(all) = &mut self.table else {
            ask(source, &table, self.bytes, share)?;
            table.source = source.to_owned();
            self.table = Some(table);
            return Ok(());
        };
        if has_rows && all.rows > 0 {
            let mut pairs = all.columns.iter().zip(&table.columns);
            self.is_mixed |= pairs.any(|(all, column)| all.cells.is_text() != column.cells.is_text());
        }
        if self.is_mixed {
            *all = table;
            return Ok(());
        }
        let rows = (all.rows + table.rows) as f64 / share;
        let nothing = |()| no_memory(source, rows);
        let expected = ((all.rows + table.rows) as f64 / share.max(f64::MIN_POSITIVE)) as usize;
        for (column, more) in all.columns.iter_mut().zip(table.columns) {
            if column.cells.grows_with(&more.cells) && !memory::is_there(8 * column.cells.len() as u128) {
                return Err(nothing(()));
            }
            column.cells.widen(&more.cells);
            // What is reserved takes no memory before it is written.
            let most = expected.saturating_sub(column.cells.len()).max(more.cells.len());
            let of_piece = more.cells.text_bytes();
            // As many for each row as in this piece.
            let texts = (most as u128 * of_piece as u128 / more.cells.len().max(1) as u128) as usize;
            column
                .cells
                .try_reserve_exact(most, texts)
                .or_else(|_| column.cells.try_reserve_exact(more.cells.len(), of_piece))
                .map_err(|_| nothing(()))?;
            column.append(more);
        }
        // Rows of which some have no line have none.
        if has_rows && (all.rows == 0 || !all.lines.is_empty()) {
            all.lines.extend(table.lines.iter().copied());
            if table.lines.is_empty() {
                all.lines = Vec::new();
            }
        }
        all.rows += table.rows;
        all.add_remarks(&table.remarks);
        all.add_numerals(&table.numerals);
        all.append_records(table.records);
        ask(source, all, self.bytes, share)
    }
}

/// Asks for the memory that the rest of a source takes, of which this share is a table of so many bytes, with the network's inputs that are
/// made of the whole.
fn ask(source: &str, table: &Table, here: usize, share: f64) -> Result<()> {
    /// Bytes of a row's number in the lists that split and order the rows, and of an input.
    const ROW: f64 = 40.0;
    const INPUT: f64 = 4.0;
    /// Less is not asked for.
    const SMALL: f64 = (16 << 20) as f64;
    let here = here as f64;
    let [rows, cells, bytes] = [table.rows as f64, (table.rows * table.columns.len()) as f64, here].map(|part| part / share);
    let rest = bytes - here + rows * ROW;
    // The table is given back as its inputs are made.
    let filled = rest + (cells * INPUT - bytes).max(0.0);
    let room = rest + cells * INPUT;
    if here + room < SMALL || memory::is_there(filled as u128) && memory::has_room(room as u128) {
        return Ok(());
    }
    Err(no_memory(source, rows))
}

fn no_memory(source: &str, rows: f64) -> Error {
    Error::Limit(format!("{}: there is no memory for its rows, about {rows:.0} of them", shown(source)))
}

#[cfg(test)]
mod tests {
    use super::super::input::tests::file;
    use super::super::{Cells, Column, read};
    use super::*;

    /// Tables that are given one after the other; as text, where they are asked to be.
    struct Given(Vec<Table>);

    impl Pieces for Given {
        fn each(&mut self, texts: &[usize], give: &mut Give<'_>) -> Result<()> {
            let rows: usize = self.0.iter().map(|table| table.rows).sum();
            let mut before = 0;
            for table in &self.0 {
                let mut table = table.clone();
                for &position in texts {
                    let cells = &table.columns[position].cells;
                    let texts = (0..cells.len()).map(|row| cells.text(row)).collect();
                    table.columns[position].cells = Cells::Text(texts);
                }
                before += table.rows;
                give(table, before as f64 / rows as f64)?;
            }
            Ok(())
        }
    }

    fn piece(source: &str, cells: Cells, line: u64) -> Table {
        let rows = cells.len() as u64;
        Table { lines: (line..line + rows).collect(), ..Table::new(source, vec![Column::new("a", cells)]) }
    }

    fn texts(texts: &[&str]) -> Cells {
        Cells::Text(texts.iter().map(|text| Some(*text)).collect())
    }

    #[test]
    fn pieces_are_joined_to_the_kind_that_holds_them_all() {
        let bytes = || piece("s", Cells::Bytes(vec![1, 2]), 2);
        let of = |tables: Vec<Table>| collected("s", &mut Given(tables)).unwrap();
        assert_eq!(of(vec![bytes()]), bytes());
        let wider = of(vec![bytes(), piece("s", Cells::Singles(vec![0.5]), 4), piece("s", Cells::Numbers(vec![0.1]), 9)]);
        assert_eq!((wider.columns[0].cells.clone(), wider.rows), (Cells::Numbers(vec![1.0, 2.0, 0.5, 0.1]), 4));
        assert_eq!((wider.lines.as_slice(), wider.place(3, "a").as_str()), (&[2, 3, 4, 9][..], "s: line 9, column 'a'"));
        // Names without rows come first where a file begins with more than a piece of names.
        let text = of(vec![piece("s", Cells::Numbers(vec![]), 2), bytes(), piece("s", texts(&["x"]), 4)]);
        assert_eq!(text.columns[0].cells, texts(&["1", "2", "x"]));
        let several = of(vec![
            piece("1", Cells::Numbers(vec![7.0]), 2),
            piece("1", Cells::Numbers(vec![7.0]), 3),
            piece("2", Cells::Bytes(vec![3]), 2),
        ]);
        assert_eq!((several.source.as_str(), several.place(1, "a").as_str()), ("s", "1: line 3, column 'a'"));
        assert_eq!(several.place(2, "a"), "2: line 2, column 'a'");
    }

    #[test]
    fn more_rows_than_memory_holds_are_refused_by_what_the_first_of_them_take() {
        struct Endless(usize);
        impl Pieces for Endless {
            fn each(&mut self, _: &[usize], give: &mut Give<'_>) -> Result<()> {
                for _ in 0..2 {
                    self.0 += 1;
                    give(piece("s", Cells::Numbers(vec![0.5; 1000]), 2), 1e-12)?;
                }
                Ok(())
            }
        }
        let mut endless = Endless(0);
        let error = collected("s", &mut endless).unwrap_err();
        assert!(error.exit_code() == 6 && error.to_string().contains("there is no memory for its rows"), "{error}");
        assert_eq!(endless.0, 1);
    }

    #[test]
    fn every_format_has_the_same_limit_of_columns() {
        let columns = MOST_COLUMNS + 1;
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': (1, {columns}), }}\n");
        let npy = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &vec![7; columns]];
        let idx = [&[0, 0, 8, 2, 0, 0, 0, 1][..], &(columns as u32).to_be_bytes(), &vec![7; columns]].concat();
        let csv = vec!["1"; columns].join(",");
        for bytes in [npy.concat(), idx, csv.into_bytes()] {
            let (_folder, path) = file("wide", &bytes);
            let error = read(&path, &ReadOptions { header: false, ..ReadOptions::default() }).unwrap_err();
            assert!(
                error.exit_code() == 6 && error.to_string().contains("262145 columns, and wgrad reads 262144"),
                "{error}"
            );
        }
    }
}
