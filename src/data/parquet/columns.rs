//! From a Parquet file to a table: column by column, in each group of rows after group, some thousand values at a time.

use std::io::{self, BufReader, Read, SeekFrom};
use std::path::Path;
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

use super::MAGIC;
use super::pages::{BATCH, Pages, TEXTS, is_known};
use super::schema::{Field, Kind, Sign, described, fields};
use crate::data::csv::{self, MOST_CELL};
use crate::data::idx::refuse_beyond;
use crate::data::npz::Source;
use crate::data::table::check_memory;
use crate::data::{Cells, Column, Table};
use crate::error::{Error, Result, shown};
use crate::{memory, panics};

/// Reads a flat Parquet file. Truth values are the text `true` and `false`, and what is missing in text is spelled as in CSV
/// files, so that a table is the same in either format. A date is the days since 1970, a time the seconds since then or
/// since midnight. Integers beyond 2^53 are rounded as a CSV file's are.
///
/// # Errors
/// Data, naming row and column: a file that is damaged, nested columns, types that are no number, text or time, equal column
/// names, no rows, packing that is not known, text that is not UTF-8, numbers beyond f32. Limit, where memory is short.
pub(crate) fn read(source: &str, input: Box<dyn Source>) -> Result<Table> {
    // The crate's decoders slice a page by lengths that stand in it, and panic where it is damaged: that is kept in here.
    panics::quietly(|| File::opened(source, input)?.table())
        .unwrap_or_else(|| Err(damaged(source, &"its pages make no sense")))
}

fn damaged(source: &str, what: &dyn std::fmt::Display) -> Error {
    let what = shown(&what.to_string());
    Error::Data(format!("{}: its Parquet data are cut short or damaged ({what}); write or fetch it again", shown(source)))
}

/// Bytes after the footer: its length and the magic ones.
const TAIL: u64 = 8;

struct File<'a> {
    source: &'a str,
    input: Arc<Input>,
    fields: Vec<Field>,
    metadata: ParquetMetaData,
    /// Where the footer begins and values end.
    end: u64,
    rows: usize,
}

impl<'a> File<'a> {
    fn opened(source: &'a str, input: Box<dyn Source>) -> Result<Self> {
        /// What the crate makes of a footer's byte, at most.
        const METADATA: u128 = 256;
        let input = Input::new(input).map_err(|error| Error::reading(Path::new(source), &error))?;
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
        let mut options = ParquetMetaDataOptions::new().with_schema(described(&fields).map_err(unreadable)?);
        options.set_column_stats_policy(ParquetStatisticsPolicy::SkipAll);
        options.set_size_stats_policy(ParquetStatisticsPolicy::SkipAll);
        options.set_encoding_stats_policy(ParquetStatisticsPolicy::SkipAll);
        let metadata = ParquetMetaDataReader::decode_metadata_with_options(&footer, Some(&options)).map_err(unreadable)?;
        let mut file = Self { source, input: Arc::new(input), fields, metadata, end, rows: 0 };
        file.rows = file.checked_rows()?;
        Ok(file)
    }

    /// The number of rows, if the groups fit each other, the file and the memory.
    fn checked_rows(&self) -> Result<usize> {
        let mut rows = 0_u64;
        for group in self.metadata.row_groups() {
            self.check_group(group)?;
            rows = u64::try_from(group.num_rows())
                .ok()
                .and_then(|more| rows.checked_add(more))
                .ok_or_else(|| damaged(self.source, &format!("a group of {} rows after {rows}", group.num_rows())))?;
        }
        let said = self.metadata.file_metadata().num_rows();
        if u64::try_from(said) != Ok(rows) {
            return Err(damaged(self.source, &format!("it says that it has {said} rows, and {rows} in its groups")));
        }
        if rows == 0 || self.fields.is_empty() {
            return Err(Error::Data(format!("{}: it has {} columns and no rows", shown(self.source), self.fields.len())));
        }
        let columns = self.fields.len() as u64;
        let bytes: usize = self.fields.iter().map(Field::bytes).sum();
        check_memory(rows, rows.saturating_mul(columns), bytes.div_ceil(self.fields.len()))
            .map_err(|error| Error::reading(Path::new(self.source), &error))?;
        usize::try_from(rows).map_err(|_| Error::reading(Path::new(self.source), &io::ErrorKind::OutOfMemory.into()))
    }

    /// Refuses a group whose columns lie elsewhere than in this file, or are packed in a way that is not known.
    fn check_group(&self, group: &RowGroupMetaData) -> Result<()> {
        if group.columns().len() != self.fields.len() {
            return Err(damaged(self.source, &"a group of rows has other columns"));
        }
        for (chunk, field) in group.columns().iter().zip(&self.fields) {
            let name = shown(&field.name);
            if chunk.file_path().is_some() {
                let source = shown(self.source);
                return Err(Error::Data(format!("{source}: column '{name}' lies in another file; write it as one file")));
            }
            if !is_known(chunk.compression()) {
                return Err(Error::Data(format!(
                    "{}: column '{name}' is packed by {:?}, which is not read; write it with snappy, zstd, gzip or lz4",
                    shown(self.source),
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

    fn table(&self) -> Result<Table> {
        let columns = self.fields.iter().enumerate();
        let columns = columns.map(|(position, field)| Ok(Column { name: field.name.clone(), cells: self.cells(position)? }));
        let table = Table::new(self.source, columns.collect::<Result<_>>()?);
        refuse_beyond(&table)?;
        Ok(table)
    }

    fn cells(&self, position: usize) -> Result<Cells> {
        use Kind::{Boolean, Decimal, Double, Float, Integer, Text, Time, Time96};
        use Sign::{Signed, Unsigned};
        let field = &self.fields[position];
        let damaged = |what: &str| self.damaged(field, &what);
        match (field.kind, field.physical()) {
            (Boolean, _) => self.texts::<BoolType>(position, |value| Some(if *value { "true" } else { "false" })),
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
            (Time96, _) => self.numbers::<Int96Type>(position, |value| Some(seconds(value))),
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
                self.texts::<ByteArrayType>(position, |value| std::str::from_utf8(value.data()).ok())
            }
            (Text | Decimal(_), _) => Err(damaged("its type fits no values")),
        }
    }

    fn damaged(&self, field: &Field, what: &dyn std::fmt::Display) -> Error {
        let (source, name, what) = (shown(self.source), shown(&field.name), shown(&what.to_string()));
        Error::Data(format!("{source}: column '{name}' is cut short or damaged ({what}); write or fetch the file again"))
    }

    fn refused(&self, row: usize, field: &Field, what: &str) -> Error {
        Error::Data(format!("{}: row {}, column '{}': {what}", shown(self.source), row + 1, shown(&field.name)))
    }

    /// A list with room for all rows.
    fn room<C>(&self) -> Result<Vec<C>> {
        let mut cells = Vec::new();
        let nothing = |_| Error::reading(Path::new(self.source), &io::ErrorKind::OutOfMemory.into());
        cells.try_reserve_exact(self.rows).map_err(nothing)?;
        Ok(cells)
    }

    fn numbers<T: DataType>(&self, position: usize, number: impl Fn(&T::T) -> Option<f64>) -> Result<Cells> {
        let mut cells = self.room()?;
        self.each::<T>(position, |row, value| {
            let no_number =
                || self.refused(row, &self.fields[position], "a decimal number that makes no sense; write it as float64");
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

    fn texts<T: DataType>(&self, position: usize, text: impl Fn(&T::T) -> Option<&str>) -> Result<Cells> {
        /// Bytes of text after which it is asked whether there is memory for as many again.
        const ASKED: usize = 16 << 20;
        let field = &self.fields[position];
        let mut cells = self.room()?;
        let mut bytes = 0;
        self.each::<T>(position, |row, value| {
            let Some(value) = value else {
                cells.push(None);
                return Ok(());
            };
            let not_text = || self.refused(row, field, "not UTF-8; write it as text, or leave the column out");
            let text = text(value).ok_or_else(not_text)?.trim();
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
                    return Err(Error::reading(Path::new(self.source), &io::ErrorKind::OutOfMemory.into()));
                }
            }
            cells.push((!csv::is_missing(text)).then(|| text.to_owned()));
            Ok(())
        })?;
        Ok(Cells::Text(cells))
    }

    /// Calls `put` with the number of each row (from 0) and the column's value in it, if it has one.
    fn each<T: DataType>(&self, position: usize, mut put: impl FnMut(usize, Option<&T::T>) -> Result<()>) -> Result<()> {
        let field = &self.fields[position];
        let batch = if T::get_physical_type() == Physical::BYTE_ARRAY { TEXTS } else { BATCH };
        let unreadable = |error: ParquetError| failed(self.source, &error, |error| self.damaged(field, error));
        let (mut values, mut levels) = (Vec::new(), Vec::new());
        let mut row = 0;
        for group in self.metadata.row_groups() {
            let chunk = group.column(position);
            let end = row + group.num_rows() as usize;
            let pages = Pages::new(Arc::clone(&self.input), chunk, end - row, field).map_err(unreadable)?;
            let mut reader = ColumnReaderImpl::<T>::new(chunk.column_descr_ptr(), Box::new(pages));
            while row < end {
                values.clear();
                levels.clear();
                let most = batch.min(end - row);
                let (rows, found, _) =
                    reader.read_records(most, Some(&mut levels), None, &mut values).map_err(unreadable)?;
                if rows == 0 || found != values.len() || field.optional && levels.len() != rows {
                    return Err(self.damaged(field, &format!("it ends after {row} of {end} rows")));
                }
                let mut present = values.iter();
                for place in 0..rows {
                    // Without levels no value is missing.
                    let is_there = levels.get(place).is_none_or(|&level| level > 0);
                    let value = if is_there { present.next() } else { None };
                    if is_there && value.is_none() {
                        return Err(self.damaged(field, &format!("row {} has no value", row + place + 1)));
                    }
                    put(row + place, value)?;
                }
                row += rows;
            }
            if reader.read_records(1, Some(&mut levels), None, &mut values).map_err(unreadable)?.0 > 0 {
                return Err(self.damaged(field, &format!("it goes on after {end} rows")));
            }
        }
        Ok(())
    }
}

/// What the crate could not do: for want of memory, or because the file is damaged.
fn failed(source: &str, error: &ParquetError, damaged: impl Fn(&dyn std::fmt::Display) -> Error) -> Error {
    if let ParquetError::External(inner) = error {
        let out_of_memory = |error: &io::Error| error.kind() == io::ErrorKind::OutOfMemory;
        if inner.downcast_ref::<io::Error>().is_some_and(out_of_memory) {
            return Error::reading(Path::new(source), &io::ErrorKind::OutOfMemory.into());
        }
    }
    match error {
        ParquetError::General(what) => damaged(what),
        _ => damaged(error),
    }
}

/// Seconds since 1970.
fn seconds(value: &Int96) -> f64 {
    /// The Julian number of 1 January 1970.
    const EPOCH: f64 = 2_440_588.0;
    const DAY: f64 = 86_400.0;
    let [low, high, day] = value.data() else { return f64::NAN };
    let nanoseconds = u64::from(*high) << 32 | u64::from(*low);
    (f64::from(*day) - EPOCH) * DAY + nanoseconds as f64 / 1e9
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
mod tests {
    use std::io::Cursor;

    use parquet::basic::{Compression, Encoding, GzipLevel};
    use parquet::data_type::{ByteArray, FixedLenByteArray};
    use parquet::file::properties::{WriterProperties, WriterPropertiesBuilder, WriterVersion};
    use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
    use parquet::schema::parser::parse_message_type;
    use rand::{Rng, RngExt, SeedableRng};

    use super::*;

    /// A file of this schema, each column of each group written by `write`.
    fn written(
        schema: &str,
        properties: WriterPropertiesBuilder,
        groups: usize,
        write: impl Fn(usize, usize, &mut SerializedColumnWriter<'_>),
    ) -> Vec<u8> {
        let schema = Arc::new(parse_message_type(&format!("message table {{ {schema} }}")).unwrap());
        let mut writer = SerializedFileWriter::new(Vec::new(), schema, Arc::new(properties.build())).unwrap();
        for group in 0..groups {
            let mut columns = writer.next_row_group().unwrap();
            let mut column = 0;
            while let Some(mut to) = columns.next_column().unwrap() {
                write(group, column, &mut to);
                to.close().unwrap();
                column += 1;
            }
            columns.close().unwrap();
        }
        writer.into_inner().unwrap()
    }

    fn put<T: DataType>(to: &mut SerializedColumnWriter<'_>, values: &[T::T], levels: Option<&[i16]>) {
        to.typed::<T>().write_batch(values, levels, None).unwrap();
    }

    fn plain() -> WriterPropertiesBuilder {
        WriterProperties::builder()
    }

    /// One column of one group without missing values.
    fn one<T: DataType>(column: &str, values: &[T::T]) -> Vec<u8> {
        written(column, plain(), 1, |_, _, to| put::<T>(to, values, None))
    }

    fn text(text: &str) -> ByteArray {
        text.as_bytes().to_vec().into()
    }

    /// Reads bytes as they would lie in a file called `a.parquet`.
    fn read(bytes: &[u8]) -> Result<Table> {
        super::read("a.parquet", Box::new(Cursor::new(bytes.to_vec())))
    }

    fn cells(bytes: &[u8]) -> Cells {
        read(bytes).unwrap().columns.remove(0).cells
    }

    fn message(bytes: &[u8]) -> String {
        let error = read(bytes).unwrap_err();
        assert_eq!(error.exit_code(), 3, "{error}");
        error.to_string()
    }

    fn texts(cells: &Cells) -> Vec<Option<String>> {
        assert!(cells.is_text());
        (0..cells.len()).map(|row| cells.text(row).map(Into::into)).collect()
    }

    #[test]
    fn every_type_of_number_is_read_as_it_is_meant() {
        let integers = |kind: &str, values: &[i32]| cells(&one::<Int32Type>(&format!("required int32 a ({kind});"), values));
        assert_eq!(integers("INTEGER(8,false)", &[0, 255]), Cells::Bytes(vec![0, 255]));
        assert_eq!(integers("INTEGER(8,true)", &[-128, 127]), Cells::Singles(vec![-128.0, 127.0]));
        assert_eq!(integers("INTEGER(16,false)", &[0, 65_535]), Cells::Singles(vec![0.0, 65_535.0]));
        assert_eq!(integers("INTEGER(16,true)", &[-300, 300]), Cells::Singles(vec![-300.0, 300.0]));
        assert_eq!(integers("INTEGER(32,false)", &[-1]), Cells::Numbers(vec![f64::from(u32::MAX)]));
        assert_eq!(integers("UINT_8", &[7]), Cells::Bytes(vec![7]));
        assert_eq!(integers("INT_16", &[-7]), Cells::Singles(vec![-7.0]));
        assert_eq!(integers("DATE", &[19_723]), Cells::Numbers(vec![19_723.0]));
        assert_eq!(integers("TIME(MILLIS,true)", &[1_500]), Cells::Numbers(vec![1.5]));
        assert_eq!(integers("DECIMAL(9,2)", &[-12_345]), Cells::Numbers(vec![-123.45]));
        let longs = |kind: &str, values: &[i64]| cells(&one::<Int64Type>(&format!("required int64 a{kind};"), values));
        assert_eq!(longs("", &[i64::MIN, 1 << 53]), Cells::Numbers(vec![-(2_f64.powi(63)), 2_f64.powi(53)]));
        assert_eq!(longs(" (INTEGER(64,false))", &[-1]), Cells::Numbers(vec![2_f64.powi(64)]));
        assert_eq!(longs(" (TIMESTAMP(MICROS,true))", &[1_500_000]), Cells::Numbers(vec![1.5]));
        assert_eq!(longs(" (TIMESTAMP(NANOS,false))", &[-500_000_000]), Cells::Numbers(vec![-0.5]));
        assert_eq!(longs(" (TIMESTAMP_MILLIS)", &[250]), Cells::Numbers(vec![0.25]));
        assert_eq!(longs(" (DECIMAL(18,3))", &[1_001]), Cells::Numbers(vec![1.001]));
        assert_eq!(cells(&one::<FloatType>("required float a;", &[0.1, f32::NAN])).number(0), Some(f64::from(0.1_f32)));
        assert_eq!(cells(&one::<DoubleType>("required double a;", &[0.1])), Cells::Numbers(vec![0.1]));
        let mut noon = Int96::new();
        noon.set_data((43_200_000_000_000_u64 & 0xffff_ffff) as u32, (43_200_000_000_000_u64 >> 32) as u32, 2_440_589);
        assert_eq!(cells(&one::<Int96Type>("required int96 a;", &[noon])), Cells::Numbers(vec![129_600.0]));
        let bytes = |bytes: &[u8]| ByteArray::from(bytes.to_vec());
        let fixed = [FixedLenByteArray::from(bytes(&[0xff, 0xff, 0xfe])), FixedLenByteArray::from(bytes(&[0, 1, 0]))];
        let decimals = one::<FixedLenByteArrayType>("required fixed_len_byte_array(3) a (DECIMAL(6,1));", &fixed);
        assert_eq!(cells(&decimals), Cells::Numbers(vec![-0.2, 25.6]));
        let decimals = one::<ByteArrayType>("required binary a (DECIMAL(6,0));", &[bytes(&[1, 0])]);
        assert_eq!(cells(&decimals), Cells::Numbers(vec![256.0]));
    }

    #[test]
    fn text_and_truth_values_are_what_a_csv_file_would_hold() {
        let spelled = [" Oslo ", "", "NA", "null", "?", "007", "true"].map(text);
        let expected = ["Oslo", "", "", "", "", "007", "true"].map(|text| (!text.is_empty()).then(|| text.to_owned()));
        assert_eq!(texts(&cells(&one::<ByteArrayType>("required binary a (UTF8);", &spelled))), expected);
        assert_eq!(texts(&cells(&one::<ByteArrayType>("required binary a (STRING);", &spelled))), expected);
        assert_eq!(texts(&cells(&one::<ByteArrayType>("required binary a;", &spelled))), expected);
        let truths = cells(&one::<BoolType>("required boolean a;", &[true, false]));
        assert_eq!(texts(&truths), [Some("true".into()), Some("false".into())]);
    }

    /// Every third value is missing, and every fourth of the text.
    const ROWS: usize = 5_000;
    const GROUPS: usize = 3;
    const SCHEMA: &str = "optional double x; required int32 y; optional binary town (UTF8); optional int32 byte (UINT_8);";

    fn many(properties: WriterPropertiesBuilder) -> Vec<u8> {
        written(
            SCHEMA,
            properties.set_data_page_row_count_limit(700).set_write_batch_size(100),
            GROUPS,
            |group, column, to| {
                let rows = group * ROWS..(group + 1) * ROWS;
                let levels = |every: usize| rows.clone().map(|row| i16::from(row % every != 0)).collect::<Vec<_>>();
                let there = |every: usize| rows.clone().filter(move |row| row % every != 0);
                match column {
                    0 => put::<DoubleType>(to, &there(3).map(|row| row as f64 / 8.0).collect::<Vec<_>>(), Some(&levels(3))),
                    1 => put::<Int32Type>(to, &rows.clone().map(|row| row as i32 - 100).collect::<Vec<_>>(), None),
                    2 => {
                        let values: Vec<_> = there(4).map(|row| text(&format!("town {}", row % 900))).collect();
                        put::<ByteArrayType>(to, &values, Some(&levels(4)));
                    }
                    _ => put::<Int32Type>(
                        to,
                        &there(9_999).map(|row| row as i32 % 256).collect::<Vec<_>>(),
                        Some(&levels(9_999)),
                    ),
                }
            },
        )
    }

    fn check_many(bytes: &[u8], what: &str) {
        let table = read(bytes).unwrap();
        assert_eq!((table.rows, table.columns.len()), (ROWS * GROUPS, 4), "{what}");
        assert!(matches!(table.columns[3].cells, Cells::Singles(_)), "{what}: a byte is missing");
        for row in 0..table.rows {
            let there = |every: usize| row % every != 0;
            let cell = |column: usize| &table.columns[column].cells;
            assert_eq!(cell(0).number(row), there(3).then_some(row as f64 / 8.0), "{what}, row {row}");
            assert_eq!(cell(1).number(row), Some(row as f64 - 100.0), "{what}, row {row}");
            assert_eq!(cell(2).text(row), there(4).then(|| format!("town {}", row % 900).into()), "{what}, row {row}");
            assert_eq!(cell(3).number(row), there(9_999).then_some((row % 256) as f64), "{what}, row {row}");
        }
    }

    #[test]
    fn groups_pages_and_missing_values_are_read_in_every_encoding_and_packing() {
        let packed =
            [Compression::UNCOMPRESSED, Compression::SNAPPY, Compression::LZ4_RAW, Compression::GZIP(GzipLevel::default())];
        for version in [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0] {
            for codec in packed {
                let properties = plain().set_writer_version(version).set_compression(codec);
                check_many(&many(properties.clone()), &format!("{version:?}, {codec:?}"));
                // Without a dictionary the second version writes differences.
                check_many(
                    &many(properties.set_dictionary_enabled(false)),
                    &format!("{version:?}, {codec:?}, no dictionary"),
                );
            }
        }
        for (column, encoding) in [
            ("x", Encoding::BYTE_STREAM_SPLIT),
            ("y", Encoding::DELTA_BINARY_PACKED),
            ("town", Encoding::DELTA_LENGTH_BYTE_ARRAY),
            ("town", Encoding::DELTA_BYTE_ARRAY),
        ] {
            let properties = plain().set_dictionary_enabled(false).set_column_encoding(column.into(), encoding);
            check_many(&many(properties), &format!("{encoding}"));
        }
    }

    #[test]
    fn files_of_other_writers_hold_the_same_table() {
        // As make.py has them write it.
        let files: [(&str, &[u8]); 3] = [
            ("pyarrow 26, zstd", include_bytes!("pyarrow-zstd.parquet")),
            ("pyarrow 26, lz4, second pages, differences", include_bytes!("pyarrow-lz4.parquet")),
            ("polars 2, zstd", include_bytes!("polars.parquet")),
        ];
        for (writer, bytes) in files {
            let table = read(bytes).unwrap();
            assert_eq!(table.names().collect::<Vec<_>>(), ["x", "size", "byte", "yes", "town"], "{writer}");
            assert_eq!(table.rows, 40, "{writer}");
            for row in 0..table.rows {
                let cell = |column: usize| &table.columns[column].cells;
                assert_eq!(cell(0).number(row), (row % 7 != 3).then_some(row as f64 * 0.5 - 3.0), "{writer}, row {row}");
                assert_eq!(cell(1).number(row), Some(row as f64 * 1e5), "{writer}, row {row}");
                assert_eq!(cell(2).number(row), Some((row * 13 % 256) as f64), "{writer}, row {row}");
                let yes = if row % 3 == 0 { "true" } else { "false" };
                assert_eq!(cell(3).text(row), (row != 5).then(|| yes.into()), "{writer}, row {row}");
                let town = ["Oslo", "Rome", "Åbo"][row % 3];
                assert_eq!(cell(4).text(row), (row % 11 != 4).then(|| town.into()), "{writer}, row {row}");
            }
        }
    }

    #[test]
    fn what_is_no_flat_table_of_numbers_and_text_is_refused_with_its_column() {
        let empty = |schema: &str| message(&written(schema, plain(), 0, |_, _, _| {}));
        assert!(empty("required double a; required group b { required double c; }").contains("column 'b' is nested"));
        assert!(
            empty("required group b (LIST) { repeated group list { optional int32 element; } }").contains("'b' is nested")
        );
        assert!(empty("repeated double b;").contains("column 'b' is nested"));
        assert!(
            empty("required double a; required double b; optional int32 a;").contains("two of its columns are called 'a'")
        );
        assert!(empty("required fixed_len_byte_array(2) h (FLOAT16);").contains("column 'h' holds floats of 16 bits"));
        assert!(empty("required fixed_len_byte_array(16) id (UUID);").contains("column 'id' holds values of fixed length"));
        assert!(empty("required double a;").contains("1 columns and no rows"));
        let not_text = one::<ByteArrayType>("required binary a;", &[text("x"), vec![0xff].into()]);
        assert!(message(&not_text).contains("a.parquet: row 2, column 'a': not UTF-8"));
        let long = one::<ByteArrayType>("required binary a;", &[text(&"x".repeat(MOST_CELL + 1))]);
        assert!(message(&long).contains("row 1, column 'a': 1048577 bytes of text"));
    }

    #[test]
    fn numbers_that_no_f32_holds_are_refused_with_their_place() {
        let beyond = one::<DoubleType>("required double a;", &[1.0, -1e39]);
        assert!(message(&beyond).contains("a.parquet: row 2, column 'a'"), "{}", message(&beyond));
        assert!(
            message(&one::<FloatType>("required float a;", &[f32::INFINITY])).contains("row 1, column 'a': inf is infinite")
        );
    }

    #[test]
    fn a_footer_that_lies_is_refused() {
        let sound = one::<DoubleType>("required double a;", &[1.0, 2.0]);
        let tail = sound.len() - 8;
        let lying = |length: u32| [&sound[..tail], &length.to_le_bytes(), MAGIC].concat();
        for length in [u32::MAX, tail as u32, tail as u32 - 3] {
            assert!(message(&lying(length)).contains("its footer has"), "{}", message(&lying(length)));
        }
        assert!(message(&lying(0)).contains("footer is damaged"));
        assert!(message(&sound[..tail]).contains("does not end as"));
        assert!(message(b"PAR1\x15").contains("no footer"));
    }

    /// A file by hand: one required column of this physical type in one group of so many rows, packed by the codec of this
    /// number, with these pages, which are said to unpack to `unpacked` bytes.
    fn by_hand(physical: i64, rows: i64, codec: i64, pages: &[u8], unpacked: i64) -> Vec<u8> {
        let i32_field = |number: i64| [vec![0x15], zigzag(number)].concat();
        let i64_field = |number: i64| [vec![0x16], zigzag(number)].concat();
        let root = [&[0x48, 1, b't'][..], &i32_field(1), &[0]].concat();
        let column = [&i32_field(physical)[..], &[0x25, 0, 0x18, 1, b'a', 0]].concat();
        let values = [
            &i32_field(physical)[..],
            &[0x19, 0x15, 0, 0x19, 0x18, 1, b'a'],
            &i32_field(codec),
            &i64_field(rows),
            &i64_field(unpacked),
            &i64_field(pages.len() as i64),
            &[0x26],
            &zigzag(4),
            &[0],
        ]
        .concat();
        let chunk = [&[0x26][..], &zigzag(4), &[0x1c], &values, &[0]].concat();
        let group = [&[0x19, 0x1c][..], &chunk, &i64_field(1), &i64_field(rows), &[0]].concat();
        let footer =
            [&i32_field(1)[..], &[0x19, 0x2c], &root, &column, &i64_field(rows), &[0x19, 0x1c], &group, &[0]].concat();
        [MAGIC, pages, &footer, &(footer.len() as u32).to_le_bytes(), MAGIC].concat()
    }

    /// The same without pages.
    fn claiming(rows: i64) -> Vec<u8> {
        by_hand(5, rows, 0, &[], 0)
    }

    /// A page of so many values in the encoding of this number: a dictionary, or data.
    fn page(is_dictionary: bool, values: i64, encoding: i64, bytes: &[u8]) -> Vec<u8> {
        let length = bytes.len() as i64;
        let (kind, header) = if is_dictionary { (2, 0x4c) } else { (0, 0x2c) };
        let sizes =
            [[0x15].as_slice(), &zigzag(kind), &[0x15], &zigzag(length), &[0x15], &zigzag(length), &[header]].concat();
        let levels: &[u8] = if is_dictionary { &[] } else { &[0x15, 6, 0x15, 6] };
        [&sizes, &[0x15][..], &zigzag(values), &[0x15], &zigzag(encoding), levels, &[0, 0], bytes].concat()
    }

    /// A whole number as Thrift writes it.
    fn zigzag(number: i64) -> Vec<u8> {
        let mut bytes = Vec::new();
        prost::encode_length_delimiter(((number << 1) ^ (number >> 63)) as usize, &mut bytes).expect("a list grows");
        bytes
    }

    #[test]
    fn pages_that_ask_for_more_than_they_hold_are_refused() {
        let (int32, text, plain, lengths, prefixes, most) = (1, 6, 0, 6, 7, i64::from(i32::MAX));
        let sound = by_hand(int32, 2, 0, &page(false, 2, plain, &[1, 0, 0, 0, 2, 0, 0, 0]), 8);
        assert_eq!(cells(&sound), Cells::Numbers(vec![1.0, 2.0]));
        let dictionary = by_hand(int32, 2, 0, &page(true, most, plain, &[1, 0, 0, 0]), 8);
        assert!(message(&dictionary).contains("a dictionary of 2147483647 values has 4 bytes"), "{}", message(&dictionary));
        // 2^42 lengths that are all the same take a few bytes of widths, which are 0.
        let huge =
            [&[0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1, 1, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 1][..], &[0; 9]].concat();
        for encoding in [lengths, prefixes] {
            let message = message(&by_hand(text, 2, 0, &page(false, 2, encoding, &huge), 9));
            assert!(message.contains("a page of 2 values has 4398046511104 lengths"), "{message}");
        }
        let few = [0x80, 1, 4, 2, 0, 0, 0, 0, 0, 0];
        let suffixes = by_hand(text, 2, 0, &page(false, 2, prefixes, &[&few[..], &huge].concat()), 9);
        assert!(message(&suffixes).contains("has 4398046511104 lengths"), "{}", message(&suffixes));
        let unknown = by_hand(int32, 2, 0, &page(false, 2, 4, &[0; 8]), 8);
        assert!(message(&unknown).contains("encoding BIT_PACKED are not read"), "{}", message(&unknown));
    }

    #[test]
    fn pages_that_unpack_to_more_than_is_said_are_refused_and_unknown_packing_is_named() {
        let zeros = vec![0; 64 << 20];
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        io::Write::write_all(&mut gzip, &zeros).unwrap();
        let snappy = snap::raw::Encoder::new().compress_vec(&zeros).unwrap();
        let zstd = ruzstd::encoding::compress_to_vec(zeros.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
        for (codec, packed) in [(2, gzip.finish().unwrap()), (1, snappy), (6, zstd)] {
            let bomb = |said: i64| message(&by_hand(1, 2, codec, &page(false, 2, 0, &packed), said));
            assert!(bomb(8).contains("bytes unpacks to more than 8)"), "codec {codec}: {}", bomb(8));
            // Snappy packs nothing to a hundredth.
            assert!(codec == 1 || bomb(1 << 40).contains("unpacks to more than"), "codec {codec}: {}", bomb(1 << 40));
        }
        for (codec, name) in [(4, "BROTLI"), (3, "LZO"), (5, "LZ4")] {
            let unknown = message(&by_hand(1, 2, codec, &page(false, 2, 0, &[0; 8]), 8));
            assert!(unknown.contains(&format!("column 'a' is packed by {name}")), "{unknown}");
        }
    }

    #[test]
    fn a_footer_of_more_rows_than_there_is_memory_for_is_a_limit() {
        let error = read(&claiming(1 << 60)).unwrap_err();
        assert!(error.exit_code() == 6 && error.to_string().contains("no memory"), "{error}");
        assert!(message(&claiming(3)).contains("column 'a'"), "{}", message(&claiming(3)));
        assert!(message(&claiming(-3)).contains("a group of -3 rows"), "{}", message(&claiming(-3)));
        assert!(message(&claiming(0)).contains("no rows"));
    }

    #[test]
    fn a_schema_of_columns_in_columns_or_of_more_than_there_are_ends_in_an_error() {
        // Groups of one child each, and groups that claim 2^31 - 1 children: the crate would follow them.
        let nested = |children: &[u8]| {
            let group = [&[0x35, 0, 0x18, 1, b'g', 0x15], children, &[0]].concat();
            let schema = [&[0x15, 2, 0x19, 0xfc, 0xa1, 0x8d, 0x06][..], &[0x48, 1, b't', 0x15, 2, 0]].concat();
            let footer = [schema, group.repeat(100_000)].concat();
            [MAGIC, &[0x15], &footer, &(footer.len() as u32).to_le_bytes(), MAGIC].concat()
        };
        assert!(message(&nested(&[2])).contains("column 'g' is nested"));
        assert!(message(&nested(&[0xfe, 0xff, 0xff, 0xff, 0x0f])).contains("column 'g' is nested"));
        let wide = [MAGIC, &[0x15, 2, 0x19, 0x1c, 0x48, 1, b't', 0x15, 0x80, 0x80, 0x80, 2, 0]].concat();
        let wide = [&wide[..], &13_u32.to_le_bytes(), MAGIC].concat();
        assert_eq!(read(&wide).unwrap_err().exit_code(), 6, "{}", read(&wide).unwrap_err());
    }

    #[test]
    fn a_file_that_is_cut_or_altered_anywhere_never_panics() {
        let small = |properties: WriterPropertiesBuilder| {
            written(SCHEMA, properties, 2, |_, column, to| match column {
                0 => put::<DoubleType>(to, &[1.5, 2.5], Some(&[1, 0, 1])),
                1 => put::<Int32Type>(to, &[1, 2, 3], None),
                2 => put::<ByteArrayType>(to, &[text("Oslo"), text("Oslo"), text("Rome")], Some(&[1, 1, 1])),
                _ => put::<Int32Type>(to, &[9, 8], Some(&[0, 1, 1])),
            })
        };
        let second = || plain().set_writer_version(WriterVersion::PARQUET_2_0);
        let files = [
            small(plain()),
            small(plain().set_compression(Compression::SNAPPY)),
            small(second().set_dictionary_enabled(false).set_compression(Compression::GZIP(GzipLevel::default()))),
            small(second().set_compression(Compression::LZ4_RAW)),
            include_bytes!("pyarrow-zstd.parquet").to_vec(),
            include_bytes!("pyarrow-lz4.parquet").to_vec(),
        ];
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(7);
        for (number, whole) in files.iter().enumerate() {
            assert!(read(whole).is_ok());
            for cut in (0..whole.len()).step_by(97).chain([whole.len() - 1]) {
                assert!(matches!(read(&whole[..cut]), Err(Error::Data(_))), "file {number} cut at {cut}");
            }
            for _ in 0..1_000 {
                let mut bytes = whole.clone();
                let place = random.random_range(0..bytes.len());
                bytes[place] = random.next_u32() as u8;
                match read(&bytes) {
                    Ok(_) | Err(Error::Data(_) | Error::Limit(_)) => {}
                    Err(error) => panic!("file {number}, byte {place} made {}: {error}", bytes[place]),
                }
            }
        }
    }
}
