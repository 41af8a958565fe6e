//! A run that trains, and goes on where its device is lost.

use std::path::{Path, PathBuf};

use super::Run;
use super::destination::Destination;
use super::notes::Noted;
use super::observer::{Observer, RunObserver};
use super::options::Options;
use super::prepared::Prepared;
use super::report::RunReport;
use crate::data;
use crate::error::{Error, Result, typed_path};
use crate::model::RunFolder;
use crate::training::session::device::in_precision;
use crate::training::session::{Precision, Wanted};

/// How often a device that was lost is opened again in a run.
const DEVICES_REOPENED: usize = 2;

impl Run {
    /// Trains, evaluates on the test rows and saves everything into a folder. A device that is lost on the way is opened again, twice
    /// at most, and training goes on from the last checkpoint; where the device was ours to choose, it goes on on the CPU after that.
    ///
    /// # Errors
    /// What reading, the device, divergence or saving comes to; model, if there is no checkpoint to go on from or it is another
    /// run's. A signal is no error here: see the report's ending.
    pub fn train(self, destination: Destination, observer: &mut dyn RunObserver) -> Result<RunReport> {
        let (mut run, mut destination) = (self, destination);
        let mut observer = Noted::new(observer, run.notes.clone());
        let new = match &destination {
            Destination::New(path) => path.clone(),
            Destination::Resumed(_) => None,
        };
        // The run's folder, once there is something in it to go on from.
        let mut folder = None;
        for reopened in 0.. {
            let (options, is_ours, comes_back) = (run.options.clone(), run.is_ours, reopened < DEVICES_REOPENED);
            // What came from stdin is gone: who has it may go on with it.
            let can_be_read_again = options.data.as_deref().is_none_or(data::is_there_again);
            let lost = match run.train_once(destination, &mut folder, &mut observer) {
                Ok(report) => return Ok(report),
                Err(Error::DeviceLost(why)) if (comes_back || is_ours) && can_be_read_again => why,
                Err(error) => return Err(with_advice(error, folder.as_deref())),
            };
            run = Self::anew(options, is_ours, comes_back).map_err(|error| with_advice(error, folder.as_deref()))?;
            let next = if run.device.gpu().is_some() { "it was opened again and" } else { "the CPU" };
            observer.remark(&format!("{lost}; {next} goes on from what was saved last"));
            destination = match &folder {
                Some(folder) => Destination::Resumed(RunFolder::open(folder)?),
                None => Destination::New(new.clone()),
            };
        }
        unreachable!("the CPU is not lost")
    }

    /// The same run once more, its products computed as before: on its device, if that `comes_back`, else, where it was ours to choose, on
    /// the CPU.
    fn anew(mut options: Options, is_ours: bool, comes_back: bool) -> Result<Self> {
        if comes_back {
            match Self::new(&options) {
                Err(Error::NoDevice(_) | Error::DeviceLost(_)) if is_ours => {}
                opened => {
                    let mut run = Self { is_ours, ..opened? };
                    run.tune()?;
                    return Ok(run);
                }
            }
        }
        options.device.device = Some(Wanted::Cpu);
        Self::new(&options)
    }

    fn train_once(
        self,
        destination: Destination,
        folder: &mut Option<PathBuf>,
        observer: &mut Noted<'_>,
    ) -> Result<RunReport> {
        self.affordable()?;
        in_precision!(self.options.device.double(), T => self.train_in::<T>(destination, folder, observer))
    }

    fn train_in<T: Precision>(
        self,
        destination: Destination,
        begun: &mut Option<PathBuf>,
        observer: &mut Noted<'_>,
    ) -> Result<RunReport> {
        if let Destination::Resumed(folder) = &destination {
            *begun = Some(folder.path().to_path_buf());
        }
        self.sources.remarks.iter().for_each(|remark| observer.notes.remark(remark));
        let mut prepared = Prepared::<T>::new(self, destination)?;
        let report = prepared.train(begun, observer);
        if report.is_err() && begun.is_none() {
            prepared.folder.discard();
        }
        report
    }
}

/// An error that broke a run off, and how the run goes on.
fn with_advice(error: Error, folder: Option<&Path>) -> Error {
    let Some(folder) = folder else { return error };
    let advice = format!("; what was saved last goes on with: wgrad train --resume {}", typed_path(folder));
    match error {
        Error::DeviceLost(what) => Error::DeviceLost(what + &advice),
        Error::NoDevice(what) => Error::NoDevice(what + &advice),
        Error::Limit(what) => Error::Limit(what + &advice),
        Error::Internal(what) => Error::Internal(what + &advice),
        other => other,
    }
}
