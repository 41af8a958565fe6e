//! One run from its options to its folder: read, resolve, train, evaluate, save.

use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::json;

use super::checkpoint::{self, Checkpoints, DataFacts, Facts};
use super::device::{Device, DeviceReport, Precision, Wanted};
use super::divergence::{self, Divergence};
use super::fastest::Choice;
use super::fit::{Ending, EpochRecord, Fitted, Limits, Measure, Memory, Observer, Training};
use super::options::{Init, Options};
use super::planning::{affordable, plan};
use super::resolution;
use super::session::{Recipe, Samples, Session};
use super::sources::{DataReport, Encoded, Sources};
use crate::data::{Encoding, Task};
use crate::error::{Error, Result, shown};
use crate::evaluation::{Evaluation, Truth};
use crate::executor::gpu::tuning::Tuned;
use crate::model::{Model, RunFolder, StoredWeights, load_weights, resolve_model};
use crate::network::{Activation, Initialization, Loss, Network, Weights};
use crate::plan::Plan;

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
    /// Where.
    pub device: Device,
    /// Whether the device was ours to choose.
    is_ours: bool,
}

/// How often a device that was lost is opened again in a run.
const DEVICES_REOPENED: usize = 2;

/// What may help where training diverges.
const ADVICE: &str = "try a lower --learning-rate (a tenth, say), --scale standard, or another --init";

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct RunReport {
    /// The data.
    pub data: DataReport,
    /// The network.
    pub network: NetworkReport,
    /// Where it was trained.
    pub device: DeviceReport,
    /// Why training ended.
    pub ending: Ending,
    /// Whole epochs that the weights come from.
    pub epoch: usize,
    /// The last whole epoch.
    pub last_epoch: Option<EpochRecord>,
    /// Steps taken.
    pub steps: u64,
    /// Seconds that training took, without reading and encoding the data.
    pub seconds: f64,
    /// The step from which an interrupted training went on; none of a new one.
    pub resumed_at: Option<u64>,
    /// The scores on the test rows.
    pub test: Option<Evaluation>,
    /// The folder of the run.
    pub run: PathBuf,
}

/// What a report says of the network.
#[derive(Debug, Clone, Serialize)]
pub struct NetworkReport {
    /// Inputs, hidden widths, outputs.
    pub widths: Vec<usize>,
    /// One activation a layer.
    pub activations: Vec<&'static str>,
    /// Whether the layers have biases.
    pub bias: bool,
    /// Number of trained numbers.
    pub parameters: u64,
    /// What training makes small.
    pub loss: &'static str,
}

impl NetworkReport {
    /// What to say of a network.
    pub fn of(network: &Network, loss: Loss) -> Self {
        Self {
            widths: network.widths().to_vec(),
            activations: network.activations().iter().map(|activation| activation.name()).collect(),
            bias: network.bias(),
            parameters: network.parameter_count(),
            loss: loss.name(),
        }
    }
}

impl std::fmt::Display for NetworkReport {
    fn fmt(&self, text: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let widths: Vec<String> = self.widths.iter().map(usize::to_string).collect();
        let bias = if self.bias { "" } else { ", no biases" };
        let activations = self.activations.join(", ");
        write!(text, "{} ({activations}{bias}): {} parameters; {}", widths.join("-"), self.parameters, self.loss)
    }
}

impl Run {
    /// Reads the data, resolves what was left open and opens the device.
    ///
    /// # Errors
    /// Usage, data or no device.
    pub fn new(options: &Options) -> Result<Self> {
        let sources = Sources::read(options)?;
        let (network, loss) = resolution::network(options, &sources.encoding)?;
        let recipe = resolution::recipe(options, loss, sources.training.rows())?;
        let options = resolution::said(options, &sources, &network, &recipe);
        let device = if options.device.is_auto() && !options.device.double() {
            let threads = options.device.threads.map(usize::from);
            Device::fastest(&network, &recipe, sources.training.rows(), threads, &Choice::default())
        } else {
            options.device.open()?
        };
        let device = device.with_memory(options.device_memory.map(|memory| memory.0));
        let is_ours = options.device.is_auto();
        let mut run = Self { options, sources, network, recipe, device, is_ours };
        if is_ours {
            if let (true, Err(error)) = (run.device.gpu().is_some(), run.affordable()) {
                run.device = Device::cpu(run.options.device.threads.map(usize::from), &error.to_string());
            }
            let taken = if run.device.gpu().is_some() { Wanted::Gpu } else { Wanted::Cpu };
            run.options.device.device = Some(taken);
        }
        Ok(run)
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
        let tuned = self.device.tune(&self.plan(), &known)?;
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
            let (mut options, is_ours) = (run.options.clone(), run.is_ours);
            let lost = match run.train_once(destination, &mut folder, observer) {
                Ok(report) => return Ok(report),
                // What came from stdin is gone: who has it may go on with it.
                Err(Error::DeviceLost(why))
                    if (reopened < DEVICES_REOPENED || is_ours) && options.data.as_deref() != Some("-") =>
                {
                    why
                }
                Err(error) => return Err(with_advice(error, folder.as_deref())),
            };
            let again = if reopened < DEVICES_REOPENED { Self::new(&options) } else { Err(Error::DeviceLost(lost.clone())) };
            run = match again {
                Err(Error::NoDevice(_) | Error::DeviceLost(_)) if is_ours => {
                    observer.remark(&format!("{lost}; the CPU goes on from what was saved last"));
                    options.device.device = Some(Wanted::Cpu);
                    Self::new(&options).map_err(|error| with_advice(error, folder.as_deref()))?
                }
                Err(error) => return Err(with_advice(error, folder.as_deref())),
                Ok(run) => {
                    observer.remark(&format!("{lost}; it was opened again and goes on from what was saved last"));
                    Self { is_ours, ..run }
                }
            };
            // The products are computed as they were before.
            run.tune()?;
            destination = match &folder {
                Some(folder) => Destination::Resumed(RunFolder::open(folder)?),
                None => Destination::New(new.clone()),
            };
        }
        unreachable!("the CPU is not lost")
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
        let mut prepared = self.prepared::<T>(destination)?;
        let report = prepared.train(begun, observer);
        if report.is_err() && begun.is_none() {
            prepared.folder.discard();
        }
        report
    }

    /// Encodes the rows, puts everything onto the device and makes the folder.
    fn prepared<T: Precision>(self, destination: Destination) -> Result<Prepared<T>> {
        let Self { options, sources, network, recipe, device, .. } = self;
        let data = sources.report();
        let (source, encoding) = (sources.source.clone(), sources.encoding.clone());
        let Encoded { training: samples, validation, test } = sources.encoded::<T>(network.outputs())?;
        reachable(&network, &samples)?;
        let tested = test.as_ref().map(|(samples, _)| samples);
        let parts = [("training", Some(&samples)), ("validation", validation.as_ref()), ("test", tested)];
        let parts = parts.into_iter().filter_map(|(name, samples)| Some((name.to_string(), DataFacts::of(samples?))));
        let facts = Facts::new(&options, &network, recipe.loss, parts.collect(), &device);
        let resumed = match &destination {
            Destination::New(_) => None,
            Destination::Resumed(folder) => {
                Some(checkpoint::latest::<T>(folder, &facts, &network, recipe.optimizer.kind.states())?)
            }
        };
        let weights = match &resumed {
            None => first_weights::<T>(&options, &network, recipe.seed)?,
            Some(resumed) => resumed.state.weights.clone(),
        };
        let mut session = Session::new(network.clone(), recipe, &weights, samples, &device)?;
        let (mut memory, mut remarks, mut damaged) = (Memory::default(), Vec::new(), Vec::new());
        if let Some(resumed) = resumed {
            session.restore(&resumed.state)?;
            if recipe.epochs < session.epoch() {
                let (wanted, done) = (recipe.epochs, session.epoch());
                return Err(Error::Usage(format!("--epochs {wanted}: the run has done {done} already")));
            }
            (memory, remarks, damaged) = (resumed.memory, resumed.remarks, resumed.damaged);
        }
        let folder = match destination {
            Destination::New(path) => RunFolder::create(path.as_deref(), &run_name(&source))?,
            Destination::Resumed(folder) => folder,
        };
        Ok(Prepared {
            options,
            data,
            encoding,
            network,
            recipe,
            device,
            facts,
            session,
            validation,
            test,
            memory,
            remarks,
            damaged,
            folder,
        })
    }
}

/// A run whose data is on its device, and that has its folder.
struct Prepared<T> {
    options: Options,
    data: DataReport,
    encoding: Encoding,
    network: Network,
    recipe: Recipe,
    device: Device,
    facts: Facts,
    session: Session<T>,
    validation: Option<Samples<T>>,
    test: Option<(Samples<T>, Truth)>,
    memory: Memory<T>,
    /// What a person should hear before it goes on.
    remarks: Vec<String>,
    /// Checkpoints that were passed over.
    damaged: Vec<PathBuf>,
    folder: RunFolder,
}

impl<T: Precision> Prepared<T> {
    fn train(&mut self, begun: &mut Option<PathBuf>, observer: &mut dyn RunObserver) -> Result<RunReport> {
        // A run that has nothing left to train is as its run.toml says.
        if begun.is_none() || self.session.epoch() < self.recipe.epochs {
            self.folder.write_run_toml(&self.options.to_toml())?;
        }
        let network = NetworkReport::of(&self.network, self.recipe.loss);
        observer.begins(&self.data, &network, &self.recipe, &self.device, self.folder.path())?;
        self.remarks.iter().for_each(|remark| observer.remark(remark));
        let (epoch, step) = (self.session.epoch(), self.session.steps());
        if begun.is_some() {
            self.folder.truncate_metrics(epoch)?;
            observer.resumed(epoch, step);
        }
        let newest = begun.as_ref().map(|_| step);
        let damaged = std::mem::take(&mut self.damaged);
        let checkpoints = Checkpoints::new(&self.folder, self.facts.clone(), epoch, newest, damaged);
        let mut training = Training {
            session: &mut self.session,
            epochs: self.recipe.epochs,
            validation: self.validation.as_ref(),
            measure: match self.encoding.task() {
                Task::Classification => Measure::Accuracy,
                Task::Regression => Measure::R2,
            },
            limits: Limits {
                patience: self.options.patience,
                min_delta: self.options.min_delta.unwrap_or(0.0),
                time: self.options.max_time.map(|time| time.0),
            },
            memory: std::mem::take(&mut self.memory),
            checkpoints: Some(checkpoints),
            is_of_validation: false,
        };
        let mut recorder = Recorder { folder: &self.folder, begun, observer };
        match training.fit(&mut recorder) {
            Ok(fitted) => self.finish(fitted, (step > 0).then_some(step)),
            Err(Error::Diverged(what)) if training.is_of_validation => Err(Error::Diverged(format!(
                "training diverged: {what}; are the validation rows far from the training rows? If not, {ADVICE}"
            ))),
            Err(Error::Diverged(what)) if recorder.begun.is_some() => {
                let memory = std::mem::take(&mut training.memory);
                Err(self.diverged(&what, &memory, observer)?)
            }
            Err(error) => Err(error),
        }
    }

    /// Where training left the finite numbers, when it was noticed; the state before that step is saved.
    fn diverged(&mut self, what: &str, memory: &Memory<T>, observer: &mut dyn RunObserver) -> Result<Error> {
        let states = self.recipe.optimizer.kind.states();
        let last = checkpoint::latest::<T>(&self.folder, &self.facts, &self.network, states)?;
        let noticed = self.session.epoch() + usize::from(self.session.is_in_epoch());
        let from = last.state.steps;
        observer.remark(&format!("{what}: looking for the step, from step {from} on"));
        let is_ended = || observer.signal().is_some();
        let found = divergence::find(&mut self.session, &last.state, noticed, &is_ended)?;
        let Some(found) = found else {
            return Ok(Error::Diverged(format!("training diverged: {what}; {ADVICE}")));
        };
        let Divergence { good, epoch, step, kernel, learning_rate } = found;
        let saved = good.steps;
        self.folder.truncate_metrics(good.epoch)?;
        Checkpoints::new(&self.folder, self.facts.clone(), good.epoch, Some(from), last.damaged).save(good, memory)?;
        let run = shown(&self.folder.path().to_string_lossy());
        Ok(Error::Diverged(format!(
            "training diverged in epoch {epoch}, step {step}: '{kernel}' is the first to leave the finite numbers, at learning rate \
             {learning_rate:?}; {ADVICE}. The state after step {saved} is saved: wgrad train --resume {run} --learning-rate RATE goes on \
             from it"
        )))
    }

    /// Scores the trained weights on the test rows and saves the model.
    fn finish(&mut self, fitted: Fitted<T>, resumed_at: Option<u64>) -> Result<RunReport> {
        self.session.set_weights(&fitted.weights)?;
        let test = match &self.test {
            Some((samples, truth)) => Some(truth.judge(&self.encoding, &self.session.predict(&samples.inputs)?)),
            None => None,
        };
        let report = RunReport {
            network: NetworkReport::of(&self.network, self.recipe.loss),
            device: self.device.report(),
            data: self.data.clone(),
            ending: fitted.ending,
            epoch: fitted.epoch,
            last_epoch: fitted.last,
            steps: fitted.steps,
            seconds: fitted.seconds,
            resumed_at,
            test,
            run: self.folder.path().to_path_buf(),
        };
        let model = Model {
            network: self.network.clone(),
            loss: self.recipe.loss,
            weights: StoredWeights::new(&fitted.weights),
            encoding: self.encoding.clone(),
            training: json!({
                "wgrad": env!("CARGO_PKG_VERSION"),
                "options": self.options,
                "device": report.device,
                "ending": report.ending,
                "epoch": report.epoch,
                "last_epoch": report.last_epoch,
                "test": report.test,
            }),
        };
        model.save(&self.folder.model())?;
        Ok(report)
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
    let advice = format!("; what was saved last goes on with: wgrad train --resume {}", shown(&folder.to_string_lossy()));
    match error {
        Error::DeviceLost(what) => Error::DeviceLost(what + &advice),
        Error::NoDevice(what) => Error::NoDevice(what + &advice),
        Error::Limit(what) => Error::Limit(what + &advice),
        Error::Internal(what) => Error::Internal(what + &advice),
        other => other,
    }
}

/// Writes each epoch into `metrics.jsonl` before anybody else hears of it.
struct Recorder<'a> {
    folder: &'a RunFolder,
    /// The folder's path, once a checkpoint is in it.
    begun: &'a mut Option<PathBuf>,
    observer: &'a mut dyn RunObserver,
}

impl Observer for Recorder<'_> {
    fn progress(&mut self, rows: usize, total: usize) {
        self.observer.progress(rows, total);
    }

    fn epoch(&mut self, record: &EpochRecord) -> Result<()> {
        self.folder.append_metrics(record)?;
        self.observer.epoch(record)
    }

    fn can_go_on(&mut self) {
        *self.begun = Some(self.folder.path().to_path_buf());
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

/// The weights that training starts from.
fn first_weights<T: Precision>(options: &Options, network: &Network, seed: u64) -> Result<Weights<T>> {
    match &options.init {
        Some(Init::File(path)) if path.is_dir() => Ok(load_weights(&resolve_model(path)?, network)?.get()),
        Some(Init::File(path)) => Ok(load_weights(path, network)?.get()),
        Some(Init::Drawn(initialization)) => Ok(initialization.weights(network, seed)),
        None => Ok(Initialization::Auto.weights(network, seed)),
    }
}

/// Refuses targets that the output's activation can never say.
fn reachable<T: Precision>(network: &Network, samples: &Samples<T>) -> Result<()> {
    let output = network.output_activation();
    let (low, high) = match output {
        Activation::Sigmoid | Activation::Softmax => (0.0, 1.0),
        Activation::Tanh => (-1.0, 1.0),
        Activation::Relu => (0.0, f64::INFINITY),
        Activation::LeakyRelu | Activation::Gelu | Activation::Identity => return Ok(()),
    };
    match samples.targets.values.iter().map(|value| value.to_f64()).find(|value| !(low..=high).contains(value)) {
        None => Ok(()),
        Some(target) => Err(Error::Usage(format!(
            "a target is {target} as it is scaled, and --output-activation {output} reaches {low} to {high} only: scale it \
             (--scale minmax), or take --output-activation identity"
        ))),
    }
}

/// What a run's folder is called after: the data's file name, without its endings.
fn run_name(source: &str) -> String {
    let name = if source == "-" { "stdin" } else { source };
    let name = Path::new(name).file_name().map_or(name.into(), |name| name.to_string_lossy());
    name.split('.').find(|part| !part.is_empty()).unwrap_or("run").to_string()
}

/// The error that stands for a run which a signal ended, after everything was saved.
///
/// # Errors
/// Interrupted, if that was its ending.
pub fn ended(report: &RunReport) -> Result<()> {
    match report.ending {
        Ending::Signal { signal } => Err(Error::Interrupted(signal)),
        _ => Ok(()),
    }
}
