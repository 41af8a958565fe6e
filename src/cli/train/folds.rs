//! `wgrad train --folds`: a run for each fold, and their scores together.

use super::one::trained;
use crate::cli::progress::{Progress, called};
use crate::columns::{COLUMNS, Table, wrapped};
use crate::data;
use crate::error::{Error, Result, shown, typed_path};
use crate::files;
use crate::model::RunFolder;
use crate::training::run::sources::check_folds;
use crate::training::run::{Destination, FoldReport, FoldsReport, Observer, Options, Run, Score, run_name};

/// Trains for one fold after the other. Gives what those came to that were trained to their end, and what broke it off.
pub(super) fn run(options: &Options, destination: Destination, mut progress: Progress) -> Result<(FoldsReport, Result<()>)> {
    let folds = options.folds.unwrap_or_default();
    check_folds(options)?;
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
    let mut one = |number: usize| {
        let run = match ready.take() {
            Some(run) => run,
            None => of_fold(number)?,
        };
        progress.begin_fold(number, folds, &folder, run.trial.is_some());
        run.sources.remarks.iter().for_each(|remark| progress.remark(remark));
        let destination = Destination::New(Some(FoldsReport::folder_of(&folder, number)));
        let run = trained(run, destination, &mut progress)?;
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

/// The scores by how much they tell: where there is no room for all, the last ones are left to `folds.json`.
const TELLING: [&str; 12] = [
    "r2",
    "auc",
    "f1",
    "balanced_accuracy",
    "rmse",
    "log_loss",
    "mae",
    "accuracy",
    "average_precision",
    "recall",
    "precision",
    "macro_f1",
];

/// The report for a person: a line a fold, then means and deviations.
pub(super) fn text(report: &FoldsReport) -> String {
    let mut lines: Vec<String> = (!report.runs.is_empty()).then(|| table(report)).into_iter().collect();
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
            format!("saved in {folder}; compare the folds: wgrad report {runs}")
        }
    });
    lines.join("\n")
}

/// The scores of each fold, their means, and their standard deviations from fold to fold.
fn table(report: &FoldsReport) -> String {
    let headers: Vec<String> = report.scores.iter().map(|score| called(score.name)).collect();
    let columns: Vec<Vec<String>> = report.scores.iter().map(cells).collect();
    let epochs = report.runs.iter().map(|fold| fold.run.epoch.to_string()).chain([String::new(), String::new()]);
    let names = report.runs.iter().map(|fold| fold.fold.to_string()).chain(["mean".into(), "±".into()]);
    let has_deviations = report.scores.iter().any(|score| score.deviation.is_some());
    let names = names.take(report.runs.len() + 1 + usize::from(has_deviations));
    let rows = names.zip(epochs).enumerate().map(|(row, (name, epochs))| {
        let scores = columns.iter().map(|column| column[row].clone());
        std::iter::once(name).chain(scores).chain([epochs]).collect()
    });
    let all: Vec<&str> =
        std::iter::once("fold").chain(headers.iter().map(String::as_str)).chain(std::iter::once("epochs")).collect();
    // A score that is not in the list tells least.
    let rank = |score: &Score| TELLING.iter().position(|&name| name == score.name).unwrap_or(TELLING.len());
    let mut least: Vec<&Score> = report.scores.iter().collect();
    least.sort_by_key(|score| std::cmp::Reverse(rank(score)));
    let mut least: Vec<String> = least.into_iter().map(|score| called(score.name)).collect();
    // Some scores say less than how long each fold was trained.
    let less = report.scores.iter().filter(|score| rank(score) >= TELLING.len() - 4).count();
    least.insert(less, "epochs".into());
    let least: Vec<&str> = least.iter().map(String::as_str).collect();
    let table = Table::new(&all, rows.collect(), 0).within(COLUMNS, &least);
    let left_out: Vec<&str> = headers.iter().filter(|&header| !table.headers.contains(header)).map(String::as_str).collect();
    let mut text = table.text();
    if !left_out.is_empty() {
        let file = report.folder.join(FoldsReport::FILE);
        let more = format!("in {} also: {}", shown(&file.to_string_lossy()), left_out.join(", "));
        text += &format!("\n{}", wrapped(&more, COLUMNS));
    }
    text
}

/// A score of each fold, its mean and its deviation, with as many places as the first two digits of the deviation have.
fn cells(score: &Score) -> Vec<String> {
    let known = score.values.iter().flatten().copied().chain(score.mean);
    let magnitude = |value: f64| if value == 0.0 { 0 } else { value.abs().log10().floor() as i32 };
    let spread = score.deviation.filter(|&deviation| deviation > 0.0 && deviation.is_finite());
    // Without a deviation, or with a vanishing one, the largest number has four digits.
    let largest = known.map(f64::abs).filter(|value| value.is_finite()).fold(0.0, f64::max);
    let least = 3 - magnitude(largest);
    let places = spread.map_or(least, |spread| 1 - magnitude(spread)).min(least.max(0) + 4);
    let number = |value: Option<f64>| match value {
        None => "undefined".into(),
        Some(value) if magnitude(largest) >= 9 || places > 9 => format!("{value:.3e}"),
        Some(value) => format!("{value:.*}", places.max(0) as usize),
    };
    let deviation = score.deviation.map_or_else(String::new, |deviation| number(Some(deviation)));
    score.values.iter().copied().map(number).chain([number(score.mean), deviation]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[f64], mean: f64, deviation: Option<f64>) -> Vec<String> {
        let values = values.iter().copied().map(Some).collect();
        cells(&Score { name: "rmse", values, mean: Some(mean), deviation })
    }

    #[test]
    fn numbers_have_as_many_places_as_the_deviation_tells() {
        assert_eq!(of(&[0.91, 0.9345], 0.922_25, Some(0.015_738)), ["0.910", "0.934", "0.922", "0.016"]);
        assert_eq!(of(&[39_185.87, 41_006.7], 40_096.3, Some(1287.5)), ["39186", "41007", "40096", "1288"]);
        assert_eq!(of(&[2.5, 3.5], 3.0, Some(0.707)), ["2.50", "3.50", "3.00", "0.71"]);
    }

    #[test]
    fn without_a_deviation_four_digits_are_said_and_large_numbers_have_a_power() {
        assert_eq!(of(&[0.5], 0.5, None), ["0.5000", "0.5000", ""]);
        assert_eq!(of(&[1.0, 1.0], 1.0, Some(0.0)), ["1.000", "1.000", "1.000", "0.000"]);
        assert_eq!(of(&[1.25e12], 1.25e12, Some(3e10)), ["1.250e12", "1.250e12", "3.000e10"]);
        assert_eq!(of(&[1e-12], 1e-12, Some(2e-13)), ["1.000e-12", "1.000e-12", "2.000e-13"]);
        let undefined = cells(&Score { name: "r2", values: vec![Some(0.5), None], mean: None, deviation: None });
        assert_eq!(undefined, ["0.5000", "undefined", "undefined", ""]);
    }
}
