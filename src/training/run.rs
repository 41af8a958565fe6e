//! One run from its options on: read, resolve, choose a device, train, and go on where the device is lost.

use std::path::{Path, PathBuf};

use super::device::{Device, Precision, Wanted};
use super::fastest::Choice;
use super::finetuning::Base;
use super::fit::Observer;
use super::forecast::Forecast;
use super::options::Options;
use super::planning::{affordable, fitting, plan};
use super::prepared::Prepared;
use super::report::{NetworkReport, RunReport};
use super::resolution;
use super::session::Recipe;
use super::sources::{DataReport, Part, Sources, can_be_stored, with_named_arrays};
use crate::data;
use crate::error::{Error, Result, typed_path};
use crate::executor::gpu::tuning::Tuned;
use crate::memory;
use crate::model::{RunFolder, check_room};
use crate::name;
use crate::network::Network;
use crate::plan::{Phase, Plan};

/// A run that is ready to begin.
pub struct Run {
    /// The options with everything said that was left open.
    pub options: Options,
    /// The data.
    pub sources: Sources,
    /// The network.
    pub network: Network,
    /// How it is trained.
    pub recipe: Recipe,
    /// The model that it starts from, if there is one.
    pub base: Option<Base>,
    /// Where.
    pub device: Device,
    /// Whether the device was ours to choose.
    is_ours: bool,
}

/// How often a device that was lost is opened again in a run.
const DEVICES_REOPENED: usize = 2;

impl Run {
    /// Reads the data, resolves what was left open and opens the device.
    ///
    /// # Errors
    /// Usage, data or no device.
    pub fn new(options: &Options) -> Result<Self> {
        let run = Self::of(options, false)?;
        if !run.recipe.streamed && !run.has_room_for_rows() && can_be_stored(options) {
            drop(run);
            return Self::of(options, true);
        }
        Ok(run)
    }

    /// Whether the rows have room in memory as numbers, those to train on beside the rest of the plan where it is the CPU's.
    fn has_room_for_rows(&self) -> bool {
        let Sources { training, validation, test, .. } = &self.sources;
        let rows: usize = [Some(training), validation.as_ref(), test.as_ref()].into_iter().flatten().map(Part::rows).sum();
        let numbers = rows * (self.network.inputs() + self.network.outputs());
        let bytes = numbers * if self.options.device.double() { 8 } else { 4 };
        let on_cpu = self.device.gpu().is_none();
        memory::has_room(bytes as u128) && !(on_cpu && matches!(self.affordable(), Err(Error::Limit(_))))
    }

    /// The same, the rows to train on `stored` in a file whether or not there is memory for them.
    fn of(options: &Options, stored: bool) -> Result<Self> {
        let options = &with_named_arrays(options)?;
        let base = Base::of(options)?;
        let sources = Sources::read(options, base.as_ref(), stored)?;
        let (network, loss) = match &base {
            None => resolution::network(options, &sources.encoding)?,
            Some(base) => base.network(options, &sources.encoding)?,
        };
        let (frozen, dropout) = (resolution::frozen(options, &network)?, resolution::dropout(options, &network)?);
        let layer_rates = resolution::layer_rates(options, &network)?;
        let streamed = sources.training.is_stored();
        let recipe =
            Recipe { frozen, layer_rates, dropout, streamed, ..resolution::recipe(options, loss, sources.training.rows())? };
        resolution::label_smoothing(options, loss)?;
        let states = recipe.optimizer.states() + usize::from(recipe.optimizer.extras().average);
        let is_said = options.accumulate.is_some();
        let options = resolution::said(options, &sources, &network, &recipe);
        check_room(&network, &sources.encoding, states, &options)?;
        let device = if options.device.is_auto() && !options.device.double() && !options.device.mixed() {
            let threads = options.device.threads.map(usize::from);
            Device::fastest(&network, &recipe, sources.training.rows(), threads, &Choice::default())
        } else {
            options.device.open()?
        };
        let device = if options.device.splits() { device.with_splits() } else { device };
        let device = device.with_memory(options.device_memory.map(|memory| memory.0));
        let device = device.with_choices(options.device.tuned.clone().unwrap_or_default());
        let is_ours = options.device.is_auto();
        let mut run = Self { options, sources, network, recipe, base, device, is_ours };
        if !is_said {
            run.recipe = run.fitting();
        }
        if is_ours {
            if let (true, Err(error)) = (run.device.gpu().is_some(), run.affordable()) {
                run.device = Device::cpu(run.options.device.threads.map(usize::from), &error.to_string());
                if !is_said {
                    run.recipe = run.fitting();
                }
            }
            let taken = if run.device.gpu().is_some() { Wanted::Gpu } else { Wanted::Cpu };
            run.options.device.device = Some(taken);
        }
        run.options.accumulate = Some(run.recipe.micro_batches);
        run.keep_choices();
        Ok(run)
    }

    /// Notes how a GPU computes each product, so that a run that is resumed on the same device goes on in the same way. A software adapter's
    /// choices follow from the sizes alone.
    fn keep_choices(&mut self) {
        let tunes = self.options.device.tune == Some(true);
        // The plan comes first: it may have the device's rates measured, from which the choices follow.
        let plan = self.plan();
        if let Some(target) = self.device.target().filter(|target| !target.software && !tunes) {
            let choices = plan.product_choices(&target);
            self.device = self.device.clone().with_choices(choices.clone());
            self.options.device.tuned = Some(choices).filter(|choices| !choices.is_empty());
        }
    }

    /// The recipe, in as many micro-batches as the device needs unless it was said how many.
    fn fitting(&self) -> Recipe {
        let rows = self.sources.training.rows();
        if self.options.device.double() {
            fitting::<f64>(&self.network, &self.recipe, rows, &self.device)
        } else {
            fitting::<f32>(&self.network, &self.recipe, rows, &self.device)
        }
    }

    /// Checks the plan against the device's memory and limits, before anything is made for the run.
    ///
    /// # Errors
    /// Limit, naming the buffer or the kernel.
    pub fn affordable(&self) -> Result<()> {
        let plan = self.plan();
        if self.options.device.double() {
            affordable::<f64>(&plan, &self.device)
        } else {
            affordable::<f32>(&plan, &self.device)
        }
    }

    /// Takes some steps, to say how long all of them will take.
    ///
    /// # Errors
    /// Limit, where there is no room for them; what the device reports.
    pub fn forecast(&self) -> Result<Forecast> {
        let Sources { training, validation, .. } = &self.sources;
        let (rows, validation_rows) = (training.rows(), validation.as_ref().map_or(0, Part::rows));
        let mut forecast = if self.options.device.double() {
            Forecast::of::<f64>(&self.network, &self.recipe, rows, validation_rows, &self.device)?
        } else {
            Forecast::of::<f32>(&self.network, &self.recipe, rows, validation_rows, &self.device)?
        };
        if let Some(time) = self.options.max_time {
            forecast.seconds = forecast.seconds.min(time.0.as_secs_f64());
        }
        Ok(forecast)
    }

    /// With `--tune`: chooses how the GPU computes each product, as the options say it was chosen before or by measurement. Gives
    /// what was measured, by product; the options say all of it from then on.
    ///
    /// # Errors
    /// What the device reports.
    pub fn tune(&mut self) -> Result<Vec<(String, Tuned)>> {
        if !self.options.device.tune.unwrap_or(false) {
            return Ok(Vec::new());
        }
        self.affordable()?;
        let known = self.options.device.tuned.take().unwrap_or_default();
        let tuned = self.device.tune(&self.plan(), &known, &[Phase::Training, Phase::Evaluation])?;
        if !tuned.is_empty() && self.affordable().is_err() {
            // Partial sums leave no room for the rest.
            self.options.device.tuned = Some(known.clone()).filter(|known| !known.is_empty());
            self.device = self.device.clone().with_choices(known);
            return Ok(Vec::new());
        }
        self.options.device.tuned = Some(self.device.choices().clone()).filter(|choices| !choices.is_empty());
        Ok(tuned)
    }

    /// The plan of a training step.
    pub fn plan(&self) -> Plan {
        let (network, loss, recipe) = (&self.network, self.recipe.loss, Some(&self.recipe));
        let rows = self.sources.training.rows();
        if self.options.device.double() {
            plan::<f64>(network, loss, recipe, rows, 1, &self.device)
        } else {
            plan::<f32>(network, loss, recipe, rows, 1, &self.device)
        }
    }

    /// Trains, evaluates on the test rows and saves everything into a folder. A device that is lost on the way is opened again, twice
    /// at most, and training goes on from the last checkpoint; where the device was ours to choose, it goes on on the CPU after that.
    ///
    /// # Errors
    /// What reading, the device, divergence or saving comes to; model, if there is no checkpoint to go on from or it is another
    /// run's. A signal is no error here: see the report's ending.
    pub fn train(self, destination: Destination, observer: &mut dyn RunObserver) -> Result<RunReport> {
        let (mut run, mut destination) = (self, destination);
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
            let lost = match run.train_once(destination, &mut folder, observer) {
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
        observer: &mut dyn RunObserver,
    ) -> Result<RunReport> {
        self.affordable()?;
        if self.options.device.double() {
            self.train_in::<f64>(destination, folder, observer)
        } else {
            self.train_in::<f32>(destination, folder, observer)
        }
    }

    fn train_in<T: Precision>(
        self,
        destination: Destination,
        begun: &mut Option<PathBuf>,
        observer: &mut dyn RunObserver,
    ) -> Result<RunReport> {
        if let Destination::Resumed(folder) = &destination {
            *begun = Some(folder.path().to_path_buf());
        }
        let mut prepared = Prepared::<T>::new(self, destination)?;
        let report = prepared.train(begun, observer);
        if report.is_err() && begun.is_none() {
            prepared.folder.discard();
        }
        report
    }
}

/// Where a run is saved.
#[derive(Debug)]
pub enum Destination {
    /// In a new folder: this one, or the next that is free in `runs`.
    New(Option<PathBuf>),
    /// In the folder of a run that was interrupted, and that goes on.
    Resumed(RunFolder),
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

/// What a run's folder is called after: the data's file name, without its endings.
pub fn run_name(source: &str) -> String {
    let name = if source == "-" { "stdin" } else { source };
    let path = name::path(name);
    let name = path.file_name().map_or(name.into(), |name| name.to_string_lossy());
    // Of a pattern what stands for all its files.
    let name = name.split('.').find(|part| !part.is_empty()).unwrap_or_default().replace(['*', '?', '[', ']'], "");
    let name = name.trim_matches(['-', '_']);
    if name.is_empty() { "run".to_string() } else { name.to_string() }
}
