//! Text files as pandas reads them: two thousand small files that are hard to read, made by chance from a seed.
//!
//! `tests/python/make_csv.py` makes the files and writes beside them what pandas reads of each. wgrad has to read the same names, the same
//! rows, the same text, and the same numbers to the last bit. The differences that wgrad means are these, and each is checked where it
//! applies, so that a difference that goes away fails as well:
//!
//! | what is in the file | pandas | wgrad |
//! |---|---|---|
//! | spaces around a cell or a name | are part of it | are dropped ([`trimmed`]) |
//! | an empty cell, `?`, `NA`, `N/A`, `NaN`, `+NaN`, `-NaN`, `null` in any case | its own list | is missing ([`is_missing`]); pandas is told so |
//! | an empty name | `Unnamed: 0` | `unnamed 0` ([`named`]) |
//! | two columns of one name | the second is renamed | refused |
//! | a header of numbers alone that are no positions | is a header | refused |
//! | a header and no rows, or nothing | an empty table, or refused | refused |
//! | a row of too few cells | is filled up | refused |
//! | a line of spaces alone | is skipped | a row of one cell, which is missing; refused where there are more columns |
//! | numbers beyond f32, infinities | are numbers | refused, where the column is numeric |
//! | whole numbers of more than 64 bits | text | numbers; pandas is told so |
//! | `-0` in a column of whole numbers | 0 | -0 |
//! | `True` and `False` alone | truth values | text |
//! | digits in groups that are not of three (`--thousands`) | are numbers | text |
//! | decimal commas, grouped digits | only where it is told | where the first rows leave no doubt, too |
//! | comments before the header, `sep=;` | only where it is told | are skipped; pandas is told so |
//! | `;`, tabs or bars in the only column, or columns parted by spaces | are text | refused, unless a separator is said |
//!
//! These tests need `WGRAD_TEST_PYTHON` or a `python3` with pandas; without one they show as ignored. The files are the same at every
//! run; `WGRAD_TEST_SEED=N` makes those of another seed, and `WGRAD_TEST_SEED=new` of one that nobody has tried.

use std::path::Path;
use std::process::Command;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::common::{Failed, Trial};
use serde_json::{Value, json};
use wgrad::data::{Cells, Numerals, ReadOptions, Table, read};

/// Files of a run, and how many processes make them.
const FILES: usize = 2000;
const PROCESSES: usize = 2;

/// What Python has to have to compare with.
const MODULES: &str = "pandas";

/// Such a Python, if there is one.
fn python() -> Option<&'static str> {
    crate::common::python(MODULES)
}

/// The difference in what a cell or name is: wgrad drops spaces around it.
fn trimmed(cell: &Value) -> &str {
    cell.as_str().unwrap_or_default().trim()
}

/// The difference in what is missing.
fn is_missing(cell: &str) -> bool {
    ["", "?", "na", "n/a", "nan", "+nan", "-nan", "null"].contains(&cell.to_ascii_lowercase().as_str())
}

/// The difference in names.
fn named((position, name): (usize, &Value)) -> String {
    match trimmed(name) {
        "" => format!("unnamed {position}"),
        name => name.to_owned(),
    }
}

/// What pandas reads of a file, and what a reader is told of it.
struct Expected<'a>(&'a Value);

impl<'a> Expected<'a> {
    fn is_marked(&self, mark: &str) -> bool {
        self.list("marks").iter().any(|own| own == mark)
    }

    fn list(&self, field: &str) -> &'a [Value] {
        self.0[field].as_array().map_or(&[], Vec::as_slice)
    }

    fn delimiter(&self) -> char {
        self.0["delimiter"].as_str().and_then(|text| text.chars().next()).unwrap_or(',')
    }

    fn options(&self) -> ReadOptions {
        let said = self.0["said"] == true;
        let told = &self.0["told"];
        ReadOptions {
            header: self.0["header"] == true,
            delimiter: said.then_some(self.delimiter() as u8),
            numerals: told.is_array().then(|| numerals(told)),
            ..ReadOptions::default()
        }
    }

    /// The columns as they are in these numerals: null for text, or numbers.
    fn columns(&self, numerals: &Numerals) -> Option<&'a [Value]> {
        let reading = self.list("readings").iter().find(|reading| self::numerals(reading) == *numerals)?;
        reading[2].as_array().map(Vec::as_slice)
    }

    fn names(&self) -> Vec<String> {
        if self.0["names"].is_null() {
            let columns = self.list("rows").first().and_then(Value::as_array).map_or(0, Vec::len);
            return (0..columns).map(|position| position.to_string()).collect();
        }
        self.list("names").iter().enumerate().map(named).collect()
    }

    /// Why wgrad means to refuse the file, as a part of its message; none, if it has to read it.
    fn refusals(&self) -> Vec<&'static str> {
        let (rows, names) = (self.list("rows"), self.names());
        let alone = names.len() == 1;
        let is_number = |name: &String| name.parse::<f64>().is_ok();
        let has_header = self.0["header"] == true;
        let first = if has_header {
            self.list("names")
        } else {
            rows.first().and_then(Value::as_array).map_or(&[][..], Vec::as_slice)
        };
        let holds =
            |signs: &[char]| alone && self.0["said"] == false && first.iter().any(|cell| trimmed(cell).contains(signs));
        let mut refusals = Vec::new();
        let mut add = |is_so: bool, what| {
            if is_so {
                refusals.push(what);
            }
        };
        add(self.is_marked("short row") || self.is_marked("long row"), "mend the line");
        add(self.is_marked("blank line") && !alone, "mend the line");
        add(self.is_marked("open quote"), "quotation mark");
        add(self.is_marked("not UTF-8"), "not UTF-8");
        // Where pandas refuses the rows, the names may be at fault, too.
        let has_fault = !self.0["refused"].is_null() && !self.list("marks").is_empty();
        ["twice", "its first line is", "its one column holds"].into_iter().for_each(|what| add(has_fault, what));
        if self.0["refused"].as_str().is_none_or(|error| error.starts_with("EmptyDataError")) {
            let sorted = std::collections::BTreeSet::from_iter(&names);
            add(sorted.len() < names.len(), "twice");
            let are_numbers = has_header && names.iter().all(is_number);
            add(are_numbers && names.iter().any(|name| name.parse::<u64>().is_err()), "its first line is");
            add(rows.is_empty() && !self.is_marked("blank line"), if names.is_empty() { "it is empty" } else { "no rows" });
            add(has_header && holds(&[';', '\t', '|']), "its one column holds");
        }
        refusals
    }
}

fn numerals(told: &Value) -> Numerals {
    let sign = |value: &Value| value.as_str().and_then(|text| text.bytes().next());
    Numerals { decimal: sign(&told[0]).unwrap_or(b'.'), thousands: sign(&told[1]), ..Numerals::default() }
}

/// Holds what wgrad reads of a file, or its message, against what pandas reads.
fn compare(ours: &Result<Table, String>, expected: &Value) -> Result<(), String> {
    let theirs = Expected(expected);
    let refusals = theirs.refusals();
    if !refusals.is_empty() {
        let are_both = !(theirs.is_marked("long row") || theirs.is_marked("open quote") || theirs.is_marked("not UTF-8"));
        return match ours {
            Ok(_) => Err(format!("wgrad reads what it means to refuse: {refusals:?}")),
            Err(said) if !refusals.iter().any(|what| said.contains(what)) => Err(format!("not {refusals:?}, but: {said}")),
            Err(_) if expected["refused"].is_null() && !are_both => Err("pandas does not refuse it".into()),
            Err(_) => Ok(()),
        };
    }
    if !expected["refused"].is_null() {
        return Err(format!("pandas refuses it: {}; wgrad: {ours:?}", expected["refused"]));
    }
    let (rows, names) = (theirs.list("rows"), theirs.names());
    let table = match ours {
        Ok(table) => table,
        Err(said) if said.contains("is infinite or beyond") => return has_number_beyond(&theirs),
        Err(said) if names.len() == 1 && expected["said"] == false && said.contains("separated by spaces") => return Ok(()),
        Err(said) => return Err(format!("wgrad refuses it: {said}")),
    };
    let own: Vec<&str> = table.names().collect();
    if own != names {
        return Err(format!("names {own:?}, not {names:?}"));
    }
    let blank = usize::from(theirs.is_marked("blank line"));
    if table.rows != rows.len() + blank {
        return Err(format!("{} rows, not {}", table.rows, rows.len()));
    }
    let columns = theirs.columns(&table.numerals);
    let columns = columns.ok_or_else(|| format!("it writes no numbers as {:?}", table.numerals))?;
    let last = theirs.list("readings").last().map(numerals);
    if theirs.is_marked("clear") && last.as_ref() != Some(&table.numerals) {
        return Err(format!("numbers are read as {:?}, not {last:?}", table.numerals));
    }
    for (place, (column, theirs)) in table.columns.iter().zip(columns).enumerate() {
        for (row, cells) in rows.iter().enumerate() {
            same(&column.cells, row, trimmed(&cells[place]), theirs)
                .map_err(|error| format!("row {row}, column {place}: {error}"))?;
        }
    }
    Ok(())
}

/// Holds one cell against pandas' text, and its number where the column is numeric.
fn same(cells: &Cells, row: usize, text: &str, column: &Value) -> Result<(), String> {
    if column.is_null() {
        let Cells::Text(own) = cells else { return Err(format!("a number, not the text {text:?}")) };
        let expected = (!is_missing(text)).then_some(text);
        return if own.get(row) == expected { Ok(()) } else { Err(format!("{:?}, not {expected:?}", own.get(row))) };
    }
    if cells.is_text() {
        return Err(format!("text, not the number {text}"));
    }
    let bits = column[row].as_u64();
    if bits.is_none() != is_missing(text) {
        return Err(format!("{text:?} is missing in one of pandas and the list of spellings"));
    }
    if bits.is_some_and(is_beyond) {
        return Err(format!("wgrad reads {text}, which f32 does not hold"));
    }
    let is_zero = bits == Some(0) && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let own = cells.number(row).map(|number| if is_zero { number + 0.0 } else { number });
    if own.map(f64::to_bits) == bits { Ok(()) } else { Err(format!("{own:?}, not {:?}", bits.map(f64::from_bits))) }
}

/// The difference in numbers: f32 does not hold these, so that wgrad refuses them.
fn is_beyond(bits: u64) -> bool {
    f64::from_bits(bits).abs() > f64::from(f32::MAX)
}

/// That a numeric column of pandas has a number that f32 does not hold.
fn has_number_beyond(theirs: &Expected<'_>) -> Result<(), String> {
    let beyond = |bits: &Value| bits.as_u64().is_some_and(is_beyond);
    let columns = || theirs.list("readings").iter().filter_map(|reading| reading[2].as_array()).flatten();
    let is_there = columns().any(|column| column.as_array().is_some_and(|bits| bits.iter().any(beyond)));
    if is_there { Ok(()) } else { Err("wgrad refuses a number that pandas has within f32, or as text".into()) }
}

/// What a file differs in, with the file.
fn checked(folder: &Path, expected: &str) -> Result<(), String> {
    let expected: Value = serde_json::from_str(expected).map_err(|error| error.to_string())?;
    let path = folder.join(format!("{}.csv", expected["number"]));
    let ours = read(&path.to_string_lossy(), &Expected(&expected).options()).map_err(|error| error.to_string());
    compare(&ours, &expected).map_err(|what| {
        let bytes = std::fs::read(&path).unwrap_or_default();
        let told = ["delimiter", "said", "header", "told", "marks"].map(|field| format!("{field}: {}", expected[field]));
        format!("file {}: {what}\n  {}\n  b\"{}\"", expected["number"], told.join(", "), bytes.escape_ascii())
    })
}

fn wgrad_reads_what_pandas_reads() -> Result<(), Failed> {
    let clock = || SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let seed = match std::env::var("WGRAD_TEST_SEED") {
        Ok(seed) if seed == "new" => clock().to_string(),
        given => given.unwrap_or_else(|_| "1".into()),
    };
    let folder = tempfile::tempdir()?;
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/python/make_csv.py");
    let each = FILES / PROCESSES;
    let start = |first: usize| {
        let mut command = Command::new(python().unwrap_or("python3"));
        command.args([script, &seed, &each.to_string()]).arg(folder.path()).arg(first.to_string()).spawn()
    };
    let children = (0..PROCESSES).map(|process| start(process * each)).collect::<Result<Vec<_>, _>>()?;
    for mut child in children {
        if !child.wait()?.success() {
            return Err(format!("{script}: it failed (WGRAD_TEST_SEED={seed})").into());
        }
    }
    let mut failures = Vec::new();
    for process in 0..PROCESSES {
        let lines = std::fs::read_to_string(folder.path().join(format!("{}.jsonl", process * each)))?;
        if lines.lines().count() != each {
            return Err(format!("{} files, not {each}", lines.lines().count()).into());
        }
        failures.extend(lines.lines().filter_map(|line| checked(folder.path(), line).err()));
    }
    if failures.is_empty() {
        return Ok(());
    }
    let first: Vec<&str> = failures.iter().take(10).map(String::as_str).collect();
    Err(format!("WGRAD_TEST_SEED={seed}: {} of {FILES} files differ\n{}", failures.len(), first.join("\n")).into())
}

/// The comparison fails where one thing is altered.
fn a_difference_is_noticed() -> Result<(), Failed> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("data.csv");
    std::fs::write(&path, "a,b, c \n1, x,\"-0.5\"\n2,NA,nan\n")?;
    let bits = |number: f64| json!(number.to_bits());
    let expected = json!({
        "delimiter": ",", "said": false, "header": true, "told": null, "marks": [], "refused": null,
        "names": ["a", "b", " c "], "rows": [["1", " x", "-0.5"], ["2", "NA", "nan"]],
        "readings": [[".", null, [
            [bits(1.0), bits(2.0)], null, [bits(-0.5), null],
        ]]],
    });
    let ours = read(&path.to_string_lossy(), &ReadOptions::default()).map_err(|error| error.to_string());
    compare(&ours, &expected)?;
    for (place, other) in [
        ("/names/1", json!("B")),
        ("/rows/0/1", json!("X")),
        ("/rows/1/1", json!("n")),
        ("/rows/1", json!(["2", "x", "nan"])),
        ("/rows", json!([["1", " x", "-0.5"]])),
        ("/rows/1/2", json!("0")),
        ("/readings/0/2/0/1", bits(2.0 + f64::EPSILON * 2.0)),
        ("/readings/0/2/0/1", Value::Null),
        ("/readings/0/2/2/0", bits(0.5)),
        ("/readings/0/2/2/1", bits(0.0)),
        ("/readings/0/2/2", Value::Null),
        ("/readings/0/2/1", json!([bits(1.0), null])),
        ("/readings/0/0", json!(",")),
        ("/rows/0/0", json!("NA")),
        ("/refused", json!("it")),
        ("/marks", json!(["short row"])),
    ] {
        let mut altered = expected.clone();
        *altered.pointer_mut(place).ok_or(place)? = other;
        if compare(&ours, &altered).is_ok() {
            return Err(format!("{place} may be anything").into());
        }
    }
    Ok(())
}

pub(crate) fn trials() -> Vec<Trial> {
    let trials = vec![
        Trial::test("wgrad reads what pandas reads", wgrad_reads_what_pandas_reads).with_python(MODULES),
        Trial::test("a difference is noticed", a_difference_is_noticed),
    ];
    trials
}
