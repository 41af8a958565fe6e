//! Runs a plan on the CPU: each launch is its kernel's twin, over vectors.

use std::ops::Range;

use super::Executor;
use crate::error::{Error, Result};
use crate::kernels::{Kernel, Operand, OperandMut, Step, Twin, Workspace};
use crate::plan::{Buffer, BufferId, Element, Launch, Phase, Plan, human_bytes};
use crate::scalar::Scalar;

/// A plan with its buffers in memory, in f32 or f64.
pub struct Cpu<T> {
    plan: Plan,
    buffers: Vec<Storage<T>>,
    workspace: Workspace<T>,
    threads: usize,
    /// Started with the first work that is worth a second thread.
    pool: Option<rayon::ThreadPool>,
}

/// Elements of the largest matrix that a phase writes, over all replicas, from which several threads are worth waking.
const WORTH_THREADS: usize = 1 << 14;

/// All replicas of one buffer.
enum Storage<T> {
    Real(Vec<T>),
    Index(Vec<u32>),
}

/// The number types that kernels have twins in.
pub trait Computed: Scalar {
    /// Runs a kernel's twin of this type.
    fn run(
        kernel: &dyn Kernel,
        steps: &[Step],
        replicas: usize,
        reads: &[Operand<'_, Self>],
        writes: &mut [OperandMut<'_, Self>],
        workspace: &mut Workspace<Self>,
    );
}

macro_rules! computed {
    ($type:ident) => {
        impl Computed for $type {
            fn run(
                kernel: &dyn Kernel,
                steps: &[Step],
                replicas: usize,
                reads: &[Operand<'_, Self>],
                writes: &mut [OperandMut<'_, Self>],
                workspace: &mut Workspace<Self>,
            ) {
                <dyn Kernel as Twin<$type>>::run_all(kernel, steps, replicas, reads, writes, workspace);
            }
        }
    };
}
computed!(f32);
computed!(f64);

impl<T: Computed> Cpu<T> {
    /// Allocates the plan's buffers, zeroed.
    ///
    /// # Errors
    /// Limit, if the memory is not there.
    pub fn new(plan: Plan, threads: usize) -> Result<Self> {
        let buffers = (0..plan.buffers.len()).map(|id| allocate(&plan, id)).collect::<Result<_>>()?;
        Ok(Self { plan, buffers, workspace: Workspace::new(threads), threads: threads.max(1), pool: None })
    }
}

/// Whether any of the launches has so much to do that waking a second thread pays. A kernel that takes many steps shares
/// replicas among threads, never a step.
fn worth_threads(plan: &Plan, launches: &[Launch]) -> bool {
    let length = |&id: &BufferId| Some(&plan.buffers[id]).filter(|buffer| buffer.rows > 1).map_or(0, Buffer::length);
    launches.iter().any(|launch| {
        let largest = launch.writes.iter().map(length).max().unwrap_or(0);
        if launch.kernel.takes_many_steps() { plan.replicas > 1 } else { largest * plan.replicas >= WORTH_THREADS }
    })
}

/// Starts threads of our own, so that products share none with other work of the process.
fn start(threads: usize) -> Result<rayon::ThreadPool> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    pool.map_err(|error| Error::Limit(format!("{threads} threads cannot be started: {error}")))
}

/// Asks the system whether it would give the memory that a plan needs in this type, before anything is started.
///
/// # Errors
/// Limit, naming the largest buffer.
pub fn affordable<T: Scalar>(plan: &Plan) -> Result<()> {
    /// Copies of the parameters beside the plan's: first weights, those read back, those to be stored, the file's bytes.
    const COPIES: u128 = 4;
    let bytes = |length: usize| length as u128 * size_of::<T>() as u128;
    let parameters: u128 = plan.parameters.iter().map(|&id| bytes(plan.buffers[id].length())).sum();
    let total = COPIES * parameters + plan.buffers.iter().map(|buffer| bytes(buffer.length())).sum::<u128>();
    let there = memory_there().is_none_or(|there| total <= u128::from(there));
    let given = there && usize::try_from(total).is_ok_and(|total| Vec::<u8>::new().try_reserve_exact(total).is_ok());
    let largest = plan.buffers.iter().max_by_key(|buffer| buffer.length());
    match largest {
        Some(largest) if !given => Err(Error::Limit(format!(
            "there is no memory for the {} that this takes; the largest buffer is '{}' ({} × {}): choose a smaller --hidden or --batch-size",
            human_bytes(u64::try_from(total).unwrap_or(u64::MAX)),
            largest.name,
            largest.rows,
            largest.columns
        ))),
        _ => Ok(()),
    }
}

/// Bytes of memory that the system could give without swapping, where it says so (Linux).
fn memory_there() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok()?.checked_mul(1024)
}

/// A buffer's memory: data that will be loaded whole ([`Executor::load`]) takes none yet.
fn allocate<T: Scalar>(plan: &Plan, id: BufferId) -> Result<Storage<T>> {
    let buffer = &plan.buffers[id];
    let length = if buffer.shared { 0 } else { buffer.length() * plan.replicas };
    let full = |size: usize| {
        let bytes = human_bytes(length as u64 * size as u64);
        Error::Limit(format!(
            "there is no memory for '{}' ({bytes}): choose a smaller --batch-size or --hidden",
            buffer.name
        ))
    };
    Ok(match buffer.element {
        Element::Real => {
            let mut values = Vec::new();
            values.try_reserve_exact(length).map_err(|_| full(size_of::<T>()))?;
            values.resize(length, T::ZERO);
            Storage::Real(values)
        }
        Element::Index => {
            let mut indices = Vec::new();
            indices.try_reserve_exact(length).map_err(|_| full(4))?;
            indices.resize(length, 0);
            Storage::Index(indices)
        }
    })
}

impl<T: Computed> Executor<T> for Cpu<T> {
    fn plan(&self) -> &Plan {
        &self.plan
    }

    fn write(&mut self, buffer: BufferId, replica: usize, values: &[T]) -> Result<()> {
        let length = self.plan.buffers[buffer].length();
        let storage = self.buffers[buffer].values_mut();
        if storage.is_empty() {
            storage.resize(length, T::ZERO);
        }
        storage[replica * length..][..values.len()].copy_from_slice(values);
        Ok(())
    }

    fn load(&mut self, buffer: BufferId, values: Vec<T>) -> Result<()> {
        assert_eq!(values.len(), self.plan.buffers[buffer].length(), "a buffer is loaded whole");
        *self.buffers[buffer].values_mut() = values;
        Ok(())
    }

    fn write_indices(&mut self, buffer: BufferId, replica: usize, indices: &[u32]) -> Result<()> {
        let length = self.plan.buffers[buffer].length();
        let Storage::Index(storage) = &mut self.buffers[buffer] else { panic!("indices go into a buffer of indices") };
        storage[replica * length..][..indices.len()].copy_from_slice(indices);
        Ok(())
    }

    fn read(&mut self, buffer: BufferId, replica: usize, rows: usize) -> Result<Vec<T>> {
        let shape = &self.plan.buffers[buffer];
        let first = replica * shape.length();
        Ok(self.buffers[buffer].values_mut()[first..first + rows * shape.columns].to_vec())
    }

    fn read_values(&mut self, buffer: BufferId, replica: usize, count: usize) -> Result<Vec<T>> {
        let first = replica * self.plan.buffers[buffer].length();
        Ok(self.buffers[buffer].values_mut()[first..first + count].to_vec())
    }

    fn read_replicas(&mut self, buffer: BufferId, count: usize) -> Result<Vec<T>> {
        let length = self.plan.buffers[buffer].length();
        Ok(self.buffers[buffer].values_mut().chunks(length).flat_map(|values| &values[..count]).copied().collect())
    }

    fn run_launches(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<()> {
        let Self { plan, buffers, workspace, threads, pool } = self;
        let launches = &plan.launches(phase)[range];
        let worth = *threads > 1 && worth_threads(plan, launches);
        if worth && pool.is_none() {
            *pool = Some(start(*threads)?);
        }
        workspace.threads = if worth { *threads } else { 1 };
        let mut run = || match launches {
            [launch] if launch.kernel.takes_many_steps() => run_launch(plan, launch, steps, buffers, workspace),
            _ => {
                for step in steps.chunks(plan.records) {
                    for launch in launches {
                        run_launch(plan, launch, step, buffers, workspace);
                    }
                }
            }
        };
        match pool.as_ref().filter(|_| worth) {
            Some(pool) => pool.install(run),
            None => run(),
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Runs one launch for every replica: one step, or as many as its kernel takes.
fn run_launch<T: Computed>(
    plan: &Plan,
    launch: &Launch,
    steps: &[Step],
    buffers: &mut [Storage<T>],
    workspace: &mut Workspace<T>,
) {
    let mut written: Vec<Vec<T>> = launch.writes.iter().map(|&id| std::mem::take(buffers[id].values_mut())).collect();
    let length = |id: BufferId| if plan.buffers[id].shared { 0 } else { plan.buffers[id].length() };
    let reads: Vec<Operand<'_, T>> = launch.reads.iter().map(|&id| buffers[id].operand(length(id))).collect();
    let mut writes: Vec<OperandMut<'_, T>> =
        launch.writes.iter().zip(&mut written).map(|(&id, values)| OperandMut { length: length(id), values }).collect();
    T::run(launch.kernel.as_ref(), steps, plan.replicas, &reads, &mut writes, workspace);
    drop(writes);
    for (&id, values) in launch.writes.iter().zip(written) {
        *buffers[id].values_mut() = values;
    }
}

impl<T> Storage<T> {
    fn values_mut(&mut self) -> &mut Vec<T> {
        match self {
            Self::Real(values) => values,
            Self::Index(_) => panic!("a buffer of indices is not read or written as numbers"),
        }
    }

    /// All of it; `length` elements a replica, or 0 where it is shared.
    fn operand(&self, length: usize) -> Operand<'_, T> {
        match self {
            Self::Real(values) => Operand { values, indices: &[], length },
            Self::Index(indices) => Operand { values: &[], indices, length },
        }
    }
}
