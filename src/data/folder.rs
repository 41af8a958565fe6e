//! Several files as one table, those of a folder or of a pattern such as `part-*.csv`: their rows one after the other, in the order of
//! the files' names.

use std::path::Path;

use super::pieces::{self, Pieces};
use super::table::Files;
use super::{ReadOptions, Table};
use crate::error::{Error, Result, shown};

/// Files of one table, at most.
const MOST: usize = 10_000;

/// Whether a source names several files: a folder, or a pattern where there is no file of that very name.
pub(super) fn is_one(source: &str) -> bool {
    let path = Path::new(source);
    path.is_dir() || source.contains(['*', '?', '[']) && !path.exists() && super::npz::file_of(source) == source
}

/// Reads the files with `one`, which takes a file's name and the columns that have to be text. A column that is text in one of them is
/// text in all.
///
/// # Errors
/// Data, naming file and line: no file, columns that differ, what a file cannot be read for. Limit, where there is no memory.
pub(super) fn read(source: &str, options: &ReadOptions, one: impl Fn(&str, &[usize]) -> Result<Table>) -> Result<Table> {
    if options.labels.is_some() {
        return Err(Error::Usage(format!(
            "--labels goes with a file of images, but {} stands for several files; they hold their target (--target COLUMN)",
            shown(source)
        )));
    }
    let files = files(source)?;
    let mut tables = files.iter().map(|file| one(file, &[])).collect::<Result<Vec<_>>>()?;
    tables.iter().try_for_each(|table| refuse_other_columns(&tables[0], table))?;
    let is_text = |position: &usize| tables.iter().any(|table| table.columns[*position].cells.is_text());
    let text: Vec<usize> = (0..tables[0].columns.len()).filter(is_text).collect();
    for (table, file) in tables.iter_mut().zip(&files) {
        if text.iter().any(|&position| !table.columns[position].cells.is_text()) {
            *table = one(file, &text)?;
            refuse_numbers(table, &text)?;
        }
    }
    joined(source, tables)
}

/// The rows of several files, some at a time.
pub(super) struct FolderPieces<'a> {
    files: std::vec::IntoIter<String>,
    options: &'a ReadOptions,
    /// The file that is read, and a table of its columns, as far as it was read.
    current: Option<(Box<dyn Pieces + 'a>, Option<Table>)>,
    /// The first file's columns.
    first: Option<Table>,
}

impl<'a> FolderPieces<'a> {
    pub(super) fn new(source: &str, options: &'a ReadOptions) -> Result<Self> {
        Ok(Self { files: files(source)?.into_iter(), options, current: None, first: None })
    }
}

impl Pieces for FolderPieces<'_> {
    fn next(&mut self, texts: &[usize]) -> Result<Option<Table>> {
        loop {
            if self.current.is_none() {
                let Some(file) = self.files.next() else { return Ok(None) };
                self.current = Some((pieces::of_table(&file, self.options)?, None));
            }
            let (pieces, shape) = self.current.as_mut().expect("a file is open");
            if let Some(table) = pieces.next(texts)? {
                let first = self.first.get_or_insert_with(|| table.with_rows(&[]));
                refuse_other_columns(first, &table)?;
                refuse_numbers(&table, texts)?;
                shape.get_or_insert_with(|| table.with_rows(&[])).widen(&table);
                return Ok(Some(table));
            }
            if let Some((pieces, Some(shape))) = self.current.take() {
                pieces.finish(&shape)?;
            }
        }
    }

    /// Each file was checked at its own end.
    fn finish(&self, _: &Table) -> Result<()> {
        Ok(())
    }
}

/// The bytes of the files that a source names.
pub(crate) fn bytes_of(source: &str) -> u64 {
    let length = |path: &str| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    if is_one(source) {
        return files(source).unwrap_or_default().iter().map(|file| length(file)).sum();
    }
    length(super::npz::file_of(source))
}

/// The files in order: those that a pattern matches, or those of a folder whose names say that they are CSV or, if there is none, Parquet.
fn files(source: &str) -> Result<Vec<String>> {
    let is_folder = Path::new(source).is_dir();
    let files = if is_folder { files_of_folder(source)? } else { files_of_pattern(source)? };
    let source = shown(source);
    match files.len() {
        0 if is_folder => Err(Error::Data(format!(
            "{source} is a folder without a CSV file (.csv, .tsv, .tab, .txt, each also .gz) or a Parquet file (.parquet)"
        ))),
        0 => Err(Error::Data(format!("{source}: there is no file of this name, and none that this pattern matches"))),
        1..=MOST => Ok(files),
        many => Err(Error::Limit(format!("{source} stands for {many} files, and a table has {MOST} at most; join some"))),
    }
}

fn files_of_folder(source: &str) -> Result<Vec<String>> {
    const CSV: [&str; 4] = [".csv", ".tsv", ".tab", ".txt"];
    const PARQUET: [&str; 2] = [".parquet", ".pq"];
    let ends = |name: &str, endings: &[&str]| {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        endings.iter().any(|ending| name.ends_with(ending))
    };
    let unreadable = |error| Error::reading(Path::new(source), &error);
    let (mut csv, mut parquet) = (Vec::new(), Vec::new());
    for entry in std::fs::read_dir(source).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let files = match &name {
            name if name.starts_with('.') || !path.is_file() => continue,
            name if ends(name, &CSV) => &mut csv,
            name if ends(name, &PARQUET) => &mut parquet,
            _ => continue,
        };
        files.push(path.to_string_lossy().into_owned());
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
        paths.into_iter().filter(|path| path.is_file()).map(|path| path.to_string_lossy().into_owned()).collect();
    files.sort_unstable();
    Ok(files)
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

/// The rows of all tables, each given back as its rows are taken.
fn joined(source: &str, tables: Vec<Table>) -> Result<Table> {
    let rows: usize = tables.iter().map(|table| table.rows).sum();
    let nothing = |_| Error::Limit(format!("{}: there is no memory for the rows of all its files", shown(source)));
    let mut files = Files::default();
    let mut shape = tables[0].with_rows(&[]);
    tables.iter().for_each(|table| shape.widen(table));
    let mut tables = tables.into_iter();
    let mut all = tables.next().expect("there is a file");
    let more = rows - all.rows;
    for (column, shape) in all.columns.iter_mut().zip(&shape.columns) {
        column.cells.widen(&shape.cells);
        column.cells.try_reserve_exact(more).map_err(nothing)?;
    }
    files.add(&all);
    let mut have_lines = !all.lines.is_empty();
    for table in tables {
        files.add(&table);
        have_lines &= !table.lines.is_empty();
        all.lines.extend(table.lines);
        all.add_remarks(&table.remarks);
        all.append_records(table.records);
        for (column, more) in all.columns.iter_mut().zip(table.columns) {
            column.append(more);
        }
    }
    if !have_lines {
        all.lines = Vec::new();
    }
    Ok(Table { source: source.to_owned(), rows, files, ..all })
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
        assert_eq!(table.columns[1].cells, Cells::Numbers(vec![1.0, 2.0, 3.0]));
    }

    #[test]
    fn columns_that_differ_are_refused_with_the_file() {
        let message = |files: &[(&str, &str)]| of(files).unwrap_err().to_string();
        let other = message(&[("1.csv", "a,b\n1,2\n"), ("2.csv", "a,c\n1,2\n")]);
        assert!(other.contains("2.csv: line 1: column 2 is 'c', which is 'b' in") && other.contains("1.csv"), "{other}");
        assert!(message(&[("1.csv", "a,b\n1,2\n"), ("2.csv", "a,b,c\n1,2,3\n")]).contains("2.csv: line 1: 3 columns"));
        assert!(message(&[("1.csv", "a,b\n1,2\n"), ("2.csv", "a,b\n1\n")]).contains("2.csv: line 2: 1 cells"));
        assert!(message(&[("readme", "a,b\n1,2\n")]).contains("a folder without a CSV file"));
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
        assert_eq!(table.columns[0].cells, Cells::Numbers(vec![1.0, 3.0]));
        assert!(table.place(1, "a").ends_with("p-2.csv: line 2, column 'a'"));
        assert_eq!(of("p-[2].csv").unwrap().rows, 1);
        assert_eq!(of("[x].csv").unwrap().columns[0].cells, Cells::Numbers(vec![9.0]), "there is such a file");
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
