//! `wgrad data`: what wgrad sees in a file.

use clap::Args;

use super::print;
use crate::data::{self, Summary, Task, embedded, remarks};
use crate::error::Result;
use crate::training::options::{FileOptions, Options};
use crate::training::sources::fitting;

/// The arguments of `wgrad data`.
#[derive(Debug, Args)]
pub(super) struct DataArguments {
    /// An embedded set, a file, or - for stdin; nothing: the embedded sets
    source: Option<String>,
    #[command(flatten)]
    files: FileOptions,
    /// Target column, by name or by position from 0 [default: the last]
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Data")]
    target: Option<Vec<String>>,
    /// What the target is
    #[arg(long, help_heading = "Data")]
    task: Option<Task>,
    /// Columns to leave out
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Data")]
    ignore: Option<Vec<String>>,
    /// Numeric columns to take as categories
    #[arg(long, value_name = "COLUMN", value_delimiter = ',', help_heading = "Data")]
    categorical: Option<Vec<String>>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
}

/// Describes a file, or lists the embedded sets.
pub(super) fn run(arguments: &DataArguments) -> Result<()> {
    let Some(source) = &arguments.source else { return list(arguments.json) };
    let table = data::read(source, &arguments.files.reading(arguments.files.labels.clone()))?;
    let options = Options {
        target: arguments.target.clone(),
        task: arguments.task,
        ignore: arguments.ignore.clone(),
        categorical: arguments.categorical.clone(),
        ..Options::default()
    };
    let summary = Summary::of(&table, &fitting(&options))?;
    print::remarks(&remarks::stray_text(&table));
    if arguments.json { print::json("data", &summary) } else { print::line(summary) }
}

fn list(json: bool) -> Result<()> {
    if json {
        let sets: Vec<_> = embedded::EMBEDDED
            .iter()
            .map(|set| serde_json::json!({ "name": set.name, "about": set.about, "task": set.task }))
            .collect();
        return print::json("data", &serde_json::json!({ "embedded": sets }));
    }
    for set in &embedded::EMBEDDED {
        print::line(format!("{:<14} {}", set.name, set.about))?;
    }
    Ok(())
}
