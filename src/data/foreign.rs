//! Formats that are not read: how a file of one is told, and the lines of Python that turn it into one that is read.

use std::path::{Path, PathBuf};

use serde::de::IgnoredAny;

use crate::error::{printable, shown};
use crate::name;

/// How files begin that are images.
const IMAGES: [(&[u8], &str); 7] = [
    (b"\x89PNG\r\n", "PNG"),
    (b"\xff\xd8\xff", "JPEG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"II*\0", "TIFF"),
    (b"MM\0*", "TIFF"),
    (b"\0\0\x01\0", "ICO"),
];
/// The endings of their names in folders.
const IMAGE_ENDINGS: [&str; 8] = ["png", "jpg", "jpeg", "gif", "bmp", "tif", "tiff", "webp"];

/// How other files begin that hold data, and what the lines of Python are that write them as CSV.
const TABLES: [(&[u8], &str, Reader); 4] = [
    (b"\xd0\xcf\x11\xe0\xa1\xb1", "a workbook of old (xls)", Reader("pandas, with xlrd,", "read_excel(FILE)")),
    (b"\x89HDF\r\n", "HDF5", Reader("pandas, with tables,", "read_hdf(FILE)")),
    (b"ARROW1\0\0", "an Arrow (Feather) file", Reader("pandas, with pyarrow,", "read_feather(FILE)")),
    (b"\x80\x04\x95", "a Python pickle", Reader("pandas", "read_pickle(FILE)")),
];

/// How files begin that hold others, or none that a table is in.
const OTHERS: [(&[u8], &str); 6] = [
    (b"SQLite f", "is an SQLite database, which wgrad does not read: export the table as CSV"),
    (b"%PDF-", "is a PDF, which wgrad does not read: save its table as CSV"),
    (b"\x28\xb5\x2f\xfd", "was packed by zstd, which wgrad does not read: unpack it, or pack it by gzip"),
    (b"\xfd7zXZ\0", "was packed by xz, which wgrad does not read: unpack it, or pack it by gzip"),
    (b"7z\xbc\xaf\x27\x1c", "is a 7z archive, which wgrad does not read: unpack it"),
    (b"\x1f\x9d", "was packed by compress, which wgrad does not read: unpack it, or pack it by gzip"),
];

/// What of Python's pandas reads a file, and which of its functions does.
struct Reader(&'static str, &'static str);

/// Why a file that begins so is not read, and what to do; nothing, if it may be one that is.
pub(super) fn refusal(file: &str, beginning: &[u8]) -> Option<String> {
    let (found, shown_file) = (|magic: &[u8]| beginning.starts_with(magic), shown(file));
    let is_webp = found(b"RIFF") && beginning.get(7) == Some(&0);
    let image = IMAGES.iter().find(|(magic, _)| found(magic)).map(|image| image.1).or(is_webp.then_some("WebP"));
    if let Some(image) = image {
        let (path, to) = (python(file), python(&with_ending(file, "npy")));
        return Some(format!(
            "{shown_file}: is an image ({image}), and wgrad reads images as arrays; numpy and Pillow make one of it:\n    \
             import numpy, PIL.Image\n    \
             numpy.save({to}, numpy.array(PIL.Image.open({path}).convert(\"L\"))[None])"
        ));
    }
    if let Some((_, what, reader)) = TABLES.iter().find(|(magic, ..)| found(magic)) {
        return Some(format!("{shown_file}: is {what}, which wgrad does not read; {}", written_by(file, reader)));
    }
    let bzip2 = found(b"BZh") && beginning.get(4..8) == Some(b"1AY&");
    let bzip2 = bzip2.then_some("was packed by bzip2, which wgrad does not read: unpack it, or pack it by gzip");
    let other = OTHERS.iter().find(|(magic, _)| found(magic)).map(|other| other.1).or(bzip2);
    other.map(|other| format!("{shown_file}: {other}"))
}

/// Why a zip archive that holds these files is not read, and what to do.
pub(super) fn of_archive<'a>(file: &str, files: impl Iterator<Item = &'a str>) -> String {
    let (files, shown_file): (Vec<&str>, String) = (files.collect(), shown(file));
    let has = |name: &str| files.contains(&name);
    let workbook = match () {
        () if has("xl/workbook.xml") || has("xl/workbook.bin") => Some(("an Excel workbook", "pandas, with openpyxl,")),
        () if has("mimetype") && has("content.xml") => {
            Some(("an OpenDocument file, as sheets (ODS) are", "pandas, with odfpy,"))
        }
        () => None,
    };
    if let Some((what, with)) = workbook {
        let lines = written_by(file, &Reader(with, "read_excel(FILE)"));
        return format!("{shown_file}: is {what}, which wgrad does not read: save its sheet as CSV; or {lines}");
    }
    if has("[Content_Types].xml") {
        return format!(
            "{shown_file}: is a document of an office program, which wgrad does not read: save its table as CSV"
        );
    }
    let first = files.iter().find(|name| !name.ends_with('/'));
    let first = first.map_or(String::new(), |first| format!(" but of other files, such as '{}'", shown(first)));
    format!("{shown_file}: is a zip archive not of numpy arrays{first}: unpack it, and name a file or folder of it")
}

/// Why a text that begins so is JSON and not read, and what to do; nothing, if it is none. It may be cut short.
pub(super) fn json(file: &str, text: &str) -> Option<String> {
    /// Values that are looked at.
    const MOST: usize = 100;
    let signs = text.chars().filter(|character| !character.is_whitespace()).take(2);
    if !["{\"", "{}", "[{", "[[", "[\"", "[]"].contains(&signs.collect::<String>().as_str()) {
        return None;
    }
    let (mut count, mut is_json) = (0, true);
    for value in serde_json::Deserializer::from_str(text).into_iter::<IgnoredAny>().take(MOST) {
        match value {
            Ok(_) => count += 1,
            // What is cut short fails at its end; JSON in a cell, which other cells follow, before it.
            Err(error) => is_json &= error.is_eof(),
        }
    }
    let reader = if count > 1 { "read_json(FILE, lines=True)" } else { "read_json(FILE)" };
    is_json.then(|| format!("it is JSON, which wgrad does not read; {}", written_by(file, &Reader("pandas", reader))))
}

/// Why a folder of images is not read, and what to do; nothing, if there are none in it.
pub(super) fn of_folder(folder: &str) -> Option<String> {
    /// Files of a folder, and folders in it, that are looked at.
    const MOST: usize = 1_000;
    let entries = |path: &Path| -> Vec<PathBuf> {
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        entries.take(MOST).map(|entry| entry.path()).collect()
    };
    let ending = |path: &PathBuf| {
        let own = path.extension()?.to_str()?;
        IMAGE_ENDINGS.iter().any(|ending| own.eq_ignore_ascii_case(ending)).then(|| own.to_owned())
    };
    let path = name::path(folder);
    let all = entries(&path);
    let below = || all.iter().filter(|path| path.is_dir()).find_map(|path| entries(path).iter().find_map(ending));
    let (ending, has_classes) = match all.iter().find_map(ending) {
        Some(ending) => (ending, false),
        None => (below()?, true),
    };
    let images = path.join(if has_classes { "*" } else { "" }).join(format!("*.{ending}"));
    let (images, to) = (python(&name::text(images.as_os_str())), python(&with_ending(folder, "npz")));
    let (what, labels) = match has_classes {
        true => (", each in the folder of its class", "[os.path.basename(os.path.dirname(file)) for file in files]"),
        false => ("", "labels"),
    };
    let note = if has_classes { "" } else { "    # labels: a list with the class of each" };
    Some(format!(
        "{} is a folder of images ({ending}){what}, and wgrad reads images as one array; numpy and Pillow make one of them:\n    \
         import glob, numpy, os, PIL.Image\n    \
         files = sorted(glob.glob({images}))\n    \
         x = [numpy.array(PIL.Image.open(file).convert(\"L\").resize((28, 28))) for file in files]\n    \
         numpy.savez({to}, x=x, y={labels}){note}",
        shown(folder)
    ))
}

/// The lines of Python that write a file as CSV.
fn written_by(file: &str, Reader(with, reader): &Reader) -> String {
    let (path, to) = (python(file), python(&with_ending(file, "csv")));
    let reader = reader.replace("FILE", &path);
    format!("Python's {with} writes it as CSV:\n    import pandas\n    pandas.{reader}.to_csv({to}, index=False)")
}

/// A file's name with another ending, in the current folder.
fn with_ending(file: &str, ending: &str) -> String {
    let path = name::path(if file == "-" { "data" } else { file }).with_extension(ending);
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

/// A text of Python's.
fn python(text: &str) -> String {
    format!("\"{}\"", printable(&text.replace('\\', "\\\\").replace('"', "\\\"")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_told_by_how_they_begin_and_python_writes_what_is_read() {
        for (beginning, what, line) in [
            (&b"\x89PNG\r\n\x1a\n"[..], "is an image (PNG)", "numpy.save(\"a.npy\", numpy.array(PIL.Image.open(\"d/a.b\")"),
            (b"\xff\xd8\xff\xe0\0\x10JF", "is an image (JPEG)", "import numpy, PIL.Image"),
            (b"RIFF\x24\x01\0\0", "is an image (WebP)", "import numpy, PIL.Image"),
            (
                b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
                "workbook of old",
                "pandas.read_excel(\"d/a.b\").to_csv(\"a.csv\", index=False)",
            ),
            (b"\x89HDF\r\n\x1a\n", "HDF5", "read_hdf"),
            (b"BZh91AY&", "packed by bzip2", "unpack it"),
            (b"SQLite f", "SQLite", "export"),
        ] {
            let said = refusal("d/a.b", beginning).unwrap();
            assert!(said.starts_with("d/a.b: ") && said.contains(what) && said.contains(line), "{said}");
        }
        for beginning in [&b"BMI,age\n"[..], b"BZhas,b\n", b"RIFFRAFF", b"GIF,y\n1,", b"II,MM\n1,", b"a,b\n1,2\n", b""] {
            assert_eq!(refusal("a", beginning), None, "{beginning:?}");
        }
    }

    #[test]
    fn archives_are_told_by_what_they_hold() {
        let of = |files: &[&str]| of_archive("my \"book\".xlsx", files.iter().copied());
        let workbook = of(&["[Content_Types].xml", "_rels/.rels", "xl/workbook.xml"]);
        assert!(workbook.contains("an Excel workbook"), "{workbook}");
        assert!(
            workbook.ends_with(r#"pandas.read_excel("my \"book\".xlsx").to_csv("my \"book\".csv", index=False)"#),
            "{workbook}"
        );
        assert!(of(&["mimetype", "content.xml"]).contains("OpenDocument"));
        assert!(of(&["[Content_Types].xml", "word/document.xml"]).contains("office program"));
        assert!(of(&["data/", "data/a.csv"]).contains("of other files, such as 'data/a.csv': unpack it"));
        assert!(of(&[]).contains("not of numpy arrays: unpack it"));
    }

    #[test]
    fn json_is_told_whole_cut_short_and_a_line_a_value() {
        let of = |text: &str| json("a.json", text);
        for text in ["{\"a\": 1}", "[\n {\"a\": 1, \"b\": 2}]\n", "[[1, 2], [3", "{\"a\":{\"0\":1,\"1\":2", "[]", "{}"] {
            assert!(of(text).is_some_and(|said| said.contains("pandas.read_json(\"a.json\").to_csv(\"a.csv\"")), "{text}");
        }
        assert!(of("{\"a\": 1}\n{\"a\": 2}\n").is_some_and(|said| said.contains("lines=True")));
        assert!(of("{\"a\": 1}\n{\"a\": ").is_some());
        for text in ["{\"a\": 1},1\n{\"a\": 2},0\n", "[1/min],y\n1,2\n", "[[1],y\n", "a,b\n", ""] {
            assert_eq!(of(text), None, "{text}");
        }
    }

    #[test]
    fn folders_of_images_say_where_their_labels_come_from() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_str().unwrap();
        assert_eq!(of_folder(path), None);
        std::fs::create_dir(folder.path().join("cat")).unwrap();
        std::fs::write(folder.path().join("cat/1.PNG"), "").unwrap();
        let said = of_folder(path).unwrap();
        assert!(said.contains("each in the folder of its class") && said.contains("*/*.PNG\")"), "{said}");
        std::fs::write(folder.path().join("2.jpg"), "").unwrap();
        let said = of_folder(path).unwrap();
        assert!(said.contains("/*.jpg\")") && said.contains("y=labels)"), "{said}");
    }
}
