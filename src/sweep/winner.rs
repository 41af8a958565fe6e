//! The best trial of a sweep as an ordinary run: it is trained once more, alone, and looks at the test rows.

use std::path::Path;

use super::watcher::Watcher;
use crate::error::{Error, Result};
use crate::files::{self, run};
use crate::model::Model;
use crate::report::sweep::TrialRecord;
use crate::training::run::{
    DataReport, Destination, EpochRecord, NetworkReport, Observer, Options, Run, RunObserver, RunReport,
};
use crate::training::session::{Device, Recipe};

/// Trains the run of a trial into a folder, in place of an earlier one; what a person should hear begins with `named`.
///
/// # Errors
/// What training comes to; interrupted, if a signal comes.
pub(super) fn trained(options: &Options, path: &Path, named: &str, watcher: &dyn Watcher) -> Result<RunReport> {
    remove(path)?;
    let mut observer = Quiet { named, watcher };
    let report = Run::new(options)?.train(Destination::New(Some(path.to_path_buf())), &mut observer)?;
    report.ended()?;
    Ok(report)
}

/// Removes an earlier run.
///
/// # Errors
/// Internal, if the system refuses.
pub(super) fn remove(path: &Path) -> Result<()> {
    if !path.join(run::OPTIONS).is_file() {
        return Ok(());
    }
    let unreadable = |error: std::io::Error| Error::reading(path, &error);
    for entry in std::fs::read_dir(path).map_err(unreadable)? {
        files::remove(&entry.map_err(unreadable)?.path())?;
    }
    files::remove_folder(path);
    Ok(())
}

/// CRC-32 of the weights of a run's model, layer by layer, then biases.
///
/// # Errors
/// Model, if it cannot be read.
pub(super) fn checksum(folder: &Path) -> Result<String> {
    Ok(Model::load(&folder.join(run::MODEL))?.weights.checksum())
}

/// Holds a trial's weights, which have this checksum, to those that it had among the others.
///
/// # Errors
/// Internal, if they are others.
pub(super) fn check_weights(record: &TrialRecord, checksum: &str) -> Result<()> {
    match &record.weights {
        Some(weights) if weights != checksum => Err(Error::Internal(format!(
            "trial {} has other weights alone than among the others: a fault of wgrad or of the device",
            record.trial
        ))),
        _ => Ok(()),
    }
}

/// Passes on what is remarked, and the signals.
struct Quiet<'a> {
    named: &'a str,
    watcher: &'a dyn Watcher,
}

impl Observer for Quiet<'_> {
    fn progress(&mut self, _rows: usize, _total: usize) {}

    fn epoch(&mut self, _record: &EpochRecord) -> Result<()> {
        Ok(())
    }

    fn remark(&mut self, remark: &str) {
        self.watcher.remark(&format!("{}: {remark}", self.named));
    }

    fn signal(&self) -> Option<u8> {
        self.watcher.signal()
    }
}

impl RunObserver for Quiet<'_> {
    fn begins(&mut self, _: &DataReport, _: &NetworkReport, _: &Recipe, _: &Device, _: &Path) -> Result<()> {
        Ok(())
    }

    fn resumed(&mut self, _epoch: usize, _step: u64) {}
}
