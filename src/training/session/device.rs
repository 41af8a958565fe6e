//! Which device trains: the choice that `--device` makes, and the executor on it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::cache;
use crate::error::{Error, Result, shown, suggestion};
use crate::executor::Executor;
use crate::executor::cpu::{Computed, Cpu};
use crate::executor::gpu::Gpu;
use crate::executor::gpu::device::{Device as OpenGpu, Gpus};
use crate::executor::gpu::info::GpuInfo;
use crate::executor::gpu::looking;
use crate::executor::gpu::pipelines::Reuse;
use crate::executor::gpu::tuning::{Tuned, tune};
use crate::kernels::form::Family;
use crate::kernels::units;
use crate::kernels::whole::Variant;
use crate::kernels::{Choice, Target, Whole, stride4};
use crate::model::Element;
use crate::network::{Loss, Network, OptimizerKind};
use crate::plan::{Phase, Plan};
use crate::threads;
use crate::verification::adapter::{verify_mixed, verify_split};

/// Why the CPU path is taken where the only GPU is software.
pub(super) const ONLY_SOFTWARE: &str = "the only GPU here is a software adapter, which runs on the CPU as well";

/// Why it is taken where there is none.
pub(super) const NO_GPU: &str = "no GPU was found";
/// Why a device is taken that the user named.
const ASKED_FOR: &str = "asked for";

/// What `--device` asks for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Wanted {
    /// A GPU if there is one that is not software, else the CPU.
    Auto,
    /// The CPU path.
    Cpu,
    /// The best GPU.
    Gpu,
    /// The GPU of this place in the list of `wgrad devices`.
    Index(usize),
    /// The first GPU whose name contains this.
    Name(String),
}

impl FromStr for Wanted {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        Ok(match text {
            "" => return Err("a device is auto, cpu, gpu, gpu:INDEX or a part of a GPU's name".into()),
            "auto" => Self::Auto,
            "cpu" => Self::Cpu,
            "gpu" => Self::Gpu,
            _ => match text.strip_prefix("gpu:") {
                None => Self::Name(text.to_string()),
                Some(index) => Self::Index(index.parse().map_err(|_| format!("'{}' is no index of a GPU", shown(index)))?),
            },
        })
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => formatter.write_str("auto"),
            Self::Cpu => formatter.write_str("cpu"),
            Self::Gpu => formatter.write_str("gpu"),
            Self::Index(index) => write!(formatter, "gpu:{index}"),
            Self::Name(name) => formatter.write_str(name),
        }
    }
}

crate::text::as_text!(Wanted);

/// The number types by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PrecisionName {
    /// Single precision.
    F32,
    /// Double precision.
    F64,
    /// Single precision, but the factors of large products rounded to f16 while training: for matrix units.
    Mixed,
}

/// Computes an expression in which `$number` is the type of the numbers: f64 where it is asked for (`$double`), else f32.
macro_rules! in_precision {
    ($double:expr, $number:ident => $computed:expr) => {
        if $double {
            type $number = f64;
            $computed
        } else {
            type $number = f32;
            $computed
        }
    };
}
pub(crate) use in_precision;

/// A device that was chosen, and why.
#[derive(Clone)]
pub struct Device {
    gpu: Option<OpenGpu>,
    threads: usize,
    reason: String,
    /// How products are computed, where that was measured: by [`crate::plan::Launch::product_key`].
    choices: BTreeMap<String, Choice>,
}

/// What a report says of the device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeviceReport {
    /// `cpu` or `gpu`.
    pub kind: &'static str,
    /// The GPU; absent for the CPU path.
    pub gpu: Option<GpuInfo>,
    /// Threads of the CPU path; absent for a GPU.
    pub threads: Option<usize>,
    /// Why this one.
    pub reason: String,
}

impl Device {
    /// Chooses and opens what was asked for, for `--precision mixed`: of GPUs only such as have matrix units for it, or, where it is asked
    /// for, a software adapter, which computes the same.
    ///
    /// # Errors
    /// No device, if it is not there or has no matrix units.
    pub fn choose_mixed(wanted: &Wanted, threads: Option<usize>) -> Result<Self> {
        if *wanted == Wanted::Cpu {
            return Ok(Self::cpu(threads, ASKED_FOR));
        }
        if *wanted == Wanted::Auto && looking::crashed() {
            return Ok(Self::cpu(threads, &after_a_crash()));
        }
        let gpus = Gpus::find();
        if *wanted != Wanted::Auto {
            return Ok(Self::of_gpu(open_mixed(&gpus, position(wanted, &gpus.list())?)?, ASKED_FOR.into()));
        }
        let mut refusal = None;
        for gpu in gpus.list().iter().filter(|gpu| gpu.mixed) {
            match open_mixed(&gpus, gpu.index) {
                Ok(open) => return Ok(Self::of_gpu(open, "the best of the GPUs here with matrix units".into())),
                Err(error) => refusal = refusal.or(Some(error.to_string())),
            }
        }
        let reason = refusal.unwrap_or_else(|| "no GPU here has matrix units for --precision mixed".into());
        Ok(Self::cpu(threads, &reason))
    }

    /// Chooses and opens what was asked for. `double` asks for f64, which only the CPU computes.
    ///
    /// # Errors
    /// No device, if it is not there; usage, for f64 on a GPU.
    pub fn choose(wanted: &Wanted, threads: Option<usize>, double: bool) -> Result<Self> {
        let cpu = |reason: &str| Ok(Self::cpu(threads, reason));
        if double {
            return match wanted {
                Wanted::Auto => cpu("f64 is computed on the CPU only"),
                Wanted::Cpu => cpu(ASKED_FOR),
                _ => Err(no_double()),
            };
        }
        match wanted {
            Wanted::Cpu => cpu(ASKED_FOR),
            Wanted::Auto if looking::crashed() => cpu(&after_a_crash()),
            Wanted::Auto => {
                let gpus = Gpus::find();
                let mut refusal = None;
                for gpu in gpus.list().iter().filter(|gpu| !gpu.software) {
                    match gpus.open(gpu.index) {
                        Ok(open) => {
                            let reason = format!("the best of the GPUs here, of the kind '{}'", gpu.kind);
                            return Ok(Self::of_gpu(open, reason));
                        }
                        Err(error) => refusal = refusal.or(Some(error.to_string())),
                    }
                }
                match refusal {
                    Some(refusal) => cpu(&refusal),
                    None if gpus.list().is_empty() => cpu(NO_GPU),
                    None => cpu(ONLY_SOFTWARE),
                }
            }
            Wanted::Gpu | Wanted::Index(_) | Wanted::Name(_) => {
                let gpus = Gpus::find();
                let index = position(wanted, &gpus.list())?;
                Ok(Self::of_gpu(gpus.open(index)?, ASKED_FOR.into()))
            }
        }
    }

    /// The CPU path, with as many threads as there are cores unless said otherwise.
    pub fn cpu(threads: Option<usize>, reason: &str) -> Self {
        Self { gpu: None, threads: threads.unwrap_or_else(threads::count), reason: reason.into(), choices: BTreeMap::new() }
    }

    fn of_gpu(gpu: OpenGpu, reason: String) -> Self {
        Self { gpu: Some(gpu), threads: 1, reason, choices: BTreeMap::new() }
    }

    /// Measures how a plan's products of these phases are computed fastest, or takes what was measured before, but for those that are `known`; from
    /// then on plans for this device are made so. The CPU path has nothing to measure.
    ///
    /// # Errors
    /// What the device reports.
    pub fn tune(&mut self, plan: &Plan, known: &BTreeMap<String, Choice>, phases: &[Phase]) -> Result<Vec<(String, Tuned)>> {
        let Some(gpu) = &self.gpu else { return Ok(Vec::new()) };
        let mut tuned: Vec<(String, Tuned)> = tune(plan, gpu, known, phases)?.into_iter().collect();
        tuned.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.choices = known.clone();
        self.choices.extend(tuned.iter().map(|(key, tuned)| (key.clone(), tuned.choice)));
        Ok(tuned)
    }

    /// The same for one plan more than it was done for already.
    ///
    /// # Errors
    /// What the device reports.
    pub fn tune_too(&mut self, plan: &Plan, phases: &[Phase]) -> Result<Vec<(String, Tuned)>> {
        let known = self.choices.clone();
        self.tune(plan, &known, phases)
    }

    /// The same device, these products of plans for it computed so; on the CPU every product is computed in one way.
    pub fn with_choices(self, choices: BTreeMap<String, Choice>) -> Self {
        let Some(target) = self.target() else { return self };
        // Those of another device may be none of this one.
        let mut choices = choices;
        choices.retain(|key, choice| {
            let family = choice.family;
            // Matrix units take the factors of mixed products as they are rounded, and those of others as halves.
            let suits = family.units().is_none() || key.starts_with("mixed ") != family.is_split();
            suits && family != Family::DirectSplit && family.is_for(target.software) && family.fits(&target)
        });
        Self { choices, ..self }
    }

    /// How products are computed, where that was measured.
    pub fn choices(&self) -> &BTreeMap<String, Choice> {
        &self.choices
    }

    /// The same device, a GPU using no more than so many bytes of its memory.
    pub fn with_memory(self, memory: Option<u64>) -> Self {
        Self { gpu: self.gpu.map(|gpu| gpu.with_memory(memory)), ..self }
    }

    /// The same device; of a GPU with matrix units these may compute products in f32, in halves, where that is measured or was noted. They
    /// are verified for it before the first time; where they fail the device stays as it is, and its reason says so.
    pub fn with_splits(self) -> Self {
        let open = |gpu: &OpenGpu| {
            let limits = gpu.limits();
            let open = match limits.target.units {
                Some(_) => gpu.clone(),
                None => Gpus::find().open_mixed(gpu.info().index, Reuse::Kept)?.with_memory(limits.memory),
            };
            let open = open.with_splits();
            // Those of Metal, or of a device with little memory for a workgroup, have no family for it.
            if !Family::SPLIT.iter().any(|family| family.fits(&open.limits().target)) {
                return Ok(gpu.clone());
            }
            verified("split", &open, verify_split)?;
            Ok(open)
        };
        let has_units = |gpu: &&OpenGpu| gpu.info().mixed && !gpu.limits().target.splits;
        match self.gpu.as_ref().filter(has_units).map(open) {
            None => self,
            Some(Ok(gpu)) => Self { gpu: Some(gpu), ..self },
            Some(Err::<_, Error>(why)) => {
                Self { reason: format!("{}; products in f32 not on its matrix units: {why}", self.reason), ..self }
            }
        }
    }

    /// A GPU that is open.
    pub(super) fn on(gpu: OpenGpu) -> Self {
        Self::of_gpu(gpu, String::new())
    }

    /// The same device, which a file of options names and nobody asks for now.
    #[must_use]
    pub fn as_before(self) -> Self {
        if self.reason == ASKED_FOR { self.because("as the file of options says") } else { self }
    }

    /// The same device, taken for this reason.
    pub(super) fn because(self, reason: &str) -> Self {
        Self { reason: reason.into(), ..self }
    }

    /// The same device, opened anew: nothing is compiled on it yet. Its driver takes this over of what it compiled before.
    ///
    /// # Errors
    /// No device, if the driver refuses.
    pub fn reopened(&self, reuse: Reuse) -> Result<Self> {
        let open = |gpu: &OpenGpu| {
            let (gpus, index, limits) = (Gpus::find(), gpu.info().index, gpu.limits());
            let target = limits.target;
            let has_units = target.units.is_some();
            let open = if has_units { gpus.open_mixed(index, reuse) } else { gpus.open_with(index, reuse) };
            let open = open?.with_memory(limits.memory);
            Ok(if target.splits { open.with_splits() } else { open })
        };
        Ok(Self { gpu: self.gpu.as_ref().map(open).transpose()?, ..self.clone() })
    }

    /// The GPU, if it is one.
    pub fn gpu(&self) -> Option<&OpenGpu> {
        self.gpu.as_ref()
    }

    /// The variant of the whole network's kernel that trains this network in numbers of type `T`, if it is small enough for one.
    pub fn whole<T: Precision>(
        &self,
        network: &Network,
        loss: Loss,
        optimizer: OptimizerKind,
        batch: usize,
        rows: usize,
    ) -> Option<Variant> {
        let Some(gpu) = &self.gpu else {
            let single = size_of::<T>() == size_of::<f32>();
            return (single && Whole::suits_lanes(network, optimizer, batch)).then_some(Variant::Invocation);
        };
        let limits = gpu.limits();
        let widest = network.inputs().max(network.outputs());
        let data = (rows as u64).saturating_mul(stride4(widest) as u64 * 16);
        let fits = data <= limits.buffer_bytes && limits.storage_buffers >= Whole::MOST_BINDINGS;
        Whole::variant(network, loss, optimizer, batch, &limits.target).filter(|_| fits)
    }

    /// What of a GPU decides how kernels are computed on it; none for the CPU path.
    pub fn target(&self) -> Option<Target> {
        self.gpu.as_ref().map(|gpu| gpu.limits().target)
    }

    /// Whether the rows of a shuffled batch are copied together before they are used: the CPU's products want them dense, and a
    /// software adapter reads what an order points to lane by lane, which costs more than the copy.
    pub fn gathers(&self) -> bool {
        self.gpu.as_ref().is_none_or(|gpu| gpu.info().software)
    }

    /// The largest buffer of source data.
    pub fn segment_bytes(&self) -> Option<u64> {
        self.gpu.as_ref().map(|gpu| gpu.limits().buffer_bytes)
    }

    /// The threads of the CPU path; 1 for a GPU.
    pub fn threads(&self) -> usize {
        self.threads
    }

    /// What computes, in a few words: a software adapter is called one.
    pub fn label(&self) -> String {
        match &self.gpu {
            Some(gpu) if gpu.info().software => {
                format!("{} ({}, a software adapter)", shown(&gpu.info().name), gpu.info().backend)
            }
            Some(gpu) => format!("{} ({})", shown(&gpu.info().name), gpu.info().backend),
            None => format!("the CPU, {} thread{}", self.threads, if self.threads == 1 { "" } else { "s" }),
        }
    }

    /// The device for the head of a run: with the reason, unless it was asked for, or that there is no GPU but software was told on this
    /// machine today.
    pub fn told(&self) -> String {
        const DAY: u64 = 24 * 3600;
        let is_news = match self.reason.as_str() {
            ASKED_FOR => false,
            reason @ (ONLY_SOFTWARE | NO_GPU) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
                let told: Option<u64> = cache::load("told", reason);
                let is_news = told.is_none_or(|told| now.abs_diff(told) >= DAY);
                if is_news {
                    cache::store("told", reason, &now);
                }
                is_news
            }
            _ => true,
        };
        if is_news { self.to_string() } else { self.label() }
    }

    /// What a report says of it.
    pub fn report(&self) -> DeviceReport {
        DeviceReport {
            kind: if self.gpu.is_some() { "gpu" } else { "cpu" },
            gpu: self.gpu.as_ref().map(|gpu| gpu.info().clone()),
            threads: self.gpu.is_none().then_some(self.threads),
            reason: self.reason.clone(),
        }
    }
}

impl fmt::Display for Device {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.label(), self.reason)
    }
}

/// Opens a GPU for mixed training. Its matrix units are verified before the first use, once for each driver.
fn open_mixed(gpus: &Gpus, index: usize) -> Result<OpenGpu> {
    let open = gpus.open_mixed(index, Reuse::Kept)?;
    if open.limits().target.units.is_some() {
        verified("mixed", &open, verify_mixed)?;
    }
    Ok(open)
}

/// Verifies a GPU's matrix units for a purpose, unless the cache has that they were, with this driver and these shaders.
fn verified(purpose: &str, gpu: &OpenGpu, verify: fn(&OpenGpu) -> Result<()>) -> Result<()> {
    let key = format!("{} | {:08x}", gpu.info().key(), units::checksum());
    if cache::load::<bool>(purpose, &key) != Some(true) {
        verify(gpu)?;
        cache::store(purpose, &key, &true);
    }
    Ok(())
}

/// Why the CPU path is taken where a look for GPUs may end the process.
pub(super) fn after_a_crash() -> String {
    format!("{} ('wgrad devices' looks again)", looking::CRASHED)
}

fn no_double() -> Error {
    Error::Usage("--precision f64 is for --device cpu only: GPUs compute in f32 here".into())
}

/// The place of the wanted GPU in the list.
fn position(wanted: &Wanted, gpus: &[GpuInfo]) -> Result<usize> {
    let install = "install a driver (Debian: apt-get install mesa-vulkan-drivers), or use --device cpu";
    if gpus.is_empty() {
        return Err(Error::NoDevice(format!("no GPU was found: {install}")));
    }
    let known = || gpus.iter().map(|gpu| format!("gpu:{} {}", gpu.index, shown(&gpu.name))).collect::<Vec<_>>().join(", ");
    match wanted {
        Wanted::Index(index) if *index >= gpus.len() => {
            Err(Error::NoDevice(format!("there is no gpu:{index}; there are: {}", known())))
        }
        Wanted::Index(index) => Ok(*index),
        Wanted::Name(name) => {
            let lower = name.to_lowercase();
            let found = gpus.iter().position(|gpu| gpu.name.to_lowercase().contains(&lower));
            found.ok_or_else(|| {
                let hint = suggestion(name, ["auto", "cpu", "gpu"]);
                Error::NoDevice(format!("no GPU's name contains '{}'{hint}; there are: {}", shown(name), known()))
            })
        }
        _ => Ok(0),
    }
}

/// f32, which both devices compute, or f64, which the CPU does.
pub trait Precision: Computed + Element {
    /// An executor of this type on a device.
    ///
    /// # Errors
    /// Limit, if the plan does not fit the device; usage, for f64 on a GPU.
    fn executor(plan: Plan, device: &Device) -> Result<Box<dyn Executor<Self>>>;
}

impl Precision for f32 {
    fn executor(plan: Plan, device: &Device) -> Result<Box<dyn Executor<Self>>> {
        Ok(match &device.gpu {
            Some(gpu) => Box::new(Gpu::new(plan, gpu.clone())?),
            None => Box::new(Cpu::new(plan, device.threads)?),
        })
    }
}

impl Precision for f64 {
    fn executor(plan: Plan, device: &Device) -> Result<Box<dyn Executor<Self>>> {
        if device.gpu.is_some() {
            return Err(no_double());
        }
        Ok(Box::new(Cpu::new(plan, device.threads)?))
    }
}
