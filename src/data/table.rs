//! A table as it was read: named columns of cells, not yet the network's numbers.

use std::collections::HashMap;
use std::ops::Range;
use std::{fmt, io};

use serde::{Deserialize, Serialize};

use super::cells::spelled;
use super::{Cells, Numerals, Task};
use crate::error::{Error, Result, shown, suggestion};
use crate::memory;

/// Named columns of equal length.
#[derive(Debug, Clone, PartialEq)]
pub struct Table {
    /// Where it came from, as the user wrote it: a file, `-` or an embedded set.
    pub source: String,
    /// The columns; no two have the same name.
    pub columns: Vec<Column>,
    /// Number of rows.
    pub rows: usize,
    /// Rows of the source before the first, where the table is a part of it.
    pub first_row: usize,
    /// The file's line (from 1) on which each row begins; empty where the format has no lines.
    pub lines: Vec<u64>,
    /// Of several files, which row is from which.
    pub files: Files,
    /// What the data set is known to be for (embedded sets only).
    pub task: Option<Task>,
    /// What a person should hear of how it was read.
    pub remarks: Vec<String>,
    /// The rows as the file has them, where they are to be written again.
    pub records: Option<Records>,
    /// How numbers are written in columns of text.
    pub numerals: Numerals,
}

/// The rows of a CSV file as they are there, quotation marks and all, without the ends of their lines.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Records {
    /// The header; none where the file, or this part of it, has none.
    pub header: Option<String>,
    /// What separates the cells.
    pub delimiter: u8,
    /// One text a row.
    pub rows: Vec<Box<str>>,
}

impl Records {
    /// Adds those of another file, or of a later part of this one.
    pub(super) fn append(&mut self, more: Self) {
        if more.delimiter == self.delimiter {
            self.rows.extend(more.rows);
        } else {
            let rows = more.rows.iter().map(|row| rewritten(row, more.delimiter, self.delimiter));
            self.rows.extend(rows);
        }
    }
}

/// A row whose cells are separated by another sign.
fn rewritten(row: &str, from: u8, to: u8) -> Box<str> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).delimiter(from).from_reader(row.as_bytes());
    let mut writer = csv::WriterBuilder::new().delimiter(to).from_writer(Vec::new());
    // Both work on memory, on what was read as a record before.
    reader.records().flatten().for_each(|record| writer.write_record(&record).expect("memory takes a record"));
    let bytes = writer.into_inner().expect("memory takes a record");
    String::from_utf8_lossy(&bytes).trim_end_matches('\n').into()
}

/// The files that the rows of a table come from; none where it is one.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Files {
    names: Vec<String>,
    /// The number of each file's first row among those of all.
    starts: Vec<usize>,
    /// A file's position in `names` for each row.
    of_rows: Vec<u32>,
}

impl Files {
    /// The rows of the same file come next, or of another one.
    pub(super) fn add(&mut self, table: &Table) {
        if self.names.last() != Some(&table.source) {
            self.starts.push(self.of_rows.len());
            self.names.push(table.source.clone());
        }
        self.of_rows.resize(self.of_rows.len() + table.rows, self.names.len() as u32 - 1);
    }

    /// The rows of files that begin at these rows, of which those in the range are in the table.
    pub(super) fn of_range(starts: &[(usize, String)], rows: Range<usize>) -> Self {
        let of_row = |row| starts.partition_point(|(start, _)| *start <= row).saturating_sub(1) as u32;
        let of_rows = if starts.is_empty() { Vec::new() } else { rows.map(of_row).collect() };
        let (starts, names) = starts.iter().cloned().unzip();
        Self { names, starts, of_rows }
    }

    /// Those of only these rows.
    fn with_rows(&self, rows: &[usize]) -> Self {
        if self.of_rows.is_empty() {
            return self.clone();
        }
        let of_rows: Vec<u32> = rows.iter().map(|&row| self.of_rows[row]).collect();
        let start = |file| of_rows.partition_point(|&other| other < file);
        Self { names: self.names.clone(), starts: (0..self.names.len() as u32).map(start).collect(), of_rows }
    }

    /// The file that this row comes from, and the number of its first row.
    fn of(&self, row: usize) -> Option<(&str, usize)> {
        self.of_rows.get(row).map(|&file| (self.names[file as usize].as_str(), self.starts[file as usize]))
    }
}

/// Where a row is in its source.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// The file, where there are several.
    pub file: Option<String>,
    /// Its line (from 1); none where the format has no lines.
    pub line: Option<u64>,
    /// Where there are no lines: its number among the rows of the file, from 1.
    pub row: Option<u64>,
}

impl fmt::Display for Origin {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(file) = &self.file {
            write!(text, "{}: ", shown(file))?;
        }
        match (self.line, self.row) {
            (Some(line), _) => write!(text, "line {line}"),
            (None, row) => write!(text, "row {}", row.unwrap_or_default()),
        }
    }
}

/// Where some rows are in their source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Origins {
    /// The files' names, where there are several.
    files: Vec<String>,
    are_lines: bool,
    /// Of each row its file's place among them and its line, or its number in the file.
    places: Vec<(u32, u64)>,
}

impl Origins {
    /// Where one of them is.
    pub(crate) fn of(&self, place: usize) -> Origin {
        let (file, number) = self.places[place];
        let file = self.files.get(file as usize).cloned();
        match self.are_lines {
            true => Origin { file, line: Some(number), row: None },
            false => Origin { file, line: None, row: Some(number) },
        }
    }
}

/// One column.
#[derive(Debug, Clone, PartialEq)]
pub struct Column {
    /// Its name in the header, or its position from 0 where there is no header.
    pub name: String,
    /// One cell a row.
    pub cells: Cells,
    /// How its numbers are written, where somebody may want to know.
    pub spellings: Spellings,
}

/// How numbers are written in a file, each as it is there first, where that is not how wgrad writes it: `007`, `1.0`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Spellings {
    of_numbers: HashMap<u64, String>,
    /// Whether there are so many that the column holds no classes.
    is_full: bool,
    /// Two large numbers that are written otherwise and are the same in f64.
    merged: Option<(String, String)>,
}

impl Spellings {
    /// More different numbers are amounts.
    const MOST: usize = 10_000;

    /// From here on an integer may be the same number in f64 as another one.
    const EXACT: f64 = (1_u64 << 53) as f64;

    /// Two large numbers that are written otherwise and are the same in f64, if there are any.
    pub(super) fn merged(&self) -> Option<(&str, &str)> {
        self.merged.as_ref().map(|(one, other)| (one.as_str(), other.as_str()))
    }

    fn note_merged(&mut self, number: f64, one: &str, other: &str) {
        if number.abs() >= Self::EXACT && one != other {
            self.merged.get_or_insert_with(|| (one.to_owned(), other.to_owned()));
        }
    }

    fn key(number: f64) -> u64 {
        (number + 0.0).to_bits()
    }

    /// Takes note of how a number is written.
    pub(super) fn note(&mut self, number: f64, written: &str) {
        if self.is_full || number.is_nan() {
            return;
        }
        match self.of_numbers.get(&Self::key(number)) {
            None => {
                self.of_numbers.insert(Self::key(number), written.to_owned());
                self.bound();
            }
            Some(first) if number.abs() >= Self::EXACT => {
                let first = first.clone();
                self.note_merged(number, &first, written);
            }
            Some(_) => {}
        }
    }

    /// Adds the spellings of numbers that are not known yet.
    fn merge(&mut self, other: &Self) {
        self.is_full |= other.is_full;
        if self.merged.is_none() {
            self.merged.clone_from(&other.merged);
        }
        for (&number, written) in &other.of_numbers {
            if let Some(first) = self.of_numbers.get(&number).cloned() {
                self.note_merged(f64::from_bits(number), &first, written);
            }
            self.of_numbers.entry(number).or_insert_with(|| written.clone());
        }
        self.bound();
    }

    fn bound(&mut self) {
        if self.is_full || self.of_numbers.len() > Self::MOST {
            *self = Self { of_numbers: HashMap::new(), is_full: true, merged: None };
        }
    }
}

impl Column {
    /// A column of these cells.
    pub fn new(name: impl Into<String>, cells: Cells) -> Self {
        Self { name: name.into(), cells, spellings: Spellings::default() }
    }

    /// Adds the cells of the same column of another table, which are no wider.
    pub(super) fn append(&mut self, more: Self) {
        self.cells.append(more.cells);
        self.spellings.merge(&more.spellings);
    }

    /// A number of the column, as it is written there.
    pub(crate) fn spelled(&self, number: f64) -> String {
        self.spellings.of_numbers.get(&Spellings::key(number)).cloned().unwrap_or_else(|| spelled(number))
    }
}

impl Table {
    /// A table of these columns, without line numbers.
    ///
    /// # Panics
    /// If the columns differ in length or there is none.
    pub fn new(source: &str, columns: Vec<Column>) -> Self {
        let rows = columns[0].cells.len();
        assert!(columns.iter().all(|column| column.cells.len() == rows), "the columns of a table are equally long");
        Self {
            source: source.to_owned(),
            columns,
            rows,
            first_row: 0,
            lines: Vec::new(),
            files: Files::default(),
            task: None,
            remarks: Vec::new(),
            records: None,
            numerals: Numerals::default(),
        }
    }

    /// The position of the column called `name`.
    pub fn position(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// The positions of all columns by name, for those who look up many.
    pub fn positions(&self) -> HashMap<&str, usize> {
        self.names().enumerate().map(|(position, name)| (name, position)).collect()
    }

    /// The position of the column that `text` names, by its name or else by its position from 0. `flag` is where the user
    /// wrote it.
    ///
    /// # Errors
    /// Data, if there is no such column.
    pub fn resolve(&self, text: &str, flag: &str) -> Result<usize> {
        self.resolved(text, flag, |name| self.position(name))
    }

    /// The positions of all columns that the texts name, as [`resolve`](Self::resolve) finds each.
    ///
    /// # Errors
    /// As there.
    pub fn resolve_all(&self, texts: &[String], flag: &str) -> Result<Vec<usize>> {
        if let [text] = texts {
            return Ok(vec![self.resolve(text, flag)?]);
        }
        let positions = if texts.is_empty() { HashMap::new() } else { self.positions() };
        texts.iter().map(|text| self.resolved(text, flag, |name| positions.get(name).copied())).collect()
    }

    fn resolved(&self, text: &str, flag: &str, by_name: impl Fn(&str) -> Option<usize>) -> Result<usize> {
        let by_position = || text.parse().ok().filter(|&position: &usize| position < self.columns.len());
        by_name(text).or_else(by_position).ok_or_else(|| {
            Error::Data(format!(
                "{}: {flag} names column '{}', which is not there{}; its columns are {}",
                shown(&self.source),
                shown(text),
                suggestion(text, self.names()),
                listed(self.names()),
            ))
        })
    }

    /// What a flag calls a column: its name, or its position where commas, control characters or its length would change the name.
    pub(crate) fn flag_value(&self, position: usize) -> String {
        let name = &self.columns[position].name;
        if name.is_empty() || name.contains(',') || shown(name) != *name { position.to_string() } else { name.clone() }
    }

    /// The names of the columns.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.columns.iter().map(|column| column.name.as_str())
    }

    /// Where a cell is, for messages: `data.csv: line 5, column 'gre'`, or `row 4` (from 1) where there are no lines.
    pub fn place(&self, row: usize, column: &str) -> String {
        format!("{}, column '{}'", self.row_place(row), shown(column))
    }

    /// Where a row is, for messages.
    pub fn row_place(&self, row: usize) -> String {
        let Origin { file, line, row } = self.origin(row);
        let place = Origin { file: None, line, row };
        format!("{}: {place}", shown(file.as_ref().unwrap_or(&self.source)))
    }

    /// Where a row is in its source.
    pub fn origin(&self, row: usize) -> Origin {
        self.origins(&[row]).of(0)
    }

    /// Where some rows are in their source.
    pub(crate) fn origins(&self, rows: &[usize]) -> Origins {
        // Nobody has the file of an embedded set.
        let are_lines = !self.lines.is_empty() && self.task.is_none();
        let place = |&row: &usize| {
            let first = self.files.of(row).map_or(0, |(_, first)| first);
            let number = (self.first_row + row).saturating_sub(first) as u64 + 1;
            let file = self.files.of_rows.get(row).copied().unwrap_or_default();
            (file, self.lines.get(row).copied().filter(|_| are_lines).unwrap_or(number))
        };
        let files = if self.files.of_rows.is_empty() { Vec::new() } else { self.files.names.clone() };
        Origins { files, are_lines, places: rows.iter().map(place).collect() }
    }

    /// Bytes that its cells take, of texts without those of what is written in them.
    pub(crate) fn bytes(&self) -> usize {
        let cell = |column: &Column| match column.cells {
            Cells::Bytes(_) => 1,
            Cells::Integers(_) => size_of::<i16>(),
            Cells::Singles(_) => size_of::<f32>(),
            Cells::Numbers(_) => size_of::<f64>(),
            Cells::Text(_) => size_of::<u32>(),
        };
        self.rows * self.columns.iter().map(cell).sum::<usize>()
    }

    /// Bytes that all of it takes.
    pub(crate) fn all_bytes(&self) -> usize {
        /// What an allocation takes beside what is asked for, about.
        const HEAP: usize = 16;
        let texts = |column: &Column| column.cells.text_bytes();
        let records =
            self.records.iter().flat_map(|records| &records.rows).map(|row| row.len() + HEAP + size_of::<Box<str>>());
        self.bytes() + size_of_val(&self.lines[..]) + records.sum::<usize>() + self.columns.iter().map(texts).sum::<usize>()
    }

    /// Gives the rows from `rows` on back, and their memory.
    pub fn truncate(&mut self, rows: usize) {
        self.columns.iter_mut().for_each(|column| column.cells.truncate(rows));
        self.lines.truncate(rows);
        self.files.of_rows.truncate(rows);
        self.rows = self.rows.min(rows);
    }

    /// Makes the columns of a table without rows of the kinds that hold the cells of another table, too.
    pub(super) fn widen(&mut self, other: &Self) {
        for (column, other) in self.columns.iter_mut().zip(&other.columns) {
            column.cells.widen(&other.cells);
            column.spellings.merge(&other.spellings);
        }
    }

    /// Takes over the remarks on a table that comes after; on the files of one table, which are mostly alike, five are enough.
    pub(super) fn add_remarks(&mut self, more: &[String]) {
        const MOST: usize = 5;
        for remark in more {
            if self.remarks.len() < MOST && !self.remarks.contains(remark) {
                self.remarks.push(remark.clone());
            }
        }
    }

    /// Adopts the numerals of a later table where this one has not settled them.
    pub(super) fn add_numerals(&mut self, more: &Numerals) {
        if self.numerals.are_usual() && !more.are_usual() {
            self.numerals = more.clone();
        }
    }

    /// Takes over the rows of a table that comes after, as the file has them; all of it must have such rows, or none has.
    pub(super) fn append_records(&mut self, more: Option<Records>) {
        self.records = self.records.take().zip(more).map(|(mut records, more)| {
            records.append(more);
            records
        });
    }

    /// The table of only these rows, in this order.
    pub fn with_rows(&self, rows: &[usize]) -> Self {
        let columns = self.columns.iter();
        Self {
            files: self.files.with_rows(rows),
            source: self.source.clone(),
            columns: columns
                .map(|column| Column {
                    name: column.name.clone(),
                    cells: column.cells.gathered(rows),
                    spellings: column.spellings.clone(),
                })
                .collect(),
            rows: rows.len(),
            first_row: self.first_row,
            lines: if self.lines.is_empty() { Vec::new() } else { rows.iter().map(|&row| self.lines[row]).collect() },
            task: self.task,
            remarks: self.remarks.clone(),
            numerals: self.numerals.clone(),
            records: self.records.as_ref().map(|records| Records {
                header: records.header.clone(),
                delimiter: records.delimiter,
                rows: rows.iter().map(|&row| records.rows[row].clone()).collect(),
            }),
        }
    }
}

/// Names for a message: quoted, comma-separated, at most ten of them.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    const MOST: usize = 10;
    let mut names = names.into_iter();
    let first: Vec<String> = names.by_ref().take(MOST).map(|name| format!("'{}'", shown(name))).collect();
    let others = names.count();
    first.join(", ") + &if others > 0 { format!(" and {others} more") } else { String::new() }
}

/// Bytes that a cell of short text takes, its own and those that say where it ends.
pub(crate) const TEXT_BYTES: usize = 2 * size_of::<u32>();

/// Asks for the memory that a table of so many rows and cells takes, each of so many bytes, with the network's inputs that are made of it.
///
/// # Errors
/// Out of memory.
pub(crate) fn check_memory(rows: u64, cells: u64, bytes: usize) -> io::Result<()> {
    /// Bytes of a row's number in the lists that split and order the rows, and of an input.
    const ROW: u128 = 40;
    const INPUT: u128 = 4;
    /// Less is not asked for.
    const SMALL: u128 = 16 << 20;
    let (rows, cells, bytes) = (u128::from(rows) * ROW, u128::from(cells), bytes as u128);
    let room = rows + cells * (bytes + INPUT);
    // The table is given back as its inputs are made.
    let filled = rows + cells * bytes.max(INPUT);
    let fits = room < SMALL || memory::is_there(filled) && memory::has_room(room);
    if fits { Ok(()) } else { Err(io::ErrorKind::OutOfMemory.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new(
            "t.csv",
            vec![
                Column::new("gre", Cells::Numbers(vec![1.0, f64::NAN, 2.5])),
                Column::new("town", Cells::Text([None, Some("x"), Some("y")].into_iter().collect())),
            ],
        );
        table.lines = vec![2, 3, 7];
        table
    }

    #[test]
    fn a_column_is_found_by_name_first_and_then_by_position() {
        assert_eq!(table().resolve("town", "--target").unwrap(), 1);
        assert_eq!(table().resolve("0", "--target").unwrap(), 0);
        let message = table().resolve("gree", "--target").unwrap_err().to_string();
        assert!(message.contains("--target") && message.contains("did you mean 'gre'?"), "{message}");
        assert!(table().resolve("2", "--target").is_err());
    }

    #[test]
    fn missing_cells_are_neither_number_nor_text() {
        let table = table();
        assert!(table.columns[0].cells.is_missing(1) && table.columns[1].cells.is_missing(0));
        assert_eq!(table.columns[0].cells.number(1), None);
        assert_eq!(table.columns[0].cells.text(2).as_deref(), Some("2.5"));
        assert_eq!(table.columns[1].cells.text(0), None);
    }

    #[test]
    fn a_place_names_file_line_and_column_and_follows_its_row() {
        assert_eq!(table().place(2, "gre"), "t.csv: line 7, column 'gre'");
        assert_eq!(table().with_rows(&[2, 0]).place(0, "gre"), "t.csv: line 7, column 'gre'");
        let without_lines = Table { lines: Vec::new(), ..table() };
        assert_eq!(without_lines.place(0, "gre"), "t.csv: row 1, column 'gre'");
    }

    #[test]
    fn rows_that_are_given_back_are_gone_with_their_memory() {
        let mut table = table();
        table.truncate(2);
        assert_eq!((table.rows, table.lines.len(), table.columns[1].cells.len()), (2, 2, 2));
        let Cells::Numbers(cells) = &table.columns[0].cells else { panic!("a number column") };
        assert_eq!(cells.capacity(), 2);
        table.truncate(5);
        assert_eq!(table.rows, 2);
    }

    #[test]
    fn minus_zero_is_spelled_as_zero() {
        assert_eq!((spelled(-0.0), spelled(3.0), spelled(-2.5)), ("0".into(), "3".into(), "-2.5".into()));
    }
}
