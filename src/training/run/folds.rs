//! Cross-validation: what the runs of all folds come to together.

use std::path::{Path, PathBuf};

use serde::Serialize;

use super::report::RunReport;
use crate::error::{Error, Result};
use crate::evaluation::Evaluation;
use crate::files::{self, Place};

/// What a cross-validation came to.
#[derive(Debug, Clone, Serialize)]
pub struct FoldsReport {
    /// Folds that the rows were dealt out to.
    pub folds: usize,
    /// The folds that were trained for; fewer than there are, where it was broken off.
    pub runs: Vec<FoldReport>,
    /// The fold that a signal broke off, whose run is no part of the scores.
    pub interrupted: Option<usize>,
    /// Each score over these folds.
    pub scores: Vec<Score>,
    /// The folder of the runs' folders.
    #[serde(serialize_with = "crate::name::serialize_shown")]
    pub folder: PathBuf,
}

/// What the run of one fold came to.
#[derive(Debug, Clone, Serialize)]
pub struct FoldReport {
    /// Which fold, from 1.
    pub fold: usize,
    /// The run.
    #[serde(flatten)]
    pub run: RunReport,
}

/// One score of a model's answers, over folds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// Its name, as in an evaluation.
    pub name: &'static str,
    /// Of each fold; none where it is not defined.
    pub values: Vec<Option<f64>>,
    /// Its mean; none where it is not defined in a fold.
    pub mean: Option<f64>,
    /// Its standard deviation from fold to fold, with one degree of freedom less than folds; none of a single one.
    pub deviation: Option<f64>,
}

impl FoldsReport {
    /// The file of the scores, in the folder of the runs' folders.
    pub const FILE: &'static str = files::run::FOLDS;

    /// The report of some runs.
    pub fn new(folds: usize, runs: Vec<FoldReport>, interrupted: Option<usize>, folder: PathBuf) -> Self {
        let of_runs: Vec<_> = runs.iter().map(|fold| scores(fold.run.test.as_ref())).collect();
        let mut names = Vec::new();
        for &(name, _) in of_runs.iter().flatten() {
            if !names.contains(&name) {
                names.push(name);
            }
        }
        let value =
            |scores: &[(&str, Option<f64>)], name| scores.iter().find(|score| score.0 == name).and_then(|score| score.1);
        let score = |name| Score::new(name, of_runs.iter().map(|scores| value(scores, name)).collect());
        let scores = names.into_iter().map(score).collect();
        Self { folds, runs, interrupted, scores, folder }
    }

    /// Saves the scores beside the runs.
    ///
    /// # Errors
    /// Internal, if the system refuses.
    pub fn save(&self) -> Result<()> {
        #[derive(Serialize)]
        struct Saved<'a> {
            folds: usize,
            trained: Vec<usize>,
            interrupted: Option<usize>,
            scores: &'a [Score],
        }
        let trained = self.runs.iter().map(|fold| fold.fold).collect();
        let saved = Saved { folds: self.folds, trained, interrupted: self.interrupted, scores: &self.scores };
        let text = serde_json::to_string_pretty(&saved)
            .map_err(|error| Error::Internal(format!("the scores are no JSON: {error}")))?;
        Place::own(&self.folder.join(Self::FILE)).save_bytes((text + "\n").as_bytes(), |_| Ok(()))
    }

    /// The folder of one fold's run.
    pub fn folder_of(folder: &Path, fold: usize) -> PathBuf {
        files::run::fold(folder, fold)
    }
}

impl Score {
    fn new(name: &'static str, values: Vec<Option<f64>>) -> Self {
        let known: Option<Vec<f64>> = values.iter().copied().collect();
        let known = known.filter(|known| !known.is_empty());
        let mean = known.as_ref().map(|known| known.iter().sum::<f64>() / known.len() as f64);
        let spread = |known: &Vec<f64>, mean: f64| {
            let squares: f64 = known.iter().map(|value| (value - mean).powi(2)).sum();
            (known.len() > 1).then(|| (squares / (known.len() - 1) as f64).sqrt())
        };
        let deviation = known.as_ref().zip(mean).and_then(|(known, mean)| spread(known, mean));
        Self { name, values, mean, deviation }
    }
}

/// The scores of an evaluation that are worth an average.
pub fn scores(test: Option<&Evaluation>) -> Vec<(&'static str, Option<f64>)> {
    match test {
        None => Vec::new(),
        Some(Evaluation::Classification(scores)) => vec![
            ("accuracy", Some(scores.accuracy)),
            ("balanced_accuracy", Some(scores.balanced_accuracy)),
            ("macro_f1", Some(scores.macro_f1)),
            ("log_loss", Some(scores.log_loss)),
        ]
        .into_iter()
        .chain((scores.classes.len() == 2).then_some(("auc", scores.auc)))
        .chain(scores.of_two.iter().flat_map(|two| {
            [("precision", two.precision), ("recall", two.recall), ("f1", two.f1)]
                .map(|(name, value)| (name, Some(value)))
                .into_iter()
                .chain([("average_precision", two.average_precision)])
        }))
        .collect(),
        Some(Evaluation::Regression(scores)) => {
            vec![("r2", scores.r2), ("rmse", Some(scores.rmse)), ("mae", Some(scores.mae))]
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// numpy's mean and std with ddof=1.
    #[test]
    fn means_and_deviations_are_those_of_the_values() {
        let score = Score::new("accuracy", [0.9, 1.0, 0.8, 0.95].map(Some).to_vec());
        assert!((score.mean.expect("a mean") - 0.9125).abs() < 1e-15);
        assert!((score.deviation.expect("a deviation") - 0.085_391_256_382_996_66).abs() < 1e-15);
        let single = Score::new("r2", vec![Some(0.5)]);
        assert_eq!((single.mean, single.deviation), (Some(0.5), None));
        let open = Score::new("r2", vec![Some(0.5), None]);
        assert_eq!((open.mean, open.deviation), (None, None));
    }
}
