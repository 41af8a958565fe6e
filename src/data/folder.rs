//! Several files as one table, those of a folder or of a pattern such as `part-*.csv`: their rows one after the other, in the order of
//! the files' names.

use std::path::{Path, PathBuf};

use super::formats::Opened;
use super::input::{Input, changed, file_of};
use super::pieces::{Give, Holds, Pieces};
use super::{ReadOptions, Table, foreign};
use crate::error::{Error, Result, shown};
use crate::files::Identity;
use crate::name;

/// Files of one table, at most.
const MOST: usize = 10_000;

/// Whether a source names several files: a folder, or a pattern where there is no file of that very name.
pub(super) fn is_one(source: &str) -> bool {
    let path = name::path(source);
    path.is_dir() || source.contains(['*', '?', '[']) && !path.exists() && file_of(source) == source
}

/// Several files, whose rows come one after the other.
pub(super) struct Several<'a> {
    files: Vec<OneOfSeveral>,
    options: &'a ReadOptions,
}

struct OneOfSeveral {
    name: String,
    bytes: u64,
    /// What it was when it was read first.
    identity: Option<Identity>,
}

impl<'a> Several<'a> {
    /// The files that a source names.
    ///
    /// # Errors
    /// Data, if there are none; limit, if there are too many; usage, if labels are named with them.
    pub(super) fn new(source: &str, options: &'a ReadOptions) -> Result<Self> {
        if options.labels.is_some() {
            return Err(Error::Usage(format!(
                "--labels goes with a file of images, but {} stands for several files; they hold their target (--target COLUMN)",
                shown(source)
            )));
        }
        let one = |name: String| OneOfSeveral { bytes: length(&name), name, identity: None };
        Ok(Self { files: files(source)?.into_iter().map(one).collect(), options })
    }
}

impl Pieces for Several<'_> {
    /// A column that is text in one file has to be text in all.
    fn each(&mut self, texts: &[usize], give: &mut Give<'_>) -> Result<()> {
        let all: u64 = self.files.iter().map(|file| file.bytes).sum();
        let (mut first, mut before) = (None, 0);
        for file in &mut self.files {
            let mut opened = Opened::new(Input::of(&file.name)?, self.options)?;
            if opened.holds != Holds::Table {
                return Err(Error::Data(format!(
                    "{}: is neither text nor Parquet, and only files of those are joined into one table",
                    shown(&file.name)
                )));
            }
            let identity = opened.identity();
            if file.identity.is_some() && file.identity != identity {
                return Err(changed(&file.name));
            }
            file.identity = identity;
            opened.each(texts, &mut |table, share| {
                refuse_other_columns(first.get_or_insert_with(|| table.with_rows(&[])), &table)?;
                refuse_numbers(&table, texts)?;
                give(table, (before as f64 + share * file.bytes as f64) / all.max(1) as f64)
            })?;
            before += file.bytes;
        }
        Ok(())
    }
}

/// Whether a folder or pattern includes a file of this path, or would if the file existed.
pub(crate) fn takes_in(source: &str, path: &Path) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    if !is_one(source) {
        return false;
    }
    let named = name::path(source);
    if named.is_dir() {
        let folder = path.parent().map(|folder| if folder.as_os_str().is_empty() { Path::new(".") } else { folder });
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        return folder.and_then(real) == real(&named) && (ends_with(&name, &CSV) || ends_with(&name, &PARQUET));
    }
    let plain = |path: &Path| path.strip_prefix(".").unwrap_or(path).to_owned();
    glob::Pattern::new(source.strip_prefix("./").unwrap_or(source))
        .is_ok_and(|pattern| pattern.matches(&name::text(plain(path).as_os_str())))
}

/// The endings of the names of CSV files and of Parquet files in a folder, each also with `.gz`.
const CSV: [&str; 4] = [".csv", ".tsv", ".tab", ".txt"];
const PARQUET: [&str; 2] = [".parquet", ".pq"];

fn ends_with(name: &str, endings: &[&str]) -> bool {
    let name = name.to_ascii_lowercase();
    let name = name.strip_suffix(".gz").unwrap_or(&name);
    endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether what a source names is there to be read again: no pipe, and not stdin.
pub fn is_there_again(source: &str) -> bool {
    let path = name::path(file_of(source));
    source != "-" && (path.is_file() || path.is_dir() || !path.exists())
}

/// The bytes of the files that a source names.
pub(crate) fn bytes_of(source: &str) -> u64 {
    if is_one(source) {
        return files(source).unwrap_or_default().iter().map(|file| length(file)).sum();
    }
    length(file_of(source))
}

fn length(path: &str) -> u64 {
    std::fs::metadata(name::path(path)).map_or(0, |metadata| metadata.len())
}

/// The files in order: those that a pattern matches, or those of a folder whose names say that they are CSV or, if there is none, Parquet.
fn files(source: &str) -> Result<Vec<String>> {
    let is_folder = name::path(source).is_dir();
    let files = if is_folder { files_of_folder(source)? } else { files_of_pattern(source)? };
    if let (true, 0, Some(refusal)) = (is_folder, files.len(), foreign::of_folder(source)) {
        return Err(Error::Data(refusal));
    }
    let source = shown(source);
    match files.len() {
        0 if is_folder => Err(Error::Data(format!(
            "{source} is a folder that holds no CSV file (.csv, .tsv, .tab, .txt, each also .gz) and no Parquet file (.parquet)"
        ))),
        0 => Err(Error::Data(format!("{source}: there is no file of this name, and none that this pattern matches"))),
        1..=MOST => Ok(files),
        many => Err(Error::Limit(format!("{source} stands for {many} files, and a table has {MOST} at most; join some"))),
    }
}

fn files_of_folder(source: &str) -> Result<Vec<String>> {
    let unreadable = |error| Error::reading(&name::path(source), &error);
    let (mut csv, mut parquet) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(name::path(source)).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let file = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let files = match &file {
            file if file.starts_with('.') || !path.is_file() => continue,
            file if ends_with(file, &CSV) => &mut csv,
            file if ends_with(file, &PARQUET) => &mut parquet,
            _ => continue,
        };
        files.push(name::text(path.as_os_str()).into_owned());
    }
    let mut files = if csv.is_empty() { parquet } else { csv };
    files.sort_unstable();
    Ok(files)
}

fn files_of_pattern(source: &str) -> Result<Vec<String>> {
    let paths =
        glob::glob(source).map_err(|error| Error::Data(format!("{}: no pattern of names: {error}", shown(source))))?;
    let paths = paths.collect::<std::result::Result<Vec<_>, _>>();
    let paths = paths.map_err(|error| Error::reading(error.path(), error.error()))?;
    let mut files: Vec<String> =
        paths.into_iter().filter(|path| path.is_file()).map(|path| name::text(path.as_os_str()).into_owned()).collect();
    files.extend(files_of_other_names(source));
    files.sort_unstable();
    Ok(files)
}

/// Those of a pattern of which a name, or a folder's on the way, is not UTF-8: the crate leaves them out. `**` stands for no such folder.
fn files_of_other_names(source: &str) -> Vec<String> {
    let mut found = vec![PathBuf::new()];
    for part in name::path(source).components() {
        let text = name::text(part.as_os_str()).into_owned();
        let pattern = glob::Pattern::new(&text).ok().filter(|_| text.contains(['*', '?', '[']));
        let within = |path: PathBuf| match &pattern {
            None => vec![path.join(part)],
            Some(pattern) => {
                let entries = std::fs::read_dir(if path.as_os_str().is_empty() { Path::new(".") } else { &path });
                let names = entries.into_iter().flatten().flatten().map(|entry| entry.file_name());
                names.filter(|name| pattern.matches(&name::text(name))).map(|name| path.join(name)).collect()
            }
        };
        found = found.into_iter().flat_map(within).collect();
    }
    let is_other = |path: &PathBuf| path.as_os_str().to_str().is_none() && path.is_file();
    found.into_iter().filter(is_other).map(|path| name::text(path.as_os_str()).into_owned()).collect()
}

fn refuse_other_columns(first: &Table, other: &Table) -> Result<()> {
    let mut pairs = first.names().zip(other.names()).enumerate();
    let what = match pairs.find(|(_, (expected, found))| expected != found) {
        Some((position, (expected, found))) => {
            format!("column {} is '{}', which is '{}' in", position + 1, shown(found), shown(expected))
        }
        None if first.columns.len() != other.columns.len() => {
            format!("{} columns, but there are {} in", other.columns.len(), first.columns.len())
        }
        None => return Ok(()),
    };
    // Names that are on no line are not in the file, or not in one of text.
    let line = if matches!(other.lines.first(), None | Some(1)) { "" } else { "line 1: " };
    Err(Error::Data(format!(
        "{}: {line}{what} {}; files that are one table need the same columns in the same order",
        shown(&other.source),
        shown(&first.source)
    )))
}

/// Refuses numbers in columns that are text in other files: only CSV has the spelling of its numbers.
fn refuse_numbers(table: &Table, texts: &[usize]) -> Result<()> {
    match texts.iter().find(|&&position| !table.columns[position].cells.is_text()) {
        None => Ok(()),
        Some(&position) => Err(Error::Data(format!(
            "{}: column '{}' is numbers here and text in other files; write it alike in all, or leave it out",
            shown(&table.source),
            shown(&table.columns[position].name)
        ))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::{Cells, read};

    /// A folder of these files, and its name.
    fn folder(files: &[(&str, &str)]) -> (tempfile::TempDir, String) {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            std::fs::write(folder.path().join(name), text).unwrap();
        }
        let path = folder.path().to_str().unwrap().to_owned();
        (folder, path)
    }

    fn of(files: &[(&str, &str)]) -> Result<Table> {
        let (_folder, path) = folder(files);
        read(&path, &ReadOptions::default())
    }

    #[test]
    fn rows_follow_in_the_order_of_the_files_names_and_know_their_place() {
        let table =
            of(&[("b.csv", "a,y\n3,p\n\n,q\n"), ("a.csv", "a,y\n1,p\n2,q\n"), ("note.md", "no"), (".hidden.csv", "x")]);
        let table = table.unwrap();
        assert_eq!((table.rows, table.columns[0].cells.number(2), &table.lines[..]), (4, Some(3.0), &[2, 3, 2, 4][..]));
        assert!(table.place(1, "a").ends_with("a.csv: line 3, column 'a'"), "{}", table.place(1, "a"));
        assert!(table.place(3, "a").ends_with("b.csv: line 4, column 'a'"), "{}", table.place(3, "a"));
        assert!(table.with_rows(&[3, 0]).place(0, "a").ends_with("b.csv: line 4, column 'a'"));
    }

    #[test]
    fn a_column_that_is_text_in_one_file_is_text_in_all_with_its_own_spelling() {
        let table = of(&[("1.csv", "code,y\n007,1\n1.50,2\n"), ("2.tsv", "code\ty\nx\t3\n")]).unwrap();
        let texts: Vec<_> = (0..3).map(|row| table.columns[0].cells.text(row).unwrap().into_owned()).collect();
        assert_eq!(texts, ["007", "1.50", "x"]);
        assert_eq!(table.columns[1].cells, Cells::Integers(vec![1, 2, 3]));
    }

    #[test]
    fn columns_that_differ_are_refused_with_the_file() {
        let message = |files: &[(&str, &str)]| of(files).unwrap_err().to_string();
        let other = message(&[("1.csv", "a,b\n1,2\n"), ("2.csv", "a,c\n1,2\n")]);
        assert!(other.contains("2.csv: line 1: column 2 is 'c', which is 'b' in") && other.contains("1.csv"), "{other}");
        assert!(message(&[("1.csv", "a,b\n1,2\n"), ("2.csv", "a,b,c\n1,2,3\n")]).contains("2.csv: line 1: 3 columns"));
        assert!(message(&[("1.csv", "a,b\n1,2\n"), ("2.csv", "a,b\n1\n")]).contains("2.csv: line 2: 1 cells"));
        assert!(message(&[("readme", "a,b\n1,2\n")]).contains("a folder that holds no CSV file"));
    }

    #[test]
    fn a_pattern_stands_for_the_files_that_it_matches() {
        let (_folder, path) = folder(&[
            ("p-2.csv", "a,y\n3,p\n"),
            ("p-1.csv", "a,y\n1,q\n"),
            ("q.csv", "b\n1\n"),
            ("[x].csv", "a\n9\n"),
            ("n.md", "no"),
        ]);
        let of = |pattern: &str| read(&format!("{path}/{pattern}"), &ReadOptions::default());
        let table = of("p-*.csv").unwrap();
        assert_eq!(table.columns[0].cells, Cells::Integers(vec![1, 3]));
        assert!(table.place(1, "a").ends_with("p-2.csv: line 2, column 'a'"));
        assert_eq!(of("p-[2].csv").unwrap().rows, 1);
        assert_eq!(of("[x].csv").unwrap().columns[0].cells, Cells::Integers(vec![9]), "there is such a file");
        assert!(of("r-*.csv").unwrap_err().to_string().contains("none that this pattern matches"));
        assert!(of("***").unwrap_err().to_string().contains("no pattern of names"));
        assert_eq!((bytes_of(&format!("{path}/p-?.csv")), bytes_of(&path)), (16, 24));
    }

    /// 40 rows in two groups, as pyarrow writes them.
    #[test]
    #[cfg(feature = "parquet")]
    fn a_folder_of_parquet_files_is_one_table_and_so_are_parquet_and_csv() {
        let bytes = include_bytes!("parquet/pyarrow-zstd.parquet");
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
        for name in ["a.parquet", "b.parquet"] {
            std::fs::write(path(name), bytes).unwrap();
        }
        let (one, both) =
            (read(&path("a.parquet"), &ReadOptions::default()).unwrap(), read(&path(""), &ReadOptions::default()).unwrap());
        assert_eq!((both.rows, both.place(41, "x")), (80, format!("{}: row 2, column 'x'", path("b.parquet"))));
        for (one, both) in one.columns.iter().zip(&both.columns) {
            assert!((0..80).all(|row| one.cells.text(row % 40) == both.cells.text(row)), "{}", one.name);
        }
        // Bytes become wider numbers; numbers never become text without their spelling.
        std::fs::write(path("c.csv"), "x,size,byte,yes,town\n0.5,1,2.5,true,Oslo\n").unwrap();
        let mixed = read(&path("[ac].*"), &ReadOptions::default()).unwrap();
        assert_eq!((mixed.columns[2].cells.number(1), mixed.columns[2].cells.number(40)), (Some(13.0), Some(2.5)));
        // Rows of which some have no line have none.
        assert_eq!(mixed.place(40, "x"), format!("{}: row 1, column 'x'", path("c.csv")));
        assert_eq!(mixed.with_rows(&[3, 40]).place(1, "x"), mixed.place(40, "x"));
        std::fs::write(path("c.csv"), "x,size,byte,yes,town\n0.5,many,2,true,Oslo\n").unwrap();
        let error = read(&path("[ac].*"), &ReadOptions::default()).unwrap_err().to_string();
        assert!(error.contains("a.parquet: column 'size' is numbers here and text in other files"), "{error}");
    }
}
