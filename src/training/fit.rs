//! The training loop: epoch after epoch, until there is a reason to end.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::device::Precision;
use super::session::{Samples, Session};
use crate::data::Matrix;
use crate::error::{Error, Result};
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
    /// Seconds since training began.
    pub seconds: f64,
    /// Training rows a second in this epoch.
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
    /// The epoch that the weights are from.
    pub epoch: usize,
    /// The last epoch's record, if one was finished.
    pub last: Option<EpochRecord>,
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

    /// The signal that asks training to end after this step, if one came.
    fn signal(&self) -> Option<u8>;
}

/// What is measured on the validation rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Measure {
    /// The share of rows whose largest output (or whose single output, at ½) is the target's.
    Accuracy,
    /// R², the mean over the targets: 1 - squared errors / squared deviations.
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

    /// The measure of outputs [rows × outputs] against targets of the same shape.
    pub fn of<T: Precision>(self, outputs: &Matrix<T>, targets: &Matrix<T>) -> f64 {
        match self {
            Self::Accuracy => {
                let right = (0..outputs.rows).filter(|&row| is_right(outputs.row(row), targets.row(row))).count();
                right as f64 / outputs.rows as f64
            }
            Self::R2 => {
                let column = |c: usize| (0..outputs.rows).map(move |row| row * outputs.columns + c);
                let score = |c: usize| {
                    let mean = column(c).map(|i| targets.values[i].to_f64()).sum::<f64>() / outputs.rows as f64;
                    let deviation: f64 = column(c).map(|i| (targets.values[i].to_f64() - mean).powi(2)).sum();
                    let error: f64 =
                        column(c).map(|i| (targets.values[i].to_f64() - outputs.values[i].to_f64()).powi(2)).sum();
                    1.0 - error / deviation
                };
                (0..outputs.columns).map(score).sum::<f64>() / outputs.columns as f64
            }
        }
    }
}

/// Whether the outputs say the class of the target. NaN says nothing.
fn is_right<T: Precision>(outputs: &[T], target: &[T]) -> bool {
    let half = T::from_f64(0.5);
    if let ([output], [target]) = (outputs, target) {
        return (*output > half && *target > half) || (*output <= half && *target <= half);
    }
    let class = target.iter().position(|&value| value > half);
    class.is_some_and(|class| {
        outputs.iter().enumerate().all(
            |(other, &output)| {
                if other < class { output < outputs[class] } else { output <= outputs[class] }
            },
        )
    })
}

/// Epochs that run without a word from the device in between, where nothing but their losses is wanted.
const EPOCHS_AT_ONCE: usize = 64;

/// Trains a session for `epochs` epochs, or until a limit or a signal ends it.
///
/// # Errors
/// Diverged, when a loss is no longer finite; what the device or the observer reports.
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
    let mut best: Option<(f64, usize, Weights<T>)> = None;
    let (mut epoch, mut last, mut ending) = (0, None, Ending::AllEpochs);
    while epoch < epochs {
        let watched = validation.is_some() || limits.patience.is_some();
        let at_once = if watched { 1 } else { session.epochs_at_once().min(EPOCHS_AT_ONCE).min(epochs - epoch) };
        let begun = started.elapsed();
        let mut stopped = None;
        let losses = session.train(at_once, |done| {
            observer.progress(epoch * rows + done, epochs * rows);
            stopped = observer.signal().map(|signal| Ending::Signal { signal });
            if stopped.is_none() && limits.time.is_some_and(|most| started.elapsed() >= most) {
                stopped = Some(Ending::Time);
            }
            if stopped.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        })?;
        let learning_rate = session.last_learning_rate();
        let seconds = started.elapsed().as_secs_f64();
        let speed = (losses.len() * rows) as f64 / (seconds - begun.as_secs_f64()).max(1e-9);
        for (index, &loss) in losses.iter().enumerate() {
            finite(loss, epoch + index + 1, learning_rate)?;
            let is_last = index + 1 == losses.len();
            let evaluated = match validation.filter(|_| is_last) {
                Some(samples) => Some(session.evaluate(samples)?),
                None => None,
            };
            let record = EpochRecord {
                epoch: epoch + index + 1,
                step: session.steps() - (losses.len() - index - 1) as u64 * session.steps_per_epoch(),
                learning_rate,
                loss,
                validation_loss: evaluated.as_ref().map(|(_, loss)| *loss),
                validation_metric: evaluated
                    .as_ref()
                    .zip(validation)
                    .map(|((outputs, _), samples)| measure.of(outputs, &samples.targets)),
                metric: measure.name(),
                seconds,
                samples_per_second: speed,
            };
            observer.epoch(&record)?;
            last = Some(record);
        }
        epoch += losses.len();
        if let Some(stopped) = stopped {
            // A stop at the very end of the last epoch is no stop.
            ending = if epoch >= epochs && session.steps() >= epochs as u64 * session.steps_per_epoch() {
                Ending::AllEpochs
            } else {
                stopped
            };
            break;
        }
        if let (Some(patience), Some(record)) = (limits.patience, &last) {
            let loss = record.validation_loss.unwrap_or(record.loss);
            finite(loss, epoch, learning_rate)?;
            if best.as_ref().is_none_or(|(lowest, ..)| loss < lowest - limits.min_delta) {
                best = Some((loss, epoch, session.weights()?));
            }
            if let Some((_, best_epoch, _)) = best.as_ref().filter(|(_, best_epoch, _)| epoch - best_epoch >= patience) {
                ending = Ending::NoBetter { best_epoch: *best_epoch };
                break;
            }
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let (epoch, weights) = match best {
        Some((_, best_epoch, weights)) => (best_epoch, weights),
        None => (epoch, session.weights()?),
    };
    if weights.iter().any(|layer| !layer.weight.values.iter().chain(&layer.bias).all(|value| value.is_finite())) {
        return Err(diverged(epoch, session.last_learning_rate(), "a weight"));
    }
    Ok(Fitted { weights, ending, epoch, last, seconds })
}

fn finite(loss: f64, epoch: usize, learning_rate: f64) -> Result<()> {
    if loss.is_finite() { Ok(()) } else { Err(diverged(epoch, learning_rate, "the loss")) }
}

fn diverged(epoch: usize, learning_rate: f64, what: &str) -> Error {
    Error::Diverged(format!(
        "training diverged: {what} is no longer finite in epoch {epoch}, at learning rate {learning_rate}; try a lower \
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
        assert_eq!(Measure::Accuracy.of(&outputs, &targets), 0.25);
        let single = Matrix::new(4, 1, vec![0.9, 0.1, f64::NAN, 0.4]);
        assert_eq!(Measure::Accuracy.of(&single, &Matrix::new(4, 1, vec![1.0, 0.0, 0.0, 1.0])), 0.5);
    }

    #[test]
    fn r2_is_one_for_the_targets_and_zero_for_their_mean() {
        let targets = Matrix::new(3, 1, vec![1.0, 2.0, 3.0]);
        assert_eq!(Measure::R2.of(&targets, &targets), 1.0);
        assert_eq!(Measure::R2.of(&Matrix::new(3, 1, vec![2.0; 3]), &targets), 0.0);
    }
}
