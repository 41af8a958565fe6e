//! Results on stdout: text, or one JSON object with the schema's version.

use std::io::{ErrorKind, Write};

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::SCHEMA;
use crate::error::{Error, Result};
use crate::training::application::Application;

/// Prints text and a line's end.
///
/// # Errors
/// A closed pipe, which ends the program quietly; internal, if stdout cannot be written.
pub(super) fn line(text: impl std::fmt::Display) -> Result<()> {
    bytes(format!("{text}\n").as_bytes())
}

/// Prints bytes as they are.
///
/// # Errors
/// As [`line`].
pub(super) fn bytes(bytes: &[u8]) -> Result<()> {
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(bytes).and_then(|()| stdout.flush()).map_err(|error| match error.kind() {
        ErrorKind::BrokenPipe => Error::ClosedPipe,
        _ => Error::Internal(format!("stdout cannot be written: {error}")),
    })
}

/// Prints a command's result as one JSON object: `schema`, `command`, and the result's own fields.
///
/// # Errors
/// As [`line`].
pub(super) fn json(command: &str, result: &impl Serialize) -> Result<()> {
    let mut object = Map::new();
    object.insert("schema".into(), json!(SCHEMA));
    object.insert("command".into(), json!(command));
    match serde_json::to_value(result).map_err(|error| Error::Internal(format!("the result is no JSON: {error}")))? {
        Value::Object(fields) => object.extend(fields),
        other => {
            object.insert("result".into(), other);
        }
    }
    line(Value::Object(object))
}

/// A line on stderr. If nobody can read it, that is no reason to stop.
pub(super) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// What a person should hear of a table that a model is applied to: notes, unless they are not wanted, and warnings in any case.
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
