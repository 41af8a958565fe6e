//! From a name to a table: an embedded set, a file or stdin, unpacked, its format told by its first bytes.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::{Path, PathBuf};

use flate2::read::MultiGzDecoder;

use super::array::{Array, refuse_beyond};
use super::{Column, Numerals, Readings, Table, csv, embedded, folder, idx, npy, npz, parquet};
use crate::error::{Error, Result, closest_path, shown, suggestion};

/// How a source is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadOptions {
    /// Whether the first line of a CSV file names the columns; if not, they are called `0`, `1`, …
    pub header: bool,
    /// The file of labels (IDX or npy) that belongs to images: becomes the last column, `label`.
    pub labels: Option<PathBuf>,
    /// What separates the cells of a CSV file; none = a tab for `.tsv`, else a comma.
    pub delimiter: Option<u8>,
    /// How its numbers are written; none = as the file shows, or with a point.
    pub numerals: Option<Numerals>,
    /// What is known of its columns.
    pub columns: Readings,
    /// Whether its rows are wanted as they are, to be written again: of a CSV file their texts are kept, of other formats all columns.
    pub keeps_text: bool,
}

impl Default for ReadOptions {
    fn default() -> Self {
        Self { header: true, labels: None, delimiter: None, numerals: None, columns: Readings::default(), keeps_text: false }
    }
}

/// Reads the embedded set, the file, or stdin (`-`) that `source` names. An embedded set's name wins over a file's: `./iris`
/// is the file. Whether it is npy, npz, IDX, Parquet or gzip is told by its first bytes; all else is CSV. A folder is one
/// table of its CSV or else its Parquet files, a pattern (`part-*.csv`) one of those that it matches; `FILE.npz:INPUTS,LABELS` names the arrays of an archive.
///
/// # Errors
/// Data, naming file, line and column, if it cannot be read or is not what it says; Usage, if an option does not go with the
/// format.
pub fn read(source: &str, options: &ReadOptions) -> Result<Table> {
    let embedded = embedded::find(source);
    if embedded.is_none() && folder::is_one(source) {
        return folder::read(source, options, |file, texts| Content::of(file)?.of_several(file, options, texts));
    }
    let content = match embedded {
        Some(set) => Content::of_bytes(source, set.bytes.to_vec())?,
        None => Content::of(source)?,
    };
    if let Some(labels) = &options.labels {
        if !content.is_arrays() {
            let source = shown(source);
            return Err(Error::Usage(format!(
                "--labels goes with IDX, npy and npz files, but {source} is none; a table holds its target (--target COLUMN)"
            )));
        }
        let table = content.table(source, options)?;
        if table.is_labelled() {
            let source = shown(source);
            return Err(Error::Usage(format!(
                "{source} holds labels: leave --labels out, or name the inputs, as in FILE.npz:x"
            )));
        }
        let table = with_labels(table, labels, options)?;
        refuse_beyond(&table, &options.columns.of_table(&table))?;
        return Ok(table);
    }
    let are_arrays = content.is_arrays();
    let mut table = match embedded {
        // A flag about files says nothing about an embedded set.
        Some(_) => content.table(source, &ReadOptions::default())?,
        None => content.table(source, options)?,
    };
    if are_arrays {
        refuse_beyond(&table, &options.columns.of_table(&table))?;
    }
    table.task = embedded.map(|set| set.task);
    Ok(table)
}

/// Whether a source is neither an embedded set nor stdin, and there are no files that it names.
pub fn is_absent(source: &str) -> bool {
    let is_known = source == "-" || embedded::find(source).is_some() || folder::is_one(source);
    !is_known && !Path::new(npz::file_of(source)).exists()
}

/// The name of the column that `--labels` or an archive's labels add.
pub(super) const LABEL: &str = "label";

impl Table {
    /// Whether labels were put behind the columns of arrays.
    pub fn is_labelled(&self) -> bool {
        self.lines.is_empty() && self.columns.last().is_some_and(|column| column.name == LABEL)
    }
}

fn with_labels(mut table: Table, path: &Path, options: &ReadOptions) -> Result<Table> {
    let source = path.to_string_lossy();
    if source != "-" && !path.exists() && npz::named(&source).is_none() {
        return Err(Error::reading(path, &std::io::ErrorKind::NotFound.into()));
    }
    let content = Content::of(&source)?;
    if !content.is_arrays() {
        return Err(Error::Data(format!(
            "{}: --labels takes an IDX or npy file, or one array of an npz file, and this is none",
            shown(&source)
        )));
    }
    let mut labels = content.table(&source, options)?;
    one_label_a_row([&table.source, &source], [table.rows, labels.rows], labels.columns.len())?;
    let column = labels.columns.pop().expect("there is one");
    table.columns.push(Column::new(LABEL, column.cells));
    Ok(table)
}

/// Refuses labels of other rows, or of several columns.
///
/// # Errors
/// Data.
pub(super) fn one_label_a_row([source, labels]: [&str; 2], [rows, labelled]: [usize; 2], columns: usize) -> Result<()> {
    let (source, labels) = (shown(source), shown(labels));
    if columns != 1 {
        return Err(Error::Data(format!(
            "{labels}: labels are one number a row, but this file has more; were images and labels exchanged?"
        )));
    }
    if labelled != rows {
        return Err(Error::Data(format!(
            "{source} has {rows} rows, but its labels {labels} have {labelled}: the two files do not belong together"
        )));
    }
    Ok(())
}

/// Bytes that tell the format.
pub(super) const BEGINNING: u64 = 8;

/// What is to be read, and as what.
enum Content {
    /// CSV.
    Text(Vec<u8>),
    /// An array, to be read piece by piece, and how many bytes it has.
    Array(ArrayFormat, Box<dyn Read>, u64),
    /// An npz archive.
    Archive(Box<dyn npz::Source>),
    /// A Parquet file.
    Parquet(Box<dyn npz::Source>),
}

/// Whether bytes begin as a zip archive does.
pub(super) fn is_archive(bytes: &[u8]) -> bool {
    bytes.starts_with(npz::MAGIC) || bytes.starts_with(npz::EMPTY)
}

/// Whether bytes begin as no format but text does.
pub(super) fn is_text(bytes: &[u8]) -> bool {
    !is_archive(bytes) && !parquet::begins(bytes) && ArrayFormat::of(bytes).is_none()
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ArrayFormat {
    Npy,
    Idx,
}

impl ArrayFormat {
    /// The format that begins so; none: it is text.
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        if bytes.starts_with(npy::MAGIC) { Some(Self::Npy) } else { idx::begins(bytes).then_some(Self::Idx) }
    }

    /// The array in a file of `length` bytes.
    pub(super) fn opened<'a>(self, source: &str, input: impl Read + 'a, length: u64) -> Result<Array<'a>> {
        match self {
            Self::Npy => npy::opened(source, input, length),
            Self::Idx => idx::opened(source, input, length),
        }
    }
}

impl Content {
    /// What `source` names: stdin, or a file, perhaps packed. Arrays are left where they are.
    fn of(source: &str) -> Result<Self> {
        let (source, _) = npz::named(source).unwrap_or((source, Vec::new()));
        let path = Path::new(source);
        if source == "-" {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map_err(|error| Error::reading(Path::new("stdin"), &error))?;
            return Self::of_bytes(source, bytes);
        }
        if path.is_dir() {
            return Err(Error::Data(format!("{} is a folder; name a file in it", shown(source))));
        }
        let unreadable = |error: std::io::Error| match error.kind() {
            std::io::ErrorKind::NotFound => unknown(source),
            _ => Error::reading(path, &error),
        };
        let mut file = File::open(path).map_err(unreadable)?;
        let metadata = file.metadata().map_err(unreadable)?;
        let mut bytes = Vec::new();
        (&mut file).take(BEGINNING).read_to_end(&mut bytes).map_err(unreadable)?;
        if let Some(format) = ArrayFormat::of(&bytes).filter(|_| metadata.is_file()) {
            file.rewind().map_err(unreadable)?;
            return Ok(Self::Array(format, Box::new(file), metadata.len()));
        }
        if is_archive(&bytes) && metadata.is_file() {
            file.rewind().map_err(unreadable)?;
            return Ok(Self::Archive(Box::new(BufReader::new(file))));
        }
        if parquet::begins(&bytes) && metadata.is_file() {
            return Ok(Self::Parquet(Box::new(file)));
        }
        let length = if metadata.is_file() { usize::try_from(metadata.len()).unwrap_or(0) } else { 0 };
        let nothing = |_| Error::Limit(format!("{}: there is no memory for its {length} bytes", shown(source)));
        bytes.try_reserve_exact(length.saturating_sub(bytes.len()) + 1).map_err(nothing)?;
        file.read_to_end(&mut bytes).map_err(unreadable)?;
        Self::of_bytes(source, bytes)
    }

    /// Bytes, perhaps packed.
    fn of_bytes(source: &str, bytes: Vec<u8>) -> Result<Self> {
        let bytes = unpacked(source, bytes)?;
        let length = bytes.len() as u64;
        if is_archive(&bytes) {
            return Ok(Self::Archive(Box::new(Cursor::new(bytes))));
        }
        if parquet::begins(&bytes) {
            return Ok(Self::Parquet(Box::new(Cursor::new(bytes))));
        }
        Ok(match ArrayFormat::of(&bytes) {
            None => Self::Text(bytes),
            Some(format) => Self::Array(format, Box::new(Cursor::new(bytes)), length),
        })
    }

    /// Whether it holds arrays, whose columns have no names and whose labels may lie elsewhere.
    fn is_arrays(&self) -> bool {
        matches!(self, Self::Array(..) | Self::Archive(_))
    }

    /// The table that it holds.
    fn table(self, source: &str, options: &ReadOptions) -> Result<Table> {
        match self {
            Self::Archive(input) => npz::read(source, input, LABEL),
            _ if npz::named(source).is_some() => {
                Err(Error::Data(format!("{}: this file is no npz archive of arrays", shown(source))))
            }
            Self::Text(bytes) => csv::read(source, &bytes, options),
            Self::Parquet(input) => parquet::read(source, input, options),
            Self::Array(format, input, length) => format.opened(source, input, length)?.all(),
        }
    }
}

impl Content {
    /// The table of one of several files, in which the columns at these positions are text, if its format leaves that open.
    fn of_several(self, source: &str, options: &ReadOptions, texts: &[usize]) -> Result<Table> {
        match self {
            Self::Text(bytes) => csv::read_with_text(source, &bytes, options, texts),
            Self::Parquet(_) => self.table(source, options),
            _ => Err(no_table(source)),
        }
    }
}

/// The error for an array among files that are one table.
pub(super) fn no_table(source: &str) -> Error {
    Error::Data(format!("{}: is neither text nor Parquet, and only files of those are joined into one table", shown(source)))
}

/// The error for a name that is neither a file nor an embedded set, with the closest name of both.
fn unknown(source: &str) -> Error {
    let file = closest_path(Path::new(source)).map(|path| path.to_string_lossy().into_owned());
    let mut known: Vec<&str> = embedded::names().collect();
    known.extend(file.as_deref());
    Error::Data(format!(
        "'{}' is neither a file nor an embedded data set{}; the embedded sets are {}",
        shown(source),
        suggestion(source, known),
        embedded::names().collect::<Vec<_>>().join(", ")
    ))
}

pub(super) const GZIP: &[u8] = &[0x1f, 0x8b];

/// Unpacks gzip, told by its first two bytes; anything else is given back as it is.
fn unpacked(source: &str, bytes: Vec<u8>) -> Result<Vec<u8>> {
    if !bytes.starts_with(GZIP) {
        return Ok(bytes);
    }
    let bound = unpacked_bound(bytes.len() as u64);
    let damaged = |error: std::io::Error| {
        Error::Data(format!("{}: its gzip is cut short or damaged ({error}); fetch or pack it again", shown(source)))
    };
    let refused = |what: String| Err(Error::Data(format!("{}: {what}", shown(source))));
    let mut decoder = MultiGzDecoder::new(bytes.as_slice());
    let mut unpacked = Vec::new();
    decoder.by_ref().take(UNPACKED_AT_ONCE).read_to_end(&mut unpacked).map_err(damaged)?;
    // What is longer is counted first, as only then it is known what memory it needs and that it is no bomb.
    let rest = std::io::copy(&mut decoder.take(bound), &mut std::io::sink()).map_err(damaged)?;
    let length = unpacked.len() as u64 + rest;
    if length > bound {
        return refused(format!(
            "{} bytes of gzip unpack to more than {bound}, as only a bomb does; unpack it yourself if it is meant",
            bytes.len()
        ));
    }
    if rest > 0 {
        let nothing =
            |_| Error::Limit(format!("{}: there is no memory for the {length} bytes that it unpacks to", shown(source)));
        unpacked.clear();
        unpacked.try_reserve_exact(usize::try_from(length).unwrap_or(usize::MAX)).map_err(nothing)?;
        MultiGzDecoder::new(bytes.as_slice()).take(length).read_to_end(&mut unpacked).map_err(damaged)?;
    }
    if unpacked.starts_with(GZIP) {
        return refused("it was packed by gzip twice; unpack it once".into());
    }
    Ok(unpacked)
}

/// Bytes that are unpacked without counting them before.
const UNPACKED_AT_ONCE: u64 = 16 << 20;

/// The most bytes that `packed` bytes of gzip may unpack to: real data seldom packs below a hundredth.
pub(super) fn unpacked_bound(packed: u64) -> u64 {
    (2 * UNPACKED_AT_ONCE).saturating_add(packed.saturating_mul(100))
}

#[cfg(test)]
pub(crate) mod tests {
    use std::io::Write;

    use super::*;
    use crate::data::Cells;

    /// A file of this name and content in a fresh folder, which lives as long as the first part.
    pub(crate) fn file(name: &str, bytes: &[u8]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        (folder, path.to_str().unwrap().to_owned())
    }

    fn gzipped(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn error(source: &str, options: &ReadOptions) -> String {
        read(source, options).unwrap_err().to_string()
    }

    /// Two images of 2 × 2, labelled 7 and 3.
    const IMAGES: &[u8] = &[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 2, 1, 2, 3, 4, 5, 6, 7, 8];
    const LABELS: &[u8] = &[0, 0, 8, 1, 0, 0, 0, 2, 7, 3];

    fn labelled(path: &str) -> ReadOptions {
        ReadOptions { labels: Some(path.into()), ..Default::default() }
    }

    #[test]
    fn gzip_is_told_by_its_first_bytes_whatever_the_name() {
        let (_folder, path) = file("plain.csv", &gzipped(b"a,b\n1,2\n"));
        assert_eq!(read(&path, &ReadOptions::default()).unwrap().columns[1].cells, Cells::Numbers(vec![2.0]));
        let (_folder, path) = file("images", &gzipped(IMAGES));
        assert_eq!(read(&path, &ReadOptions::default()).unwrap().columns.len(), 4);
    }

    #[test]
    fn two_gzip_members_are_one_file() {
        let (_folder, path) = file("a.csv.gz", &[gzipped(b"a\n1\n"), gzipped(b"2\n")].concat());
        assert_eq!(read(&path, &ReadOptions::default()).unwrap().rows, 2);
    }

    #[test]
    fn a_truncated_or_altered_gzip_is_an_error() {
        let whole = gzipped(b"a,b\n1,2\n3,4\n");
        for cut in [3, 12, whole.len() - 9, whole.len() - 1] {
            let (_folder, path) = file("cut.csv.gz", &whole[..cut]);
            assert!(error(&path, &ReadOptions::default()).contains("cut short or damaged"), "cut at {cut}");
        }
        let mut altered = whole.clone();
        let checksum = altered.len() - 6;
        altered[checksum] ^= 1;
        let (_folder, path) = file("altered.csv.gz", &altered);
        assert!(error(&path, &ReadOptions::default()).contains("cut short or damaged"));
    }

    #[test]
    fn a_gzip_bomb_is_refused() {
        let bomb = gzipped(&vec![b'0'; 64 << 20]);
        let (_folder, path) = file("bomb.csv.gz", &bomb);
        assert!(error(&path, &ReadOptions::default()).contains("bomb"));
    }

    #[test]
    fn what_is_long_enough_to_be_counted_first_is_unpacked_whole() {
        let text: String = (0..3_000_000_u32).map(|row| format!("{},{row}\n", row.wrapping_mul(2_654_435_769))).collect();
        assert!(text.len() as u64 > UNPACKED_AT_ONCE);
        assert!(unpacked("a", gzipped(text.as_bytes())).unwrap() == text.as_bytes());
        let packed = gzipped(text.as_bytes());
        assert!(unpacked("a", packed[..packed.len() - 9].to_vec()).unwrap_err().to_string().contains("cut short"));
    }

    #[test]
    fn gzip_within_gzip_is_refused() {
        let (_folder, path) = file("twice.csv.gz", &gzipped(&gzipped(b"a,b\n1,2\n")));
        assert!(error(&path, &ReadOptions::default()).contains("twice"));
    }

    /// Written by pyarrow.
    const PARQUET: &[u8] = include_bytes!("parquet/pyarrow-zstd.parquet");

    #[test]
    #[cfg(not(feature = "parquet"))]
    fn without_the_feature_a_parquet_file_is_told_with_what_to_do() {
        for bytes in [PARQUET.to_vec(), gzipped(PARQUET)] {
            let (_folder, path) = file("houses.csv", &bytes);
            let error = read(&path, &ReadOptions::default()).unwrap_err();
            assert!(error.exit_code() == 3 && error.to_string().contains("houses.csv: a Parquet file"), "{error}");
            assert!(error.to_string().contains("cargo install --path . --features parquet"), "{error}");
        }
    }

    #[test]
    #[cfg(feature = "parquet")]
    fn a_parquet_file_is_told_by_its_first_bytes_packed_or_not_and_takes_no_labels() {
        for bytes in [PARQUET.to_vec(), gzipped(PARQUET)] {
            let (_folder, path) = file("houses.csv", &bytes);
            assert_eq!(read(&path, &ReadOptions::default()).unwrap().rows, 40);
            let (_labels, labels) = file("labels", LABELS);
            assert!(error(&path, &labelled(&labels)).contains("a table holds its target"));
        }
    }

    #[test]
    fn an_unknown_name_suggests_an_embedded_set_or_a_file_beside_it() {
        let message = error("irsi", &ReadOptions::default());
        assert!(message.contains("did you mean 'iris'?") && message.contains("breast-cancer"), "{message}");
        let (_folder, path) = file("admissions.csv", b"a\n1\n");
        assert!(error(&path.replace("admissions", "admission"), &ReadOptions::default()).contains("admissions.csv'?"));
    }

    #[test]
    fn a_folder_without_tables_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(error(folder.path().to_str().unwrap(), &ReadOptions::default()).contains("is a folder without"));
    }

    #[test]
    fn labels_become_the_last_column() {
        let (_images, images) = file("images", IMAGES);
        let (_labels, labels) = file("labels", LABELS);
        let table = read(&images, &labelled(&labels)).unwrap();
        assert_eq!(table.names().collect::<Vec<_>>(), ["0", "1", "2", "3", "label"]);
        assert_eq!(table.columns[4].cells, Cells::Bytes(vec![7, 3]));
        assert_eq!(table.columns[1].cells, Cells::Bytes(vec![2, 6]));
    }

    #[test]
    fn labels_that_do_not_belong_to_the_images_are_refused() {
        let (_images, images) = file("images", IMAGES);
        let (_labels, labels) = file("labels", &[0, 0, 8, 1, 0, 0, 0, 3, 7, 3, 1]);
        assert!(error(&images, &labelled(&labels)).contains("2 rows, but its labels"));
        assert!(error(&images, &labelled(&images)).contains("exchanged"));
        let (_csv, csv) = file("labels.csv", b"7\n3\n");
        assert!(error(&images, &labelled(&csv)).contains("IDX or npy"));
        assert!(matches!(read(&csv, &labelled(&labels)), Err(Error::Usage(_))));
    }
}
