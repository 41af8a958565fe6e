//! CSV and its relatives (RFC 4180), through the crate `csv`: text in, columns of numbers or text out.
//!
//! A column is numeric if every cell is a number or missing, otherwise all of it is text. Spaces around cells are dropped; empty cells, `?`,
//! `NA`, `N/A`, `NaN` and `null` (in any case) are missing.

mod header;
mod numerals;
mod pieces;
mod prelude;

use std::collections::HashSet;
use std::path::Path;

use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use csv_core::ReadFieldResult;

use super::Texts;
use super::pieces::check_columns;
use super::readings::Reading;
use super::table::{Records, Spellings, TEXT_BYTES, check_memory, listed};
use super::{Cells, Column, ReadOptions, Readings, Table, foreign};
use crate::error::{Error, Result, shown};
use crate::name;
pub use numerals::Numerals;
pub(super) use pieces::FORMAT;
use prelude::{Prelude, is_parted_by_spaces, other_format};

/// The table in these bytes.
#[cfg(test)]
pub(crate) fn read(source: &str, bytes: &[u8], options: &ReadOptions) -> Result<Table> {
    let input = super::input::Input::of_bytes(source, bytes.to_vec())?;
    super::pieces::collected(source, (FORMAT.open)(input, options)?.as_mut())
}

/// The same as one piece, the columns at these positions being text whatever they hold.
#[cfg(test)]
fn read_with_text(source: &str, bytes: &[u8], options: &ReadOptions, texts: &[usize]) -> Result<Table> {
    let file = File::new(source, bytes, options, 1)?;
    let names = file.names(options)?;
    Ok(file.table(names, texts)?.0)
}

fn no_rows(source: &str) -> Error {
    Error::Data(format!("{}: it has a header and no rows (--no-header if its first line is a row)", shown(source)))
}

/// Refuses numbers that f32 does not hold, in columns that are numbers to their end.
fn refuse_beyond(table: &Table, beyond: &[Beyond]) -> Result<()> {
    for (column, beyond) in table.columns.iter().zip(beyond) {
        if let (false, Some((line, cell))) = (column.cells.is_text(), beyond) {
            let name = shown(&column.name);
            return Err(Error::Data(format!(
                "{}: line {line}, column '{name}': '{}' is infinite or beyond {:e}; mend it, leave it empty if it is missing, or \
                 train without the column (--ignore)",
                shown(&table.source),
                shown(cell),
                f32::MAX,
            )));
        }
    }
    Ok(())
}

/// Bytes of a cell, at most: more is a quotation mark that was left open, or no table.
pub(super) const MOST_CELL: usize = 1 << 20;

fn delimiter(source: &str, options: &ReadOptions) -> u8 {
    let name = source.to_ascii_lowercase();
    let name = Path::new(name.strip_suffix(".gz").unwrap_or(&name));
    let tabs = name.extension().is_some_and(|extension| extension == "tsv" || extension == "tab");
    options.delimiter.unwrap_or(if tabs { b'\t' } else { b',' })
}

/// The text without its byte order mark.
fn text_of<'a>(source: &str, bytes: &'a [u8], first_line: u64) -> Result<&'a str> {
    let refused = |what: String| Err(Error::Data(format!("{}: {what}", shown(source))));
    if bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xfe, 0xff]) {
        return refused("it is UTF-16 text; save it as UTF-8".into());
    }
    if let Some(place) = bytes.iter().position(|&byte| byte == 0) {
        return refused(format!(
            "line {}: a NUL byte, so this is no text; CSV, npy, npz, IDX, Parquet and gzip are read",
            first_line + breaks(&bytes[..place])
        ));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) if first_line == 1 => Ok(text.strip_prefix('\u{feff}').unwrap_or(text)),
        Ok(text) => Ok(text),
        Err(error) => {
            let before = &bytes[..error.valid_up_to()];
            let column = before.iter().rev().take_while(|&&byte| byte != b'\n').count() + 1;
            refused(format!("line {}, byte {column}: not UTF-8; save the file as UTF-8", first_line + breaks(before)))
        }
    }
}

/// Number of ends of line: LF, CR LF or CR.
fn breaks(bytes: &[u8]) -> u64 {
    let ends = |(position, byte): (usize, &u8)| *byte == b'\n' || *byte == b'\r' && bytes.get(position + 1) != Some(&b'\n');
    bytes.iter().enumerate().filter(|&(position, byte)| ends((position, byte))).count() as u64
}

/// Whether a record ends within quotation marks. Only one that a cell begins with opens, as for the crate; two within are one of the text.
fn ends_in_quotes(record: &[u8], delimiter: u8) -> bool {
    let (mut is_start, mut is_open, mut bytes) = (true, false, record.iter().copied().peekable());
    while let Some(byte) = bytes.next() {
        if is_open {
            is_open = byte != b'"' || bytes.next_if_eq(&b'"').is_some();
        } else {
            is_open = is_start && byte == b'"';
            is_start = byte == delimiter || byte == b'\n' || byte == b'\r';
        }
    }
    is_open
}

/// The cells of a numeric column; NaN = missing.
type Numbers = Vec<f64>;

/// The line on which each row begins.
type Lines = Vec<u64>;

/// The first number of a column that f32 does not hold: its line and the cell.
type Beyond = Option<(u64, String)>;

/// What a look for numbers finds, column by column, the lines of the rows, and their own texts if they are kept.
type Found = (Vec<Option<Numbers>>, Lines, Vec<Beyond>, Vec<Spellings>, Vec<Box<str>>);

struct File<'a> {
    source: &'a str,
    text: &'a str,
    /// As many as there are lines: a row has one at least.
    most_rows: u64,
    delimiter: u8,
    columns: &'a Readings,
    /// Whether the first row is the columns' names, and whether that of the whole file is.
    header: bool,
    has_header: bool,
    /// The line on which the text begins.
    first_line: u64,
    /// Whether the file ends with it.
    is_last: bool,
    /// What a person should hear of how it begins.
    remarks: Vec<String>,
    /// Whether the rows' own texts are kept.
    keeps_text: bool,
    /// How its numbers are written.
    numerals: Numerals,
}

impl<'a> File<'a> {
    fn new(source: &'a str, bytes: &'a [u8], options: &'a ReadOptions, first_line: u64) -> Result<Self> {
        let mut text = text_of(source, bytes, first_line)?;
        if let Some(what) = foreign::json(source, text).filter(|_| first_line == 1) {
            return Err(Error::Data(format!("{}: {what}", shown(source))));
        }
        let (mut delimiter, mut remarks, mut line) = (delimiter(source, options), Vec::new(), first_line);
        if first_line == 1 {
            let prelude = Prelude::of(text.as_bytes(), delimiter, options.delimiter, options.header);
            (text, line, delimiter) = (&text[prelude.bytes..], 1 + prelude.lines, prelude.delimiter);
            remarks.extend(prelude.remarks.iter().map(|remark| format!("{}: {remark}", shown(source))));
        }
        let (mut numerals, are_known) = options.known_numerals();
        if first_line == 1
            && !are_known
            && let Some((own, cell)) =
                Numerals::of(text, delimiter, options.header, options.columns.missing(), &options.units)
        {
            let how = if own.decimal == b',' { "a decimal comma" } else { "digits in groups" };
            numerals = own;
            remarks.push(format!(
                "{}: reads numbers such as '{}' with {how} (--decimal . keeps them as text)",
                shown(source),
                shown(&cell)
            ));
        }
        let (most_rows, header, columns) = (breaks(text.as_bytes()) + 1, options.header, &options.columns);
        let (has_header, is_last, first_line, keeps_text) = (header, true, line, options.keeps_text);
        let file = Self {
            source,
            text,
            most_rows,
            delimiter,
            columns,
            header,
            has_header,
            first_line,
            is_last,
            remarks,
            keeps_text,
            numerals,
        };
        if first_line == 1 {
            file.check_first_row()?;
        }
        file.check_cells()?;
        Ok(file)
    }

    /// The rows, which may be none, and the first number of each column that f32 does not hold.
    fn table(&self, names: Vec<String>, texts: &[usize]) -> Result<(Table, Vec<Beyond>)> {
        let mut readings = self.columns.of(&names);
        if self.keeps_text {
            // They are written again, and may hold anything.
            readings
                .iter_mut()
                .filter(|reading| **reading == Reading::Unused)
                .for_each(|reading| *reading = Reading::AsWritten);
        }
        let (numbers, lines, beyond, spellings, rows) = self.numbers(&readings, texts)?;
        let texts = self.texts(&numbers)?;
        let cells =
            numbers.into_iter().zip(texts).map(|(numbers, texts)| numbers.map_or(Cells::Text(texts), Cells::of_numbers));
        let columns = names.into_iter().zip(cells).zip(spellings);
        let columns = columns.map(|((name, cells), spellings)| Column { name, cells, spellings }).collect();
        let records = self.keeps_text.then(|| Records { header: self.header_text(), delimiter: self.delimiter, rows });
        let (remarks, numerals) = (self.remarks.clone(), self.numerals.clone());
        let table = Table { lines, records, remarks, numerals, ..Table::new(self.source, columns) };
        Ok((table, beyond))
    }

    /// The header's own text, if it is here.
    fn header_text(&self) -> Option<String> {
        let mut reader = self.reader();
        let mut first = StringRecord::new();
        let is_there = self.header && self.read(&mut reader, &mut first).is_ok_and(|read| read);
        let start = first.position().map_or(0, |position| position.byte() as usize);
        is_there.then(|| self.text[start..reader.position().byte() as usize].trim_matches(['\r', '\n']).to_owned())
    }

    fn refused(&self, what: &str) -> Error {
        Error::Data(format!("{}: {what}", shown(self.source)))
    }

    /// Refuses so many columns of so many bytes a cell, if there is no memory for them.
    fn check_memory(&self, columns: usize, bytes: usize) -> Result<()> {
        let cells = self.most_rows.saturating_mul(columns as u64);
        check_memory(self.most_rows, cells, bytes).map_err(|error| Error::reading(&name::path(self.source), &error))
    }

    /// Refuses a first row of too many cells, before the reader makes copies of them.
    fn check_first_row(&self) -> Result<()> {
        let (mut is_quoted, mut cells) = (false, 1);
        for &byte in self.text.as_bytes() {
            match byte {
                b'"' => is_quoted = !is_quoted,
                b'\n' | b'\r' if !is_quoted => break,
                _ if byte == self.delimiter && !is_quoted => cells += 1,
                _ => {}
            }
        }
        check_columns(self.source, cells)
    }

    /// Refuses cells that are too long, before the reader makes copies of them.
    fn check_cells(&self) -> Result<()> {
        let bytes = self.text.as_bytes();
        let long = |line: &[u8]| line.len() > MOST_CELL;
        if !long(bytes) || !bytes.contains(&b'"') && !bytes.split(|&byte| byte == b'\n' || byte == b'\r').any(long) {
            return Ok(());
        }
        let mut reader = csv_core::ReaderBuilder::new().delimiter(self.delimiter).build();
        let (mut rest, mut cell) = (bytes, vec![0; MOST_CELL]);
        loop {
            let start = bytes.len() - rest.len();
            let (result, read, _) = reader.read_field(rest, &mut cell);
            rest = &rest[read..];
            match result {
                ReadFieldResult::End => return Ok(()),
                ReadFieldResult::OutputFull => {
                    return Err(self.refused(&format!(
                        "line {}: a cell of more than {MOST_CELL} bytes begins here; is a quotation mark left open?",
                        self.first_line + breaks(&bytes[..start])
                    )));
                }
                ReadFieldResult::InputEmpty | ReadFieldResult::Field { .. } => {}
            }
        }
    }

    fn reader(&self) -> Reader<&[u8]> {
        let mut builder = ReaderBuilder::new();
        builder.has_headers(false).flexible(true).delimiter(self.delimiter).trim(Trim::All).from_reader(self.text.as_bytes())
    }

    /// Whether there was a record to read.
    fn read(&self, reader: &mut Reader<&[u8]>, record: &mut StringRecord) -> Result<bool> {
        reader.read_record(record).map_err(|error| self.refused(&shown(&error.to_string())))
    }

    /// Calls `each` with every record's first line (from 1), cells and own text, the header included.
    fn records(&self, mut each: impl FnMut(u64, &StringRecord, &str) -> Result<()>) -> Result<()> {
        let mut reader = self.reader();
        let bytes = self.text.as_bytes();
        let mut record = StringRecord::new();
        let (mut counted, mut line) = (0, self.first_line);
        while self.read(&mut reader, &mut record)? {
            // The crate's position lies before empty lines and the LF of a CR LF.
            let mut start = record.position().map_or(counted, |position| position.byte() as usize);
            start += bytes[start..].iter().take_while(|byte| b"\r\n".contains(byte)).count();
            line += breaks(&bytes[counted..start]);
            counted = start;
            let end = (reader.position().byte() as usize).max(start);
            each(line, &record, self.text[start..end].trim_end_matches(['\r', '\n']))?;
        }
        if self.is_last { self.check_last_quote(&bytes[counted..], line) } else { Ok(()) }
    }

    /// The crate takes the end of the file for a closing quote.
    fn check_last_quote(&self, record: &[u8], line: u64) -> Result<()> {
        if ends_in_quotes(record, self.delimiter) {
            return Err(
                self.refused(&format!("line {line}: a quotation mark is opened and never closed; close or remove it"))
            );
        }
        Ok(())
    }

    /// The columns' names.
    fn names(&self, options: &ReadOptions) -> Result<Vec<String>> {
        let mut first = StringRecord::new();
        if !self.read(&mut self.reader(), &mut first)? {
            return Err(self.refused("it is empty; a header and rows are expected"));
        }
        if let Some(what) = other_format(self.text, first.len() == 1) {
            return Err(self.refused(&what));
        }
        let has_separator = first.iter().any(|cell| cell.contains([';', '\t', '|']));
        if first.len() == 1 && !has_separator && options.delimiter.is_none() && is_parted_by_spaces(self.text) {
            return Err(self.refused(
                "its columns are separated by spaces, which wgrad does not read: convert it, as by \
                 sed -E 's/^# +//; s/^ +//; s/ +$//; s/ +/,/g' FILE; if it is one column of text, say --delimiter ,",
            ));
        }
        check_columns(self.source, first.len())?;
        if !self.header {
            return Ok((0..first.len()).map(|position| position.to_string()).collect());
        }
        let separator = |character: &char| ";\t|".contains(*character) && first.len() == 1 && options.delimiter.is_none();
        if let Some(other) = first.iter().flat_map(str::chars).find(separator) {
            let other = other.escape_default();
            return Err(
                self.refused(&format!("its one column holds '{other}'; say --delimiter '{other}' if that separates cells"))
            );
        }
        // As pandas writes an index.
        let name = |(position, name): (usize, &str)| match name {
            "" => format!("unnamed {position}"),
            name => name.to_owned(),
        };
        let names: Vec<String> = first.iter().enumerate().map(name).collect();
        let numeric = names.iter().all(|name| name.parse::<f64>().is_ok());
        let hint =
            if numeric { "; it holds only numbers: if it is no header, say --no-header" } else { "; rename one of them" };
        let mut seen = HashSet::new();
        if let Some(twice) = names.iter().find(|name| !seen.insert(name.as_str())) {
            return Err(self.refused(&format!("its header names '{}' twice{hint}", shown(twice))));
        }
        if numeric && names.iter().any(|name| name.parse::<u64>().is_err()) {
            return Err(self.refused(&format!("its first line is {}{}", listed(names.iter().map(String::as_str)), &hint)));
        }
        Ok(names)
    }

    /// Calls `each` with the line, cells and own text of every row, which are as many as there are columns.
    fn rows(&self, columns: usize, mut each: impl FnMut(u64, &StringRecord, &str)) -> Result<()> {
        let mut header = self.header;
        self.records(|line, record, text| {
            if std::mem::take(&mut header) {
                return Ok(());
            }
            if record.len() != columns {
                let is_open = text.bytes().filter(|&byte| byte == b'"').count() % 2 == 1
                    || record.iter().any(|cell| cell.contains(['\n', '\r']));
                let quotes = if is_open { " (is a quotation mark left open?)" } else { "" };
                return Err(self.refused(&format!(
                    "line {line}: {} cells where {} columns need {columns}{quotes}; mend the line",
                    record.len(),
                    if self.has_header { "the header's" } else { "the first line's" }
                )));
            }
            each(line, record, text);
            Ok(())
        })
    }

    /// The numeric columns (none where a column is text, or has to be), the line of each row, the first number of each column that f32
    /// does not hold, and how the numbers are written that may be classes. Of a column that nobody asks for all cells are missing.
    fn numbers(&self, readings: &[Reading], texts: &[usize]) -> Result<Found> {
        let is_text = |position: usize| readings[position] == Reading::AsWritten || texts.contains(&position);
        let mut columns: Vec<_> = (0..readings.len()).map(|position| (!is_text(position)).then(Numbers::new)).collect();
        let mut spellings = vec![Spellings::default(); readings.len()];
        self.check_memory(readings.len(), size_of::<f64>())?;
        columns.iter_mut().flatten().for_each(|numbers| numbers.reserve_exact(self.most_rows as usize));
        let mut beyond: Vec<Beyond> = vec![None; readings.len()];
        let mut lines = Vec::with_capacity(self.most_rows as usize);
        let mut texts = Vec::new();
        let missing = self.columns.missing();
        self.rows(readings.len(), |line, record, text| {
            lines.push(line);
            if self.keeps_text {
                texts.push(text.into());
            }
            for (position, ((column, beyond), cell)) in columns.iter_mut().zip(&mut beyond).zip(record).enumerate() {
                let Some(numbers) = column else { continue };
                if readings[position] == Reading::Unused {
                    numbers.push(f64::NAN);
                    continue;
                }
                let number = if missing.says(cell) { Some(f64::NAN) } else { self.numerals.parse(cell) };
                match number {
                    Some(number) => {
                        numbers.push(number);
                        // 1,0 is called 1, as it is in other files.
                        if readings[position] == Reading::Spelled && cell.parse() == Ok(number) {
                            spellings[position].note(number, cell);
                        }
                    }
                    None => *column = None,
                }
                if number.is_some_and(|number| number.abs() > f64::from(f32::MAX)) {
                    beyond.get_or_insert_with(|| (line, cell.to_owned()));
                }
            }
        })?;
        Ok((columns, lines, beyond, spellings, texts))
    }

    /// The cells of the columns that are not numeric; nothing for the others.
    fn texts(&self, numbers: &[Option<Numbers>]) -> Result<Vec<Texts>> {
        let mut columns = vec![Texts::new(); numbers.len()];
        let texts = numbers.iter().filter(|numbers| numbers.is_none()).count();
        if texts == 0 {
            return Ok(columns);
        }
        self.check_memory(texts, TEXT_BYTES)?;
        let missing = self.columns.missing();
        self.rows(numbers.len(), |_, record, _| {
            for ((column, numbers), cell) in columns.iter_mut().zip(numbers).zip(record) {
                if numbers.is_none() {
                    column.push((!missing.says(cell)).then_some(cell));
                }
            }
        })?;
        Ok(columns)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(text: &str) -> Table {
        read("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap()
    }

    fn message(bytes: &[u8]) -> String {
        let error = read("t.csv", bytes, &ReadOptions::default()).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        error.to_string()
    }

    fn numbers(table: &Table, column: usize) -> Vec<Option<f64>> {
        (0..table.rows).map(|row| table.columns[column].cells.number(row)).collect()
    }

    fn texts(table: &Table, column: usize) -> Vec<Option<String>> {
        assert!(table.columns[column].cells.is_text());
        (0..table.rows).map(|row| table.columns[column].cells.text(row).map(Into::into)).collect()
    }

    #[test]
    fn a_cell_that_is_no_cell_is_refused_with_its_line() {
        let long = "x".repeat(MOST_CELL + 1);
        for text in [format!("a,b\n1,2\n3,\"{long}\n"), format!("a,b\n1,2\n3,{long}\n")] {
            let message = read("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap_err().to_string();
            assert!(message.contains("line 3: a cell of more than"), "{message}");
        }
        let most = "x".repeat(MOST_CELL - 1);
        assert!(read("t.csv", format!("a,b\n1,{most}\n").as_bytes(), &ReadOptions::default()).is_ok());
        let wide = vec!["1234"; 1 << 18].join(",");
        let options = ReadOptions { header: false, ..Default::default() };
        assert_eq!(read("t.csv", wide.as_bytes(), &options).unwrap().columns.len(), 1 << 18);
        let wider = read("t.csv", (wide + ",1").as_bytes(), &options).unwrap_err();
        assert!(wider.exit_code() == 6 && wider.to_string().contains("262145 columns"), "{wider}");
    }

    #[test]
    fn byte_order_mark_crlf_and_quotes_are_read() {
        let table = table("\u{feff}\"a\",\"b, c\"\r\n1,\"x \"\"y\"\"\"\r\n-2.5e1,\"two\nlines\"\r\n3,z\r\n");
        assert_eq!(table.names().collect::<Vec<_>>(), ["a", "b, c"]);
        assert_eq!(numbers(&table, 0), [Some(1.0), Some(-25.0), Some(3.0)]);
        assert_eq!(texts(&table, 1), [Some("x \"y\"".into()), Some("two\nlines".into()), Some("z".into())]);
        assert_eq!(table.lines, [2, 3, 5]);
    }

    #[test]
    fn lines_are_counted_over_empty_lines() {
        assert_eq!(table("a\n\n1\n\n\n2\n").lines, [3, 6]);
        assert_eq!(table("a\r\n\r\n1\r\n2\r\n").lines, [3, 4]);
    }

    #[test]
    fn missing_cells_are_missing_in_numbers_and_text() {
        let table = table("a,b\n1,x\n,\nNA,na\nnan,?\nNULL,N/A\n 2 ,y\n");
        assert_eq!(numbers(&table, 0), [Some(1.0), None, None, None, None, Some(2.0)]);
        assert_eq!(texts(&table, 1), [Some("x".into()), None, None, None, None, Some("y".into())]);
    }

    #[test]
    fn one_text_cell_makes_the_column_text_with_its_own_spellings() {
        let table = table("a\n007\n1.50\n3+\n");
        assert_eq!(texts(&table, 0), [Some("007".into()), Some("1.50".into()), Some("3+".into())]);
    }

    #[test]
    fn numbers_beyond_f32_are_refused_with_line_and_column_unless_the_column_is_text() {
        for cell in ["inf", "-Infinity", "1e39", "1e999"] {
            let message = message(format!("a,b\n1,2\n3,{cell}\n").as_bytes());
            assert!(message.contains("line 3, column 'b'") && message.contains(cell), "{message}");
        }
        assert!(table("a\n1e39\nfar\n").columns[0].cells.is_text());
        assert!(!table("a\n3.4e38\n").columns[0].cells.is_text());
    }

    #[test]
    fn ragged_rows_are_refused_with_their_line() {
        let message_short = message(b"a,b\n1,2\n3\n");
        assert!(message_short.contains("line 3: 1 cells") && message_short.contains("need 2"), "{message_short}");
        assert!(message(b"a,b\r\n1,2,3\r\n").contains("line 2: 3 cells"));
        assert!(message(b"a,b\n1,\"2\n3,4\n5,6,7\"\n8,9,1").contains("line 5: 3 cells"));
    }

    #[test]
    fn a_quotation_mark_left_open_is_refused() {
        assert!(message(b"a,b\n1,x\n2,\"y\n3,z\n").contains("line 3: a quotation mark"));
        assert!(message(b"a\n\"x\n").contains("line 2: a quotation mark"));
        assert!(
            message(b"a,b\r1,2\r\"3,4\r").contains("line 3: 1 cells where the header's columns need 2 (is a quotation mark")
        );
        assert_eq!(texts(&table("a,b\n1,5\" pipe\n"), 1), [Some("5\" pipe".into())]);
        let inches = table("a,b,c\n5\" pipe,\"x\",\"say \"\"hi\"\"\"\n");
        assert_eq!(texts(&inches, 0), [Some("5\" pipe".into())], "marks within a cell open nothing");
        assert!(message(b"a,b\n5\" pipe,\"y\"\"\n").contains("line 2: a quotation mark"));
    }

    #[test]
    fn what_is_no_utf8_text_is_refused_with_its_line() {
        assert!(message(b"a,b\n1,2\n3,\xff\n").contains("line 3, byte 3: not UTF-8"));
        assert!(message(b"a,b\n1,\0\n").contains("line 2: a NUL byte"));
        assert!(message(b"\xff\xfea\0").contains("UTF-16"));
    }

    #[test]
    fn a_file_without_rows_is_refused() {
        assert!(message(b"").contains("empty"));
        assert!(message(b"\n\n").contains("empty"));
        assert!(message(b"a,b\n").contains("no rows"));
    }

    #[test]
    fn two_columns_of_one_name_are_refused() {
        assert!(message(b"a,b, a\n1,2,3\n").contains("'a' twice; rename"));
        assert!(message(b"1,2,1\n1,2,3\n").contains("--no-header"));
        assert!(message(b"5.1,3.5\n1,2\n").contains("--no-header"));
    }

    #[test]
    fn columns_without_a_name_are_called_by_their_position() {
        assert_eq!(table(",a\n0,5\n").names().collect::<Vec<_>>(), ["unnamed 0", "a"]);
        let options = ReadOptions { header: false, ..Default::default() };
        let table = read("t.csv", b"5,x\n6,y\n", &options).unwrap();
        assert_eq!(table.names().collect::<Vec<_>>(), ["0", "1"]);
        assert_eq!((table.rows, &table.lines[..]), (2, &[1, 2][..]));
    }

    #[test]
    fn the_delimiter_follows_the_name_or_the_option() {
        let columns = |source, text: &str, delimiter| {
            let options = ReadOptions { delimiter, ..Default::default() };
            read(source, text.as_bytes(), &options).unwrap().columns.len()
        };
        assert_eq!(columns("a.tsv", "a\tb\n1\t2\n", None), 2);
        assert_eq!(columns("a.TSV.gz", "a\tb\n1\t2\n", None), 2);
        assert_eq!(columns("a.csv", "a;b\n1;2\n", Some(b';')), 2);
        assert_eq!(columns("a.csv", "a;b\n1\n", Some(b',')), 1);
        assert!(message(b"a;b\n1;2\n").contains("--delimiter ';'"));
    }
}
