//! `wgrad data`: what wgrad sees in a file.

use std::collections::HashSet;

use clap::{Args, ValueEnum};
use serde::Serialize;

use super::print;
use crate::data::advice::Advice;
use crate::data::column_summary::ColumnType;
use crate::data::histogram::Bars;
use crate::data::{self, ReadOptions, Readings, Summary, Table, Task, embedded, remarks};
use crate::error::{Error, Obstacle, Remedy, Result, flagged, typed};
use crate::name;
use crate::training::run::options::{FileOptions, Options};
use crate::training::run::{Sources, fitting, laid_over, together};

/// The arguments of `wgrad data`.
#[derive(Debug, Args)]
pub(super) struct DataArguments {
    /// An embedded set, a file, or - for stdin; nothing: the embedded sets
    #[arg(value_parser = name::parser())]
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
    /// The cells that count as missing, beside empty ones: words and numbers with commas, such as NA,-999; '' for empty cells alone
    /// [default: ?, and NA, N/A, NaN and null in any case]
    #[arg(long, value_name = "CELLS", value_delimiter = ',', allow_hyphen_values = true, help_heading = "Data")]
    missing_values: Option<Vec<String>>,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// Print nothing but warnings
    #[arg(short, long)]
    quiet: bool,
}

/// Describes a file, or lists the embedded sets.
pub(super) fn run(arguments: &DataArguments) -> Result<()> {
    let Some(source) = &arguments.source else { return list(arguments.json) };
    let options = Options {
        target: arguments.target.clone(),
        task: arguments.task,
        ignore: arguments.ignore.clone(),
        categorical: arguments.categorical.clone(),
        missing_values: arguments.missing_values.clone(),
        ..Options::default()
    };
    let fitting = fitting(&options);
    let columns = Readings::of_training(&fitting, None);
    let table = data::read(source, &ReadOptions { columns, ..arguments.files.reading(arguments.files.labels.clone()) })?;
    let mut summary = Summary::of(&table, &fitting)?;
    print::remarks(&table.remarks);
    let of_columns = summary.columns.iter().filter(|column| column.kind != ColumnType::Ignored);
    let used: HashSet<&str> = of_columns.map(|column| column.name.as_str()).collect();
    print::remarks(&remarks::stray_text(&table, |name| used.contains(name)));
    let can_be_trained = add_obstacles(&mut summary, table, &options)?;
    let train = can_be_trained.then(|| command(source, arguments, &summary));
    if arguments.json {
        return print::json("data", &Report { summary, train });
    }
    if arguments.quiet {
        return Ok(());
    }
    let columns = terminal_size::terminal_size_of(std::io::stdout()).map(|(width, _)| usize::from(width.0));
    print::line(summary.text(bars(), columns))?;
    match train {
        Some(train) => print::line(format_args!("\nnext: {train}")),
        None => print::line("\nnext: wgrad train refuses this table until the advice without a flag is followed"),
    }
}

/// Adds to the advice what a training would refuse that followed it, and says whether flags take all of that out of the way.
fn add_obstacles(summary: &mut Summary, table: Table, options: &Options) -> Result<bool> {
    if summary.advice.iter().any(|advice| advice.open.is_some()) {
        // Which column is the target decides what a training refuses.
        return Ok(true);
    }
    let flags = summary.advice.iter().filter_map(|advice| advice.flag.as_ref());
    let said = flags.filter_map(|(flag, value)| Some((flag.trim_start_matches('-').to_owned(), value.clone()?)));
    let obstacles = match Sources::check(table, &laid_over(options, &together(options, said))?) {
        Ok(()) => return Ok(true),
        Err(Error::Refused(obstacles)) => obstacles,
        Err(Error::Data(text) | Error::Usage(text)) => vec![Obstacle { text, remedy: Remedy::None }],
        Err(other) => return Err(other),
    };
    let can_be_said = obstacles.iter().all(|obstacle| obstacle.remedy != Remedy::None);
    let source = &summary.source;
    let advice: Vec<Advice> = obstacles.into_iter().map(|obstacle| Advice::of_obstacle(obstacle, source)).collect();
    summary.advice.extend(advice);
    Ok(can_be_said)
}

/// What `--json` prints.
#[derive(Debug, Serialize)]
struct Report {
    #[serde(flatten)]
    summary: Summary,
    /// The command that trains as advised; none where no flag makes it work.
    train: Option<String>,
}

/// Blocks where they can be seen.
fn bars() -> Bars {
    if print::takes_all_characters() { Bars::Blocks } else { Bars::Plain }
}

/// How training is told what was said here, and what is advised.
fn command(source: &str, arguments: &DataArguments, summary: &Summary) -> String {
    let source = if source.starts_with('-') && source != "-" { format!("./{source}") } else { source.to_owned() };
    let mut words = vec![format!("wgrad train {}", typed(&source))];
    let mut add = |flag: &str, value: Option<String>| {
        words.push(value.map_or_else(|| flag.to_owned(), |value| flagged(flag, &value)));
    };
    if arguments.files.no_header == Some(true) {
        add("--no-header", None);
    }
    if let Some(delimiter) = &arguments.files.delimiter {
        add("--delimiter", Some(delimiter.to_string()));
    }
    let decimal = arguments.files.decimal.map(|sign| sign.to_string());
    let thousands = arguments.files.thousands.map(|sign| sign.to_string());
    for (flag, sign) in [("--decimal", decimal), ("--thousands", thousands)] {
        if sign.is_some() {
            add(flag, sign);
        }
    }
    if let Some(units) = &arguments.files.units {
        add("--units", Some(units.join(",")));
    }
    if let Some(labels) = &arguments.files.labels {
        add("--labels", Some(labels.to_string_lossy().into_owned()));
    }
    let task = arguments.task.and_then(|task| task.to_possible_value()).map(|task| vec![task.get_name().to_owned()]);
    let said = [
        ("--target", arguments.target.clone()),
        ("--task", task),
        ("--categorical", arguments.categorical.clone()),
        ("--missing-values", arguments.missing_values.clone()),
    ];
    // What is advised takes the place of what was said.
    let is_advised = |flag: &str| {
        let of = |advice: &Advice| advice.flag.as_ref().is_some_and(|(advised, _)| advised == flag);
        let open = |advice: &Advice| advice.open.is_some_and(|open| open.starts_with(flag));
        summary.advice.iter().any(|advice| of(advice) || open(advice))
    };
    for (flag, values) in said.into_iter().filter(|(flag, _)| !is_advised(flag)) {
        values.into_iter().for_each(|values| add(flag, Some(values.join(","))));
    }
    let mut ignored = arguments.ignore.clone().unwrap_or_default();
    for (flag, value) in summary.advice.iter().filter_map(|advice| advice.flag.clone()) {
        match flag.as_str() {
            "--ignore" => ignored.extend(value),
            _ => add(&flag, value),
        }
    }
    if !ignored.is_empty() {
        add("--ignore", Some(ignored.join(",")));
    }
    let mut open: Vec<&str> = summary.advice.iter().filter_map(|advice| advice.open).collect();
    open.sort_unstable();
    open.dedup();
    words.into_iter().chain(open.into_iter().map(str::to_owned)).collect::<Vec<_>>().join(" ")
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
