//! A folder of CSV files as one table: their rows one after the other, in the order of the files' names.

use std::path::Path;

use super::csv::CsvPieces;
use super::pieces::{self, Pieces};
use super::table::Files;
use super::{Cells, ReadOptions, Table};
use crate::error::{Error, Result, shown};

/// Files of one table, at most.
const MOST: usize = 10_000;

/// Reads the folder's CSV files with `one`, which takes a file's name and the columns that have to be text. A column that is text
/// in one of them is text in all.
///
/// # Errors
/// Data, naming file and line: no file, columns that differ, what a file cannot be read for. Limit, where there is no memory.
pub(super) fn read(source: &str, options: &ReadOptions, one: impl Fn(&str, &[usize]) -> Result<Table>) -> Result<Table> {
    if options.labels.is_some() {
        return Err(Error::Usage(format!(
            "--labels goes with IDX and npy files, but {} is a folder of CSV files; they hold their target (--target COLUMN)",
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
        }
    }
    joined(source, tables)
}

/// The rows of a folder's CSV files, some at a time.
pub(super) struct FolderPieces<'a> {
    files: std::vec::IntoIter<String>,
    options: &'a ReadOptions,
    /// The file that is read, and a table of its columns, as far as it was read.
    current: Option<(CsvPieces<'a>, Option<Table>)>,
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
                self.current = Some((CsvPieces::new(&file, pieces::opened(&file)?, self.options), None));
            }
            let (pieces, shape) = self.current.as_mut().expect("a file is open");
            if let Some(table) = pieces.next(texts)? {
                let first = self.first.get_or_insert_with(|| table.with_rows(&[]));
                refuse_other_columns(first, &table)?;
                let shape = shape.get_or_insert_with(|| table.with_rows(&[]));
                for (known, new) in shape.columns.iter_mut().zip(&table.columns).filter(|(_, new)| new.cells.is_text()) {
                    known.cells = new.cells.gathered(&[]);
                }
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

/// The files in order.
pub(super) fn files(source: &str) -> Result<Vec<String>> {
    const ENDINGS: [&str; 4] = [".csv", ".tsv", ".tab", ".txt"];
    let is_table = |name: &str| {
        let name = name.to_ascii_lowercase();
        let name = name.strip_suffix(".gz").unwrap_or(&name);
        !name.starts_with('.') && ENDINGS.iter().any(|ending| name.ends_with(ending))
    };
    let unreadable = |error| Error::reading(Path::new(source), &error);
    let mut files = Vec::new();
    for entry in std::fs::read_dir(source).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if is_table(&name) && path.is_file() {
            files.push(path.to_string_lossy().into_owned());
        }
    }
    files.sort_unstable();
    let source = shown(source);
    match files.len() {
        0 => Err(Error::Data(format!("{source} is a folder without a CSV file (.csv, .tsv, .tab, .txt, each also .gz)"))),
        1..=MOST => Ok(files),
        many => Err(Error::Limit(format!("{source} holds {many} CSV files, and a table has {MOST} at most; join some"))),
    }
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
    let line = if other.lines.first() == Some(&1) { "" } else { "line 1: " };
    Err(Error::Data(format!(
        "{}: {line}{what} {}; the files of a folder need the same columns in the same order",
        shown(&other.source),
        shown(&first.source)
    )))
}

/// The rows of all tables, each given back as its rows are taken.
fn joined(source: &str, tables: Vec<Table>) -> Result<Table> {
    let rows: usize = tables.iter().map(|table| table.rows).sum();
    let nothing = |_| Error::Limit(format!("{}: there is no memory for the rows of all its files", shown(source)));
    let mut files = Files::default();
    let mut tables = tables.into_iter();
    let mut all = tables.next().expect("there is a file");
    let more = rows - all.rows;
    for column in &mut all.columns {
        match &mut column.cells {
            Cells::Numbers(cells) => cells.try_reserve_exact(more),
            Cells::Text(cells) => cells.try_reserve_exact(more),
            Cells::Bytes(_) | Cells::Singles(_) => unreachable!("CSV holds numbers or text"),
        }
        .map_err(nothing)?;
    }
    files.add(&all);
    for table in tables {
        files.add(&table);
        all.lines.extend(table.lines);
        for (column, more) in all.columns.iter_mut().zip(table.columns) {
            match (&mut column.cells, more.cells) {
                (Cells::Numbers(cells), Cells::Numbers(more)) => cells.extend(more),
                (Cells::Text(cells), Cells::Text(more)) => cells.extend(more),
                _ => unreachable!("a column is of one kind in all files"),
            }
        }
    }
    Ok(Table { source: source.to_owned(), rows, files, ..all })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::data::read;

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
}
