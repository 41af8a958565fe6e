//! Data that is larger than memory, converted once into columns in a file without a name: some columns of all rows, or all columns of
//! some rows, are a table again.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

use super::Texts;
use super::fit::{self, FitOptions};
use super::input::changed;
use super::pieces::Pieces;
use super::read::{is_in_parts, opened};
use super::table::{Files, Records, Spellings, TEXT_BYTES};
use super::{Cells, Column, Numerals, ReadOptions, Table};
use crate::error::{Error, Result, shown};
use crate::files::ScratchFile;
use crate::memory;

/// A table whose cells are in a file.
#[derive(Debug)]
pub struct StoredTable {
    source: String,
    columns: Vec<StoredColumn>,
    /// Where the line of the first row is in the file, f64 as those of all others; none in a format without lines.
    lines: Option<u64>,
    /// The files that the rows come from, each with its first row; none where it is one.
    files: Vec<(usize, String)>,
    /// Number of rows.
    pub rows: usize,
    /// What a person should hear of how it was read.
    pub remarks: Vec<String>,
    records: Option<StoredRecords>,
    /// How numbers are written in its text.
    pub numerals: Numerals,
    file: ScratchFile,
}

/// The rows as the file has them, one text behind the other in a file of their own.
#[derive(Debug)]
struct StoredRecords {
    header: Option<String>,
    delimiter: u8,
    /// Where each row's text ends.
    ends: Vec<u64>,
    file: ScratchFile,
}

impl StoredRecords {
    /// Adds some rows.
    fn append(&mut self, records: &Records) -> Result<()> {
        let mut end = self.ends.last().copied().unwrap_or(0);
        let room = self.ends.try_reserve(records.rows.len());
        room.map_err(|_| Error::Limit("there is no memory for the places of all rows".into()))?;
        for row in &records.rows {
            end += row.len() as u64;
            self.ends.push(end);
        }
        self.file.append(records.rows.concat().as_bytes())
    }

    /// Some rows.
    fn of(&self, rows: Range<usize>) -> Result<Records> {
        let start = |row: usize| if row == 0 { 0 } else { self.ends[row - 1] };
        let first = start(rows.start);
        let mut bytes = vec![0; (start(rows.end) - first) as usize];
        self.file.read(first, &mut bytes)?;
        let text = String::from_utf8(bytes).map_err(|_| Error::Internal("stored rows are no longer text".into()))?;
        let place = |row: usize| (start(row) - first) as usize;
        let rows = rows.map(|row| text[place(row)..place(row + 1)].into()).collect();
        Ok(Records { header: self.header.clone(), delimiter: self.delimiter, rows })
    }
}

/// One column of a stored table.
#[derive(Debug)]
struct StoredColumn {
    name: String,
    kind: Kind,
    spellings: Spellings,
    /// Where its first cell is in the file.
    start: u64,
}

impl StoredColumn {
    /// The column without cells.
    fn shape(&self) -> Column {
        Column { name: self.name.clone(), cells: self.kind.cells(), spellings: self.spellings.clone() }
    }
}

#[derive(Debug)]
enum Kind {
    /// u8, none missing.
    Bytes,
    /// i16, [`Cells::NO_INTEGER`] where a cell is missing.
    Integers,
    /// f32, NaN where a cell is missing.
    Singles,
    /// f64, NaN where a cell is missing.
    Numbers,
    /// The place of each cell's text in a list, `u32::MAX` where it is missing.
    Text(Vec<String>),
    /// Nobody asks for it.
    LeftOut,
}

/// What stands for a missing text.
const NO_TEXT: u32 = u32::MAX;

/// What the first pass over a source finds.
struct Found {
    /// A table of its columns without rows, each of the kind that holds all its cells.
    shape: Table,
    /// Rows that were read, and those of them that are kept.
    read: usize,
    rows: usize,
    /// Whether all rows have lines in a file of text.
    has_lines: bool,
}

impl Found {
    /// Bytes that a row takes in the lists that split and order them.
    const ROW: u128 = 40;

    /// Looks through a source; `fitting` is given the columns' names, and gives what is said of them.
    fn of(
        source: &str,
        pieces: &mut dyn Pieces,
        fitting: impl FnOnce(&Table) -> Result<FitOptions>,
    ) -> Result<(Self, FitOptions)> {
        let (mut fitting, mut state) = (Some(fitting), None);
        pieces.each(&[], &mut |table, _| {
            let (found, fitting) = match (&mut state, fitting.take()) {
                (Some(state), _) => state,
                (none, fitting) => {
                    let shape = Table { source: source.to_owned(), ..table.with_rows(&[]) };
                    let found = Self { shape, read: 0, rows: 0, has_lines: true };
                    none.insert((found, fitting.expect("the first table")(&table)?))
                }
            };
            found.read += table.rows;
            found.rows += fit::complete_rows(&table, fitting)?.map_or(table.rows, |rows| rows.len());
            found.has_lines &= table.rows == 0 || !table.lines.is_empty();
            found.shape.widen(&table);
            found.shape.add_remarks(&table.remarks);
            found.shape.add_numerals(&table.numerals);
            Ok(())
        })?;
        let (found, fitting) = state.expect("there is a first table, if only of names");
        if found.rows == 0 {
            return Err(fit::no_complete_row(source));
        }
        let mut found = found;
        found.shape.add_remarks(&fit::left_out(source, found.read - found.rows, found.read));
        if !memory::is_there(found.rows as u128 * Self::ROW) {
            return Err(Error::Limit(format!(
                "{}: there is no memory for it, nor for the order of its {} rows; train on fewer rows",
                shown(source),
                found.rows
            )));
        }
        Ok((found, fitting))
    }
}

impl StoredTable {
    /// Bytes that some rows of a file take, as text and as cells, before there is anything of the table.
    const LEAST: u128 = 32 << 20;

    /// Whether a source is one that can be converted.
    pub fn is_for(source: &str, options: &ReadOptions) -> bool {
        is_in_parts(source, options)
    }

    /// Converts a source, perhaps packed by gzip, in two passes: the first tells the columns' kinds, the second writes their cells.
    /// `fitting` is given the columns' names, and what it says of them is given back beside the table: of the columns that it ignores no
    /// cell is kept (but of the one that is `needed`), and with `--missing drop` no row with a missing cell.
    ///
    /// # Errors
    /// As reading the whole has them; limit, where there is no memory for the order of the rows or the different texts of a column, or no
    /// room on the disk; internal, where the file cannot be written.
    pub fn convert(
        source: &str,
        options: &ReadOptions,
        needed: Option<&str>,
        fitting: impl FnOnce(&Table) -> Result<FitOptions>,
    ) -> Result<(Self, FitOptions)> {
        if !memory::is_there(Self::LEAST) {
            let source = shown(source);
            return Err(Error::Limit(format!("{source}: there is no memory for it, nor to convert it into a file")));
        }
        let mut pieces = opened(source, options)?;
        let (found, fitting) = Found::of(source, pieces.as_mut(), fitting)?;
        let mut ignored: HashSet<usize> = found.shape.resolve_all(&fitting.ignore, "--ignore")?.into_iter().collect();
        ignored.retain(|&position| needed != Some(found.shape.columns[position].name.as_str()));
        let mut stored = Self::laid_out(source, &found, &ignored)?;
        stored.fill(pieces.as_mut(), &fitting, &found)?;
        Ok((stored, fitting))
    }

    /// A table with room for all cells, of which none is written.
    fn laid_out(source: &str, found: &Found, ignored: &HashSet<usize>) -> Result<Self> {
        let rows = found.rows as u64;
        let mut end = 0;
        let place = |(position, column): (usize, &Column)| {
            let kind = if ignored.contains(&position) { Kind::LeftOut } else { Kind::of(&column.cells) };
            let start = end;
            end += kind.bytes() * rows;
            StoredColumn { name: column.name.clone(), kind, spellings: column.spellings.clone(), start }
        };
        let columns = found.shape.columns.iter().enumerate().map(place).collect();
        let lines = found.has_lines.then_some(end);
        let bytes = end + if found.has_lines { rows * Kind::Numbers.bytes() } else { 0 };
        let file = ScratchFile::new()?;
        if file.room().is_some_and(|room| bytes > room) {
            return Err(Error::Limit(format!(
                "{}: there is no memory for it, nor room for its {bytes} bytes of cells on the disk of the current folder; run wgrad where \
                 there is",
                shown(source)
            )));
        }
        let (source, remarks) = (source.to_owned(), found.shape.remarks.clone());
        let records = match &found.shape.records {
            None => None,
            Some(Records { header, delimiter, .. }) => {
                let (header, delimiter) = (header.clone(), *delimiter);
                Some(StoredRecords { header, delimiter, ends: Vec::new(), file: ScratchFile::new()? })
            }
        };
        Ok(Self {
            source,
            columns,
            lines,
            files: Vec::new(),
            rows: found.rows,
            remarks,
            records,
            numerals: found.shape.numerals.clone(),
            file,
        })
    }

    /// The second pass: writes the cells of all rows.
    fn fill(&mut self, pieces: &mut dyn Pieces, fitting: &FitOptions, found: &Found) -> Result<()> {
        let texts: Vec<usize> =
            (0..self.columns.len()).filter(|&place| found.shape.columns[place].cells.is_text()).collect();
        let mut known: Vec<HashMap<String, u32>> = vec![HashMap::new(); self.columns.len()];
        let (mut row, mut read) = (0, 0);
        pieces.each(&texts, &mut |table, _| {
            read += table.rows;
            let mut table = match fit::complete_rows(&table, fitting)? {
                None => table,
                Some(rows) => table.with_rows(&rows),
            };
            let has_lines = table.rows == 0 || !table.lines.is_empty() || self.lines.is_none();
            if row + table.rows > self.rows || table.columns.len() != self.columns.len() || !has_lines {
                return Err(changed(&self.source));
            }
            for ((stored, column), known) in self.columns.iter_mut().zip(&mut table.columns).zip(&mut known) {
                column.cells.widen(&stored.kind.cells());
                let place = stored.start + row as u64 * stored.kind.bytes();
                match (&mut stored.kind, &column.cells) {
                    (Kind::LeftOut, _) => {}
                    (Kind::Bytes, Cells::Bytes(cells)) => self.file.write(place, cells)?,
                    (Kind::Integers, Cells::Integers(cells)) => self.file.write(place, bytemuck::cast_slice(cells))?,
                    (Kind::Singles, Cells::Singles(cells)) => self.file.write(place, bytemuck::cast_slice(cells))?,
                    (Kind::Numbers, Cells::Numbers(cells)) => self.file.write(place, bytemuck::cast_slice(cells))?,
                    (Kind::Text(list), Cells::Text(cells)) => {
                        let codes = codes(cells, list, known).ok_or_else(|| too_many_texts(&self.source, &column.name))?;
                        self.file.write(place, bytemuck::cast_slice(&codes))?;
                    }
                    _ => return Err(changed(&self.source)),
                }
            }
            if let Some(lines) = self.lines {
                let of_rows: Vec<f64> = table.lines.iter().map(|&line| line as f64).collect();
                self.file.write(lines + row as u64 * Kind::Numbers.bytes(), bytemuck::cast_slice(&of_rows))?;
            }
            self.records = match (self.records.take(), table.records.take()) {
                (Some(mut stored), Some(records)) => {
                    let mut own = Records { rows: Vec::new(), delimiter: stored.delimiter, header: None };
                    own.append(records);
                    stored.append(&own)?;
                    Some(stored)
                }
                // One of several files is no CSV.
                _ => None,
            };
            if table.source != self.source && self.files.last().is_none_or(|(_, last)| *last != table.source) {
                self.files.push((row, table.source));
            }
            row += table.rows;
            Ok(())
        })?;
        if (row, read) == (self.rows, found.read) { Ok(()) } else { Err(changed(&self.source)) }
    }

    /// A table of the same columns without rows: their names and kinds.
    pub fn shape(&self) -> Table {
        let columns = self.columns.iter().map(StoredColumn::shape).collect();
        Table { numerals: self.numerals.clone(), ..Table::new(&self.source, columns) }
    }

    /// Whether its rows have lines in a file of text.
    pub fn has_lines(&self) -> bool {
        self.lines.is_some()
    }

    /// A table of these columns of all rows.
    ///
    /// # Errors
    /// Limit, where there is no memory for them; internal, where they cannot be read again.
    pub fn only(&self, positions: &[usize]) -> Result<Table> {
        /// Less is not asked for.
        const SMALL: u64 = 64 << 20;
        for &position in positions {
            let StoredColumn { name, kind, .. } = &self.columns[position];
            let cell = if matches!(kind, Kind::Text(_)) { TEXT_BYTES as u64 } else { kind.bytes() };
            let bytes = self.rows as u64 * cell;
            if bytes > SMALL && !memory::is_there(u128::from(bytes)) {
                return Err(self.no_memory_for(name));
            }
        }
        self.table(positions, 0..self.rows)
    }

    /// A table of all columns of these rows; of those that are ignored all cells are missing.
    ///
    /// # Errors
    /// As [`only`](Self::only).
    pub fn block(&self, rows: Range<usize>) -> Result<Table> {
        let table = self.table(&(0..self.columns.len()).collect::<Vec<_>>(), rows.clone())?;
        let records = self.records.as_ref().map(|records| records.of(rows)).transpose()?;
        Ok(Table { records, ..table })
    }

    fn table(&self, positions: &[usize], rows: Range<usize>) -> Result<Table> {
        let column = |&position: &usize| {
            let StoredColumn { name, kind, spellings, start } = &self.columns[position];
            let place = start + rows.start as u64 * kind.bytes();
            let cells = match kind {
                Kind::LeftOut => Cells::Numbers(self.filled(name, rows.len(), f64::NAN)?),
                Kind::Bytes => Cells::Bytes(self.read(place, self.filled(name, rows.len(), 0)?)?),
                Kind::Integers => Cells::Integers(self.read(place, self.filled(name, rows.len(), 0)?)?),
                Kind::Singles => Cells::Singles(self.read(place, self.filled(name, rows.len(), 0.0)?)?),
                Kind::Numbers => Cells::Numbers(self.read(place, self.filled(name, rows.len(), 0.0)?)?),
                Kind::Text(list) => {
                    let codes: Vec<u32> = self.read(place, self.filled(name, rows.len(), 0)?)?;
                    let text = |&code: &u32| (code != NO_TEXT).then(|| list[code as usize].as_str());
                    let mut cells = Texts::new();
                    let bytes = codes.iter().filter_map(text).map(str::len).sum();
                    cells.try_reserve_exact(codes.len(), bytes).map_err(|_| self.no_memory_for(name))?;
                    codes.iter().for_each(|code| cells.push(text(code)));
                    Cells::Text(cells)
                }
            };
            Ok(Column { name: name.clone(), cells, spellings: spellings.clone() })
        };
        let mut table = Table::new(&self.source, positions.iter().map(column).collect::<Result<_>>()?);
        if let Some(lines) = self.lines {
            let place = lines + rows.start as u64 * Kind::Numbers.bytes();
            let lines: Vec<f64> = self.read(place, self.filled("line", rows.len(), 0.0)?)?;
            table.lines = lines.into_iter().map(|line| line as u64).collect();
        }
        (table.first_row, table.files) = (rows.start, Files::of_range(&self.files, rows));
        table.numerals = self.numerals.clone();
        Ok(table)
    }

    /// A list, if there is memory for it.
    fn filled<E: Clone>(&self, what: &str, length: usize, element: E) -> Result<Vec<E>> {
        let mut list = memory::reserved(length as u128, String::new).map_err(|_| self.no_memory_for(what))?;
        list.resize(length, element);
        Ok(list)
    }

    fn no_memory_for(&self, column: &str) -> Error {
        let (source, column) = (shown(&self.source), shown(column));
        Error::Limit(format!("{source}: there is no memory for one column of its {} rows: '{column}'", self.rows))
    }

    fn read<E: bytemuck::Pod>(&self, place: u64, mut list: Vec<E>) -> Result<Vec<E>> {
        self.file.read(place, bytemuck::cast_slice_mut(&mut list))?;
        Ok(list)
    }
}

impl Kind {
    /// The kind that holds such cells.
    fn of(cells: &Cells) -> Self {
        match cells {
            Cells::Bytes(_) => Self::Bytes,
            Cells::Integers(_) => Self::Integers,
            Cells::Singles(_) => Self::Singles,
            Cells::Numbers(_) => Self::Numbers,
            Cells::Text(_) => Self::Text(Vec::new()),
        }
    }

    /// No cells of this kind.
    fn cells(&self) -> Cells {
        match self {
            Self::Bytes => Cells::Bytes(Vec::new()),
            Self::Integers => Cells::Integers(Vec::new()),
            Self::Singles => Cells::Singles(Vec::new()),
            Self::Numbers | Self::LeftOut => Cells::Numbers(Vec::new()),
            Self::Text(_) => Cells::Text(Texts::new()),
        }
    }

    /// Bytes of a cell.
    fn bytes(&self) -> u64 {
        match self {
            Self::Bytes => 1,
            Self::Integers => 2,
            Self::Numbers => 8,
            Self::Singles | Self::Text(_) => 4,
            Self::LeftOut => 0,
        }
    }
}

/// The places of some texts in a list, which those that are new are added to; none, where there is no memory for them.
fn codes(cells: &Texts, list: &mut Vec<String>, known: &mut HashMap<String, u32>) -> Option<Vec<u32>> {
    /// Bytes that a text takes in both lists, beside its own.
    const ENTRY: usize = 128;
    let mut added = 0;
    let mut code = |cell: &str| {
        if let Some(&code) = known.get(cell) {
            return code;
        }
        let code = list.len() as u32;
        added += 2 * cell.len() + ENTRY;
        list.push(cell.to_owned());
        known.insert(cell.to_owned(), code);
        code
    };
    let codes = cells.iter().map(|cell| cell.map_or(NO_TEXT, &mut code)).collect();
    // Lists double when they grow: room for the next piece and for that.
    let room = (2 * added + 2 * list.len() * ENTRY) as u128;
    (list.len() < NO_TEXT as usize && (added == 0 || memory::has_room(room))).then_some(codes)
}

fn too_many_texts(source: &str, column: &str) -> Error {
    let column = shown(column);
    Error::Limit(format!(
        "{}: there is no memory for the different texts of column '{column}'; leave it out (--ignore {column})",
        shown(source)
    ))
}

#[cfg(test)]
mod tests {
    use super::super::input::tests::file;
    use super::super::{Missing, read};
    use super::*;

    fn text(rows: usize) -> String {
        (0..rows).fold("id,x,town,gap,y\n".to_string(), |text, row| {
            let town = ["north", "\"so,uth\"", "", "east"][row % 4];
            let gap = if row % 5 == 0 { String::new() } else { (row % 7).to_string() };
            text + &format!("n{row},{},{town},{gap},{}\n", row as f64 / 3.0, ["a", "b", "1"][row % 3])
        })
    }

    fn stored(source: &str, fitting: FitOptions) -> Result<StoredTable> {
        StoredTable::convert(source, &ReadOptions::default(), None, |_| Ok(fitting)).map(|(stored, _)| stored)
    }

    #[test]
    fn blocks_and_columns_are_those_of_the_table() {
        let (_folder, path) = file("rows.csv", text(1000).as_bytes());
        let whole = read(&path, &ReadOptions::default()).unwrap();
        let stored = stored(&path, FitOptions::default()).unwrap();
        assert_eq!(stored.rows, 1000);
        let all: Vec<usize> = (0..5).collect();
        assert!(same(&stored.only(&all).unwrap(), &whole));
        let block = stored.block(333..421).unwrap();
        assert!(same(&block, &whole.with_rows(&(333..421).collect::<Vec<_>>())));
        assert_eq!(block.place(0, "x"), whole.place(333, "x"));
        assert!(same(&stored.shape(), &Table { lines: Vec::new(), ..whole.with_rows(&[]) }));
    }

    /// Equal, NaN being NaN.
    fn same(one: &Table, other: &Table) -> bool {
        let text = |table: &Table| -> Vec<Vec<Option<String>>> {
            let cells =
                |row: usize| table.columns.iter().map(move |column| column.cells.text(row).map(Into::into)).collect();
            (0..table.rows).map(cells).collect()
        };
        let kinds = |table: &Table| -> Vec<bool> { table.columns.iter().map(|column| column.cells.is_text()).collect() };
        one.names().eq(other.names()) && one.lines == other.lines && kinds(one) == kinds(other) && text(one) == text(other)
    }

    #[test]
    fn rows_that_are_dropped_and_columns_that_are_ignored_are_not_kept() {
        let (_folder, path) = file("rows.csv", text(100).as_bytes());
        let fitting =
            FitOptions { missing: Missing::Drop, ignore: vec!["id".into(), "gap".into()], ..FitOptions::default() };
        let table = read(&path, &ReadOptions::default()).unwrap();
        let kept = fit::rows_kept(&table, &fitting).unwrap().unwrap();
        let stored = stored(&path, fitting).unwrap();
        assert!(same(&stored.only(&[1, 2, 4]).unwrap(), &{
            let mut table = table.with_rows(&kept);
            table.columns.remove(3);
            table.columns.remove(0);
            table
        }));
        assert!((0..stored.rows).all(|row| stored.block(row..row + 1).unwrap().columns[0].cells.is_missing(0)));
    }

    #[test]
    fn what_is_wrong_is_told_as_of_a_table_that_is_read_whole() {
        for text in ["", "a,b\n", "a,b\n1,2\n3\n", "a,b\n1,\"2\n", "a,b\n1,1e39\n", "a,a\n1,2\n", "a,b\n1,2\n\0"] {
            let (_folder, path) = file("bad.csv", text.as_bytes());
            let whole = read(&path, &ReadOptions::default()).unwrap_err().to_string();
            assert_eq!(stored(&path, FitOptions::default()).unwrap_err().to_string(), whole, "{text:?}");
        }
        let (_folder, path) = file("late.csv", ("a,b\n1,1e39\n".to_string() + &"1,2\n".repeat(10) + "1,x\n").as_bytes());
        assert!(stored(&path, FitOptions::default()).unwrap().shape().columns[1].cells.is_text(), "text in the end");
    }
}
