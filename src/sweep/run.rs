//! A sweep from its settings to its best run.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::folder::SweepFolder;
use super::halving::{Standing, quota, ranked, rungs, share_of_epochs};
use super::judge::Judge;
use super::settings::{Search, Settings, Shard};
use super::space::{Axis, Point, Scale, Space, Values, values_of};
use super::training::{Data, Done, Ground, Job, Live, Watch};
use super::trial::{Maker, Shape, Trial, Trials, usual_space};
use super::winner;
use crate::error::{Error, Result, counted, shown};
use crate::evaluation::Evaluation;
use crate::files::{Place, run};
use crate::memory;
use crate::model::checksum;
use crate::network::Loss;
use crate::plan::Plan;
use crate::report::sweep::{Best, SweepAccount, SweepPage, TrialEnding, TrialRecord, Varied, importance};
use crate::training::run::options::{Interval, Time};
use crate::training::run::resolution;
use crate::training::run::{Options, RunReport, Sources, run_name};
use crate::training::session::device::in_precision;
use crate::training::session::fastest::Choice;
use crate::training::session::planning::{Replicas, fitting, plan_of_replicas};
use crate::training::session::{Device, Precision, Recipe, Rows, Wanted};

/// What a sweep is asked to do, before anything is read.
#[derive(Debug, Clone)]
pub struct Request {
    /// What all trials have in common.
    pub options: Options,
    /// What varies, as `KEY=VALUES`; nothing: what is usual.
    pub vary: Vec<String>,
    /// How many trials; none: as many as take about a minute.
    pub trials: Option<usize>,
    /// How points are chosen; none: halving, or all points where they are few.
    pub search: Option<Search>,
    /// What trials are judged by; none: as the task demands.
    pub metric: Option<String>,
    /// Which trials this machine takes.
    pub shard: Option<Shard>,
    /// The sweep's folder; none: a new one in `runs`.
    pub output: Option<PathBuf>,
    /// The command, as it was typed.
    pub command: String,
}

/// Who watches a sweep: several threads may tell it at once.
pub trait Watcher: Sync {
    /// The trials are about to begin.
    ///
    /// # Errors
    /// Whatever keeps the watcher from watching; nothing is trained then.
    fn begins(&self, overview: &Overview) -> Result<()>;
    /// So much of all work is done.
    fn progress(&self, done: f64, all: f64);
    /// No trial before had such a good score; so many have ended.
    fn better(&self, trial: usize, score: f64);
    /// So many trials have ended.
    fn ended(&self, trials: usize);
    /// Something that a person should hear.
    fn remark(&self, remark: &str);
    /// The signal that asks the sweep to end, if one came.
    fn signal(&self) -> Option<u8>;
}

/// What is told of a sweep before it begins.
#[derive(Debug, Clone)]
pub struct Overview {
    /// The data, in a sentence.
    pub data: String,
    /// What varies, as it is written.
    pub vary: Vec<String>,
    /// Whether that was wgrad's choice.
    pub is_usual: bool,
    /// How it is searched, in a sentence.
    pub search: String,
    /// The metric.
    pub metric: &'static str,
    /// Whether less of it is better.
    pub lower_is_better: bool,
    /// Trials, and how many of them have ended before.
    pub trials: usize,
    /// Those that ended before.
    pub ended: usize,
    /// Shapes of networks, which take turns.
    pub shapes: usize,
    /// The device.
    pub device: String,
    /// The sweep's folder.
    pub folder: PathBuf,
}

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

/// Multiply-adds of the forward passes that a sweep takes where nobody says how many trials it has: about a minute's on two cores.
const WORK: f64 = 1e13;
/// The fewest and the most trials that it has then.
const USUAL_TRIALS: [usize; 2] = [16, 256];
/// Bytes of the networks that are trained side by side, at most, and the share of the memory that is there.
const BYTES: u128 = 1 << 30;
/// Networks side by side on the CPU, at most: more are no faster.
const SIDE_BY_SIDE: usize = 256;

/// Begins a sweep.
///
/// # Errors
/// Usage, data or no device, before anything is trained; what training or saving comes to.
pub fn begin(request: &Request, watcher: &dyn Watcher) -> Result<SweepReport> {
    refuse(&request.options)?;
    let options = with_validation(&request.options);
    options.check()?;
    let mut maker = Maker::new(&options);
    let rows = maker.rows(&options)?;
    let sources = maker.sources(rows);
    let training_rows = sources.training.rows();
    let is_usual = request.vary.is_empty();
    let vary = if is_usual { usual_space(&options, training_rows) } else { request.vary.clone() };
    if vary.is_empty() {
        return Err(Error::Usage("there is nothing left to vary; name something, as in --vary dropout=0..0.5".into()));
    }
    let space = Space::new(&vary)?;
    let (search, trials) = searched(request, &space, &options, maker.sources(rows))?;
    if let (Search::Halving, Some(shard)) = (search, request.shard) {
        return Err(Error::Usage(format!(
            "--shard {shard}: halving compares all trials with each other, and a shard knows its own alone; take --search random or grid"
        )));
    }
    if search == Search::Halving && space.axes().iter().any(|axis| axis.key == "epochs") {
        return Err(Error::Usage(
            "--vary epochs: halving itself decides how long a trial is trained; take --search random or grid".into(),
        ));
    }
    let settings = Settings {
        wgrad: env!("CARGO_PKG_VERSION").into(),
        vary,
        search,
        trials: vec![trials],
        metric: request.metric.clone(),
        shard: request.shard,
        rows: Vec::new(),
        options: options.clone(),
    };
    let name = options.data.as_deref().map_or("sweep".into(), |data| format!("{}-sweep", run_name(data)));
    let made = maker.trials(&space, points(&space, &settings).into_iter())?;
    let command = request.command.clone();
    let to_be = ToBe { settings, made, is_usual, is_merged: false, command };
    in_precision!(options.device.double(), T => to_be.run::<T>(Where::New(request.output.clone(), name), watcher))
}

/// Goes on with a sweep: with the trials that have not ended, and with more, if `trials` are more than there were.
///
/// # Errors
/// As [`begin`]; model, if the data is not what it was.
pub fn resume(
    path: &Path,
    trials: Option<usize>,
    max_time: Option<Time>,
    command: &str,
    watcher: &dyn Watcher,
) -> Result<SweepReport> {
    let folder = SweepFolder::open(path)?;
    let mut settings = Settings::read(&path.join(run::SWEEP_OPTIONS))?;
    settings.options.max_time = max_time;
    let space = Space::new(&settings.vary)?;
    let known = settings.all_trials();
    match trials {
        Some(fewer) if fewer < known => {
            return Err(Error::Usage(format!(
                "--trials {fewer}: the sweep has {known} already; name more, or leave it out"
            )));
        }
        Some(more) if more > known && settings.search == Search::Grid => {
            return Err(Error::Usage(format!("--trials {more}: the grid has {known} points")));
        }
        Some(more) if more > known => settings.trials.push(more - known),
        _ => {}
    }
    let options = settings.options.clone();
    let made = Maker::new(&options).trials(&space, points(&space, &settings).into_iter())?;
    let to_be = ToBe { settings, made, is_usual: false, is_merged: false, command: command.to_owned() };
    in_precision!(options.device.double(), T => to_be.run::<T>(Where::Resumed(folder), watcher))
}

/// Puts the trials of several shards of one sweep together, in a new folder, and trains the best of them as a run.
///
/// # Errors
/// Usage, for folders that hold no sweep or parts of different ones; as [`begin`].
pub fn merge(folders: &[PathBuf], output: Option<&Path>, command: &str, watcher: &dyn Watcher) -> Result<SweepReport> {
    let shown_of = |path: &Path| shown(&path.to_string_lossy());
    let mut parts = Vec::new();
    for path in folders {
        let folder = SweepFolder::open(path)?;
        let settings = Settings::read(&path.join(run::SWEEP_OPTIONS))?;
        parts.push((folder, settings));
    }
    let Some((_, first)) = parts.first() else { return Err(Error::Usage("--merge: name the folders of the shards".into())) };
    let whole = first.whole();
    let mut known: BTreeMap<usize, &Path> = BTreeMap::new();
    for (folder, settings) in &parts {
        let path = folder.path();
        if settings.whole() != whole {
            return Err(Error::Usage(format!(
                "--merge: {} and {} are parts of different sweeps: their {} differ",
                shown_of(parts[0].0.path()),
                shown_of(path),
                whole.difference(&settings.whole())
            )));
        }
        for record in folder.records()? {
            if let Some(other) = known.insert(record.trial, path) {
                return Err(Error::Usage(format!(
                    "--merge: trial {} is in {} and in {}; name each shard once",
                    record.trial,
                    shown_of(other),
                    shown_of(path)
                )));
            }
        }
    }
    let name = whole.options.data.as_deref().map_or("sweep".into(), |data| format!("{}-sweep", run_name(data)));
    let space = Space::new(&whole.vary)?;
    let made = Maker::new(&whole.options).trials(&space, points(&space, &whole).into_iter())?;
    let mut merged = SweepFolder::create(output, &name)?;
    for (folder, _) in &parts {
        merged.take_over(folder)?;
    }
    let missing = made.all.iter().filter(|trial| !known.contains_key(&trial.number)).count();
    if missing > 0 {
        watcher.remark(&format!("{missing} of {} trials are in none of these folders", made.all.len()));
    }
    let double = whole.options.device.double();
    let to_be = ToBe { settings: whole, made, is_usual: false, is_merged: true, command: command.to_owned() };
    in_precision!(double, T => to_be.run::<T>(Where::Resumed(merged), watcher))
}

/// Where a sweep is saved.
enum Where {
    New(Option<PathBuf>, String),
    Resumed(SweepFolder),
}

/// Options that a sweep has no use for.
fn refuse(options: &Options) -> Result<()> {
    let refused = |flag: &str, why: &str| Err(Error::Usage(format!("{flag}: {why}")));
    if options.finetune.is_some() {
        return refused("--finetune", "a sweep trains networks from their first weights; --init FILE takes those of a file");
    }
    if options.folds.is_some() || options.fold.is_some() {
        return refused(
            "--folds",
            "a sweep judges by validation rows (--split, --validation FILE); --folds is for 'wgrad train'",
        );
    }
    if options.stop_after.is_some() {
        return refused("--stop-after", "all trials have --epochs; halving ends the worse ones early");
    }
    if options.ensemble.is_some_and(|members| members > 1) {
        return refused("--ensemble", "each trial of a sweep is one network");
    }
    if options.epochs == Some(0) {
        return refused("--epochs 0", "trials are judged by what they learn; at least 1");
    }
    Ok(())
}

/// The options with rows set apart to judge by, the same for all trials.
fn with_validation(options: &Options) -> Options {
    let has_both = options.validation.is_some();
    let share = match (options.validation.is_some(), options.test.is_some()) {
        (true, _) => None,
        (false, true) => Some("0.9/0.1/0"),
        (false, false) => Some("0.8/0.1/0.1"),
    };
    let split = options.split.or_else(|| share.filter(|_| !has_both).and_then(|share| share.parse().ok()));
    let split_seed = options.split_seed.or(Some(options.seed.unwrap_or(0)));
    Options { split, split_seed, ..options.clone() }
}

/// How to search, and with how many trials.
fn searched(request: &Request, space: &Space, options: &Options, sources: &Sources) -> Result<(Search, usize)> {
    let points = space.points();
    if request.search == Some(Search::Grid) {
        let all = space.grid()?;
        return match request.trials {
            Some(trials) if trials != all => Err(Error::Usage(format!(
                "--trials {trials}: a grid tries all of its {all} points; leave --trials out, or take --search random"
            ))),
            _ => Ok((Search::Grid, all)),
        };
    }
    let (network, _) = resolution::network(options, &sources.encoding)?;
    let epochs = resolution::recipe(options, &network, Loss::SquaredError, sources.training.rows(), false)
        .map_or(20, |recipe| recipe.epochs);
    let work = network.parameter_count() as f64 * sources.training.rows() as f64 * epochs as f64;
    let [least, most] = USUAL_TRIALS;
    let usual = 1 << (WORK / work).log2().floor().clamp(f64::from(least.ilog2()), f64::from(most.ilog2())) as u32;
    let trials = request.trials.unwrap_or(usual);
    // Of few points each is tried once.
    let few = points.filter(|&points| points <= trials);
    let search = match request.search {
        None if few.is_some_and(|points| points < 8) => Search::Grid,
        search => search.unwrap_or(Search::Halving),
    };
    Ok((search, few.unwrap_or(trials)))
}

/// The points of all trials of this machine, with their numbers.
fn points(space: &Space, settings: &Settings) -> Vec<(usize, Point)> {
    let seed = settings.options.seed.unwrap_or(0);
    let random = space.random(seed);
    let point = |trial: usize| match settings.search {
        Search::Grid => space.grid_point(trial - 1),
        Search::Random | Search::Halving => random.point(trial - 1),
    };
    settings.brackets().concat().into_iter().map(|trial| (trial, point(trial))).collect()
}

/// A sweep whose trials are made, before its device is opened.
struct ToBe {
    settings: Settings,
    made: Trials,
    is_usual: bool,
    /// Whether its trials were trained elsewhere, and none is to be here.
    is_merged: bool,
    command: String,
}

impl ToBe {
    fn run<T: Precision>(self, place: Where, watcher: &dyn Watcher) -> Result<SweepReport> {
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
        let as_trained = |mut trial: Trial| {
            let micro_batches = shapes[trial.group].recipe.micro_batches;
            trial.options.device.device.clone_from(&settings.options.device.device);
            (trial.options.accumulate, trial.recipe.micro_batches) = (Some(micro_batches), micro_batches);
            (trial.number, trial)
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
        let (lives, damaged) = folder.read_states::<T>(&trials, &shapes)?;
        let path = folder.path().to_path_buf();
        let earlier = SweepAccount::read(&path.join(run::SWEEP)).ok();
        let overview = Overview {
            data: sources[0].report().to_string(),
            vary: settings.vary.clone(),
            is_usual,
            search: said(&settings, trials.len(), &rungs),
            metric: judges[0].metric(),
            lower_is_better: judges[0].lower_is_better(),
            trials: trials.len(),
            ended: records.len(),
            shapes: shapes.len(),
            device: device.told(),
            folder: path.clone(),
        };
        watcher.begins(&overview)?;
        let remarks: Vec<String> = sources[0].remarks.iter().cloned().chain(remarks).chain(damaged).collect();
        remarks.iter().for_each(|remark| watcher.remark(remark));
        let started = Instant::now();
        let sweep = Sweep {
            settings: &settings,
            trials: &trials,
            shapes: &shapes,
            rows: &rows,
            encoded: &encoded,
            judges: &judges,
            device: &device,
            rungs: &rungs,
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
                if is_new && folder.records()?.is_empty() {
                    folder.discard();
                }
                return Err(error);
            }
        };
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
            trials: trials.len(),
            rungs: if settings.search == Search::Halving { rungs.clone() } else { Vec::new() },
            rows: [training, validation, test],
            device: device.told(),
            seconds: started.elapsed().as_secs_f64() + earlier.as_ref().map_or(0.0, |earlier| earlier.seconds),
            is_whole,
            best: None,
            commands: earlier.map_or_else(Vec::new, |earlier| earlier.commands).into_iter().chain([command]).collect(),
            remarks,
        };
        let signal = watcher.signal();
        let mut report = SweepReport { account, trials: records, best: None, folder: path, signal };
        report.save_table()?;
        if signal.is_none() {
            let number = report.best_trial().map(|record| (record.trial, record.epochs));
            if let Some((number, epochs)) = number {
                let trial = &trials[&number];
                folder.write_options(trial, epochs)?;
                report.best = Some(winner::trained(&trial.again(epochs), &report.folder, watcher)?);
            }
            let is_of_here = is_new && !is_merged;
            report.note_best(is_of_here, watcher)?;
        }
        report.save()?;
        // A page that fails costs nobody a sweep: it can be made again.
        if let Err(error) = report.show() {
            watcher.remark(&format!("the report could not be written: {error}"));
        }
        Ok(report)
    }
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
            "there are no rows to judge trials by: set some apart (--split 0.8/0.1/0.1) or name a file (--validation FILE)"
                .into(),
        ));
    };
    Judge::new(settings.metric.as_deref(), validation.truth(&sources.encoding)?, &sources.encoding)
}

/// How a sweep goes about its trials, in a sentence.
fn said(settings: &Settings, trials: usize, rungs: &[usize]) -> String {
    let trials = counted(trials, "trial");
    let epochs = |epochs: &[usize]| epochs.iter().map(ToString::to_string).collect::<Vec<_>>().join(" and ");
    let shard = settings.shard.map_or(String::new(), |shard| format!(", shard {shard}"));
    match (settings.search, rungs) {
        (Search::Halving, [first @ .., last]) if !first.is_empty() => {
            format!("{trials}; the best quarter goes on after {} epochs, to {last}{shard}", epochs(first))
        }
        (Search::Grid, [.., last]) => format!("{trials}, every point of the grid, {last} epochs each{shard}"),
        (_, [.., last]) => format!("{trials}, {last} epochs each{shard}"),
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

/// The rows of all shapes as numbers: those of one encoding and one number of outputs once.
struct Encoded<T> {
    all: Vec<Data<T>>,
    /// The place of each shape's.
    places: Vec<usize>,
}

impl<T: Precision> Encoded<T> {
    fn new(sources: &[Sources], shapes: &[Shape]) -> Result<Self> {
        let (mut all, mut places, mut known) = (Vec::new(), Vec::new(), HashMap::new());
        for shape in shapes {
            let key = (shape.rows, shape.network.outputs());
            let place = *known.entry(key).or_insert(all.len());
            if place == all.len() {
                let encoded = sources[shape.rows].clone().encoded::<T>(shape.network.outputs(), |_| Ok(()))?;
                let (Rows::Memory(training), Some(Rows::Memory(validation))) = (encoded.training, encoded.validation) else {
                    return Err(Error::Limit("a sweep keeps the rows in memory, and there is no room for them".into()));
                };
                all.push(Data { training, validation });
            }
            places.push(place);
        }
        Ok(Self { all, places })
    }

    fn checksums(&self) -> Vec<String> {
        let rows = self.all.iter().flat_map(|data| [&data.training, &data.validation]);
        rows.map(|rows| format!("{:08x}", rows.checksum())).collect()
    }
}

/// What the threads of a sweep share.
struct Shared<'a, T> {
    folder: &'a mut SweepFolder,
    /// Trials that have ended, by number.
    records: BTreeMap<usize, TrialRecord>,
    /// Trials that wait to go on, by number.
    waiting: BTreeMap<usize, Live<T>>,
    /// Work that is done, and all of it.
    done: f64,
    all: f64,
    best: Option<f64>,
    saved: Instant,
}

impl<'a, T> Shared<'a, T> {
    fn new(folder: &'a mut SweepFolder) -> Self {
        let (records, waiting) = (BTreeMap::new(), BTreeMap::new());
        Self { folder, records, waiting, done: 0.0, all: 1.0, best: None, saved: Instant::now() }
    }
}

/// A sweep that is under way.
struct Sweep<'a, T> {
    settings: &'a Settings,
    trials: &'a BTreeMap<usize, Trial>,
    shapes: &'a [Shape],
    /// Rows to train on, by shape.
    rows: &'a [usize],
    encoded: &'a Encoded<T>,
    judges: &'a [Judge],
    device: &'a Device,
    rungs: &'a [usize],
    watcher: &'a dyn Watcher,
    is_merged: bool,
    started: Instant,
    shared: Mutex<Shared<'a, T>>,
}

impl<'a, T: Precision> Sweep<'a, T> {
    /// Trains all trials. Gives what each came to, those that were stopped included, and whether all have ended.
    fn all(&self, records: Vec<TrialRecord>, lives: Vec<Live<T>>) -> Result<(Vec<TrialRecord>, bool)> {
        let brackets = self.settings.brackets();
        {
            let mut shared = self.shared();
            shared.records = records.into_iter().map(|record| (record.trial, record)).collect();
            let ended: Vec<usize> = shared.records.keys().copied().collect();
            let is_under_way = |live: &Live<T>| !ended.contains(&live.trial);
            shared.waiting = lives.into_iter().filter(is_under_way).map(|live| (live.trial, live)).collect();
            let work = |trial: &Trial| {
                let epochs = shared.waiting.get(&trial.number).map_or(0, |live| live.epoch);
                self.work(trial) * trial.recipe.epochs.saturating_sub(epochs) as f64
            };
            let left = self.trials.values().filter(|trial| !shared.records.contains_key(&trial.number));
            shared.all = left.map(work).sum::<f64>() * share_of_epochs(self.trials.len(), self.rungs);
        }
        for bracket in &brackets {
            let mut going: Vec<usize> = bracket.iter().copied().filter(|trial| self.trials.contains_key(trial)).collect();
            for &rung in self.rungs {
                self.up_to(&going, rung)?;
                if self.stops() {
                    break;
                }
                going = self.after(&going, rung)?;
            }
            if self.stops() {
                break;
            }
        }
        self.save_waiting()?;
        let mut shared = self.shared();
        let needed: Vec<usize> = shared.waiting.keys().copied().collect();
        shared.folder.prune_states(|trial| needed.contains(&trial))?;
        let is_whole = self.trials.keys().all(|trial| shared.records.contains_key(trial));
        let mut records: Vec<TrialRecord> = std::mem::take(&mut shared.records).into_values().collect();
        let unfinished = shared.waiting.values().filter(|live| live.epoch > 0);
        records.extend(unfinished.map(|live| self.record(live, TrialEnding::Unfinished)));
        records.sort_by_key(|record| record.trial);
        Ok((records, is_whole))
    }

    fn shared(&self) -> MutexGuard<'_, Shared<'a, T>> {
        // A thread that panicked takes the process with it.
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Multiply-adds of an epoch of a trial.
    fn work(&self, trial: &Trial) -> f64 {
        self.shapes[trial.group].network.parameter_count() as f64 * self.rows[trial.group] as f64
    }

    /// Trains those of some trials that have not ended to the end of an epoch.
    fn up_to(&self, trials: &[usize], rung: usize) -> Result<()> {
        let jobs = self.jobs(trials, rung)?;
        let threads = self.device.threads();
        // On the CPU a few small networks leave threads without work: several jobs go on at a time then, each on one thread.
        let is_small = |job: &Job<T>| self.device.gpu().is_none() && job.lives.len() < threads;
        let (small, large): (Vec<Job<T>>, Vec<Job<T>>) = jobs.into_iter().partition(is_small);
        let (small, large) =
            if small.len() < 2 { (Vec::new(), large.into_iter().chain(small).collect()) } else { (small, large) };
        for job in large {
            if self.stops() {
                self.shared().waiting.extend(job.lives.into_iter().map(|live| (live.trial, live)));
                continue;
            }
            self.one(job, trials, rung, self.device)?;
        }
        let device = Device::cpu(Some(1), "one of several at a time");
        let (queue, failed) = (Mutex::new(small.into_iter()), Mutex::new(None));
        let work = || {
            loop {
                let next = queue.lock().ok().and_then(|mut queue| queue.next());
                let Some(job) = next else { break };
                let has_failed = failed.lock().is_ok_and(|failed: MutexGuard<'_, Option<Error>>| failed.is_some());
                if self.stops() || has_failed {
                    self.shared().waiting.extend(job.lives.into_iter().map(|live| (live.trial, live)));
                } else if let (Err(error), Ok(mut failed)) = (self.one(job, trials, rung, &device), failed.lock()) {
                    failed.get_or_insert(error);
                }
            }
        };
        std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
        failed.into_inner().ok().flatten().map_or(Ok(()), Err)
    }

    /// The trials that have something left to train up to a rung, in jobs of one shape, those with most work first.
    fn jobs(&self, trials: &[usize], rung: usize) -> Result<Vec<Job<T>>> {
        let mut shared = self.shared();
        let mut groups: BTreeMap<(usize, u64), Vec<Live<T>>> = BTreeMap::new();
        for &number in trials.iter().filter(|trial| !shared.records.contains_key(trial)).collect::<Vec<_>>() {
            let trial = &self.trials[&number];
            let is_there = shared.waiting.get(&number).is_some_and(|live| live.epoch >= rung.min(trial.recipe.epochs));
            if !is_there {
                let live = shared.waiting.remove(&number).unwrap_or_else(|| Live::new(number));
                groups.entry((trial.group, live.steps)).or_default().push(live);
            }
        }
        let mut jobs = Vec::new();
        for ((group, _), mut lives) in groups {
            let most = self.side_by_side(group, lives.len())?;
            // Pieces that are about as large as each other.
            let size = lives.len().div_ceil(lives.len().div_ceil(most));
            while !lives.is_empty() {
                let rest = lives.split_off(size.min(lives.len()));
                jobs.push(Job { group, lives });
                lives = rest;
            }
        }
        let work = |job: &Job<T>| job.lives.len() as f64 * self.work(&self.trials[&job.lives[0].trial]);
        jobs.sort_by(|a, b| work(b).total_cmp(&work(a)));
        Ok(jobs)
    }

    /// How many trials of a shape have room side by side.
    fn side_by_side(&self, group: usize, wanted: usize) -> Result<usize> {
        let (shape, rows) = (&self.shapes[group], self.rows[group]);
        let validation_rows = self.encoded.all[self.encoded.places[group]].validation.inputs.rows;
        let plan = |count: usize| {
            let replicas = Replicas { count, own_steps: true, validation_rows };
            plan_of_replicas::<T>(&shape.network, shape.recipe.loss, Some(&shape.recipe), rows, replicas, self.device)
        };
        let bytes = |plan: &Plan| {
            let of = |id: usize| (plan.copies(id) * plan.buffers[id].length() * size_of::<T>()) as u128;
            (0..plan.buffers.len()).map(of).sum::<u128>()
        };
        let [one, two] = [1, 2].map(|count| bytes(&plan(count)));
        // Its own buffers, and where it is, its best weights among that, on the host.
        let copies = 4 + shape.recipe.optimizer.states() as u128;
        let each = (two - one) + copies * u128::from(shape.network.parameter_count()) * size_of::<T>() as u128;
        let least = one + each;
        let room = (0..11).map(|halvings| BYTES >> halvings).find(|&bytes| memory::is_there(bytes + one));
        let most = (room.unwrap_or(0) / each.max(1)).clamp(1, SIDE_BY_SIDE as u128) as usize;
        if most == 1 && !memory::is_there(least) {
            return Err(Error::Limit(format!(
                "there is no memory to train one network of {} parameters; take smaller hidden layers or fewer rows",
                shape.network.parameter_count()
            )));
        }
        Ok(most.min(wanted.max(1)))
    }

    /// Trains one job.
    fn one(&self, job: Job<T>, trials: &[usize], rung: usize, device: &Device) -> Result<()> {
        let Job { group, lives } = job;
        let shape = &self.shapes[group];
        let ground = Ground {
            trials: self.trials,
            shape,
            data: &self.encoded.all[self.encoded.places[group]],
            judge: &self.judges[shape.rows],
            patience: self.settings.options.patience,
            min_delta: self.settings.options.min_delta.unwrap_or(0.0),
            device,
        };
        let Done { lives, ended } = ground.train(lives, rung, self)?;
        let ended: Vec<TrialRecord> = ended.iter().map(|(live, ending)| self.record(live, *ending)).collect();
        {
            let mut shared = self.shared();
            shared.waiting.extend(lives.into_iter().map(|live| (live.trial, live)));
            self.end(&mut shared, ended)?;
        }
        if rung < self.rungs.last().copied().unwrap_or(rung) && !self.stops() {
            self.let_go(trials, rung)?;
        }
        let due = self.saves_after(0, self.shared().saved.elapsed());
        if due { self.save_waiting() } else { Ok(()) }
    }

    /// Notes that some trials have ended.
    fn end(&self, shared: &mut Shared<'a, T>, ended: Vec<TrialRecord>) -> Result<()> {
        let lines: Vec<_> = ended.iter().map(|record| (record, &self.trials[&record.trial])).collect();
        shared.folder.ended(&lines)?;
        for record in ended {
            shared.waiting.remove(&record.trial);
            shared.records.insert(record.trial, record);
        }
        self.watcher.ended(shared.records.len());
        Ok(())
    }

    /// Ends those trials that are at a rung already and behind so many others that they cannot go on: they need no memory any more.
    /// Gives those that are ahead, from the best.
    fn let_go(&self, trials: &[usize], rung: usize) -> Result<Vec<usize>> {
        // Two threads that did so at once would end a trial twice.
        let mut shared = self.shared();
        let mut ahead = self.order(&shared, trials, rung);
        let behind = ahead.split_off(quota(trials.len()).min(ahead.len()));
        let lives = behind.iter().filter_map(|trial| shared.waiting.get(trial));
        let ended = lives.map(|live| self.record(live, TrialEnding::Halving)).collect();
        self.end(&mut shared, ended)?;
        Ok(ahead)
    }

    /// Those of some trials that have come to a rung, from the best to the worst.
    fn order(&self, shared: &Shared<'_, T>, trials: &[usize], rung: usize) -> Vec<usize> {
        let min_delta = self.settings.options.min_delta.unwrap_or(0.0);
        let standing = |&trial: &usize| {
            let of_record = shared.records.get(&trial).map(|record| &record.curve);
            let of_live = shared.waiting.get(&trial).filter(|live| live.epoch >= rung).map(|live| &live.curve);
            let curve = of_record.or(of_live)?;
            let best = best_of(&curve.validation_loss[..rung.min(curve.validation_loss.len())], min_delta);
            let score = best.and_then(|best| curve.score[best]);
            Some(Standing { trial, score, loss: best.map(|best| curve.validation_loss[best]) })
        };
        ranked(trials.iter().filter_map(standing).collect(), self.judges[0].lower_is_better())
    }

    /// The trials that go on after a rung: the best of those that came to it, but for those that have ended.
    fn after(&self, trials: &[usize], rung: usize) -> Result<Vec<usize>> {
        if rung == self.rungs.last().copied().unwrap_or(rung) {
            return Ok(Vec::new());
        }
        let mut ahead = self.let_go(trials, rung)?;
        let shared = self.shared();
        ahead.retain(|trial| shared.records.get(trial).is_none_or(|record| record.epochs > rung));
        Ok(ahead)
    }

    /// What a trial came to.
    fn record(&self, live: &Live<T>, ended: TrialEnding) -> TrialRecord {
        TrialRecord {
            trial: live.trial,
            options: values_of(&self.trials[&live.trial].point),
            ended,
            epochs: live.curve.loss.len(),
            best_epoch: live.best.as_ref().map(|best| best.epoch),
            score: live.score(),
            validation_loss: live.best.as_ref().map(|best| best.loss),
            weights: live.best.as_ref().map(|best| checksum(&best.weights)),
            curve: live.curve.clone(),
        }
    }

    /// Saves all trials that wait, those of a shape and a step together.
    fn save_waiting(&self) -> Result<()> {
        let mut shared = self.shared();
        let Shared { folder, waiting, saved, .. } = &mut *shared;
        let mut groups: BTreeMap<(usize, u64), Vec<&Live<T>>> = BTreeMap::new();
        for live in waiting.values().filter(|live| live.start.is_some()) {
            groups.entry((self.trials[&live.trial].group, live.steps)).or_default().push(live);
        }
        groups.values().try_for_each(|lives| folder.save_states(lives))?;
        *saved = Instant::now();
        Ok(())
    }
}

/// The place of the best of some losses, as training finds it: each must be lower than the best before by more than this.
fn best_of(losses: &[f64], min_delta: f64) -> Option<usize> {
    let better = |best: Option<usize>, place: usize| match best {
        Some(best) if losses[place] >= losses[best] - min_delta => Some(best),
        _ => Some(place),
    };
    (0..losses.len()).fold(None, better)
}

impl<T: Precision> Watch<T> for Sweep<'_, T> {
    fn worked(&self, work: f64) {
        let (done, all) = {
            let mut shared = self.shared();
            shared.done += work;
            (shared.done, shared.all)
        };
        self.watcher.progress(done, all);
    }

    fn stops(&self) -> bool {
        let most = self.settings.options.max_time.map(|time| time.0);
        self.is_merged || self.watcher.signal().is_some() || most.is_some_and(|most| self.started.elapsed() >= most)
    }

    fn scored(&self, trial: usize, score: f64) {
        let lower_is_better = self.judges[0].lower_is_better();
        let is_better = |best: f64| if lower_is_better { score < best } else { score > best };
        let mut shared = self.shared();
        if shared.best.is_none_or(is_better) {
            shared.best = Some(score);
            drop(shared);
            self.watcher.better(trial, score);
        }
    }

    fn saves_after(&self, epochs: usize, time: Duration) -> bool {
        match self.settings.options.checkpoint_every.unwrap_or_default() {
            Interval::Epochs(every) => epochs >= every,
            Interval::Time(every) => time >= every,
        }
    }

    fn save(&self, lives: &[&Live<T>]) -> Result<()> {
        self.shared().folder.save_states(lives)
    }
}

impl SweepReport {
    /// The best trial: of those that were trained to their end, if there are some.
    pub fn best_trial(&self) -> Option<&TrialRecord> {
        let is_whole = |record: &&TrialRecord| matches!(record.ended, TrialEnding::AllEpochs | TrialEnding::Patience);
        let scored: Vec<&TrialRecord> = self.trials.iter().filter(|record| record.score.is_some()).collect();
        let whole: Vec<&TrialRecord> = scored.iter().copied().filter(is_whole).collect();
        let candidates = if whole.is_empty() { scored } else { whole };
        let of = |record: &&TrialRecord| Standing { trial: record.trial, score: record.score, loss: record.validation_loss };
        let first = ranked(candidates.iter().map(of).collect(), self.account.lower_is_better).first().copied()?;
        candidates.into_iter().find(|record| record.trial == first)
    }

    /// The trials from the best to the worst.
    pub fn ranked(&self) -> Vec<&TrialRecord> {
        let of = |record: &TrialRecord| Standing { trial: record.trial, score: record.score, loss: record.validation_loss };
        let order = ranked(self.trials.iter().map(of).collect(), self.account.lower_is_better);
        let by_number: HashMap<usize, &TrialRecord> = self.trials.iter().map(|record| (record.trial, record)).collect();
        order.iter().map(|trial| by_number[trial]).collect()
    }

    /// Notes the best trial, and holds its run to what it came to among the others, here or, before it went on, elsewhere.
    fn note_best(&mut self, is_of_here: bool, watcher: &dyn Watcher) -> Result<()> {
        let (Some(record), Some(run)) = (self.best_trial(), &self.best) else { return Ok(()) };
        let trained = winner::checksum(&run.run)?;
        if record.weights.as_ref() != Some(&trained) {
            if is_of_here {
                return Err(Error::Internal(format!(
                    "trial {} has other weights alone than among the others: a fault of wgrad or of the device",
                    record.trial
                )));
            }
            watcher.remark(&format!(
                "trial {} comes out with other weights here than where it was trained before: the devices round otherwise",
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
    fn save_table(&self) -> Result<()> {
        let failed = |error: csv::Error| Error::Internal(format!("the table of trials: {error}"));
        let mut table = csv::Writer::from_writer(Vec::new());
        let keys: Vec<&str> = self.account.varied.iter().map(|option| &*option.key).collect();
        let ends = ["ended", "epochs", "best_epoch", &self.account.metric, "validation_loss"];
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
                number(record.validation_loss),
            ];
            table.write_record([record.trial.to_string()].into_iter().chain(options).chain(ends)).map_err(failed)?;
        }
        let bytes = table.into_inner().map_err(|error| Error::Internal(format!("the table of trials: {error}")))?;
        Place::own(&self.folder.join(run::SWEEP_TABLE)).save_bytes(&bytes, |_| Ok(()))
    }

    /// Writes the page.
    fn show(&self) -> Result<()> {
        SweepPage::read(&self.folder)?.save(&Place::own(&self.folder.join(run::REPORT)))
    }

    /// Writes `sweep.json`.
    fn save(&self) -> Result<()> {
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
