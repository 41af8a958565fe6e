//! What a sweep came to: its best trial, its table and its page.

use std::collections::HashMap;
use std::path::PathBuf;

use serde_json::Value;

use super::halving::{Standing, ranked};
use super::watcher::Watcher;
use super::winner;
use crate::error::{Error, Result};
use crate::evaluation::Evaluation;
use crate::files::{Place, run};
use crate::report::sweep::{Best, SweepAccount, SweepPage, TrialEnding, TrialRecord};
use crate::training::run::RunReport;

/// What a sweep came to.
#[derive(Debug)]
pub struct SweepReport {
    /// The sweep as a whole.
    pub account: SweepAccount,
    /// Every trial.
    pub trials: Vec<TrialRecord>,
    /// The best trial's run; none if there is none, or if a signal came before.
    pub best: Option<RunReport>,
    /// The sweep's folder.
    pub folder: PathBuf,
    /// The signal that ended it.
    pub signal: Option<u8>,
}

impl SweepReport {
    /// The best trial.
    pub fn best_trial(&self) -> Option<&TrialRecord> {
        self.best_trials().first().copied()
    }

    /// The trials that can be the best, the best one first: those that were trained to their end, if there are some.
    pub(super) fn best_trials(&self) -> Vec<&TrialRecord> {
        let is_whole = |record: &&TrialRecord| matches!(record.ended, TrialEnding::AllEpochs | TrialEnding::Patience);
        let scored: Vec<&TrialRecord> = self.trials.iter().filter(|record| record.score.is_some()).collect();
        let whole: Vec<&TrialRecord> = scored.iter().copied().filter(is_whole).collect();
        let candidates = if whole.is_empty() { scored } else { whole };
        let of = |record: &&TrialRecord| Standing { trial: record.trial, score: record.score, loss: record.validation_loss };
        let order = ranked(candidates.iter().map(of).collect(), self.account.lower_is_better);
        order.iter().filter_map(|trial| candidates.iter().find(|record| record.trial == *trial).copied()).collect()
    }

    /// The trials that are good enough for an ensemble, the best one first: those that halving kept, or else the better half of those
    /// that were trained to their end.
    pub(super) fn good_trials(&self) -> Vec<&TrialRecord> {
        let mut good = self.best_trials();
        if self.account.rungs.is_empty() {
            good.truncate(good.len().div_ceil(2));
        }
        good
    }

    /// The trials that halving ended, the best one first.
    pub(super) fn ended_trials(&self) -> Vec<&TrialRecord> {
        let is_ended = |record: &&TrialRecord| record.ended == TrialEnding::Halving && record.score.is_some();
        self.ranked().into_iter().filter(is_ended).collect()
    }

    /// The trials from the best to the worst.
    pub fn ranked(&self) -> Vec<&TrialRecord> {
        let of = |record: &TrialRecord| Standing { trial: record.trial, score: record.score, loss: record.validation_loss };
        let order = ranked(self.trials.iter().map(of).collect(), self.account.lower_is_better);
        let by_number: HashMap<usize, &TrialRecord> = self.trials.iter().map(|record| (record.trial, record)).collect();
        order.iter().map(|trial| by_number[trial]).collect()
    }

    /// Notes the best trial, and holds its run to what it came to among the others, here or, before it went on, elsewhere.
    pub(super) fn note_best(&mut self, is_of_here: bool, watcher: &dyn Watcher) -> Result<()> {
        let (Some(record), Some(run)) = (self.best_trial(), &self.best) else { return Ok(()) };
        let trained = winner::checksum(&run.run)?;
        // That of several folds is trained on all of their rows.
        if let Err(fault) = winner::check_weights(record, &trained) {
            if is_of_here {
                return Err(fault);
            }
            watcher.remark(&format!(
                "trial {} comes out with other weights than before: the device rounds otherwise, or a file that it starts from has changed",
                record.trial
            ));
        }
        let metric = &self.account.metric;
        self.account.best = Some(Best {
            trial: record.trial,
            score: record.score.unwrap_or(f64::NAN),
            test_score: run.test.as_ref().and_then(|test| test.metric(metric)),
            test: run.test.as_ref().map(Evaluation::in_short),
        });
        Ok(())
    }

    /// Writes `sweep.csv`: a line a trial, the best first.
    pub(super) fn save_table(&self) -> Result<()> {
        let failed = |error: csv::Error| Error::Internal(format!("the table of trials: {error}"));
        let mut table = csv::Writer::from_writer(Vec::new());
        let keys: Vec<&str> = self.account.varied.iter().map(|option| &*option.key).collect();
        let ends = ["ended", "epochs", "best_epoch", &self.account.metric, "deviation", "validation_loss"];
        let ends: Vec<&str> = ends.into_iter().filter(|end| *end != "deviation" || self.account.folds > 1).collect();
        table.write_record(["trial"].iter().chain(&keys).chain(&ends)).map_err(failed)?;
        let number = |value: Option<f64>| value.map_or(String::new(), |value| value.to_string());
        for record in self.ranked() {
            let options = keys.iter().map(|key| plain(record.options.get(*key)));
            let ended = serde_json::to_value(record.ended).ok();
            let ends = [
                plain(ended.as_ref()),
                record.epochs.to_string(),
                record.best_epoch.map_or(String::new(), |epoch| epoch.to_string()),
                number(record.score),
            ];
            let deviation = (self.account.folds > 1).then(|| number(record.deviation));
            let ends = ends.into_iter().chain(deviation).chain([number(record.validation_loss)]);
            table.write_record([record.trial.to_string()].into_iter().chain(options).chain(ends)).map_err(failed)?;
        }
        let bytes = table.into_inner().map_err(|error| Error::Internal(format!("the table of trials: {error}")))?;
        Place::own(&self.folder.join(run::SWEEP_TABLE)).save_bytes(&bytes, |_| Ok(()))
    }

    /// Writes the page.
    pub(super) fn show(&self) -> Result<()> {
        SweepPage::read(&self.folder)?.save(&Place::own(&self.folder.join(run::REPORT)))
    }

    /// Writes `sweep.json`.
    pub(super) fn save(&self) -> Result<()> {
        let json = serde_json::to_string_pretty(&self.account);
        let json = json.map_err(|error| Error::Internal(format!("the sweep is no JSON: {error}")))?;
        Place::own(&self.folder.join(run::SWEEP)).save_bytes((json + "\n").as_bytes(), |_| Ok(()))
    }
}

/// A value of an option as plain text: lists with commas.
pub fn plain(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Array(values)) if values.is_empty() => "none".into(),
        Some(Value::Array(values)) => values.iter().map(|value| plain(Some(value))).collect::<Vec<_>>().join(","),
        Some(other) => other.to_string(),
    }
}
