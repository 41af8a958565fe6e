//! A sweep whose trials are made: its device is opened, it is trained, and its best trial becomes a run.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;

use super::course::{Course, Shared};
use super::encoded::Encoded;
use super::ensemble::Swept;
use super::folder::SweepFolder;
use super::halving::rungs;
use super::judge::Judge;
use super::report::SweepReport;
use super::settings::{Search, Settings};
use super::space::{Axis, Scale, Space, Values, values_of};
use super::trial::{Shape, Trial, Trials, unit};
use super::watcher::{Overview, Watcher};
use super::winner;
use crate::error::{Error, Result, counted, shown, typed_path};
use crate::files::run;
use crate::report::sweep::{SweepAccount, TrialEnding, TrialRecord, Varied, importance};
use crate::training::run::{Options, Sources};
use crate::training::session::fastest::Choice;
use crate::training::session::planning::fitting;
use crate::training::session::{Device, Precision, Recipe, Wanted};

/// Where a sweep is saved.
pub(super) enum Where {
    New(Option<PathBuf>, String),
    Resumed(SweepFolder),
}

/// A sweep whose trials are made, before its device is opened.
pub(super) struct Made {
    pub(super) settings: Settings,
    pub(super) made: Trials,
    pub(super) is_usual: bool,
    /// Whether its trials were trained elsewhere, and none is to be here.
    pub(super) is_merged: bool,
    pub(super) command: String,
}

impl Made {
    pub(super) fn run<T: Precision>(self, place: Where, watcher: &dyn Watcher) -> Result<SweepReport> {
        let Self { mut settings, made, is_usual, is_merged, command } = self;
        let Trials { all, mut shapes, sources, remarks } = made;
        let judges = sources.iter().map(|sources| judge(sources, &settings)).collect::<Result<Vec<_>>>()?;
        let encoded = Encoded::<T>::new(&sources, &shapes)?;
        settings.check_rows(&place, encoded.checksums())?;
        let rows: Vec<usize> = shapes.iter().map(|shape| sources[shape.rows].training.rows()).collect();
        let device = opened(&settings.options, &shapes, &all, &rows)?;
        for (shape, &rows) in shapes.iter_mut().zip(&rows) {
            shape.recipe = fitting::<T>(&shape.network, &shape.recipe, rows, &device);
        }
        settings.options.device.device = Some(named(&settings.options, &device));
        let folds = settings.options.folds.unwrap_or(1);
        let as_trained = |mut trial: Trial| {
            let micro_batches = shapes[trial.group].recipe.micro_batches;
            trial.options.device.device.clone_from(&settings.options.device.device);
            (trial.options.accumulate, trial.recipe.micro_batches) = (Some(micro_batches), micro_batches);
            (trial.unit(folds), trial)
        };
        let trials: BTreeMap<usize, Trial> = all.into_iter().map(as_trained).collect();
        let longest = trials.values().map(|trial| trial.recipe.epochs).max().unwrap_or(1);
        let rungs = if settings.search == Search::Halving { rungs(longest) } else { vec![longest] };
        let is_new = matches!(place, Where::New(..));
        let mut folder = match place {
            Where::New(path, name) => SweepFolder::create(path.as_deref(), &name)?,
            Where::Resumed(folder) => folder,
        };
        settings.save(&folder.path().join(run::SWEEP_OPTIONS))?;
        let records = folder.records()?;
        check_records(&records, &trials, folds, folder.path())?;
        let (lives, damaged) = folder.read_states::<T>(&trials, &shapes)?;
        let path = folder.path().to_path_buf();
        let earlier = SweepAccount::read(&path.join(run::SWEEP)).ok();
        let overview = Overview {
            data: sources[0].report().to_string(),
            vary: settings.vary.clone(),
            is_usual,
            search: said(&settings, trials.len() / folds, &rungs),
            metric: judges[0].metric(),
            lower_is_better: judges[0].lower_is_better(),
            trials: trials.len() / folds,
            ended: records.len() / folds,
            shapes: shapes.len(),
            device: device.told(),
            folder: path.clone(),
        };
        watcher.begins(&overview)?;
        let remarks: Vec<String> = sources[0].remarks.iter().cloned().chain(remarks).chain(damaged).collect();
        remarks.iter().for_each(|remark| watcher.remark(remark));
        let started = Instant::now();
        let sweep = Course {
            settings: &settings,
            trials: &trials,
            shapes: &shapes,
            rows: &rows,
            encoded: &encoded,
            judges: &judges,
            device: &device,
            rungs: &rungs,
            folds,
            watcher,
            is_merged,
            started,
            shared: Mutex::new(Shared::new(&mut folder)),
        };
        let swept = sweep.all(records, lives);
        drop(sweep);
        let (records, is_whole) = match swept {
            Ok(swept) => swept,
            Err(error) => {
                if is_new && folder.is_blank()? {
                    folder.discard();
                    return Err(error);
                }
                return Err(with_advice(error, &path));
            }
        };
        let records = TrialRecord::together(&records);
        let [training, validation, test] = {
            let report = sources[0].report();
            [report.training_rows, report.validation_rows, report.test_rows]
        };
        let space = Space::new(&settings.vary)?;
        let varied: Vec<Varied> = space.axes().iter().map(varied).collect();
        let account = SweepAccount {
            wgrad: env!("CARGO_PKG_VERSION").into(),
            source: sources[0].source.clone(),
            task: format!("{:?}", sources[0].encoding.task()).to_lowercase(),
            metric: overview.metric.into(),
            lower_is_better: overview.lower_is_better,
            search: settings.search.name().into(),
            importance: importance(&records, &varied, compared_after(&records, &rungs), overview.lower_is_better),
            varied,
            trials: trials.len() / folds,
            folds,
            rungs: if settings.search == Search::Halving { rungs.clone() } else { Vec::new() },
            rows: [training, validation, test],
            device: device.told(),
            folder: path.to_string_lossy().into_owned(),
            seconds: started.elapsed().as_secs_f64() + earlier.as_ref().map_or(0.0, |earlier| earlier.seconds),
            is_whole,
            best: None,
            ensemble: None,
            alike: None,
            commands: earlier.map_or_else(Vec::new, |earlier| earlier.commands).into_iter().chain([command]).collect(),
            remarks,
        };
        let signal = watcher.signal();
        if is_whole && !records.is_empty() && records.iter().all(|record| record.score.is_none()) {
            let diverged = records.iter().filter(|record| record.ended == TrialEnding::Diverged).count();
            return Err(Error::Diverged(format!(
                "none of the {} has a score, and {diverged} of them left the finite numbers: vary a lower learning-rate, as in --vary \
                 learning-rate=1e-5..1e-2:log; what each came to is in {}",
                counted(records.len(), "trial"),
                shown(&path.join(run::TRIALS).to_string_lossy())
            )));
        }
        let mut report = SweepReport { account, trials: records, best: None, folder: path, signal };
        report.save_table()?;
        if signal.is_none() {
            let best = report.best_trial().map(|record| (record.trial, record.epochs, record.best_epoch.unwrap_or(1)));
            if let Some((number, epochs, best_epoch)) = best {
                let first = &trials[&unit(number, Some(1), folds)];
                let of_folds = trials.range(unit(number, Some(1), folds)..=unit(number, Some(folds), folds));
                of_folds.map(|(_, trial)| trial).try_for_each(|trial| folder.write_options(trial, epochs))?;
                let options = if folds > 1 { first.of_all_folds(best_epoch) } else { first.again(epochs) };
                report.best = Some(winner::trained(&options, &run::best(&report.folder), "the best trial", watcher)?);
            }
            let is_of_here = is_new && !is_merged;
            report.note_best(is_of_here, watcher)?;
            let swept =
                Swept { report: &report, settings: &settings, trials: &trials, shapes: &shapes, is_of_here, watcher };
            let (alike, has_best) = (swept.alike(), report.best.is_some());
            let (ensemble, alike) = match settings.options.ensemble {
                Some(wanted) if wanted > 1 && has_best => (swept.ensemble(wanted, &alike)?, None),
                // A shard's best trials are not those of the whole sweep.
                None if has_best && settings.shard.is_none() && alike.len() > 1 => (None, Some(alike.len())),
                _ => (None, None),
            };
            (report.account.ensemble, report.account.alike) = (ensemble, alike);
        }
        report.save()?;
        // A page that fails costs nobody a sweep: it can be made again.
        if let Err(error) = report.show() {
            watcher.remark(&format!("the report could not be written: {error}"));
        }
        Ok(report)
    }
}

/// An error that broke a sweep off, and how the sweep goes on.
fn with_advice(error: Error, folder: &Path) -> Error {
    let advice = format!("; what was saved goes on with: wgrad sweep --resume {}", typed_path(folder));
    match error {
        Error::DeviceLost(what) => Error::DeviceLost(what + &advice),
        Error::NoDevice(what) => Error::NoDevice(what + &advice),
        Error::Limit(what) => Error::Limit(what + &advice),
        Error::Internal(what) => Error::Internal(what + &advice),
        other => other,
    }
}

/// Refuses trials that have ended and are none of the sweep, or of other options: somebody has changed a file.
fn check_records(records: &[TrialRecord], trials: &BTreeMap<usize, Trial>, folds: usize, folder: &Path) -> Result<()> {
    let is_of_sweep = |record: &&TrialRecord| {
        let known = trials.get(&unit(record.trial.max(1), record.fold, folds));
        known.is_some_and(|trial| {
            (trial.number, trial.fold) == (record.trial, record.fold) && values_of(&trial.point) == record.options
        })
    };
    let Some(other) = records.iter().find(|record| !is_of_sweep(record)) else { return Ok(()) };
    Err(Error::Model(format!(
        "{}: {} tells of a trial {} that is not one of those in {}: one of the two files was changed; begin a new sweep",
        shown(&folder.to_string_lossy()),
        run::TRIALS,
        other.trial,
        run::SWEEP_OPTIONS
    )))
}

/// After how many epochs trials are compared, to tell what mattered: as many as most of them have.
fn compared_after(records: &[TrialRecord], rungs: &[usize]) -> usize {
    let longest = rungs.first().copied().unwrap_or(1);
    let shortest = records.iter().filter(|record| record.ended == TrialEnding::AllEpochs).map(|record| record.epochs).min();
    shortest.map_or(longest, |shortest| shortest.min(longest)).max(1)
}

/// What a report says of an option that varies.
fn varied(axis: &Axis) -> Varied {
    let scale = match axis.values {
        Values::List(_) => None,
        Values::Range { scale, .. } => Some(scale),
    };
    Varied {
        key: axis.key.clone(),
        text: axis.to_string(),
        is_range: scale.is_some(),
        is_log: scale.is_some_and(|scale| scale != Scale::Linear),
    }
}

/// What the trials on some rows are judged by.
fn judge(sources: &Sources, settings: &Settings) -> Result<Judge> {
    let Some(validation) = &sources.validation else {
        return Err(Error::Usage(
            "there are no rows to judge trials by: give more rows, set some apart (--split 0.6/0.2/0.2) or name a file (--validation \
             FILE)"
                .into(),
        ));
    };
    let (truth, has_rule) = (validation.truth(&sources.encoding)?, sources.threshold.is_some());
    Judge::new(settings.metric.as_deref(), truth, &sources.encoding, has_rule)
}

/// How a sweep goes about its trials, in a sentence.
fn said(settings: &Settings, trials: usize, rungs: &[usize]) -> String {
    let trials = counted(trials, "trial");
    let epochs = |epochs: &[usize]| epochs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let trials = settings.options.folds.map_or(trials.clone(), |folds| format!("{trials} on {folds} folds"));
    let shard = settings.shard.map_or(String::new(), |shard| format!(", shard {shard}"));
    match (settings.search, rungs) {
        (Search::Halving, [first @ .., last]) if !first.is_empty() => {
            let by = if settings.halves_by_loss() { "lowest validation loss" } else { "best score" };
            format!("{trials}; after {} epochs the best quarter ({by}) goes on, to {last} epochs{shard}", epochs(first))
        }
        (Search::Grid, [.., last]) => format!("{trials}, every point of the grid, {} each{shard}", counted(*last, "epoch")),
        (_, [.., last]) => format!("{trials}, {} each{shard}", counted(*last, "epoch")),
        _ => trials,
    }
}

/// The device that was asked for, or the faster one for the shape with most work.
fn opened(options: &Options, shapes: &[Shape], trials: &[Trial], rows: &[usize]) -> Result<Device> {
    let of = |group: usize| trials.iter().filter(|trial| trial.group == group).count();
    let work = |group: usize| of(group) as f64 * shapes[group].network.parameter_count() as f64 * rows[group] as f64;
    let largest = (0..shapes.len()).max_by(|&a, &b| work(a).total_cmp(&work(b))).unwrap_or(0);
    let device = if options.device.is_auto() && !options.device.double() && !options.device.mixed() {
        // What side by side is worth to a GPU shows with some of them.
        let recipe = Recipe { members: of(largest).clamp(1, 16), ..shapes[largest].recipe };
        let threads = options.device.threads.map(usize::from);
        Device::fastest(&shapes[largest].network, &recipe, rows[largest], threads, &Choice::default())
    } else {
        options.device.open()?
    };
    Ok(device.with_memory(options.device_memory.map(|memory| memory.0)))
}

/// How the options of a trial name the device.
fn named(options: &Options, device: &Device) -> Wanted {
    let asked = options.device.device.clone().filter(|wanted| *wanted != Wanted::Auto);
    asked.unwrap_or(if device.gpu().is_some() { Wanted::Gpu } else { Wanted::Cpu })
}

impl Settings {
    /// Notes the rows that trials are trained on and judged by; refuses others than those that the sweep began with.
    fn check_rows(&mut self, place: &Where, rows: Vec<String>) -> Result<()> {
        let Where::Resumed(folder) = place else {
            self.rows = rows;
            return Ok(());
        };
        // New trials may have rows of their own.
        if rows.iter().zip(&self.rows).all(|(now, before)| now == before) {
            self.rows = rows;
            return Ok(());
        }
        let name = shown(&folder.path().to_string_lossy());
        Err(Error::Model(format!(
            "{name}: the data is not what it was when the sweep began; begin a new one (without --resume)"
        )))
    }
}
