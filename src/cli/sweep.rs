//! `wgrad sweep`: many trainings side by side, to find the options that suit the data.

use std::path::PathBuf;
use std::sync::Mutex;
use std::time::Instant;

use clap::{Arg, Args, ColorChoice};
use serde_json::json;

use super::moving::{MovingLine, bar};
use super::naming::with_named_runs;
use super::print;
use super::progress::{called, time};
use super::signals::Signals;
use crate::columns::{COLUMNS, Table};
use crate::error::{Error, Result, counted, shown, typed, typed_path};
use crate::name;
use crate::page::figures;
use crate::report::sweep::{TrialEnding, TrialRecord};
use crate::sweep::{Overview, Request, Search, Shard, SweepReport, Watcher, begin, merge, plain, resume};
use crate::threads;
use crate::training::Options;

/// The arguments of `wgrad sweep`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    mut_args = as_in_a_sweep,
    after_help = "\
What --vary takes:
  hidden=32/64/64,32            one of these values, separated by slashes
  dropout=0..0.5                a number from 0 to 0.5
  learning-rate=1e-4..1e-1:log  a number, evenly spread in its logarithm
  batch-size=16..256:log2       a power of two
  weight-decay=1e-6..1e-2:log:5 five of these numbers

A sweep sets rows apart to judge by (--split 0.8/0.1/0.1), draws trials at
random and compares them by successive halving: after a tenth of the epochs,
and again after a quarter, the best quarter goes on and the others end. Each
trial counts with the epoch of its lowest validation loss. The folder holds
best/ (the best trial as a run), report.html, sweep.csv, trials.jsonl and
trial-N/run.toml, by which 'wgrad train --config' trains a trial again.

Examples:
  wgrad sweep digits
  wgrad sweep houses.csv --target price --vary hidden=32/64/64,32 \\
      --vary learning-rate=1e-4..1e-1:log
  wgrad sweep digits --vary optimizer=adam/sgd --search grid
  wgrad sweep --resume runs/digits-sweep-1 --trials 500
  wgrad predict runs/digits-sweep-1 new-rows.csv
  wgrad sweep --resume runs/digits-sweep-1 --ensemble 8"
)]
pub(super) struct SweepArguments {
    /// Vary an option of 'wgrad train', by its name in run.toml: KEY=A/B/C, KEY=FROM..TO, with :log or :log2 behind it (see below);
    /// several times for several options [default: learning-rate, weight-decay, hidden, dropout and batch-size, as suits the data]
    #[arg(long, value_name = "KEY=VALUES", help_heading = "Sweep")]
    vary: Vec<String>,
    /// How many networks to try [default: as many as take about a minute, 16 to 256]
    #[arg(long, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(1..=1_000_000), help_heading = "Sweep")]
    trials: Option<u32>,
    /// halving: drawn at random, most end early; random: drawn at random; grid: every point once [default: halving, or grid
    /// where there are fewer than 8 points]
    #[arg(long, value_name = "HOW", help_heading = "Sweep")]
    search: Option<Search>,
    /// What trials are judged by, on the validation rows: any metric of 'wgrad evaluate' [default: accuracy, or r2]
    #[arg(long, value_name = "METRIC", help_heading = "Sweep")]
    metric: Option<String>,
    /// Train part I of N of the trials, such as 3/8 on the third of eight machines (with --search random or grid); --merge puts the parts
    /// together
    #[arg(long, value_name = "I/N", help_heading = "Sweep")]
    shard: Option<Shard>,
    /// Continue a sweep that was interrupted: the result is the same, bit for bit. A larger --trials adds trials
    #[arg(long, value_name = "SWEEP", conflicts_with_all = ["vary", "search", "metric", "shard", "output"], help_heading = "Sweep")]
    resume: Option<PathBuf>,
    /// Put the trials of several --shard parts together in a new folder
    #[arg(
        long,
        value_name = "SWEEP",
        num_args = 1..,
        conflicts_with_all = ["vary", "search", "metric", "shard", "resume", "trials"],
        help_heading = "Sweep"
    )]
    merge: Vec<PathBuf>,
    #[command(flatten)]
    options: Options,

    /// Folder of the sweep; new or empty [default: runs/NAME-sweep-N]
    #[arg(short, long, value_name = "FOLDER", help_heading = "Output")]
    output: Option<PathBuf>,
    /// Set an option by its name in run.toml, as in learning-rate=0.01; wins over all others
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = "Output")]
    settings: Vec<String>,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// No progress on stderr; warnings stay
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

/// Adapts an option of `train` to `sweep`: hides it where a sweep refuses it, and gives it the help of a sweep where that differs.
fn as_in_a_sweep(option: Arg) -> Arg {
    match option.get_id().as_str() {
        "fold" | "finetune" | "new_output" | "stop_after" => option.hide(true),
        "ensemble" => option.help_heading("Sweep").help(
            "Also make one model of up to NUMBER of the best trials, which predicts the mean of what they predict: those that have the best one's network and do not lower the validation score. 'wgrad predict SWEEP' and the like then take it. Works with --resume and --merge, too",
        ),
        "data" => option.help("The data, as 'wgrad train' takes them, but for stdin and pipes, which can be read once"),
        "folds" => option.help(
            "Judge each trial by all folds: deal the rows that are not for testing out to so many folds, which take turns in judging",
        ),
        "split" => option.help(
            "Shares of training, validation and test rows [default: 0.8/0.1/0.1; 0.9/0.1/0 with --test, 0.9/0/0.1 with --validation or --folds]",
        ),
        _ => option,
    }
}

/// Sweeps.
pub(super) fn run(arguments: SweepArguments, _color: ColorChoice) -> Result<()> {
    let SweepArguments {
        vary,
        trials,
        search,
        metric,
        shard,
        resume: resumed,
        merge: merged,
        options,
        output,
        settings,
        json,
        quiet,
    } = arguments;
    let options = with_named_runs(Options::from_settings(&settings)?.and(&options), quiet)?;
    print::remarks(threads::begin(options.device.threads.map(usize::from))?.as_slice());
    options.refuse_idle(&options)?;
    let (watcher, trials) = (Terminal::new(quiet)?, trials.map(|trials| trials as usize));
    let swept = match resumed {
        None if !merged.is_empty() => {
            if (Options { ensemble: None, ..options.clone() }) != Options::default() {
                return Err(Error::Usage(
                    "--merge: a sweep's folders say what was trained; you can add --ensemble and -o only".into(),
                ));
            }
            merge(&merged, output.as_deref(), options.ensemble, &command(), &watcher)
        }
        Some(folder) => {
            let said = Options { max_time: None, ensemble: None, ..options.clone() };
            if said != Options::default() {
                return Err(Error::Usage(
                    "--resume continues a sweep with its own options; you can add --trials, --max-time and --ensemble only"
                        .into(),
                ));
            }
            resume(&folder, trials, &options, &command(), &watcher)
        }
        None => {
            let command = command();
            begin(&Request { options, vary, trials, search, metric, shard, output, command }, &watcher)
        }
    };
    watcher.finish();
    let report = swept?;
    if json {
        print::json("sweep", &told(&report))?;
    } else {
        print::line(text(&report))?;
    }
    report.signal.map_or(Ok(()), |signal| Err(Error::Interrupted(signal)))
}

/// The command line, as it can be typed again.
fn command() -> String {
    let words = std::env::args_os().skip(1).map(|word| typed(&name::text(&word)));
    std::iter::once("wgrad".to_owned()).chain(words).collect::<Vec<_>>().join(" ")
}

/// The report for programs.
fn told(report: &SweepReport) -> serde_json::Value {
    let trials: Vec<serde_json::Value> = report
        .ranked()
        .into_iter()
        .map(|trial| {
            json!({
                "trial": trial.trial, "options": trial.options, "ended": trial.ended, "epochs": trial.epochs,
                "best_epoch": trial.best_epoch, "score": trial.score, "validation_loss": trial.validation_loss,
            })
        })
        .collect();
    json!({
        "folder": report.folder.to_string_lossy(), "metric": report.account.metric, "search": report.account.search,
        "seconds": report.account.seconds, "is_whole": report.account.is_whole, "best": report.account.best,
        "ensemble": report.account.ensemble, "importance": report.account.importance, "run": report.best, "trials": trials,
    })
}

/// Trials that are shown on a terminal.
const SHOWN: usize = 10;

/// The report for a person.
fn text(report: &SweepReport) -> String {
    let account = &report.account;
    let (folder, ranked) = (typed_path(&report.folder), report.ranked());
    let mut lines = Vec::new();
    if !ranked.is_empty() {
        lines.push(table(report));
        let shares: Vec<String> =
            account.importance.iter().filter_map(|of| Some(format!("{} {:.0} %", of.key, 100.0 * of.share?))).collect();
        if !shares.is_empty() {
            lines.push(format!(
                "how much each option alone explains of the differences between trials: {}",
                shares.join(", ")
            ));
        }
    }
    if let Some(best) = &account.best {
        let name = called(&account.metric.replace('-', "_"));
        lines.push(format!("best: trial {}, validation {name} {}", best.trial, figures_of(best.score)));
        if let Some(test) = &best.test {
            // A metric that the line does not have.
            let others = !["accuracy", "balanced-accuracy", "log-loss", "r2", "rmse", "mae"].contains(&&*account.metric);
            let metric =
                best.test_score.filter(|_| others).map_or(String::new(), |score| format!("{name} {}, ", figures_of(score)));
            lines.push(format!("test rows, which nothing was chosen by: {metric}{test}"));
        }
        if let Some(together) = &account.ensemble {
            let score = together.score.map_or(String::new(), |score| format!(", validation {name} {}", figures_of(score)));
            let test = together.test.as_ref().map_or(String::new(), |test| format!("; test rows: {test}"));
            lines.push(format!("ensemble of {} trials{score}{test}", together.trials.len()));
        }
        if let Some(trial) = ranked.iter().find(|trial| trial.trial == best.trial)
            && matches!(trial.ended, TrialEnding::Unfinished | TrialEnding::Halving)
        {
            lines.push(format!("the best is unfinished: it was trained for {} only", counted(trial.epochs, "epoch")));
        }
    }
    let ended = ranked.iter().filter(|trial| trial.ended != TrialEnding::Unfinished).count();
    let left = account.trials.saturating_sub(ended);
    let end = match (report.signal, left) {
        (None, 0) if account.best.is_some() => {
            let saved = shown(&report.folder.to_string_lossy());
            if let Some(count) = account.proposed() {
                lines.push(format!(
                    "up to {count} of the best as one model, without those that lower the validation score: wgrad sweep --resume {folder} --ensemble {count}"
                ));
            }
            format!("saved in {saved}; next: wgrad predict {folder} DATA")
        }
        (None, 0) => format!("saved in {}; no trial has a score", shown(&report.folder.to_string_lossy())),
        (_, left) => {
            format!("{left} of {} trials are unfinished; to continue: wgrad sweep --resume {folder}", account.trials)
        }
    };
    lines.push(end);
    lines.join("\n")
}

/// A score in a few digits.
fn figures_of(score: f64) -> String {
    if score.abs() < 10.0 { format!("{score:.4}") } else { figures(score) }
}

/// The best trials, a line each.
fn table(report: &SweepReport) -> String {
    let account = &report.account;
    let name = called(&account.metric.replace('-', "_"));
    let keys: Vec<&str> = account.varied.iter().map(|option| &*option.key).collect();
    let heads: Vec<&str> =
        ["trial", &name].into_iter().chain(["val. loss", "best epoch", "epochs"]).chain(keys.iter().copied()).collect();
    let row = |trial: &&TrialRecord| {
        let start = [
            trial.trial.to_string(),
            trial.score.map_or("-".into(), figures_of),
            trial.validation_loss.map_or("-".into(), figures),
            trial.best_epoch.map_or("-".into(), |epoch| epoch.to_string()),
            trial.epochs.to_string(),
        ];
        start.into_iter().chain(keys.iter().map(|key| shown(&plain(trial.options.get(*key))))).collect::<Vec<String>>()
    };
    let ranked = report.ranked();
    let rows: Vec<Vec<String>> = ranked.iter().take(SHOWN).map(row).collect();
    Table::new(&heads, rows, 0).within(print::columns().unwrap_or(COLUMNS), &["val. loss", "best epoch"]).text()
}

/// Shows a sweep on a terminal; its threads tell it at once.
struct Terminal {
    quiet: bool,
    signals: Signals,
    state: Mutex<State>,
}

struct State {
    line: Option<MovingLine>,
    since: Instant,
    metric: String,
    best: Option<(usize, f64)>,
    ended: usize,
    trials: usize,
    told: Instant,
}

/// The longest silence where stderr is no terminal.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(10);

impl Terminal {
    fn new(quiet: bool) -> Result<Self> {
        let (since, told) = (Instant::now(), Instant::now());
        let state = State { line: None, since, metric: String::new(), best: None, ended: 0, trials: 0, told };
        Ok(Self { quiet, signals: Signals::listen()?, state: Mutex::new(state) })
    }

    fn with(&self, change: impl FnOnce(&mut State)) {
        change(&mut self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }

    /// Takes the moving line away.
    fn finish(&self) {
        self.with(|state| {
            if let Some(mut line) = state.line.take() {
                line.clear();
            }
        });
    }
}

impl State {
    /// What is told while a share of the work is done.
    fn text(&self, share: f64) -> String {
        let left = self.since.elapsed().as_secs_f64() * (1.0 - share) / share.max(1e-3);
        let left = if share > 0.01 { format!("  {} left", time(left)) } else { String::new() };
        let best = self
            .best
            .map_or(String::new(), |(trial, score)| format!("  best {} {} (trial {trial})", self.metric, figures_of(score)));
        format!("{} {:>3.0} %{left}  {} of {} ended{best}", bar(share, 20), 100.0 * share, self.ended, self.trials)
    }
}

impl Watcher for Terminal {
    fn begins(&self, overview: &Overview) -> Result<()> {
        let resume = format!("wgrad: ended at once; wgrad sweep --resume {} goes on", typed_path(&overview.folder));
        self.signals.say_before_the_end(&resume);
        self.with(|state| {
            state.metric = called(&overview.metric.replace('-', "_"));
            (state.trials, state.ended) = (overview.trials, overview.ended);
            state.since = Instant::now();
            state.line = if self.quiet { None } else { MovingLine::new() };
        });
        if self.quiet {
            return Ok(());
        }
        print::note(&overview.data);
        let chosen = if overview.is_usual { " (chosen for this data; --vary names others)" } else { "" };
        print::note(format_args!("varies {}{chosen}", overview.vary.join(" ")));
        let shapes = match overview.shapes {
            1 => String::new(),
            shapes => format!("; in {shapes} groups of networks of the same shape"),
        };
        let better = if overview.lower_is_better { "lower" } else { "higher" };
        let metric = called(&overview.metric.replace('-', "_"));
        print::note(format_args!("{}; judged by validation {metric} ({better} is better){shapes}", overview.search));
        print::note(format_args!("on {}", overview.device));
        print::note(format_args!("into {}", shown(&overview.folder.to_string_lossy())));
        if overview.ended > 0 {
            print::note(format_args!("{} of {} trials are done already", overview.ended, overview.trials));
        }
        Ok(())
    }

    fn progress(&self, done: f64, all: f64) {
        let share = (done / all).clamp(0.0, 1.0);
        self.with(|state| {
            if let Some(mut line) = state.line.take() {
                line.show(|| state.text(share));
                state.line = Some(line);
            } else if !self.quiet && state.told.elapsed() >= PATIENCE {
                state.told = Instant::now();
                print::note(state.text(share));
            }
        });
    }

    fn better(&self, trial: usize, score: f64) {
        self.with(|state| state.best = Some((trial, score)));
    }

    fn ended(&self, trials: usize) {
        self.with(|state| state.ended = trials);
    }

    fn remark(&self, remark: &str) {
        self.with(|state| {
            state.line.iter_mut().for_each(MovingLine::clear);
            print::remarks(&[remark.to_owned()]);
        });
    }

    fn signal(&self) -> Option<u8> {
        self.signals.came()
    }
}
