//! Runs a plan on a GPU: buffers that stay there, pipelines and bind groups made once, many dispatches a submission.

mod compiler;
pub mod device;
mod faults;
pub mod info;
pub(crate) mod looking;
mod memory;
mod pace;
pub mod pipelines;
mod rates;
pub mod settling;
mod timestamps;
pub mod tuning;

use std::ops::Range;
use std::time::Duration;

use wgpu::{Buffer, BufferUsages, CommandEncoder, CommandEncoderDescriptor, ComputePassDescriptor};

use super::Executor;
use crate::data::Matrix;
use crate::error::Result;
use crate::kernels::form::MOST_ITERATIONS;
use crate::kernels::step::StepWords;
use crate::kernels::{Form, Kernel, Shader, Step, stride4};
use crate::plan::{BufferId, Element, Launch, Phase, Plan};
use compiler::{Compiler, Dispatch};
use device::{Device, UPLOAD_BYTES};
use info::GpuInfo;
use memory::{Place, allocate, record_bytes, scratch};
use pace::Pace;
use timestamps::Timestamps;

/// Bytes of step records that are on the device at once.
const STEP_BYTES: u64 = 1 << 20;
/// Submissions that the steps of a run are shared out among at least, and launches that are worth one.
const SHARES: usize = 8;
const LEAST_SHARE: usize = 128;

/// A plan with its buffers on a GPU, in f32.
pub struct Gpu {
    plan: Plan,
    device: Device,
    buffers: Vec<Place>,
    /// The dispatches of each launch.
    training: Vec<Vec<Dispatch>>,
    evaluation: Vec<Vec<Dispatch>>,
    steps: Buffer,
    /// Bytes from one step's records to the next's, for kernels that take one step.
    step_stride: u64,
    pace: Pace,
    /// Times the passes that are recorded, while that is wanted.
    timestamps: Option<Timestamps>,
}

impl Gpu {
    /// Checks the plan against the device, compiles its kernels and allocates its buffers, which wgpu zeroes.
    ///
    /// # Errors
    /// Limit, if the plan does not fit the device; internal, if the driver refuses a kernel.
    pub fn new(plan: Plan, device: Device) -> Result<Self> {
        Self::with_shaders(plan, device, &|kernel, form| kernel.shader(form))
    }

    /// The same with shaders that need not be the kernels' own: those of mutants, which verification has to notice.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_shaders(plan: Plan, device: Device, shader: &dyn Fn(&dyn Kernel, Form) -> Shader) -> Result<Self> {
        plan.check(&device.limits())?;
        let step_stride = record_bytes(&plan).next_multiple_of(u64::from(device.alignment()));
        let (buffers, groups) = allocate(&plan, &device)?;
        let steps = device.buffer("steps", STEP_BYTES.max(step_stride), BufferUsages::STORAGE | BufferUsages::COPY_DST)?;
        let scratch = scratch(&plan, &device)?;
        let compiler =
            Compiler { device: &device, buffers: &buffers, groups: &groups, steps: &steps, scratch: &scratch, shader };
        let target = device.limits().target;
        let launches: Vec<(&Launch, Vec<Form>)> = [Phase::Training, Phase::Evaluation]
            .into_iter()
            .flat_map(|phase| plan.launches(phase).iter().map(move |launch| (phase, launch)))
            .map(|(phase, launch)| (launch, launch.forms(plan.rows(phase), &target).collect()))
            .collect();
        let mut training = compiler.dispatches(&plan, &launches)?;
        let evaluation = training.split_off(plan.training.len());
        let takes_many_steps = plan.training.iter().any(|launch| launch.kernel.takes_many_steps());
        Ok(Self {
            plan,
            device,
            buffers,
            training,
            evaluation,
            steps,
            step_stride,
            pace: Pace::new(takes_many_steps),
            timestamps: None,
        })
    }

    /// Records some steps and throws them away: for measuring what recording takes, without the driver's work on a submission, which
    /// some drivers do in the thread that submits.
    pub fn record_only(&mut self, phase: Phase, steps: &[Step]) {
        let range = 0..self.plan.launches(phase).len();
        drop(self.record(phase, range, steps, 0).finish());
    }

    /// Records and submits some steps, whose records are on the device from `first_record` on, as so many launches.
    fn submit(
        &mut self,
        phase: Phase,
        range: Range<usize>,
        steps: &[Step],
        first_record: usize,
        launches: usize,
    ) -> Result<()> {
        let encoder = self.record(phase, range, steps, first_record);
        self.pace.submitted(self.device.submit(encoder)?, phase, launches);
        Ok(())
    }

    /// Records the launches in `range` of some steps, whose records are on the device from `first_record` on.
    fn record(&mut self, phase: Phase, range: Range<usize>, steps: &[Step], first_record: usize) -> CommandEncoder {
        let (dispatches, launches) = match phase {
            Phase::Training => (&self.training[range.clone()], &self.plan.training[range]),
            Phase::Evaluation => (&self.evaluation[range.clone()], &self.plan.evaluation[range]),
        };
        let mut encoder = self.device.wgpu().create_command_encoder(&CommandEncoderDescriptor::default());
        let timestamp_writes = self.timestamps.as_mut().and_then(Timestamps::next);
        let mut pass = encoder.begin_compute_pass(&ComputePassDescriptor { label: None, timestamp_writes });
        for (index, step) in steps.chunks(self.plan.records).enumerate() {
            let record = (first_record + index) as u64 * self.step_stride;
            for (dispatches, launch) in dispatches.iter().zip(launches).filter(|(_, launch)| launch.is_run_in(&step[0])) {
                for dispatch in dispatches {
                    let [x, y, z] = launch.kernel.grid(step[0].rows, self.plan.replicas, dispatch.form);
                    pass.set_pipeline(&dispatch.pipeline);
                    pass.set_bind_group(0, &dispatch.bindings, &[record as u32]);
                    pass.dispatch_workgroups(x as u32, y as u32, z as u32);
                }
            }
        }
        drop(pass);
        encoder
    }

    /// Bytes of a buffer, when all that was submitted is done.
    fn read_bytes(&mut self, buffer: BufferId, start: u64, count: u64) -> Result<Vec<u8>> {
        let place = &self.buffers[buffer];
        let bytes = self.device.read(&place.memory, place.offset + start, count)?;
        self.pace.idle();
        Ok(bytes)
    }

    /// Writes bytes into a buffer, before what is submitted next.
    fn write_bytes(&self, buffer: BufferId, start: u64, bytes: &[u8]) -> Result<()> {
        let place = &self.buffers[buffer];
        self.device.write(&place.memory, place.offset + start, bytes)
    }

    /// Runs the one kernel that takes many steps: as many a dispatch as its loops, the records' room and the time for a submission
    /// allow.
    fn run_many(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<()> {
        let records = self.plan.records;
        let kernel = &self.plan.launches(phase)[range.start].kernel;
        let form = Form::direct(self.device.limits().target.lanes);
        let iterations = kernel.iterations(self.plan.rows(phase), form).max(1);
        let room = self.steps.size() / record_bytes(&self.plan);
        let possible = (MOST_ITERATIONS / iterations).min(room).max(1) as usize;
        let mut rest = steps;
        while !rest.is_empty() {
            self.pace.wait_for_room(&self.device)?;
            let most = self.pace.launches(phase).min(possible) * records;
            let (now, later) = rest.split_at(most.min(rest.len()));
            let count = now.len() / records;
            let words = |(index, step): (usize, &Step)| StepWords {
                remaining: (count - index / records) as u32,
                ..StepWords::from(step)
            };
            let words: Vec<StepWords> = now.iter().enumerate().map(words).collect();
            self.device.write(&self.steps, 0, bytemuck::cast_slice(&words))?;
            self.submit(phase, range.clone(), &now[..records], 0, count)?;
            rest = later;
        }
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
            self.write_bytes(buffer, offset, bytemuck::cast_slice(&padded))?;
        }
        Ok(())
    }

    fn write_rows(&mut self, buffer: BufferId, source: &Matrix<f32>, rows: &[u32]) -> Result<()> {
        self.pace.interrupted();
        let rows = rows.iter().map(|&row| source.row(row as usize));
        let place = &self.buffers[buffer];
        self.device.write_rows(&place.memory, place.offset, stride4(source.columns) * 16, rows)
    }

    fn write_indices(&mut self, buffer: BufferId, replica: usize, indices: &[u32]) -> Result<()> {
        let shape = &self.plan.buffers[buffer];
        assert_eq!(shape.element, Element::Index, "indices go into a buffer of indices");
        let start = (replica * shape.rows * stride4(shape.columns) * 16) as u64;
        for (piece, indices) in indices.chunks(UPLOAD_BYTES / 4).enumerate() {
            let offset = start + (piece * UPLOAD_BYTES) as u64;
            self.write_bytes(buffer, offset, bytemuck::cast_slice(indices))?;
        }
        Ok(())
    }

    fn read(&mut self, buffer: BufferId, replica: usize, rows: usize) -> Result<Vec<f32>> {
        let shape = &self.plan.buffers[buffer];
        let columns = shape.columns;
        let stride = stride4(columns) * 4;
        let start = (replica * shape.rows * stride * 4) as u64;
        let bytes = self.read_bytes(buffer, start, (rows * stride * 4) as u64)?;
        let padded: Vec<f32> = bytemuck::pod_collect_to_vec(&bytes);
        Ok(padded.chunks(stride).flat_map(|row| &row[..columns]).copied().collect())
    }

    fn read_values(&mut self, buffer: BufferId, replica: usize, count: usize) -> Result<Vec<f32>> {
        let shape = &self.plan.buffers[buffer];
        assert_eq!(shape.rows, 1, "single elements are read from a single row");
        let start = (replica * stride4(shape.columns) * 16) as u64;
        let bytes = self.read_bytes(buffer, start, (count * 4) as u64)?;
        Ok(bytemuck::pod_collect_to_vec(&bytes))
    }

    fn look_at_replicas(&mut self, buffer: BufferId, count: usize, look: &mut dyn FnMut(usize, &[f32])) -> Result<()> {
        let shape = &self.plan.buffers[buffer];
        let (row, columns, copies) = (stride4(shape.columns) * 4, shape.columns, self.plan.copies(buffer));
        let rows = if shape.rows == 1 { 1 } else { count / columns };
        assert!(rows == 1 || rows * columns == count, "of several rows whole ones are read");
        let is_dense = rows == 1 || row == columns;
        let (place, stride) = (&self.buffers[buffer], shape.rows * row);
        let last = if is_dense { count } else { rows * row };
        let bytes = ((copies - 1) * stride + last) * size_of::<f32>();
        self.device.look(&place.memory, place.offset, bytes as u64, |values: &[f32]| {
            let mut dense = Vec::new();
            for (replica, values) in values.chunks(stride).enumerate() {
                if is_dense {
                    look(replica, &values[..count]);
                    continue;
                }
                dense.clear();
                values.chunks(row).take(rows).for_each(|row| dense.extend_from_slice(&row[..columns]));
                look(replica, &dense);
            }
        })?;
        self.pace.idle();
        Ok(())
    }

    fn run_launches(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<()> {
        if let [launch] = &self.plan.launches(phase)[range.clone()]
            && launch.kernel.takes_many_steps()
        {
            return self.run_many(phase, range, steps);
        }
        let replicas = self.plan.records;
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
            let (mut done, count) = (0, steps.len() / replicas);
            let launches_a_step = range.len().max(1);
            // The device begins while the rest is recorded.
            let share = (count / SHARES).max(LEAST_SHARE / launches_a_step).max(1);
            while done < count {
                self.pace.wait_for_room(&self.device)?;
                let most = (self.pace.launches(phase) / launches_a_step).max(1);
                let next = (done + most.min(share)).min(count);
                let launches = (next - done) * range.len();
                self.submit(phase, range.clone(), &steps[done * replicas..next * replicas], done, launches)?;
                done = next;
            }
        }
        Ok(())
    }

    fn run_timed(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<Option<Duration>> {
        self.timestamps = Timestamps::new(&self.device)?;
        let ran = self.run_launches(phase, range, steps).and_then(|()| self.finish());
        let timestamps = self.timestamps.take();
        ran?;
        timestamps.map_or(Ok(None), |timestamps| timestamps.total(&self.device))
    }

    fn gpu(&self) -> Option<&GpuInfo> {
        Some(self.device.info())
    }

    fn finish(&mut self) -> Result<()> {
        self.pace.idle();
        self.device.wait(None)
    }
}
