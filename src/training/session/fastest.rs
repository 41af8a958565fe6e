//! `--device auto`: which device trains a net in its batches sooner, by a quick measurement that is remembered.

use std::fmt;
use std::ops::ControlFlow;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use super::device::{Device, NO_GPU, ONLY_SOFTWARE, Precision, after_a_crash};
use super::planning;
use super::{Recipe, Samples, Session};
use crate::cache;
use crate::data::Matrix;
use crate::error::{Result, shown};
use crate::executor::gpu::device::{Device as OpenGpu, Gpus};
use crate::executor::gpu::info::GpuInfo;
use crate::executor::gpu::looking;
use crate::executor::gpu::settling::settle;
use crate::network::{Layer, Network, Weights};
use crate::scalar::Scalar;

/// Which GPUs are worth a measurement, and where its outcome is kept.
#[derive(Debug, Clone)]
pub struct Choice {
    /// Whether a GPU is measured against the CPU.
    pub candidate: fn(&GpuInfo) -> bool,
    /// The cache's folder; none: nothing is remembered.
    pub cache: Option<PathBuf>,
}

impl Default for Choice {
    /// Every GPU but software adapters, which are slower than the CPU path that they run on.
    fn default() -> Self {
        Self { candidate: |gpu| !gpu.software, cache: cache::folder() }
    }
}

/// Seconds of a training step on each device. A device that cannot train the net takes forever.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Times {
    /// On the CPU path; none: it cannot.
    pub cpu: Option<f64>,
    /// On the GPU; none: it cannot.
    pub gpu: Option<f64>,
    /// Whether the GPU's timings were steady before it was measured.
    pub settled: bool,
}

impl Times {
    /// Whether the GPU is the one to take: in doubt the CPU is.
    pub fn gpu_is_faster(&self) -> bool {
        match (self.cpu, self.gpu) {
            (Some(cpu), Some(gpu)) => gpu < cpu,
            (cpu, gpu) => cpu.is_none() && gpu.is_some(),
        }
    }
}

impl fmt::Display for Times {
    fn fmt(&self, text: &mut fmt::Formatter<'_>) -> fmt::Result {
        let said = |seconds: Option<f64>| match seconds {
            None => "too large".to_string(),
            Some(seconds) if seconds < 1e-3 => format!("{:.1} µs", 1e6 * seconds),
            Some(seconds) => format!("{:.2} ms", 1e3 * seconds),
        };
        let unsettled = if self.settled { "" } else { " (its timings did not settle)" };
        write!(text, "a step takes {} on the GPU{unsettled}, {} on the CPU", said(self.gpu), said(self.cpu))
    }
}

const PURPOSE: &str = "device";
/// Time for the steps of one device, after the first ones.
const TIME: Duration = Duration::from_millis(60);
/// Operations of a step that is measured, at most: some 20 ms, or less, of a CPU or of a GPU that was made to compute. The time of
/// a larger step is estimated from it.
pub(super) const OPERATIONS: [f64; 2] = [2e9, 1e11];
/// Numbers of the data that is made up for it, at most.
const NUMBERS: usize = 1 << 20;
/// Steps of an epoch that is measured, at most.
const STEPS: usize = 64;

impl Device {
    /// The device that trains this net by this recipe on `rows` rows sooner: the CPU path or the best GPU that is a candidate.
    ///
    /// A GPU that cannot be opened or fails in the measurement is not taken.
    pub fn fastest(network: &Network, recipe: &Recipe, rows: usize, threads: Option<usize>, choice: &Choice) -> Self {
        if looking::crashed() {
            return Self::cpu(threads, &after_a_crash());
        }
        let gpus = Gpus::find();
        let list = gpus.list();
        let cpu = Self::cpu(threads, if list.is_empty() { NO_GPU } else { ONLY_SOFTWARE });
        let mut refusal = None;
        for gpu in list.iter().filter(|gpu| (choice.candidate)(gpu)) {
            match cpu.or_faster(&gpus, gpu, network, recipe, rows, choice) {
                Ok(device) => return device,
                Err(error) => refusal = refusal.or(Some(error.to_string())),
            }
        }
        match refusal {
            None => cpu,
            Some(refusal) => cpu.because(&refusal),
        }
    }

    /// This CPU path, or a GPU if that is faster.
    fn or_faster(
        &self,
        gpus: &Gpus,
        gpu: &GpuInfo,
        network: &Network,
        recipe: &Recipe,
        rows: usize,
        choice: &Choice,
    ) -> Result<Self> {
        let key = key(network, recipe, rows, gpu, self.threads());
        let folder = choice.cache.as_deref();
        let estimated = sample_of(network, recipe, rows, OPERATIONS[0]).0.batch < recipe.batch.min(rows);
        let how = if estimated { "estimated from smaller batches" } else { "measured" };
        let remembered = folder.and_then(|folder| cache::load_from::<Times>(folder, PURPOSE, &key));
        if let Some(times) = remembered.filter(|times| !times.gpu_is_faster()) {
            return Ok(self.clone().because(&reason(&times, gpu, how, "earlier")));
        }
        let open = Self::on(gpus.open(gpu.index)?);
        let times = match remembered {
            Some(times) => times,
            None => {
                let (cpu, gpu) = (measure(network, recipe, rows, self)?, measure(network, recipe, rows, &open)?);
                let seconds = |measured: Option<(f64, bool)>| measured.map(|(seconds, _)| seconds);
                Times { cpu: seconds(cpu), gpu: seconds(gpu), settled: gpu.is_none_or(|(_, settled)| settled) }
            }
        };
        if let (None, Some(folder), true) = (remembered, folder, times.settled) {
            cache::store_in(folder, PURPOSE, &key, &times);
        }
        let taken = if times.gpu_is_faster() { open } else { self.clone() };
        let when = if remembered.is_some() { "earlier" } else { "now" };
        Ok(taken.because(&reason(&times, gpu, how, when)))
    }
}

fn reason(times: &Times, gpu: &GpuInfo, how: &str, when: &str) -> String {
    let name = if times.gpu_is_faster() { String::new() } else { format!(" ({})", shown(&gpu.name)) };
    format!("faster with this net and batch{name}: {times}, {how} {when}")
}

/// What the times depend on.
fn key(network: &Network, recipe: &Recipe, rows: usize, gpu: &GpuInfo, threads: usize) -> String {
    let activations: Vec<&str> = network.activations().iter().map(|activation| activation.name()).collect();
    let batch = recipe.batch.min(rows);
    // What decides which kernels a step is made of.
    let mut beyond = recipe.beyond_the_rule(network.widths().len() - 1);
    beyond.extend((recipe.micro_batches > 1).then(|| format!("{} micro-batches", recipe.micro_batches)));
    beyond.extend(recipe.shuffle.then(|| "shuffled".into()));
    beyond.extend(recipe.streamed.then(|| "streamed".into()));
    beyond.extend((recipe.members > 1).then(|| format!("{} networks", recipe.members)));
    format!(
        "{:?} {} bias {}, {}, {}, [{}], batch {batch} of {}, {threads} threads, {}",
        network.widths(),
        activations.join(" "),
        network.bias(),
        recipe.loss.name(),
        recipe.optimizer.kind,
        beyond.join("; "),
        rows.div_ceil(batch.max(1)).min(STEPS),
        gpu.key()
    )
}

/// Seconds of a training step on a device, the median of some epochs over made-up rows, and whether timings were steady before; none if
/// the device cannot hold it. Those of a step that would take long are estimated from fewer rows.
fn measure(network: &Network, whole: &Recipe, rows: usize, device: &Device) -> Result<Option<(f64, bool)>> {
    let batch = whole.batch.min(rows);
    let (recipe, rows) = sample_of(network, whole, rows, OPERATIONS[usize::from(device.gpu().is_some())]);
    let larger = batch as f64 / recipe.batch as f64;
    let plan = planning::plan::<f32>(network, recipe.loss, Some(&recipe), rows, recipe.members, device);
    if planning::affordable::<f32>(&plan, device).is_err() {
        return Ok(None);
    }
    let samples = Samples { weights: row_weights(&recipe, rows), ..samples(network, rows) };
    let first = vec![weights(network); recipe.members];
    let mut session = Session::<f32>::ensemble(network.clone(), recipe, &first, samples, device)?;
    let mut epochs = |epochs: usize| (0..epochs).try_for_each(|_| session.train(1, |_| ControlFlow::Continue(())).map(drop));
    epochs(1)?; // compiles
    let gpu = device.gpu().map(OpenGpu::info);
    let settled = settle(gpu, epochs)?;
    let step = seconds_a_step(&mut session, TIME, 15)?;
    Ok(Some((larger * step, settled)))
}

/// Seconds of a step: the median of epochs, the first of which is not counted, for so long a time and so many at most.
pub(crate) fn seconds_a_step<T: Precision>(session: &mut Session<T>, time: Duration, most: usize) -> Result<f64> {
    let steps = session.steps_per_epoch() as f64;
    let mut epoch = || -> Result<f64> {
        let started = Instant::now();
        session.train(1, |_| ControlFlow::Continue(()))?;
        Ok(started.elapsed().as_secs_f64())
    };
    epoch()?; // compiles, and wakes what sleeps
    let (started, mut timings) = (Instant::now(), Vec::new());
    while timings.is_empty() || (started.elapsed() < time && timings.len() < most) {
        timings.push(epoch()? / steps);
    }
    timings.sort_by(f64::total_cmp);
    Ok(timings[timings.len() / 2])
}

/// The recipe and rows of a measurement: whole batches, fewer and smaller ones where those of training would take too long.
pub(super) fn sample_of(network: &Network, recipe: &Recipe, rows: usize, most: f64) -> (Recipe, usize) {
    let operations = 6.0 * network.parameter_count() as f64 * recipe.members as f64;
    let widest = network.inputs().max(network.outputs());
    let batch = recipe.batch.min(rows).min((most / operations) as usize).min(NUMBERS / widest).max(1);
    let affordable = (most / operations / batch as f64) as usize;
    let steps = rows.div_ceil(recipe.batch.max(1)).min(STEPS).min(affordable).min(NUMBERS / widest / batch).max(1);
    (Recipe { batch, ..*recipe }, steps * batch)
}

/// Data to measure with: inputs between 0 and 1; targets that any loss takes, each row being of one class.
pub(crate) fn samples(network: &Network, rows: usize) -> Samples<f32> {
    let (inputs, outputs) = (network.inputs(), network.outputs());
    let values = (0..rows * inputs).map(|index| ((index * 7919) % 1009) as f32 / 1009.0).collect();
    let mut targets = Matrix::zeros(rows, outputs);
    (0..rows).for_each(|row| targets.values[row * outputs + row % outputs] = 1.0);
    Samples::new(Matrix::new(rows, inputs, values), targets)
}

/// Weights of rows to measure with, where a recipe has some.
pub(crate) fn row_weights<T: Scalar>(recipe: &Recipe, rows: usize) -> Option<Matrix<T>> {
    recipe.weighted.then(|| Matrix::new(rows, 1, vec![T::ONE; rows]))
}

/// First weights to measure with: small ones of both signs.
pub(crate) fn weights(network: &Network) -> Weights<f32> {
    let layer = |pair: &[usize]| {
        let scale = 1.0 / (pair[0] as f32).sqrt();
        let value = |index: usize| (((index * 7907) % 1013) as f32 / 506.0 - 1.0) * scale;
        let bias = if network.bias() { vec![0.0; pair[1]] } else { Vec::new() };
        Layer { weight: Matrix::new(pair[0], pair[1], (0..pair[0] * pair[1]).map(value).collect()), bias }
    };
    network.widths().windows(2).map(layer).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Clip, Loss, Optimizer};

    #[test]
    fn the_faster_device_is_taken_and_in_doubt_the_cpu() {
        let faster = |cpu, gpu| Times { cpu, gpu, settled: true }.gpu_is_faster();
        assert!(faster(Some(2e-3), Some(1e-3)));
        assert!(!faster(Some(1e-3), Some(2e-3)));
        assert!(!faster(Some(1e-3), Some(1e-3)));
        assert!(!faster(Some(1e-3), Some(f64::NAN)));
        assert!(!faster(Some(1e-3), None));
        assert!(faster(None, Some(1.0)));
        assert!(!faster(None, None));
    }

    fn case(widths: Vec<usize>, batch: usize) -> (Network, Recipe) {
        let layers = widths.len() - 1;
        let recipe = Recipe { shuffle: true, ..Recipe::plain(Loss::SquaredError, 0.1, batch) };
        (Network::new(widths, vec![Activation::Sigmoid; layers], true).expect("a network"), recipe)
    }

    #[test]
    fn a_measurement_takes_the_batch_as_it_is_unless_that_takes_too_long() {
        let (network, recipe) = case(vec![64, 32, 10], 64);
        let (sample, rows) = sample_of(&network, &recipe, 1797, OPERATIONS[0]);
        assert_eq!((sample.batch, rows), (64, 29 * 64));
        let (network, recipe) = case(vec![1024, 2048, 2048, 1024], 2048);
        let (sample, rows) = sample_of(&network, &recipe, 16_384, OPERATIONS[0]);
        assert!((30..60).contains(&sample.batch) && rows == sample.batch, "{} of {rows}", sample.batch);
        let (network, recipe) = case(vec![100_000, 100_000, 1], 4096);
        assert_eq!(sample_of(&network, &recipe, 1 << 20, OPERATIONS[0]).1, 1);
    }

    #[test]
    fn what_the_times_depend_on_is_in_the_key() {
        let gpu = GpuInfo::for_tests;
        let of = |widths: &[usize], batch, gpu: GpuInfo, threads| {
            let (network, recipe) = case(widths.to_vec(), batch);
            key(&network, &recipe, 1000, &gpu, threads)
        };
        let base = of(&[4, 3, 2], 10, gpu("a", "1"), 2);
        assert_eq!(base, of(&[4, 3, 2], 10, gpu("a", "1"), 2));
        for other in [
            of(&[4, 5, 2], 10, gpu("a", "1"), 2),
            of(&[4, 3, 2], 20, gpu("a", "1"), 2),
            of(&[4, 3, 2], 10, gpu("b", "1"), 2),
            of(&[4, 3, 2], 10, gpu("a", "2"), 2),
            of(&[4, 3, 2], 10, gpu("a", "1"), 4),
        ] {
            assert_ne!(base, other);
        }
        let (network, recipe) = case(vec![4, 3, 2], 10);
        let (clipped, averaged) = (Clip::Value(1.0), 0.9);
        for other in [
            Recipe { shuffle: !recipe.shuffle, ..recipe },
            Recipe { streamed: true, ..recipe },
            Recipe { weighted: true, ..recipe },
            Recipe { micro_batches: 2, ..recipe },
            Recipe { optimizer: Optimizer { clip: clipped, ..recipe.optimizer }, ..recipe },
            Recipe { optimizer: Optimizer { average: averaged, ..recipe.optimizer }, ..recipe },
        ] {
            assert_ne!(base, key(&network, &other, 1000, &gpu("a", "1"), 2), "{other:?}");
        }
    }

    #[test]
    fn a_net_beyond_every_memory_is_not_measured() {
        let (network, recipe) = case(vec![64, 1 << 30, 10], 32);
        assert_eq!(measure(&network, &recipe, 1000, &Device::cpu(Some(1), "a test")).expect("no error"), None);
    }

    #[test]
    fn without_a_candidate_nothing_is_measured_and_the_cpu_is_taken() {
        let (network, recipe) = case(vec![4, 3, 2], 10);
        let folder = tempfile::tempdir().expect("a folder");
        let choice = Choice { candidate: |_| false, cache: Some(folder.path().into()) };
        let device = Device::fastest(&network, &recipe, 100, Some(1), &choice);
        assert!(device.gpu().is_none() && std::fs::read_dir(folder.path()).expect("a folder").next().is_none());
    }
}
