//! From a Parquet file to a table: column by column, in each group of rows after group, some thousand values at a time.

use std::borrow::Cow;
use std::io::{self, BufReader, Read, SeekFrom};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use parquet::basic::Type as Physical;
use parquet::column::reader::ColumnReaderImpl;
use parquet::data_type::{
    BoolType, ByteArrayType, DataType, DoubleType, FixedLenByteArrayType, FloatType, Int32Type, Int64Type, Int96, Int96Type,
};
use parquet::errors::ParquetError;
use parquet::file::metadata::{
    ParquetMetaData, ParquetMetaDataOptions, ParquetMetaDataReader, ParquetStatisticsPolicy, RowGroupMetaData,
};
use parquet::file::reader::{ChunkReader, Length};

use super::beginning::MAGIC;
use super::pages::{BATCH, Pages, TEXTS, is_known};
use super::schema::{Field, Kind, Sign, described, fields};
use crate::data::Texts;
use crate::data::array::refuse_beyond;
use crate::data::csv::MOST_CELL;
use crate::data::input::Source;
use crate::data::pieces::{Give, Known, Pieces};
use crate::data::readings::Reading;
use crate::data::table::check_memory;
use crate::data::{self, Cells, Column, MissingValues, ReadOptions, Table, dates};
use crate::error::{Error, Result, shown};
use crate::name;
use crate::{memory, panics};

/// A flat Parquet file. Truth values are the text `true` and `false`, and what is missing in text is spelled as in CSV
/// files, so that a table is the same in either format. Dates and timestamps are text in ISO form, a time of day is the
/// seconds since midnight. Integers beyond 2^53 are rounded as a CSV file's are.
///
/// # Errors
/// Data, naming row and column: a file that is damaged, nested columns, types that are no number, text or time, equal column
/// names, no rows, packing that is not known, text that is not UTF-8, numbers beyond f32. Limit, where memory is short.
pub(super) fn opened<'a>(mut input: data::input::Input, options: &'a ReadOptions) -> Result<Box<dyn Pieces + 'a>> {
    let (source, is_packed) = (input.source().to_owned(), input.is_packed());
    let seekable = input.seekable()?;
    // The crate's decoders slice a page by lengths that stand in it, and panic where it is damaged: that is kept in here.
    let file = panics::quietly(|| File::opened(&source, seekable, options)).unwrap_or_else(|| Err(senseless(&source)))?;
    Ok(Box::new(ParquetFile { file, is_packed }))
}

fn senseless(source: &str) -> Error {
    damaged(source, &"its pages make no sense")
}

fn damaged(source: &str, what: &dyn std::fmt::Display) -> Error {
    let what = shown(&what.to_string());
    Error::Data(format!("{}: its Parquet data are cut short or damaged ({what}); write or fetch it again", shown(source)))
}

/// Bytes after the footer: its length and the magic ones.
const TAIL: u64 = 8;

struct File {
    source: String,
    input: Arc<Input>,
    fields: Vec<Field>,
    readings: Vec<Reading>,
    missing: MissingValues,
    metadata: ParquetMetaData,
    /// Where the footer begins and values end.
    end: u64,
}

/// One of the file's groups of rows.
struct Group<'a> {
    file: &'a File,
    group: &'a RowGroupMetaData,
    /// Rows of the groups before.
    first: usize,
    /// Its rows.
    rows: usize,
}

/// A file, of which each group of rows is a piece.
struct ParquetFile {
    file: File,
    /// Whether gzip packed all of it, which is in memory now.
    is_packed: bool,
}

impl Pieces for ParquetFile {
    fn known(&mut self) -> Result<Known> {
        Ok(Known { shape: Some([self.file.rows(), self.file.fields.len()]), is_in_parts: !self.is_packed })
    }

    fn each(&mut self, _: &[usize], give: &mut Give<'_>) -> Result<()> {
        let (file, mut first) = (&self.file, 0);
        for group in file.metadata.row_groups() {
            let rows = group.num_rows() as usize;
            let group = Group { file, group, first, rows };
            let table = panics::quietly(|| group.table()).unwrap_or_else(|| Err(senseless(&file.source)))?;
            first += rows;
            give(table, first as f64 / file.rows() as f64)?;
        }
        Ok(())
    }
}

impl File {
    fn opened(source: &str, input: Box<dyn Source>, options: &ReadOptions) -> Result<Self> {
        /// What the crate makes of a footer's byte, at most.
        const METADATA: u128 = 256;
        let input = Input::new(input).map_err(|error| Error::reading(&name::path(source), &error))?;
        let unreadable = |error: ParquetError| failed(source, &error, |error| damaged(source, error));
        let start = input.length.checked_sub(TAIL).ok_or_else(|| damaged(source, &"it has no footer"))?;
        let tail = input.get_bytes(start, TAIL as usize).map_err(unreadable)?;
        let (length, magic) = tail.split_at(4);
        let length = u64::from(u32::from_le_bytes(length.try_into().expect("four bytes")));
        if magic != MAGIC {
            return Err(damaged(source, &"it does not end as a Parquet file does"));
        }
        let Some(end) = start.checked_sub(length).filter(|&end| end >= MAGIC.len() as u64) else {
            return Err(damaged(
                source,
                &format!("it says that its footer has {length} bytes, and {start} are before its end"),
            ));
        };
        if length > 1 << 16 && !memory::is_there(u128::from(length) * METADATA) {
            return Err(Error::Limit(format!("{}: there is no memory for its footer of {length} bytes", shown(source))));
        }
        let footer = input.get_bytes(end, length as usize).map_err(unreadable)?;
        let fields = fields(source, &footer)?;
        let mut of_metadata = ParquetMetaDataOptions::new().with_schema(described(&fields).map_err(unreadable)?);
        of_metadata.set_column_stats_policy(ParquetStatisticsPolicy::SkipAll);
        of_metadata.set_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
        of_metadata.set_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
        let metadata =
            ParquetMetaDataReader::decode_metadata_with_options(&footer, Some(&of_metadata)).map_err(unreadable)?;
        let names: Vec<String> = fields.iter().map(|field| field.name.clone()).collect();
        let readings = if options.keeps_text { options.columns.clone().with_all() } else { options.columns.clone() };
        let readings = readings.of(&names);
        let file = Self {
            source: source.to_owned(),
            input: Arc::new(input),
            fields,
            readings,
            missing: options.columns.missing().clone(),
            metadata,
            end,
        };
        file.check_rows()?;
        Ok(file)
    }

    fn rows(&self) -> usize {
        self.metadata.row_groups().iter().map(|group| group.num_rows() as usize).sum()
    }

    /// Refuses groups that do not fit each other, the file or any memory.
    fn check_rows(&self) -> Result<()> {
        let mut rows = 0_u64;
        for group in self.metadata.row_groups() {
            self.check_group(group)?;
            rows = u64::try_from(group.num_rows())
                .ok()
                .and_then(|more| rows.checked_add(more))
                .ok_or_else(|| damaged(&self.source, &format!("a group of {} rows after {rows}", group.num_rows())))?;
        }
        let said = self.metadata.file_metadata().num_rows();
        if u64::try_from(said) != Ok(rows) {
            return Err(damaged(&self.source, &format!("it says that it has {said} rows, and {rows} in its groups")));
        }
        if rows == 0 || self.fields.is_empty() {
            return Err(Error::Data(format!("{}: it has {} columns and no rows", shown(&self.source), self.fields.len())));
        }
        match usize::try_from(rows) {
            Ok(_) => Ok(()),
            Err(_) => Err(Error::reading(&name::path(&self.source), &io::ErrorKind::OutOfMemory.into())),
        }
    }

    /// Refuses a group whose columns lie elsewhere than in this file, or are packed in a way that is not known.
    fn check_group(&self, group: &RowGroupMetaData) -> Result<()> {
        if group.columns().len() != self.fields.len() {
            return Err(damaged(&self.source, &"a group of rows has other columns"));
        }
        for (chunk, field) in group.columns().iter().zip(&self.fields) {
            let name = shown(&field.name);
            if chunk.file_path().is_some() {
                let source = shown(&self.source);
                return Err(Error::Data(format!("{source}: column '{name}' lies in another file; write it as one file")));
            }
            if !is_known(chunk.compression()) {
                return Err(Error::Data(format!(
                    "{}: column '{name}' is packed by {:?}, which is not read; write it with snappy, zstd, gzip or lz4",
                    shown(&self.source),
                    chunk.compression_codec()
                )));
            }
            let first = chunk.dictionary_page_offset().unwrap_or(chunk.data_page_offset());
            let place = u64::try_from(first).ok().zip(u64::try_from(chunk.compressed_size()).ok());
            let fits = place.and_then(|(first, length)| first.checked_add(length)).is_some_and(|last| last <= self.end);
            if !fits || chunk.num_values() != group.num_rows() {
                return Err(self.damaged(field, &"it does not fit the file, or its rows"));
            }
        }
        Ok(())
    }

    fn damaged(&self, field: &Field, what: &dyn std::fmt::Display) -> Error {
        let (source, name, what) = (shown(&self.source), shown(&field.name), shown(&what.to_string()));
        Error::Data(format!("{source}: column '{name}' is cut short or damaged ({what}); write or fetch the file again"))
    }
}

impl Group<'_> {
    fn table(&self) -> Result<Table> {
        let (source, fields, rows) = (&self.file.source, &self.file.fields, self.rows as u64);
        let bytes: usize = fields.iter().map(Field::bytes).sum();
        check_memory(rows, rows.saturating_mul(fields.len() as u64), bytes.div_ceil(fields.len()))
            .map_err(|error| Error::reading(&name::path(source), &error))?;
        let columns = fields.iter().enumerate();
        let columns = columns.map(|(position, field)| {
            let mut cells = self.cells(position)?;
            self.file.missing.blank(&mut cells);
            Ok(Column::new(field.name.clone(), cells))
        });
        let table = Table { first_row: self.first, ..Table::new(source, columns.collect::<Result<_>>()?) };
        refuse_beyond(&table, &self.file.readings)?;
        Ok(table)
    }

    fn cells(&self, position: usize) -> Result<Cells> {
        use Kind::{Boolean, Date, Decimal, Double, Float, Integer, Text, Time, Time96, Timestamp};
        use Sign::{Signed, Unsigned};
        let field = &self.file.fields[position];
        let damaged = |what: &str| self.file.damaged(field, &what);
        let reading = self.file.readings[position];
        if reading == Reading::Unused {
            let mut cells = self.room()?;
            cells.resize(self.rows, f64::NAN);
            return Ok(Cells::Numbers(cells));
        }
        match (field.kind, field.physical()) {
            (Boolean, _) => {
                self.texts::<BoolType>(position, |value| Some(if *value { "true".into() } else { "false".into() }))
            }
            // A double does not hold all of them, and categories that differ are to stay apart.
            (Integer(64, Unsigned), _) if reading == Reading::AsWritten => {
                self.texts::<Int64Type>(position, |value| Some((*value as u64).to_string().into()))
            }
            (Integer(64, Signed), _) if reading == Reading::AsWritten => {
                self.texts::<Int64Type>(position, |value| Some(value.to_string().into()))
            }
            (Float, _) => self.singles::<FloatType>(position, |value| *value),
            (Double, _) => self.numbers::<DoubleType>(position, |value| Some(*value)),
            (Integer(8, Unsigned), Physical::INT32) => self.bytes(position),
            (Integer(8, Signed), Physical::INT32) => self.singles::<Int32Type>(position, |value| f32::from(*value as i8)),
            (Integer(16, Unsigned), Physical::INT32) => {
                self.singles::<Int32Type>(position, |value| f32::from(*value as u16))
            }
            (Integer(16, Signed), Physical::INT32) => self.singles::<Int32Type>(position, |value| f32::from(*value as i16)),
            (Integer(_, Unsigned), Physical::INT32) => {
                self.numbers::<Int32Type>(position, |value| Some(f64::from(*value as u32)))
            }
            (Integer(..), Physical::INT32) => self.numbers::<Int32Type>(position, |value| Some(f64::from(*value))),
            (Integer(64, Unsigned), _) => self.numbers::<Int64Type>(position, |value| Some(*value as u64 as f64)),
            (Integer(..), _) => self.numbers::<Int64Type>(position, |value| Some(*value as f64)),
            (Time(second), Physical::INT32) => self.numbers::<Int32Type>(position, |value| Some(f64::from(*value) / second)),
            (Time(second), _) => self.numbers::<Int64Type>(position, |value| Some(*value as f64 / second)),
            (Date, _) => self.texts::<Int32Type>(position, |value| Some(dates::iso((*value).into(), 0).into())),
            (Timestamp(second), _) => self.texts::<Int64Type>(position, |value| Some(timestamp(*value, second).into())),
            (Time96, _) => self.texts::<Int96Type>(position, |value| Some(timestamp96(value).into())),
            (Decimal(scale), Physical::INT32) => {
                self.numbers::<Int32Type>(position, |value| decimal((*value).into(), scale))
            }
            (Decimal(scale), Physical::INT64) => {
                self.numbers::<Int64Type>(position, |value| decimal((*value).into(), scale))
            }
            (Decimal(scale), Physical::BYTE_ARRAY) => {
                self.numbers::<ByteArrayType>(position, |value| decimal(big_endian(value.data())?, scale))
            }
            (Decimal(scale), Physical::FIXED_LEN_BYTE_ARRAY) => {
                self.numbers::<FixedLenByteArrayType>(position, |value| decimal(big_endian(value.data())?, scale))
            }
            (Text, Physical::BYTE_ARRAY) => {
                self.texts::<ByteArrayType>(position, |value| std::str::from_utf8(value.data()).ok().map(Cow::Borrowed))
            }
            (Text | Decimal(_), _) => Err(damaged("its type fits no values")),
        }
    }

    fn refused(&self, row: usize, field: &Field, what: &str) -> Error {
        Error::Data(format!("{}: row {}, column '{}': {what}", shown(&self.file.source), row + 1, shown(&field.name)))
    }

    /// A list with room for all rows.
    fn room<C>(&self) -> Result<Vec<C>> {
        let mut cells = Vec::new();
        let nothing = |_| Error::reading(&name::path(&self.file.source), &io::ErrorKind::OutOfMemory.into());
        cells.try_reserve_exact(self.rows).map_err(nothing)?;
        Ok(cells)
    }

    fn numbers<T: DataType>(&self, position: usize, number: impl Fn(&T::T) -> Option<f64>) -> Result<Cells> {
        let mut cells = self.room()?;
        self.each::<T>(position, |row, value| {
            let no_number = || {
                self.refused(row, &self.file.fields[position], "a decimal number that makes no sense; write it as float64")
            };
            cells.push(value.map_or(Some(f64::NAN), &number).ok_or_else(no_number)?);
            Ok(())
        })?;
        Ok(Cells::Numbers(cells))
    }

    fn singles<T: DataType>(&self, position: usize, single: impl Fn(&T::T) -> f32) -> Result<Cells> {
        let mut cells = self.room()?;
        self.each::<T>(position, |_, value| {
            cells.push(value.map_or(f32::NAN, &single));
            Ok(())
        })?;
        Ok(Cells::Singles(cells))
    }

    /// Bytes, unless one is missing.
    fn bytes(&self, position: usize) -> Result<Cells> {
        let mut cells: Vec<u8> = self.room()?;
        let mut missing = false;
        self.each::<Int32Type>(position, |_, value| {
            missing |= value.is_none();
            cells.push(value.map_or(0, |value| *value as u8));
            Ok(())
        })?;
        if missing { self.singles::<Int32Type>(position, |value| f32::from(*value as u8)) } else { Ok(Cells::Bytes(cells)) }
    }

    fn texts<T: DataType>(&self, position: usize, text: impl Fn(&T::T) -> Option<Cow<'_, str>>) -> Result<Cells> {
        /// Bytes of text after which it is asked whether there is memory for as many again.
        const ASKED: usize = 16 << 20;
        let field = &self.file.fields[position];
        let mut cells = Texts::new();
        let mut bytes = 0;
        self.each::<T>(position, |row, value| {
            let Some(value) = value else {
                cells.push(None);
                return Ok(());
            };
            let not_text = || self.refused(row, field, "not UTF-8; write it as text, or leave the column out");
            let text = text(value).ok_or_else(not_text)?;
            let text = text.trim();
            if text.len() > MOST_CELL {
                return Err(self.refused(
                    row,
                    field,
                    &format!("{} bytes of text, and {MOST_CELL} are read at most", text.len()),
                ));
            }
            bytes += text.len();
            if bytes > ASKED {
                bytes = 0;
                if !memory::is_there(2 * ASKED as u128) {
                    return Err(Error::reading(&name::path(&self.file.source), &io::ErrorKind::OutOfMemory.into()));
                }
            }
            cells.push((!text.is_empty()).then_some(text));
            Ok(())
        })?;
        Ok(Cells::Text(cells))
    }

    /// Calls `put` with the number of each row in the file (from 0) and the column's value in it, if it has one.
    fn each<T: DataType>(&self, position: usize, mut put: impl FnMut(usize, Option<&T::T>) -> Result<()>) -> Result<()> {
        let field = &self.file.fields[position];
        let batch = if T::get_physical_type() == Physical::BYTE_ARRAY { TEXTS } else { BATCH };
        let unreadable = |error: ParquetError| failed(&self.file.source, &error, |error| self.file.damaged(field, error));
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let (mut row, end) = (self.first, self.first + self.rows);
        let chunk = self.group.column(position);
        let pages = Pages::new(Arc::clone(&self.file.input), chunk, self.rows, field).map_err(unreadable)?;
        let mut reader = ColumnReaderImpl::<T>::new(chunk.column_descr_ptr(), Box::new(pages));
        while row < end {
            values.clear();
            levels.clear();
            let most = batch.min(end - row);
            let (rows, found, _) = reader.read_records(most, Some(&mut levels), None, &mut values).map_err(unreadable)?;
            if rows == 0 || found != values.len() || field.optional && levels.len() != rows {
                return Err(self.file.damaged(field, &format!("it ends after {row} of {end} rows")));
            }
            let mut present = values.iter();
            for place in 0..rows {
                // Without levels no value is missing.
                let is_there = levels.get(place).is_none_or(|&level| level > 0);
                let value = if is_there { present.next() } else { None };
                if is_there && value.is_none() {
                    return Err(self.file.damaged(field, &format!("row {} has no value", row + place + 1)));
                }
                put(row + place, value)?;
            }
            row += rows;
        }
        if reader.read_records(1, Some(&mut levels), None, &mut values).map_err(unreadable)?.0 > 0 {
            return Err(self.file.damaged(field, &format!("it goes on after {end} rows")));
        }
        Ok(())
    }
}

/// What the crate could not do: for want of memory, or because the file is damaged.
fn failed(source: &str, error: &ParquetError, damaged: impl Fn(&dyn std::fmt::Display) -> Error) -> Error {
    if let ParquetError::External(inner) = error {
        let out_of_memory = |error: &io::Error| error.kind() == io::ErrorKind::OutOfMemory;
        if inner.downcast_ref::<io::Error>().is_some_and(out_of_memory) {
            return Error::reading(&name::path(source), &io::ErrorKind::OutOfMemory.into());
        }
    }
    match error {
        ParquetError::General(what) => damaged(what),
        _ => damaged(error),
    }
}

/// A day and time in ISO form, of so many parts of a second since 1970.
fn timestamp(parts: i64, second: i64) -> String {
    const DAY: i64 = 86_400;
    let of_day = parts.rem_euclid(DAY * second) * (1_000_000_000 / second);
    dates::iso(parts.div_euclid(DAY * second), of_day.cast_unsigned())
}

/// A day and time in ISO form, of nanoseconds of a day and its Julian number.
fn timestamp96(value: &Int96) -> String {
    /// The Julian number of 1 January 1970.
    const EPOCH: i64 = 2_440_588;
    const DAY: u64 = 86_400_000_000_000;
    let [low, high, day] = value.data() else { return String::new() };
    let nanoseconds = u64::from(*high) << 32 | u64::from(*low);
    dates::iso(i64::from(*day) - EPOCH + (nanoseconds / DAY).cast_signed(), nanoseconds % DAY)
}

/// The number nearest to this integer over ten to the power of `scale`.
fn decimal(integer: i128, scale: i32) -> Option<f64> {
    format!("{integer}e-{scale}").parse().ok()
}

/// An integer of up to 16 bytes, the sign's first.
fn big_endian(bytes: &[u8]) -> Option<i128> {
    let sign = i128::from((*bytes.first()? as i8) >> 7);
    (bytes.len() <= 16).then(|| bytes.iter().fold(sign, |integer, &byte| integer << 8 | i128::from(byte)))
}

/// A file, or bytes, as the crate wants it.
struct Input {
    source: Arc<Mutex<Box<dyn Source>>>,
    length: u64,
}

impl Input {
    fn new(mut source: Box<dyn Source>) -> io::Result<Self> {
        let length = source.seek(SeekFrom::End(0))?;
        Ok(Self { source: Arc::new(Mutex::new(source)), length })
    }
}

impl Length for Input {
    fn len(&self) -> u64 {
        self.length
    }
}

impl ChunkReader for Input {
    type T = BufReader<Following>;

    fn get_read(&self, start: u64) -> parquet::errors::Result<Self::T> {
        /// A page's header is seldom longer.
        const HEADER: usize = 256;
        Ok(BufReader::with_capacity(HEADER, Following { source: Arc::clone(&self.source), place: start }))
    }

    fn get_bytes(&self, start: u64, length: usize) -> parquet::errors::Result<Bytes> {
        if start.checked_add(length as u64).is_none_or(|end| end > self.length) {
            return Err(ParquetError::EOF(format!("{length} bytes at {start} of {}", self.length)));
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(length).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
        bytes.resize(length, 0);
        Following { source: Arc::clone(&self.source), place: start }.read_exact(&mut bytes)?;
        Ok(bytes.into())
    }
}

/// What follows from a place on.
struct Following {
    source: Arc<Mutex<Box<dyn Source>>>,
    place: u64,
}

impl Read for Following {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let mut source = self.source.lock().unwrap_or_else(PoisonError::into_inner);
        source.seek(SeekFrom::Start(self.place))?;
        let read = source.read(bytes)?;
        self.place += read as u64;
        Ok(read)
    }
}

#[cfg(test)]
mod tests;
