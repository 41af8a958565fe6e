//! `wgrad runs`: the runs of a folder with their scores.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::naming::named;
use super::print;
use super::progress::called;
use crate::error::{Error, Result, printable, shown, suggestion};
use crate::evaluation::significant;
use crate::model::{RUNS, by_name};
use crate::report::{Listed, Scored, State, is_loss, utc};

/// The arguments of `wgrad runs`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:  wgrad runs
           wgrad runs --filter customers --sort score
           wgrad runs --filter optimizer=sgd --metric auc
           wgrad runs runs/wine-1")]
pub(super) struct RunsArguments {
    /// A folder of runs, or the folds of a cross-validation
    #[arg(default_value = RUNS)]
    folder: PathBuf,
    /// The order; score: the best first, time: what trained longest first
    #[arg(long, value_name = "ORDER", default_value = "date")]
    sort: Order,
    /// Only runs with this in their name, their data or an option, as in customers or optimizer=sgd; with several, those with all of them
    #[arg(long, value_name = "TEXT")]
    filter: Vec<String>,
    /// The score to show and to sort by, such as auc, log-loss or rmse [default: accuracy, or r2]
    #[arg(long, value_name = "METRIC")]
    metric: Option<String>,
    /// Each fold of a cross-validation on a line of its own
    #[arg(long)]
    folds: bool,
    /// Print one JSON object
    #[arg(long)]
    json: bool,
    /// No notes on stderr; warnings stay
    #[arg(short, long)]
    quiet: bool,
}

/// The order of a list.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Order {
    /// The newest first.
    Date,
    /// The best first.
    Score,
    /// What trained longest first.
    Time,
    /// By the name, numbers in it by their size.
    Name,
}

/// Lists runs.
pub(super) fn run(arguments: &RunsArguments) -> Result<()> {
    let folder = named(&arguments.folder, arguments.quiet)?;
    let is_new = folder == Path::new(RUNS) && !folder.exists();
    let all = if is_new { Vec::new() } else { Listed::all(&folder, arguments.folds)? };
    let metric = arguments.metric.as_deref().map(|metric| known(metric, &all)).transpose()?;
    let (is_none, metric) = (all.is_empty(), metric.as_deref());
    let mut runs: Vec<Listed> = all.into_iter().filter(|run| run.has(&arguments.filter)).collect();
    sort(&mut runs, arguments.sort, metric);
    if arguments.json {
        return print::json("runs", &json!({ "folder": crate::name::shown(&folder), "runs": runs }));
    }
    if runs.is_empty() && !arguments.quiet {
        let name = shown(&folder.to_string_lossy());
        print::remarks(&[match is_none {
            true => format!("there is no run in {name}; wgrad train makes one"),
            false => format!("no run in {name} has that in its name, data or options"),
        }]);
    }
    if runs.is_empty() {
        return Ok(());
    }
    let columns = terminal_size::terminal_size_of(std::io::stdout()).map_or(usize::MAX, |(width, _)| usize::from(width.0));
    print::line(text(&runs, metric, columns, SystemTime::now()))
}

/// The name of a score as files have it.
fn known(metric: &str, all: &[Listed]) -> Result<String> {
    let name = metric.trim().to_lowercase().replace('-', "_");
    let mut there: Vec<&str> = all.iter().flat_map(|run| run.scores.keys()).map(String::as_str).collect();
    there.sort_unstable();
    there.dedup();
    if there.is_empty() || there.contains(&name.as_str()) {
        return Ok(name);
    }
    let (close, list) = (suggestion(&name, there.iter().copied()), there.join(", ").replace('_', "-"));
    Err(Error::Usage(format!("--metric {}: no run has this score{close}; there are {list}", shown(metric))))
}

/// The score of a run that is shown: its name and value.
fn score<'a>(run: &'a Listed, metric: Option<&'a str>) -> Option<(&'a str, f64)> {
    let name = metric.or_else(|| run.main_score())?;
    Some((name, *run.scores.get(name)?))
}

fn sort(runs: &mut [Listed], order: Order, metric: Option<&str>) {
    // The newest first, and of those of one time that of the higher number, whatever comes before.
    runs.sort_by(|a, b| b.made.cmp(&a.made).then_with(|| by_name(Path::new(&b.name), Path::new(&a.name))));
    let falling = |a: f64, b: f64| b.total_cmp(&a);
    let best = |a: &Listed, b: &Listed| match (score(a, metric), score(b, metric)) {
        (Some((name, a)), Some((other, b))) => {
            name.cmp(other).then_with(|| if is_loss(name) { a.total_cmp(&b) } else { falling(a, b) })
        }
        (a, b) => b.is_some().cmp(&a.is_some()),
    };
    match order {
        Order::Date => {}
        Order::Score => runs.sort_by(best),
        Order::Time => runs.sort_by(|a, b| falling(a.seconds.unwrap_or(-1.0), b.seconds.unwrap_or(-1.0))),
        Order::Name => runs.sort_by(|a, b| by_name(Path::new(&a.name), Path::new(&b.name))),
    }
}

/// A cell of a run's line, or the rest of it.
enum Cells {
    /// One for each column.
    Each([String; 6]),
    /// Its name, and what is wrong with it.
    Fault(String, String),
}

/// The list for a person, so many columns wide: names are cut in their middle where they would be wider.
fn text(runs: &[Listed], metric: Option<&str>, columns: usize, now: SystemTime) -> String {
    /// The least that a column is cut to: run, score, data, hidden, time, made.
    const LEAST: [usize; 6] = [16, usize::MAX, 8, 8, usize::MAX, usize::MAX];
    /// Which are cut first.
    const CUT: [usize; 3] = [2, 3, 0];
    let mut names: Vec<&str> = runs.iter().filter_map(|run| score(run, metric)).map(|(name, _)| name).collect();
    names.dedup();
    // The one score of all stands above them.
    let only = if let [only] = names[..] { Some(only) } else { None };
    let rows: Vec<Cells> = runs.iter().map(|run| cells(run, metric, only.is_some(), now)).collect();
    let headers = [
        "run".to_owned(),
        only.map_or("score".into(), called),
        "data".into(),
        "hidden".into(),
        "time".into(),
        "made".into(),
    ];
    let each = || rows.iter().filter_map(|cells| if let Cells::Each(cells) = cells { Some(cells) } else { None });
    let width = |text: &String| text.chars().count();
    let mut widths: [usize; 6] =
        std::array::from_fn(|column| each().chain([&headers]).map(|cells| width(&cells[column])).max().unwrap_or_default());
    for column in CUT {
        let over = (widths.iter().sum::<usize>() + 2 * (widths.len() - 1)).saturating_sub(columns);
        widths[column] -= over.min(widths[column].saturating_sub(LEAST[column]));
    }
    let line = |cells: &[String; 6]| {
        let padded = cells.iter().zip(widths).map(|(cell, width)| format!("{:<width$}", cut(cell, width)));
        padded.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let row = |cells: &Cells| match cells {
        Cells::Each(cells) => line(cells),
        Cells::Fault(name, what) => {
            let name = format!("{:<width$}", cut(name, widths[0]), width = widths[0]);
            let room = columns.saturating_sub(widths[0] + 2).max(LEAST[0]);
            // The beginning names the file.
            let end = what.char_indices().nth(room - 1).filter(|(end, last)| end + last.len_utf8() < what.len());
            format!("{name}  {}", end.map_or(what.clone(), |(end, _)| format!("{}…", &what[..end])))
        }
    };
    [line(&headers)].into_iter().chain(rows.iter().map(row)).collect::<Vec<_>>().join("\n")
}

fn cells(run: &Listed, metric: Option<&str>, is_named: bool, now: SystemTime) -> Cells {
    let name = printable(&run.name).into_owned();
    if let Some(fault) = &run.fault {
        return Cells::Fault(name, format!("damaged: {fault}"));
    }
    let hidden = run.hidden.as_ref().map(|hidden| match &hidden[..] {
        [] => "none".to_owned(),
        widths => widths.iter().map(u64::to_string).collect::<Vec<_>>().join(","),
    });
    let hidden = hidden.map_or(String::new(), |hidden| match run.ensemble {
        Some(members) => format!("{members} × {hidden}"),
        None => hidden,
    });
    let made = run.made.map_or(String::new(), |made| ago(made, now));
    let time = run.seconds.map_or(String::new(), time);
    let data = run.data.as_deref().map_or(String::new(), |data| printable(data).into_owned());
    Cells::Each([name, result(run, metric, is_named), data, hidden, time, made])
}

/// What a run came to, in words: its score, or why there is none.
fn result(run: &Listed, metric: Option<&str>, is_named: bool) -> String {
    let done = match (run.folds, run.of_folds, run.of_epochs) {
        (Some(folds), Some(of), _) => format!("{folds} of {of} folds"),
        (None, _, Some(of)) => format!("epoch {} of {of}", run.epochs),
        _ => format!("epoch {}", run.epochs),
    };
    let scored = score(run, metric).map(|(name, value)| {
        let number = |value: f64| if is_loss(name) { significant(value) } else { format!("{value:.4}") };
        let spread = run.deviations.get(name).map_or(String::new(), |spread| format!(" ± {}", number(*spread)));
        let name = if is_named { String::new() } else { called(name) + " " };
        format!("{name}{}{spread}", number(value))
    });
    let of_validation = if run.rows == Some(Scored::Validation) { " (validation)" } else { "" };
    match (run.state, scored) {
        (State::Running, _) => format!("running, {done}"),
        (State::Ended, None) if run.scores.is_empty() => "no test rows".into(),
        (State::Ended, None) => "–".into(),
        (State::Ended, Some(scored)) => scored + of_validation,
        (_, Some(scored)) if run.rows == Some(Scored::Test) => format!("{scored}, interrupted"),
        _ => format!("interrupted, {done}"),
    }
}

/// Seconds as a person says them.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 9.995 => format!("{s:.2} s"),
        s if s < 99.5 => format!("{s:.0} s"),
        s if s < 5970.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.0} h", s / 3600.0),
    }
}

/// How long ago something was, or its day, if that is longer than a week.
fn ago(made: SystemTime, now: SystemTime) -> String {
    let Ok(age) = now.duration_since(made) else { return utc(made)[..10].to_owned() };
    match age.as_secs() {
        s @ 0..=99 => format!("{s} s ago"),
        s @ 100..=5999 => format!("{} min ago", s / 60),
        s @ 6000..=172_799 => format!("{} h ago", s / 3600),
        s @ 172_800..=604_799 => format!("{} days ago", s / 86_400),
        _ => utc(made)[..10].to_owned(),
    }
}

/// A text of so many characters at most, what is too much left out of its middle.
fn cut(text: &str, width: usize) -> String {
    let characters: Vec<char> = text.chars().collect();
    if characters.len() <= width {
        return text.to_owned();
    }
    let kept = width.saturating_sub(1);
    let (first, last) = (kept.div_ceil(2), kept / 2);
    let end = &characters[characters.len() - last..];
    characters[..first].iter().chain(&['…']).chain(end).collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn run(name: &str, score: Option<(&str, f64)>, seconds: f64, made: u64) -> Listed {
        let made = Some(SystemTime::UNIX_EPOCH + Duration::from_secs(made));
        let scores = score.map(|(name, value)| (name.to_owned(), value)).into_iter().collect();
        let (rows, state) = (Some(Scored::Test), State::Ended);
        let hidden = Some(vec![128]);
        let data = Some("customers.csv".into());
        Listed { name: name.into(), data, hidden, rows, state, scores, seconds: Some(seconds), made, ..Listed::default() }
    }

    fn names(runs: &[Listed]) -> Vec<&str> {
        runs.iter().map(|run| run.name.as_str()).collect()
    }

    #[test]
    fn runs_are_sorted_by_what_is_asked_for() {
        let mut runs = vec![
            run("a-2", Some(("accuracy", 0.7)), 3.0, 10),
            run("a-10", Some(("accuracy", 0.9)), 1.0, 10),
            run("b-1", None, 2.0, 30),
            run("c-1", Some(("rmse", 5.0)), 9.0, 20),
            run("c-2", Some(("rmse", 4.0)), 9.0, 5),
        ];
        sort(&mut runs, Order::Date, None);
        assert_eq!(names(&runs), ["b-1", "c-1", "a-10", "a-2", "c-2"]);
        sort(&mut runs, Order::Score, None);
        assert_eq!(names(&runs)[..2], ["a-10", "a-2"]);
        sort(&mut runs, Order::Score, Some("rmse"));
        assert_eq!(names(&runs)[..2], ["c-2", "c-1"], "the lower error is the better one");
        sort(&mut runs, Order::Time, None);
        assert_eq!(names(&runs), ["c-1", "c-2", "a-2", "b-1", "a-10"]);
        sort(&mut runs, Order::Name, None);
        assert_eq!(names(&runs), ["a-2", "a-10", "b-1", "c-1", "c-2"]);
    }

    #[test]
    fn a_list_is_as_wide_as_the_terminal_at_most_and_names_keep_their_ends() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1000);
        let mut long = run("a-folder-with-a-long-name-of-its-own-17", Some(("accuracy", 0.5)), 0.12, 990);
        long.data = Some("/data/of/somebody/who/likes/folders/customers.csv".into());
        long.hidden = Some(vec![1024; 9]);
        let damaged = Listed { fault: Some("run.toml: ".to_owned() + &"x".repeat(200)), ..run("b", None, 0.0, 0) };
        let text = text(&[long, damaged, run("a-1", Some(("accuracy", 1.0)), 5.0, 1)], None, 80, now);
        assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("run ") && lines[0].contains("accuracy") && !lines[1].contains("accuracy"), "{text}");
        assert!(
            lines[1].contains("-own-17  0.5000") && lines[1].contains("csv  ") && lines[1].ends_with("10 s ago"),
            "{text}"
        );
        assert!(lines[2].starts_with("b  ") && lines[2].contains("damaged: run.toml: "), "{text}");
        assert!(lines[3].ends_with("5.00 s  16 min ago"), "{text}");
    }

    #[test]
    fn what_a_run_came_to_says_where_there_is_no_result() {
        let of = |run: &Listed| result(run, None, true);
        let mut listed = run("a", Some(("accuracy", 0.8125)), 1.0, 1);
        assert_eq!(of(&listed), "0.8125");
        assert_eq!(result(&listed, None, false), "accuracy 0.8125");
        assert_eq!(result(&listed, Some("auc"), false), "–");
        assert_eq!(of(&run("a", None, 1.0, 1)), "no test rows");
        listed.rows = Some(Scored::Validation);
        assert_eq!(of(&listed), "0.8125 (validation)");
        (listed.state, listed.epochs, listed.of_epochs) = (State::Interrupted, 3, Some(20));
        assert_eq!(of(&listed), "interrupted, epoch 3 of 20");
        listed.rows = Some(Scored::Test);
        assert_eq!(of(&listed), "0.8125, interrupted");
        listed.state = State::Running;
        assert_eq!(of(&listed), "running, epoch 3 of 20");
        (listed.folds, listed.of_folds) = (Some(2), Some(5));
        assert_eq!(of(&listed), "running, 2 of 5 folds");
        listed.state = State::Ended;
        listed.deviations.insert("accuracy".into(), 0.01);
        assert_eq!(of(&listed), "0.8125 ± 0.0100");
    }

    #[test]
    fn times_and_ages_are_said_in_one_unit() {
        assert_eq!([0.071, 9.994, 9.996, 150.0, 7200.0].map(time), ["0.07 s", "9.99 s", "10 s", "2 min", "2 h"]);
        let at = |seconds: u64| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let said = [1_000_000, 999_000, 900_000, 700_000, 1, 2_000_000].map(|made| ago(at(made), at(1_000_007)));
        assert_eq!(said, ["7 s ago", "16 min ago", "27 h ago", "3 days ago", "1970-01-01", "1970-01-24"]);
    }
}
