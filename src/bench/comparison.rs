//! `wgrad bench`: the GPU against the CPU, nets × batch sizes, and where the one overtakes the other.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use super::baseline::{self, Baseline, Compared, Regression};
use super::budget::{Budget, NOTHING, refusal};
use super::cell::{Cell, LeftOut};
use super::crossover::{Crossover, crossover};
use super::machine::Machine;
use super::net::{BATCHES, Net, recipe};
use super::peaks::{Peaks, peaks};
use super::timing::{Care, Measured, Timings, fewest_runs, in_turn};
use super::training::epochs;
use super::work::Work;
use crate::error::{Error, Result};
use crate::executor::gpu::device::Device as Gpu;
use crate::executor::gpu::info::GpuInfo;
use crate::executor::gpu::pipelines::Reuse;
use crate::executor::gpu::tuning::Tuned;
use crate::kernels::Step;
use crate::plan::{Phase, Plan};
use crate::training::session::{Device, DeviceReport, Precision, Session, fastest, planning};

/// What is measured.
#[derive(Debug, Clone, PartialEq)]
pub struct ComparisonOptions {
    /// The nets.
    pub nets: Vec<Net>,
    /// The batch sizes, rising.
    pub batches: Vec<usize>,
    /// About how long everything may take.
    pub time: Duration,
    /// Whether to measure first how a GPU computes the products fastest.
    pub tune: bool,
}

/// What was measured.
#[derive(Debug, Clone, Serialize)]
pub struct ComparisonReport {
    /// Where.
    pub machine: Machine,
    /// Whether it was measured first how a GPU computes the products fastest.
    pub tune: bool,
    /// The devices, the CPU first.
    pub devices: Vec<DeviceFigures>,
    /// Every net with every batch size on every device.
    pub cells: Vec<Cell>,
    /// What was not measured.
    pub left_out: Vec<LeftOut>,
    /// Where the GPU overtakes the CPU, one a net; empty without a GPU.
    pub crossovers: Vec<Crossover>,
    /// How much of a baseline could be compared; null without one.
    pub compared: Option<Compared>,
    /// What is slower than that baseline allows, or was left out; null without one.
    pub regressions: Option<Vec<Regression>>,
    /// How long everything took, in seconds.
    pub seconds: f64,
}

impl ComparisonReport {
    /// Notes what is slower than in an earlier report by more than this share, or was left out.
    pub fn hold_against(&mut self, baseline: &Baseline, most: f64) {
        let (compared, regressions) = baseline.compare(&self.cells, &self.left_out, most);
        (self.compared, self.regressions) = (Some(compared), Some(regressions));
    }

    /// That something was measured, and nothing worse than the baseline allows.
    ///
    /// # Errors
    /// Check failed, naming what is worse; limit, if nothing was measured.
    pub fn check(&self) -> Result<()> {
        baseline::check(self.regressions.as_deref().unwrap_or_default())?;
        if self.cells.is_empty() { Err(Error::Limit(NOTHING.into())) } else { Ok(()) }
    }

    /// Works out the shares of the peaks, once all is measured.
    fn share(&mut self) {
        for device in &mut self.devices {
            for cell in self.cells.iter().filter(|cell| cell.device == device.name) {
                device.peaks.raise(cell.computed_gflops);
            }
            for cell in self.cells.iter_mut().filter(|cell| cell.device == device.name) {
                cell.share_of_peak = cell.computed_gflops / device.peaks.peak_gflops;
            }
        }
    }
}

/// A device and what it does at its best.
#[derive(Debug, Clone, Serialize)]
pub struct DeviceFigures {
    /// What it is called in the cells; a software adapter is called one.
    pub name: String,
    /// The device.
    pub device: DeviceReport,
    /// What it does at its best.
    pub peaks: Peaks,
    /// What it takes before the first step is done, one a net.
    pub startups: Vec<Startup>,
    /// What was measured of each product, and taken, where that was asked for.
    pub tuned: BTreeMap<String, Tuned>,
}

/// Seconds until the first step of a net is done, without what wgrad keeps of earlier starts; a driver's own caches are as they are.
#[derive(Debug, Clone, Serialize)]
pub struct Startup {
    /// The net.
    pub net: String,
    /// Rows of the batch.
    pub batch: usize,
    /// Seconds to compile the kernels and make the buffers.
    pub compile: f64,
    /// Seconds of the same on a device opened once more, whose driver is given what it compiled the first time; null where it cannot be.
    pub compile_again: Option<f64>,
    /// Seconds to bring data and weights onto the device.
    pub upload: f64,
    /// Seconds of the first step, with its losses read back.
    pub first_step: f64,
}

/// Measures. `progress` is told what is measured next.
///
/// # Errors
/// What a device reports; what does not fit one is left out and told.
pub fn compare(devices: &[Device], options: &ComparisonOptions, progress: &mut dyn FnMut(&str)) -> Result<ComparisonReport> {
    let started = Instant::now();
    let mut figures = Vec::new();
    for device in devices {
        progress(&format!("square products and a copy on {}", device.label()));
        let peaks = peaks(device)?;
        figures.push(DeviceFigures {
            name: device.label(),
            device: device.report(),
            peaks,
            startups: Vec::new(),
            tuned: BTreeMap::new(),
        });
    }
    let budget = Budget::new(started, options.time);
    let to_do = options.nets.len() * options.batches.len();
    let (devices, tune) = (devices.to_vec(), options.tune && devices.iter().any(|device| device.gpu().is_some()));
    let mut grid = Grid { devices, tune, figures, budget, to_do, cells: Vec::new(), left_out: Vec::new() };
    for net in &options.nets {
        progress(&format!("{net}: until the first step is done"));
        grid.startups(net, options.batches[options.batches.len() / 2])?;
        for &batch in &options.batches {
            progress(&format!("{net}, batches of {batch}"));
            grid.measure(net, batch, progress)?;
            grid.to_do -= 1;
        }
    }
    let Grid { figures, cells, left_out, .. } = grid;
    let mut report = ComparisonReport {
        machine: Machine::this(),
        tune,
        crossovers: options.nets.iter().filter_map(|net| crossover(net, &cells)).collect(),
        devices: figures,
        cells,
        left_out,
        compared: None,
        regressions: None,
        seconds: started.elapsed().as_secs_f64(),
    };
    report.share();
    Ok(report)
}

/// The measuring of every cell.
struct Grid {
    devices: Vec<Device>,
    tune: bool,
    figures: Vec<DeviceFigures>,
    budget: Budget,
    /// Nets and batch sizes that are still to be measured.
    to_do: usize,
    cells: Vec<Cell>,
    left_out: Vec<LeftOut>,
}

impl Grid {
    /// What a net with a batch size may take on one device: an equal share of the time that is left.
    fn share(&self) -> Duration {
        self.budget.share(self.to_do * self.devices.len())
    }

    /// Times what it takes on each device until a net's first step is done. What that takes, seconds or nothing as the driver's caches
    /// are, is not taken from the cells.
    fn startups(&mut self, net: &Net, batch: usize) -> Result<()> {
        let (started, share) = (Instant::now(), self.share());
        for (index, device) in self.devices.iter().enumerate() {
            if refusal(self.predicted(net, batch, index), share).is_none() {
                match startup(net, batch, device) {
                    Ok(startup) => self.figures[index].startups.push(startup),
                    Err(Error::Limit(_)) => {} // the cell tells
                    Err(error) => return Err(error),
                }
            }
        }
        self.budget.extend(started.elapsed());
        Ok(())
    }

    /// Measures how a device computes the products of a net with a batch size fastest, where that is wanted; it is not taken from the
    /// cells' time.
    fn tune(&mut self, net: &Net, batch: usize, index: usize, progress: &mut dyn FnMut(&str)) -> Result<()> {
        if !self.tune || self.devices[index].gpu().is_none() {
            return Ok(());
        }
        let started = Instant::now();
        let plan = match net.plan(batch, &self.devices[index], false) {
            Ok(plan) if planning::affordable::<f32>(&plan, &self.devices[index]).is_ok() => plan,
            Ok(_) | Err(Error::Limit(_)) => return Ok(()), // the cell tells
            Err(error) => return Err(error),
        };
        let tuned = self.devices[index].tune_too(&plan, &[Phase::Training]);
        self.budget.extend(started.elapsed());
        match tuned {
            Err(Error::Limit(_)) => Ok(()),
            Err(error) => Err(error),
            Ok(tuned) => {
                for (product, tuned) in tuned {
                    progress(&tuned.of(&product));
                    self.figures[index].tuned.insert(product, tuned);
                }
                Ok(())
            }
        }
    }

    /// Times a net with a batch size on all devices in turn.
    fn measure(&mut self, net: &Net, batch: usize, progress: &mut dyn FnMut(&str)) -> Result<()> {
        let share = self.share();
        let mut sessions = Vec::new();
        for index in 0..self.devices.len() {
            let refused = refusal(self.predicted(net, batch, index), share);
            if refused.is_none() {
                self.tune(net, batch, index, progress)?;
            }
            let device = &self.devices[index];
            let why = match refused {
                Some(why) => why,
                None => match session(net, batch, device) {
                    Ok(session) => {
                        sessions.push((index, session));
                        continue;
                    }
                    Err(error @ Error::Limit(_)) => error.to_string(),
                    Err(error) => return Err(error),
                },
            };
            self.left_out.push(LeftOut { net: net.to_string(), batch, device: device.label(), why });
        }
        if sessions.is_empty() {
            return Ok(());
        }
        let care = Care { timing: Duration::from_millis(50), total: share / 2 };
        let mut works: Vec<&mut dyn Measured> =
            sessions.iter_mut().map(|(_, session)| session as &mut dyn Measured).collect();
        let timings = in_turn(&mut works, &care)?;
        for ((index, session), epoch) in sessions.iter().zip(timings) {
            let cell = self.cell(net, batch, *index, session, &epoch);
            self.cells.push(cell);
        }
        Ok(())
    }

    /// The figures of a cell; its share of the peak is still open.
    fn cell(&self, net: &Net, batch: usize, index: usize, session: &Session<f32>, epoch: &Timings) -> Cell {
        let step = epoch.wall.scaled(1.0 / BATCHES as f64);
        let device_timings = epoch.own_clock.map(|clock| clock.scaled(1.0 / BATCHES as f64));
        let work = Work::of_step(session.plan(), batch, self.devices[index].target().as_ref());
        let gpu = self.devices[index].gpu();
        Cell {
            net: net.to_string(),
            batch,
            device: self.devices[index].label(),
            gpu: gpu.is_some(),
            software: gpu.is_some_and(|gpu| gpu.info().software),
            step,
            device_step: device_timings.map(|clock| clock.median),
            device_timings,
            samples_per_second: batch as f64 / step.median,
            gflops: net.operations() * batch as f64 / step.median / 1e9,
            computed_gflops: work.operations / step.median / 1e9,
            share_of_peak: 0.0,
            share_of_f32_peak: self.figures[index].peaks.share_of_f32(work.operations / step.median / 1e9),
            settled: epoch.settled,
            intensity: work.intensity(),
        }
    }

    /// Seconds that a cell would take at least: its fewest timings, each an epoch, at the rate of the net's last batch size on this
    /// device, or else at a tenth of the device's peak.
    fn predicted(&self, net: &Net, batch: usize, index: usize) -> f64 {
        let epochs = fewest_runs(self.devices[index].gpu().is_some()) as f64;
        let name = net.to_string();
        let label = self.devices[index].label();
        let known = self.cells.iter().rev().find(|cell| cell.net == name && cell.device == label);
        let rate = known.map_or(0.1 * self.figures[index].peaks.gflops, |cell| cell.gflops);
        epochs * (BATCHES * batch) as f64 * net.operations() / (rate * 1e9)
    }
}

/// A repeat is an epoch.
impl Measured for Session<f32> {
    fn run(&mut self, repeats: usize) -> Result<()> {
        epochs(self, repeats).map(|_| ())
    }

    fn gpu(&self) -> Option<GpuInfo> {
        Session::gpu(self).cloned()
    }

    fn run_by_own_clock(&mut self, repeats: usize) -> Result<Option<f64>> {
        let repeats = repeats.clamp(1, self.epochs_at_once());
        Ok(self.train_timed(repeats)?.map(|time| time.as_secs_f64() / repeats as f64))
    }
}

/// A net with made-up data on a device.
fn session(net: &Net, batch: usize, device: &Device) -> Result<Session<f32>> {
    net.plan(batch, device, false)?;
    let network = net.network()?;
    let (weights, samples) = (fastest::weights(&network), fastest::samples(&network, BATCHES * batch));
    Session::new(network, recipe(batch), &weights, samples, device)
}

/// Times what happens before training runs, on a device opened anew, so that no kernel is compiled yet, products being computed as their
/// sizes say.
fn startup(net: &Net, batch: usize, device: &Device) -> Result<Startup> {
    let device = device.reopened(Reuse::Nothing)?.with_choices(BTreeMap::new());
    let (plan, network) = (net.plan(batch, &device, false)?, net.network()?);
    let samples = fastest::samples(&network, BATCHES * batch);
    let started = Instant::now();
    let mut executor = f32::executor(plan.clone(), &device)?;
    let compiled = Instant::now();
    for (segments, matrix) in [(&plan.inputs, &samples.inputs), (&plan.targets, &samples.targets)] {
        for segment in segments {
            let range = segment.first * matrix.columns..(segment.first + segment.rows) * matrix.columns;
            executor.write(segment.buffer, 0, &matrix.values[range])?;
        }
    }
    for (&id, layer) in plan.parameters.iter().zip(fastest::weights(&network)) {
        executor.write(id, 0, &[layer.weight.values, layer.bias].concat())?;
    }
    if let Some(order) = plan.order {
        executor.write_indices(order, 0, &(0..samples.inputs.rows as u32).collect::<Vec<_>>())?;
    }
    // Bytes are on the device once some of them can be read back.
    executor.read(plan.parameters[0], 0, 1)?;
    let uploaded = Instant::now();
    let rates = recipe(batch).optimizer.rates(1, 1e-4);
    executor.run(Phase::Training, &[Step { rows: batch, scale: 1.0 / batch as f64, rates, ..Step::default() }])?;
    executor.read_values(plan.losses.expect("a plan that trains has losses"), 0, plan.loss_places(batch))?;
    let stepped = Instant::now();
    let seconds = |from: Instant, to: Instant| (to - from).as_secs_f64();
    Ok(Startup {
        net: net.to_string(),
        batch,
        compile: seconds(started, compiled),
        compile_again: compile_again(plan, &device)?,
        upload: seconds(compiled, uploaded),
        first_step: seconds(uploaded, stepped),
    })
}

/// Seconds to compile a plan's kernels and to make its buffers on a device that is opened once more and given what this one compiled.
fn compile_again(plan: Plan, device: &Device) -> Result<Option<f64>> {
    let Some(compiled) = device.gpu().and_then(Gpu::compiled) else { return Ok(None) };
    let again = device.reopened(Reuse::Given(compiled))?;
    let started = Instant::now();
    f32::executor(plan, &again)?;
    Ok(Some(started.elapsed().as_secs_f64()))
}
