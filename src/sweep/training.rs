//! Trials of one shape, trained side by side on one device.

use std::collections::{BTreeMap, HashMap};
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use rayon::prelude::*;

use super::judge::Judge;
use super::trial::{Shape, Trial};
use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::network::Weights;
use crate::report::sweep::{Curve, TrialEnding};
use crate::training::run::beginning::{first_weights, reachable, smooth};
use crate::training::session::schedule::Plateau;
use crate::training::session::{Device, Member, Precision, Recipe, Samples, ScheduleKind, Session, State};

/// A trial under way.
#[derive(Debug, Clone)]
pub(super) struct Live<T> {
    /// Its number.
    pub(super) trial: usize,
    /// Where it goes on; none: from its first weights.
    pub(super) start: Option<Member<T>>,
    /// Steps taken, and whole epochs.
    pub(super) steps: u64,
    pub(super) epoch: usize,
    /// Its best epoch so far.
    pub(super) best: Option<Best<T>>,
    /// What a plateau schedule goes by.
    pub(super) plateau: Plateau,
    /// Its epochs.
    pub(super) curve: Curve,
}

/// The epoch of the lowest validation loss.
#[derive(Debug, Clone)]
pub(super) struct Best<T> {
    pub(super) epoch: usize,
    pub(super) loss: f64,
    pub(super) weights: Weights<T>,
}

impl<T> Live<T> {
    /// A trial that has not begun.
    pub(super) fn new(trial: usize) -> Self {
        let (plateau, curve) = (Plateau::default(), Curve::default());
        Self { trial, start: None, steps: 0, epoch: 0, best: None, plateau, curve }
    }

    /// The metric of its best epoch so far.
    pub(super) fn score(&self) -> Option<f64> {
        let best = self.best.as_ref()?;
        self.curve.score.get(best.epoch - 1).copied().flatten()
    }
}

/// The rows of some shapes as numbers.
pub(super) struct Data<T> {
    pub(super) training: Samples<T>,
    pub(super) validation: Samples<T>,
}

impl<T: Precision> Data<T> {
    /// The rows that a shape trains on.
    fn training(&self, shape: &Shape) -> Samples<T> {
        let mut training = self.training.clone();
        smooth(&mut training.targets, shape.smoothing, shape.recipe.loss);
        training
    }
}

/// Trials that are to go on together, to the end of the same epoch.
pub(super) struct Job<T> {
    /// The group that they are of.
    pub(super) group: usize,
    /// The trials, none further than another.
    pub(super) lives: Vec<Live<T>>,
}

/// What trials need to be trained.
pub(super) struct Ground<'a, T> {
    pub(super) trials: &'a BTreeMap<usize, Trial>,
    pub(super) shape: &'a Shape,
    pub(super) data: &'a Data<T>,
    pub(super) judge: &'a Judge,
    /// Epochs without a better loss after which a trial ends, and by how much a loss must be lower.
    pub(super) patience: Option<usize>,
    pub(super) min_delta: f64,
    pub(super) device: &'a Device,
}

/// Who watches a job.
pub(super) trait Watch<T> {
    /// So many multiply-adds were done.
    fn worked(&self, work: f64);

    /// Whether training is to end after this step.
    fn stops(&self) -> bool;

    /// A trial has reached a score.
    fn scored(&self, trial: usize, score: f64);

    /// Whether trials are to be saved, so many epochs and so long a time after they were saved last.
    fn saves_after(&self, epochs: usize, time: Duration) -> bool;

    /// Saves the trials where they are.
    ///
    /// # Errors
    /// What keeps them from being saved.
    fn save(&self, lives: &[&Live<T>]) -> Result<()>;
}

/// What a job came to.
pub(super) struct Done<T> {
    /// Trials that are where they were to come, or where training was stopped.
    pub(super) lives: Vec<Live<T>>,
    /// Trials that ended on the way.
    pub(super) ended: Vec<(Live<T>, TrialEnding)>,
}

impl<T> Done<T> {
    fn and(mut self, other: Self) -> Self {
        self.lives.extend(other.lives);
        self.ended.extend(other.ended);
        self
    }
}

impl<T: Precision> Ground<'_, T> {
    /// Trains the trials of a job up to the end of an epoch, or to their own last one.
    ///
    /// # Errors
    /// Limit, if there is no room for one of them; what the device reports.
    pub(super) fn train(&self, lives: Vec<Live<T>>, until: usize, watch: &dyn Watch<T>) -> Result<Done<T>> {
        // Where the products are rounded to f16, one trial's overflow ends the session of all.
        let before = (lives.len() > 1 && self.shape.recipe.mixed.is_some()).then(|| lives.clone());
        match (self.train_together(lives, until, watch), before) {
            (Err(Error::Diverged(_)), Some(mut lives)) => {
                let rest = lives.split_off(lives.len() / 2);
                Ok(self.train(lives, until, watch)?.and(self.train(rest, until, watch)?))
            }
            (done, _) => done,
        }
    }

    fn train_together(&self, lives: Vec<Live<T>>, until: usize, watch: &dyn Watch<T>) -> Result<Done<T>> {
        let mut done = Done { lives: Vec::new(), ended: Vec::new() };
        let mut lives = lives;
        while !lives.is_empty() {
            let mut side = match self.side(&lives) {
                Err(Error::Limit(_)) if lives.len() > 1 => {
                    let rest = lives.split_off(lives.len() / 2);
                    let first = self.train_together(lives, until, watch)?;
                    return Ok(done.and(first).and(self.train_together(rest, until, watch)?));
                }
                session => Side { session: session?, lives: lives.into_iter().map(Some).collect() },
            };
            lives = Vec::new();
            if side.train(self, until, watch, &mut done)? {
                // As many have ended that the others are worth a session of their own.
                lives = side.taken()?;
            }
        }
        Ok(done)
    }

    /// The recipe of a trial.
    fn recipe(&self, trial: usize) -> Recipe {
        let Recipe { micro_batches, .. } = self.shape.recipe;
        Recipe { micro_batches, ..self.trials[&trial].recipe }
    }

    /// A session of some trials, each where it is.
    fn side(&self, lives: &[Live<T>]) -> Result<Session<T>> {
        let Shape { network, .. } = self.shape;
        let recipes: Vec<Recipe> = lives.iter().map(|live| self.recipe(live.trial)).collect();
        let mut drawn: HashMap<(String, u64), Weights<T>> = HashMap::new();
        let mut first = |live: &Live<T>| -> Result<Weights<T>> {
            if let Some(start) = &live.start {
                return Ok(start.weights.clone());
            }
            let trial = &self.trials[&live.trial];
            let key = trial.first_weights_key();
            if !drawn.contains_key(&key) {
                drawn.insert(key.clone(), first_weights(&trial.options, network, trial.recipe.seed)?);
            }
            Ok(drawn[&key].clone())
        };
        let weights = lives.iter().map(&mut first).collect::<Result<Vec<_>>>()?;
        let (training, validation) = (self.data.training(self.shape), Some(&self.data.validation));
        reachable(network, &training)?;
        let mut session = Session::with_validation(network.clone(), &recipes, &weights, training, validation, self.device)?;
        if lives[0].steps > 0 {
            let members = lives.iter().filter_map(|live| live.start.clone()).collect();
            session.restore(&State { members, steps: lives[0].steps, epoch: lives[0].epoch })?;
        }
        Ok(session)
    }
}

/// A session and the trials in it; none where one has ended.
struct Side<T> {
    session: Session<T>,
    lives: Vec<Option<Live<T>>>,
}

impl<T: Precision> Side<T> {
    /// Trains epoch after epoch. Gives whether so many trials ended that the others should be packed together.
    fn train(&mut self, ground: &Ground<'_, T>, until: usize, watch: &dyn Watch<T>, done: &mut Done<T>) -> Result<bool> {
        let (mut saved, mut saved_epoch) = (Instant::now(), self.session.epoch());
        loop {
            let is_there = |live: &&Option<Live<T>>| live.is_some();
            let count = self.lives.iter().filter(is_there).count();
            let work = count as f64 * ground.shape.network.parameter_count() as f64;
            let mut rows_before = 0;
            let trained = self.session.train_replicas(1, |rows| {
                watch.worked(work * (rows - rows_before) as f64);
                rows_before = rows;
                if watch.stops() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            })?;
            if self.session.is_in_epoch() {
                done.lives.extend(self.taken()?);
                return Ok(false);
            }
            let losses: Vec<f64> =
                trained.iter().map(|trained| trained.losses.last().copied().unwrap_or(f64::NAN)).collect();
            self.end_epoch(&losses, ground, watch, done)?;
            let epoch = self.session.epoch();
            let left = self.lives.iter().filter(is_there).count();
            if epoch >= until || watch.stops() || left == 0 {
                done.lives.extend(self.taken()?);
                return Ok(false);
            }
            if watch.saves_after(epoch - saved_epoch, saved.elapsed()) {
                self.take_states()?;
                watch.save(&self.lives.iter().flatten().collect::<Vec<_>>())?;
                (saved, saved_epoch) = (Instant::now(), epoch);
            }
            if 4 * left <= 3 * self.lives.len() {
                return Ok(true);
            }
        }
    }

    /// Judges all trials after an epoch, and takes those out that end with it.
    fn end_epoch(&mut self, losses: &[f64], ground: &Ground<'_, T>, watch: &dyn Watch<T>, done: &mut Done<T>) -> Result<()> {
        let (epoch, judged) = (self.session.epoch(), self.judged(ground)?);
        let mut better = Vec::new();
        for (replica, place) in self.lives.iter_mut().enumerate() {
            let Some(live) = place else { continue };
            let (loss, (validation_loss, score)) = (losses[replica], judged[replica]);
            if !loss.is_finite() || !validation_loss.is_finite() {
                done.ended.extend(place.take().map(|live| (live, TrialEnding::Diverged)));
                continue;
            }
            (live.epoch, live.steps) = (epoch, self.session.steps());
            live.curve.loss.push(loss);
            live.curve.validation_loss.push(validation_loss);
            live.curve.score.push(score);
            if live.best.as_ref().is_none_or(|best| validation_loss < best.loss - ground.min_delta) {
                better.push(replica);
            }
        }
        for (&replica, weights) in better.iter().zip(self.session.weights_of_some(&better)?) {
            let Some(live) = &mut self.lives[replica] else { continue };
            live.best = Some(Best { epoch, loss: judged[replica].0, weights });
            live.score().iter().for_each(|&score| watch.scored(live.trial, score));
        }
        for (replica, &(validation_loss, _)) in judged.iter().enumerate() {
            let Some(live) = &mut self.lives[replica] else { continue };
            let recipe = ground.recipe(live.trial);
            if recipe.schedule.kind == ScheduleKind::Plateau
                && live.plateau.is_over(validation_loss, recipe.schedule.patience)
            {
                let rate = self.session.learning_rate_of(replica, self.session.steps());
                if (rate - recipe.schedule.factor * rate).abs() > Plateau::LEAST_DROP {
                    self.session.drop_rate_of(replica);
                }
            }
            let waited = live.best.as_ref().map_or(0, |best| epoch - best.epoch);
            let ending = match ground.patience {
                _ if epoch >= recipe.epochs => TrialEnding::AllEpochs,
                Some(patience) if waited >= patience => TrialEnding::Patience,
                _ => continue,
            };
            done.ended.extend(self.lives[replica].take().map(|live| (live, ending)));
        }
        Ok(())
    }

    /// The validation loss of each trial, and its score.
    fn judged(&mut self, ground: &Ground<'_, T>) -> Result<Vec<(f64, Option<f64>)>> {
        let rows = ground.data.validation.inputs.rows;
        let columns = ground.shape.network.outputs();
        let mut outputs: Vec<Vec<T>> = self.lives.iter().map(|_| Vec::with_capacity(rows * columns)).collect();
        let mut losses: Vec<f64> = vec![0.0; self.lives.len()];
        self.session.evaluate_replicas(|replica, _, of_rows, losses_of_rows| {
            outputs[replica].extend_from_slice(of_rows);
            losses[replica] = losses_of_rows.iter().fold(losses[replica], |sum, loss| sum + loss.to_f64());
        })?;
        let score = |values: Vec<T>| ground.judge.score(&Matrix::new(rows, columns, values));
        // Threads of our own have one core each.
        let scores: Vec<Option<f64>> = match rayon::current_thread_index() {
            Some(_) => outputs.into_par_iter().map(score).collect(),
            None => outputs.into_iter().map(score).collect(),
        };
        Ok(losses.into_iter().map(|loss| loss / rows as f64).zip(scores).collect())
    }

    /// Notes where each trial is.
    fn take_states(&mut self) -> Result<()> {
        let there: Vec<usize> = (0..self.lives.len()).filter(|&replica| self.lives[replica].is_some()).collect();
        let (steps, epoch) = (self.session.steps(), self.session.epoch());
        for (&replica, member) in there.iter().zip(self.session.members(&there)?) {
            if let Some(live) = &mut self.lives[replica] {
                (live.start, live.steps, live.epoch) = (Some(member), steps, epoch);
            }
        }
        Ok(())
    }

    /// The trials that have not ended, where they are.
    fn taken(&mut self) -> Result<Vec<Live<T>>> {
        self.take_states()?;
        Ok(self.lives.iter_mut().filter_map(Option::take).collect())
    }
}
