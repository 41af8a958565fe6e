//! Arrays of numbers in files whose header has been read: all rows at once, or some at a time.

use std::io::{self, Read};

use rayon::prelude::*;

use super::Texts;
use super::input::{Input, Reader, changed};
use super::pieces::{Give, Known, Pieces, check_columns};
use super::readings::Reading;
use super::table::{TEXT_BYTES, check_memory};
use super::{Cells, Column, ReadOptions, Readings, Table};
use crate::error::{Error, Result, flagged, shown};
use crate::name;

/// The next rows as columns; or what is wrong with them; or that they cannot be read.
pub(super) type Decoded = io::Result<std::result::Result<Vec<Cells>, String>>;

/// Reads so many rows.
pub(super) type Decode<'a> = Box<dyn Fn(&mut dyn Read, usize) -> Decoded + 'a>;

/// An array in a file.
pub(super) struct Array<'a> {
    source: String,
    /// What follows the header, or the rows that were taken.
    input: Box<dyn Read + 'a>,
    decode: Decode<'a>,
    /// Number of rows.
    pub(super) rows: usize,
    /// Number of columns.
    pub(super) columns: usize,
    /// Rows that were taken.
    taken: usize,
    /// Whether it lies row by row, so that some can be taken before the others.
    pub(super) is_by_rows: bool,
    /// Whether its elements are integers of 64 bits: f64 holds them exactly only up to 2^53.
    is_wide: bool,
}

impl<'a> Array<'a> {
    /// An array of rows × columns that lies row by row.
    pub(super) fn new(source: &str, input: impl Read + 'a, [rows, columns]: [usize; 2], decode: Decode<'a>) -> Self {
        Self {
            source: source.to_owned(),
            input: Box::new(input),
            decode,
            rows,
            columns,
            taken: 0,
            is_by_rows: true,
            is_wide: false,
        }
    }

    /// The same, if it lies column by column: all of it is to be taken at once.
    pub(super) fn by_columns(self) -> Self {
        Self { is_by_rows: false, ..self }
    }

    /// The same, if it holds integers of 64 bits.
    pub(super) fn of_wide_integers(self) -> Self {
        Self { is_wide: true, ..self }
    }

    /// Whether all rows were taken.
    pub(super) fn is_at_end(&self) -> bool {
        self.taken == self.rows
    }

    /// The next rows, at most so many and at least one, as columns `0`, `1`, …
    ///
    /// # Errors
    /// Data, if it holds what its type cannot, or the file cannot be read.
    pub(super) fn take(&mut self, most: usize) -> Result<Table> {
        let rows = most.min(self.rows - self.taken);
        let cells = (self.decode)(self.input.as_mut(), rows)
            .map_err(|error| Error::reading(&name::path(&self.source), &error))?
            .map_err(|what| Error::Data(format!("{}: {what}", shown(&self.source))))?;
        let columns = cells.into_iter().enumerate().map(|(position, cells)| Column::new(position.to_string(), cells));
        let table = Table { first_row: self.taken, ..Table::new(&self.source, columns.collect()) };
        self.taken += rows;
        Ok(table)
    }

    /// All rows.
    ///
    /// # Errors
    /// As [`take`](Self::take).
    pub(super) fn all(mut self) -> Result<Table> {
        self.take(self.rows)
    }

    /// Gives all rows as parts of `source`, some at a time where the array lies row by row, with their labels, if there are any.
    ///
    /// # Errors
    /// As [`take`](Self::take); data, for a number that no f32 holds in a column that somebody asks for; what `give` comes to.
    pub(super) fn give(
        mut self,
        source: &str,
        columns: &Readings,
        mut labels: Option<Labels>,
        give: &mut Give<'_>,
    ) -> Result<()> {
        /// Bytes of a piece as the widest numbers, and its rows at least: each piece costs something a column.
        const BYTES: usize = 4 << 20;
        const ROWS: usize = 16;
        check_columns(source, self.columns)?;
        let most = if self.is_by_rows { (BYTES / (8 * self.columns)).max(ROWS) } else { self.rows };
        while !self.is_at_end() {
            let mut table = Table { source: source.to_owned(), ..self.take(most)? };
            if let Some(labels) = &mut labels {
                labels.add_to(&mut table)?;
            }
            let readings = columns.of_table(&table);
            table.columns.iter_mut().for_each(|column| columns.missing().blank(&mut column.cells));
            refuse_beyond(&table, &readings)?;
            if self.is_wide {
                refuse_rounded(&table, &readings[..self.columns])?;
            }
            give(table, self.taken as f64 / self.rows as f64)?;
        }
        Ok(())
    }
}

/// The name of the column that labels become.
pub(super) const LABEL: &str = "label";

/// The labels of rows: they become the last column of the tables that hold those.
pub(super) struct Labels {
    cells: Cells,
    /// How many of them were given.
    given: usize,
}

impl Labels {
    /// The one column of a table.
    pub(super) fn of(table: Table) -> Self {
        let cells = table.columns.into_iter().next_back().expect("one column").cells;
        Self { cells, given: 0 }
    }

    /// The one column of an array.
    ///
    /// # Errors
    /// As [`Array::take`]; data, for an integer that no float holds.
    pub(super) fn of_array(array: Array<'_>) -> Result<Self> {
        let is_wide = array.is_wide;
        let table = array.all()?;
        if is_wide {
            refuse_rounded(&table, &[Reading::Plain])?;
        }
        Ok(Self::of(table))
    }

    /// Appends the next labels to a table as its last column.
    ///
    /// # Errors
    /// Data, if a row has no label: somebody changed the file after its rows were counted.
    pub(super) fn add_to(&mut self, table: &mut Table) -> Result<()> {
        if self.given + table.rows > self.cells.len() {
            return Err(changed(&table.source));
        }
        let rows: Vec<usize> = (self.given..self.given + table.rows).collect();
        self.given += table.rows;
        table.columns.push(Column::new(LABEL, self.cells.gathered(&rows)));
        Ok(())
    }
}

/// The array in an input of so many bytes, unpacked, of which the header is read.
pub(super) type Open = fn(&str, Reader, u64) -> Result<Array<'static>>;

/// A file that holds one array.
pub(super) struct ArrayFile<'a> {
    input: Input,
    columns: &'a Readings,
    open: Open,
}

impl<'a> ArrayFile<'a> {
    pub(super) fn boxed(input: Input, options: &'a ReadOptions, open: Open) -> Result<Box<dyn Pieces + 'a>> {
        Ok(Box::new(Self { input, columns: &options.columns, open }))
    }

    fn array(&self) -> Result<Array<'static>> {
        (self.open)(self.input.source(), self.input.reader()?, self.input.length()?)
    }
}

impl Pieces for ArrayFile<'_> {
    fn known(&mut self) -> Result<Known> {
        let array = self.array()?;
        Ok(Known { shape: Some([array.rows, array.columns]), is_in_parts: array.is_by_rows })
    }

    fn each(&mut self, _: &[usize], give: &mut Give<'_>) -> Result<()> {
        self.array()?.give(self.input.source(), self.columns, None, give)
    }
}

/// Refuses numbers that no f32 holds, in columns that somebody asks for.
pub(super) fn refuse_beyond(table: &Table, readings: &[Reading]) -> Result<()> {
    for (column, _) in table.columns.iter().zip(readings).filter(|(_, reading)| **reading != Reading::Unused) {
        let large = match &column.cells {
            Cells::Singles(cells) => cells.iter().position(|cell| cell.is_infinite()),
            Cells::Numbers(cells) => cells.iter().position(|cell| cell.abs() > f64::from(f32::MAX)),
            Cells::Bytes(_) | Cells::Integers(_) | Cells::Text(_) => None,
        };
        if let Some(row) = large {
            return Err(Error::Data(format!(
                "{}: {} is infinite or beyond {:e}; mend it, or train without the column ({})",
                table.place(row, &column.name),
                column.cells.text(row).unwrap_or_default(),
                f32::MAX,
                flagged("--ignore", &column.name)
            )));
        }
    }
    Ok(())
}

/// Refuses integers from 2^53 on in the columns that are read: f64 rounds 2^53 + 1 to 2^53, so it cannot tell the two apart.
fn refuse_rounded(table: &Table, readings: &[Reading]) -> Result<()> {
    const LARGEST: f64 = (1_u64 << 53) as f64;
    for (column, _) in table.columns.iter().zip(readings).filter(|(_, reading)| **reading != Reading::Unused) {
        let Cells::Numbers(cells) = &column.cells else { continue };
        if let Some(row) = cells.iter().position(|cell| cell.abs() >= LARGEST) {
            return Err(Error::Data(format!(
                "{}: an integer of 2^53 or beyond, where f64 is not exact; leave the column out ({}), or save it as text",
                table.place(row, &column.name),
                flagged("--ignore", &column.name)
            )));
        }
    }
    Ok(())
}

/// The columns of `rows` × `columns` elements of `N` bytes that `input` gives row by row: each as `from` reads it.
///
/// # Errors
/// What reading comes to; an input that ends early is one.
pub(super) fn columns_of<const N: usize, U: Send>(
    input: &mut dyn Read,
    rows: usize,
    columns: usize,
    from: impl Fn([u8; N]) -> U + Sync,
) -> io::Result<Vec<Vec<U>>> {
    /// Columns that a thread writes side by side.
    const GROUP: usize = 64;
    /// Bytes read at a time.
    const BLOCK: usize = 1 << 20;
    check_memory(rows as u64, (rows * columns) as u64, size_of::<U>())?;
    let mut cells: Vec<Vec<U>> = (0..columns).map(|_| Vec::with_capacity(rows)).collect();
    let at_once = (BLOCK / (columns * N)).clamp(1, rows);
    let mut block = vec![0; at_once * columns * N];
    for first in (0..rows).step_by(at_once) {
        let block = &mut block[..at_once.min(rows - first) * columns * N];
        input.read_exact(block)?;
        let elements = block.as_chunks::<N>().0;
        cells.par_chunks_mut(GROUP).enumerate().for_each(|(group, cells)| {
            for row in elements.chunks_exact(columns) {
                for (column, &element) in cells.iter_mut().zip(&row[group * GROUP..]) {
                    column.push(from(element));
                }
            }
        });
    }
    Ok(cells)
}

/// The columns of `rows` × `columns` texts of `bytes` bytes each that `input` gives row by row: each as `from` reads it.
///
/// # Errors
/// What reading comes to; an input that ends early is one.
pub(super) fn columns_of_text(
    input: &mut dyn Read,
    rows: usize,
    columns: usize,
    bytes: usize,
    from: impl Fn(&[u8]) -> Option<String>,
) -> io::Result<Vec<Cells>> {
    check_memory(rows as u64, (rows * columns) as u64, TEXT_BYTES + bytes)?;
    let mut cells = vec![Texts::new(); columns];
    let mut text = vec![0; bytes];
    for _ in 0..rows {
        for column in &mut cells {
            input.read_exact(&mut text)?;
            column.push(from(&text).as_deref());
        }
    }
    Ok(cells.into_iter().map(Cells::Text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_without_a_label_are_those_of_a_file_that_has_changed() {
        let column = |name: &str, cells: &[u8]| Table::new("a.npy", vec![Column::new(name, Cells::Bytes(cells.to_vec()))]);
        let mut labels = Labels::of(column("0", &[1, 0, 1]));
        let mut table = column("0", &[7, 8]);
        labels.add_to(&mut table).unwrap();
        assert_eq!(table.columns[1].cells, Cells::Bytes(vec![1, 0]));
        assert!(labels.add_to(&mut column("0", &[7, 8])).unwrap_err().to_string().contains("changed while it was read"));
    }

    #[test]
    fn rows_that_are_taken_in_parts_are_told_by_their_numbers_in_the_whole() {
        let bytes: Vec<u8> = [0.0, 1.0, 2.0, 3.0, f32::INFINITY, 5.0].into_iter().flat_map(f32::to_le_bytes).collect();
        let decode = |input: &mut dyn Read, rows| {
            Ok(Ok(columns_of(input, rows, 1, f32::from_le_bytes)?.into_iter().map(Cells::Singles).collect()))
        };
        let mut array = Array::new("a.npy", bytes.as_slice(), [6, 1], Box::new(decode));
        let table = array.take(4).unwrap();
        assert_eq!((table.rows, table.columns[0].cells.number(3), array.is_at_end()), (4, Some(3.0), false));
        let rest = array.take(4).unwrap();
        let error = refuse_beyond(&rest, &[Reading::Plain]).unwrap_err().to_string();
        assert!(error.contains("a.npy: row 5, column '0'") && array.is_at_end(), "{error}");
        assert!(refuse_beyond(&rest, &[Reading::Unused]).is_ok());
    }

    #[test]
    fn columns_of_more_than_one_group_are_the_transpose() {
        let bytes: Vec<u8> = (0..3 * 150_u32).flat_map(u32::to_le_bytes).collect();
        let columns = columns_of(&mut bytes.as_slice(), 3, 150, u32::from_le_bytes).unwrap();
        assert_eq!(columns.len(), 150);
        assert!(columns.iter().enumerate().all(|(c, cells)| *cells == [c as u32, c as u32 + 150, c as u32 + 300]));
    }

    #[test]
    fn an_input_of_several_blocks_is_read_whole_and_one_that_ends_early_is_an_error() {
        let (rows, columns) = (400, 1500);
        let bytes: Vec<u8> = (0..rows * columns).flat_map(|value: u32| value.to_le_bytes()).collect();
        let read = |bytes: &[u8]| columns_of(&mut &bytes[..], rows as usize, columns as usize, u32::from_le_bytes);
        let cells = read(&bytes).unwrap();
        assert!(
            (0..columns).all(|column| (0..rows).all(|row| cells[column as usize][row as usize] == row * columns + column))
        );
        assert!(read(&bytes[..bytes.len() - 1]).is_err());
    }
}
