//! What a sweep is asked to do, and how it begins, goes on and is put together.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::folder::SweepFolder;
use super::made::{Made, Where};
use super::report::SweepReport;
use super::settings::{Search, Settings, Shard};
use super::space::{Point, Space};
use super::trial::{Maker, usual_space};
use super::watcher::Watcher;
use crate::data;
use crate::error::{Error, Result, shown, typed};
use crate::evaluation::Threshold;
use crate::files::run;
use crate::model::is_sweep;
use crate::name;
use crate::network::Loss;
use crate::training::run::resolution;
use crate::training::run::{Options, Sources, run_name};
use crate::training::session::device::in_precision;

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

/// Multiply-adds of the forward passes that a sweep takes where nobody says how many trials it has: about a minute's on two cores.
const WORK: f64 = 1e13;
/// The fewest and the most trials that it has then.
const USUAL_TRIALS: [usize; 2] = [16, 256];

/// Begins a sweep.
///
/// # Errors
/// Usage, data or no device, before anything is trained; what training or saving comes to.
pub fn begin(request: &Request, watcher: &dyn Watcher) -> Result<SweepReport> {
    refuse(&request.options)?;
    let options = with_validation(&request.options);
    options.check()?;
    let mut maker = Maker::new(&options);
    let first = Options { fold: options.folds.map(|_| 1), ..options.clone() };
    let rows = maker.rows(&first)?;
    let sources = maker.sources(rows);
    let training_rows = sources.training.rows();
    let is_usual = request.vary.is_empty();
    let vary = if is_usual { usual_space(&options, training_rows) } else { request.vary.clone() };
    if vary.is_empty() {
        return Err(Error::Usage("there is nothing left to vary; name something, as in --vary dropout=0..0.5".into()));
    }
    let space = Space::new(&vary)?;
    let said = request.options.fields();
    // A seed is what the points are drawn by as well.
    let is_given = |key: &str| key != "seed" && said.get(key).is_some_and(|value| !value.is_null());
    if let Some(axis) = space.axes().iter().find(|axis| is_given(&axis.key)) {
        let key = &axis.key;
        return Err(Error::Usage(format!("--{key} is given, and --vary {axis} varies it; leave one of the two out")));
    }
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
        vary: space.axes().iter().map(ToString::to_string).collect(),
        search,
        trials: vec![trials],
        metric: request.metric.clone(),
        shard: request.shard,
        rows: Vec::new(),
        options: options.clone(),
    };
    if let (Some(shard), [bracket]) = (request.shard, &settings.brackets()[..])
        && bracket.is_empty()
    {
        return Err(Error::Usage(format!("--shard {shard}: there are {trials} trials, and none is in this shard")));
    }
    let name = options.data.as_deref().map_or("sweep".into(), |data| format!("{}-sweep", run_name(data)));
    let mut made = maker.trials(&space, points(&space, &settings).into_iter())?;
    if let Some(wanted) = request.trials.filter(|&wanted| wanted > trials) {
        made.remarks.push(format!("--trials {wanted}: there are {trials} points, each of which is tried once"));
    }
    let command = request.command.clone();
    let made_sweep = Made { settings, made, is_usual, is_merged: false, command };
    in_precision!(options.device.double(), T => made_sweep.run::<T>(Where::New(request.output.clone(), name), watcher))
}

/// Goes on with a sweep: with the trials that have not ended, and with more, if `trials` are more than there were. `more` may say how long it
/// goes on, and how many of the best trials are to be an ensemble.
///
/// # Errors
/// As [`begin`]; model, if the data is not what it was.
pub fn resume(
    path: &Path,
    trials: Option<usize>,
    more: &Options,
    command: &str,
    watcher: &dyn Watcher,
) -> Result<SweepReport> {
    let folder = SweepFolder::open(path)?;
    let mut settings = Settings::read(&path.join(run::SWEEP_OPTIONS))?;
    settings.options.max_time = more.max_time;
    settings.options.ensemble = more.ensemble.or(settings.options.ensemble);
    refuse_thresholds(&settings.options)?;
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
    let made_sweep = Made { settings, made, is_usual: false, is_merged: false, command: command.to_owned() };
    in_precision!(options.device.double(), T => made_sweep.run::<T>(Where::Resumed(folder), watcher))
}

/// Puts the trials of several shards of one sweep together, in a new folder, and trains the best of them as a run.
///
/// # Errors
/// Usage, for folders that hold no sweep or parts of different ones; as [`begin`].
pub fn merge(
    folders: &[PathBuf],
    output: Option<&Path>,
    ensemble: Option<usize>,
    command: &str,
    watcher: &dyn Watcher,
) -> Result<SweepReport> {
    let shown_of = |path: &Path| shown(&path.to_string_lossy());
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
    let mut parts = Vec::new();
    for (place, path) in folders.iter().enumerate() {
        if folders[..place].iter().any(|other| real(other) == real(path)) {
            return Err(Error::Usage(format!("--merge: {} is named twice", shown_of(path))));
        }
        if output.is_some_and(|output| real(output) == real(path)) {
            return Err(Error::Usage(format!(
                "--merge: -o {} is one of the folders to be merged; name a new one",
                shown_of(path)
            )));
        }
        let folder = SweepFolder::open(path)?;
        let settings = Settings::read(&path.join(run::SWEEP_OPTIONS))?;
        parts.push((folder, settings));
    }
    let Some((_, first)) = parts.first() else { return Err(Error::Usage("--merge: name the folders of the shards".into())) };
    let mut whole = first.whole();
    let mut known: BTreeMap<usize, &Path> = BTreeMap::new();
    for (folder, settings) in &parts {
        let path = folder.path();
        if settings.whole() != whole {
            return Err(Error::Usage(format!(
                "--merge: {} and {} are parts of different sweeps; they differ in: {}",
                shown_of(parts[0].0.path()),
                shown_of(path),
                whole.difference(&settings.whole())
            )));
        }
        for record in folder.records()? {
            if let Some(other) = known.insert(record.trial, path).filter(|other| *other != path) {
                return Err(Error::Usage(format!(
                    "--merge: trial {} is in {} and in {}; name each shard once",
                    record.trial,
                    shown_of(other),
                    shown_of(path)
                )));
            }
        }
    }
    whole.options.ensemble = ensemble;
    refuse_thresholds(&whole.options)?;
    let name = whole.options.data.as_deref().map_or("sweep".into(), |data| format!("{}-sweep", run_name(data)));
    let space = Space::new(&whole.vary)?;
    let made = Maker::new(&whole.options).trials(&space, points(&space, &whole).into_iter())?;
    let mut merged = SweepFolder::create(output, &name)?;
    whole.save(&merged.path().join(run::SWEEP_OPTIONS))?;
    for (folder, _) in &parts {
        merged.take_over(folder)?;
    }
    let missing: BTreeSet<usize> =
        made.all.iter().map(|trial| trial.number).filter(|number| !known.contains_key(number)).collect();
    if !missing.is_empty() {
        let (missing, all) = (missing.len(), whole.all_trials());
        watcher.remark(&format!("{missing} of {all} trials are in none of these folders"));
    }
    let double = whole.options.device.double();
    let made_sweep = Made { settings: whole, made, is_usual: false, is_merged: true, command: command.to_owned() };
    in_precision!(double, T => made_sweep.run::<T>(Where::Resumed(merged), watcher))
}

/// Options that a sweep has no use for.
fn refuse(options: &Options) -> Result<()> {
    let refused = |flag: &str, why: &str| Err(Error::Usage(format!("{flag}: {why}")));
    if let Some(data) = &options.data {
        if is_sweep(&name::path(data)) {
            let folder = typed(data);
            return Err(Error::Usage(format!("{folder} is a sweep: 'wgrad sweep --resume {folder}' goes on with it")));
        }
        if !data::is_there_again(data) {
            return Err(Error::Usage(
                "a sweep reads the data again for its best network, and stdin or a pipe can be read once: name a file"
                    .into(),
            ));
        }
    }
    if options.finetune.is_some() {
        return refused("--finetune", "a sweep trains networks from their first weights; --init FILE takes those of a file");
    }
    if options.fold.is_some() {
        return refused("--fold", "a sweep trains each trial for all folds");
    }
    if options.folds.is_some() && options.validation.is_some() {
        return refused("--folds", "the folds judge, and so do the rows of --validation; leave one of the two out");
    }
    if options.folds.is_some() && options.split.is_some_and(|split| split.test() == 0.0 || split.validation() > 0.0) {
        return refused(
            "--folds",
            "the folds judge, and rows of no fold test the best network: take a --split without validation rows, such as 0.9/0/0.1",
        );
    }
    if options.stop_after.is_some() {
        return refused("--stop-after", "all trials have --epochs; halving ends the worse ones early");
    }
    refuse_thresholds(options)?;
    if options.epochs == Some(0) {
        return refused("--epochs 0", "trials are judged by what they learn; at least 1");
    }
    Ok(())
}

/// Refuses an ensemble of networks that would each choose a threshold.
fn refuse_thresholds(options: &Options) -> Result<()> {
    if options.ensemble.is_some_and(|members| members > 1) && matches!(options.threshold, Some(Threshold::By(_))) {
        return Err(Error::Usage(
            "--ensemble: each network would choose a threshold of its own by the rule in --threshold; leave that out, or give a number"
                .into(),
        ));
    }
    Ok(())
}

/// The options with rows set apart to judge by, the same for all trials.
fn with_validation(options: &Options) -> Options {
    let shares = match (options.folds.is_some(), options.test.is_some()) {
        (true, _) => "0.9/0/0.1",
        (false, true) => "0.9/0.1/0",
        (false, false) => "0.8/0.1/0.1",
    };
    let usual = options.validation.is_none().then(|| shares.parse().expect("shares that add up to 1"));
    let split = options.split.or(usual);
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
        None if request.shard.is_some() => Search::Random,
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
