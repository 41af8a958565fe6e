//! npz, numpy's format for several arrays (what `numpy.savez` writes): a zip archive of npy files, through the crate `zip`.

use std::collections::HashSet;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

use zip::ZipArchive;

use super::array::Labels;
use super::input::{Input, Source, named, unpacked_bound};
use super::pieces::{Format, Give, Holds, Known, Pieces};
use super::{Readings, foreign, npy};
use crate::error::{Error, Result, shown, suggestion};

pub(super) const FORMAT: Format = Format {
    begins: |bytes| bytes.starts_with(b"PK\x03\x04") || bytes.starts_with(EMPTY),
    holds: Holds::Archive,
    open: |input, options| Ok(Box::new(NpzFile { input, columns: &options.columns })),
};

/// How an empty archive begins, and ends.
const EMPTY: &[u8] = b"PK\x05\x06";

/// Inputs and labels as they are called in one archive: by themselves, or to train with and to test with.
const ALONE: [&str; 2] = ["x", "y"];
const TO_TRAIN: [&str; 2] = ["x_train", "y_train"];
const TO_TEST: [&str; 2] = ["x_test", "y_test"];

/// Of an archive with arrays to train with and to test with, as Keras' data sets are: how each pair is named.
///
/// # Errors
/// Data, if it is no archive although it is called so.
pub(crate) fn parts(source: &str) -> Result<Option<(String, String)>> {
    let path = crate::name::path(source);
    let is_npz = path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("npz")) && path.is_file();
    if !is_npz {
        return Ok(None);
    }
    let names = names(&opened(&mut Input::of(source)?)?);
    let pair = |pair: [&str; 2]| Some(format!("{source}:{},{}", spelled(&names, pair[0])?, spelled(&names, pair[1])?));
    Ok(pair(TO_TRAIN).zip(pair(TO_TEST)))
}

type Archive = ZipArchive<BufReader<Box<dyn Source>>>;

/// An archive, of which one array is a table of its own, or a pair of inputs and labels, which become the column `label`.
struct NpzFile<'a> {
    input: Input,
    columns: &'a Readings,
}

impl Pieces for NpzFile<'_> {
    fn known(&mut self) -> Result<Known> {
        let is_in_parts = !self.input.is_packed();
        let mut archive = opened(&mut self.input)?;
        let pair = pair(self.input.source(), &archive)?;
        let [rows, columns, by_rows] = header(self.input.file(), &mut archive, &pair.inputs)?;
        let columns = columns + usize::from(pair.labels.is_some());
        Ok(Known { shape: Some([rows, columns]), is_in_parts: is_in_parts && by_rows == 1 })
    }

    fn each(&mut self, _: &[usize], give: &mut Give<'_>) -> Result<()> {
        let mut archive = opened(&mut self.input)?;
        let (source, file) = (self.input.source(), self.input.file());
        let pair = pair(source, &archive)?;
        let labels = match &pair.labels {
            None => None,
            Some(labels) => {
                let [rows, ..] = header(file, &mut archive, &pair.inputs)?;
                let [labelled, columns, _] = header(file, &mut archive, labels)?;
                pair.check(file, [rows, labelled], columns)?;
                let all = |input: &mut dyn Read, length| {
                    Labels::of_array(npy::opened(&format!("{file}:{labels}"), input, length)?)
                };
                Some(entry(file, &mut archive, labels, all)?)
            }
        };
        entry(file, &mut archive, &pair.inputs, |input, length| {
            npy::opened(&format!("{file}:{}", pair.inputs), input, length)?.give(source, self.columns, labels, give)
        })
    }
}

/// Rows and columns of an array, and whether (1) it lies row by row.
fn header(file: &str, archive: &mut Archive, name: &str) -> Result<[usize; 3]> {
    let (entry, length) = found(file, archive, name)?;
    let array = npy::opened(&format!("{file}:{name}"), entry, length)?;
    Ok([array.rows, array.columns, usize::from(array.is_by_rows)])
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
        [] if names.is_empty() => {
            let files: Vec<_> = archive.file_names().filter_map(std::result::Result::ok).collect();
            return Err(Error::Data(foreign::of_archive(file, files.iter().map(AsRef::as_ref))));
        }
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
        let inputs = shown(&self.inputs);
        Err(Error::Data(if columns == 1 {
            format!(
                "{file}: '{inputs}' has {rows} rows, but '{labels}' has {labelled} labels; name two that belong together"
            )
        } else {
            format!(
                "{file}: the labels, '{labels}', have {columns} numbers a row, and one is needed; name them as in {file}:x,y"
            )
        }))
    }
}

fn opened(input: &mut Input) -> Result<Archive> {
    let archive = ZipArchive::new(BufReader::new(input.seekable()?));
    let archive = archive.map_err(|error| damaged(input.file(), "its zip archive", &error))?;
    let twice = named_twice(BufReader::new(input.seekable()?), archive.central_directory_start());
    match twice.map_err(|error| damaged(input.file(), "its zip archive", &error))? {
        None => Ok(archive),
        Some(name) => Err(Error::Data(format!(
            "{}: holds two files called '{}', and programs differ in which of them they read; save it again",
            shown(input.file()),
            shown(&name)
        ))),
    }
}

/// A name that the directory of a zip archive has twice, if there is one; the crate shows the last of them alone. An entry has 46 bytes, the
/// lengths of what follows at byte 28, and its name, extra fields and comment behind them (APPNOTE.TXT 4.3.12).
fn named_twice(mut input: impl Read + Seek, directory: u64) -> io::Result<Option<String>> {
    const ENTRY: [u8; 4] = *b"PK\x01\x02";
    input.seek(SeekFrom::Start(directory))?;
    let mut names = HashSet::new();
    loop {
        let mut entry = [0; 46];
        // It ends with the record behind it, which is shorter.
        if input.read_exact(&mut entry).is_err() || entry[..4] != ENTRY {
            return Ok(None);
        }
        let length = |place: usize| u16::from_le_bytes([entry[place], entry[place + 1]]);
        let mut name = vec![0; length(28).into()];
        input.read_exact(&mut name)?;
        input.seek(SeekFrom::Current(i64::from(length(30)) + i64::from(length(32))))?;
        let name = String::from_utf8_lossy(&name).into_owned();
        if !names.insert(name.clone()) {
            return Ok(Some(name));
        }
    }
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

/// The npy file of an array, and its length: of a bomb it says more than is believed.
fn found<'a>(file: &str, archive: &'a mut Archive, name: &str) -> Result<(impl Read + 'a, u64)> {
    let what = format!("its array '{}'", shown(name));
    let mut entry = archive.by_name(&format!("{name}.npy")).map_err(|error| damaged(file, &what, &error))?;
    let (length, bound) = (entry.size(), unpacked_bound(entry.compressed_size()));
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
    Ok((io::Cursor::new(magic).chain(entry), length))
}

/// Gives an array's npy file and its length to `read`, which has to read all of it, and reads on to its end, where its checksum is.
fn entry<R>(file: &str, archive: &mut Archive, name: &str, read: impl FnOnce(&mut dyn Read, u64) -> Result<R>) -> Result<R> {
    let what = format!("its array '{}'", shown(name));
    let (mut entry, length) = found(file, archive, name)?;
    let result = read(&mut (&mut entry).take(length), length)?;
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

    use super::super::pieces::collected;
    use super::*;
    use crate::data::{Cells, ReadOptions, Table};

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
        let input = Input::of_bytes(&source, bytes.to_vec())?;
        collected(&source, (FORMAT.open)(input, &ReadOptions::default())?.as_mut())
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
        assert!(message(&bytes, &["x_test", "x_train"]).contains("the labels, 'x_train', have 4 numbers a row"));
        assert_eq!(read(&bytes, &["x", "y", "z"]).unwrap_err().exit_code(), 3);
        assert_eq!(read(&bytes, &["x_train", "y_train", "y_test"]).unwrap_err().exit_code(), 2);
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
        assert!(message(&npz(&[("sheet.xml", vec![1])], stored), &[]).contains("such as 'sheet.xml': unpack it"));
        assert!(message(&npz(&[("xl/workbook.xml", vec![1])], stored), &[]).contains("an Excel workbook"));
        assert!(message(&npz(&[("x.npy", b"no npy at all".to_vec())], stored), &[]).contains("no npy file"));
        assert!(message(&npz(&[("x.npy", vec![])], stored), &[]).contains("cut short"));
        let header = "{'descr': '<i8', 'fortran_order': False, 'shape': (2,), }\n";
        let ids = [i64::MAX, 7].map(i64::to_le_bytes).concat();
        let ids = [b"\x93NUMPY\x01\x00", &(header.len() as u16).to_le_bytes()[..], header.as_bytes(), &ids].concat();
        let labelled = npz(&[("x.npy", npy("(2, 2)", &[1, 2, 3, 4])), ("y.npy", ids)], stored);
        assert!(message(&labelled, &[]).contains("an integer of 2^53 or beyond"), "labels, too");
        assert!(message(b"PK\x03\x04 and more", &[]).contains("zip archive"));
        let bomb = npz(&[("x.npy", npy("(67108864,)", &vec![0; 64 << 20]))], CompressionMethod::Deflated);
        assert!(message(&bomb, &[]).contains("bomb"));
    }
}
