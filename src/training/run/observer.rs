//! Who watches a run.

use std::path::Path;

use super::record::EpochRecord;
use super::report::NetworkReport;
use super::sources::DataReport;
use crate::error::Result;
use crate::training::session::{Device, Recipe};

/// Who watches training, and may ask it to end.
pub trait Observer {
    /// A piece of an epoch is done: rows done and rows in the whole training.
    fn progress(&mut self, rows: usize, total: usize);

    /// An epoch is done.
    ///
    /// # Errors
    /// Whatever keeps the observer from recording it; training ends with it.
    fn epoch(&mut self, record: &EpochRecord) -> Result<()>;

    /// A checkpoint of this step is on the disk, from which training can go on.
    fn can_go_on(&mut self, _step: u64) {}

    /// A checkpoint that was due is on the disk: after a power cut training goes on from this step.
    fn saved(&mut self, _step: u64) {}

    /// Something that a person should hear about training, told once.
    fn remark(&mut self, _remark: &str) {}

    /// The signal that asks training to end after this step, if one came.
    fn signal(&self) -> Option<u8>;
}

/// Who watches a run.
pub trait RunObserver: Observer {
    /// Training is about to begin.
    ///
    /// # Errors
    /// Whatever keeps the observer from watching; training does not begin then.
    fn begins(
        &mut self,
        data: &DataReport,
        network: &NetworkReport,
        recipe: &Recipe,
        device: &Device,
        folder: &Path,
    ) -> Result<()>;

    /// An interrupted training goes on after so many whole epochs and steps.
    fn resumed(&mut self, epoch: usize, step: u64);
}
