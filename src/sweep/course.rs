//! A sweep under way: which trials are trained next, side by side and several shapes at a time, and which go on.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::encoded::Encoded;
use super::folder::SweepFolder;
use super::halving::{Standing, quota, ranked, share_of_epochs};
use super::judge::Judge;
use super::settings::Settings;
use super::space::values_of;
use super::training::{Done, Ground, Job, Live, Watch};
use super::trial::{Shape, Trial, unit};
use super::watcher::Watcher;
use crate::error::{Error, Result};
use crate::memory;
use crate::model::checksum;
use crate::plan::Plan;
use crate::report::sweep::{TrialEnding, TrialRecord};
use crate::training::run::options::Interval;
use crate::training::session::planning::{Replicas, plan_of_replicas};
use crate::training::session::{Device, Precision};

/// Bytes of the networks that are trained side by side, at most, and the share of the memory that is there.
const BYTES: u128 = 1 << 30;
/// Networks side by side on the CPU, at most: more are no faster.
const SIDE_BY_SIDE: usize = 256;

/// What the threads of a sweep share.
pub(super) struct Shared<'a, T> {
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
    pub(super) fn new(folder: &'a mut SweepFolder) -> Self {
        let (records, waiting) = (BTreeMap::new(), BTreeMap::new());
        Self { folder, records, waiting, done: 0.0, all: 1.0, best: None, saved: Instant::now() }
    }
}

/// A sweep that is under way.
pub(super) struct Course<'a, T> {
    pub(super) settings: &'a Settings,
    pub(super) trials: &'a BTreeMap<usize, Trial>,
    pub(super) shapes: &'a [Shape],
    /// Rows to train on, by shape.
    pub(super) rows: &'a [usize],
    pub(super) encoded: &'a Encoded<T>,
    pub(super) judges: &'a [Judge],
    pub(super) device: &'a Device,
    pub(super) rungs: &'a [usize],
    /// Folds of each trial, at least 1.
    pub(super) folds: usize,
    pub(super) watcher: &'a dyn Watcher,
    pub(super) is_merged: bool,
    pub(super) started: Instant,
    pub(super) shared: Mutex<Shared<'a, T>>,
}

impl<'a, T: Precision> Course<'a, T> {
    /// Trains all trials. Gives what each came to, those that were stopped included, and whether all have ended.
    pub(super) fn all(&self, records: Vec<TrialRecord>, lives: Vec<Live<T>>) -> Result<(Vec<TrialRecord>, bool)> {
        {
            let mut shared = self.shared();
            let folds = self.folds;
            shared.records = records.into_iter().map(|record| (unit(record.trial, record.fold, folds), record)).collect();
            let ended: Vec<usize> = shared.records.keys().copied().collect();
            let is_under_way = |live: &Live<T>| !ended.contains(&live.trial);
            shared.waiting = lives.into_iter().filter(is_under_way).map(|live| (live.trial, live)).collect();
            let work = |trial: &Trial| {
                let epochs = shared.waiting.get(&trial.unit(folds)).map_or(0, |live| live.epoch);
                self.work(trial) * trial.recipe.epochs.saturating_sub(epochs) as f64
            };
            let left = self.trials.values().filter(|trial| !shared.records.contains_key(&trial.unit(folds)));
            shared.all = left.map(work).sum::<f64>() * share_of_epochs(self.trials.len(), self.rungs);
        }
        // What waits to go on is kept, whatever became of the others.
        let trained = self.brackets();
        self.save_waiting()?;
        trained?;
        let mut shared = self.shared();
        let needed: Vec<usize> = shared.waiting.keys().copied().collect();
        shared.folder.prune_states(|trial| needed.contains(&trial))?;
        let is_whole = self.trials.keys().all(|trial| shared.records.contains_key(trial));
        let mut records: Vec<TrialRecord> = std::mem::take(&mut shared.records).into_values().collect();
        let unfinished = shared.waiting.values().filter(|live| live.epoch > 0);
        records.extend(unfinished.map(|live| self.record(live, TrialEnding::Unfinished)));
        records.sort_by_key(|record| (record.trial, record.fold));
        Ok((records, is_whole))
    }

    /// Trains those that were begun together, rung after rung, until all have ended or training is to stop.
    fn brackets(&self) -> Result<()> {
        for bracket in self.settings.brackets() {
            let units = bracket.into_iter().flat_map(|trial| (1..=self.folds).map(move |fold| (trial, fold)));
            let units = units.map(|(trial, fold)| unit(trial, Some(fold), self.folds));
            let mut going: Vec<usize> = units.filter(|unit| self.trials.contains_key(unit)).collect();
            for &rung in self.rungs {
                self.up_to(&going, rung)?;
                if self.stops() {
                    return Ok(());
                }
                going = self.after(&going, rung)?;
            }
        }
        Ok(())
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
        let unit = |record: &TrialRecord| unit(record.trial, record.fold, self.folds);
        let lines: Vec<_> = ended.iter().map(|record| (record, &self.trials[&unit(record)])).collect();
        shared.folder.ended(&lines)?;
        for record in ended {
            shared.waiting.remove(&unit(&record));
            shared.records.insert(unit(&record), record);
        }
        self.watcher.ended(shared.records.len() / self.folds);
        Ok(())
    }

    /// Ends those trials that are at a rung already and behind so many others that they cannot go on: they need no memory any more.
    /// Gives those that are ahead, from the best.
    fn let_go(&self, trials: &[usize], rung: usize) -> Result<Vec<usize>> {
        // Two threads that did so at once would end a trial twice.
        let mut shared = self.shared();
        let mut ahead = self.order(&shared, trials, rung);
        // Whole trials go on, or end.
        let most = quota(trials.len() / self.folds) * self.folds;
        let behind = ahead.split_off(most.min(ahead.len()));
        let lives = behind.iter().filter_map(|trial| shared.waiting.get(trial));
        let ended = lives.map(|live| self.record(live, TrialEnding::Halving)).collect();
        self.end(&mut shared, ended)?;
        Ok(ahead)
    }

    /// Those of some trials that have come to a rung in all of their folds, from the best to the worst.
    fn order(&self, shared: &Shared<'_, T>, trials: &[usize], rung: usize) -> Vec<usize> {
        let (min_delta, by_loss) = (self.settings.options.min_delta.unwrap_or(0.0), self.settings.halves_by_loss());
        // The loss and the score of a fold's best epoch so far.
        let of_fold = |unit: &usize| -> Option<(Option<f64>, Option<f64>)> {
            let of_record = shared.records.get(unit).map(|record| &record.curve);
            let of_live = shared.waiting.get(unit).filter(|live| live.epoch >= rung).map(|live| &live.curve);
            let curve = of_record.or(of_live)?;
            let best = best_of(&curve.validation_loss[..rung.min(curve.validation_loss.len())], min_delta);
            Some((best.map(|best| curve.validation_loss[best]), best.and_then(|best| curve.score[best])))
        };
        let standing = |units: &[usize]| {
            let folds = units.iter().map(of_fold).collect::<Option<Vec<_>>>()?;
            let (losses, scores): (Vec<Option<f64>>, Vec<Option<f64>>) = folds.into_iter().unzip();
            let mean = |of: Vec<Option<f64>>| of.into_iter().sum::<Option<f64>>().map(|sum| sum / units.len() as f64);
            let (loss, score) = (mean(losses), mean(scores).filter(|_| !by_loss));
            Some(Standing { trial: units[0], score, loss })
        };
        let standings = trials.chunks(self.folds).filter_map(standing).collect();
        let firsts = ranked(standings, self.judges[0].lower_is_better());
        firsts.into_iter().flat_map(|first| first..first + self.folds).collect()
    }

    /// The trials that go on after a rung: the best of those that came to it, but for those that have ended.
    fn after(&self, trials: &[usize], rung: usize) -> Result<Vec<usize>> {
        if rung == self.rungs.last().copied().unwrap_or(rung) {
            return Ok(Vec::new());
        }
        let mut ahead = self.let_go(trials, rung)?;
        let shared = self.shared();
        // A trial that ended in one of its folds is judged by what it came to there, and goes on in the others.
        let has_ended = |unit: &usize| shared.records.get(unit).is_some_and(|record| record.epochs <= rung);
        let ended: Vec<usize> =
            ahead.chunks(self.folds).filter(|units| units.iter().all(has_ended)).flatten().copied().collect();
        ahead.retain(|unit| !ended.contains(unit));
        // In the order in which they were.
        ahead.sort_unstable();
        Ok(ahead)
    }

    /// What a trial came to.
    fn record(&self, live: &Live<T>, ended: TrialEnding) -> TrialRecord {
        let trial = &self.trials[&live.trial];
        TrialRecord {
            trial: trial.number,
            fold: trial.fold,
            options: values_of(&trial.point),
            ended,
            epochs: live.curve.loss.len(),
            best_epoch: live.best.as_ref().map(|best| best.epoch),
            score: live.score(),
            validation_loss: live.best.as_ref().map(|best| best.loss),
            deviation: None,
            weights: live.best.as_ref().map(|best| checksum(std::slice::from_ref(&best.weights))),
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

impl<T: Precision> Watch<T> for Course<'_, T> {
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
            // One fold's score is not that of the trial.
            if self.folds == 1 {
                self.watcher.better(trial, score);
            }
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
