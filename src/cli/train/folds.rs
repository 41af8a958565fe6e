//! `wgrad train --folds`: a run for each fold, and their scores together.

use std::collections::HashSet;

use clap::ColorChoice;

use super::one::trained;
use crate::cli::print;
use crate::data;
use crate::error::{Error, Result, shown, typed_path};
use crate::files;
use crate::model::RunFolder;
use crate::training::run::run_name;
use crate::training::run::{Destination, FoldReport, FoldsReport, Options, Run, Score};

/// Trains for one fold after the other. Gives what those came to that were trained to their end, and what broke it off.
pub(super) fn run(
    options: &Options,
    destination: Destination,
    quiet: bool,
    color: ColorChoice,
) -> Result<(FoldsReport, Result<()>)> {
    let folds = options.folds.unwrap_or_default();
    if options.data.as_deref().is_some_and(|data| !data::is_there_again(data)) {
        return Err(Error::Usage(
            "--folds reads the data for each fold, and stdin or a pipe can be read once: name a file".into(),
        ));
    }
    let Destination::New(output) = destination else {
        return Err(Error::Usage("--resume goes on with one fold's run: name its folder, as in runs/wine-1/fold-2".into()));
    };
    let of_fold = |number: usize| Run::new(&Options { fold: Some(number), ..options.clone() });
    // What is refused is refused before there is a folder.
    let mut ready = Some(of_fold(1)?);
    let name = options.data.as_deref().map_or("folds".into(), run_name);
    let folder = RunFolder::create_for_several(output.as_deref(), &name)?;
    let mut said = HashSet::new();
    let mut one = |number: usize| {
        let run = match ready.take() {
            Some(run) => run,
            None => of_fold(number)?,
        };
        if !quiet {
            print::note(format_args!("fold {number} of {folds}"));
            run.trial.iter().for_each(print::note);
        }
        // What was said of an earlier fold is not said again.
        let new: Vec<String> = run.sources.remarks.iter().filter(|&remark| said.insert(remark.clone())).cloned().collect();
        print::remarks(&new);
        let destination = Destination::New(Some(FoldsReport::folder_of(&folder, number)));
        let run = trained(run, destination, quiet, color)?;
        run.ended()?;
        Ok(FoldReport { fold: number, run })
    };
    let (mut runs, mut ended) = (Vec::new(), Ok(()));
    for number in 1..=folds {
        match one(number) {
            Ok(run) => runs.push(run),
            Err(error) => {
                ended = Err(error);
                break;
            }
        }
    }
    if let (true, Err(error)) = (runs.is_empty(), ended.as_ref())
        && !matches!(error, Error::Interrupted(_))
    {
        // A folder without a run is nobody's.
        files::remove_folder(&folder);
        return Err(ended.expect_err("it was looked at"));
    }
    let interrupted = matches!(ended, Err(Error::Interrupted(_))).then_some(runs.len() + 1);
    let report = FoldsReport::new(folds, runs, interrupted, folder);
    report.save()?;
    Ok((report, ended))
}

/// The report for a person: a line a fold, then means and deviations.
pub(super) fn text(report: &FoldsReport) -> String {
    const WIDTH: usize = 20;
    let number = |value: Option<f64>| value.map_or("undefined".into(), |value| format!("{value:.4}"));
    let names = report.scores.iter().map(|score| format!("{:>WIDTH$}", score.name.replace('_', " ")));
    let mut lines = vec![format!("fold  {}  epoch", names.collect::<String>())];
    for (index, fold) in report.runs.iter().enumerate() {
        let values = report.scores.iter().map(|score| format!("{:>WIDTH$}", number(score.values[index])));
        lines.push(format!("{:>4}  {}  {:>5}", fold.fold, values.collect::<String>(), fold.run.epoch));
    }
    let spread = |score: &Score| match score.deviation {
        Some(deviation) => format!("{} ± {deviation:.4}", number(score.mean)),
        None => number(score.mean),
    };
    let all = report.scores.iter().map(|score| format!("{:>WIDTH$}", spread(score)));
    lines.push(format!("mean  {}", all.collect::<String>()));
    let folder = shown(&report.folder.to_string_lossy());
    lines.push(match report.interrupted {
        Some(fold) => {
            let run = FoldsReport::folder_of(&report.folder, fold);
            let run = typed_path(&run);
            format!(
                "ended by a signal in fold {fold} of {}, whose run goes on with: wgrad train --resume {run}",
                report.folds
            )
        }
        None if report.runs.len() < report.folds => {
            format!("broken off in fold {} of {}", report.runs.len() + 1, report.folds)
        }
        None => {
            let runs = typed_path(&report.folder);
            format!("saved in {folder}; compare the runs: wgrad report {runs}/fold-*")
        }
    });
    lines.join("\n")
}
