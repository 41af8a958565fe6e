//! Results on stdout: text, or one JSON object with the schema's version.

use std::io::{BufWriter, ErrorKind, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::columns::wrapped;
use crate::error::{Error, Result, printable_json, printable_lines};
use crate::training::run::application::Application;

/// The version of the JSON that `--json` prints; it changes when a field changes its meaning or goes.
pub(super) const SCHEMA: u32 = 1;

/// Prints text for a person and a line's end; what a terminal would obey is escaped.
///
/// # Errors
/// Internal, if stdout cannot be written.
pub(super) fn line(text: impl std::fmt::Display) -> Result<()> {
    bytes((printable_lines(&text.to_string()) + "\n").as_bytes())
}

/// Prints bytes as they are.
///
/// # Errors
/// As [`line`].
pub(super) fn bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    written(stdout.write_all(bytes).and_then(|()| stdout.flush()))
}

/// Prints a command's result as one JSON object: `schema`, `command`, and the result's own fields.
///
/// # Errors
/// As [`line`].
pub(super) fn json(command: &str, result: &impl Serialize) -> Result<()> {
    bytes((json_text(&object(command, result)?)? + "\n").as_bytes())
}

/// The same with one more field at its end, whose value `write` gives piece by piece.
///
/// # Errors
/// As [`line`]; what `write` comes to.
pub(super) fn json_with(
    command: &str,
    result: &impl Serialize,
    field: &str,
    write: impl FnOnce(&mut dyn FnMut(&[u8]) -> Result<()>) -> Result<()>,
) -> Result<()> {
    let begun = json_text(&object(command, result)?)?;
    let mut stdout = BufWriter::new(std::io::stdout().lock());
    let mut put = |bytes: &[u8]| written(stdout.write_all(bytes));
    put(format!("{},{}:", begun.strip_suffix('}').unwrap_or(&begun), json_text(field)?).as_bytes())?;
    write(&mut put)?;
    put(b"}\n")?;
    written(stdout.flush())
}

fn object(command: &str, result: &impl Serialize) -> Result<Map<String, Value>> {
    let mut object = Map::new();
    object.insert("schema".into(), json!(SCHEMA));
    object.insert("command".into(), json!(command));
    match serde_json::to_value(result).map_err(|error| no_json(&error))? {
        Value::Object(fields) => object.extend(fields),
        other => {
            object.insert("result".into(), other);
        }
    }
    Ok(object)
}

/// A value as JSON whose characters are all [printable](is_printable), so that a terminal shows it as text: others are
/// escaped.
///
/// # Errors
/// Internal, if it is no JSON.
pub(super) fn json_text(value: &(impl Serialize + ?Sized)) -> Result<String> {
    serde_json::to_string(value).map(|json| printable_json(&json).into_owned()).map_err(|error| no_json(&error))
}

fn no_json(error: &serde_json::Error) -> Error {
    Error::Internal(format!("the result is no JSON: {error}"))
}

/// The result of a write to stdout. If the reader has closed the pipe, that is not an error: the command goes on, and its
/// exit code still says whether a check failed.
fn written(result: std::io::Result<()>) -> Result<()> {
    match result {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(Error::Internal(format!("stdout cannot be written: {error}")))
        }
        _ => Ok(()),
    }
}

/// A line on stderr, which ends between words on a terminal. If nobody can read it, that is no reason to stop.
pub(super) fn note(text: impl std::fmt::Display) {
    let text = printable_lines(&text.to_string());
    let text = columns().map(|columns| wrapped(&text, columns)).unwrap_or(text);
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// The columns of the terminal that stderr is; none where it is none.
pub(super) fn columns() -> Option<usize> {
    columns_of(terminal_size::terminal_size_of(std::io::stderr()))
}

/// The columns of the terminal that stdout is; none where it is none.
pub(super) fn columns_of_stdout() -> Option<usize> {
    columns_of(terminal_size::terminal_size_of(std::io::stdout()))
}

fn columns_of(size: Option<(terminal_size::Width, terminal_size::Height)>) -> Option<usize> {
    size.map(|(width, _)| usize::from(width.0)).filter(|&columns| columns > 0)
}

/// Whether the locale says UTF-8, as the C library reads it; Windows' consoles take all characters.
pub(super) fn takes_all_characters() -> bool {
    let said = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok());
    let locale = said.into_iter().find(|locale| !locale.is_empty()).unwrap_or_default().to_lowercase();
    locale.contains("utf-8") || locale.contains("utf8") || cfg!(windows)
}

/// A picture of wgrad's own on stderr, whose colours a terminal is to obey.
pub(super) fn picture(picture: &str) {
    let _ = writeln!(std::io::stderr(), "{picture}");
}

/// What a person should hear of a table that a model is applied to: notes, unless they are not wanted, and warnings in
/// any case.
pub(super) fn told(application: &Application, quiet: bool) {
    if !quiet {
        remarks(&application.notes);
    }
    remarks(&application.remarks);
}

/// Remarks on stderr, which do not end the command.
pub(super) fn remarks(remarks: &[String]) {
    for remark in remarks {
        note(format_args!("wgrad: {remark}"));
    }
}
