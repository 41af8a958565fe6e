//! The training loop: epoch after epoch, until there is a reason to end.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use super::checkpoint::{Checkpoints, Due};
use super::ending::Ending;
use super::memory::Memory;
use super::observer::Observer;
use super::record::EpochRecord;
use crate::data::{Decision, Matrix};
use crate::error::{Error, Result};
use crate::evaluation::{Regression, predicted_class, said_class, significant};
use crate::network::Weights;
use crate::training::session::divergence::{self, Divergence};
use crate::training::session::schedule::Plateau;
use crate::training::session::{LossScale, Precision, Rows, ScheduleKind, Session};

/// When training ends before its last epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Epochs without a better loss after which training ends and the best weights are taken.
    pub patience: Option<usize>,
    /// By how much a loss must be lower to count as better.
    pub min_delta: f64,
    /// Time after which training ends.
    pub time: Option<Duration>,
    /// Epochs after which training ends, though the learning rate falls as if more came.
    pub epochs: Option<usize>,
}

/// What training gave.
#[derive(Debug, Clone)]
pub struct Fitted<T> {
    /// The trained weights.
    pub weights: Vec<Weights<T>>,
    /// Why training ended.
    pub ending: Ending,
    /// Whole epochs that the weights come from.
    pub epoch: usize,
    /// The last whole epoch's record, if there was one.
    pub last: Option<EpochRecord>,
    /// Steps taken.
    pub steps: u64,
    /// Seconds that training took.
    pub seconds: f64,
}

/// What is measured on the validation rows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Measure {
    /// The share of rows whose class, decided so, is the target's.
    Accuracy(Decision),
    /// R², the mean over the targets that have one: 1 - squared errors / squared deviations.
    R2,
}

impl Measure {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy(_) => "accuracy",
            Self::R2 => "r2",
        }
    }

    /// The measure of outputs [rows × outputs] against targets of the same shape; none where it is not defined.
    pub fn of<T: Precision>(self, outputs: &Matrix<T>, targets: &Matrix<T>) -> Option<f64> {
        let row =
            |matrix: &Matrix<T>, row: usize| -> Vec<f64> { matrix.row(row).iter().map(|value| value.to_f64()).collect() };
        match self {
            Self::Accuracy(decision) => {
                let is_right = |&index: &usize| {
                    let said = said_class(decision, &row(outputs, index));
                    said.is_some() && said == predicted_class(&row(targets, index))
                };
                let right = (0..outputs.rows).filter(is_right).count();
                (outputs.rows > 0).then(|| right as f64 / outputs.rows as f64)
            }
            Self::R2 => {
                let (outputs, targets) = (outputs.converted::<f64>(), targets.converted::<f64>());
                let names = vec![String::new(); outputs.columns];
                Regression::new(&outputs.values, &targets.values, &names).r2
            }
        }
    }
}

/// What may help where training diverges.
const ADVICE: &str = "try a lower --learning-rate (a tenth, say), --scale standard, or another --init";

/// Epochs that run without a word from the device in between, where nothing but their losses is wanted.
const EPOCHS_AT_ONCE: usize = 64;

/// A training: a session, how long it goes on, and what is looked at on the way.
pub struct Training<'a, T> {
    /// The network on its device, with its data.
    pub session: &'a mut Session<T>,
    /// Epochs in all, those before this training began included.
    pub epochs: usize,
    /// What is evaluated after each epoch.
    pub validation: Option<&'a Rows<T>>,
    /// What is measured on it.
    pub measure: Measure,
    /// The loss of a network that says the same for every training row, where that is known.
    pub constant_loss: Option<f64>,
    /// When training ends before its last epoch.
    pub limits: Limits,
    /// What is remembered of the epochs before.
    pub memory: Memory<T>,
    /// Where training is saved from time to time.
    pub checkpoints: Checkpoints<'a>,
}

impl<T: Precision> Training<'_, T> {
    /// Trains until the last epoch is done, or until a limit or a signal ends it.
    ///
    /// # Errors
    /// Diverged, when a loss or a weight is no longer finite; what the device, the observer or a checkpoint reports.
    pub fn fit(mut self, observer: &mut dyn Observer) -> Result<Fitted<T>> {
        let started = Instant::now();
        let clock = Clock { started, before: self.memory.seconds };
        if self.session.steps() == 0 {
            // A trial: what cannot be saved is known before anything is lost.
            self.save(observer)?;
        } else {
            observer.can_go_on(self.session.steps());
        }
        let ending = loop {
            if let Some(best_epoch) = self.exhausted() {
                break Ending::NoBetter { best_epoch };
            }
            if self.session.epoch() >= self.epochs {
                break Ending::AllEpochs;
            }
            if self.session.epoch() >= self.last_epoch() {
                break Ending::StopAfter;
            }
            let stopped = self.some_epochs(&clock, observer)?;
            if let Some(stopped) = stopped.filter(|_| self.session.epoch() < self.last_epoch()) {
                break stopped;
            }
        };
        self.memory.seconds = clock.seconds();
        let (epoch, weights) = match &self.memory.best {
            Some((_, best_epoch, weights)) => (*best_epoch, weights.clone()),
            None => (self.session.epoch(), self.session.weights_of_all()?),
        };
        if weights
            .iter()
            .flatten()
            .any(|layer| !layer.weight.values.iter().chain(&layer.bias).all(|value| value.is_finite()))
        {
            return Err(self.diverged("a weight", epoch, observer));
        }
        self.save(observer)?;
        let (steps, seconds) = (self.session.steps(), self.memory.seconds);
        Ok(Fitted { weights, ending, epoch, last: self.memory.last, steps, seconds })
    }

    /// The epoch after which training ends, unless something ends it before.
    fn last_epoch(&self) -> usize {
        self.limits.epochs.map_or(self.epochs, |most| most.min(self.epochs))
    }

    /// Trains until there is something to look at: an epoch, several where nobody wants to know, or the middle of one where it is
    /// time to save or to end. Gives the reason to end, if there is one.
    fn some_epochs(&mut self, clock: &Clock, observer: &mut dyn Observer) -> Result<Option<Ending>> {
        let rows = self.session.rows();
        let (epoch, begun) = (self.session.epoch(), clock.seconds());
        let is_plateau = self.session.recipe().schedule.kind == ScheduleKind::Plateau;
        let watched = self.validation.is_some() || self.limits.patience.is_some() || is_plateau;
        let until_saved = self.checkpoints.epochs_until(epoch);
        let at_once = match watched {
            true => 1,
            false => self.session.epochs_at_once().min(EPOCHS_AT_ONCE).min(self.last_epoch() - epoch).min(until_saved),
        };
        let mut stopped = None;
        let loss_scale = self.session.loss_scale().map(LossScale::scale);
        let (limits, checkpoints, total) = (&self.limits, &self.checkpoints, self.last_epoch() * rows);
        let trained = self.session.train(at_once, |done| {
            observer.progress(epoch * rows + done, total);
            stopped = observer.signal().map(|signal| Ending::Signal { signal });
            if stopped.is_none() && limits.time.is_some_and(|most| clock.started.elapsed() >= most) {
                stopped = Some(Ending::Time);
            }
            if stopped.is_some() || checkpoints.time_is_up() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let went = clock.seconds() - begun;
        let mut is_better = false;
        for (index, &loss) in trained.losses.iter().enumerate() {
            let step = (epoch + index + 1) as u64 * self.session.steps_per_epoch();
            let share = (((index + 1) * rows) as f64 / trained.rows as f64).min(1.0);
            let record = EpochRecord {
                epoch: epoch + index + 1,
                step,
                learning_rate: self.session.learning_rate(step - 1),
                loss,
                validation_loss: None,
                validation_metric: None,
                metric: self.measure.name().into(),
                seconds: begun + went * share,
                samples_per_second: trained.rows as f64 / went.max(1e-9),
                loss_scale,
            };
            is_better |= self.look_at(record, observer)?;
        }
        let remarks = self.memory.health.look(self.session, epoch + 1..=self.session.epoch())?;
        remarks.iter().for_each(|remark| observer.remark(remark));
        self.memory.seconds = clock.seconds();
        if trained.partial.is_some_and(|loss| !loss.is_finite()) {
            return Err(self.diverged("the loss", self.session.epoch() + 1, observer));
        }
        match self.checkpoints.due(self.session.epoch(), is_better) {
            Due::Asked => {
                self.save(observer)?;
                observer.saved(self.session.steps());
            }
            Due::Worthwhile => self.save(observer)?,
            Due::Not => {}
        }
        Ok(stopped)
    }

    /// Evaluates after a whole epoch, tells the observer, and gives whether it was the best one.
    fn look_at(&mut self, mut record: EpochRecord, observer: &mut dyn Observer) -> Result<bool> {
        if !record.loss.is_finite() {
            return Err(self.diverged("the loss", record.epoch, observer));
        }
        if let Some(rows) = self.validation {
            let (outputs, targets, loss) = self.session.evaluate_rows(rows)?;
            if !loss.is_finite() {
                self.save(observer)?;
                return Err(Error::Diverged(format!(
                    "training diverged: the validation loss is no longer finite in epoch {}, at learning rate {}, and the training \
                     loss is: are the validation rows far from the training rows? If not, {ADVICE}. The state is saved: {} \
                     --learning-rate RATE goes on from it",
                    record.epoch,
                    significant(record.learning_rate),
                    self.checkpoints.command()
                )));
            }
            record.validation_loss = Some(loss);
            record.validation_metric = self.measure.of(&outputs, &targets);
        }
        observer.epoch(&record)?;
        if let Some(remark) = self.memory.least.risen(&record, self.constant_loss) {
            observer.remark(&remark);
        }
        let signs = self.memory.signs.look(&record, self.constant_loss, self.limits.patience.is_some());
        signs.iter().for_each(|remark| observer.remark(remark));
        let loss = record.validation_loss.unwrap_or(record.loss);
        self.drop_on_plateau(loss);
        let best = self.memory.best.as_ref();
        let is_better = best.is_none_or(|(lowest, ..)| loss < lowest - self.limits.min_delta);
        if self.limits.patience.is_some() && is_better {
            self.memory.best = Some((loss, record.epoch, self.session.weights_of_all()?));
        }
        self.memory.last = Some(record);
        Ok(is_better && self.limits.patience.is_some())
    }

    /// Drops the rate where the schedule goes by plateaus and an epoch's loss ends one's patience.
    fn drop_on_plateau(&mut self, loss: f64) {
        let schedule = self.session.recipe().schedule;
        if schedule.kind != ScheduleKind::Plateau || !self.memory.plateau.is_over(loss, schedule.patience) {
            return;
        }
        let rate = self.session.learning_rate(self.session.steps());
        if (rate - schedule.factor * rate).abs() > Plateau::LEAST_DROP {
            self.session.drop_rate();
        }
    }

    /// The best epoch, if patience with those after it has ended.
    fn exhausted(&self) -> Option<usize> {
        let (patience, (_, best, _)) = (self.limits.patience?, self.memory.best.as_ref()?);
        (self.session.epoch().saturating_sub(*best) >= patience).then_some(*best)
    }

    /// Saves a checkpoint.
    fn save(&mut self, observer: &mut dyn Observer) -> Result<()> {
        let state = self.session.state()?;
        if !state.is_finite() {
            return Err(self.diverged("a weight", state.epoch + 1, observer));
        }
        let steps = state.steps;
        self.checkpoints.save(state, &self.memory)?;
        observer.can_go_on(steps);
        Ok(())
    }

    /// The error for a training that has left the finite numbers: with the step, where it can be found from the newest checkpoint on. The
    /// state before that step is saved then.
    fn diverged(&mut self, what: &str, epoch: usize, observer: &mut dyn Observer) -> Error {
        let learning_rate = self.session.learning_rate(self.session.steps().saturating_sub(1));
        let noticed =
            format!("{what} is no longer finite in epoch {epoch}, at learning rate {}", significant(learning_rate));
        match self.found(&noticed, observer) {
            Ok(Some(told)) => Error::Diverged(told),
            Ok(None) => Error::Diverged(format!("training diverged: {noticed}; {ADVICE}")),
            Err(error) => error,
        }
    }

    /// What to say of the step that led out of the finite numbers.
    fn found(&mut self, noticed: &str, observer: &mut dyn Observer) -> Result<Option<String>> {
        let states = self.session.recipe().optimizer.states();
        let Ok(last) = self.checkpoints.latest::<T>(self.session.network(), states) else { return Ok(None) };
        observer.remark(&format!("{noticed}: looking for the step, from step {} on", last.state.steps));
        let until = self.session.epoch() + usize::from(self.session.is_in_epoch());
        let found = divergence::find(self.session, &last.state, until, &|| observer.signal().is_some())?;
        let Some(Divergence { good, epoch, step, kernel, learning_rate }) = found else { return Ok(None) };
        let saved = good.steps;
        // What is remembered of the steps after it goes with them.
        self.memory = last.memory;
        self.checkpoints.go_back(good, &self.memory)?;
        Ok(Some(format!(
            "training diverged in epoch {epoch}, step {step}: '{kernel}' is the first to leave the finite numbers, at learning rate \
             {}; {ADVICE}. The state after step {saved} is saved: {} --learning-rate RATE goes on from it",
            significant(learning_rate),
            self.checkpoints.command()
        )))
    }
}

/// The time of training, that before this session included.
struct Clock {
    started: Instant,
    before: f64,
}

impl Clock {
    fn seconds(&self) -> f64 {
        self.before + self.started.elapsed().as_secs_f64()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_counts_the_largest_output_and_never_nan() {
        let targets = Matrix::new(4, 2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
        let outputs = Matrix::new(4, 2, vec![0.9, 0.1, 0.8, 0.2, f64::NAN, 0.1, 0.1, f64::NAN]);
        let usual = Measure::Accuracy(Decision::default());
        assert_eq!(usual.of(&outputs, &targets), Some(0.25));
        let single = Matrix::new(4, 1, vec![0.9, 0.1, f64::NAN, 0.4]);
        let targets = Matrix::new(4, 1, vec![1.0, 0.0, 0.0, 1.0]);
        assert_eq!(usual.of(&single, &targets), Some(0.5));
        let from = |threshold: f64| Measure::Accuracy(Decision { threshold: Some(threshold), ..Decision::default() });
        assert_eq!((from(0.4).of(&single, &targets), from(0.95).of(&single, &targets)), (Some(0.75), Some(0.25)));
    }

    #[test]
    fn r2_is_one_for_the_targets_zero_for_their_mean_and_undefined_for_constant_targets() {
        let targets = Matrix::new(3, 1, vec![1.0, 2.0, 3.0]);
        assert_eq!(Measure::R2.of(&targets, &targets), Some(1.0));
        assert_eq!(Measure::R2.of(&Matrix::new(3, 1, vec![2.0; 3]), &targets), Some(0.0));
        assert_eq!(Measure::R2.of(&targets, &Matrix::new(3, 1, vec![2.0; 3])), None);
    }
}
