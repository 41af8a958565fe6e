//! What runs a plan: the CPU and the GPU. They know kernels only through their traits.

pub mod cpu;
pub mod gpu;

use std::ops::Range;
use std::time::Duration;

use crate::data::Matrix;
use crate::error::Result;
use crate::executor::gpu::info::GpuInfo;
use crate::kernels::Step;
use crate::plan::{BufferId, Phase, Plan};

/// Runs the kernels of one plan over buffers of its own. `T` is the type of the numbers that go in and come out.
pub trait Executor<T> {
    /// The plan that it runs.
    fn plan(&self) -> &Plan;

    /// The GPU that it computes on; none: the CPU.
    fn gpu(&self) -> Option<&GpuInfo> {
        None
    }

    /// Takes `values`, whole rows without padding, as the first rows of a replica's buffer.
    ///
    /// # Errors
    /// Limit or internal, from the device.
    fn write(&mut self, buffer: BufferId, replica: usize, values: &[T]) -> Result<()>;

    /// Takes `values` as all rows of a shared buffer, without a copy where that can be.
    ///
    /// # Errors
    /// Limit or internal, from the device.
    fn load(&mut self, buffer: BufferId, values: Vec<T>) -> Result<()> {
        self.write(buffer, 0, &values)
    }

    /// Takes the rows `rows` of `source` as the first rows of a shared buffer, while what was run before may still be under way.
    ///
    /// # Errors
    /// Limit or internal, from the device.
    fn write_rows(&mut self, buffer: BufferId, source: &Matrix<T>, rows: &[u32]) -> Result<()>;

    /// Takes `indices` as the first elements of a replica's buffer of indices.
    ///
    /// # Errors
    /// Limit or internal, from the device.
    fn write_indices(&mut self, buffer: BufferId, replica: usize, indices: &[u32]) -> Result<()>;

    /// The first `rows` rows of a replica's buffer, without padding, after everything that was run.
    ///
    /// # Errors
    /// Internal, from the device.
    fn read(&mut self, buffer: BufferId, replica: usize, rows: usize) -> Result<Vec<T>>;

    /// The first `count` elements of a replica's buffer that has a single row.
    ///
    /// # Errors
    /// Internal, from the device.
    fn read_values(&mut self, buffer: BufferId, replica: usize, count: usize) -> Result<Vec<T>>;

    /// Shows `look` the number of each replica and the first `count` elements of its buffer, whole rows or a part of the only one: where
    /// they lie, without a copy of them, unless padding between rows has to be taken out.
    ///
    /// # Errors
    /// Internal, from the device.
    fn look_at_replicas(&mut self, buffer: BufferId, count: usize, look: &mut dyn FnMut(usize, &[T])) -> Result<()>;

    /// Runs the launches in `range` of a phase, step after step. `steps` holds as many records a step as the plan has
    /// ([`Plan::records`]), one for all replicas or one a replica, then the next step's; those of a step have equal rows.
    ///
    /// # Errors
    /// Limit or internal, from the device.
    fn run_launches(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<()>;

    /// Runs all launches of a phase, step after step.
    ///
    /// # Errors
    /// Limit or internal, from the device.
    fn run(&mut self, phase: Phase, steps: &[Step]) -> Result<()> {
        let launches = 0..self.plan().launches(phase).len();
        self.run_launches(phase, launches, steps)
    }

    /// Runs the launches as [`run_launches`](Self::run_launches), waits for them, and gives the time that they took by the
    /// device's own clock: without what happens on the host. None where there is no such clock.
    ///
    /// # Errors
    /// As [`run_launches`](Self::run_launches).
    fn run_timed(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<Option<Duration>> {
        self.run_launches(phase, range, steps)?;
        self.finish()?;
        Ok(None)
    }

    /// Waits until everything that was run is done.
    ///
    /// # Errors
    /// Internal, from the device.
    fn finish(&mut self) -> Result<()>;
}
