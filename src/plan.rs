//! One training step, and one evaluation, as a list of kernels over named buffers: the only definition of the algorithm.
//!
//! ```text
//! forward         a[l]     = f(a[l-1] · W[l] + b[l])                     a[0] = x
//! output delta    delta[L] = dLoss/da[L] ⊙ f'(a[L])                       error × derivative
//! delta           delta[l] = (delta[l+1] · W[l+1]ᵀ) ⊙ f'(a[l])
//! update          W[l]    -= step(a[l-1]ᵀ · delta[l]),  b[l] -= step(column sums of delta[l])
//! ```

mod builder;
mod launch;
mod layers;
mod limits;
mod options;
mod traffic;
mod whole;

use std::collections::BTreeMap;

use crate::kernels::operands::{Access, Count};
use crate::kernels::whole::group_starts;
use crate::kernels::{Choice, Forward, Layer, Target};
use crate::network::Network;
use builder::Builder;
pub use launch::{Buffer, BufferId, Element, Launch, Segment};
pub use layers::{Dropout, Frozen, LayerRates};
pub use limits::{DeviceLimits, human_bytes};
pub use options::{Options, TrainingOptions};
pub use traffic::RowBytes;

/// What a shader binds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bindable {
    /// One buffer.
    Buffer(BufferId),
    /// All buffers of a group.
    Group(usize),
}

/// A binding of a launch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bound {
    /// What is bound.
    pub operand: Bindable,
    /// Whether it is written.
    pub writes: bool,
}

/// Which of the plan's two lists of kernels is meant.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// One training step.
    Training,
    /// The outputs and losses of a batch, with the weights as they are.
    Evaluation,
}

/// One training step and one evaluation of a network.
#[derive(Clone)]
pub struct Plan {
    /// All buffers.
    pub buffers: Vec<Buffer>,
    /// The kernels of a training step; empty in a plan that evaluates only.
    pub training: Vec<Launch>,
    /// The kernels of an evaluation.
    pub evaluation: Vec<Launch>,
    /// Networks trained at once.
    pub replicas: usize,
    /// Records of a step: one a replica, or one for all.
    pub records: usize,
    /// Parameters, layer by layer: [(inputs + bias) × outputs], the last row being the biases.
    pub parameters: Vec<BufferId>,
    /// The optimizer's states, layer by layer, each shaped as the parameters.
    pub states: Vec<Vec<BufferId>>,
    /// Which of a layer's states is a mean of squares, and so never negative.
    pub squares: Option<usize>,
    /// The averages of the parameters, layer by layer, which are the last states; none where none are kept.
    pub averages: Vec<BufferId>,
    /// The gradients, layer by layer, each shaped as the parameters; none where `update` applies its own.
    pub gradients: Vec<BufferId>,
    /// The training inputs [rows × inputs], in segments.
    pub inputs: Vec<Segment>,
    /// The training targets [rows × outputs], in segments.
    pub targets: Vec<Segment>,
    /// The weights of the training rows [rows × 1], in segments; none where all weigh the same.
    pub weights: Vec<Segment>,
    /// The order of the rows in an epoch; absent where batches are read in place.
    pub order: Option<BufferId>,
    /// Rows of the training data that each network has on the device at once.
    pub window: usize,
    /// How often there are as many: 1, or a window for each network.
    pub windows: usize,
    /// Losses of the rows trained on, or of whole steps ([`Plan::loss_places`]).
    pub losses: Option<BufferId>,
    /// Flags of the factors that were beyond the range of f16 ([`Kind`](crate::kernels::halves::Kind)), where training is mixed.
    pub overflows: Option<BufferId>,
    /// Where a batch to evaluate goes: inputs [rows × inputs], targets [rows × outputs].
    pub evaluation_inputs: BufferId,
    /// Targets [rows × outputs] of a batch to evaluate; zeros to predict only.
    pub evaluation_targets: BufferId,
    /// Where the outputs [rows × outputs] of an evaluation are.
    pub evaluation_outputs: BufferId,
    /// Where the losses of an evaluation are, one a row.
    pub evaluation_losses: BufferId,
    /// Rows of the largest training batch, or of its largest micro-batch.
    pub batch: usize,
    /// Micro-batches of the largest training batch.
    pub micro_batches: usize,
    /// Rows of the largest evaluation.
    pub evaluation_rows: usize,
}

impl Plan {
    /// What a launch binds after its parameters and its steps: its operands' buffers, or their groups.
    pub fn bindings(&self, launch: &Launch) -> Vec<Bound> {
        let mut bindings = Vec::new();
        for (access, mut ids) in [(Access::Read, &launch.reads[..]), (Access::Write, &launch.writes)] {
            let writes = access == Access::Write;
            for operand in launch.operands.iter().filter(|operand| operand.access == access) {
                let (own, others) = ids.split_at(operand.count.buffers());
                ids = others;
                let group = || Bindable::Group(self.buffers[own[0]].group.expect("a group's buffers lie in one"));
                match operand.count {
                    Count::Group(_) => bindings.push(Bound { operand: group(), writes }),
                    _ => bindings.extend(own.iter().map(|&id| Bound { operand: Bindable::Buffer(id), writes })),
                }
            }
        }
        bindings
    }

    /// The plan of a network: a pure function of what is given.
    pub fn new(network: &Network, options: &Options) -> Self {
        let mut builder = Builder { network, options, buffers: Vec::new(), plain: false, overflows: None };
        let parameters: Vec<_> = (0..network.layers()).map(|l| builder.layer_buffer("parameters", l)).collect();
        let averaged = options.training.is_some_and(|training| training.extras.average);
        let kept = if averaged { network.layers() } else { 0 };
        let averages: Vec<_> = (0..kept).map(|l| builder.layer_buffer("average of parameters", l)).collect();
        let evaluation = builder.evaluation(if averaged { &averages } else { &parameters });
        let training = options.training.as_ref().map(|training| match training.whole {
            Some(variant) => builder.whole(variant, training, &parameters),
            None => builder.training(training, &parameters, &averages),
        });
        let training = training.unwrap_or_default();
        Self {
            overflows: builder.overflows,
            buffers: builder.buffers,
            training: training.launches,
            evaluation: evaluation.launches,
            replicas: options.replicas,
            records: if options.own_steps { options.replicas } else { 1 },
            parameters,
            states: training.states,
            squares: options.training.and_then(|training| training.optimizer.squares()),
            averages,
            gradients: training.gradients,
            inputs: training.inputs,
            targets: training.targets,
            weights: training.weights,
            order: training.order,
            window: options.training.map_or(0, |training| training.rows),
            windows: options.training.map_or(1, |training| training.windows),
            losses: training.losses,
            evaluation_inputs: evaluation.inputs,
            evaluation_targets: evaluation.targets,
            evaluation_outputs: evaluation.outputs,
            evaluation_losses: evaluation.losses,
            batch: options.training.as_ref().map_or(0, TrainingOptions::micro_batch),
            micro_batches: options.training.as_ref().map_or(1, TrainingOptions::count),
            evaluation_rows: options.evaluation_rows,
        }
    }

    /// A forward pass alone, from a batch's own buffer, to be timed.
    pub fn of_forward(kernel: Forward, choice: Choice) -> Self {
        let Layer { inputs, outputs, bias, capacity } = kernel.layer;
        let network = Network::new(vec![inputs, outputs], vec![kernel.activation], bias);
        let network = network.expect("a forward pass has inputs and outputs");
        let loss = crate::network::Loss::SquaredError;
        let rows = capacity;
        let options = Options {
            loss,
            training: None,
            evaluation_rows: 1,
            evaluation_data: 0,
            replicas: 1,
            own_steps: false,
            segment_bytes: None,
        };
        let mut plan = Self::new(&network, &options);
        let matrix = |name: &str, columns: usize| Buffer {
            name: name.into(),
            rows,
            columns,
            element: Element::Real,
            shared: false,
            group: None,
        };
        let input = plan.buffers.len();
        plan.buffers.extend([matrix("input", inputs), matrix("output", outputs)]);
        let buffers = [("input", input), ("weight", plan.parameters[0]), ("output", input + 1)];
        let launch = Launch::new("forward 1", kernel, buffers);
        plan.training = vec![Launch { choice: Some(choice), ..launch }];
        plan.evaluation.clear();
        plan.batch = rows;
        plan
    }

    /// Multiply-adds of the products of a training step.
    pub fn multiply_adds(&self) -> f64 {
        let of = |launch: &Launch| {
            launch.kernel.product(self.batch).map_or(0.0, |sizes| sizes.map(|size| size as f64).iter().product())
        };
        self.training.iter().map(of).sum()
    }

    /// How each product is computed on a device, by its [`Launch::product_key`].
    pub fn product_choices(&self, target: &Target) -> BTreeMap<String, Choice> {
        [Phase::Training, Phase::Evaluation]
            .into_iter()
            .flat_map(|phase| {
                let rows = self.rows(phase);
                self.launches(phase)
                    .iter()
                    .filter_map(move |launch| Some((launch.product_key(rows)?, launch.choice(rows, target))))
            })
            .collect()
    }

    /// Sets how each product is computed whose [`Launch::product_key`] is among these.
    pub fn choose(&mut self, choices: &BTreeMap<String, Choice>) {
        let (batch, evaluation_rows) = (self.batch, self.evaluation_rows);
        let training = self.training.iter_mut().map(|launch| (launch, batch));
        let evaluation = self.evaluation.iter_mut().map(|launch| (launch, evaluation_rows));
        for (launch, rows) in training.chain(evaluation) {
            let choice = launch.product_key(rows).and_then(|key| choices.get(&key).copied());
            launch.choice = choice.or(launch.choice);
        }
    }

    /// The kernels of a phase.
    pub fn launches(&self, phase: Phase) -> &[Launch] {
        match phase {
            Phase::Training => &self.training,
            Phase::Evaluation => &self.evaluation,
        }
    }

    /// The buffers of the training data: inputs, targets and weights.
    pub fn data(&self) -> impl Iterator<Item = BufferId> {
        self.inputs.iter().chain(&self.targets).chain(&self.weights).map(|segment| segment.buffer)
    }

    /// Rows of the largest batch of a phase.
    pub fn rows(&self, phase: Phase) -> usize {
        match phase {
            Phase::Training => self.batch,
            Phase::Evaluation => self.evaluation_rows,
        }
    }

    /// Bytes of all buffers on the GPU of this target, with their padding, scales and partial sums.
    pub fn padded_bytes(&self, target: &Target) -> u64 {
        let bytes = |sum: u64, buffer: &Buffer| sum.saturating_add(buffer.padded_bytes(self.replicas));
        self.buffers.iter().fold(self.scratch(target).into_iter().sum(), bytes)
    }

    /// Where each buffer of a group begins, in bytes, and the bytes of all; the buffers in the order of the plan.
    pub fn group(&self, group: usize) -> (Vec<(BufferId, u64)>, u64) {
        let members = || (0..self.buffers.len()).filter(|&id| self.buffers[id].group == Some(group));
        let lengths = members().map(|id| (self.buffers[id].padded_bytes(self.replicas) / 16) as usize);
        let (starts, length) = group_starts(lengths);
        (members().zip(starts.into_iter().map(|start| start as u64 * 16)).collect(), length as u64 * 16)
    }

    /// Whether a buffer is a layer's matrix: parameters, states, gradients. The others are the data's and the batch's.
    pub fn is_of_layer(&self, id: BufferId) -> bool {
        let states = self.states.iter().flatten();
        self.parameters.iter().chain(states).chain(&self.gradients).any(|&matrix| matrix == id)
    }

    /// Whether a training step leaves one loss, the sum over its rows, instead of one a row.
    pub fn sums_losses(&self) -> bool {
        self.training.iter().any(|launch| launch.kernel.takes_many_steps())
    }

    /// Places in the buffer of losses that a training step of so many rows fills.
    pub fn loss_places(&self, rows: usize) -> usize {
        if self.sums_losses() { 1 } else { rows }
    }

    /// How many replicas' copies a buffer holds.
    pub fn copies(&self, buffer: BufferId) -> usize {
        if self.buffers[buffer].shared { 1 } else { self.replicas }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Activation, Extras, Loss, OptimizerKind};

    fn options(rows: usize, batch: usize) -> Options {
        let optimizer = OptimizerKind::Adam;
        let training = TrainingOptions { shuffle: true, ..TrainingOptions::plain(rows, batch, optimizer) };
        Options {
            loss: Loss::CrossEntropy,
            training: Some(training),
            evaluation_rows: 32,
            evaluation_data: 0,
            replicas: 1,
            own_steps: false,
            segment_bytes: Some(1 << 20),
        }
    }

    fn network() -> Network {
        Network::new(vec![64, 32, 16, 10], vec![Activation::Relu, Activation::Gelu, Activation::Softmax], true)
            .expect("fits")
    }

    fn labels(plan: &Plan) -> Vec<&str> {
        plan.training.iter().map(|launch| launch.label.as_str()).collect()
    }

    /// Clipping sums the squares of all gradients whatever their number: nothing but the device's buffers limits them.
    #[test]
    fn clipping_has_no_limit_of_parameters_of_its_own() {
        let target = Target::sample(false, 1 << 15);
        let limits = DeviceLimits {
            buffer_bytes: 1 << 34,
            memory: None,
            workgroups: 65_535,
            storage_buffers: 8,
            iterations: crate::kernels::form::MOST_ITERATIONS,
            target,
        };
        for widths in [vec![8192, 8192, 10], vec![1 << 15, 3 << 15, 1]] {
            let network = Network::new(widths, vec![Activation::Relu, Activation::Sigmoid], true).expect("fits");
            let extras = Extras { any: true, norm: true, average: false };
            let training = TrainingOptions { extras, ..TrainingOptions::plain(1, 1, OptimizerKind::Sgd) };
            let of = Options { loss: Loss::SquaredError, training: Some(training), evaluation_rows: 1, ..options(1, 1) };
            let plan = Plan::new(&network, &of);
            assert!(network.parameter_count() > 33_600_000 && labels(&plan).contains(&"norm of all"));
            plan.check(&limits).expect("a plan that fits");
        }
    }

    #[test]
    fn a_step_is_3l_minus_1_launches() {
        let plan = Plan::new(&network(), &options(1000, 100));
        let expected =
            ["forward 1", "forward 2", "forward 3, output", "delta 2", "delta 1", "update 3", "update 2", "update 1"];
        assert_eq!(labels(&plan), expected);
    }

    #[test]
    fn a_step_is_3l_minus_1_launches_for_few_outputs_and_3l_for_many_whatever_the_loss() {
        for layers in 1..=4 {
            for outputs in [1, 10, 16, 17, 100] {
                for (output, loss) in [
                    (Activation::Softmax, Loss::CrossEntropy),
                    (Activation::Sigmoid, Loss::BinaryCrossEntropy),
                    (Activation::Tanh, Loss::SquaredError),
                    (Activation::Gelu, Loss::SquaredError),
                ] {
                    let mut activations = vec![Activation::Relu; layers];
                    activations[layers - 1] = output;
                    let widths = [vec![9; layers], vec![outputs]].concat();
                    let Ok(network) = Network::new(widths, activations, true) else { continue };
                    let plan = Plan::new(&network, &Options { loss, ..options(1000, 100) });
                    let expected = if outputs <= 16 { 3 * layers - 1 } else { 3 * layers };
                    assert_eq!(plan.training.len(), expected, "{layers} layers, {outputs} outputs, {loss}");
                }
            }
        }
    }

    #[test]
    fn batches_are_gathered_only_where_asked_for_or_where_the_data_is_in_segments() {
        let gathers = |options: &Options| {
            let plan = Plan::new(&network(), options);
            (plan.order.is_some(), labels(&plan).iter().filter(|label| label.starts_with("gather")).count())
        };
        let training = options(1000, 100).training.expect("trains");
        let with = |training| Options { training: Some(training), ..options(1000, 100) };
        assert_eq!(gathers(&with(training)), (true, 0));
        assert_eq!(gathers(&with(TrainingOptions { gather: true, ..training })), (true, 2));
        assert_eq!(gathers(&with(TrainingOptions { gather: true, shuffle: false, ..training })), (false, 0));
        assert_eq!(gathers(&with(TrainingOptions { gather: true, batch: 1000, ..training })), (false, 0));
        let in_segments = Options { segment_bytes: Some(1 << 17), ..with(TrainingOptions { shuffle: false, ..training }) };
        assert_eq!(gathers(&in_segments), (true, 3));
    }

    #[test]
    fn replicas_share_the_data_and_nothing_else() {
        for training in [100, 1000].map(|rows| options(rows, 100).training) {
            let plan = Plan::new(&network(), &Options { replicas: 2, training, ..options(100, 100) });
            let shared = |launch: &Launch| launch.reads.iter().any(|&id| plan.buffers[id].shared);
            let reading = plan.training.iter().filter(|launch| shared(launch)).map(|launch| launch.label.as_str());
            assert_eq!(reading.collect::<Vec<_>>(), ["forward 1", "forward 3, output", "update 1"]);
            assert!(!plan.evaluation.iter().any(shared));
        }
    }

    #[test]
    fn no_kernel_writes_what_it_reads_or_what_another_replica_reads() {
        for (rows, batch, replicas) in [(100, 100, 1), (100, 100, 3), (1000, 64, 1), (1000, 64, 3)] {
            let plan = Plan::new(&network(), &Options { replicas, ..options(rows, batch) });
            for launch in plan.training.iter().chain(&plan.evaluation) {
                let label = &launch.label;
                assert!(launch.writes.iter().all(|id| !launch.reads.contains(id)), "{label}");
                assert!(launch.writes.iter().all(|&id| !plan.buffers[id].shared), "{label}");
            }
        }
    }

    #[test]
    fn data_over_the_segment_size_is_cut_and_covers_every_row_once() {
        let plan = Plan::new(&network(), &options(10_000, 100));
        assert_eq!(plan.inputs.len(), 3);
        let mut next = 0;
        for segment in &plan.inputs {
            assert_eq!(segment.first, next);
            assert!(plan.buffers[segment.buffer].padded_bytes(1) <= 1 << 20);
            next += segment.rows;
        }
        assert_eq!(next, 10_000);
    }

    #[test]
    fn what_does_not_fit_the_device_is_refused_before_anything_starts() {
        let plan = Plan::new(&network(), &options(1000, 100));
        let target = Target::sample(true, 32_768);
        let (memory, workgroups, iterations) = (None, 65_535, 32_768);
        let limits = DeviceLimits { buffer_bytes: 1 << 27, memory, workgroups, iterations, storage_buffers: 8, target };
        plan.check(&limits).expect("fits");
        let small = plan.check(&DeviceLimits { buffer_bytes: 1 << 10, ..limits }).expect_err("too small");
        assert_eq!(small.exit_code(), 6);
        assert!(small.to_string().contains("KiB"), "{small}");
        let memory = Some(plan.padded_bytes(&target));
        plan.check(&DeviceLimits { memory, ..limits }).expect("just fits");
        plan.check(&DeviceLimits { memory: memory.map(|bytes| bytes - 1), ..limits }).expect_err("too little memory");
        plan.check(&DeviceLimits { workgroups: 3, ..limits }).expect_err("too few workgroups");
        plan.check(&DeviceLimits { storage_buffers: 4, ..limits }).expect_err("too few bindings");
        let wide = Network::new(vec![140_000, 1], vec![Activation::Sigmoid], true).expect("fits");
        let options = Options { loss: Loss::SquaredError, ..options(10, 10) };
        let mut plan = Plan::new(&wide, &options);
        plan.check(&limits).expect("the sums are split");
        plan.training.iter_mut().for_each(|launch| launch.choice = Some(Choice::default()));
        let error = plan.check(&limits).expect_err("too many iterations");
        assert!(error.to_string().contains("loop iterations"), "{error}");
        let most = 1 << 25;
        plan.training.iter_mut().for_each(|launch| launch.choice = Some(Choice { parts: 20, ..Choice::default() }));
        let error = plan.check(&DeviceLimits { buffer_bytes: most, ..limits }).expect_err("too large partial sums");
        assert!(error.to_string().contains("partial sums"), "{error}");
    }
}
