//! npz, numpy's format for several arrays (what `numpy.savez` writes): a zip archive of npy files, through the crate `zip`.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek};
use std::path::Path;

use zip::ZipArchive;

use super::array::Array;
use super::{Column, Table, npy};
use crate::error::{Error, Result, shown, suggestion};
use crate::scratch::ScratchFile;

/// How every npz file begins.
pub(super) const MAGIC: &[u8] = b"PK\x03\x04";
/// How an empty archive begins, and ends.
pub(super) const EMPTY: &[u8] = b"PK\x05\x06";

/// Inputs and labels as they are called in one archive: by themselves, or to train with and to test with.
const ALONE: [&str; 2] = ["x", "y"];
const TO_TRAIN: [&str; 2] = ["x_train", "y_train"];
const TO_TEST: [&str; 2] = ["x_test", "y_test"];

/// What may be read and gone about in.
pub(super) trait Source: Read + Seek + Send {}
impl<S: Read + Seek + Send> Source for S {}

/// The file and the arrays that `FILE.npz:ARRAY` or `FILE.npz:INPUTS,LABELS` names; none where the text names just a file.
pub(super) fn named(source: &str) -> Option<(&str, Vec<&str>)> {
    let (file, arrays) = source.rsplit_once(':')?;
    let is_npz = Path::new(file).extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz"));
    (is_npz && !Path::new(source).exists()).then(|| (file, arrays.split(',').collect()))
}

/// Of an archive with arrays to train with and to test with, as Keras' data sets are: how each pair is named.
///
/// # Errors
/// Data, if it is no archive although it is called so.
pub(crate) fn parts(source: &str) -> Result<Option<(String, String)>> {
    let path = Path::new(source);
    let is_npz = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz")) && path.is_file();
    if !is_npz {
        return Ok(None);
    }
    let file = File::open(path).map_err(|error| Error::reading(path, &error))?;
    let names = names(&opened(source, BufReader::new(file))?);
    let pair = |pair: [&str; 2]| Some(format!("{source}:{},{}", spelled(&names, pair[0])?, spelled(&names, pair[1])?));
    Ok(pair(TO_TRAIN).zip(pair(TO_TEST)))
}

/// The file that a source names, whatever arrays of it are named with it.
pub(crate) fn file_of(source: &str) -> &str {
    named(source).map_or(source, |(file, _)| file)
}

/// Reads one array as a table of its own, or a pair of inputs and labels, which become the column `label`.
///
/// # Errors
/// Data, if the archive is damaged, an array is not there, or it does not say which to take; as [`npy::opened`].
pub(super) fn read(source: &str, input: Box<dyn Source>, label: &str) -> Result<Table> {
    let file = file_of(source);
    let mut archive = opened(file, input)?;
    let pair = pair(source, &archive)?;
    let mut table = array(file, &mut archive, &pair.inputs)?;
    table.source = source.to_owned();
    if let Some(labels) = &pair.labels {
        let mut labels = array(file, &mut archive, labels)?;
        pair.check(file, [table.rows, labels.rows], labels.columns.len())?;
        let cells = labels.columns.pop().expect("there is one").cells;
        table.columns.push(Column::new(label, cells));
    }
    Ok(table)
}

/// Whether its arrays lie row by row, so that they can be read in parts.
pub(super) fn is_by_rows(source: &str) -> bool {
    let is_by_rows = || {
        let file = file_of(source);
        let mut archive = opened(file, BufReader::new(File::open(file).ok()?)).ok()?;
        let pair = pair(source, &archive).ok()?;
        let mut header = |name: &String| {
            let entry = archive.by_name(&format!("{name}.npy")).ok()?;
            let length = entry.size();
            Some(npy::opened(file, entry, length).ok()?.is_by_rows)
        };
        Some(header(&pair.inputs)? && pair.labels.as_ref().map_or(Some(true), header)?)
    };
    is_by_rows().unwrap_or(false)
}

/// The same arrays, each unpacked into a file without a name, to be read in parts.
///
/// # Errors
/// As [`read`]; internal, if there can be no such file.
pub(super) fn unpacked(source: &str) -> Result<(Array<'static>, Option<Array<'static>>)> {
    let file = file_of(source);
    let input = File::open(file).map_err(|error| Error::reading(Path::new(file), &error))?;
    let mut archive = opened(file, BufReader::new(input))?;
    let pair = pair(source, &archive)?;
    let mut unpack = |name: &String| {
        let mut scratch = ScratchFile::new()?;
        let what = format!("its array '{}'", shown(name));
        let length = entry(file, &mut archive, name, |input, length| {
            scratch.fill(input, |error| damaged(file, &what, &error))?;
            Ok(length)
        })?;
        npy::opened(&format!("{file}:{name}"), BufReader::new(scratch.into_reader()?), length)
    };
    let (inputs, labels) = (unpack(&pair.inputs)?, pair.labels.as_ref().map(&mut unpack).transpose()?);
    if let Some(labels) = &labels {
        pair.check(file, [inputs.rows, labels.rows], labels.columns)?;
    }
    Ok((inputs, labels))
}

/// What is read of an archive: an array, and perhaps labels of its rows.
struct Pair {
    inputs: String,
    labels: Option<String>,
}

/// The arrays that a source names, or else those that stand for themselves.
fn pair<S: Read + Seek>(source: &str, archive: &ZipArchive<S>) -> Result<Pair> {
    let (file, said) = named(source).unwrap_or((source, Vec::new()));
    let names = names(archive);
    let arrays = match &said[..] {
        [] => chosen(file, &names, archive.len())?,
        said => said.iter().map(|name| known(file, &names, name)).collect::<Result<_>>()?,
    };
    match <[String; 2]>::try_from(arrays) {
        Ok([inputs, labels]) => Ok(Pair { inputs, labels: Some(labels) }),
        Err(alone) if alone.len() == 1 => Ok(Pair { inputs: alone.concat(), labels: None }),
        Err(_) => Err(Error::Usage(format!("{}: name one array, or inputs and labels", shown(source)))),
    }
}

impl Pair {
    /// Refuses labels of other rows, or of several columns.
    fn check(&self, file: &str, [rows, labelled]: [usize; 2], columns: usize) -> Result<()> {
        if columns == 1 && rows == labelled {
            return Ok(());
        }
        let (file, labels) = (shown(file), shown(self.labels.as_deref().unwrap_or_default()));
        Err(Error::Data(format!(
            "{file}: {rows} rows of '{}' need a label each, but '{labels}' holds {labelled} rows of {columns} numbers; name the arrays as \
             in {file}:x,y",
            shown(&self.inputs)
        )))
    }
}

fn opened<S: Read + Seek>(file: &str, input: S) -> Result<ZipArchive<S>> {
    ZipArchive::new(input).map_err(|error| damaged(file, "its zip archive", &error))
}

fn damaged(file: &str, what: &str, error: &dyn std::fmt::Display) -> Error {
    let error = shown(&error.to_string());
    Error::Data(format!("{}: {what} is cut short or damaged ({error}); save or fetch it again", shown(file)))
}

/// The arrays' names, in the archive's order.
fn names<S: Read + Seek>(archive: &ZipArchive<S>) -> Vec<String> {
    let name = |name: &[u8]| std::str::from_utf8(name).ok()?.strip_suffix(".npy").map(str::to_owned);
    archive.file_names_raw().filter_map(name).collect()
}

/// How the archive spells a name, in whatever case.
fn spelled<'a>(names: &'a [String], name: &str) -> Option<&'a String> {
    names.iter().find(|known| *known == name).or_else(|| names.iter().find(|known| known.eq_ignore_ascii_case(name)))
}

/// The arrays to take where none was named, from an archive of so many files.
fn chosen(file: &str, names: &[String], files: usize) -> Result<Vec<String>> {
    let pair = |pair: [&str; 2]| Some(vec![spelled(names, pair[0])?.clone(), spelled(names, pair[1])?.clone()]);
    let shown_file = shown(file);
    match (names, pair(ALONE), pair(TO_TRAIN), pair(TO_TEST)) {
        ([], ..) => Err(Error::Data(format!("{shown_file}: this zip archive (a workbook?) holds no array of numpy"))),
        ([alone], ..) if files == 1 => Ok(vec![alone.clone()]),
        (_, Some(pair), None, None) | (_, None, Some(pair), None) | (_, None, None, Some(pair)) => Ok(pair),
        _ => Err(Error::Data(format!(
            "{shown_file}: holds the arrays {}: name those to read, as in {shown_file}:{}",
            super::table::listed(names.iter().map(String::as_str)),
            if pair(TO_TEST).is_some() { "x_test,y_test" } else { "inputs,labels" }
        ))),
    }
}

/// An array that was named.
fn known(file: &str, names: &[String], name: &str) -> Result<String> {
    spelled(names, name).cloned().ok_or_else(|| {
        let known = || names.iter().map(String::as_str);
        let hint = suggestion(name, known());
        let (file, name, known) = (shown(file), shown(name), super::table::listed(known()));
        Error::Data(format!("{file}: holds no array '{name}'{hint}; its arrays are {known}"))
    })
}

/// Reads one array to its end, where its checksum is.
fn array<S: Read + Seek>(file: &str, archive: &mut ZipArchive<S>, name: &str) -> Result<Table> {
    entry(file, archive, name, |input, length| npy::opened(&format!("{file}:{name}"), input, length)?.all())
}

/// Gives an array's npy file and its length to `read`, which has to read all of it.
fn entry<S: Read + Seek, R>(
    file: &str,
    archive: &mut ZipArchive<S>,
    name: &str,
    read: impl FnOnce(&mut dyn Read, u64) -> Result<R>,
) -> Result<R> {
    let what = format!("its array '{}'", shown(name));
    let mut entry = archive.by_name(&format!("{name}.npy")).map_err(|error| damaged(file, &what, &error))?;
    let (length, bound) = (entry.size(), super::read::unpacked_bound(entry.compressed_size()));
    if length > bound {
        return Err(Error::Data(format!(
            "{}: {what} says that it unpacks to {length} bytes, as only a bomb does; save it with numpy.savez if it is meant",
            shown(file)
        )));
    }
    let mut magic = [0; npy::MAGIC.len()];
    entry.read_exact(&mut magic).map_err(|error| damaged(file, &what, &error))?;
    if magic != npy::MAGIC {
        return Err(Error::Data(format!("{}: {what} is no npy file; save it with numpy.savez", shown(file))));
    }
    let result = read(&mut (&magic[..]).chain((&mut entry).take(length.saturating_sub(magic.len() as u64))), length)?;
    match io::copy(&mut entry.take(1), &mut io::sink()) {
        Ok(0) => Ok(result),
        Ok(_) => Err(damaged(file, &what, &"it is longer than the archive says")),
        Err(error) => Err(damaged(file, &what, &error)),
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use zip::write::SimpleFileOptions;
    use zip::{CompressionMethod, ZipWriter};

    use super::*;
    use crate::data::Cells;

    /// An npy file of bytes, of this shape.
    fn npy(shape: &str, elements: &[u8]) -> Vec<u8> {
        let header = format!("{{'descr': '|u1', 'fortran_order': False, 'shape': {shape}, }}\n");
        [&b"\x93NUMPY\x01\x00"[..], &(header.len() as u16).to_le_bytes(), header.as_bytes(), elements].concat()
    }

    fn npz(files: &[(&str, Vec<u8>)], method: CompressionMethod) -> Vec<u8> {
        let mut archive = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            archive.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
            archive.write_all(bytes).unwrap();
        }
        archive.finish().unwrap().into_inner()
    }

    fn pair() -> Vec<(&'static str, Vec<u8>)> {
        vec![("x.npy", npy("(2, 2, 2)", &[1, 2, 3, 4, 5, 6, 7, 8])), ("y.npy", npy("(2,)", &[7, 3]))]
    }

    fn read(bytes: &[u8], arrays: &[&str]) -> Result<Table> {
        let source = if arrays.is_empty() { "a.npz".to_string() } else { format!("a.npz:{}", arrays.join(",")) };
        super::read(&source, Box::new(Cursor::new(bytes.to_vec())), "label")
    }

    fn message(bytes: &[u8], arrays: &[&str]) -> String {
        let error = read(bytes, arrays).unwrap_err();
        assert_eq!(error.exit_code(), 3);
        error.to_string()
    }

    #[test]
    fn inputs_and_labels_are_found_by_their_names_packed_or_not() {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let table = read(&npz(&pair(), method), &[]).unwrap();
            assert_eq!(table.names().collect::<Vec<_>>(), ["0", "1", "2", "3", "label"]);
            assert_eq!((&table.columns[4].cells, table.source.as_str()), (&Cells::Bytes(vec![7, 3]), "a.npz"));
        }
        let mut capitals = pair();
        capitals[0].0 = "X.npy";
        assert_eq!(read(&npz(&capitals, CompressionMethod::Stored), &[]).unwrap().columns.len(), 5);
        assert_eq!(read(&npz(&pair(), CompressionMethod::Stored), &["y"]).unwrap().columns.len(), 1);
        assert_eq!(read(&npz(&pair()[..1], CompressionMethod::Stored), &[]).unwrap().columns.len(), 4);
    }

    #[test]
    fn arrays_that_are_not_plain_to_choose_from_have_to_be_named() {
        let mut many = pair();
        many.push(("x_test.npy", npy("(2,)", &[1, 2])));
        many[0].0 = "x_train.npy";
        many[1].0 = "y_train.npy";
        many.push(("y_test.npy", npy("(2,)", &[1, 2])));
        let bytes = npz(&many, CompressionMethod::Stored);
        assert!(message(&bytes, &[]).contains("as in a.npz:x_test,y_test"));
        assert!(message(&bytes, &["x_tset"]).contains("did you mean 'x_test'?"));
        assert!(message(&bytes, &["x_test", "x_train"]).contains("'x_train' holds 2 rows of 4 numbers"));
        assert_eq!(read(&bytes, &["x", "y", "z"]).unwrap_err().exit_code(), 3);
        assert_eq!(read(&bytes, &["x_train", "y_train", "y_test"]).unwrap_err().exit_code(), 2);
        assert_eq!(named("a.npz:x,y"), Some(("a.npz", vec!["x", "y"])));
        assert_eq!((named("C:\\a.npz"), named("a.csv:x")), (None, None));
    }

    #[test]
    fn an_archive_that_is_damaged_anywhere_is_refused_and_not_misread() {
        let sound = npz(&pair(), CompressionMethod::Deflated);
        let whole = read(&sound, &[]).unwrap();
        for place in 0..sound.len() {
            let mut bytes = sound.clone();
            bytes[place] ^= 0x10;
            if let Ok(table) = read(&bytes, &[]) {
                assert_eq!(table.columns, whole.columns, "byte {place}");
            }
            if let Ok(table) = read(&sound[..place], &[]) {
                assert_eq!(table.columns, whole.columns, "cut at {place}");
            }
        }
    }

    #[test]
    fn what_is_no_array_is_refused() {
        let stored = CompressionMethod::Stored;
        assert!(message(&npz(&[("sheet.xml", vec![1])], stored), &[]).contains("workbook"));
        assert!(message(&npz(&[("x.npy", b"no npy at all".to_vec())], stored), &[]).contains("no npy file"));
        assert!(message(&npz(&[("x.npy", vec![])], stored), &[]).contains("cut short"));
        assert!(message(b"PK\x03\x04 and more", &[]).contains("zip archive"));
        let bomb = npz(&[("x.npy", npy("(67108864,)", &vec![0; 64 << 20]))], CompressionMethod::Deflated);
        assert!(message(&bomb, &[]).contains("bomb"));
    }
}
