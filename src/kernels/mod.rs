//! The kernels: one shader and one file here a kernel, with its host side and its CPU twin. No devices, no wgpu.

pub mod apply;
pub mod catalogue;
pub mod delta;
pub mod dropped;
pub mod form;
pub mod forward;
pub mod forward_output;
pub mod gather;
pub mod halves;
mod layer;
mod layout;
pub mod norm;
pub mod norm_total;
pub mod operands;
pub mod output;
pub mod peak;
pub mod product;
pub mod rates;
pub mod rule;
pub(crate) mod scales;
pub mod shader;
pub mod source;
pub mod split;
pub mod step;
pub mod target;
pub(crate) mod tiling;
pub mod units;
pub mod units_peak;
pub mod update;
pub mod updates;
mod views;
pub mod whole;

pub use apply::Apply;
pub use delta::Delta;
pub use dropped::Dropped;
pub use form::{Choice, Form};
pub use forward::Forward;
pub use forward_output::ForwardOutput;
pub use gather::Gather;
pub use halves::Factors;
pub use layer::Layer;
pub use norm::Norm;
pub use norm_total::NormTotal;
pub(crate) use operands::word;
pub use operands::{Operand, stride4};
pub use output::{Output, Product as OutputProduct};
pub use peak::Peak;
pub use rates::Rates;
pub use rule::Rule;
pub use shader::Shader;
pub use source::Source;
pub use step::Step;
pub use target::Target;
pub use units_peak::UnitsPeak;
pub use update::Update;
pub use updates::Updates;
pub use views::{Replicas, ReplicasMut, View, ViewMut};
pub(crate) use views::{read, written};
pub use whole::Whole;

use std::fmt::Debug;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::scalar::Scalar;

/// One kernel with its sizes, as a GPU computes it.
///
/// In every shader binding 0 is the parameters, binding 1 the step (one [`Step`] for all replicas, or one each), then come the
/// [operands](Operand): what the kernel reads, then what it writes.
pub trait Kernel: Debug + Send + Sync {
    /// The kernel's name, which is its shader's: `forward` for `shaders/forward.wgsl`.
    fn name(&self) -> &'static str;

    /// The buffers that it reads and writes.
    fn operands(&self) -> Vec<Operand>;

    /// The composed shader of one of its forms.
    fn shader(&self, form: Form) -> Shader;

    /// Invocations a workgroup along x and y.
    fn lanes(&self, form: Form) -> [u32; 2] {
        form.workgroup()
    }

    /// Bytes of the memory that the invocations of a workgroup share. A device that has less hangs instead of refusing, so that a plan
    /// is checked for it first.
    fn workgroup_bytes(&self, _form: Form) -> u32 {
        0
    }

    /// Binding 0: the words of the shader's `Parameters`.
    fn parameters(&self, form: Form) -> Vec<u32>;

    /// Workgroups along x and y for a batch of `rows` rows; z is the replicas, times the parts of a sum.
    fn workgroups(&self, rows: usize, form: Form) -> [u64; 2];

    /// Workgroups along x, y and z for a batch of `rows` rows of so many replicas.
    fn grid(&self, rows: usize, replicas: usize, form: Form) -> [u64; 3] {
        let [x, y] = self.workgroups(rows, form);
        [x, y, form.depth(replicas)]
    }

    /// Whether a dispatch can take many steps, whose records then lie one after the other. Such a kernel is a phase of its own.
    fn takes_many_steps(&self) -> bool {
        false
    }

    /// What a kernel of many steps keeps from one to the next, so that no step reads or writes it.
    fn keeps(&self) -> Kept {
        Kept::Nothing
    }

    /// The most loop iterations that one invocation runs through for a batch of `rows` rows.
    fn iterations(&self, rows: usize, form: Form) -> u64;

    /// Rows and columns of the result and terms of each sum for a batch of `rows` rows; None for what is no product.
    fn product(&self, _rows: usize) -> Option<[usize; 3]> {
        None
    }

    /// How a product takes its factors.
    fn factors(&self) -> Factors {
        Factors::Full
    }

    /// Every form that it may take on a device of so many lanes; the numbers of parts do not change a shader.
    fn forms(&self, lanes: u32, software: bool) -> Vec<Form> {
        match (self.product(1), self.factors()) {
            (None, _) => vec![Form::direct(lanes)],
            (Some(_), Factors::Full) => Form::all(lanes, software),
            (Some(_), Factors::Halves) => Form::all_mixed(lanes, software),
        }
    }

    /// The ways to compute it that are worth a measurement on this device, the one to take without first.
    fn choices(&self, rows: usize, target: &Target) -> Vec<Choice> {
        let of = |sizes| product::choices(sizes, false, self.factors(), target);
        self.product(rows).map_or_else(|| vec![Choice::default()], of)
    }
}

/// How far a kernel in f32 may be from the same in f64.
pub trait Bounded {
    /// How far each element written in f32 may be from the f64 oracle: one list a written buffer, zero where nothing is
    /// written. What is read says how far it may itself be off; `before` is what the written buffers held, exactly.
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>>;
}

/// All that there is to a kernel: on a GPU, on the CPU, as oracle, and what lies between these.
pub trait Computation: Kernel + Bounded + Twin<f32> + Twin<f64> {}

impl<K: Kernel + Bounded + Twin<f32> + Twin<f64>> Computation for K {}

/// What stays where it is computed with, step by step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kept {
    /// Every step reads what it needs from buffers, and writes it there.
    Nothing,
    /// The parameters are kept.
    Parameters,
    /// The parameters and the optimizer's states are kept.
    All,
}

/// The same computation on the CPU: in f32 what people run without a GPU, in f64 the oracle.
pub trait Twin<T: Scalar> {
    /// Computes one step for one replica.
    fn run(&self, step: &Step, reads: &[View<'_, T>], writes: &mut [ViewMut<'_, T>], workspace: &mut Workspace<T>);

    /// Computes some steps for all replicas: `steps` holds one step a replica, or one for all, then the next ones.
    fn run_all(
        &self,
        steps: &[Step],
        replicas: usize,
        reads: &[Replicas<'_, T>],
        writes: &mut [ReplicasMut<'_, T>],
        workspace: &mut Workspace<T>,
    ) {
        let each = steps.len().min(replicas);
        for steps in steps.chunks(each) {
            for replica in 0..replicas {
                let reads: Vec<View<'_, T>> = reads.iter().map(|buffer| buffer.of(replica)).collect();
                let mut writes: Vec<ViewMut<'_, T>> = writes.iter_mut().map(|buffer| buffer.of(replica)).collect();
                self.run(&steps[replica.min(each - 1)], &reads, &mut writes, workspace);
            }
        }
    }
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
