//! Runs a plan on the CPU: each launch is its kernel's twin, over vectors.

use std::ops::Range;

use rayon::prelude::*;

use super::Executor;
use crate::data::Matrix;
use crate::error::{Error, Result};
use crate::kernels::operands::Access;
use crate::kernels::tiling::Tiling;
use crate::kernels::{Computation, Replicas, ReplicasMut, Step, Twin, View, ViewMut, Workspace};
use crate::memory;
use crate::plan::{Buffer, BufferId, Element, Launch, Phase, Plan, human_bytes};
use crate::scalar::Scalar;
use crate::threads::is_in_pool_of;

/// A plan with its buffers in memory, in f32 or f64.
pub struct Cpu<T> {
    plan: Plan,
    buffers: Vec<Storage<T>>,
    /// Room to compute in: one for each replica.
    workspaces: Vec<Workspace<T>>,
    threads: usize,
    /// Started with the first work that is worth a second thread, where the process has no such pool.
    pool: Option<rayon::ThreadPool>,
}

/// All replicas of one buffer.
enum Storage<T> {
    Real(Vec<T>),
    Index(Vec<u32>),
}

/// What one replica has of a buffer.
enum Part<'a, T> {
    /// Shared with the others, or indices.
    Read(View<'a, T>),
    Own(&'a mut [T]),
}

/// The most buffers that a launch of one step reads, and the most that it writes.
const MOST_BUFFERS: usize = 8;
/// Elements of a step's buffers, over all replicas, from which several threads are worth starting.
const WORTH_THREADS: usize = 1 << 14;

/// The number types that kernels have twins in.
pub trait Computed: Scalar {
    /// Runs a kernel's twin of this type for one replica and step.
    fn run(
        kernel: &dyn Computation,
        step: &Step,
        reads: &[View<'_, Self>],
        writes: &mut [ViewMut<'_, Self>],
        workspace: &mut Workspace<Self>,
    );

    /// The same for all replicas and many steps.
    fn run_all(
        kernel: &dyn Computation,
        steps: &[Step],
        replicas: usize,
        reads: &[Replicas<'_, Self>],
        writes: &mut [ReplicasMut<'_, Self>],
        workspace: &mut Workspace<Self>,
    );
}

macro_rules! computed {
    ($type:ident) => {
        impl Computed for $type {
            fn run(
                kernel: &dyn Computation,
                step: &Step,
                reads: &[View<'_, Self>],
                writes: &mut [ViewMut<'_, Self>],
                workspace: &mut Workspace<Self>,
            ) {
                <dyn Computation as Twin<$type>>::run(kernel, step, reads, writes, workspace);
            }

            fn run_all(
                kernel: &dyn Computation,
                steps: &[Step],
                replicas: usize,
                reads: &[Replicas<'_, Self>],
                writes: &mut [ReplicasMut<'_, Self>],
                workspace: &mut Workspace<Self>,
            ) {
                <dyn Computation as Twin<$type>>::run_all(kernel, steps, replicas, reads, writes, workspace);
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
        let threads = threads.max(1);
        let alone = if plan.replicas > 1 { 1 } else { threads };
        let workspaces = (0..plan.replicas).map(|_| Workspace::new(alone)).collect();
        Ok(Self { plan, buffers, workspaces, threads, pool: None })
    }

    /// The elements of a buffer of real numbers, all replicas' one after the other, as they lie.
    pub(crate) fn values_mut(&mut self, buffer: BufferId) -> &mut [T] {
        self.buffers[buffer].values_mut()
    }
}

/// Whether any of the launches has so much to do that waking a second thread pays. A kernel that takes many steps shares
/// replicas among threads, never a step.
fn worth_threads(plan: &Plan, launches: &[Launch]) -> bool {
    let length = |&id: &BufferId| Some(&plan.buffers[id]).filter(|buffer| buffer.rows > 1).map_or(0, Buffer::length);
    let rows = plan.batch.max(plan.evaluation_rows);
    launches.iter().any(|launch| {
        if launch.kernel.takes_many_steps() {
            return plan.replicas > 1;
        }
        let largest = launch.writes.iter().map(length).max().unwrap_or(0);
        launch.kernel.product(rows).is_some_and(Tiling::is_shared) || largest * plan.replicas >= WORTH_THREADS
    })
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
    /// Copies of the parameters beside the plan's: first weights, the best and those read back, in memory and to be stored, and the bytes
    /// of a file that holds both.
    const COPIES: u128 = 9;
    /// What products take on the way, on all threads.
    const SCRATCH: u128 = 8 << 20;
    /// Copies of the optimizer's states: those read back, the bytes of a checkpoint.
    const STATES: u128 = 3;
    let bytes = |id: BufferId| {
        let element = match plan.buffers[id].element {
            Element::Real => size_of::<T>(),
            Element::Index => size_of::<u32>(),
        };
        plan.copies(id) as u128 * plan.buffers[id].length() as u128 * element as u128
    };
    let parameters: u128 = plan.parameters.iter().map(|&id| bytes(id)).sum();
    let states: u128 = plan.states.iter().flatten().map(|&id| bytes(id)).sum();
    let total = SCRATCH + COPIES * parameters + STATES * states + (0..plan.buffers.len()).map(bytes).sum::<u128>();
    let given = memory::is_there(total);
    let largest = (0..plan.buffers.len()).max_by_key(|&id| bytes(id)).map(|id| &plan.buffers[id]);
    match largest {
        Some(largest) if !given => Err(Error::Limit(format!(
            "there is no memory for the {} that this takes; the largest buffer is '{}' ({} × {}): {}",
            human_bytes(u64::try_from(total).unwrap_or(u64::MAX)),
            largest.name,
            largest.rows,
            largest.columns,
            plan.take_less()
        ))),
        _ => Ok(()),
    }
}

/// A buffer's memory: training data, which will be loaded whole ([`Executor::load`]), takes none yet.
fn allocate<T: Scalar>(plan: &Plan, id: BufferId) -> Result<Storage<T>> {
    let buffer = &plan.buffers[id];
    let is_loaded = buffer.shared && plan.data().any(|data| data == id);
    let length = if is_loaded { 0 } else { buffer.length() * plan.copies(id) };
    let full = |size: usize| {
        let bytes = human_bytes(length as u64 * size as u64);
        Error::Limit(format!("there is no memory for '{}' ({bytes}): take smaller batches or hidden layers", buffer.name))
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

    fn write_rows(&mut self, buffer: BufferId, source: &Matrix<T>, rows: &[u32]) -> Result<()> {
        let length = self.plan.buffers[buffer].length();
        let storage = self.buffers[buffer].values_mut();
        storage.resize(length, T::ZERO);
        for (to, &row) in storage.chunks_mut(source.columns).zip(rows) {
            to.copy_from_slice(source.row(row as usize));
        }
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

    fn look_at_replicas(&mut self, buffer: BufferId, count: usize, look: &mut dyn FnMut(usize, &[T])) -> Result<()> {
        let length = self.plan.buffers[buffer].length();
        let replicas = self.buffers[buffer].values_mut().chunks(length);
        replicas.enumerate().for_each(|(replica, values)| look(replica, &values[..count]));
        Ok(())
    }

    fn run_launches(&mut self, phase: Phase, range: Range<usize>, steps: &[Step]) -> Result<()> {
        let Self { plan, buffers, workspaces, threads, pool } = self;
        let launches = &plan.launches(phase)[range];
        let worth = *threads > 1 && worth_threads(plan, launches);
        // The process's own pool computes, if this thread is one of it and it has as many threads as are wanted.
        let is_there = worth && is_in_pool_of(*threads);
        if worth && !is_there && pool.is_none() {
            *pool = Some(start(*threads)?);
        }
        let pool = pool.as_ref().filter(|_| worth && !is_there);

        if let [launch] = launches
            && launch.kernel.takes_many_steps()
        {
            let mut workspace = Workspace::new(if worth { *threads } else { 1 });
            let mut run = || run_all(plan, launch, steps, buffers, &mut workspace);
            match pool {
                Some(pool) => pool.install(run),
                None => run(),
            }
            return Ok(());
        }
        let inside = if worth && plan.replicas == 1 { *threads } else { 1 };
        let (replicas, records) = (parts(plan, buffers), plan.records);
        let mut work: Vec<_> = replicas.into_iter().zip(workspaces).collect();
        // A replica needs nothing of the others: each goes through all of its steps, several at the same time.
        let run = |(replica, (parts, workspace)): (usize, &mut (Vec<Part<'_, T>>, &mut Workspace<T>))| {
            workspace.threads = inside;
            for step in steps.iter().skip(replica.min(records - 1)).step_by(records) {
                let of_step = launches.iter().filter(|launch| launch.is_run_in(step));
                of_step.for_each(|launch| run_launch(launch, step, parts, workspace));
            }
        };
        let mut run_all = || match worth && work.len() > 1 {
            true => work.par_iter_mut().enumerate().for_each(run),
            false => work.iter_mut().enumerate().for_each(run),
        };
        match pool {
            Some(pool) => pool.install(run_all),
            None => run_all(),
        }
        Ok(())
    }

    fn finish(&mut self) -> Result<()> {
        Ok(())
    }
}

/// What each replica has of every buffer, by its place in the plan.
fn parts<'a, T>(plan: &Plan, buffers: &'a mut [Storage<T>]) -> Vec<Vec<Part<'a, T>>> {
    let mut replicas: Vec<Vec<Part<'a, T>>> = (0..plan.replicas).map(|_| Vec::with_capacity(plan.buffers.len())).collect();
    for (buffer, storage) in plan.buffers.iter().zip(buffers) {
        let length = if buffer.shared { 0 } else { buffer.length() };
        if buffer.shared || buffer.element == Element::Index {
            let all = storage.replicas("", length);
            let of = |(replica, parts): (usize, &mut Vec<_>)| parts.push(Part::Read(all.of(replica)));
            replicas.iter_mut().enumerate().for_each(of);
        } else {
            let mut values = storage.values_mut().as_mut_slice();
            for parts in &mut replicas {
                let (own, others) = values.split_at_mut(length);
                parts.push(Part::Own(own));
                values = others;
            }
        }
    }
    replicas
}

/// Runs one launch for a replica.
fn run_launch<T: Computed>(launch: &Launch, step: &Step, parts: &mut [Part<'_, T>], workspace: &mut Workspace<T>) {
    // A kernel of all layers, which the CPU computes for verification alone, has more.
    let mut few: [ViewMut<'_, T>; MOST_BUFFERS] = std::array::from_fn(|_| ViewMut::new("", &mut []));
    let mut many = Vec::new();
    let writes = if launch.writes.len() <= MOST_BUFFERS {
        &mut few[..launch.writes.len()]
    } else {
        many.resize_with(launch.writes.len(), || ViewMut::new("", &mut []));
        &mut many[..]
    };
    for ((view, &id), name) in writes.iter_mut().zip(&launch.writes).zip(launch.names(Access::Write)) {
        *view = ViewMut::new(name, parts[id].take());
    }
    let mut few = [View::default(); MOST_BUFFERS];
    let mut many = Vec::new();
    let reads = if launch.reads.len() <= MOST_BUFFERS {
        &mut few[..launch.reads.len()]
    } else {
        many.resize(launch.reads.len(), View::default());
        &mut many[..]
    };
    for ((view, &id), name) in reads.iter_mut().zip(&launch.reads).zip(launch.names(Access::Read)) {
        *view = View { name, ..parts[id].view() };
    }
    T::run(launch.kernel.as_ref(), step, reads, writes, workspace);
    for (view, &id) in writes.iter_mut().zip(&launch.writes) {
        parts[id] = Part::Own(std::mem::take(&mut view.values));
    }
}

/// Runs a launch for all replicas and as many steps as there are.
fn run_all<T: Computed>(
    plan: &Plan,
    launch: &Launch,
    steps: &[Step],
    buffers: &mut [Storage<T>],
    workspace: &mut Workspace<T>,
) {
    let mut written: Vec<Vec<T>> = launch.writes.iter().map(|&id| std::mem::take(buffers[id].values_mut())).collect();
    let length = |id: BufferId| if plan.buffers[id].shared { 0 } else { plan.buffers[id].length() };
    let reads: Vec<Replicas<'_, T>> =
        launch.names(Access::Read).zip(&launch.reads).map(|(name, &id)| buffers[id].replicas(name, length(id))).collect();
    let mut writes: Vec<ReplicasMut<'_, T>> = launch
        .names(Access::Write)
        .zip(launch.writes.iter().zip(&mut written))
        .map(|(name, (&id, values))| ReplicasMut { name, length: length(id), values })
        .collect();
    T::run_all(launch.kernel.as_ref(), steps, plan.replicas, &reads, &mut writes, workspace);
    drop(writes);
    for (&id, values) in launch.writes.iter().zip(written) {
        *buffers[id].values_mut() = values;
    }
}

impl<'a, T> Part<'a, T> {
    /// What is to be written; leaves nothing behind.
    fn take(&mut self) -> &'a mut [T] {
        match self {
            Self::Own(values) => std::mem::take(values),
            Self::Read(_) => panic!("a buffer of indices or of all replicas is not written"),
        }
    }

    fn view(&self) -> View<'_, T> {
        match self {
            Self::Own(values) => View::new("", values),
            Self::Read(view) => View { values: view.values, indices: view.indices, ..View::default() },
        }
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
    fn replicas(&self, name: &'static str, length: usize) -> Replicas<'_, T> {
        let all = match self {
            Self::Real(values) => View::new(name, values),
            Self::Index(indices) => View { name, indices, ..View::default() },
        };
        Replicas { all, length }
    }
}
