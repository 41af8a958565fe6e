//! The GPUs of this machine, and the one gateway for calls to one of them: each call's errors come back as ours.

use std::collections::HashSet;
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, mpsc};
use std::time::Duration;

use wgpu::{
    Adapter, Backends, Buffer, BufferDescriptor, BufferUsages, CommandEncoder, CommandEncoderDescriptor, ComputePipeline,
    DeviceDescriptor, DeviceType, ErrorFilter, ExperimentalFeatures, Features, Instance, InstanceDescriptor, MapMode,
    PipelineCache, PollError, PollType, SubmissionIndex,
};

use super::faults;
use super::info::GpuInfo;
use super::looking::{self, Looking};
use super::pipelines::{Pipelines, Reuse, side_by_side};
use crate::error::{Error, Result};
use crate::kernels::form::{GPU_LANES, MOST_ITERATIONS, SOFTWARE_LANES};
use crate::kernels::units::Units;
use crate::kernels::{Rates, Shader, Target};
use crate::panics::quietly;
use crate::plan::DeviceLimits;

/// What kernels for matrix units need.
const UNITS: Features = Features::EXPERIMENTAL_COOPERATIVE_MATRIX.union(Features::SHADER_F16).union(Features::SUBGROUP);
/// The largest workgroup of any kernel (the whole network's); WebGPU promises it everywhere.
const INVOCATIONS: u32 = 256;

/// How long a GPU may stay silent when it is waited for. Submissions are sized for 50 ms, and drivers end what takes seconds.
const WATCHDOG: Duration = Duration::from_secs(120);
/// The same of a software adapter, on which a single dispatch may take minutes.
const SOFTWARE_WATCHDOG: Duration = Duration::from_secs(3600);

/// Bytes that go to the device in one piece.
pub(super) const UPLOAD_BYTES: usize = 16 << 20;
/// Bytes of the largest buffer to read through that is kept for the next reading.
const KEPT_STAGING: u64 = 64 << 20;

/// How long a device that refuses calls is given to say that it was lost.
const LAST_WORD: Duration = Duration::from_secs(5);

/// The GPUs of this machine, best first: discrete, integrated, virtual, other, software.
pub struct Gpus {
    adapters: Vec<Adapter>,
}

impl Gpus {
    /// Looks for GPUs that can compute, on every backend that was built in (or those that `WGPU_BACKEND` names). Where the last look ended
    /// its process, stderr is told before this one.
    pub fn find() -> Self {
        if looking::crashed() {
            // Who cannot be told learns it no other way.
            let _ = writeln!(std::io::stderr(), "wgrad: {}", looking::CRASHED);
        }
        let _look = Looking::begin();
        // OpenGL only where nothing better is: looking for it takes long, and its libraries talk to the terminal.
        let find = |backends: Backends| {
            let wanted = InstanceDescriptor::new_without_display_handle_from_env();
            let backends = wanted.backends & backends;
            // Where memory is short, wgpu panics over what a driver refuses: then there is no GPU to be had.
            quietly(|| {
                let instance = Instance::new(InstanceDescriptor { backends, ..wanted });
                pollster::block_on(instance.enumerate_adapters(backends))
            })
            .unwrap_or_default()
        };
        let mut adapters = find(Backends::all() - Backends::GL);
        if adapters.is_empty() {
            adapters = find(Backends::GL);
        }
        adapters.retain(|adapter| {
            let limits = adapter.limits();
            adapter.get_downlevel_capabilities().flags.contains(wgpu::DownlevelFlags::COMPUTE_SHADERS)
                && limits.max_compute_invocations_per_workgroup >= INVOCATIONS
                && limits.max_compute_workgroup_size_x >= GPU_LANES
                && adapter.get_info().backend != wgpu::Backend::Noop
        });
        adapters.sort_by_key(|adapter| {
            let info = adapter.get_info();
            let kind = match info.device_type {
                DeviceType::DiscreteGpu => 0,
                DeviceType::IntegratedGpu => 1,
                DeviceType::VirtualGpu => 2,
                DeviceType::Other => 3,
                DeviceType::Cpu => 4,
            };
            (kind, info.backend == wgpu::Backend::Gl)
        });
        Self { adapters }
    }

    /// wgpu's own adapter that computes nothing: every buffer stays as it was written. What a verification has to notice.
    pub fn noop() -> Self {
        let backends = Backends::NOOP;
        let mut wanted = InstanceDescriptor::new_without_display_handle();
        wanted.backends = backends;
        wanted.backend_options.noop = wgpu::NoopBackendOptions::enabled();
        Self { adapters: pollster::block_on(Instance::new(wanted).enumerate_adapters(backends)) }
    }

    /// What is known of each.
    pub fn list(&self) -> Vec<GpuInfo> {
        self.adapters.iter().enumerate().map(|(index, adapter)| describe(index, adapter)).collect()
    }

    /// Opens one of the list.
    ///
    /// # Errors
    /// No device, if the driver refuses.
    pub fn open(&self, index: usize) -> Result<Device> {
        self.open_with(index, Reuse::Kept)
    }

    /// Opens one of the list; its driver takes this over of what it compiled before.
    ///
    /// # Errors
    /// No device, if the driver refuses.
    pub fn open_with(&self, index: usize, reuse: Reuse) -> Result<Device> {
        self.open_for(index, reuse, None)
    }

    /// Opens one of the list for `--precision mixed`: its matrix units can be used, or, of a software adapter, which has none, kernels
    /// compute what matrix units would.
    ///
    /// # Errors
    /// No device, if it has no matrix units that can be used, or the driver refuses.
    pub fn open_mixed(&self, index: usize, reuse: Reuse) -> Result<Device> {
        let info = describe(index, &self.adapters[index]);
        let units = units_of(&self.adapters[index]);
        if units.is_none() && !info.software {
            return Err(Error::NoDevice(format!(
                "{} ({}) has no matrix units for --precision mixed, which are there on Vulkan for NVIDIA's cards from the 20 series \
                 and AMD's from RDNA3 on, and on Metal for Apple's ('wgrad devices' shows them): take --precision f32, or --device cpu",
                info.name, info.backend
            )));
        }
        self.open_for(index, reuse, units)
    }

    /// Opens one of the list, with the features that its matrix units need where they are given.
    fn open_for(&self, index: usize, reuse: Reuse, units: Option<Units>) -> Result<Device> {
        let adapter = &self.adapters[index];
        let info = describe(index, adapter);
        let of_units = if units.is_some() { UNITS } else { Features::empty() };
        let experimental_features = if units.is_some() {
            #[expect(unsafe_code, reason = "wgpu asks for it where a feature is experimental")]
            // SAFETY: wgpu makes no promise of experimental features: a driver or naga may have faults in them that it does not notice.
            // What is used here is cooperative matrices, in one loop (shaders/units.wgsl) and in the measurement of their peak
            // (shaders/units_peak.wgsl): naga validates their shaders as all others, they load and store in their workgroup's memory, but for
            // the peak's sums, at places that follow from constants, with a barrier between those who write and those who read. naga marks no access of such shaders as visible to others (wgpu issue 8805), so that the letter of Vulkan's
            // memory model leaves open what those barriers order: `verification` holds every form of them against the oracle before a
            // driver's are used. Other runs do not ask for the feature.
            let enabled = unsafe { ExperimentalFeatures::enabled() };
            enabled
        } else {
            ExperimentalFeatures::disabled()
        };
        let description = DeviceDescriptor {
            required_limits: adapter.limits(),
            required_features: adapter.features()
                & (Features::TIMESTAMP_QUERY | Features::PIPELINE_CACHE | Features::SUBGROUP | of_units),
            experimental_features,
            ..Default::default()
        };
        let refused = |why: &dyn std::fmt::Display| {
            Error::NoDevice(format!("{} ({}) cannot be opened: {why}", info.name, info.backend))
        };
        if let Some(fault) = faults::next() {
            return Err(refused(&format!("a fault on purpose ({fault:?})")));
        }
        let (device, queue) = pollster::block_on(adapter.request_device(&description)).map_err(|error| refused(&error))?;
        let fault = Arc::new(Mutex::new(None));
        let lost = Arc::clone(&fault);
        device.set_device_lost_callback(move |reason, message| {
            let message = if message.is_empty() { format!("{reason:?}") } else { message };
            note(&lost, Fault::Lost(message));
        });
        let uncaptured = Arc::clone(&fault);
        device.on_uncaptured_error(Arc::new(move |error: wgpu::Error| note(&uncaptured, Fault::Error(error.to_string()))));
        let silent = Arc::default();
        let lanes = if info.software { SOFTWARE_LANES } else { GPU_LANES };
        let pipelines = Arc::new(Pipelines::new(&device, &info, reuse));
        let (memory, iterations, splits) = (None, MOST_ITERATIONS, false);
        let (staging, rates) = (Arc::default(), Arc::default());
        Ok(Device {
            device,
            queue,
            info,
            lanes,
            fault,
            silent,
            memory,
            iterations,
            units,
            splits,
            staging,
            pipelines,
            rates,
        })
    }
}

/// The matrix units of an adapter, if they are those that the kernels can use, from f16 to f32: Vulkan's of 16 × 16 × 16, Metal's of 8 × 8 × 8.
fn units_of(adapter: &Adapter) -> Option<Units> {
    let info = adapter.get_info();
    let units = match info.backend {
        wgpu::Backend::Vulkan => Units::of_subgroups([info.subgroup_min_size, info.subgroup_max_size])?,
        wgpu::Backend::Metal => Units::of_metal(),
        _ => return None,
    };
    if !adapter.features().contains(UNITS) {
        return None;
    }
    let fits = |shape: &wgpu::CooperativeMatrixProperties| {
        [shape.m_size, shape.n_size, shape.k_size] == [units.fragment; 3]
            && (shape.ab_type, shape.cr_type) == (wgpu::CooperativeScalarType::F16, wgpu::CooperativeScalarType::F32)
    };
    let is_there = adapter.cooperative_matrix_properties().iter().any(fits);
    let has_room = adapter.limits().max_compute_workgroup_storage_size >= Units::least_workgroup_bytes();
    (is_there && has_room).then_some(units)
}

/// A shape of matrix units, for a person: rows × columns × terms, and the types of factors and sums.
fn shape_text(shape: &wgpu::CooperativeMatrixProperties) -> String {
    let wgpu::CooperativeMatrixProperties { m_size, n_size, k_size, ab_type, cr_type, .. } = shape;
    format!("{m_size}x{n_size}x{k_size} {ab_type:?} to {cr_type:?}").to_lowercase()
}

fn describe(index: usize, adapter: &Adapter) -> GpuInfo {
    let info = adapter.get_info();
    let limits = adapter.limits();
    let kind = match info.device_type {
        DeviceType::DiscreteGpu => "discrete",
        DeviceType::IntegratedGpu => "integrated",
        DeviceType::VirtualGpu => "virtual",
        DeviceType::Cpu => "software",
        DeviceType::Other => "other",
    };
    GpuInfo {
        index,
        name: info.name,
        backend: info.backend.to_str().to_string(),
        driver: format!("{} {}", info.driver, info.driver_info).trim().to_string(),
        kind: kind.to_string(),
        software: info.device_type == DeviceType::Cpu,
        matrix_units: adapter.cooperative_matrix_properties().iter().map(shape_text).collect(),
        mixed: units_of(adapter).is_some(),
        // Kernels count elements in u32.
        buffer_bytes: limits.max_buffer_size.min(limits.max_storage_buffer_binding_size).min(u64::from(u32::MAX) * 4),
        workgroup_bytes: limits.max_compute_workgroup_storage_size,
        subgroups: [info.subgroup_min_size, info.subgroup_max_size],
    }
}

/// What went wrong outside of every call of ours.
#[derive(Debug, Clone)]
enum Fault {
    /// The device is lost, with the driver's word for it.
    Lost(String),
    /// An error.
    Error(String),
}

/// Keeps the first fault: later ones follow from it. But that a device is lost says more than any error.
fn note(known: &Mutex<Option<Fault>>, fault: Fault) {
    if let Ok(mut known) = known.lock()
        && !matches!((&*known, &fault), (Some(Fault::Lost(_)), _) | (Some(_), Fault::Error(_)))
    {
        *known = Some(fault);
    }
}

/// An open GPU. Every call to wgpu that can fail goes through here.
#[derive(Clone)]
pub struct Device {
    device: wgpu::Device,
    queue: wgpu::Queue,
    info: GpuInfo,
    /// The first error that no call of ours was told: a lost device, or an error outside every scope.
    fault: Arc<Mutex<Option<Fault>>>,
    /// Whether the next wait is to take too long: a fault on purpose.
    silent: Arc<AtomicBool>,
    /// Bytes of its memory to use at most.
    memory: Option<u64>,
    /// Loop iterations that an invocation may have.
    iterations: u64,
    /// Invocations a workgroup along x.
    lanes: u32,
    /// Its matrix units, if it was opened to use them.
    units: Option<Units>,
    /// Whether products in f32 may be computed on them.
    splits: bool,
    /// What the last reading went through, unless another is using it.
    staging: Arc<Mutex<Option<Buffer>>>,
    /// Every composed shader that was compiled.
    pipelines: Arc<Pipelines>,
    /// How fast it is in each family, once that was looked up.
    rates: Arc<OnceLock<Rates>>,
}

impl Device {
    /// What is known of it.
    pub fn info(&self) -> &GpuInfo {
        &self.info
    }

    /// The same device, using no more than so many bytes of its memory for the buffers of a plan.
    pub fn with_memory(self, memory: Option<u64>) -> Self {
        Self { memory, ..self }
    }

    /// The same device, whose matrix units, if it was opened with them, may compute products in f32 as well.
    pub fn with_splits(self) -> Self {
        Self { splits: self.units.is_some(), ..self }
    }

    /// The same device, with loops as long as a plan wants them: to find out where drivers end them.
    pub(crate) fn without_limit_of_iterations(self) -> Self {
        Self { iterations: u64::MAX, ..self }
    }

    /// The same device, with workgroups of so many lanes: how kernels are written for GPUs, on a software adapter.
    pub fn with_lanes(self, lanes: u32) -> Self {
        Self { lanes, ..self }
    }

    /// The device itself, for calls that cannot fail.
    pub(super) fn wgpu(&self) -> &wgpu::Device {
        &self.device
    }

    /// What it allows.
    pub fn limits(&self) -> DeviceLimits {
        let limits = self.device.limits();
        DeviceLimits {
            buffer_bytes: self.info.buffer_bytes,
            memory: self.memory,
            storage_buffers: u64::from(limits.max_storage_buffers_per_shader_stage),
            workgroups: u64::from(limits.max_compute_workgroups_per_dimension),
            iterations: self.iterations,
            target: Target {
                lanes: self.lanes,
                software: self.info.software,
                subgroup: self.subgroup(),
                workgroup_bytes: limits.max_compute_workgroup_storage_size,
                workgroup_invocations: limits.max_compute_invocations_per_workgroup,
                rates: self.rates.get().copied().unwrap_or_default(),
                units: self.units,
                splits: self.splits,
            },
        }
    }

    /// How fast it is in each family of products, once that was found.
    pub(super) fn rates(&self) -> &OnceLock<Rates> {
        &self.rates
    }

    /// Lanes that every subgroup has at least; 0 without them.
    fn subgroup(&self) -> u32 {
        let has_them = self.device.features().contains(Features::SUBGROUP);
        if has_them { self.device.adapter_info().subgroup_min_size } else { 0 }
    }

    /// Nanoseconds of a tick of its clock.
    pub(super) fn timestamp_period(&self) -> f32 {
        self.queue.get_timestamp_period()
    }

    /// Bytes to which offsets into storage buffers are aligned.
    pub(super) fn alignment(&self) -> u32 {
        self.device.limits().min_storage_buffer_offset_alignment
    }

    /// Calls the device and waits for its verdict.
    ///
    /// # Errors
    /// Device lost, if it is; limit, when memory ran out; internal, for anything else; these name `what` was done.
    pub(super) fn guarded<R>(&self, what: &str, call: impl FnOnce(&wgpu::Device) -> R) -> Result<R> {
        self.meet(what)?;
        self.attempt(what, call)
    }

    /// The same for a call that was counted before.
    fn attempt<R>(&self, what: &str, call: impl FnOnce(&wgpu::Device) -> R) -> Result<R> {
        let memory = self.device.push_error_scope(ErrorFilter::OutOfMemory);
        let internal = self.device.push_error_scope(ErrorFilter::Internal);
        let validation = self.device.push_error_scope(ErrorFilter::Validation);
        let result = call(&self.device);
        let validation = pollster::block_on(validation.pop());
        let internal = pollster::block_on(internal.pop());
        let memory = pollster::block_on(memory.pop());
        // Of a lost device every call is refused, for one reason or another.
        self.faultless()?;
        if memory.is_some() {
            return Err(self.no_memory(what));
        }
        match validation.or(internal) {
            None => Ok(result),
            Some(error) => match self.told(Fault::Error(error.to_string())) {
                Error::Internal(_) => Err(self.refused(what, &error)),
                lost => Err(lost),
            },
        }
    }

    fn no_memory(&self, what: &str) -> Error {
        Error::Limit(format!(
            "{} has no memory left for '{what}': take smaller batches or hidden layers, or --device cpu",
            self.info.name
        ))
    }

    fn refused(&self, what: &str, why: &dyn std::fmt::Display) -> Error {
        Error::Internal(format!("{} refused '{what}': {why}", self.info.name))
    }

    /// The fault that a test wants for this call.
    fn meet(&self, what: &str) -> Result<()> {
        match faults::next() {
            None => Ok(()),
            Some(faults::Fault::Memory) => Err(self.no_memory(what)),
            Some(faults::Fault::Refused) => Err(self.refused(what, &"a fault on purpose")),
            Some(faults::Fault::Silent) => {
                self.silent.store(true, Ordering::Relaxed);
                Ok(())
            }
            Some(faults::Fault::Lost) => {
                self.device.destroy();
                // The word of it comes with the next look at the device; the call goes on and meets what it meets.
                let _ = self.device.poll(PollType::Poll);
                Ok(())
            }
        }
    }

    /// Compiles those of some shaders that are not compiled yet, side by side.
    ///
    /// # Errors
    /// As [`guarded`](Self::guarded): that of the first shader that has one.
    pub(super) fn compile<'a, S: Sync + 'a>(
        &self,
        sources: impl Iterator<Item = &'a S>,
        shader: impl Fn(&S) -> &Shader + Sync,
        compile: impl Fn(&S, &wgpu::Device, Option<&PipelineCache>) -> ComputePipeline + Sync,
    ) -> Result<()> {
        let mut texts = HashSet::new();
        let is_new = |source: &&S| {
            let text = shader(*source).source.as_str();
            self.pipelines.of(text).is_none() && texts.insert(text.to_string())
        };
        let sources: Vec<&S> = sources.filter(is_new).collect();
        // A fault on purpose meets the same call whatever the threads do: the calls are counted before the first is made.
        sources.iter().try_for_each(|source| self.meet(&shader(source).name))?;
        let made = side_by_side(&sources, |source| {
            self.attempt(&shader(source).name, |device| compile(source, device, self.pipelines.compiled()))
        });
        for (source, pipeline) in sources.into_iter().zip(made) {
            self.pipelines.insert(shader(source).source.clone(), pipeline?);
        }
        Ok(())
    }

    /// The pipeline of a composed shader that was compiled.
    ///
    /// # Errors
    /// Internal, if it was not.
    pub(super) fn pipeline(&self, shader: &Shader) -> Result<ComputePipeline> {
        self.pipelines.of(&shader.source).ok_or_else(|| self.refused(&shader.name, &"it was not compiled"))
    }

    /// What the driver compiled so far, for [`Reuse::Given`]; none where the interface has no way to tell.
    pub fn compiled(&self) -> Option<Vec<u8>> {
        self.pipelines.compiled()?.get_data()
    }

    /// A zeroed buffer.
    pub(super) fn buffer(&self, label: &str, size: u64, usage: BufferUsages) -> Result<Buffer> {
        let description = BufferDescriptor { label: Some(label), size, usage, mapped_at_creation: false };
        self.guarded(label, |device| device.create_buffer(&description))
    }

    /// Sends bytes (a multiple of 4) to a buffer, before what is submitted next.
    pub(super) fn write(&self, buffer: &Buffer, offset: u64, bytes: &[u8]) -> Result<()> {
        self.guarded("a write", |_| {
            self.queue.write_buffer(buffer, offset, bytes);
            // Staging memory is given back with the next submission only.
            if bytes.len() >= UPLOAD_BYTES / 2 {
                self.queue.submit([]);
            }
        })
    }

    /// Sends rows of f32 to a buffer from `offset` on, before what is submitted next: each of `rows` is padded with zeros to `stride` bytes. They
    /// are copied once here, into memory that the device reads; the wait for work under way is the device's.
    pub(super) fn write_rows<'a>(
        &self,
        buffer: &Buffer,
        offset: u64,
        stride: usize,
        rows: impl ExactSizeIterator<Item = &'a [f32]>,
    ) -> Result<()> {
        let Some(size) = wgpu::BufferSize::new((rows.len() * stride) as u64) else { return Ok(()) };
        self.guarded("rows of data", |_| {
            // Without memory there is no view, and an error in the scope.
            let Some(mut view) = self.queue.write_buffer_with(buffer, offset, size) else { return };
            for (index, row) in rows.enumerate() {
                let bytes: &[u8] = bytemuck::cast_slice(row);
                let (start, end) = (index * stride, (index + 1) * stride);
                view.slice(start..start + bytes.len()).copy_from_slice(bytes);
                if start + bytes.len() < end {
                    view.slice(start + bytes.len()..end).fill(0);
                }
            }
        })
    }

    /// Submits recorded work.
    pub(super) fn submit(&self, encoder: CommandEncoder) -> Result<SubmissionIndex> {
        self.guarded("a submission", |_| self.queue.submit([encoder.finish()]))
    }

    /// Waits for a submission, or for all.
    pub(super) fn wait(&self, submission_index: Option<SubmissionIndex>) -> Result<()> {
        self.meet("a wait")?;
        self.faultless()?;
        let timeout = if self.info.software { SOFTWARE_WATCHDOG } else { WATCHDOG };
        let polled = match self.silent.swap(false, Ordering::Relaxed) {
            false => self.device.poll(PollType::Wait { submission_index, timeout: Some(timeout) }),
            true => Err(PollError::Timeout),
        };
        self.faultless()?;
        match polled {
            Ok(_) => Ok(()),
            Err(PollError::Timeout) => {
                Err(Error::DeviceLost(format!("{} has not answered for {} s", self.info.name, timeout.as_secs())))
            }
            Err(error) => Err(self.told(Fault::Error(format!("waiting for it failed: {error}")))),
        }
    }

    /// The bytes of a buffer from `offset` on, after everything that was submitted.
    pub(super) fn read(&self, buffer: &Buffer, offset: u64, size: u64) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.look(buffer, offset, size, |mapped: &[u8]| bytes.extend_from_slice(mapped))?;
        Ok(bytes)
    }

    /// Shows `look` the numbers of a buffer from `offset` on, `size` bytes of them, after everything that was submitted: in the memory that
    /// the device has put them into.
    pub(super) fn look<N: bytemuck::AnyBitPattern>(
        &self,
        buffer: &Buffer,
        offset: u64,
        size: u64,
        look: impl FnOnce(&[N]),
    ) -> Result<()> {
        if size == 0 {
            look(&[]);
            return Ok(());
        }
        let staging = self.staging(size)?;
        let mut encoder = self.device.create_command_encoder(&CommandEncoderDescriptor::default());
        encoder.copy_buffer_to_buffer(buffer, offset, &staging, 0, size);
        self.submit(encoder)?;
        self.meet("a read-back")?;
        let (sender, receiver) = mpsc::channel();
        staging.map_async(MapMode::Read, ..size, move |result| {
            // The receiver is gone only when the wait below has failed, which is the error that is told.
            let _ = sender.send(result);
        });
        self.wait(None)?;
        let failed = |why: String| self.told(Fault::Error(format!("it did not give its results back: {why}")));
        receiver.recv().map_err(|error| failed(error.to_string()))?.map_err(|error| failed(error.to_string()))?;
        let range = staging.get_mapped_range(..size).map_err(|error| failed(error.to_string()))?;
        look(bytemuck::cast_slice(&range));
        drop(range);
        staging.unmap();
        if staging.size() <= KEPT_STAGING {
            *self.staging.lock().unwrap_or_else(PoisonError::into_inner) = Some(staging);
        }
        Ok(())
    }

    /// A buffer to read through, of at least so many bytes: the one of the reading before, where it is large enough.
    fn staging(&self, size: u64) -> Result<Buffer> {
        let kept = self.staging.lock().unwrap_or_else(PoisonError::into_inner).take();
        match kept.filter(|kept| kept.size() >= size) {
            Some(kept) => Ok(kept),
            None => self.buffer("read-back", size, BufferUsages::MAP_READ | BufferUsages::COPY_DST),
        }
    }

    /// That nothing went wrong outside of every call of ours.
    fn faultless(&self) -> Result<()> {
        match self.fault()? {
            None => Ok(()),
            Some(fault) => Err(self.told(fault)),
        }
    }

    fn fault(&self) -> Result<Option<Fault>> {
        let unknown = |_| Error::Internal(format!("{}: an error handler failed", self.info.name));
        self.fault.lock().map_err(unknown).map(|fault| fault.clone())
    }

    /// A fault as an error. A device that was lost refuses calls before it says so.
    fn told(&self, fault: Fault) -> Error {
        let _ = self.device.poll(PollType::Wait { submission_index: None, timeout: Some(LAST_WORD) });
        match self.fault() {
            Ok(Some(Fault::Lost(why))) => Error::DeviceLost(format!("{} was lost: {why}", self.info.name)),
            _ => match fault {
                Fault::Lost(why) | Fault::Error(why) => Error::Internal(format!("{}: {why}", self.info.name)),
            },
        }
    }
}
