//! What training writes down of each epoch: a line of `metrics.jsonl`, and a record for other programs.

use std::path::PathBuf;

use super::observer::{Observer, RunObserver};
use super::record::EpochRecord;
use crate::error::Result;
use crate::model::{EventFile, RunFolder};
use crate::report::Curve;

/// The event file of this session, made with its first epoch.
pub(super) enum Events {
    /// There is none yet, and this is the epoch that comes first.
    FromEpoch(usize),
    /// It is being written.
    Into(EventFile),
}

impl Events {
    /// Writes an epoch's numbers down, in TensorBoard's groups.
    fn write(&mut self, folder: &RunFolder, record: &EpochRecord) -> Result<()> {
        if let Self::FromEpoch(first) = *self {
            *self = Self::Into(EventFile::create(folder.path(), first)?);
        }
        let Self::Into(file) = self else { unreachable!("it was made just now") };
        let metric = format!("{}/validation", record.metric);
        let all = [
            ("loss/training", Some(record.loss)),
            ("loss/validation", record.validation_loss),
            (metric.as_str(), record.validation_metric),
            ("learning_rate", Some(record.learning_rate)),
        ];
        let there = all.into_iter().filter_map(|(tag, number)| Some((tag, number?)));
        file.scalars(record.epoch, &there.collect::<Vec<_>>())
    }
}

/// Writes each epoch into `metrics.jsonl`, and for other programs, before anybody else hears of it.
pub(super) struct Recorder<'a> {
    pub(super) folder: &'a RunFolder,
    pub(super) events: Option<Events>,
    /// The epochs, for the report.
    pub(super) curve: &'a mut Curve,
    /// The folder's path, once a checkpoint is in it.
    pub(super) begun: &'a mut Option<PathBuf>,
    pub(super) observer: &'a mut dyn RunObserver,
}

impl Observer for Recorder<'_> {
    fn progress(&mut self, rows: usize, total: usize) {
        self.observer.progress(rows, total);
    }

    fn epoch(&mut self, record: &EpochRecord) -> Result<()> {
        self.folder.append_metrics(record)?;
        if let Some(events) = &mut self.events {
            events.write(self.folder, record)?;
        }
        self.curve.push(record.shown());
        self.observer.epoch(record)
    }

    fn can_go_on(&mut self, step: u64) {
        *self.begun = Some(self.folder.path().to_path_buf());
        self.observer.can_go_on(step);
    }

    fn saved(&mut self, step: u64) {
        self.observer.saved(step);
    }

    fn remark(&mut self, remark: &str) {
        self.observer.remark(remark);
    }

    fn signal(&self) -> Option<u8> {
        self.observer.signal()
    }
}
