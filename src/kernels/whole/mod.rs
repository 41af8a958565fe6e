//! Many training steps of a whole small network in one dispatch: all that `forward`, `output`, `delta` and `update` compute, one
//! replica after the other or side by side. Shaders, in `shaders/whole/`: `workgroup.wgsl`, a workgroup a replica with barriers between the
//! layers, `subgroup.wgsl`, a subgroup a replica, both with `group.wgsl`, and `invocation.wgsl`, an invocation a replica.

mod lanes;
mod losses;
mod sequence;
mod shaders;

use std::sync::Arc;

pub use sequence::{Sequence, SequenceLaunch};

use super::{Form, Kept, Kernel, Operand, OperandMut, Shader, Step, Target, Twin, View, ViewMut, Workspace, stride4, word};
use crate::network::{Activation, Loss, Network, OptimizerKind};

/// How the shader shares the work out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Variant {
    /// One invocation trains one replica: for very small networks, whose parameters fit registers.
    Invocation,
    /// One workgroup trains one replica, with its parameters and activations in workgroup memory.
    Held,
    /// The same where the activations alone fit, with its parameters in a buffer.
    Workgroup,
    /// One subgroup trains one replica, with its activations in a buffer: for software adapters, which load one lane after the other.
    Subgroup,
}

impl Variant {
    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Invocation => "invocation",
            Self::Held => "held",
            Self::Workgroup => "workgroup",
            Self::Subgroup => "subgroup",
        }
    }

    /// Whether a device can run it.
    pub fn is_for(self, target: &Target) -> bool {
        self != Self::Subgroup || target.subgroups && target.lanes as usize == shaders::SUBGROUP
    }
}

/// Numbers that an invocation may keep in its registers and private memory: parameters, gradients, states and activations.
const INVOCATION_NUMBERS: usize = 384;

/// Rows of a batch up to which one invocation takes them one after the other.
const INVOCATION_ROWS: usize = 64;
/// Rows of a batch up to which one workgroup does a step: more are worth the whole device, and would take more loop iterations
/// than every driver allows.
const WORKGROUP_ROWS: usize = 1024;

/// Bytes from which a member of a group of buffers may begin: what every device allows at most to ask for.
pub const GROUP_ALIGNMENT: usize = 256;

/// Where each member of a group of buffers begins in the group's memory, in vec4s, given their lengths in vec4s; and the sum.
pub fn group_starts(lengths: impl IntoIterator<Item = usize>) -> (Vec<usize>, usize) {
    let mut next = 0_usize;
    let starts = lengths
        .into_iter()
        .map(|length| {
            let start = next;
            next = (next + length).next_multiple_of(GROUP_ALIGNMENT / 16);
            start
        })
        .collect();
    (starts, next)
}

/// Reads the training inputs [rows × inputs], the targets [rows × outputs] and the order; writes the parameters, layer by layer
/// [(inputs + bias) × outputs], the states of each layer, shaped alike, and the losses of the rows.
#[derive(Clone)]
pub struct Whole {
    /// The network.
    pub network: Network,
    /// What training makes small.
    pub loss: Loss,
    /// The rule that updates the weights.
    pub optimizer: OptimizerKind,
    /// Rows of the largest batch.
    pub batch: usize,
    /// Indices in the order of one replica.
    pub order: usize,
    /// Room for losses of one replica.
    pub losses: usize,
    /// Networks trained at once.
    pub replicas: usize,
    /// Whether the steps of the replicas differ.
    pub own_steps: bool,
    /// How the shader shares the work out.
    pub variant: Variant,
    /// The same step, kernel by kernel.
    pub sequence: Arc<Sequence>,
}

impl Whole {
    /// The storage buffers that its shaders bind.
    pub const MOST_BINDINGS: u64 = 8;

    /// The variant that suits a network on an adapter with so much workgroup memory; none if its work is worth dispatches of its
    /// own.
    pub fn variant(network: &Network, optimizer: OptimizerKind, batch: usize, target: &Target) -> Option<Variant> {
        let sizes = Sizes::new(network, optimizer, batch);
        if sizes.invocation_numbers <= INVOCATION_NUMBERS && batch <= INVOCATION_ROWS {
            Some(Variant::Invocation)
        } else if sizes.step_work > WORKGROUP_WORK || network.layers() > MOST_LAYERS || batch > WORKGROUP_ROWS {
            None
        } else if target.software {
            Some(Variant::Subgroup).filter(|variant| variant.is_for(target))
        } else {
            let fits = |numbers4: usize| 16 * numbers4 <= target.workgroup_bytes as usize;
            let held = fits(sizes.scratch + sizes.parameters).then_some(Variant::Held);
            held.or_else(|| fits(sizes.scratch).then_some(Variant::Workgroup))
        }
    }

    /// Whether a network is so small that the CPU trains it best over SIMD lanes, on one thread a network.
    pub fn suits_lanes(network: &Network, optimizer: OptimizerKind, batch: usize) -> bool {
        let sizes = Sizes::new(network, optimizer, batch);
        sizes.invocation_numbers <= INVOCATION_NUMBERS && batch <= WORKGROUP_ROWS
    }

    /// vec4s of one replica's activations, slopes and deltas, for the variant that keeps them in a buffer.
    pub fn scratch(&self) -> Option<usize> {
        (self.variant == Variant::Subgroup).then(|| self.value_places().scratch)
    }

    /// What a layer applies before the loss, to which a joint pair leaves the logits.
    fn activation(&self, layer: usize) -> Activation {
        if self.loss.is_joint() && layer + 1 == self.network.layers() {
            Activation::Identity
        } else {
            self.network.activations()[layer]
        }
    }

    /// Rows of a layer's parameters.
    fn parameter_rows(&self, layer: usize) -> usize {
        self.network.widths()[layer] + usize::from(self.network.bias())
    }

    /// vec4s of one replica's parameters of a layer.
    fn parameter_length(&self, layer: usize) -> usize {
        self.parameter_rows(layer) * stride4(self.network.widths()[layer + 1])
    }

    /// Where the parameters and then the states of each layer begin in their group, in vec4s.
    fn starts(&self) -> Vec<usize> {
        let layers = 0..self.network.layers();
        let parameters = layers.clone().map(|layer| self.parameter_length(layer) * self.replicas);
        let states = layers
            .flat_map(|layer| std::iter::repeat_n(self.parameter_length(layer) * self.replicas, self.optimizer.states()));
        group_starts(parameters.chain(states)).0
    }
}

/// Multiply-adds of a step from which one workgroup is too slow for it.
const WORKGROUP_WORK: usize = 1 << 20;
/// Layers of a network at most: its shader tells their activations apart one after the other.
const MOST_LAYERS: usize = 32;

/// What a step of a network takes.
struct Sizes {
    /// Numbers that the invocation's variant keeps.
    invocation_numbers: usize,
    /// vec4s of activations, slopes and deltas of a batch, at most.
    scratch: usize,
    /// vec4s of parameters.
    parameters: usize,
    /// Multiply-adds of a step.
    step_work: usize,
}

impl Sizes {
    fn new(network: &Network, optimizer: OptimizerKind, batch: usize) -> Self {
        let widths = network.widths();
        let parameters: usize = (0..network.layers())
            .map(|layer| (widths[layer] + usize::from(network.bias())) * stride4(widths[layer + 1]))
            .sum();
        let values: usize = widths.iter().map(|&width| stride4(width)).sum();
        let hidden: usize = widths[1..].iter().map(|&width| stride4(width)).sum();
        let slopes = if network.activations().iter().any(|activation| activation.stores_slope()) { hidden } else { 0 };
        let widest = widths[1..].iter().map(|&width| stride4(width)).max().unwrap_or(0);
        Self {
            invocation_numbers: 4 * (parameters * (2 + optimizer.states()) + 2 * values + slopes),
            scratch: batch.saturating_mul(values + slopes + 2 * widest),
            parameters,
            step_work: 3 * batch.saturating_mul(4 * parameters),
        }
    }
}

impl Kernel for Whole {
    fn name(&self) -> &'static str {
        "whole"
    }

    fn shader(&self, form: Form) -> Shader {
        match self.variant {
            Variant::Invocation => self.invocation_shader(form.lanes),
            Variant::Held | Variant::Workgroup => self.workgroup_shader(),
            Variant::Subgroup => self.subgroup_shader(),
        }
    }

    fn lanes(&self, form: Form) -> [u32; 2] {
        match self.variant {
            Variant::Invocation => [form.lanes, 1],
            Variant::Subgroup => [shaders::SUBGROUP as u32, 1],
            Variant::Held | Variant::Workgroup => [shaders::INVOCATIONS as u32, 1],
        }
    }

    fn parameters(&self, _form: Form) -> Vec<u32> {
        let records = if self.own_steps { self.replicas } else { 1 };
        let places = self.value_places();
        let header = [
            records,
            self.replicas,
            self.order.next_multiple_of(4),
            self.losses.next_multiple_of(4),
            places.slopes,
            places.deltas,
            places.delta_length,
            places.scratch,
        ];
        let starts = self.starts();
        let (layers, states) = (self.network.layers(), self.optimizer.states());
        let table = (0..layers).flat_map(|layer| {
            let state = |k: usize| if k < states { starts[layers + layer * states + k] } else { 0 };
            let widths = &self.network.widths()[layer..];
            let length = self.parameter_length(layer);
            let [input, output] = [places.starts[layer], places.starts[layer + 1]];
            let held = places.scratch + (0..layer).map(|below| self.parameter_length(below)).sum::<usize>();
            [widths[0], widths[1], starts[layer], state(0), state(1), length, input, output, held]
        });
        header.into_iter().chain(table).map(word).collect()
    }

    fn workgroups(&self, _rows: usize, form: Form) -> [u64; 2] {
        match self.variant {
            Variant::Invocation => [(self.replicas as u64).div_ceil(u64::from(form.lanes)), 1],
            Variant::Held | Variant::Workgroup | Variant::Subgroup => [1, 1],
        }
    }

    fn grid(&self, rows: usize, replicas: usize, form: Form) -> [u64; 3] {
        let [x, y] = self.workgroups(rows, form);
        [x, y, if self.variant == Variant::Invocation { 1 } else { replicas as u64 }]
    }

    fn iterations(&self, rows: usize, _form: Form) -> u64 {
        match self.variant {
            Variant::Invocation => self.invocation_iterations(rows),
            Variant::Held | Variant::Workgroup => self.workgroup_iterations(rows),
            Variant::Subgroup => self.subgroup_iterations(rows),
        }
    }

    fn takes_many_steps(&self) -> bool {
        true
    }

    fn keeps(&self) -> Kept {
        match self.variant {
            Variant::Invocation => Kept::All,
            Variant::Held => Kept::Parameters,
            Variant::Workgroup | Variant::Subgroup => Kept::Nothing,
        }
    }

    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], _errors: &[&[f64]], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
        self.sequence.bounds(step, reads, before)
    }
}

impl Twin<f64> for Whole {
    fn run(&self, step: &Step, reads: &[View<'_, f64>], writes: &mut [ViewMut<'_, f64>], _: &mut Workspace<f64>) {
        self.sequence.run(step, reads, writes);
    }
}

impl Twin<f32> for Whole {
    fn run(&self, step: &Step, reads: &[View<'_, f32>], writes: &mut [ViewMut<'_, f32>], workspace: &mut Workspace<f32>) {
        let reads: Vec<_> =
            reads.iter().map(|view| Operand { values: view.values, indices: view.indices, length: 0 }).collect();
        let mut writes: Vec<_> =
            writes.iter_mut().map(|view| OperandMut { length: view.values.len(), values: &mut *view.values }).collect();
        let alone = Self { replicas: 1, own_steps: false, ..self.clone() };
        alone.run_all(std::slice::from_ref(step), 1, &reads, &mut writes, workspace);
    }

    fn run_all(
        &self,
        steps: &[Step],
        replicas: usize,
        reads: &[Operand<'_, f32>],
        writes: &mut [OperandMut<'_, f32>],
        workspace: &mut Workspace<f32>,
    ) {
        lanes::train(self, steps, replicas, reads, writes, workspace.threads);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::form::{Choice, MOST_ITERATIONS};

    fn network(widths: &[usize]) -> Network {
        Network::new(widths.to_vec(), vec![Activation::Sigmoid; widths.len() - 1], true).expect("a network")
    }

    #[test]
    fn every_step_that_is_taken_whole_is_within_the_loop_iterations_of_every_driver() {
        let mut taken = 0;
        for widths in
            [vec![1, 1], vec![3, 4, 1], vec![4; 9], vec![4; 33], vec![64, 32, 10], vec![300, 4], vec![4, 300], vec![9; 8]]
        {
            for batch in [1, 7, 64, 65, 200, 1024, 1025, 100_000] {
                for software in [false, true] {
                    let target = Target::sample(software, 1 << 14);
                    for optimizer in [OptimizerKind::Sgd, OptimizerKind::Adam] {
                        let network = network(&widths);
                        let Some(variant) = Whole::variant(&network, optimizer, batch, &target) else { continue };
                        taken += 1;
                        let sequence =
                            Sequence { launches: Vec::new(), lengths: Vec::new(), reads: Vec::new(), writes: Vec::new() };
                        let whole = Whole {
                            network,
                            loss: Loss::SquaredError,
                            optimizer,
                            batch,
                            order: batch,
                            losses: batch,
                            replicas: 1,
                            own_steps: false,
                            variant,
                            sequence: Arc::new(sequence),
                        };
                        let form = Choice::default().forms(8).next().expect("a form");
                        let iterations = whole.iterations(batch, form);
                        assert!(iterations <= MOST_ITERATIONS, "{widths:?} {batch} {variant:?}: {iterations}");
                    }
                }
            }
        }
        assert!(taken > 50, "{taken}");
    }

    #[test]
    fn large_batches_are_for_the_layers_own_kernels() {
        let tiny = network(&[3, 4, 1]);
        let gpu = Target::sample(false, 1 << 15);
        let variant = |batch| Whole::variant(&tiny, OptimizerKind::Sgd, batch, &gpu);
        assert_eq!(variant(4), Some(Variant::Invocation));
        assert_eq!(variant(65), Some(Variant::Held));
        assert_eq!(variant(100_000), None);
        // 64 and 16 vec4s of parameters a hidden layer and its output; 16 + 16 + 1 and twice 16 vec4s of values a row.
        let wider = |batch| Whole::variant(&network(&[64, 64, 1]), OptimizerKind::Sgd, batch, &gpu);
        assert_eq!(wider(1), Some(Variant::Held));
        assert_eq!(wider(31), Some(Variant::Workgroup));
        assert_eq!(wider(32), None);
        let software = Target { software: true, ..gpu };
        assert_eq!(Whole::variant(&tiny, OptimizerKind::Sgd, 65, &software), None);
        let with_subgroups = |lanes| Target { subgroups: true, lanes, ..software };
        assert_eq!(Whole::variant(&tiny, OptimizerKind::Sgd, 65, &with_subgroups(8)), Some(Variant::Subgroup));
        assert_eq!(Whole::variant(&tiny, OptimizerKind::Sgd, 65, &with_subgroups(32)), None);
        assert!(Whole::suits_lanes(&tiny, OptimizerKind::Sgd, 65));
        assert!(!Whole::suits_lanes(&tiny, OptimizerKind::Sgd, 100_000));
    }
}
