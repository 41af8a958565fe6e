//! The training loop: epoch after epoch, until there is a reason to end.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::device::Precision;
use super::session::{Samples, Session};
use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::evaluation::{Regression, predicted_class};
use crate::network::Weights;

/// What an epoch came to. `metrics.jsonl` has one a line.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EpochRecord {
    /// Epochs done, from 1.
    pub epoch: usize,
    /// Steps done.
    pub step: u64,
    /// The learning rate of the epoch's last step.
    pub learning_rate: f64,
    /// Mean loss of a training row, each measured before the update that it went into.
    pub loss: f64,
    /// Mean loss of a validation row after the epoch.
    pub validation_loss: Option<f64>,
    /// The measure over the validation rows after the epoch.
    pub validation_metric: Option<f64>,
    /// The measure's name.
    pub metric: &'static str,
    /// Seconds since training began, when the epoch was done. Of epochs that ran in one go each gets its share of the time.
    pub seconds: f64,
    /// Training rows a second.
    pub samples_per_second: f64,
}

/// When training ends before its last epoch.
#[derive(Debug, Clone, Copy, PartialEq, Default)]
pub struct Limits {
    /// Epochs without a better loss after which training ends and the best weights are taken.
    pub patience: Option<usize>,
    /// By how much a loss must be lower to count as better.
    pub min_delta: f64,
    /// Time after which training ends.
    pub time: Option<Duration>,
}

/// Why training ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "reason")]
pub enum Ending {
    /// All epochs were done.
    AllEpochs,
    /// The loss had not become better for as many epochs as patience lasts; the weights are the best epoch's.
    NoBetter {
        /// The epoch that the weights are from.
        best_epoch: usize,
    },
    /// Time was up.
    Time,
    /// A signal asked for it.
    Signal {
        /// Its number.
        signal: u8,
    },
}

/// What training gave.
#[derive(Debug, Clone)]
pub struct Fitted<T> {
    /// The trained weights.
    pub weights: Weights<T>,
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

/// Who watches training, and may ask it to end.
pub trait Observer {
    /// A piece of an epoch is done: rows done and rows in the whole training.
    fn progress(&mut self, rows: usize, total: usize);

    /// An epoch is done.
    ///
    /// # Errors
    /// Whatever keeps the observer from recording it; training ends with it.
    fn epoch(&mut self, record: &EpochRecord) -> Result<()>;

    /// Something that a person should hear about training, told once.
    fn remark(&mut self, _remark: &str) {}

    /// The signal that asks training to end after this step, if one came.
    fn signal(&self) -> Option<u8>;
}

/// What is measured on the validation rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The share of rows whose class is the target's.
    Accuracy,
    /// R², the mean over the targets that have one: 1 - squared errors / squared deviations.
    R2,
}

impl Measure {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Accuracy => "accuracy",
            Self::R2 => "r2",
        }
    }

    /// The measure of outputs [rows × outputs] against targets of the same shape; none where it is not defined.
    pub fn of<T: Precision>(self, outputs: &Matrix<T>, targets: &Matrix<T>) -> Option<f64> {
        let row =
            |matrix: &Matrix<T>, row: usize| -> Vec<f64> { matrix.row(row).iter().map(|value| value.to_f64()).collect() };
        match self {
            Self::Accuracy => {
                let is_right = |&index: &usize| {
                    let said = predicted_class(&row(outputs, index));
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

/// Epochs that run without a word from the device in between, where nothing but their losses is wanted.
const EPOCHS_AT_ONCE: usize = 64;

/// Trains a session for `epochs` epochs, or until a limit or a signal ends it.
///
/// # Errors
/// Diverged, when a loss or a weight is no longer finite; what the device or the observer reports.
pub fn fit<T: Precision>(
    session: &mut Session<T>,
    epochs: usize,
    validation: Option<&Samples<T>>,
    measure: Measure,
    limits: &Limits,
    observer: &mut dyn Observer,
) -> Result<Fitted<T>> {
    let started = Instant::now();
    let rows = session.rows();
    let (mut best, mut least) = (Best::new(limits), Least::default());
    let (mut epoch, mut last, mut ending) = (0, None, Ending::AllEpochs);
    while epoch < epochs {
        let watched = validation.is_some() || limits.patience.is_some();
        let at_once = if watched { 1 } else { session.epochs_at_once().min(EPOCHS_AT_ONCE).min(epochs - epoch) };
        let (steps, begun) = (session.steps(), started.elapsed().as_secs_f64());
        let mut stopped = None;
        let trained = session.train(at_once, |done| {
            observer.progress(epoch * rows + done, epochs * rows);
            stopped = observer.signal().map(|signal| Ending::Signal { signal });
            if stopped.is_none() && limits.time.is_some_and(|most| started.elapsed() >= most) {
                stopped = Some(Ending::Time);
            }
            if stopped.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let went = started.elapsed().as_secs_f64() - begun;
        for (index, &loss) in trained.losses.iter().enumerate() {
            let step = steps + (index as u64 + 1) * session.steps_per_epoch();
            let mut record = EpochRecord {
                epoch: epoch + index + 1,
                step,
                learning_rate: session.learning_rate(step - 1),
                loss,
                validation_loss: None,
                validation_metric: None,
                metric: measure.name(),
                seconds: begun + went * ((index + 1) * rows) as f64 / trained.rows as f64,
                samples_per_second: trained.rows as f64 / went.max(1e-9),
            };
            finite(loss, &record)?;
            if let Some(samples) = validation {
                let (outputs, loss) = session.evaluate(samples)?;
                finite(loss, &record)?;
                record.validation_loss = Some(loss);
                record.validation_metric = measure.of(&outputs, &samples.targets);
            }
            observer.epoch(&record)?;
            if let Some(remark) = least.risen(&record) {
                observer.remark(&remark);
            }
            best.consider(&record, session)?;
            last = Some(record);
        }
        epoch += trained.losses.len();
        if let Some(stopped) = stopped.filter(|_| epoch < epochs) {
            ending = stopped;
            break;
        }
        if let Some(best_epoch) = best.exhausted(epoch) {
            ending = Ending::NoBetter { best_epoch };
            break;
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let (epoch, weights) = match best.found {
        Some((_, best_epoch, weights)) => (best_epoch, weights),
        None => (epoch, session.weights()?),
    };
    if weights.iter().any(|layer| !layer.weight.values.iter().chain(&layer.bias).all(|value| value.is_finite())) {
        return Err(diverged("a weight", epoch, session.learning_rate(session.steps().saturating_sub(1))));
    }
    Ok(Fitted { weights, ending, epoch, last, steps: session.steps(), seconds })
}

/// The least training loss so far, and whether it was told that the loss has risen from it.
#[derive(Debug, Default)]
struct Least {
    found: Option<(usize, f64)>,
    told: bool,
}

impl Least {
    /// How much of its least loss training may lose before that is worth a word.
    const WORTH: f64 = 1.5;

    /// What to say of an epoch whose loss has risen far over the least: once in a training.
    fn risen(&mut self, record: &EpochRecord) -> Option<String> {
        let EpochRecord { epoch, loss, learning_rate, .. } = *record;
        match self.found {
            Some((since, least)) if loss > Self::WORTH * least && !self.told => {
                self.told = true;
                Some(format!(
                    "the training loss has risen from {least:.5} in epoch {since} to {loss:.5} in epoch {epoch}, at learning rate \
                     {learning_rate:?}: a lower --learning-rate may help"
                ))
            }
            Some((_, least)) if loss >= least => None,
            _ => {
                self.found = Some((epoch, loss));
                None
            }
        }
    }
}

/// The best epoch so far, where patience asks for it.
struct Best<T> {
    patience: Option<usize>,
    min_delta: f64,
    /// Its loss, its number and its weights.
    found: Option<(f64, usize, Weights<T>)>,
}

impl<T: Precision> Best<T> {
    fn new(limits: &Limits) -> Self {
        Self { patience: limits.patience, min_delta: limits.min_delta, found: None }
    }

    /// Keeps the weights if the epoch, which was the session's last, is better.
    fn consider(&mut self, record: &EpochRecord, session: &mut Session<T>) -> Result<()> {
        let loss = record.validation_loss.unwrap_or(record.loss);
        let better = self.found.as_ref().is_none_or(|(lowest, ..)| loss < lowest - self.min_delta);
        if self.patience.is_some() && better {
            self.found = Some((loss, record.epoch, session.weights()?));
        }
        Ok(())
    }

    /// The best epoch, if patience with those after it has ended.
    fn exhausted(&self, epoch: usize) -> Option<usize> {
        let (patience, (_, best, _)) = (self.patience?, self.found.as_ref()?);
        (epoch - best >= patience).then_some(*best)
    }
}

fn finite(loss: f64, record: &EpochRecord) -> Result<()> {
    if loss.is_finite() { Ok(()) } else { Err(diverged("the loss", record.epoch, record.learning_rate)) }
}

fn diverged(what: &str, epoch: usize, learning_rate: f64) -> Error {
    Error::Diverged(format!(
        "training diverged: {what} is no longer finite in epoch {epoch}, at learning rate {learning_rate:?}; try a lower \
         --learning-rate (a tenth, say), --scale standard, or another --init"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accuracy_counts_the_largest_output_and_never_nan() {
        let targets = Matrix::new(4, 2, vec![1.0, 0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 1.0]);
        let outputs = Matrix::new(4, 2, vec![0.9, 0.1, 0.8, 0.2, f64::NAN, 0.1, 0.1, f64::NAN]);
        assert_eq!(Measure::Accuracy.of(&outputs, &targets), Some(0.25));
        let single = Matrix::new(4, 1, vec![0.9, 0.1, f64::NAN, 0.4]);
        assert_eq!(Measure::Accuracy.of(&single, &Matrix::new(4, 1, vec![1.0, 0.0, 0.0, 1.0])), Some(0.5));
    }

    #[test]
    fn a_loss_that_rises_is_told_once_and_one_that_wavers_is_not() {
        let record = |epoch: usize, loss: f64| EpochRecord {
            epoch,
            step: 0,
            learning_rate: 0.1,
            loss,
            validation_loss: None,
            validation_metric: None,
            metric: "accuracy",
            seconds: 0.0,
            samples_per_second: 0.0,
        };
        let told = |losses: &[f64]| {
            let mut least = Least::default();
            losses.iter().enumerate().filter_map(|(index, &loss)| least.risen(&record(index + 1, loss))).collect::<Vec<_>>()
        };
        assert!(told(&[1.0, 0.5, 0.6, 0.55, 0.4]).is_empty());
        let remarks = told(&[1.0, 0.5, 0.9, 2.0, 0.4, 3.0]);
        assert!(matches!(&remarks[..], [one] if one.contains("0.50000 in epoch 2 to 0.90000 in epoch 3")), "{remarks:?}");
    }

    #[test]
    fn r2_is_one_for_the_targets_zero_for_their_mean_and_undefined_for_constant_targets() {
        let targets = Matrix::new(3, 1, vec![1.0, 2.0, 3.0]);
        assert_eq!(Measure::R2.of(&targets, &targets), Some(1.0));
        assert_eq!(Measure::R2.of(&Matrix::new(3, 1, vec![2.0; 3]), &targets), Some(0.0));
        assert_eq!(Measure::R2.of(&targets, &Matrix::new(3, 1, vec![2.0; 3])), None);
    }
}
