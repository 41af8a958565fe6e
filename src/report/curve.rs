//! The epochs of a run as a curve: as many of them as a picture needs, whatever their number.

use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::files;

/// The most epochs that are kept; twice as many before every other one is left out.
const EPOCHS: usize = 250;
const LINE: usize = files::run::METRICS_LINE as usize;

/// What a curve shows of an epoch: a line of `metrics.jsonl` has all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Epoch {
    /// Epochs done, from 1.
    pub epoch: usize,
    /// The learning rate of its last step.
    pub learning_rate: f64,
    /// Mean loss of a training row.
    pub loss: f64,
    /// Mean loss of a validation row.
    pub validation_loss: Option<f64>,
    /// The measure over the validation rows.
    pub validation_metric: Option<f64>,
    /// The measure's name.
    pub metric: String,
    /// Seconds of training so far.
    pub seconds: f64,
}

impl Epoch {
    /// The last one that `metrics.jsonl` tells of; none where there is no such file, or no whole line in it.
    ///
    /// # Errors
    /// Data, if the file cannot be read or its last whole line is no epoch's.
    pub fn last_of(path: &Path) -> Result<Option<Self>> {
        let unreadable = |error| Error::reading(path, &error);
        let Some(mut file) = files::open_own(path).map_err(unreadable)? else { return Ok(None) };
        let length = file.metadata().map_err(unreadable)?.len();
        // The line, and one that was cut short behind it.
        file.seek(SeekFrom::Start(length.saturating_sub(2 * LINE as u64))).map_err(unreadable)?;
        let mut end = Vec::new();
        file.take(2 * LINE as u64).read_to_end(&mut end).map_err(unreadable)?;
        let Some(last) = end.iter().rposition(|byte| *byte == b'\n') else { return Ok(None) };
        let line = end[..last].rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
        let damaged = |error| Error::Data(format!("{}: its last line is no epoch: {error}", name(path)));
        serde_json::from_slice(line).map(Some).map_err(damaged)
    }

    /// The loss that tells which epoch is the best: that of the validation rows, if there are any.
    pub fn decisive(&self) -> f64 {
        self.validation_loss.unwrap_or(self.loss)
    }
}

/// Gives each line of `metrics.jsonl` as far as it is whole; nothing where there is no such file.
///
/// # Errors
/// Data, if it cannot be read or a line is no epoch's.
pub fn for_each_epoch<T: DeserializeOwned>(path: &Path, mut each: impl FnMut(T)) -> Result<()> {
    let Some(file) = files::open_own(path).map_err(|error| Error::reading(path, &error))? else { return Ok(()) };
    let (mut reader, mut line) = (BufReader::new(file), Vec::new());
    for number in 1.. {
        line.clear();
        let read = (&mut reader).take(LINE as u64).read_until(b'\n', &mut line);
        read.map_err(|error| Error::reading(path, &error))?;
        match serde_json::from_slice(&line) {
            _ if !line.ends_with(b"\n") && line.len() < LINE => break,
            Ok(epoch) => each(epoch),
            Err(error) => return Err(Error::Data(format!("{}: line {number} is no epoch: {error}", name(path)))),
        }
    }
    Ok(())
}

/// The epochs of a run, thinned out evenly where there are many.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Curve {
    kept: Vec<Epoch>,
    /// One epoch of so many is kept, as a power of two.
    doublings: u32,
    count: usize,
    best: Option<Epoch>,
    last: Option<Epoch>,
}

impl Curve {
    /// The epochs that `metrics.jsonl` tells of; none where there is no such file. A last line that was cut short is left out.
    ///
    /// # Errors
    /// Data, if it cannot be read or a line is no epoch's.
    pub fn read(path: &Path) -> Result<Self> {
        let mut curve = Self::default();
        for_each_epoch(path, |epoch| curve.push(epoch))?;
        Ok(curve)
    }

    /// Adds the next epoch.
    pub fn push(&mut self, epoch: Epoch) {
        if self.best.as_ref().is_none_or(|best| epoch.decisive() < best.decisive()) {
            self.best = Some(epoch.clone());
        }
        if self.count.is_multiple_of(1 << self.doublings) {
            self.kept.push(epoch.clone());
        }
        self.count += 1;
        if self.kept.len() > 2 * EPOCHS {
            let mut place = 0;
            self.kept.retain(|_| {
                place += 1;
                place % 2 == 1
            });
            self.doublings += 1;
        }
        self.last = Some(epoch);
    }

    /// The epochs to draw, the last among them.
    pub fn epochs(&self) -> Vec<&Epoch> {
        let last = self.last.as_ref().filter(|last| self.kept.last().is_none_or(|kept| kept.epoch < last.epoch));
        self.kept.iter().chain(last).collect()
    }

    /// How many epochs there were.
    pub fn count(&self) -> usize {
        self.count
    }

    /// The first of those with the least loss of the validation rows, or, without any, of the training rows.
    pub fn best(&self) -> Option<&Epoch> {
        self.best.as_ref()
    }

    /// The best one, if its validation loss is clearly lower than the last one's.
    pub fn better_than_last(&self) -> Option<&Epoch> {
        /// What is lower by a smaller share may be so by chance.
        const CLEARLY: f64 = 0.97;
        let (best, last) = (self.best()?, self.last()?);
        let is_better = best.validation_loss? < CLEARLY * last.validation_loss?;
        is_better.then_some(best)
    }

    /// The last one.
    pub fn last(&self) -> Option<&Epoch> {
        self.last.as_ref()
    }

    /// Points of a line: the epoch, and what `value` gives of it.
    pub fn points(&self, value: impl Fn(&Epoch) -> Option<f64>) -> Vec<(f64, f64)> {
        self.epochs().into_iter().filter_map(|epoch| Some((epoch.epoch as f64, value(epoch)?))).collect()
    }
}

/// A patience that is worth trying where the best epoch was this one.
pub fn patience_for(best_epoch: usize) -> usize {
    best_epoch.clamp(5, 50)
}

fn name(path: &Path) -> String {
    crate::error::shown(&path.to_string_lossy())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn epoch(epoch: usize, loss: f64, validation_loss: Option<f64>) -> Epoch {
        let metric = "accuracy".to_string();
        Epoch { epoch, learning_rate: 0.1, loss, validation_loss, validation_metric: None, metric, seconds: 0.0 }
    }

    #[test]
    fn many_epochs_are_thinned_out_evenly_and_keep_the_best_and_the_last() {
        let mut curve = Curve::default();
        (1..=100_000).for_each(|number| curve.push(epoch(number, if number == 777 { 0.1 } else { 1.0 }, None)));
        let numbers: Vec<usize> = curve.epochs().iter().map(|epoch| epoch.epoch).collect();
        assert!((EPOCHS..=2 * EPOCHS + 1).contains(&numbers.len()), "{}", numbers.len());
        assert_eq!((numbers[0], numbers[1] - 1, numbers[2] - numbers[1]), (1, 256, 256));
        assert_eq!((numbers.last(), curve.count()), (Some(&100_000), 100_000));
        assert_eq!(curve.best().map(|epoch| epoch.epoch), Some(777));
    }

    #[test]
    fn the_best_epoch_is_told_by_the_validation_rows() {
        let mut curve = Curve::default();
        [(0.5, 0.9), (0.4, 0.7), (0.3, 0.8), (0.2, 0.7)]
            .iter()
            .enumerate()
            .for_each(|(index, &(loss, validation))| curve.push(epoch(index + 1, loss, Some(validation))));
        assert_eq!(curve.best().map(|epoch| epoch.epoch), Some(2));
        assert_eq!(curve.points(|epoch| epoch.validation_loss)[3], (4.0, 0.7));
        assert_eq!(curve.better_than_last(), None, "the same loss");
        curve.push(epoch(5, 0.1, Some(0.71)));
        assert_eq!(curve.better_than_last(), None, "little more than the least");
        curve.push(epoch(6, 0.1, Some(0.75)));
        assert_eq!(curve.better_than_last().map(|epoch| epoch.epoch), Some(2));
    }

    #[test]
    fn a_line_that_was_cut_short_ends_the_file_and_one_that_is_no_epoch_is_an_error() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("metrics.jsonl");
        assert_eq!(Curve::read(&path).expect("nothing yet"), Curve::default());
        let line = serde_json::to_string(&epoch(1, 0.5, None)).expect("JSON");
        std::fs::write(&path, format!("{line}\n{}", &line[..20])).expect("a file");
        assert_eq!(Curve::read(&path).expect("one epoch").count(), 1);
        std::fs::write(&path, format!("{line}\n{{}}\n")).expect("a file");
        assert!(Curve::read(&path).expect_err("no epoch").to_string().contains("line 2 is no epoch"));
    }
}
