//! CSV that is read some whole rows at a time, each piece as the whole would be.

use std::io::{self, Read};

use csv_core::ReadFieldResult;

use super::prelude::Prelude;
use super::{Beyond, File, Numerals, breaks, delimiter, header, no_rows, refuse_beyond};
use crate::data::input::{Input, Reader};
use crate::data::pieces::{Format, Give, Holds, Pieces};
use crate::data::{ReadOptions, Table};
use crate::error::{Error, Result, shown};
use crate::name;

pub(in crate::data) const FORMAT: Format = Format {
    begins: |_| true,
    holds: Holds::Table,
    open: |input, options| {
        if let Some(what) = options.known_numerals().0.refused() {
            return Err(Error::Usage(what));
        }
        Ok(Box::new(CsvFile { input, options, bytes: CsvPieces::BYTES }))
    },
};

/// A file of CSV.
struct CsvFile<'a> {
    input: Input,
    options: &'a ReadOptions,
    /// Bytes of a piece, at least, but for the last one.
    bytes: usize,
}

impl Pieces for CsvFile<'_> {
    /// Numbers that f32 does not hold are left to the end, as the column may be text further down.
    fn each(&mut self, texts: &[usize], give: &mut Give<'_>) -> Result<()> {
        let mut pieces = CsvPieces::new(self.input.source(), self.input.reader()?, self.options, self.bytes);
        let mut shape: Option<Table> = None;
        while let Some(table) = pieces.next(texts)? {
            shape.get_or_insert_with(|| table.with_rows(&[])).widen(&table);
            give(table, pieces.input.share())?;
        }
        pieces.finish(&shape.expect("names were given at least"))
    }
}

/// What was read of it.
struct CsvPieces<'a> {
    source: &'a str,
    options: &'a ReadOptions,
    input: Reader,
    /// What was read and not given yet.
    buffer: Vec<u8>,
    is_at_end: bool,
    /// The line on which the buffer begins.
    line: u64,
    /// The columns' names, as the first piece has them.
    names: Option<Vec<String>>,
    /// What separates its cells, as the first piece has it.
    delimiter: Option<u8>,
    /// How its numbers are written, as the first piece has it.
    numerals: Option<Numerals>,
    /// The first number of each column that f32 does not hold.
    beyond: Vec<Beyond>,
    rows: usize,
    bytes: usize,
}

impl<'a> CsvPieces<'a> {
    /// As many bytes as a piece has outside of tests.
    const BYTES: usize = 4 << 20;
    /// Rows of a piece that are so few that the next one has twice as many bytes, and the most bytes that come of it.
    const FEW_ROWS: usize = 16;
    const MOST_BYTES: usize = 64 << 20;
    /// Bytes of a row, at most.
    const MOST_ROW: usize = 256 << 20;

    fn new(source: &'a str, input: Reader, options: &'a ReadOptions, bytes: usize) -> Self {
        Self {
            source,
            options,
            input,
            buffer: Vec::new(),
            is_at_end: false,
            line: 1,
            names: None,
            delimiter: None,
            numerals: None,
            beyond: Vec::new(),
            rows: 0,
            bytes,
        }
    }

    /// Reads until there are enough bytes; gives where the last whole row of them ends.
    fn fill(&mut self) -> Result<usize> {
        let unreadable = |error: io::Error| Error::reading(&name::path(self.source), &error);
        let mut wanted = self.bytes;
        loop {
            while !self.is_at_end && self.buffer.len() < wanted {
                let missing = (wanted - self.buffer.len()) as u64;
                // Only as much as there is memory for.
                if self.buffer.try_reserve_exact(missing as usize).is_err() {
                    self.input.look_to_the_end().map_err(unreadable)?;
                    return Err(unreadable(io::ErrorKind::OutOfMemory.into()));
                }
                self.is_at_end = (&mut self.input).take(missing).read_to_end(&mut self.buffer).map_err(unreadable)? == 0;
            }
            if self.is_at_end {
                return Ok(self.buffer.len());
            }
            match self.last_end() {
                0 if wanted >= Self::MOST_ROW => {
                    return Err(Error::Limit(format!(
                        "{}: line {}: a row of more than {} bytes begins here; is a quotation mark left open?",
                        shown(self.source),
                        self.line,
                        Self::MOST_ROW
                    )));
                }
                0 => wanted *= 2,
                end => return Ok(end),
            }
        }
    }

    /// Where the last row ends that is whole for sure: what follows it is there, too.
    fn last_end(&self) -> usize {
        let (delimiter, start) = match self.delimiter {
            Some(delimiter) => (delimiter, 0),
            None => {
                let mark = if self.buffer.starts_with("\u{feff}".as_bytes()) { "\u{feff}".len() } else { 0 };
                let (usual, text) = (delimiter(self.source, self.options), &self.buffer[mark..]);
                let prelude = Prelude::of(text, usual, self.options.delimiter, self.options.header);
                if prelude.is_open {
                    return 0;
                }
                (prelude.delimiter, mark + prelude.bytes)
            }
        };
        if !self.buffer[start..].contains(&b'"') {
            return last_line_end(&self.buffer, start);
        }
        let mut reader = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let (mut place, mut end, mut cell) = (start, 0, vec![0; 1 << 12]);
        loop {
            let (result, read, _) = reader.read_field(&self.buffer[place..], &mut cell);
            place += read;
            match result {
                ReadFieldResult::Field { record_end: true } if place < self.buffer.len() => {
                    // The LF of a CR LF is left to the next row by the crate.
                    end = place + usize::from(self.buffer[place - 1] == b'\r' && self.buffer[place] == b'\n');
                }
                ReadFieldResult::End | ReadFieldResult::InputEmpty => return end,
                ReadFieldResult::OutputFull | ReadFieldResult::Field { .. } if place >= self.buffer.len() => return end,
                ReadFieldResult::OutputFull | ReadFieldResult::Field { .. } => {}
            }
        }
    }
}

impl CsvPieces<'_> {
    /// The next rows, perhaps none behind the names; none after the last ones.
    fn next(&mut self, texts: &[usize]) -> Result<Option<Table>> {
        let mut end = self.fill()?;
        if self.names.is_some() && self.buffer.starts_with("\u{feff}".as_bytes()) {
            // Only a file's is a mark, and the crate takes any that comes first for one: here an empty line comes first.
            self.buffer.insert(0, b'\n');
            (end, self.line) = (end + 1, self.line - 1);
        }
        if end == 0 && self.names.is_some() {
            return Ok(None);
        }
        let header = self.options.header && self.names.is_none();
        let (delimiter, numerals) = (self.delimiter.or(self.options.delimiter), self.numerals.clone());
        let numerals = numerals.or_else(|| self.options.numerals.clone());
        let options = ReadOptions { header, delimiter, numerals, ..self.options.clone() };
        let mut file = File::new(self.source, &self.buffer[..end], &options, self.line)?;
        let names = match &self.names {
            Some(names) => names.clone(),
            None => self.names.insert(file.names(self.options)?).clone(),
        };
        (self.delimiter, self.numerals) = (Some(file.delimiter), Some(file.numerals.clone()));
        (file.has_header, file.is_last) = (self.options.header, self.is_at_end && end == self.buffer.len());
        let (mut table, beyond) = file.table(names, texts)?;
        if header {
            table.remarks.extend(header::remark(&table, file.first_line));
        }
        self.beyond.resize(beyond.len(), None);
        self.beyond.iter_mut().zip(beyond).filter(|(known, _)| known.is_none()).for_each(|(known, new)| *known = new);
        self.rows += table.rows;
        // Each piece costs something a column.
        if (1..Self::FEW_ROWS).contains(&table.rows) && (Self::BYTES..Self::MOST_BYTES).contains(&self.bytes) {
            self.bytes *= 2;
        }
        self.line += breaks(&self.buffer[..end]);
        self.buffer.drain(..end);
        Ok(Some(table))
    }

    fn finish(&self, shape: &Table) -> Result<()> {
        if self.rows == 0 {
            return Err(no_rows(self.source));
        }
        refuse_beyond(shape, &self.beyond)
    }
}

/// Where the last line ends that something follows, in bytes without quotation marks from `start` on; 0 if there is none that is not empty.
fn last_line_end(bytes: &[u8], start: usize) -> usize {
    let known = bytes.len().saturating_sub(1).max(start);
    let Some(last) = bytes[start..known].iter().rposition(|byte| b"\r\n".contains(byte)).map(|place| start + place) else {
        return 0;
    };
    if bytes[start..last].iter().all(|byte| b"\r\n".contains(byte)) {
        return 0;
    }
    last + if bytes[last..].starts_with(b"\r\n") { 2 } else { 1 }
}

#[cfg(test)]
mod tests {
    use super::super::{read, read_with_text};
    use super::*;

    /// The pieces of a text, of so many bytes each; what is wrong with it.
    fn pieces(text: &str, bytes: usize, texts: &[usize]) -> Result<Vec<Table>> {
        let (input, options) = (Input::of_bytes("t.csv", text.as_bytes().to_vec())?, ReadOptions::default());
        let mut tables = Vec::new();
        let mut file = CsvFile { input, options: &options, bytes };
        file.each(texts, &mut |table, _| {
            tables.push(table);
            Ok(())
        })?;
        Ok(tables)
    }

    /// Every cut of the input into reads gives the same rows and lines, whatever is in the way.
    #[test]
    fn pieces_are_the_whole_in_parts() {
        let mut text = "\u{feff}a,b,c\r\n".to_string();
        for row in 0..3_000 {
            let quoted = ["plain", "\"with, comma\"", "\"two\r\nlines\"", "\"a \"\"quote\"\"\"", "5\" pipe", "?"][row % 6];
            text += &format!("{row},{quoted},{}{}", row as f64 / 7.0, ["\r\n", "\n", "\n\n", "\r"][row % 4]);
            text += if row % 1000 == 0 { "\"\"\"\",x,\r\n" } else { "" };
        }
        let whole = read_with_text("t.csv", text.as_bytes(), &ReadOptions::default(), &[0]).unwrap();
        for bytes in [1, 7, 100, 101, 1000, 4096, 1 << 20] {
            let tables = pieces(&text, bytes, &[0]).unwrap();
            same_rows(&tables, &whole);
            assert!(tables.len() >= text.len() / bytes.max(100) / 2, "{} pieces of {bytes} bytes", tables.len());
        }
        let plain =
            text.replace("\"with, comma\"", "x").replace("two\r\nlines", "x").replace("\"\"\"\",", ",").replace('"', "'");
        let whole = read_with_text("t.csv", plain.as_bytes(), &ReadOptions::default(), &[]).unwrap();
        for bytes in [1, 100, 101, 4096] {
            same_rows(&pieces(&plain, bytes, &[]).unwrap(), &whole);
        }
    }

    fn same_rows(tables: &[Table], whole: &Table) {
        let cells = |table: &Table, row: usize| -> Vec<Option<String>> {
            table.columns.iter().map(|column| column.cells.text(row).map(Into::into)).collect()
        };
        let rows = tables.iter().flat_map(|table| (0..table.rows).map(move |row| (table, row)));
        let mut count = 0;
        for ((table, row), of_whole) in rows.zip(0..) {
            assert_eq!(table.lines[row], whole.lines[of_whole], "row {of_whole}");
            assert_eq!(cells(table, row), cells(whole, of_whole), "row {of_whole}");
            count += 1;
        }
        assert_eq!(count, whole.rows);
    }

    #[test]
    fn a_piece_may_begin_as_a_file_and_end_with_a_lone_quotation_mark() {
        let rows = |row: usize| format!("\u{feff}k{},pipe of {row} \"in,1\n", row % 3);
        let text = "a,b,c\n".to_string() + &(0..500).map(rows).collect::<String>() + "k,plain,2\n";
        let whole = read("t.csv", text.as_bytes(), &ReadOptions::default()).unwrap();
        let tables = pieces(&text, 100, &[]).unwrap();
        assert_eq!(whole.rows, 501);
        same_rows(&tables, &whole);
    }

    #[test]
    fn pieces_tell_what_is_wrong_with_its_line() {
        let rows = |last: &str| format!("a,b\n{}{last}", "1,2\n".repeat(1000));
        let said = |text: String| pieces(&text, 64, &[]).unwrap_err().to_string();
        assert!(said(rows("3\n")).contains("line 1002: 1 cells where the header's columns need 2"));
        assert!(said(rows("3,\"4\n")).contains("line 1002: a quotation mark is opened"));
        assert!(said(rows("3,1e39\n")).contains("line 1002, column 'b': '1e39' is infinite or beyond"));
        assert!(said(rows("3,\0\n")).contains("line 1002: a NUL byte"));
        assert!(said("a,b\n".into()).contains("a header and no rows"));
        assert!(said(String::new()).contains("it is empty"));
        assert!(said("\n".repeat(1000)).contains("it is empty"));
        assert_eq!(pieces(&format!("{}a\n1\n", "\n".repeat(1000)), 64, &[]).unwrap().last().unwrap().rows, 1);
    }
}
