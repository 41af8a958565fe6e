//! `wgrad train`: options from flags and a file, a run, its report.

mod folds;
mod mending;
mod one;

use std::path::PathBuf;

use clap::{Args, ColorChoice};

use mending::mended;

use super::naming::{named, named_options, with_named_runs};
use super::progress::Progress;
use super::{plan, print};
use crate::data;
use crate::error::{Error, Result, counted, shown, typed_path};
use crate::evaluation::{Classification, Evaluation, significant};
use crate::model::{Named, RunFolder, is_sweep};
use crate::page::figures;
use crate::report::patience_for;
use crate::threads;
use crate::training::run::{Destination, Ending, Options, Run, RunReport};

/// The arguments of `wgrad train`.
#[derive(Debug, Args)]
#[command(
    args_override_self = true,
    after_help = "\
Examples:
  wgrad train digits
  wgrad train houses.csv --target price --hidden 64,32 --patience 20
  wgrad train train-images-idx3-ubyte --labels train-labels-idx1-ubyte \\
      --test t10k-images-idx3-ubyte --test-labels t10k-labels-idx1-ubyte
  wgrad train --config runs/digits-1/run.toml --seed 2
  wgrad train --resume runs/digits-1
  wgrad train wine --folds 5"
)]
pub(super) struct TrainArguments {
    #[command(flatten)]
    options: Options,

    /// Folder of the run; new or empty [default: runs/NAME-N]
    #[arg(short, long, value_name = "FOLDER", help_heading = "Output")]
    output: Option<PathBuf>,
    /// A file of options, or the run whose run.toml it is (latest: the newest); flags win over it
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    config: Option<PathBuf>,
    /// Set an option by its name in run.toml, as in learning-rate=0.01; wins over all others
    #[arg(long = "set", value_name = "KEY=VALUE", help_heading = "Output")]
    settings: Vec<String>,
    /// Go on with an interrupted run (latest: the newest), from its newest checkpoint, to the same bits; epochs, limits of time and
    /// patience, the device and the learning rate may be others
    #[arg(long, value_name = "RUN", conflicts_with_all = ["config", "output", "dry_run"], help_heading = "Output")]
    resume: Option<PathBuf>,
    /// Show what would be done: the plan, its buffers, the device, and about how long it takes, by some steps that are taken
    #[arg(long, help_heading = "Output")]
    dry_run: bool,
    /// Print one JSON object
    #[arg(long, help_heading = "Output")]
    json: bool,
    /// No progress on stderr; warnings stay
    #[arg(short, long, help_heading = "Output")]
    quiet: bool,
}

/// Trains.
pub(super) fn run(arguments: TrainArguments, color: ColorChoice) -> Result<()> {
    let quiet = arguments.quiet;
    let flags = with_named_runs(Options::from_settings(&arguments.settings)?.and(&arguments.options), quiet)?;
    let destination = match &arguments.resume {
        None => Destination::New(arguments.output),
        Some(run) if is_sweep(&Named::of(run)?.path) => {
            let sweep = typed_path(&Named::of(run)?.path);
            return Err(Error::Usage(format!("{sweep} is a sweep: 'wgrad sweep --resume {sweep}' goes on with it")));
        }
        Some(run) => Destination::Resumed(RunFolder::open(&named(run, quiet)?)?),
    };
    let file = match &destination {
        Destination::New(_) => arguments.config.map(|config| named_options(&config, quiet)).transpose()?,
        Destination::Resumed(folder) => Some(folder.run_toml()),
    };
    let options = match file {
        None => flags.clone(),
        Some(path) => {
            let mut file = with_named_runs(Options::from_toml(&path)?, quiet)?;
            // A run that goes on has its own data, wherever that is now.
            if let (Destination::Resumed(_), Some(data)) = (&destination, &flags.data) {
                file.data = Some(data.clone());
            }
            flags.over(&file)
        }
    };
    flags.refuse_idle(&options)?;
    let fewer_threads = threads::begin(options.device.threads.map(usize::from))?;
    print::remarks(fewer_threads.as_slice());
    if let (Destination::Resumed(folder), None, Some(data)) = (&destination, &flags.data, &options.data)
        && data::is_absent(data)
    {
        return Err(Error::Data(format!(
            "'{}', which {} was trained on, is not in this folder, from which it is looked for: go on where the run began, or name the \
             file: wgrad train FILE --resume {}",
            shown(data),
            shown(&folder.path().to_string_lossy()),
            typed_path(folder.path())
        )));
    }
    if let Destination::New(Some(path)) = &destination {
        RunFolder::check_new(path)?;
    }
    let json = arguments.json;
    // A run that goes on has the options that it began with.
    let is_new = matches!(destination, Destination::New(_));
    let mend = |error| if is_new { mended(error, &options) } else { error };
    if options.folds.is_some() && options.fold.is_none() && !arguments.dry_run {
        let (report, ended) = folds::run(&options, destination, Progress::new(quiet, color)).map_err(mend)?;
        if json {
            print::json("train", &report)?;
        } else {
            print::line(folds::text(&report))?;
        }
        return ended;
    }
    let mut ready = Run::new(&options).map_err(mend)?;
    if flags.device.device.is_none() && !options.device.is_auto() {
        ready.device = ready.device.as_before();
    }
    ready.notes.remarks.extend(fewer_threads);
    print::remarks(&ready.sources.remarks);
    if let (Some(trial), false) = (&ready.trial, quiet) {
        print::note(trial);
    }
    if arguments.dry_run {
        if let (Some(folds), None, false) = (options.folds, options.fold, quiet) {
            print::note(format_args!("the first of {folds} folds:"));
        }
        return plan::print(&ready, json);
    }
    let report = one::trained(ready, destination, &mut Progress::new(quiet, color)).map_err(mend)?;
    if json {
        print::json("train", &report)?;
    } else {
        print::line(text(&report, options.patience.is_some()))?;
    }
    report.ended()
}

/// That an earlier epoch than the one whose weights were saved had a clearly lower validation loss.
fn better_epoch(report: &RunReport) -> Option<String> {
    let best = report.curve.better_than_last().filter(|best| best.epoch < report.epoch)?;
    let (patience, loss) = (patience_for(best.epoch), figures(best.validation_loss?));
    Some(format!("epoch {} was better: validation loss {loss}; --patience {patience} keeps the best", best.epoch))
}

/// The report for a person.
fn text(report: &RunReport, has_patience: bool) -> String {
    let why = match report.ending {
        Ending::AllEpochs => String::new(),
        Ending::NoBetter { .. } => ", ended early".into(),
        Ending::StopAfter => ", ended by --stop-after".into(),
        Ending::Time => ", ended by --max-time".into(),
        Ending::Signal { .. } => ", ended by a signal".into(),
    } + &match report.resumed_at {
        Some(step) if step == report.steps => "; nothing was left to train".into(),
        Some(step) => format!("; went on from step {step}"),
        None => String::new(),
    };
    let epochs = report.last_epoch.as_ref().map_or(0, |record| record.epoch);
    let (folder, run) = (shown(&report.run.to_string_lossy()), typed_path(&report.run));
    let done = match report.ending {
        Ending::NoBetter { .. } => {
            let waited = epochs.saturating_sub(report.epoch);
            let epochs = counted(waited, "epoch");
            format!(
                "ended after {epochs} without a better loss; wgrad train --resume {run} --patience {} goes on",
                2 * waited
            )
        }
        Ending::StopAfter => {
            let more = 2 * epochs;
            format!(
                "{} were done, as --stop-after says; wgrad train --resume {run} --stop-after {more} goes on",
                counted(epochs, "epoch")
            )
        }
        _ => {
            let more = (2 * epochs).max(1);
            format!("all {epochs} epochs are done; wgrad train --resume {run} --epochs {more} goes on")
        }
    };
    let mut lines = vec![match report.was_done {
        true => format!("{folder}: {done}"),
        false => format!("trained {} ({} steps) in {:.2} s{why}", counted(epochs, "epoch"), report.steps, report.seconds),
    }];
    if let Some(record) = &report.kept_epoch {
        let what = match record.epoch == epochs {
            true => "last epoch".into(),
            false => format!("epoch {}, whose weights are saved", record.epoch),
        };
        let mut line = format!("{what}: loss {}", significant(record.loss));
        if let Some(loss) = record.validation_loss {
            line.push_str(&format!(", validation loss {}", significant(loss)));
        }
        if let Some(metric) = record.validation_metric {
            line.push_str(&format!(", validation {} {metric:.4}", record.metric));
        }
        lines.push(line);
    }
    lines.extend(better_epoch(report).filter(|_| !has_patience));
    if let Some(threshold) = &report.threshold {
        lines.push(threshold.to_string());
    }
    if let Some(test) = &report.test {
        let rows = report.data.test_rows;
        lines.push(format!("test, {}: {}", counted(rows, "row"), test.in_short()));
        if let Evaluation::Classification(Classification { of_two: Some(of_two), auc, .. }) = test {
            let others = [("AUC", *auc), ("average precision", of_two.average_precision)];
            let others = others.into_iter().filter_map(|(name, value)| Some(format!(", {name} {:.4}", value?)));
            lines.push(format!("  {of_two}{}", others.collect::<String>()));
        }
    }
    lines.push(match report.ending {
        Ending::Time | Ending::Signal { .. } => format!("saved in {folder}; next: wgrad train --resume {run}"),
        _ if report.test.is_none() => {
            format!("saved in {folder}; next: wgrad evaluate {run} DATA, wgrad predict {run} DATA")
        }
        _ => format!("saved in {folder}; next: wgrad evaluate {run}, wgrad predict {run} DATA"),
    });
    lines.join("\n")
}
