//! The folder of a sweep: what was asked for, a line a trial, and the states of trials that are under way.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::training::{Best, Live};
use super::trial::{Shape, Trial};
use crate::error::{Error, Result, shown};
use crate::files::{self, Place, run};
use crate::model::{Checkpoint, CheckpointFile, RunFolder, SavedMember};
use crate::report::sweep::{Curve, TrialRecord};
use crate::training::session::schedule::Plateau;
use crate::training::session::{LossScale, Member, Precision};

/// The version of the files of states.
const FORMAT: u64 = 2;
/// The folder of the states.
const STATES: &str = "states";

/// A sweep's folder, locked for as long as this value lives.
pub(super) struct SweepFolder {
    folder: RunFolder,
    trials: File,
    /// The file of each state that is there, by its trials.
    states: HashMap<PathBuf, Vec<usize>>,
}

/// Everything of a file of states but the tensors.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u64,
    steps: u64,
    epoch: usize,
    trials: Vec<OfTrial>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct OfTrial {
    trial: usize,
    curve: Curve,
    plateau: Plateau,
    drops: Vec<u64>,
    best: Option<(usize, f64)>,
    loss_scale: Option<LossScale>,
}

impl SweepFolder {
    /// The folder of a new sweep.
    ///
    /// # Errors
    /// As [`RunFolder::create`].
    pub(super) fn create(path: Option<&Path>, name: &str) -> Result<Self> {
        let folder = RunFolder::create(path, name)?;
        let trials = files::append(&folder.path().join(run::TRIALS))?;
        Ok(Self { folder, trials, states: HashMap::new() })
    }

    /// The folder of a sweep that goes on: a line of `trials.jsonl` that was cut short is taken away.
    ///
    /// # Errors
    /// Usage, if there is no sweep or another wgrad works in it.
    pub(super) fn open(path: &Path) -> Result<Self> {
        let name = shown(&path.to_string_lossy());
        if !path.join(run::SWEEP_OPTIONS).is_file() {
            return Err(Error::Usage(format!(
                "{name}: holds no sweep (no {}); name the folder that 'wgrad sweep' wrote",
                run::SWEEP_OPTIONS
            )));
        }
        let folder = RunFolder::open_sweep(path)?;
        let place = path.join(run::TRIALS);
        let records = TrialRecord::read_all(&place)?;
        let trials = files::append(&place)?;
        let mut opened = Self { folder, trials, states: HashMap::new() };
        if opened.is_cut_short()? {
            opened.rewrite(&records)?;
        }
        Ok(opened)
    }

    /// The folder itself.
    pub(super) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Removes what a sweep that came to nothing has left.
    pub(super) fn discard(&self) {
        for name in [run::TRIALS, run::SWEEP_OPTIONS] {
            drop(files::remove(&self.path().join(name)));
        }
        self.folder.discard();
    }

    /// Whether the last line of `trials.jsonl` has no end.
    fn is_cut_short(&self) -> Result<bool> {
        let text = files::text(&self.path().join(run::TRIALS), run::TRIALS_BYTES)?;
        Ok(!text.is_empty() && !text.ends_with('\n'))
    }

    /// Writes `trials.jsonl` anew.
    fn rewrite(&mut self, records: &[TrialRecord]) -> Result<()> {
        let mut bytes = Vec::new();
        for record in records {
            bytes.extend(line(record)?);
        }
        let path = self.path().join(run::TRIALS);
        Place::own(&path).save_bytes(&bytes, |_| Ok(()))?;
        self.trials = files::append(&path)?;
        Ok(())
    }

    /// The trials that have ended.
    pub(super) fn records(&self) -> Result<Vec<TrialRecord>> {
        TrialRecord::read_all(&self.path().join(run::TRIALS))
    }

    /// Whether nothing was trained yet that could go on.
    pub(super) fn is_blank(&self) -> Result<bool> {
        Ok(self.states.is_empty() && self.records()?.is_empty())
    }

    /// Adds trials that have ended, and what trains each of them again.
    pub(super) fn ended(&mut self, ended: &[(&TrialRecord, &Trial)]) -> Result<()> {
        let mut bytes = Vec::new();
        for (record, trial) in ended {
            self.write_options(trial, record.epochs)?;
            bytes.extend(line(record)?);
        }
        let path = self.path().join(run::TRIALS);
        self.trials.write_all(&bytes).map_err(|error| Error::writing(&path, &error))
    }

    /// Takes over the trials that have ended in another folder.
    pub(super) fn take_over(&mut self, other: &Self) -> Result<()> {
        let mut bytes = Vec::new();
        for record in other.records()? {
            let folder = of_trial(other.path(), record.trial, record.fold);
            let text = files::text(&folder.join(run::OPTIONS), run::OPTIONS_BYTES)?;
            self.write_text(record.trial, record.fold, &text)?;
            bytes.extend(line(&record)?);
        }
        let path = self.path().join(run::TRIALS);
        self.trials.write_all(&bytes).map_err(|error| Error::writing(&path, &error))
    }

    /// Writes the options that train a trial again, up to so many epochs.
    pub(super) fn write_options(&self, trial: &Trial, epochs: usize) -> Result<()> {
        self.write_text(trial.number, trial.fold, &trial.again(epochs).to_toml())
    }

    /// Writes the text of a trial's options.
    fn write_text(&self, trial: usize, fold: Option<usize>, text: &str) -> Result<()> {
        let folder = of_trial(self.path(), trial, fold);
        files::folder(&folder).map_err(|error| Error::writing(&folder, &error))?;
        let path = folder.join(run::OPTIONS);
        // Nearly always there is none yet, and thousands of files need no other ones on the way.
        match files::append_new(&path).and_then(|mut file| file.write_all(text.as_bytes())) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                Place::own(&path).save_without_waiting(text.as_bytes())
            }
            Err(error) => Err(Error::writing(&path, &error)),
        }
    }

    /// Saves the states of trials of one shape that are as far as each other; older files of the same trials go then.
    pub(super) fn save_states<T: Precision>(&mut self, lives: &[&Live<T>]) -> Result<()> {
        let Some(first) = lives.first() else { return Ok(()) };
        let of_trial = |live: &&Live<T>| {
            let member = live.start.as_ref();
            OfTrial {
                trial: live.trial,
                curve: live.curve.clone(),
                plateau: live.plateau,
                drops: member.map_or_else(Vec::new, |member| member.drops.clone()),
                best: live.best.as_ref().map(|best| (best.epoch, best.loss)),
                loss_scale: member.and_then(|member| member.loss_scale),
            }
        };
        let (steps, epoch) = (first.steps, first.epoch);
        let document = Document { format: FORMAT, steps, epoch, trials: lives.iter().map(of_trial).collect() };
        let document = serde_json::to_value(&document).map_err(|error| Error::Internal(format!("a state: {error}")))?;
        let member = |live: &&Live<T>| {
            let Member { weights, states, losses, .. } = live.start.clone()?;
            Some(SavedMember { weights, states, losses, best: live.best.as_ref().map(|best| best.weights.clone()) })
        };
        let members = lives.iter().filter_map(member).collect();
        let folder = self.path().join(STATES);
        files::folder(&folder).map_err(|error| Error::writing(&folder, &error))?;
        let numbers: Vec<usize> = lives.iter().map(|live| live.trial).collect();
        let path = folder.join(format!("{}-{steps}.safetensors", first.trial));
        Checkpoint { members }.save(&path, &document, || Ok(()))?;
        let is_new = |number: &usize| numbers.contains(number);
        let others: Vec<PathBuf> = self
            .states
            .iter_mut()
            .filter(|(other, _)| **other != path)
            .filter_map(|(other, trials)| {
                trials.retain(|trial| !is_new(trial));
                trials.is_empty().then(|| other.clone())
            })
            .collect();
        for other in others {
            self.states.remove(&other);
            files::remove(&other)?;
        }
        self.states.insert(path, numbers);
        Ok(())
    }

    /// Removes the states of trials that need none any more: all but these.
    pub(super) fn prune_states(&mut self, needed: impl Fn(usize) -> bool) -> Result<()> {
        let old: Vec<PathBuf> = self
            .states
            .iter()
            .filter(|(_, trials)| !trials.iter().any(|&trial| needed(trial)))
            .map(|(path, _)| path.clone())
            .collect();
        for path in old {
            self.states.remove(&path);
            files::remove(&path)?;
        }
        if self.states.is_empty() {
            files::remove_folder(&self.path().join(STATES));
        }
        Ok(())
    }

    /// The states that were saved, each trial's newest. Files that are damaged are passed over, and said.
    pub(super) fn read_states<T: Precision>(
        &mut self,
        trials: &BTreeMap<usize, Trial>,
        shapes: &[Shape],
    ) -> Result<(Vec<Live<T>>, Vec<String>)> {
        let folder = self.path().join(STATES);
        let (mut lives, mut remarks): (HashMap<usize, Live<T>>, Vec<String>) = (HashMap::new(), Vec::new());
        let Ok(entries) = std::fs::read_dir(&folder) else { return Ok((Vec::new(), remarks)) };
        let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
        paths.sort();
        for path in paths.into_iter().filter(|path| path.extension().is_some_and(|end| end == "safetensors")) {
            match read(&path, trials, shapes) {
                Ok(of_file) => {
                    self.states.insert(path, of_file.iter().map(|live| live.trial).collect());
                    for live in of_file {
                        let known = lives.get(&live.trial);
                        if known.is_none_or(|known: &Live<T>| known.steps < live.steps) {
                            lives.insert(live.trial, live);
                        }
                    }
                }
                Err(error) => {
                    remarks.push(format!("{error}; its trials begin anew"));
                    self.states.insert(path, Vec::new());
                }
            }
        }
        let mut lives: Vec<Live<T>> = lives.into_values().collect();
        lives.sort_by_key(|live| live.trial);
        Ok((lives, remarks))
    }
}

/// The folder of a trial, or of what one fold has of it.
fn of_trial(sweep: &Path, trial: usize, fold: Option<usize>) -> PathBuf {
    let folder = run::trial(sweep, trial);
    fold.map_or(folder.clone(), |fold| run::fold(&folder, fold))
}

/// A file of states.
fn read<T: Precision>(path: &Path, trials: &BTreeMap<usize, Trial>, shapes: &[Shape]) -> Result<Vec<Live<T>>> {
    let file = CheckpointFile::open(path)?;
    let refused = |what: &str| Error::Model(format!("{}: {what}", file.name()));
    let document: Document =
        serde_json::from_value(file.document.clone()).map_err(|error| refused(&shown(&error.to_string())))?;
    if document.format != FORMAT {
        return Err(refused("is of another version of wgrad"));
    }
    let of = |number: usize| trials.get(&number);
    let first = document.trials.first().and_then(|first| of(first.trial));
    let first = first.ok_or_else(|| refused("is of no trial of this sweep"))?;
    let (shape, members) = (&shapes[first.group], document.trials.len());
    if !document.trials.iter().all(|saved| of(saved.trial).is_some_and(|trial| trial.group == first.group)) {
        return Err(refused("holds trials of other shapes"));
    }
    let name = file.name().to_owned();
    let saved = file.read::<T>(&shape.network, members, shape.recipe.optimizer.states())?;
    let (steps, epoch) = (document.steps, document.epoch);
    let live = |(of_trial, member): (OfTrial, SavedMember<T>)| {
        let best = match (of_trial.best, member.best) {
            (Some((epoch, loss)), Some(weights)) => Some(Best { epoch, loss, weights }),
            (None, None) => None,
            _ => return Err(Error::Model(format!("{name}: the best epoch of a trial has no weights"))),
        };
        let SavedMember { weights, states, losses, .. } = member;
        let start = Member { weights, states, losses, drops: of_trial.drops, loss_scale: of_trial.loss_scale };
        let OfTrial { trial, curve, plateau, .. } = of_trial;
        Ok(Live { trial, start: Some(start), steps, epoch, best, plateau, curve })
    };
    document.trials.into_iter().zip(saved.members).map(live).collect()
}

/// A line of `trials.jsonl`.
fn line(record: &TrialRecord) -> Result<Vec<u8>> {
    let failed = |error| Error::Internal(format!("a trial's record: {error}"));
    let value: Value = serde_json::to_value(record).map_err(failed)?;
    Ok((value.to_string() + "\n").into_bytes())
}
