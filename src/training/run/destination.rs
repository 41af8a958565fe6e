//! Where a run is saved.

use std::path::PathBuf;

use crate::model::RunFolder;
use crate::name;

/// Where a run is saved.
#[derive(Debug)]
pub enum Destination {
    /// In a new folder: this one, or the next that is free in `runs`.
    New(Option<PathBuf>),
    /// In the folder of a run that was interrupted, and that goes on.
    Resumed(RunFolder),
}

/// What a run's folder is called after: the data's file name, without its endings.
pub fn run_name(source: &str) -> String {
    let name = if source == "-" { "stdin" } else { source };
    let path = name::path(name);
    let name = path.file_name().map_or(name.into(), |name| name.to_string_lossy());
    // Of a pattern what stands for all its files.
    let name = name.split('.').find(|part| !part.is_empty()).unwrap_or_default().replace(['*', '?', '[', ']'], "");
    let name = name.trim_matches(['-', '_']);
    if name.is_empty() { "run".to_string() } else { name.to_string() }
}
