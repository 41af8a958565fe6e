//! Checkpoints of a run: when one is due, what it says beside the numbers, and which one training goes on from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::memory::{Least, Memory};
use super::options::{Options, Resume, Rules};
use super::record::EpochRecord;
use super::signs::Signs;
use super::values::Interval;
use crate::error::{Error, Result, shown, typed_path};
use crate::files;
use crate::model::{Checkpoint, CheckpointFile, RunFolder, SavedMember};
use crate::network::Network;
use crate::training::session::health::Health;
use crate::training::session::schedule::Plateau;
use crate::training::session::{Device, LossScale, Member, Precision, State};

/// The version of the document in a checkpoint, and that of several networks, which once went through the rows in one order. A new one is
/// due when an older wgrad would misread it.
const FORMAT: u64 = 1;
const FORMAT_OF_SEVERAL: u64 = 2;
/// Checkpoints that nobody asked for take one part of so many of the time, at most.
const SHARE: u32 = 20;

/// What a run is: whatever its numbers follow from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// The version of wgrad.
    pub wgrad: String,
    /// Inputs, hidden widths, outputs.
    pub widths: Vec<usize>,
    /// The options with everything said.
    pub options: Options,
    /// The rows to train on, to choose by and to report on, as the network sees them.
    pub data: BTreeMap<String, DataFacts>,
    /// What computes: the device's name, and a GPU's driver.
    pub device: String,
}

/// Some rows, as it can be told whether they are the same.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DataFacts {
    /// Number of rows.
    pub rows: usize,
    /// CRC-32 of inputs and targets.
    pub checksum: u32,
}

impl Facts {
    /// The facts of a run of these options.
    pub fn new(options: &Options, network: &Network, data: BTreeMap<String, DataFacts>, device: &Device) -> Self {
        let driver = device.gpu().map(|gpu| format!(", {}", shown(&gpu.info().driver))).unwrap_or_default();
        Self {
            wgrad: env!("CARGO_PKG_VERSION").into(),
            widths: network.widths().to_vec(),
            options: options.clone(),
            data,
            device: if device.gpu().is_some() { device.label() + &driver } else { "the CPU".into() },
        }
    }

    /// What is said anew for the steps that are left, a sentence each: a training that diverges needs another learning rate.
    pub fn changes(&self, now: &Self) -> Vec<String> {
        let told = |rules: &Rules| matches!(rules.resume, Resume::Told(counts) if counts(&now.options));
        self.other_options(now, told)
    }

    /// What is different in a run that is to go on, a sentence each: whatever would make another training of it.
    pub fn differences(&self, now: &Self) -> Vec<String> {
        let mut differences = Vec::new();
        for (part, before) in &self.data {
            match now.data.get(part) {
                Some(after) if after == before => {}
                Some(after) if after.rows != before.rows => {
                    differences.push(format!("the {part} rows were {} and are {}", before.rows, after.rows));
                }
                Some(_) => differences.push(format!("the {part} rows are other ones")),
                None => differences.push(format!("there were {} {part} rows, and there are none", before.rows)),
            }
        }
        let added = now.data.iter().filter(|(part, _)| !self.data.contains_key(*part));
        differences.extend(added.map(|(part, after)| format!("there were no {part} rows, and there are {}", after.rows)));
        if self.widths != now.widths {
            let shape = |widths: &[usize]| widths.iter().map(usize::to_string).collect::<Vec<_>>().join("-");
            differences.push(format!("the network was {} and is {}", shape(&self.widths), shape(&now.widths)));
        }
        differences.extend(self.other_options(now, |rules| matches!(rules.resume, Resume::Fixed)));
        differences
    }

    /// How those options were and are that are others now, of those whose rules are asked for.
    fn other_options(&self, now: &Self, asked: impl Fn(&Rules) -> bool) -> Vec<String> {
        let (before, after) = (self.options.fields(), now.options.fields());
        let is_other = |key: &String| before.get(key) != after.get(key);
        let keys = Options::rules().filter(|(key, rules)| asked(rules) && is_other(key)).map(|(key, _)| key);
        keys.map(|key| said(&key, &before, &after)).collect()
    }
}

/// How an option was and how it is.
fn said(key: &str, before: &serde_json::Map<String, Value>, after: &serde_json::Map<String, Value>) -> String {
    let text = |fields: &serde_json::Map<String, Value>| match fields.get(key) {
        None | Some(Value::Null) => "not set".into(),
        Some(value) => shown(&value.to_string().replace('"', "")),
    };
    if key == "tuned" {
        return "products are computed in another way than before".into();
    }
    format!("{key} was {} and is {}", text(before), text(after))
}

/// Everything in a checkpoint but the tensors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    format: u64,
    facts: Facts,
    steps: u64,
    epoch: usize,
    /// The steps that a plateau schedule's rate dropped before, and what it goes by.
    drops: Vec<u64>,
    plateau: Plateau,
    /// The best epoch's loss and number.
    best: Option<(f64, usize)>,
    least: Least,
    health: Health,
    #[serde(default)]
    signs: Signs,
    seconds: f64,
    last: Option<EpochRecord>,
    /// The loss scale of mixed training, of each network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    loss_scales: Vec<LossScale>,
}

/// Whether a checkpoint is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// Not now.
    Not,
    /// There is a new best epoch, and saving takes little of the time.
    Worthwhile,
    /// The epochs or the time that was asked for are over.
    Asked,
}

/// The checkpoints of a run that is under way.
pub struct Checkpoints<'a> {
    folder: &'a RunFolder,
    facts: Facts,
    every: Interval,
    keep: usize,
    /// When the newest was saved, how long that took, and of which epoch and step it is.
    saved: Instant,
    took: Duration,
    epoch: usize,
    step: Option<u64>,
    /// Files that were passed over.
    damaged: Vec<PathBuf>,
}

impl<'a> Checkpoints<'a> {
    /// Checkpoints into this folder, as the options in `facts` say; of a run that goes on, after the one that it goes on from.
    pub fn new<T>(folder: &'a RunFolder, facts: Facts, resumed: Option<&Resumed<T>>) -> Self {
        let (every, keep) = (facts.options.checkpoint_every(), facts.options.keep_checkpoints());
        Self {
            folder,
            facts,
            every,
            keep,
            saved: Instant::now(),
            took: Duration::ZERO,
            epoch: resumed.map_or(0, |resumed| resumed.state.epoch),
            step: resumed.map(|resumed| resumed.state.steps),
            damaged: resumed.map_or_else(Vec::new, |resumed| resumed.damaged.clone()),
        }
    }

    /// Epochs until one is due, where it is epochs that are counted.
    pub fn epochs_until(&self, epoch: usize) -> usize {
        match self.every {
            Interval::Epochs(every) => every - epoch % every,
            Interval::Time(_) => usize::MAX,
        }
    }

    /// Whether the time for one has come, even in the middle of an epoch.
    pub fn time_is_up(&self) -> bool {
        matches!(self.every, Interval::Time(time) if self.saved.elapsed() >= time)
    }

    /// Whether one is due after so many epochs, the last of which `is_better` than all before.
    pub fn due(&self, epoch: usize, is_better: bool) -> Due {
        let epochs = matches!(self.every, Interval::Epochs(every) if epoch / every > self.epoch / every);
        if epochs || self.time_is_up() {
            Due::Asked
        } else if is_better && self.saved.elapsed() >= SHARE * self.took {
            Due::Worthwhile
        } else {
            Due::Not
        }
    }

    /// Saves where training is, unless the newest checkpoint says just that.
    ///
    /// # Errors
    /// Internal, limit or usage, from saving; the older checkpoints stay.
    pub fn save<T: Precision>(&mut self, state: State<T>, memory: &Memory<T>) -> Result<()> {
        if self.step == Some(state.steps) {
            return Ok(());
        }
        let started = Instant::now();
        let document = Document {
            format: if state.members.len() > 1 { FORMAT_OF_SEVERAL } else { FORMAT },
            facts: self.facts.clone(),
            steps: state.steps,
            epoch: state.epoch,
            drops: state.members[0].drops.clone(),
            plateau: memory.plateau,
            best: memory.best.as_ref().map(|(loss, epoch, _)| (*loss, *epoch)),
            least: memory.least.clone(),
            health: memory.health,
            signs: memory.signs,
            seconds: memory.seconds,
            last: memory.last.clone(),
            loss_scales: state.members.iter().filter_map(|member| member.loss_scale).collect(),
        };
        let document = serde_json::to_value(&document).map_err(|error| Error::Internal(format!("a checkpoint: {error}")))?;
        let (steps, epoch) = (state.steps, state.epoch);
        let best = |member: usize| memory.best.as_ref().map(|(_, _, weights)| weights[member].clone());
        let saved = |(number, member): (usize, Member<T>)| {
            let Member { weights, states, losses, .. } = member;
            SavedMember { weights, states, losses, best: best(number) }
        };
        let checkpoint = Checkpoint { members: state.members.into_iter().enumerate().map(saved).collect() };
        self.folder.sync_metrics()?;
        let make_room = || {
            // A damaged one is not worth a place among those that are kept.
            self.damaged.iter().try_for_each(|path| files::remove(path))?;
            self.folder.shift_checkpoints()
        };
        checkpoint.save(&self.folder.checkpoint(0), &document, make_room)?;
        self.damaged.clear();
        self.folder.prune_checkpoints(self.keep)?;
        (self.saved, self.took, self.epoch, self.step) = (Instant::now(), started.elapsed(), epoch, Some(steps));
        Ok(())
    }

    /// Saves a state that training goes back to: the log ends with it.
    ///
    /// # Errors
    /// As [`save`](Self::save).
    pub fn go_back<T: Precision>(&mut self, state: State<T>, memory: &Memory<T>) -> Result<()> {
        self.folder.truncate_metrics(state.epoch)?;
        self.save(state, memory)
    }

    /// The newest checkpoint that is whole.
    ///
    /// # Errors
    /// As [`latest`].
    pub fn latest<T: Precision>(&self, network: &Network, states: usize) -> Result<Resumed<T>> {
        latest(self.folder, &self.facts, network, states)
    }

    /// How a person goes on with the run.
    pub fn command(&self) -> String {
        format!("wgrad train --resume {}", typed_path(self.folder.path()))
    }
}

/// Where a run goes on, and what a person should hear about it.
pub struct Resumed<T> {
    /// The state of the session.
    pub state: State<T>,
    /// What the loop remembers.
    pub memory: Memory<T>,
    /// Damaged checkpoints that were passed over, another device.
    pub remarks: Vec<String>,
    /// The damaged checkpoints.
    pub damaged: Vec<PathBuf>,
}

/// The newest checkpoint in a run's folder that is whole.
///
/// # Errors
/// Model, if there is none, or if data, shape or options are others than the checkpoint's: each difference is named.
pub fn latest<T: Precision>(folder: &RunFolder, now: &Facts, network: &Network, states: usize) -> Result<Resumed<T>> {
    let name = shown(&folder.path().to_string_lossy());
    let (mut passed_over, mut damaged) = (Vec::new(), Vec::new());
    for path in folder.checkpoints() {
        readable(&path)?;
        let opened = CheckpointFile::open(&path).and_then(|file| {
            let document = document(&file)?;
            Ok((document, file))
        });
        let (document, file) = match opened {
            Ok((Read::Whole(document), file)) => (*document, file),
            Ok((Read::OfFormat(refusal), _)) => return Err(refusal),
            Err(error) => {
                passed_over.push(error.to_string());
                damaged.push(path);
                continue;
            }
        };
        let differences = document.facts.differences(now);
        if !differences.is_empty() {
            return Err(Error::Model(format!(
                "{name}: this is not the run that was interrupted: {}; start a new one (without --resume)",
                differences.join("; ")
            )));
        }
        let checkpoint = match file.read::<T>(network, now.options.ensemble.unwrap_or(1), states) {
            Ok(checkpoint) => checkpoint,
            Err(error) => {
                passed_over.push(error.to_string());
                damaged.push(path);
                continue;
            }
        };
        let changes = document.facts.changes(now).into_iter().map(|change| format!("{change}, from here on"));
        let before = passed_over.iter().map(|error| format!("{error}; going back to the one before"));
        let remarks = before.chain(changes).collect();
        return resumed(document, checkpoint, &now.device, remarks, damaged);
    }
    let why = if passed_over.is_empty() { String::new() } else { format!(" that can be used ({})", passed_over.join("; ")) };
    Err(Error::Model(format!("{name}: has no checkpoint{why}; train again (without --resume)")))
}

/// That a checkpoint can be read, damaged or not: what cannot, or is no file, is not passed over, as what is damaged makes way for the
/// next one that is saved.
fn readable(path: &Path) -> Result<()> {
    let refused = |what: String| Error::Model(format!("{}: {what}", shown(&path.to_string_lossy())));
    let metadata = std::fs::symlink_metadata(path).map_err(|error| refused(format!("cannot be read: {error}")))?;
    if !metadata.is_file() {
        return Err(refused("is in a checkpoint's place, and no plain file; move it away".into()));
    }
    files::open_plain(path).map(drop).map_err(|error| refused(format!("cannot be read: {error}")))
}

/// What a checkpoint's document turns out to be.
enum Read {
    Whole(Box<Document>),
    /// That of another version of wgrad, which is not damaged.
    OfFormat(Error),
}

fn document(file: &CheckpointFile) -> Result<Read> {
    let refused = |what: String| Error::Model(format!("{}: {what}", file.name()));
    let networks = file.document.pointer("/facts/options/ensemble").and_then(Value::as_u64).unwrap_or(1);
    let known = if networks > 1 { FORMAT_OF_SEVERAL } else { FORMAT };
    let found = file.document.get("format").and_then(Value::as_u64);
    if found != Some(known) {
        let found = found.map_or("none".into(), |format| format.to_string());
        let of = if networks > 1 { " of several networks" } else { "" };
        let refusal = format!("is a checkpoint{of} of format {found}, and this wgrad reads format {known}");
        return Ok(Read::OfFormat(refused(refusal)));
    }
    let mut document: Document =
        serde_json::from_value(file.document.clone()).map_err(|error| refused(shown(&error.to_string())))?;
    // There was one network before there were several.
    document.facts.options.ensemble.get_or_insert(1);
    Ok(Read::Whole(Box::new(document)))
}

fn resumed<T: Precision>(
    document: Document,
    checkpoint: Checkpoint<T>,
    device: &str,
    mut remarks: Vec<String>,
    damaged: Vec<PathBuf>,
) -> Result<Resumed<T>> {
    let (members, of_best): (Vec<_>, Vec<_>) = checkpoint
        .members
        .into_iter()
        .map(|mut member| {
            let best = member.best.take();
            (member, best)
        })
        .unzip();
    let has_best = of_best.iter().any(Option::is_some);
    let best = match (document.best, of_best.into_iter().collect::<Option<Vec<_>>>()) {
        (Some((loss, epoch)), Some(weights)) => Some((loss, epoch, weights)),
        (None, _) if !has_best => None,
        _ => return Err(Error::Model("the checkpoint's best epoch has no weights, or its best weights no epoch".into())),
    };
    if document.facts.device != device {
        let before = &document.facts.device;
        remarks
            .push(format!("the run was on {before} and goes on on {device}: the numbers may round otherwise from here on"));
    }
    if document.facts.wgrad != env!("CARGO_PKG_VERSION") {
        remarks.push(format!(
            "the run was begun by wgrad {}: the numbers may round otherwise from here on",
            document.facts.wgrad
        ));
    }
    let mut loss_scales = document.loss_scales.into_iter();
    let member = |SavedMember { weights, states, losses, .. }| {
        let (drops, loss_scale) = (document.drops.clone(), loss_scales.next());
        Member { weights, states, losses, drops, loss_scale }
    };
    Ok(Resumed {
        state: State { members: members.into_iter().map(member).collect(), steps: document.steps, epoch: document.epoch },
        memory: Memory {
            best,
            least: document.least,
            plateau: document.plateau,
            health: document.health,
            signs: document.signs,
            seconds: document.seconds,
            last: document.last,
        },
        remarks,
        damaged,
    })
}
