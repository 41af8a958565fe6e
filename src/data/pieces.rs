//! Sources that are read some rows at a time, for data that is larger than memory: tables of text, folders of them, arrays of numbers
//! and Parquet files.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::Path;

use super::array::{Array, refuse_beyond};
use super::csv::CsvPieces;
use super::folder::{self, FolderPieces};
use super::read::{ArrayFormat, LABEL, one_label_a_row};
use super::{Column, ReadOptions, Readings, Table, embedded, npz, parquet};
use crate::error::{Error, Result};

/// A source that is read some rows at a time.
pub(super) trait Pieces {
    /// The next rows as a table, perhaps without any, in which the columns at these positions are text whatever they hold, if the format
    /// leaves that open; none after the last ones.
    ///
    /// # Errors
    /// As reading the whole has them; limit, for what does not fit memory even in pieces.
    fn next(&mut self, texts: &[usize]) -> Result<Option<Table>>;

    /// Checks what only the end tells, of a table with the kinds of all columns.
    ///
    /// # Errors
    /// As reading the whole has them.
    fn finish(&self, shape: &Table) -> Result<()>;
}

/// A source that can be read in pieces.
enum Form {
    Text,
    Folder,
    Array(ArrayFormat),
    /// Arrays in an npz archive, which are unpacked into files first.
    Archive,
    Parquet,
}

impl Form {
    /// What a source is, if it can be read in pieces: arrays can where they are not packed.
    fn of(source: &str) -> Option<Self> {
        if embedded::find(source).is_some() {
            return None;
        }
        if folder::is_one(source) {
            return Some(Self::Folder);
        }
        let path = npz::file_of(source);
        if !std::fs::metadata(path).ok()?.is_file() {
            return None;
        }
        let beginning = |input: &mut dyn Read| {
            let mut bytes = Vec::new();
            input.take(super::read::BEGINNING).read_to_end(&mut bytes).ok().map(|_| bytes)
        };
        let bytes = beginning(&mut File::open(path).ok()?)?;
        if super::read::is_archive(&bytes) {
            return Some(Self::Archive);
        }
        if path != source {
            return None;
        }
        if let Some(format) = ArrayFormat::of(&bytes) {
            return Some(Self::Array(format));
        }
        if parquet::begins(&bytes) {
            return parquet::IS_READ.then_some(Self::Parquet);
        }
        super::read::is_text(&beginning(opened(source).ok()?.as_mut())?).then_some(Self::Text)
    }
}

/// Whether a source can be read in pieces.
pub(super) fn can_be(source: &str, options: &ReadOptions) -> bool {
    let labels = options.labels.as_deref().map(Path::to_string_lossy);
    match (Form::of(source), labels.as_deref().map(Form::of)) {
        (Some(Form::Array(format)), labels) => {
            matches!(labels, None | Some(Some(Form::Array(_)))) && array(source, format).is_ok_and(|array| array.is_by_rows)
        }
        (Some(Form::Archive), labels) => labels.is_none() && npz::is_by_rows(source),
        (Some(_), labels) => labels.is_none(),
        (None, _) => false,
    }
}

/// The pieces of a source that [`can_be`] read so.
///
/// # Errors
/// As reading the whole has them.
pub(super) fn of<'a>(source: &str, options: &'a ReadOptions) -> Result<Box<dyn Pieces + 'a>> {
    Ok(match Form::of(source) {
        Some(Form::Folder) => Box::new(FolderPieces::new(source, options)?),
        Some(Form::Array(format)) => Box::new(ArrayPieces::new(source, format, options)?),
        Some(Form::Archive) => {
            let (inputs, labels) = npz::unpacked(source)?;
            Box::new(ArrayPieces::of(source, inputs, labels, options))
        }
        Some(Form::Parquet) => parquet::pieces(source, Box::new(file(source)?), options)?,
        Some(Form::Text) | None => Box::new(CsvPieces::new(source, opened(source)?, options)),
    })
}

/// The pieces of a table, of text or Parquet.
///
/// # Errors
/// As reading the whole has them.
pub(super) fn of_table<'a>(source: &str, options: &'a ReadOptions) -> Result<Box<dyn Pieces + 'a>> {
    match Form::of(source) {
        Some(Form::Text | Form::Parquet) => of(source, options),
        _ => Err(super::read::no_table(source)),
    }
}

/// An array of numbers, and perhaps one of labels beside it.
struct ArrayPieces<'a> {
    source: String,
    columns: &'a Readings,
    inputs: Array<'static>,
    labels: Option<Array<'static>>,
    /// Rows of a piece.
    rows: usize,
}

impl<'a> ArrayPieces<'a> {
    fn new(source: &str, format: ArrayFormat, options: &'a ReadOptions) -> Result<Self> {
        let inputs = array(source, format)?;
        let of_labels = |path: &std::path::PathBuf| {
            let source = path.to_string_lossy();
            match Form::of(&source) {
                Some(Form::Array(format)) => array(&source, format),
                _ => Err(Error::Data(format!("{}: changed while it was read; read it again", crate::error::shown(&source)))),
            }
        };
        let labels = options.labels.as_ref().map(of_labels).transpose()?;
        if let Some(labels) = &labels {
            one_label_a_row([source, labels.source()], [inputs.rows, labels.rows], labels.columns)?;
        }
        Ok(Self::of(source, inputs, labels, options))
    }

    fn of(source: &str, inputs: Array<'static>, labels: Option<Array<'static>>, options: &'a ReadOptions) -> Self {
        /// Bytes of a piece as the widest numbers.
        const BYTES: usize = 4 << 20;
        let rows = (BYTES / (8 * inputs.columns)).max(1);
        Self { source: source.to_owned(), columns: &options.columns, inputs, labels, rows }
    }
}

impl Pieces for ArrayPieces<'_> {
    fn next(&mut self, _: &[usize]) -> Result<Option<Table>> {
        if self.inputs.is_at_end() {
            return Ok(None);
        }
        let mut table = Table { source: self.source.clone(), ..self.inputs.take(self.rows)? };
        if let Some(labels) = &mut self.labels {
            let cells = labels.take(self.rows)?.columns.pop().expect("one column").cells;
            table.columns.push(Column::new(LABEL, cells));
        }
        refuse_beyond(&table, &self.columns.of_table(&table))?;
        Ok(Some(table))
    }

    fn finish(&self, _: &Table) -> Result<()> {
        Ok(())
    }
}

/// The array in a file.
fn array(source: &str, format: ArrayFormat) -> Result<Array<'static>> {
    let file = file(source)?;
    let length = file.metadata().map_err(|error| Error::reading(Path::new(source), &error))?.len();
    format.opened(source, BufReader::with_capacity(1 << 16, file), length)
}

fn file(source: &str) -> Result<File> {
    File::open(source).map_err(|error| Error::reading(Path::new(source), &error))
}

/// The bytes of a file, unpacked.
pub(super) fn opened(source: &str) -> Result<Box<dyn Read>> {
    let unreadable = |error: io::Error| Error::reading(Path::new(source), &error);
    let file = File::open(source).map_err(unreadable)?;
    let length = file.metadata().map_err(unreadable)?.len();
    let mut input = BufReader::with_capacity(1 << 20, file);
    let is_packed = io::BufRead::fill_buf(&mut input).map_err(unreadable)?.starts_with(super::read::GZIP);
    if !is_packed {
        return Ok(Box::new(input));
    }
    Ok(Box::new(Bounded { input: flate2::bufread::MultiGzDecoder::new(input), left: super::read::unpacked_bound(length) }))
}

/// An input that fails past so many bytes: a bomb.
struct Bounded<R> {
    input: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let damaged = |error: io::Error| {
            io::Error::new(error.kind(), format!("its gzip is cut short or damaged ({error}); fetch or pack it again"))
        };
        let count = self.input.read(buffer).map_err(damaged)?;
        self.left = self.left.checked_sub(count as u64).ok_or_else(|| {
            io::Error::other(
                "its gzip unpacks to more than a hundred times as much, as only a bomb does; unpack it yourself",
            )
        })?;
        Ok(count)
    }
}
