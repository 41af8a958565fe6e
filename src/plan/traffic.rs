//! Bytes that a training step moves: what its kernels read and write, counted from the plan, beside the least possible.

use std::collections::BTreeMap;

use super::{BufferId, Element, Launch, Phase, Plan};
use crate::kernels::{Kept, Target};
use crate::network::Network;

/// Bytes of a row of reals, by its columns: padded to whole vec4s of f32 on a GPU, dense on the CPU.
pub type RowBytes = fn(columns: usize) -> u64;

impl Plan {
    /// Bytes that a launch moves each time that it is run on as many rows as it can be, or in each of its steps, for all replicas: a
    /// layer's parameters and the optimizer's states whole, and read as well where they are written, unless the kernel keeps them; of
    /// everything else the batch's rows; on a GPU, whose target is given, partial sums, written and read once, and the factors that scales
    /// are found of once more. What a cache saves is not taken off.
    pub fn moved_bytes(&self, launch: &Launch, row_bytes: RowBytes, target: Option<&Target>) -> u64 {
        // Of data in segments a gather copies the rows that lie in its segment.
        let share = |rows: u64| match self
            .inputs
            .iter()
            .chain(&self.targets)
            .chain(&self.weights)
            .find(|segment| launch.reads.contains(&segment.buffer))
        {
            Some(segment) if self.inputs.len() > 1 || self.targets.len() > 1 => {
                let all = self.inputs.iter().map(|segment| segment.rows).sum::<usize>();
                (rows * segment.rows as u64).div_ceil(all as u64)
            }
            _ => rows,
        };
        let touched = |&id: &BufferId| {
            let buffer = &self.buffers[id];
            match buffer.element {
                Element::Index => self.batch as u64 * 4,
                Element::Real if self.is_of_layer(id) => (buffer.rows as u64).saturating_mul(row_bytes(buffer.columns)),
                Element::Real if self.losses == Some(id) => self.loss_places(self.batch) as u64 * row_bytes(4) / 4,
                // One element a row of the batch.
                Element::Real if self.evaluation_losses == id => self.batch as u64 * row_bytes(4) / 4,
                // A buffer of one row holds a batch of one, or what is one for the whole batch.
                Element::Real if buffer.rows == 1 => row_bytes(buffer.columns),
                Element::Real => share(self.batch as u64).saturating_mul(row_bytes(buffer.columns)),
            }
        };
        let kept = |id: BufferId| match launch.kernel.keeps() {
            Kept::Nothing => false,
            Kept::Parameters => self.parameters.contains(&id),
            Kept::All => self.is_of_layer(id),
        };
        let again = launch.writes.iter().filter(|&&id| self.is_of_layer(id));
        let is_split = target.is_some_and(|target| launch.choice(self.batch, target).family.is_split());
        let factors = launch.reads.iter().take(if is_split { 2 } else { 0 });
        let all = launch.reads.iter().chain(&launch.writes).chain(again).chain(factors).filter(|&&id| !kept(id));
        let bytes = all.map(touched).fold(0, u64::saturating_add).saturating_mul(self.replicas as u64);
        let on_the_way = target.map_or(0, |target| launch.partial_bytes(self.batch, self.replicas, target));
        bytes.saturating_add(on_the_way.saturating_mul(2))
    }

    /// Bytes of the buffers in which every launch leaves scales of its factors and partial sums on a GPU, one launch after the other; 0 if
    /// none does.
    pub fn scratch(&self, target: &Target) -> [u64; 2] {
        let mut most = [0; 2];
        for phase in [Phase::Training, Phase::Evaluation] {
            let rows = self.rows(phase);
            for launch in self.launches(phase) {
                let of =
                    [Launch::scale_bytes, Launch::partial_bytes].map(|bytes| bytes(launch, rows, self.replicas, target));
                most = [most[0].max(of[0]), most[1].max(of[1])];
            }
        }
        most
    }

    /// The least that kernels of the plan's kind can move in a training step of a whole batch: inputs, targets and losses once; those
    /// of a layer, which keep nothing, also the weights for each forward and delta, read and written by each update, as the optimizer's
    /// states are, and activations, slopes and deltas once.
    pub fn least_bytes(&self, network: &Network, row_bytes: RowBytes) -> u64 {
        let widths = network.widths();
        let batch = (self.batch * self.micro_batches) as u64;
        let losses = self.loss_places(self.batch * self.micro_batches) as u64;
        let mut bytes = batch * (row_bytes(network.inputs()) + row_bytes(network.outputs())) + losses * row_bytes(4) / 4;
        if self.sums_losses() {
            return bytes.saturating_mul(self.replicas as u64);
        }
        let trained = |l: usize| self.training.iter().any(|launch| launch.writes.contains(&self.parameters[l]));
        // No error has to find its way below the first layer that is not frozen.
        let first = (0..network.layers()).find(|&l| trained(l)).unwrap_or(network.layers());
        for l in 0..network.layers() {
            let (rows, row) = ((widths[l] + usize::from(network.bias())) as u64, row_bytes(widths[l + 1]));
            let updated = if trained(l) { 2 * (1 + self.states[l].len() as u64) } else { 0 };
            let times = 1 + u64::from(l > first) + updated;
            let (hidden, has_delta) = (l + 1 < network.layers(), l >= first);
            let stored = u64::from(hidden) * (1 + u64::from(has_delta && network.activations()[l].stores_slope()));
            let moved = (times * rows).saturating_add((u64::from(has_delta) + stored) * batch).saturating_mul(row);
            bytes = bytes.saturating_add(moved);
        }
        bytes.saturating_mul(self.replicas as u64)
    }

    /// Dispatches of a step on a device that wait for those before them, whether of this step or of the last: wgpu makes one wait that
    /// reads a buffer which was written last, or writes a buffer that was used at all. A kernel of many steps waits once for all of them.
    pub fn dependent_dispatches(&self, target: &Target) -> usize {
        // Whether a buffer was written when it was used last.
        let mut written: BTreeMap<BufferId, bool> = BTreeMap::new();
        let mut count = 0;
        for _step in 0..2 {
            count = 0;
            for launch in &self.training {
                let reads = launch.reads.iter().any(|id| written.get(id) == Some(&true));
                let waits = reads || launch.writes.iter().any(|id| written.contains_key(id));
                // What finds scales is waited for, and the second pass over sums in parts waits for the first.
                count += (usize::from(waits) + launch.forms(self.batch, target).count() - 1) * self.times(launch);
                written.extend(launch.reads.iter().map(|&id| (id, false)));
                written.extend(launch.writes.iter().map(|&id| (id, true)));
            }
        }
        count
    }

    /// How often a launch is run in a step of a whole batch.
    pub fn times(&self, launch: &Launch) -> usize {
        if launch.ends_batch { 1 } else { self.micro_batches }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Frozen, Options, TrainingOptions};
    use super::*;
    use crate::kernels::Choice;
    use crate::kernels::whole::Variant;
    use crate::network::{Activation, Loss, OptimizerKind};

    fn plan(network: &Network, training: TrainingOptions, segment_bytes: Option<u64>) -> Plan {
        let options = Options {
            loss: Loss::SquaredError,
            training: Some(training),
            evaluation_rows: 1,
            evaluation_data: 0,
            replicas: 1,
            own_steps: false,
            segment_bytes,
        };
        Plan::new(network, &options)
    }

    fn bytes(network: &Network, training: TrainingOptions, segment_bytes: Option<u64>) -> (u64, u64) {
        let plan = plan(network, training, segment_bytes);
        let row_bytes: RowBytes = |columns| 4 * columns as u64;
        let moved = plan.training.iter().map(|launch| plan.moved_bytes(launch, row_bytes, None)).sum();
        (moved, plan.least_bytes(network, row_bytes))
    }

    /// Counted by hand for 8 rows of a 4-12-8 net with biases, trained by momentum.
    #[test]
    fn bytes_are_those_of_matrices_that_are_counted_by_hand() {
        let network = Network::new(vec![4, 12, 8], vec![Activation::Gelu, Activation::Sigmoid], true).expect("a network");
        let training = TrainingOptions { gather: true, ..TrainingOptions::plain(32, 8, OptimizerKind::Momentum) };
        let (x, y, a, first, second) = (8 * 4, 8 * 8, 8 * 12, 5 * 12, 13 * 8);
        let forward = (x + first + 2 * a) + (a + second + y + y + 8);
        let delta = y + second + a + a;
        let update = (a + y + 4 * second) + (x + a + 4 * first);
        let least = x + y + 8 + 5 * first + 6 * second + 2 * a + a + y;
        assert_eq!(bytes(&network, training, None), (4 * (forward + delta + update), 4 * least));
        // Through an order: three launches read 8 of its places. Gathered: each row is read and written once more instead.
        let (ordered, _) = bytes(&network, TrainingOptions { shuffle: true, gather: false, ..training }, None);
        assert_eq!(ordered, 4 * (forward + delta + update + 3 * 8));
        let gather = TrainingOptions { shuffle: true, ..training };
        let (gathered, _) = bytes(&network, gather, None);
        assert_eq!(gathered, 4 * (forward + delta + update + 2 * (x + y) + 2 * 8));
        let (x, y, a) = (x / 8, y / 8, a / 8);
        let forward = (x + first + 2 * a) + (a + second + y + y + 1);
        let delta = y + second + a + a;
        let update = (a + y + 4 * second) + (x + a + 4 * first);
        let (single, _) = bytes(&network, TrainingOptions { batch: 1, ..gather }, None);
        assert_eq!(single, 4 * (forward + delta + update + 2 * (x + y) + 2), "a batch of one row");
        let (in_segments, _) = bytes(&network, gather, Some(16 * 32));
        assert_eq!(in_segments, gathered + 4 * 8, "two segments of targets, whose gathers read the order once each");
    }

    /// Counted by hand for 8 rows of the same net.
    #[test]
    fn what_a_kernel_of_many_steps_keeps_is_not_moved() {
        let network = Network::new(vec![4, 12, 8], vec![Activation::Sigmoid; 2], true).expect("a network");
        let (data, parameters) = (8 * (4 + 8) + 1, 5 * 12 + 13 * 8);
        for (variant, order, of_layers) in
            [(Variant::Invocation, 8, 0), (Variant::Held, 8, 0), (Variant::Workgroup, 8, 4 * parameters)]
        {
            let whole = Some(variant);
            let training = TrainingOptions { whole, ..TrainingOptions::plain(32, 8, OptimizerKind::Momentum) };
            assert_eq!(bytes(&network, training, None), (4 * (data + order + of_layers), 4 * data), "{variant:?}");
        }
    }

    /// Counted by hand: the first layer's weights are read once, and no delta reaches it.
    #[test]
    fn what_is_frozen_is_not_updated() {
        let network = Network::new(vec![4, 12, 8], vec![Activation::Gelu, Activation::Sigmoid], true).expect("a network");
        let frozen = Frozen::new([0]);
        let training = TrainingOptions { gather: true, frozen, ..TrainingOptions::plain(32, 8, OptimizerKind::Momentum) };
        let (x, y, a, first, second) = (8 * 4, 8 * 8, 8 * 12, 5 * 12, 13 * 8);
        let least = x + y + 8 + first + 5 * second + a + y;
        let (moved, counted) = bytes(&network, training, None);
        assert_eq!(counted, 4 * least);
        assert!(counted < moved, "{moved}");
    }

    /// Updates do not depend on each other, but each of several dispatches waits all the same.
    #[test]
    fn dispatches_that_wait_are_counted() {
        let network = Network::new(vec![784, 512, 256, 10], vec![Activation::Sigmoid; 3], true).expect("a network");
        let target = Target::sample(false, 1 << 15);
        let count = |training: TrainingOptions| plan(&network, training, None).dependent_dispatches(&target);
        let training = TrainingOptions::plain(20_000, 256, OptimizerKind::Sgd);
        let joint = TrainingOptions { joint: true, ..training };
        assert_eq!(count(joint), 6, "three forward, two delta, one of all updates");
        assert_eq!(count(training), 8, "an update each");
        assert_eq!(count(TrainingOptions { shuffle: true, gather: true, ..joint }), 8, "inputs and targets are gathered");
        let whole = Some(Variant::Workgroup);
        assert_eq!(count(TrainingOptions { whole, ..TrainingOptions::plain(20, 10, OptimizerKind::Sgd) }), 1);
    }

    #[test]
    fn partial_sums_are_written_and_read() {
        let network = Network::new(vec![4, 12, 8], vec![Activation::Sigmoid; 2], true).expect("a network");
        let mut plan = plan(&network, TrainingOptions::plain(32, 8, OptimizerKind::Sgd), None);
        let target = Target::sample(false, 1 << 15);
        let moved = |plan: &Plan, target| -> u64 {
            plan.training.iter().map(|launch| plan.moved_bytes(launch, |columns| 4 * columns as u64, target)).sum()
        };
        assert_eq!((moved(&plan, Some(&target)), plan.scratch(&target)), (moved(&plan, None), [0; 2]));
        // The last launch is the update of the first layer: 4 inputs and the bias, 12 outputs.
        plan.training.last_mut().expect("a launch").choice = Some(Choice { parts: 3, ..Choice::default() });
        let sums = 3 * 5 * 12 * 4;
        assert_eq!((moved(&plan, Some(&target)), plan.scratch(&target)), (moved(&plan, None) + 2 * sums, [0, sums]));
    }
}
