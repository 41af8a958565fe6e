//! The kernels: one shader and one file here a kernel, with its host side and its CPU twin. No devices, no wgpu.

pub mod catalogue;
pub mod delta;
pub mod forward;
pub mod gather;
pub mod output;
pub mod product;
pub mod shader;
pub mod step;
pub mod update;

pub use delta::Delta;
pub use forward::Forward;
pub use gather::Gather;
pub use output::{Output, Product as OutputProduct};
pub use shader::Shader;
pub use step::Step;
pub use update::Update;

use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::scalar::Scalar;

/// One kernel with its sizes: what both executors need to know to run it.
///
/// In every shader binding 0 is the parameters, binding 1 the step (one [`Step`] a replica), then come the buffers
/// that the kernel reads, then those that it writes, in the order of the plan's [`Launch`](crate::plan::Launch).
pub trait Kernel: Twin<f32> + Twin<f64> + Send + Sync {
    /// The kernel's name, which is its shader's: `forward` for `shaders/forward.wgsl`.
    fn name(&self) -> &'static str;

    /// The composed shader, `lanes` invocations a workgroup along x.
    fn shader(&self, lanes: u32) -> Shader;

    /// Binding 0: the words of the shader's `Parameters`.
    fn parameters(&self) -> Vec<u32>;

    /// Workgroups along x and y for a batch of `rows` rows; z is the replicas.
    fn workgroups(&self, rows: usize, lanes: u32) -> [u64; 2];

    /// The most loop iterations that one invocation runs through for a batch of `rows` rows.
    fn iterations(&self, rows: usize) -> u64;

    /// How far each element written in f32 may be from the f64 oracle, given the same inputs: one list a written buffer, zero
    /// where nothing is written. `before` is what those buffers held.
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>>;
}

/// The same computation on the CPU: in f32 what people run without a GPU, in f64 the oracle.
pub trait Twin<T> {
    /// Computes one step for one replica.
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>);
}

/// A buffer of one replica that a kernel reads, row-major and dense.
#[derive(Debug, Clone, Copy)]
pub struct View<'a, T> {
    /// The elements; empty for a buffer of indices.
    pub values: &'a [T],
    /// The indices; empty for a buffer of numbers.
    pub indices: &'a [u32],
}

/// A buffer of one replica that a kernel writes, row-major and dense.
#[derive(Debug)]
pub struct ViewMut<'a, T> {
    /// The elements.
    pub values: &'a mut [T],
}

/// What the CPU twins share: how many threads they may use, and room for a tile of a product for each.
#[derive(Debug)]
pub struct Workspace<T> {
    /// Threads to use, at least 1.
    pub threads: usize,
    /// Kept between steps.
    scratch: Vec<Mutex<Vec<T>>>,
}

impl<T: Scalar> Workspace<T> {
    /// A workspace for this many threads.
    pub fn new(threads: usize) -> Self {
        let threads = threads.max(1);
        Self { threads, scratch: (0..threads).map(|_| Mutex::default()).collect() }
    }

    /// Room that nobody else uses, with anything in it.
    fn scratch(&self) -> MutexGuard<'_, Vec<T>> {
        let thread = rayon::current_thread_index().unwrap_or(0) % self.scratch.len();
        self.scratch[thread].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How many vec4s a row of `columns` elements takes on the GPU: rows are padded with zeros to a multiple of four.
pub const fn stride4(columns: usize) -> usize {
    columns.div_ceil(4)
}

/// A size as the shaders' `u32`.
///
/// # Panics
/// If it does not fit: the plan's sizes are checked against the device before any kernel is asked.
pub(crate) fn word(size: usize) -> u32 {
    u32::try_from(size).expect("sizes are checked against the device's limits first")
}
