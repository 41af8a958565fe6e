//! From a name to rows: an embedded set, a file, several files or stdin, and the labels that are named beside them.

use std::path::Path;

use super::array::{LABEL, Labels};
use super::folder::Several;
use super::formats::Opened;
use super::input::{Input, file_of, named};
use super::pieces::{Give, Holds, Known, Pieces, collected};
use super::{ReadOptions, Table, embedded, folder};
use crate::error::{Error, Result, shown};
use crate::name;

/// Reads the embedded set, the file, or stdin (`-`) that `source` names. An embedded set's name wins over a file's: `./iris`
/// is the file. Whether it is npy, npz, IDX, Parquet or gzip is told by its first bytes; all else is CSV. A folder is one
/// table of its CSV or else its Parquet files, a pattern (`part-*.csv`) one of those that it matches; `FILE.npz:INPUTS,LABELS` names the arrays of an archive.
///
/// # Errors
/// Data, naming file, line and column, if it cannot be read or is not what it says; Usage, if an option does not go with the
/// format.
pub fn read(source: &str, options: &ReadOptions) -> Result<Table> {
    let Some(set) = embedded::find(source) else { return collected(source, opened(source, options)?.as_mut()) };
    if options.labels.is_some() {
        return Err(no_labels_for(source));
    }
    // A flag about files says nothing about an embedded set.
    let options = ReadOptions::default();
    let table = collected(source, &mut Opened::new(Input::of_bytes(source, set.bytes.to_vec())?, &options)?)?;
    Ok(Table { task: Some(set.task), ..table })
}

/// The rows of the files, the file or stdin that `source` names.
///
/// # Errors
/// As [`read`].
pub(super) fn opened<'a>(source: &str, options: &'a ReadOptions) -> Result<Box<dyn Pieces + 'a>> {
    if folder::is_one(source) {
        return Ok(Box::new(Several::new(source, options)?));
    }
    let inputs = Opened::new(Input::of(source)?, options)?;
    Ok(match &options.labels {
        None => Box::new(inputs),
        Some(_) if inputs.holds == Holds::Table => return Err(no_labels_for(source)),
        Some(labels) => Box::new(Labelled { source: source.to_owned(), inputs, labels: opened_labels(labels)? }),
    })
}

/// Whether the rows that `source` names can be read in parts, so that not all are in memory.
pub(super) fn is_in_parts(source: &str, options: &ReadOptions) -> bool {
    // What can be read only once is not opened to see.
    let is_file = || folder::is_one(source) || name::path(file_of(source)).is_file();
    let known = || opened(source, options)?.known();
    embedded::find(source).is_none() && is_file() && known().is_ok_and(|known| known.is_in_parts)
}

/// Whether a source is neither an embedded set nor stdin, and there are no files that it names.
pub fn is_absent(source: &str) -> bool {
    let is_known = source == "-" || embedded::find(source).is_some() || folder::is_one(source);
    !is_known && !name::path(file_of(source)).exists()
}

fn no_labels_for(source: &str) -> Error {
    let source = shown(source);
    Error::Usage(format!(
        "--labels goes with IDX, npy and npz files, but {source} is none; a table holds its target (--target COLUMN)"
    ))
}

impl Table {
    /// Whether labels were put behind the columns of arrays.
    pub fn is_labelled(&self) -> bool {
        self.lines.is_empty() && self.columns.last().is_some_and(|column| column.name == LABEL)
    }
}

/// Rows of an array, and their labels in a file of their own.
struct Labelled<'a> {
    source: String,
    inputs: Opened<'a>,
    /// The labels' file, which stays open: each time it is the same.
    labels: Input,
}

impl Pieces for Labelled<'_> {
    fn known(&mut self) -> Result<Known> {
        self.inputs.known()
    }

    fn each(&mut self, texts: &[usize], give: &mut Give<'_>) -> Result<()> {
        let [rows, _] = self.inputs.known()?.shape.expect("arrays say how many rows they have");
        let mut labels = None;
        self.inputs.each(texts, &mut |mut table, share| {
            if table.is_labelled() {
                let source = shown(&self.source);
                return Err(Error::Usage(format!(
                    "{source} holds labels: leave --labels out, or name the inputs, as in FILE.npz:x"
                )));
            }
            let labels = match &mut labels {
                Some(labels) => labels,
                None => labels.insert(labels_of(&self.source, rows, self.labels.clone())?),
            };
            labels.add_to(&mut table)?;
            give(table, share)
        })
    }
}

/// The file of labels.
fn opened_labels(path: &Path) -> Result<Input> {
    let source = name::text(path.as_os_str());
    if source != "-" && !path.exists() && named(&source).is_none() {
        return Err(Error::reading(path, &std::io::ErrorKind::NotFound.into()));
    }
    Input::of(&source)
}

/// The labels in a file, one for each of the rows of `source`.
fn labels_of(source: &str, rows: usize, labels: Input) -> Result<Labels> {
    let options = ReadOptions::default();
    let name = labels.source().to_owned();
    let mut labels = Opened::new(labels, &options)?;
    let shown_name = shown(&name);
    if labels.holds == Holds::Table {
        return Err(Error::Data(format!(
            "{shown_name}: --labels takes an IDX or npy file, or one array of an npz file, and this is none"
        )));
    }
    let [labelled, columns] = labels.known()?.shape.expect("arrays say how many rows they have");
    if columns != 1 {
        return Err(Error::Data(format!(
            "{shown_name}: labels are one number a row, but this file has more; were images and labels exchanged?"
        )));
    }
    if labelled != rows {
        return Err(Error::Data(format!(
            "{} has {rows} rows, but its labels {shown_name} have {labelled}: the two files do not belong together",
            shown(source)
        )));
    }
    Ok(Labels::of(collected(&name, &mut labels)?))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::super::input::tests::{file, gzipped};
    use super::*;
    use crate::data::Cells;

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
    fn gzip_is_unpacked_whatever_the_name() {
        let (_folder, path) = file("plain.csv", &gzipped(b"a,b\n1,2\n"));
        assert_eq!(read(&path, &ReadOptions::default()).unwrap().columns[1].cells, Cells::Integers(vec![2]));
        let (_folder, path) = file("images", &gzipped(IMAGES));
        assert_eq!(read(&path, &ReadOptions::default()).unwrap().columns.len(), 4);
        let (_folder, path) = file("bomb.csv", &gzipped(&vec![b'0'; 64 << 20]));
        assert!(error(&path, &ReadOptions::default()).contains("bomb"));
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
    fn a_folder_without_tables_is_none() {
        let folder = tempfile::tempdir().unwrap();
        assert!(
            error(folder.path().to_str().unwrap(), &ReadOptions::default()).contains("is a folder that holds no CSV file")
        );
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
