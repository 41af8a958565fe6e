//! One run from its options on: read, resolve, choose a device; then train, and go on where the device is lost.

mod account;
pub mod application;
pub mod attention;
pub mod beginning;
pub mod checkpoint;
mod columns;
mod destination;
mod ending;
mod exchanged;
pub mod finetuning;
mod fit;
pub mod folds;
pub mod length;
mod memory;
mod notes;
mod observer;
mod obstacles;
pub mod options;
mod output;
pub mod own_rows;
pub mod predictions;
mod prepared;
mod record;
mod recorder;
pub mod report;
pub mod resolution;
pub mod row;
pub mod row_weights;
pub mod signs;
pub mod sources;
mod threshold;
mod train;
pub mod values;
mod wrong;

pub use columns::fitting;
pub use destination::{Destination, run_name};
pub use ending::Ending;
use finetuning::Base;
pub use fit::{Fitted, Limits, Measure, Training};
pub use folds::{FoldReport, FoldsReport, Score};
use length::Trial;
pub use memory::Memory;
pub use notes::Notes;
pub use observer::{Observer, RunObserver};
pub use obstacles::{laid_over, remedies, together};
pub use options::Options;
use own_rows::known_rows;
pub use record::EpochRecord;
pub use report::{NetworkReport, RunReport};
pub use sources::{DataReport, Sources};
use sources::{Part, can_be_stored, with_named_arrays};
pub use threshold::ThresholdReport;

use super::session::device::in_precision;
use super::session::fastest::Choice;
use super::session::planning::{affordable, fitting as fitting_recipe, plan};
use super::session::{Device, Forecast, Recipe, Wanted};
use crate::error::{Error, Result};
use crate::executor::gpu::tuning::Tuned;
use crate::memory::has_room;
use crate::model::check_room;
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
    /// What the length of the training follows from, where it was tried.
    pub trial: Option<Trial>,
    /// The model that it starts from, if there is one.
    pub base: Option<Base>,
    /// Where.
    pub device: Device,
    /// What its report tells of how it was made.
    pub notes: Notes,
    /// Whether the device was ours to choose.
    is_ours: bool,
}

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
        let numbers = self.sources.all_rows() * (self.network.inputs() + self.network.outputs());
        let bytes = numbers * in_precision!(self.options.device.double(), T => size_of::<T>());
        let on_cpu = self.device.gpu().is_none();
        has_room(bytes as u128) && !(on_cpu && matches!(self.affordable(), Err(Error::Limit(_))))
    }

    /// The same, the rows to train on `stored` in a file whether or not there is memory for them.
    fn of(options: &Options, stored: bool) -> Result<Self> {
        options.check()?;
        let options = &with_named_arrays(options)?;
        let base = Base::of(options)?;
        let mut sources = Sources::read(options, base.as_ref(), stored)?;
        sources.remarks.extend(known_rows(options, &sources));
        let (network, loss) = match &base {
            None => resolution::network(options, &sources.encoding)?,
            Some(base) => base.network(options, &sources.encoding)?,
        };
        let (rows, streamed) = (sources.training.rows(), sources.training.is_stored());
        let given = resolution::given_networks(options, base.as_ref())?;
        let recipe_of = |options: &Options| {
            let recipe = resolution::recipe(options, &network, loss, rows, streamed)?;
            let members = resolution::members(options, &network, sources.rows(), given)?;
            Ok::<_, Error>(Recipe { members, ..recipe })
        };
        let trial = length::tried(options, &sources, &network, &recipe_of(options)?)?;
        let options = &trial.iter().fold(options.clone(), Options::with_length);
        let recipe = recipe_of(options)?;
        resolution::label_smoothing(options, loss)?;
        let states = recipe.optimizer.states() + usize::from(recipe.optimizer.extras().average);
        let is_said = options.accumulate.is_some();
        let options = resolution::said(options, &sources, &network, &recipe);
        check_room(&network, recipe.members, &sources.encoding, states, &options)?;
        let device = if options.device.is_auto() && !options.device.double() && !options.device.mixed() {
            let threads = options.device.threads.map(usize::from);
            Device::fastest(&network, &recipe, rows, threads, &Choice::default())
        } else {
            options.device.open()?
        };
        let device = if options.device.splits() { device.with_splits() } else { device };
        let device = device.with_memory(options.device_memory.map(|memory| memory.0));
        let device = device.with_choices(options.device.tuned.clone().unwrap_or_default());
        let is_ours = options.device.is_auto();
        let notes = Notes::default();
        let mut run = Self { options, sources, network, recipe, trial, base, device, notes, is_ours };
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
        let double = self.options.device.double();
        in_precision!(double, T => fitting_recipe::<T>(&self.network, &self.recipe, rows, &self.device))
    }

    /// Checks the plan against the device's memory and limits, before anything is made for the run.
    ///
    /// # Errors
    /// Limit, naming the buffer or the kernel.
    pub fn affordable(&self) -> Result<()> {
        in_precision!(self.options.device.double(), T => affordable::<T>(&self.plan(), &self.device))
    }

    /// Takes some steps, to say how long all of them will take.
    ///
    /// # Errors
    /// Limit, where there is no room for them; what the device reports.
    pub fn forecast(&self) -> Result<Forecast> {
        let Sources { training, validation, .. } = &self.sources;
        let (rows, validation_rows) = (training.rows(), validation.as_ref().map_or(0, Part::rows));
        let (network, recipe, device) = (&self.network, &self.recipe, &self.device);
        let double = self.options.device.double();
        let mut forecast = in_precision!(double, T => Forecast::of::<T>(network, recipe, rows, validation_rows, device))?;
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
        in_precision!(self.options.device.double(), T => plan::<T>(network, loss, recipe, rows, self.recipe.members, &self.device))
    }
}
