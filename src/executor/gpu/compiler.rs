//! Dispatches from launches: the shader compiled, its parameters written, its buffers bound.

use wgpu::{
    BindGroup, BindGroupDescriptor, BindGroupEntry, BindGroupLayoutDescriptor, BindGroupLayoutEntry, BindingResource,
    BindingType, Buffer, BufferBinding, BufferBindingType, BufferUsages, ComputePipeline, ComputePipelineDescriptor,
    PipelineCache, PipelineLayoutDescriptor, ShaderModuleDescriptor, ShaderRuntimeChecks, ShaderSource, ShaderStages,
};

use super::device::Device;
use super::memory::{Place, record_bytes};
use crate::error::Result;
use crate::kernels::{Form, Kernel, Shader};
use crate::plan::{Bindable, Launch, Plan};

/// A launch or one pass of it, ready to be recorded.
pub(super) struct Dispatch {
    pub(super) form: Form,
    pub(super) pipeline: ComputePipeline,
    pub(super) bindings: BindGroup,
}

/// Makes dispatches from launches.
pub(super) struct Compiler<'a> {
    pub(super) device: &'a Device,
    /// The plan's buffers, and the memory of its groups of them.
    pub(super) buffers: &'a [Place],
    pub(super) groups: &'a [Buffer],
    pub(super) steps: &'a Buffer,
    /// Room for scales and for partial sums, where some launch has them.
    pub(super) scratch: &'a [Option<Buffer>; 2],
    /// What gives a kernel's shader.
    pub(super) shader: &'a dyn Fn(&dyn Kernel, Form) -> Shader,
}

impl Compiler<'_> {
    /// The dispatches of some launches, whose kernels are compiled side by side first.
    ///
    /// # Errors
    /// Limit, if the device has no room for the parameters; internal, if the driver refuses a kernel: the first of them.
    pub(super) fn dispatches(&self, plan: &Plan, launches: &[(&Launch, Vec<Form>)]) -> Result<Vec<Vec<Dispatch>>> {
        let sources: Vec<Vec<Source>> = launches
            .iter()
            .map(|(launch, forms)| forms.iter().map(|&form| self.source(plan, launch, form)).collect())
            .collect();
        self.device.compile(sources.iter().flatten(), |source| &source.shader, compile)?;
        let of_launch = |((launch, forms), sources): (&(&Launch, Vec<Form>), &Vec<Source>)| {
            let of_form = |(&form, source): (&Form, &Source)| self.dispatch(plan, launch, form, &source.shader);
            forms.iter().zip(sources).map(of_form).collect()
        };
        launches.iter().zip(&sources).map(of_launch).collect()
    }

    /// What is compiled for a launch in one of its forms.
    fn source(&self, plan: &Plan, launch: &Launch, form: Form) -> Source {
        let bindings = plan.bindings(launch);
        let writes = bindings.iter().map(|bound| bound.writes).chain(self.scratch(form).map(|_| true));
        Source { shader: (self.shader)(launch.kernel.as_ref(), form), entries: layout_entries(writes) }
    }

    /// What a form binds after the launch's own buffers.
    fn scratch(&self, form: Form) -> impl Iterator<Item = &Buffer> {
        let wanted = form.scratch();
        self.scratch.iter().zip(wanted).filter_map(|(buffer, wanted)| buffer.as_ref().filter(|_| wanted))
    }

    fn dispatch(&self, plan: &Plan, launch: &Launch, form: Form, shader: &Shader) -> Result<Dispatch> {
        let bindings = plan.bindings(launch);
        let pipeline = self.device.pipeline(shader)?;
        let words = launch.kernel.parameters(form);
        let usage = BufferUsages::STORAGE | BufferUsages::COPY_DST;
        let parameters = self.device.buffer(&launch.label, (words.len() * 4) as u64, usage)?;
        self.device.write(&parameters, 0, bytemuck::cast_slice(&words))?;
        let record = wgpu::BufferSize::new(record_bytes(plan));
        let record = if launch.kernel.takes_many_steps() { None } else { record };
        let bound = bindings.into_iter().map(|bound| match bound.operand {
            Bindable::Buffer(id) => self.buffers[id].binding(),
            Bindable::Group(group) => self.groups[group].as_entire_binding(),
        });
        let operands = bound.chain(self.scratch(form).map(Buffer::as_entire_binding));
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
}

/// A composed shader and what its bindings are.
struct Source {
    shader: Shader,
    entries: Vec<BindGroupLayoutEntry>,
}

/// Compiles a shader; the driver looks into `cache` first, and adds to it.
fn compile(source: &Source, device: &wgpu::Device, cache: Option<&PipelineCache>) -> ComputePipeline {
    let Source { shader, entries } = source;
    let label = Some(shader.name.as_str());
    let description = ShaderModuleDescriptor { label, source: ShaderSource::Wgsl(shader.source.as_str().into()) };
    #[expect(unsafe_code, reason = "without wgpu's runtime checks drivers unroll the loops of the products")]
    // SAFETY: naga validates the module; every kernel keeps its indices inside its buffers, whose sizes the plan gives,
    // and its loops run to bounds from the same sizes.
    let module = unsafe { device.create_shader_module_trusted(description, ShaderRuntimeChecks::unchecked()) };
    let group = device.create_bind_group_layout(&BindGroupLayoutDescriptor { label, entries });
    let groups = [Some(&group)];
    let layout =
        device.create_pipeline_layout(&PipelineLayoutDescriptor { label, bind_group_layouts: &groups, immediate_size: 0 });
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
        cache,
    })
}

/// The bindings that every kernel has: parameters, step, reads, writes.
fn layout_entries(writes: impl Iterator<Item = bool>) -> Vec<BindGroupLayoutEntry> {
    let storage = |read_only| BufferBindingType::Storage { read_only };
    let parameters = (storage(true), false);
    let step = (storage(true), true);
    let operands = writes.map(|writes| (storage(!writes), false));
    [parameters, step]
        .into_iter()
        .chain(operands)
        .enumerate()
        .map(|(binding, (ty, has_dynamic_offset))| BindGroupLayoutEntry {
            binding: binding as u32,
            visibility: ShaderStages::COMPUTE,
            ty: BindingType::Buffer { ty, has_dynamic_offset, min_binding_size: None },
            count: None,
        })
        .collect()
}
