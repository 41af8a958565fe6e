//! Runs a plan on a GPU: buffers that stay there, pipelines and bind groups made once, many dispatches a submission.

pub mod device;
pub mod tuning;

use std::collections::VecDeque;
use std::ops::Range;

use wgpu::{
    BindGroup, BindGroupDescriptor, BindGroupEntry, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingResource,
    BindingType, Buffer, BufferBinding, BufferBindingType, BufferUsages, CommandEncoderDescriptor, ComputePassDescriptor,
    ComputePipeline, ComputePipelineDescriptor, PipelineLayoutDescriptor, ShaderModuleDescriptor, ShaderRuntimeChecks,
    ShaderSource, ShaderStages, SubmissionIndex,
};

use super::Executor;
use crate::error::Result;
use crate::kernels::step::StepWords;
use crate::kernels::{Form, Shader, Step, stride4};
use crate::plan::{BufferId, Element, Launch, Phase, Plan};
use device::Device;

/// Bytes that go to the device in one piece.
const UPLOAD_BYTES: usize = 16 << 20;
/// Bytes of step records that are on the device at once.
const STEP_BYTES: u64 = 1 << 20;
/// Steps recorded into one submission.
const SUBMISSION_STEPS: usize = 32;
/// Submissions that may be under way while the next is recorded.
const IN_FLIGHT: usize = 2;

/// A plan with its buffers on a GPU, in f32.
pub struct Gpu {
    plan: Plan,
    device: Device,
    buffers: Vec<Buffer>,
    /// The dispatches of each launch.
    training: Vec<Vec<Dispatch>>,
    evaluation: Vec<Vec<Dispatch>>,
    steps: Buffer,
    /// Bytes from one step's records to the next's.
    step_stride: u64,
    in_flight: VecDeque<SubmissionIndex>,
}

/// A launch or one pass of it, ready to be recorded.
struct Dispatch {
    form: Form,
    pipeline: ComputePipeline,
    bindings: BindGroup,
}

impl Gpu {
    /// Checks the plan against the device, compiles its kernels and allocates its buffers, which wgpu zeroes.
    ///
    /// # Errors
    /// Limit, if the plan does not fit the device; internal, if the driver refuses a kernel.
    pub fn new(plan: Plan, device: Device) -> Result<Self> {
        plan.check(&device.limits())?;
        let alignment = u64::from(device.alignment());
        let step_stride = (size_of::<StepWords>() as u64 * plan.replicas as u64).next_multiple_of(alignment);
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_SRC | BufferUsages::COPY_DST;
        let buffers = plan
            .buffers
            .iter()
            .map(|buffer| device.buffer(&buffer.name, buffer.padded_bytes(plan.replicas).max(16), usage))
            .collect::<Result<Vec<_>>>()?;
        let steps = device.buffer("steps", STEP_BYTES.max(step_stride), BufferUsages::STORAGE | BufferUsages::COPY_DST)?;
        let (mut training, mut evaluation) = (Vec::new(), Vec::new());
        let partial_sums = partial_sums(&plan, &device)?;
        let compiler = Compiler { device: &device, buffers: &buffers, steps: &steps, partial_sums: partial_sums.as_ref() };
        for (phase, dispatches) in [(Phase::Training, &mut training), (Phase::Evaluation, &mut evaluation)] {
            for launch in plan.launches(phase) {
                let forms = launch.forms(plan.rows(phase), &device.limits().target);
                dispatches.push(forms.map(|form| compiler.dispatch(&plan, launch, form)).collect::<Result<_>>()?);
            }
        }
        Ok(Self { plan, device, buffers, training, evaluation, steps, step_stride, in_flight: VecDeque::new() })
    }

    /// Records and submits some steps, whose records are on the device from `first_record` on.
    fn submit(&mut self, phase: Phase, range: Range<usize>, steps: &[Step], first_record: usize) -> Result<()> {
        let (dispatches, launches) = match phase {
            Phase::Training => (&self.training[range.clone()], &self.plan.training[range]),
            Phase::Evaluation => (&self.evaluation[range.clone()], &self.plan.evaluation[range]),
        };
        let mut encoder = self.device.wgpu().create_command_encoder(&CommandEncoderDescriptor::default());
        let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor::default());
        for (index, step) in steps.chunks(self.plan.replicas).enumerate() {
            let record = (first_record + index) as u64 * self.step_stride;
            for (dispatches, launch) in dispatches.iter().zip(launches) {
                for dispatch in dispatches {
                    let [x, y] = launch.kernel.workgroups(step[0].rows, dispatch.form);
                    pass.set_pipeline(&dispatch.pipeline);
                    pass.set_bind_group(0, &dispatch.bindings, &[record as u32]);
                    pass.dispatch_workgroups(x as u32, y as u32, dispatch.form.depth(self.plan.replicas) as u32);
                }
            }
        }
        drop(pass);
        self.in_flight.push_back(self.device.submit(encoder)?);
        Ok(())
    }
}

impl Executor<f32> for Gpu {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn write(&mut self, buffer: BufferId, replica: usize, values: &[f32]) -> Result<()> {
        let shape = &self.plan.buffers[buffer];
        if values.is_empty() {
            return Ok(());
        }
        let stride = stride4(shape.columns) * 4;
        let start = (replica * shape.rows * stride * 4) as u64;
        let rows_a_piece = (UPLOAD_BYTES / (stride * 4)).max(1);
        let mut padded = Vec::new();
        for (piece, values) in values.chunks(rows_a_piece * shape.columns).enumerate() {
            padded.clear();
            for row in values.chunks(shape.columns) {
                padded.extend_from_slice(row);
                padded.resize(padded.len().next_multiple_of(stride), 0.0);
            }
            let offset = start + (piece * rows_a_piece * stride * 4) as u64;
            self.device.write(&self.buffers[buffer], offset, bytemuck::cast_slice(&padded))?;
        }
        Ok(())
    }

    fn write_indices(&mut self, buffer: BufferId, replica: usize, indices: &[u32]) -> Result<()> {
        let shape = &self.plan.buffers[buffer];
        assert_eq!(shape.element, Element::Index, "indices go into a buffer of indices");
        let start = (replica * shape.rows * stride4(shape.columns) * 16) as u64;
        for (piece, indices) in indices.chunks(UPLOAD_BYTES / 4).enumerate() {
            let offset = start + (piece * UPLOAD_BYTES) as u64;
            self.device.write(&self.buffers[buffer], offset, bytemuck::cast_slice(indices))?;
        }
        Ok(())
    }

    fn read(&mut self, buffer: BufferId, replica: usize, rows: usize) -> Result<Vec<f32>> {
        let shape = &self.plan.buffers[buffer];
        let stride = stride4(shape.columns) * 4;
        let start = (replica * shape.rows * stride * 4) as u64;
        let bytes = self.device.read(&self.buffers[buffer], start, (rows * stride * 4) as u64)?;
        self.in_flight.clear();
        let padded: Vec<f32> = bytemuck::pod_collect_to_vec(&bytes);
        Ok(padded.chunks(stride).flat_map(|row| &row[..shape.columns]).copied().collect())
    }

    fn read_values(&mut self, buffer: BufferId, replica: usize, count: usize) -> Result<Vec<f32>> {
        let shape = &self.plan.buffers[buffer];
        assert_eq!(shape.rows, 1, "single elements are read from a single row");
        let start = (replica * stride4(shape.columns) * 16) as u64;
        let bytes = self.device.read(&self.buffers[buffer], start, (count * 4) as u64)?;
        self.in_flight.clear();
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }

    fn run_launches(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<()> {
        let replicas = self.plan.replicas;
        let records = ((self.steps.size() / self.step_stride) as usize).max(1);
        for steps in steps.chunks(records * replicas) {
            let mut bytes = Vec::with_capacity(steps.len() / replicas * self.step_stride as usize);
            for step in steps.chunks(replicas) {
                for step in step {
                    bytes.extend_from_slice(bytemuck::bytes_of(&StepWords::from(step)));
                }
                bytes.resize(bytes.len().next_multiple_of(self.step_stride as usize), 0);
            }
            self.device.write(&self.steps, 0, &bytes)?;
            for (piece, steps) in steps.chunks(SUBMISSION_STEPS * replicas).enumerate() {
                while self.in_flight.len() >= IN_FLIGHT {
                    let oldest = self.in_flight.pop_front();
                    self.device.wait(oldest)?;
                }
                self.submit(phase, range.clone(), steps, piece * SUBMISSION_STEPS)?;
            }
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        self.in_flight.clear();
        self.device.wait(None)
    }
}

/// Room for the partial sums of any launch, if one splits its sums.
fn partial_sums(plan: &Plan, device: &Device) -> Result<Option<Buffer>> {
    let target = device.limits().target;
    let of = |phase| plan.launches(phase).iter().map(move |launch| (launch, plan.rows(phase)));
    let bytes = of(Phase::Training)
        .chain(of(Phase::Evaluation))
        .map(|(launch, rows)| launch.partial_bytes(rows, plan.replicas, &target))
        .max()
        .unwrap_or(0);
    (bytes > 0).then(|| device.buffer("partial sums", bytes, BufferUsages::STORAGE)).transpose()
}

/// Makes dispatches from launches.
struct Compiler<'a> {
    device: &'a Device,
    /// The plan's buffers.
    buffers: &'a [Buffer],
    steps: &'a Buffer,
    partial_sums: Option<&'a Buffer>,
}

impl Compiler<'_> {
    fn dispatch(&self, plan: &Plan, launch: &Launch, form: Form) -> Result<Dispatch> {
        let shader = launch.kernel.shader(form);
        let partial_sums = self.partial_sums.filter(|_| form.parts() > 1);
        let writes = launch.writes.len() + usize::from(partial_sums.is_some());
        let pipeline = self.device.pipeline(&shader, || self.compile(&shader, launch.reads.len(), writes))?;
        let words = launch.kernel.parameters(form);
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_DST;
        let parameters = self.device.buffer(&launch.label, (words.len() * 4) as u64, usage)?;
        self.device.write(&parameters, 0, bytemuck::cast_slice(&words))?;
        let record = wgpu::BufferSize::new(size_of::<StepWords>() as u64 * plan.replicas as u64);
        let operands = launch.reads.iter().chain(&launch.writes).map(|&id| &self.buffers[id]).chain(partial_sums);
        let operands = operands.map(Buffer::as_entire_binding);
        let step = BindingResource::Buffer(BufferBinding { buffer: self.steps, offset: 0, size: record });
        let entries: Vec<_> = [parameters.as_entire_binding(), step]
            .into_iter()
            .chain(operands)
            .enumerate()
            .map(|(binding, resource)| BindGroupEntry { binding: binding as u32, resource })
            .collect();
        let layout = pipeline.get_bind_group_layout(0);
        let bindings = self.device.guarded(&launch.label, |device| {
            device.create_bind_group(&BindGroupDescriptor { label: Some(&launch.label), layout: &layout, entries: &entries })
        })?;
        Ok(Dispatch { form, pipeline, bindings })
    }

    fn compile(&self, shader: &Shader, reads: usize, writes: usize) -> Result<ComputePipeline> {
        let label = Some(shader.name.as_str());
        self.device.guarded(&shader.name, |device| {
            let description = ShaderModuleDescriptor { label, source: ShaderSource::Wgsl(shader.source.as_str().into()) };
            #[expect(unsafe_code, reason = "without wgpu's runtime checks drivers unroll the loops of the products")]
            // SAFETY: naga validates the module; every kernel keeps its indices inside its buffers, whose sizes the plan gives,
            // and its loops run to bounds from the same sizes.
            let module = unsafe { device.create_shader_module_trusted(description, ShaderRuntimeChecks::unchecked()) };
            let entries = layout_entries(reads, writes);
            let group = device.create_bind_group_layout(&BindGroupLayoutDescriptor { label, entries: &entries });
            let groups = [Some(&group)];
            let layout = device.create_pipeline_layout(&PipelineLayoutDescriptor {
                label,
                bind_group_layouts: &groups,
                immediate_size: 0,
            });
            device.create_compute_pipeline(&ComputePipelineDescriptor {
                label,
                layout: Some(&layout),
                module: &module,
                entry_point: Some("main"),
                // Every tile is written before it is read.
                compilation_options: wgpu::PipelineCompilationOptions {
                    zero_initialize_workgroup_memory: false,
                    ..Default::default()
                },
                cache: None,
            })
        })
    }
}

/// The bindings that every kernel has: parameters, step, reads, writes.
fn layout_entries(reads: usize, writes: usize) -> Vec<BindGroupLayoutEntry> {
    let storage = |read_only| BufferBindingType::Storage { read_only };
    let parameters = (storage(true), false);
    let step = (storage(true), true);
    let reads = std::iter::repeat_n((storage(true), false), reads);
    let writes = std::iter::repeat_n((storage(false), false), writes);
    [parameters, step]
        .into_iter()
        .chain(reads)
        .chain(writes)
        .enumerate()
        .map(|(binding, (ty, has_dynamic_offset))| BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: ShaderStages::COMPUTE,
            ty: BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None },
            count: None,
        })
        .collect()
}
