//! Runs a plan on the CPU: each launch is its kernel's twin, over vectors.

use std::ops::Range;

use rayon::prelude::*;

use super::Executor;
use crate::error::{Error, Result};
use crate::kernels::{Kernel, Step, Twin, View, ViewMut, Workspace};
use crate::plan::{BufferId, Element, Launch, Phase, Plan, human_bytes};
use crate::scalar::Scalar;

/// A plan with its buffers in memory, in f32 or f64.
pub struct Cpu<T> {
    plan: Plan,
    /// The buffers that all replicas read, by their place in the plan; those of each replica are empty here.
    shared: Vec<Storage<T>>,
    replicas: Vec<Replica<T>>,
    threads: usize,
    /// Started with the first work that is worth a second thread.
    pool: Option<rayon::ThreadPool>,
}

/// One replica's buffers, by their place in the plan, shared ones being empty, and its room to compute in.
struct Replica<T> {
    buffers: Vec<Storage<T>>,
    workspace: Workspace<T>,
}

/// One buffer.
enum Storage<T> {
    Real(Vec<T>),
    Index(Vec<u32>),
}

/// The most buffers that a launch reads, and the most that it writes.
const MOST_BUFFERS: usize = 8;
/// Elements of a step's buffers, over all replicas, from which several threads are worth starting.
const WORTH_THREADS: usize = 1 << 14;

/// The number types that kernels have twins in.
pub trait Computed: Scalar {
    /// Runs a kernel's twin of this type.
    fn run(
        kernel: &dyn Kernel,
        step: &Step,
        reads: &[View<'_, Self>],
        writes: &mut [ViewMut<'_, Self>],
        workspace: &mut Workspace<Self>,
    );
}

macro_rules! computed {
    ($type:ident) => {
        impl Computed for $type {
            fn run(
                kernel: &dyn Kernel,
                step: &Step,
                reads: &[View<'_, Self>],
                writes: &mut [ViewMut<'_, Self>],
                workspace: &mut Workspace<Self>,
            ) {
                <dyn Kernel as Twin<$type>>::run(kernel, step, reads, writes, workspace);
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
        let list = |shared: bool| (0..plan.buffers.len()).map(|id| allocate(&plan, id, shared)).collect::<Result<_>>();
        let alone = if plan.replicas > 1 { 1 } else { threads.max(1) };
        let replica = |_| Ok(Replica { buffers: list(false)?, workspace: Workspace::new(alone) });
        let shared = list(true)?;
        let replicas = (0..plan.replicas).map(replica).collect::<Result<_>>()?;
        Ok(Self { plan, shared, replicas, threads, pool: None })
    }

    /// A buffer's memory for a replica.
    fn storage(&mut self, buffer: BufferId, replica: usize) -> &mut Storage<T> {
        if self.plan.buffers[buffer].shared { &mut self.shared[buffer] } else { &mut self.replicas[replica].buffers[buffer] }
    }
}

/// Whether any of the launches has so much to do that waking a second thread pays.
fn worth_threads(plan: &Plan, launches: &[Launch]) -> bool {
    let elements = |launch: &Launch| launch.writes.iter().map(|&id| plan.buffers[id].length()).max().unwrap_or(0);
    launches.iter().map(elements).max().unwrap_or(0) * plan.replicas >= WORTH_THREADS
}

/// Starts threads of our own, so that products share no thread with other work of the process.
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

/// A buffer's memory in the list of shared ones, or in a replica's: nothing in the other list, and none yet for data that will be
/// loaded whole ([`Executor::load`]).
fn allocate<T: Scalar>(plan: &Plan, id: BufferId, shared: bool) -> Result<Storage<T>> {
    let buffer = &plan.buffers[id];
    let length = if buffer.shared || shared { 0 } else { buffer.length() };
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
        let storage = self.storage(buffer, replica).values_mut();
        if storage.is_empty() {
            storage.resize(length, T::ZERO);
        }
        storage[..values.len()].copy_from_slice(values);
        Ok(())
    }

    fn load(&mut self, buffer: BufferId, values: Vec<T>) -> Result<()> {
        assert_eq!(values.len(), self.plan.buffers[buffer].length(), "a buffer is loaded whole");
        *self.storage(buffer, 0).values_mut() = values;
        Ok(())
    }

    fn write_indices(&mut self, buffer: BufferId, replica: usize, indices: &[u32]) -> Result<()> {
        let Storage::Index(storage) = self.storage(buffer, replica) else { panic!("indices go into a buffer of indices") };
        storage[..indices.len()].copy_from_slice(indices);
        Ok(())
    }

    fn read(&mut self, buffer: BufferId, replica: usize, rows: usize) -> Result<Vec<T>> {
        let count = rows * self.plan.buffers[buffer].columns;
        Ok(self.storage(buffer, replica).values_mut()[..count].to_vec())
    }

    fn read_values(&mut self, buffer: BufferId, replica: usize, count: usize) -> Result<Vec<T>> {
        Ok(self.storage(buffer, replica).values_mut()[..count].to_vec())
    }

    fn run_launches(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<()> {
        let Self { plan, shared, replicas, threads, pool } = self;
        let launches = &plan.launches(phase)[range];
        let worth = *threads > 1 && worth_threads(plan, launches);
        if worth && pool.is_none() {
            *pool = Some(start(*threads)?);
        }
        let count = plan.replicas;
        let inside = if worth && count == 1 { *threads } else { 1 };
        replicas.iter_mut().for_each(|replica| replica.workspace.threads = inside);
        // A replica needs nothing of the others: each goes through all of its steps, several at the same time.
        let run = |(index, replica): (usize, &mut Replica<T>)| {
            for step in steps.iter().skip(index).step_by(count) {
                launches.iter().for_each(|launch| run_launch(launch, step, shared, replica));
            }
        };
        match pool.as_ref().filter(|_| worth) {
            Some(pool) if count > 1 => pool.install(|| replicas.par_iter_mut().enumerate().for_each(run)),
            Some(pool) => pool.install(|| replicas.iter_mut().enumerate().for_each(run)),
            None => replicas.iter_mut().enumerate().for_each(run),
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// Runs one launch for a replica.
fn run_launch<T: Computed>(launch: &Launch, step: &Step, shared: &[Storage<T>], replica: &mut Replica<T>) {
    let Replica { buffers, workspace } = replica;
    let mut written: [Vec<T>; MOST_BUFFERS] = std::array::from_fn(|_| Vec::new());
    for (values, &id) in written.iter_mut().zip(&launch.writes) {
        *values = std::mem::take(buffers[id].values_mut());
    }
    let mut reads = [View { values: &[], indices: &[] }; MOST_BUFFERS];
    for (view, &id) in reads.iter_mut().zip(&launch.reads) {
        *view = if shared[id].is_empty() { buffers[id].view() } else { shared[id].view() };
    }
    let mut writes = written.each_mut().map(|values| ViewMut { values });
    let (reads, writes) = (&reads[..launch.reads.len()], &mut writes[..launch.writes.len()]);
    T::run(launch.kernel.as_ref(), step, reads, writes, workspace);
    for (values, &id) in written.iter_mut().zip(&launch.writes) {
        *buffers[id].values_mut() = std::mem::take(values);
    }
}

impl<T> Storage<T> {
    fn values_mut(&mut self) -> &mut Vec<T> {
        match self {
            Self::Real(values) => values,
            Self::Index(_) => panic!("a buffer of indices is not read or written as numbers"),
        }
    }

    fn view(&self) -> View<'_, T> {
        match self {
            Self::Real(values) => View { values, indices: &[] },
            Self::Index(indices) => View { values: &[], indices },
        }
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Real(values) => values.is_empty(),
            Self::Index(indices) => indices.is_empty(),
        }
    }
}
