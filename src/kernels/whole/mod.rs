//! Many training steps of a whole small network in one dispatch: all that `forward`, `output`, `delta` and `update` compute, one
//! replica after the other or side by side. Shaders, in `shaders/whole/`: `scalars.wgsl`, a lane or a few a replica; `held*.wgsl`, a workgroup
//! a replica, which holds all that the steps need; and `workgroup.wgsl`, the same with the parameters in a buffer.

mod held;
mod lanes;
mod net;
mod scalars;
mod sequence;
mod shaders;

use std::sync::Arc;

use held::Held;
pub use net::{Variant, Whole};
use scalars::Scalars;
pub use sequence::{Sequence, SequenceLaunch};

use super::operands::{Access, Count, Elements};
use super::{
    Bounded, Form, Kept, Kernel, Operand, Replicas, ReplicasMut, Shader, Step, Target, Twin, View, ViewMut, Workspace,
    stride4, word,
};
use crate::network::{Loss, Network, OptimizerKind};

/// Numbers up to which the CPU trains a network over SIMD lanes: parameters, gradients, states and activations.
const LANES_NUMBERS: usize = 384;
/// Lanes a workgroup of the variants that take several replicas a workgroup; their replicas are spread over all the device.
const INVOCATIONS: u32 = 32;

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

impl Whole {
    /// The storage buffers that its shaders bind.
    pub const MOST_BINDINGS: u64 = 7;

    /// The variant that suits a network on a device; none if its work is worth dispatches of its own.
    pub fn variant(
        network: &Network,
        loss: Loss,
        optimizer: OptimizerKind,
        batch: usize,
        target: &Target,
    ) -> Option<Variant> {
        let whole = Self {
            network: network.clone(),
            loss,
            optimizer,
            batch,
            order: batch,
            losses: 1,
            replicas: 1,
            own_steps: false,
            variant: Variant::Held,
            sequence: Arc::default(),
        };
        let shared = scalars::shared(batch, target.subgroup);
        if Scalars::new(&whole, shared).fits() {
            return Some(if shared > 1 { Variant::Lanes(shared) } else { Variant::Invocation });
        }
        let sizes = Sizes::new(network, optimizer, batch);
        if sizes.step_work > WORKGROUP_WORK || network.layers() > MOST_LAYERS || batch > WORKGROUP_ROWS {
            return None;
        }
        let held = Held::new(&whole);
        let fits = |bytes: usize| bytes <= target.workgroup_bytes as usize;
        let held = (held.fits_registers(&whole) && fits(held.bytes())).then_some(Variant::Held);
        held.or_else(|| fits(whole.value_places().bytes()).then_some(Variant::Workgroup))
    }

    /// Whether a network is so small that the CPU trains it best over SIMD lanes, on one thread a network.
    pub fn suits_lanes(network: &Network, optimizer: OptimizerKind, batch: usize) -> bool {
        let sizes = Sizes::new(network, optimizer, batch);
        sizes.numbers <= LANES_NUMBERS && batch <= WORKGROUP_ROWS
    }

    /// The network as one lane or a few take it.
    fn scalars(&self) -> Scalars<'_> {
        Scalars::new(self, if let Variant::Lanes(lanes) = self.variant { lanes } else { 1 })
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
    /// Numbers of the network and of one row, on the CPU.
    numbers: usize,
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
        Self {
            numbers: 4 * (parameters * (2 + optimizer.states()) + 2 * values + slopes),
            step_work: 3 * batch.saturating_mul(4 * parameters),
        }
    }
}

impl Kernel for Whole {
    fn name(&self) -> &'static str {
        "whole"
    }

    fn operands(&self) -> Vec<Operand> {
        let layers = 0..self.network.layers();
        let shape = |l: usize| [Some(self.parameter_rows(l)), Some(self.network.widths()[l + 1])];
        let states = layers.clone().flat_map(|l| std::iter::repeat_n(shape(l), self.optimizer.states()));
        vec![
            Operand::read("inputs", None, self.network.inputs()),
            Operand::read("targets", None, self.network.outputs()),
            Operand::order(self.order),
            Operand::several("trained", Access::Write, Count::Group, layers.map(shape).chain(states).collect()),
            Operand::write("losses", 1, self.losses).of(Elements::Real),
        ]
    }

    fn shader(&self, form: Form) -> Shader {
        match self.variant {
            Variant::Invocation | Variant::Lanes(_) => self.scalars().shader(self.lanes(form)[0]),
            Variant::Held => Held::new(self).shader(self),
            Variant::Workgroup => self.workgroup_shader(),
        }
    }

    fn lanes(&self, form: Form) -> [u32; 2] {
        match self.variant {
            Variant::Invocation => [form.lanes, 1],
            Variant::Lanes(_) => [INVOCATIONS, 1],
            Variant::Held => [Held::new(self).lanes as u32, 1],
            Variant::Workgroup => [shaders::INVOCATIONS as u32, 1],
        }
    }

    fn workgroup_bytes(&self, _form: Form) -> u32 {
        match self.variant {
            Variant::Invocation | Variant::Lanes(_) => 0,
            Variant::Held => word(Held::new(self).bytes()),
            Variant::Workgroup => word(self.value_places().bytes()),
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
        ];
        let starts = self.starts();
        let (layers, states) = (self.network.layers(), self.optimizer.states());
        let table = (0..layers).flat_map(|layer| {
            let state = |k: usize| if k < states { starts[layers + layer * states + k] } else { 0 };
            let widths = &self.network.widths()[layer..];
            let length = self.parameter_length(layer);
            let [input, output] = [places.starts[layer], places.starts[layer + 1]];
            [widths[0], widths[1], starts[layer], state(0), state(1), length, input, output]
        });
        header.into_iter().map(word).chain([self.loss.word()]).chain(table.map(word)).collect()
    }

    fn workgroups(&self, _rows: usize, form: Form) -> [u64; 2] {
        let replicas = u64::from(self.lanes(form)[0]) / self.scalars().lanes() as u64;
        match self.variant {
            Variant::Invocation | Variant::Lanes(_) => [(self.replicas as u64).div_ceil(replicas), 1],
            Variant::Held | Variant::Workgroup => [1, 1],
        }
    }

    fn grid(&self, rows: usize, replicas: usize, form: Form) -> [u64; 3] {
        let [x, y] = self.workgroups(rows, form);
        let has_workgroup = matches!(self.variant, Variant::Held | Variant::Workgroup);
        [x, y, if has_workgroup { replicas as u64 } else { 1 }]
    }

    fn iterations(&self, rows: usize, _form: Form) -> u64 {
        match self.variant {
            Variant::Invocation | Variant::Lanes(_) => self.scalars().iterations(),
            Variant::Held => Held::new(self).iterations(self),
            Variant::Workgroup => self.workgroup_iterations(rows),
        }
    }

    fn takes_many_steps(&self) -> bool {
        true
    }

    fn keeps(&self) -> Kept {
        match self.variant {
            Variant::Invocation | Variant::Lanes(_) => Kept::All,
            Variant::Held if Held::new(self).keeps_states => Kept::All,
            Variant::Held => Kept::Parameters,
            Variant::Workgroup => Kept::Nothing,
        }
    }
}

impl Bounded for Whole {
    fn bounds(&self, step: &Step, reads: &[View<'_, f64>], before: &[View<'_, f64>]) -> Vec<Vec<f64>> {
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
        let reads: Vec<_> = reads.iter().map(|&all| Replicas { all, length: 0 }).collect();
        let mut writes: Vec<_> = writes
            .iter_mut()
            .map(|view| ReplicasMut { name: view.name, length: view.values.len(), values: &mut *view.values })
            .collect();
        let alone = Self { replicas: 1, own_steps: false, ..self.clone() };
        alone.run_all(std::slice::from_ref(step), 1, &reads, &mut writes, workspace);
    }

    fn run_all(
        &self,
        steps: &[Step],
        replicas: usize,
        reads: &[Replicas<'_, f32>],
        writes: &mut [ReplicasMut<'_, f32>],
        workspace: &mut Workspace<f32>,
    ) {
        lanes::train(self, steps, replicas, reads, writes, workspace.threads);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernels::form::{Choice, MOST_ITERATIONS};
    use crate::network::Activation;

    fn network(widths: &[usize]) -> Network {
        Network::new(widths.to_vec(), vec![Activation::Sigmoid; widths.len() - 1], true).expect("a network")
    }

    fn whole(widths: &[usize], optimizer: OptimizerKind, batch: usize, variant: Variant) -> Whole {
        Whole {
            network: network(widths),
            loss: Loss::SquaredError,
            optimizer,
            batch,
            order: batch,
            losses: batch,
            replicas: 1,
            own_steps: false,
            variant,
            sequence: Arc::default(),
        }
    }

    fn gpu() -> Target {
        Target::sample(false, 49_152)
    }

    fn variant(widths: &[usize], optimizer: OptimizerKind, batch: usize, target: &Target) -> Option<Variant> {
        Whole::variant(&network(widths), Loss::SquaredError, optimizer, batch, target)
    }

    #[test]
    fn every_step_that_is_taken_whole_is_within_the_loop_iterations_of_every_driver() {
        let mut taken = 0;
        for widths in
            [vec![1, 1], vec![3, 4, 1], vec![4; 9], vec![4; 33], vec![64, 32, 10], vec![300, 4], vec![4, 300], vec![9; 8]]
        {
            for batch in [1, 7, 64, 65, 200, 1024, 1025, 100_000] {
                for subgroup in [0, 8] {
                    let target = Target { subgroup, workgroup_bytes: 1 << 15, ..gpu() };
                    for optimizer in [OptimizerKind::Sgd, OptimizerKind::Adam] {
                        let Some(variant) = variant(&widths, optimizer, batch, &target) else { continue };
                        taken += 1;
                        let whole = whole(&widths, optimizer, batch, variant);
                        let form = Choice::default().forms(8).next().expect("a form");
                        let iterations = whole.iterations(batch, form);
                        assert!(iterations <= MOST_ITERATIONS, "{widths:?} {batch} {variant:?}: {iterations}");
                        assert!(whole.workgroup_bytes(form) <= target.workgroup_bytes);
                    }
                }
            }
        }
        assert!(taken > 50, "{taken}");
    }

    /// The form that was the fastest on an NVIDIA H200: 48,816 of 49,152 bytes, 256 lanes, a tile for each.
    #[test]
    fn digits_is_held_in_the_tiles_that_were_measured() {
        assert_eq!(variant(&[64, 32, 10], OptimizerKind::Sgd, 64, &gpu()), Some(Variant::Held));
        let held = Held::new(&whole(&[64, 32, 10], OptimizerKind::Sgd, 64, Variant::Held));
        assert_eq!((held.lanes, held.bytes()), (256, 48_816));
        assert!(Held::new(&whole(&[64, 32, 10], OptimizerKind::Adam, 64, Variant::Held)).keeps_states);
        let tiles = |of: fn(&held::LayerPlaces) -> held::Tiles| -> Vec<[usize; 3]> {
            held.layers.iter().map(&of).map(|tiles| [tiles.size, tiles.count, tiles.rounds]).collect()
        };
        assert_eq!(tiles(|layer| layer.forward), [[2, 256, 1], [1, 192, 1]]);
        assert_eq!(tiles(|layer| layer.gradient), [[4, 136, 1], [1, 99, 1]]);
        assert_eq!(tiles(|layer| layer.delta)[1], [4, 128, 1]);
    }

    #[test]
    fn large_batches_are_for_the_layers_own_kernels() {
        let of = |widths: &[usize], batch| variant(widths, OptimizerKind::Sgd, batch, &gpu());
        assert_eq!(of(&[3, 4, 1], 4), Some(Variant::Invocation));
        assert_eq!(of(&[3, 4, 1], 65), Some(Variant::Held));
        assert_eq!(of(&[3, 4, 1], 100_000), None);
        assert_eq!(of(&[64, 32, 10], 64), Some(Variant::Held));
        // Its parameters are 74 kB.
        assert_eq!(of(&[64, 256, 10], 8), Some(Variant::Workgroup));
        assert_eq!(of(&[64, 256, 10], 64), None);
        let tiny = network(&[3, 4, 1]);
        assert!(Whole::suits_lanes(&tiny, OptimizerKind::Sgd, 65));
        assert!(!Whole::suits_lanes(&tiny, OptimizerKind::Sgd, 100_000));
    }

    #[test]
    fn lanes_share_a_network_up_to_one_a_row_where_a_subgroup_has_as_many() {
        let of = |batch, subgroup| variant(&[3, 4, 1], OptimizerKind::Sgd, batch, &Target { subgroup, ..gpu() });
        assert_eq!(of(4, 32), Some(Variant::Lanes(4)));
        assert_eq!(of(3, 32), Some(Variant::Lanes(4)));
        assert_eq!(of(30, 64), Some(Variant::Lanes(8)));
        assert_eq!(of(30, 4), Some(Variant::Lanes(4)));
        assert_eq!((of(1, 32), of(30, 0)), (Some(Variant::Invocation), Some(Variant::Invocation)));
    }
}
