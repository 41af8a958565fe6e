//! The files of a sweep: a line of `trials.jsonl` for each trial that has ended, and `sweep.json` for all of them.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result, shown};
use crate::files::{
    self,
    run::{OPTIONS_BYTES, TRIALS_BYTES},
};

/// What a trial came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialRecord {
    /// Its number, from 1.
    pub trial: usize,
    /// Which fold its rows are of, from 1, where each trial is trained on several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fold: Option<usize>,
    /// The options that vary, as they are in `run.toml`.
    pub options: Map<String, Value>,
    /// Why it ended.
    pub ended: TrialEnding,
    /// Whole epochs that it was trained for.
    pub epochs: usize,
    /// The epoch with the lowest validation loss; none if there was no whole epoch.
    pub best_epoch: Option<usize>,
    /// The metric of that epoch; none where it is not defined.
    pub score: Option<f64>,
    /// The mean validation loss of that epoch.
    pub validation_loss: Option<f64>,
    /// Of all folds together: the standard deviation of their scores, with one degree of freedom less than folds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deviation: Option<f64>,
    /// CRC-32 of that epoch's weights, layer by layer: those of a layer, inputs × outputs, then its biases, in the sweep's precision.
    pub weights: Option<String>,
    /// Its epochs.
    pub curve: Curve,
}

/// Why a trial ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrialEnding {
    /// All of its epochs were done.
    AllEpochs,
    /// Others were better after as many epochs.
    Halving,
    /// The validation loss had not become lower for as many epochs as `--patience` says.
    Patience,
    /// A loss was no longer finite.
    Diverged,
    /// The sweep was ended before, by its time or by a signal; `--resume` goes on with it.
    Unfinished,
}

/// The epochs of a trial, from the first.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Curve {
    /// The mean loss of a training row.
    pub loss: Vec<f64>,
    /// The mean loss of a validation row.
    pub validation_loss: Vec<f64>,
    /// The metric over the validation rows.
    pub score: Vec<Option<f64>>,
}

/// An option that varies.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Varied {
    /// Its name in `run.toml`.
    pub key: String,
    /// As it was written: `learning-rate=1e-4..1e-1:log`.
    pub text: String,
    /// Whether it is numbers of a range, and not one of a list.
    pub is_range: bool,
    /// Whether these are spread evenly in their logarithms.
    pub is_log: bool,
}

/// The best trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Best {
    /// Its number.
    pub trial: usize,
    /// The metric of its best epoch over the validation rows.
    pub score: f64,
    /// The same over the test rows, which nothing was chosen by; none without test rows.
    pub test_score: Option<f64>,
    /// The scores of the test rows, in a line.
    pub test: Option<String>,
}

/// The best trials as one model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Ensemble {
    /// Their numbers, the best one first.
    pub trials: Vec<usize>,
    /// The metric of their mean over the validation rows; none with folds, on whose rows all of them were trained.
    pub score: Option<f64>,
    /// The same over the test rows; none without test rows.
    pub test_score: Option<f64>,
    /// The scores of the test rows, in a line.
    pub test: Option<String>,
}

/// How much one option mattered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Importance {
    /// The option.
    pub key: String,
    /// The share of the differences between trials that it explains alone, from 0 to 1; none where there are too few trials
    /// to tell.
    pub share: Option<f64>,
}

/// A sweep as a whole: `sweep.json`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SweepAccount {
    /// The version of wgrad.
    pub wgrad: String,
    /// The data, as the user named it.
    pub source: String,
    /// `classification` or `regression`.
    pub task: String,
    /// What trials are judged by.
    pub metric: String,
    /// Whether less of it is better.
    pub lower_is_better: bool,
    /// `random`, `grid` or `halving`.
    pub search: String,
    /// The options that vary.
    pub varied: Vec<Varied>,
    /// Trials that there are to be.
    pub trials: usize,
    /// With halving: the epochs after which the worse trials end.
    pub rungs: Vec<usize>,
    /// Folds that each trial is trained for, 1 without.
    #[serde(default = "one")]
    pub folds: usize,
    /// Rows to train on, to judge by and to test with; of the first fold, where there are some.
    pub rows: [usize; 3],
    /// What computed.
    pub device: String,
    /// Seconds that the sweep took.
    pub seconds: f64,
    /// Whether all trials have ended.
    pub is_whole: bool,
    /// The best trial, once there is one.
    pub best: Option<Best>,
    /// The best trials together, if they were asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ensemble: Option<Ensemble>,
    /// How many trials have the best one's network, where the user can ask for an ensemble of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alike: Option<usize>,
    /// How much each option mattered, the most first.
    pub importance: Vec<Importance>,
    /// Its folder, as it is named where the sweep began.
    #[serde(default)]
    pub folder: String,
    /// The commands that made it.
    pub commands: Vec<String>,
    /// What was remarked on the way.
    pub remarks: Vec<String>,
}

fn one() -> usize {
    1
}

impl SweepAccount {
    /// How many of the best trials wgrad proposes to make one model of; none where it proposes nothing.
    pub fn proposed(&self) -> Option<usize> {
        const MOST: usize = 8;
        self.alike.map(|alike| alike.min(MOST))
    }

    /// Reads `sweep.json`.
    ///
    /// # Errors
    /// Model, naming the file and what is wrong with it.
    pub fn read(path: &Path) -> Result<Self> {
        let text = files::text(path, OPTIONS_BYTES)?;
        let damaged = |error| Error::Model(format!("{}: is damaged: {error}", shown(&path.to_string_lossy())));
        serde_json::from_str(&text).map_err(damaged)
    }
}

impl TrialRecord {
    /// Reads `trials.jsonl`, by number; a last line that was cut short is left out.
    ///
    /// # Errors
    /// Model, naming the file and line.
    pub fn read_all(path: &Path) -> Result<Vec<Self>> {
        if !path.exists() {
            return Ok(Vec::new());
        }
        let text = files::text(path, TRIALS_BYTES)?;
        let whole = text.rfind('\n').map_or("", |end| &text[..end]);
        let line = |(number, line): (usize, &str)| {
            serde_json::from_str(line).map_err(|error| {
                let name = shown(&path.to_string_lossy());
                Error::Model(format!("{name}, line {}: is damaged: {error}", number + 1))
            })
        };
        let lines = whole.lines().enumerate().filter(|(_, text)| !text.is_empty());
        let mut records = lines.map(line).collect::<Result<Vec<Self>>>()?;
        // Of a trial that went on the last line counts.
        records.reverse();
        let mut seen = std::collections::HashSet::new();
        records.retain(|record| seen.insert((record.trial, record.fold)));
        records.sort_by_key(|record| (record.trial, record.fold));
        Ok(records)
    }

    /// The records of all folds of each trial as one: means of what they came to.
    pub fn together(records: &[Self]) -> Vec<Self> {
        records.chunk_by(|one, next| one.trial == next.trial).map(Self::of_folds).collect()
    }

    /// The records of one trial's folds as one.
    fn of_folds(folds: &[Self]) -> Self {
        if let [one] = folds {
            return Self { fold: None, ..one.clone() };
        }
        let count = folds.len() as f64;
        let mean = |of: &dyn Fn(&Self) -> Option<f64>| folds.iter().map(of).sum::<Option<f64>>().map(|sum| sum / count);
        let score = mean(&|fold| fold.score);
        let deviation = score.map(|mean| {
            let squares: f64 = folds.iter().filter_map(|fold| fold.score).map(|score| (score - mean).powi(2)).sum();
            (squares / (count - 1.0)).sqrt()
        });
        // What one of them came to that others did not: it tells most.
        let endings = [TrialEnding::Unfinished, TrialEnding::Diverged, TrialEnding::Halving, TrialEnding::Patience];
        let ended = endings.into_iter().find(|ending| folds.iter().any(|fold| fold.ended == *ending));
        let epochs = folds.iter().map(|fold| fold.curve.loss.len()).min().unwrap_or(0);
        let of_epochs = |of: &dyn Fn(&Self, usize) -> Option<f64>| -> Vec<Option<f64>> {
            (0..epochs).map(|epoch| mean(&|fold| of(fold, epoch))).collect()
        };
        let known = |values: Vec<Option<f64>>| values.into_iter().map(Option::unwrap_or_default).collect();
        Self {
            fold: None,
            ended: ended.unwrap_or(TrialEnding::AllEpochs),
            epochs: folds.iter().map(|fold| fold.epochs).max().unwrap_or(0),
            best_epoch: mean(&|fold| fold.best_epoch.map(|epoch| epoch as f64)).map(|epoch| epoch.round() as usize),
            score,
            deviation,
            validation_loss: mean(&|fold| fold.validation_loss),
            weights: None,
            curve: Curve {
                loss: known(of_epochs(&|fold, epoch| Some(fold.curve.loss[epoch]))),
                validation_loss: known(of_epochs(&|fold, epoch| Some(fold.curve.validation_loss[epoch]))),
                score: of_epochs(&|fold, epoch| fold.curve.score[epoch]),
            },
            ..folds[0].clone()
        }
    }
}
