//! What a run's report tells of how the run was made: the commands, and what was remarked.

use std::path::Path;

use super::observer::{Observer, RunObserver};
use super::record::EpochRecord;
use super::report::NetworkReport;
use super::sources::DataReport;
use crate::error::Result;
use crate::report::Account;
use crate::training::session::{Device, Recipe};

/// What a run's report tells of how the run was made.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Notes {
    /// The command lines, in order.
    pub commands: Vec<String>,
    /// What a person was told on the way.
    pub remarks: Vec<String>,
}

impl Notes {
    /// Takes a remark down, unless it is there.
    pub(super) fn remark(&mut self, remark: &str) {
        if !self.remarks.iter().any(|known| known == remark) {
            self.remarks.push(remark.to_owned());
        }
    }

    /// These, after what the report of an earlier part of the run tells.
    pub(super) fn after(self, earlier: &Account) -> Self {
        let mut all = Self { commands: earlier.commands.clone(), remarks: earlier.remarks.clone() };
        let new = self.commands.into_iter().filter(|command| !earlier.commands.contains(command));
        all.commands.extend(new);
        self.remarks.iter().for_each(|remark| all.remark(remark));
        all
    }
}

/// Watches a run for somebody, and takes down what is remarked.
pub(super) struct Noted<'a> {
    observer: &'a mut dyn RunObserver,
    pub(super) notes: Notes,
}

impl<'a> Noted<'a> {
    pub(super) fn new(observer: &'a mut dyn RunObserver, notes: Notes) -> Self {
        Self { observer, notes }
    }
}

impl Observer for Noted<'_> {
    fn progress(&mut self, rows: usize, total: usize) {
        self.observer.progress(rows, total);
    }

    fn epoch(&mut self, record: &EpochRecord) -> Result<()> {
        self.observer.epoch(record)
    }

    fn can_go_on(&mut self, step: u64) {
        self.observer.can_go_on(step);
    }

    fn saved(&mut self, step: u64) {
        self.observer.saved(step);
    }

    fn remark(&mut self, remark: &str) {
        self.notes.remark(remark);
        self.observer.remark(remark);
    }

    fn signal(&self) -> Option<u8> {
        self.observer.signal()
    }
}

impl RunObserver for Noted<'_> {
    fn begins(
        &mut self,
        data: &DataReport,
        network: &NetworkReport,
        recipe: &Recipe,
        device: &Device,
        folder: &Path,
    ) -> Result<()> {
        self.observer.begins(data, network, recipe, device, folder)
    }

    fn resumed(&mut self, epoch: usize, step: u64) {
        self.observer.resumed(epoch, step);
    }
}
