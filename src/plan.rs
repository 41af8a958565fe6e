//! One training step, and one evaluation, as a list of kernels over named buffers: the only definition of the algorithm.
//!
//! ```text
//! forward         a[l]     = f(a[l-1] · W[l] + b[l])                     a[0] = x
//! output delta    delta[L] = dLoss/da[L] ⊙ f'(a[L])                       error × derivative
//! delta           delta[l] = (delta[l+1] · W[l+1]ᵀ) ⊙ f'(a[l])
//! update          W[l]    -= step(a[l-1]ᵀ · delta[l]),  b[l] -= step(column sums of delta[l])
//! ```

mod traffic;

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::kernels::form::MOST_ITERATIONS;
use crate::kernels::product::partial_bytes;
use crate::kernels::whole::{Sequence, SequenceLaunch, Variant, group_starts};
use crate::kernels::{
    Choice, Delta, Form, Forward, ForwardOutput, Gather, Kernel, Output, OutputProduct, Source, Target, Update, Whole,
    stride4,
};
use crate::network::{Activation, Loss, Network, OptimizerKind};
pub use traffic::RowBytes;

/// A buffer's place in [`Plan::buffers`].
pub type BufferId = usize;

/// What a buffer's elements are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// f32 or f64.
    Real,
    /// u32.
    Index,
}

/// A named matrix of the plan.
#[derive(Debug, Clone)]
pub struct Buffer {
    /// Its name, as `--dry-run` prints it.
    pub name: String,
    /// Rows of one replica.
    pub rows: usize,
    /// Columns. On the GPU each row is padded with zeros to a multiple of four.
    pub columns: usize,
    /// What its elements are.
    pub element: Element,
    /// One for all replicas, instead of one each.
    pub shared: bool,
    /// Buffers of one group lie in one piece of the device's memory, so that a kernel can bind them together.
    pub group: Option<usize>,
}

impl Buffer {
    /// Bytes on the GPU, with its padding, for this many replicas.
    pub fn padded_bytes(&self, replicas: usize) -> u64 {
        let copies = if self.shared { 1 } else { replicas as u64 };
        copies.saturating_mul(self.rows as u64).saturating_mul(stride4(self.columns) as u64).saturating_mul(16)
    }

    /// Elements of one replica, without padding.
    pub fn length(&self) -> usize {
        self.rows * self.columns
    }
}

/// One kernel over its buffers.
#[derive(Clone)]
pub struct Launch {
    /// The kernel and, where there are several, its layer (from 1): `forward 2`.
    pub label: String,
    /// The kernel with its sizes.
    pub kernel: Arc<dyn Kernel>,
    /// The buffers that it reads, in the order of its shader's bindings.
    pub reads: Vec<BufferId>,
    /// The buffers that it writes, in the order of its shader's bindings.
    pub writes: Vec<BufferId>,
    /// Buffers that its shader needs room in, bound after the others; the CPU needs none.
    pub scratch: Vec<BufferId>,
    /// How it is computed on a GPU; None: as its sizes and the device suggest.
    pub choice: Option<Choice>,
}

impl Launch {
    /// How a batch of up to `rows` rows is computed on a device.
    pub fn choice(&self, rows: usize, target: &Target) -> Choice {
        self.choice.unwrap_or_else(|| self.kernel.choices(rows, target)[0])
    }

    /// The kernel and its product's sizes, which decide what way to compute it is fast. None for what is no product.
    pub fn product_key(&self, rows: usize) -> Option<String> {
        let [rows, columns, terms] = self.kernel.product(rows)?;
        Some(format!("{} of {rows} × {columns} over {terms}", self.kernel.name()))
    }

    /// Its dispatches on a device, one after the other, for a batch of up to `rows` rows.
    pub fn forms(&self, rows: usize, target: &Target) -> impl Iterator<Item = Form> + use<> {
        self.choice(rows, target).forms(target.lanes)
    }

    /// Bytes of the partial sums that it needs on a device, for this many replicas; 0 for sums in one part.
    pub fn partial_bytes(&self, rows: usize, replicas: usize, target: &Target) -> u64 {
        match (self.kernel.product(rows), self.choice(rows, target).parts) {
            (None, _) | (_, 1) => 0,
            (Some(sizes), parts) => partial_bytes(sizes, parts, replicas),
        }
    }
}

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

/// What a training step needs to know beside the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TrainingOptions {
    /// Rows of the training data that are on the device at once.
    pub rows: usize,
    /// Rows of a batch. As many as there are, or more: the batch is the data, and has no order.
    pub batch: usize,
    /// Whether batches follow an order of the rows. Without, they are the rows as they lie.
    pub shuffle: bool,
    /// Whether the rows of a shuffled batch are copied together, for products that want them so, instead of being read where
    /// the order says.
    pub gather: bool,
    /// The optimizer's rule.
    pub optimizer: OptimizerKind,
    /// Room for losses: rows that may be trained on between two readings.
    pub losses: usize,
    /// One kernel for many whole steps, in this variant: for small networks.
    pub whole: Option<Variant>,
}

/// What a plan needs to know beside the network.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Options {
    /// The loss.
    pub loss: Loss,
    /// Absent: the plan evaluates only.
    pub training: Option<TrainingOptions>,
    /// Rows that are evaluated at once.
    pub evaluation_rows: usize,
    /// Networks of this shape that are trained at once.
    pub replicas: usize,
    /// Whether each replica has steps of its own, instead of the same for all.
    pub own_steps: bool,
    /// The largest buffer of source data; more is cut into segments. None: no limit.
    pub segment_bytes: Option<u64>,
}

/// A part of the training data's rows, in a buffer of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Segment {
    /// The buffer.
    pub buffer: BufferId,
    /// The data's row that is its first.
    pub first: usize,
    /// Rows in it.
    pub rows: usize,
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
    /// The training inputs [rows × inputs], in segments.
    pub inputs: Vec<Segment>,
    /// The training targets [rows × outputs], in segments.
    pub targets: Vec<Segment>,
    /// The order of the rows in an epoch; absent where batches are read in place.
    pub order: Option<BufferId>,
    /// Losses of the rows trained on.
    pub losses: Option<BufferId>,
    /// Where a batch to evaluate goes: inputs [rows × inputs], targets [rows × outputs].
    pub evaluation_inputs: BufferId,
    /// Targets [rows × outputs] of a batch to evaluate; zeros to predict only.
    pub evaluation_targets: BufferId,
    /// Where the outputs [rows × outputs] of an evaluation are.
    pub evaluation_outputs: BufferId,
    /// Where the losses of an evaluation are, one a row.
    pub evaluation_losses: BufferId,
    /// Rows of the largest training batch.
    pub batch: usize,
    /// Rows of the largest evaluation.
    pub evaluation_rows: usize,
}

impl Plan {
    /// What a launch binds after its parameters and its steps: its buffers, or for a kernel of many steps the groups that they
    /// are in.
    pub fn bindings(&self, launch: &Launch) -> Vec<Bound> {
        let mut bindings: Vec<Bound> =
            launch.reads.iter().map(|&id| Bound { operand: Bindable::Buffer(id), writes: false }).collect();
        for &id in launch.writes.iter().chain(&launch.scratch) {
            let operand = match self.buffers[id].group {
                Some(group) if launch.kernel.takes_many_steps() => Bindable::Group(group),
                _ => Bindable::Buffer(id),
            };
            if !bindings.iter().any(|bound| bound.operand == operand) {
                bindings.push(Bound { operand, writes: true });
            }
        }
        bindings
    }

    /// The plan of a network: a pure function of what is given.
    pub fn new(network: &Network, options: &Options) -> Self {
        let mut builder = Builder { network, options, buffers: Vec::new(), plain: false };
        let parameters: Vec<_> = (0..network.layers()).map(|l| builder.layer_buffer("parameters", l)).collect();
        let evaluation = builder.evaluation(&parameters);
        let training = match &options.training {
            Some(training) if training.whole.is_some() => builder.whole(training, &parameters),
            Some(training) => builder.training(training, &parameters),
            None => Training::default(),
        };
        Self {
            buffers: builder.buffers,
            training: training.launches,
            evaluation: evaluation.launches,
            replicas: options.replicas,
            records: if options.own_steps { options.replicas } else { 1 },
            parameters,
            states: training.states,
            inputs: training.inputs,
            targets: training.targets,
            order: training.order,
            losses: training.losses,
            evaluation_inputs: evaluation.inputs,
            evaluation_targets: evaluation.targets,
            evaluation_outputs: evaluation.outputs,
            evaluation_losses: evaluation.losses,
            batch: options.training.map_or(0, |training| training.batch.min(training.rows)),
            evaluation_rows: options.evaluation_rows,
        }
    }

    /// Sets how each product is computed whose [`Launch::product_key`] is among these.
    pub fn choose(&mut self, choices: &HashMap<String, Choice>) {
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

    /// The buffers of the training data: inputs and targets.
    pub fn data(&self) -> impl Iterator<Item = BufferId> {
        self.inputs.iter().chain(&self.targets).map(|segment| segment.buffer)
    }

    /// Rows of the largest batch of a phase.
    pub fn rows(&self, phase: Phase) -> usize {
        match phase {
            Phase::Training => self.batch,
            Phase::Evaluation => self.evaluation_rows,
        }
    }

    /// Bytes of all buffers on the GPU, with their padding.
    pub fn padded_bytes(&self) -> u64 {
        self.buffers.iter().fold(0, |sum, buffer| sum.saturating_add(buffer.padded_bytes(self.replicas)))
    }

    /// Where each buffer of a group begins, in bytes, and the bytes of all; the buffers in the order of the plan.
    pub fn group(&self, group: usize) -> (Vec<(BufferId, u64)>, u64) {
        let members = || (0..self.buffers.len()).filter(|&id| self.buffers[id].group == Some(group));
        let lengths = members().map(|id| (self.buffers[id].padded_bytes(self.replicas) / 16) as usize);
        let (starts, length) = group_starts(lengths);
        (members().zip(starts.into_iter().map(|start| start as u64 * 16)).collect(), length as u64 * 16)
    }

    /// How many replicas' copies a buffer holds.
    pub fn copies(&self, buffer: BufferId) -> usize {
        if self.buffers[buffer].shared { 1 } else { self.replicas }
    }

    /// Checks every buffer and dispatch against a device's limits, before anything is allocated.
    ///
    /// # Errors
    /// Limit, naming the buffer or kernel, what it needs, what the device has, and what to change.
    pub fn check(&self, limits: &DeviceLimits) -> Result<()> {
        for buffer in &self.buffers {
            let (bytes, most) = (buffer.padded_bytes(self.replicas), limits.buffer_bytes);
            if bytes > most {
                return Err(Error::Limit(format!(
                    "'{}' ({} × {}) needs {} and this device's buffers hold {}: take a smaller --batch-size or --hidden, fewer rows, or \
                     --device cpu",
                    buffer.name,
                    buffer.rows,
                    buffer.columns,
                    human_bytes(bytes),
                    human_bytes(most)
                )));
            }
        }
        let (bytes, most) = (self.padded_bytes(), limits.memory.unwrap_or(u64::MAX));
        if bytes > most {
            return Err(Error::Limit(format!(
                "all buffers together need {} and --device-memory allows {}: take a smaller --batch-size or --hidden, or --device cpu",
                human_bytes(bytes),
                human_bytes(most)
            )));
        }
        for phase in [Phase::Training, Phase::Evaluation] {
            for launch in self.launches(phase) {
                self.check_launch(launch, self.rows(phase), limits)?;
            }
        }
        Ok(())
    }

    fn check_launch(&self, launch: &Launch, rows: usize, limits: &DeviceLimits) -> Result<()> {
        let (label, most) = (&launch.label, limits.buffer_bytes);
        let partial_bytes = launch.partial_bytes(rows, self.replicas, &limits.target);
        if partial_bytes > most {
            return Err(Error::Limit(format!(
                "'{label}' over a batch of {rows} rows needs {} for partial sums and this device's buffers hold {}: take a smaller \
                 --batch-size, or --device cpu",
                human_bytes(partial_bytes),
                human_bytes(most)
            )));
        }
        let bindings = self.bindings(launch).len() as u64 + 2 + u64::from(partial_bytes > 0);
        if bindings > limits.storage_buffers {
            return Err(Error::Limit(format!(
                "'{label}' binds {bindings} buffers and this device allows {}: take another --optimizer, or --device cpu",
                limits.storage_buffers
            )));
        }
        for form in launch.forms(rows, &limits.target) {
            let groups = launch.kernel.grid(rows, self.replicas, form).into_iter().max().unwrap_or(0);
            let iterations = launch.kernel.iterations(rows, form);
            if groups > limits.workgroups || iterations > MOST_ITERATIONS {
                return Err(Error::Limit(format!(
                    "'{label}' over a batch of {rows} rows needs {groups} workgroups along an axis and {iterations} loop iterations; {} \
                     and {MOST_ITERATIONS} are allowed: take a smaller --batch-size, or --device cpu",
                    limits.workgroups
                )));
            }
        }
        Ok(())
    }
}

/// What a device allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DeviceLimits {
    /// Bytes of the largest buffer that a kernel may bind.
    pub buffer_bytes: u64,
    /// Bytes of all buffers together; none where that is not known before they are asked for.
    pub memory: Option<u64>,
    /// Workgroups along one axis.
    pub workgroups: u64,
    /// Storage buffers that a kernel may bind.
    pub storage_buffers: u64,
    /// What decides how kernels are computed.
    pub target: Target,
}

/// Bytes in binary units, as people read them.
pub fn human_bytes(bytes: u64) -> String {
    const UNITS: [&str; 7] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
    let (mut value, mut unit) = (bytes as f64, 0);
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    if unit == 0 { format!("{bytes} B") } else { format!("{value:.1} {}", UNITS[unit]) }
}

/// Makes buffers and launches while the plan is laid out.
struct Builder<'a> {
    network: &'a Network,
    options: &'a Options,
    buffers: Vec<Buffer>,
    /// Whether every batch is gathered and every layer and the outputs are a kernel each: the plainest step.
    plain: bool,
}

/// The part of the plan that trains.
#[derive(Default)]
struct Training {
    launches: Vec<Launch>,
    states: Vec<Vec<BufferId>>,
    inputs: Vec<Segment>,
    targets: Vec<Segment>,
    order: Option<BufferId>,
    losses: Option<BufferId>,
}

/// The part of the plan that evaluates.
struct Evaluation {
    launches: Vec<Launch>,
    inputs: BufferId,
    targets: BufferId,
    outputs: BufferId,
    losses: BufferId,
}

/// Where a phase finds the rows of a batch.
struct Data {
    inputs: BufferId,
    targets: BufferId,
    source: Source,
    /// The order that they are read through.
    order: Option<BufferId>,
}

impl Data {
    /// Where the rows of a layer's input are: the data's, or those of a buffer of the batch.
    fn source_of(&self, input: BufferId) -> Source {
        if input == self.inputs { self.source } else { Source::Batch }
    }

    /// The order that a layer's input is read through.
    fn order_of(&self, input: BufferId) -> Option<BufferId> {
        self.order.filter(|_| input == self.inputs)
    }
}

/// What a phase writes at the outputs.
struct Ends {
    product: OutputProduct,
    /// delta[L], or the network's outputs.
    written: BufferId,
    losses: BufferId,
    /// Room for losses of one replica.
    room: usize,
}

impl Builder<'_> {
    fn training(&mut self, training: &TrainingOptions, parameters: &[BufferId]) -> Training {
        let (network, layers) = (self.network, self.network.layers());
        let batch = training.batch.min(training.rows);
        let inputs = self.segments("inputs", training.rows, network.inputs());
        let targets = self.segments("targets", training.rows, network.outputs());
        let in_segments = inputs.len() > 1 || targets.len() > 1;
        let ordered = self.plain || in_segments || (training.shuffle && batch < training.rows);
        let order = ordered.then(|| self.add("order", 1, training.rows, Element::Index, false));
        let source = match order {
            None => Source::InPlace,
            Some(_) if self.plain || in_segments || training.gather => Source::Batch,
            Some(_) => Source::Ordered(training.rows),
        };
        let losses = self.add("losses", 1, training.losses, Element::Real, false);
        let states = self.states(training);

        let mut launches = Vec::new();
        let (x, y) = match order {
            Some(order) if source == Source::Batch => (
                self.gather(&mut launches, "inputs", &inputs, order, batch),
                self.gather(&mut launches, "targets", &targets, order, batch),
            ),
            _ => (inputs[0].buffer, targets[0].buffer),
        };
        let data = Data { inputs: x, targets: y, source, order: order.filter(|_| source != Source::Batch) };
        let mut delta = self.batch_buffer("delta", layers, batch);
        let ends = Ends { product: OutputProduct::Delta, written: delta, losses, room: training.losses };
        let (a, stored) = self.forward(&mut launches, "", &data, parameters, batch, &ends);
        for l in (0..layers).rev() {
            let trained = std::iter::once(parameters[l]).chain(states[l].iter().copied()).collect();
            let update = self.update(l, training.optimizer, &data, [a[l], delta], trained, batch);
            if l > 0 {
                let below = self.batch_buffer("delta", l, batch);
                launches.push(self.delta(l, [delta, parameters[l], stored[l]], below, batch));
                delta = below;
            }
            launches.push(update);
        }
        Training { launches, states, inputs, targets, order, losses: Some(losses) }
    }

    /// All of training as one kernel of many steps.
    fn whole(&mut self, training: &TrainingOptions, parameters: &[BufferId]) -> Training {
        let layers = self.network.layers();
        let add = |builder: &mut Self, name: &str, rows: usize, columns: usize| {
            builder.add(name, rows, columns, Element::Real, true)
        };
        let inputs = add(self, "inputs", training.rows, self.network.inputs());
        let targets = add(self, "targets", training.rows, self.network.outputs());
        let order = self.add("order", 1, training.rows, Element::Index, false);
        let losses = self.add("losses", 1, training.losses, Element::Real, false);
        let states = self.states(training);
        for &id in parameters.iter().chain(states.iter().flatten()) {
            self.buffers[id].group = Some(0);
        }
        let kernel = Whole {
            network: self.network.clone(),
            loss: self.options.loss,
            optimizer: training.optimizer,
            batch: training.batch.min(training.rows),
            order: training.rows,
            losses: training.losses,
            replicas: self.options.replicas,
            own_steps: self.options.own_steps,
            variant: training.whole.unwrap_or(Variant::WorkgroupStored),
            sequence: Arc::new(self.sequence(training)),
        };
        let scratch = kernel.scratch().map(|length| self.add("values", 1, 4 * length, Element::Real, false));
        let writes = parameters.iter().chain(states.iter().flatten()).copied().chain([losses]).collect();
        let scratch = scratch.into_iter().collect();
        let launches = vec![Launch { scratch, ..launch("whole".into(), kernel, vec![inputs, targets, order], writes) }];
        let segment = |buffer| vec![Segment { buffer, first: 0, rows: training.rows }];
        let (inputs, targets) = (segment(inputs), segment(targets));
        debug_assert_eq!(states.len(), layers);
        Training { launches, states, inputs, targets, order: Some(order), losses: Some(losses) }
    }

    /// The same step, kernel by kernel, for one replica.
    fn sequence(&self, training: &TrainingOptions) -> Sequence {
        let options = Options { replicas: 1, segment_bytes: None, ..*self.options };
        let mut inner = Builder { network: self.network, options: &options, buffers: Vec::new(), plain: true };
        let parameters: Vec<_> = (0..self.network.layers()).map(|l| inner.layer_buffer("parameters", l)).collect();
        let part = inner.training(training, &parameters);
        let launches = part.launches.into_iter().map(|launch| {
            let Launch { kernel, reads, writes, .. } = launch;
            SequenceLaunch { kernel, reads, writes }
        });
        Sequence {
            launches: launches.collect(),
            lengths: inner.buffers.iter().map(Buffer::length).collect(),
            reads: [part.inputs[0].buffer, part.targets[0].buffer].into_iter().chain(part.order).collect(),
            writes: parameters.into_iter().chain(part.states.into_iter().flatten()).chain(part.losses).collect(),
        }
    }

    /// The optimizer's states of each layer.
    fn states(&mut self, training: &TrainingOptions) -> Vec<Vec<BufferId>> {
        (0..self.network.layers())
            .map(|l| {
                (1..=training.optimizer.states()).map(|k| self.layer_buffer(&format!("state {k} of layer"), l)).collect()
            })
            .collect()
    }

    fn evaluation(&mut self, parameters: &[BufferId]) -> Evaluation {
        let rows = self.options.evaluation_rows;
        let inputs = self.add("evaluation inputs", rows, self.network.inputs(), Element::Real, false);
        let targets = self.add("evaluation targets", rows, self.network.outputs(), Element::Real, false);
        let losses = self.add("evaluation losses", 1, rows, Element::Real, false);
        let outputs = self.add("evaluation outputs", rows, self.network.outputs(), Element::Real, false);
        let mut launches = Vec::new();
        let data = Data { inputs, targets, source: Source::Batch, order: None };
        let ends = Ends { product: OutputProduct::Output, written: outputs, losses, room: rows };
        self.forward(&mut launches, "evaluation ", &data, parameters, rows, &ends);
        Evaluation { launches, inputs, targets, outputs, losses }
    }

    /// a[l] = f(a[l-1] · W[l] + b[l]), and what happens at the outputs. Gives a[0..L] and what each layer stored for its
    /// derivative.
    fn forward(
        &mut self,
        launches: &mut Vec<Launch>,
        prefix: &str,
        data: &Data,
        parameters: &[BufferId],
        rows: usize,
        ends: &Ends,
    ) -> (Vec<BufferId>, Vec<BufferId>) {
        let (mut a, mut stored) = (vec![data.inputs], vec![data.inputs]);
        let (widths, last) = (self.network.widths().to_vec(), self.network.layers() - 1);
        for (l, &activation) in self.network.activations().iter().enumerate() {
            if l == last && !self.plain && ForwardOutput::suits(widths[l], widths[l + 1]) {
                launches.push(self.forward_output(data, [a[l], parameters[l]], rows, ends));
                return (a, stored);
            }
            let joint = l == last && self.options.loss.is_joint();
            let activation = if joint { Activation::Identity } else { activation };
            let output = self.batch_buffer(&format!("{prefix}output"), l + 1, rows);
            let trains = ends.product == OutputProduct::Delta;
            let slope = (trains && activation.stores_slope()).then(|| self.batch_buffer("slope", l + 1, rows));
            let kernel = Forward {
                inputs: widths[l],
                outputs: widths[l + 1],
                bias: self.network.bias(),
                activation,
                slope: slope.is_some(),
                source: data.source_of(a[l]),
                capacity: rows,
            };
            let reads = [a[l], parameters[l]].into_iter().chain(data.order_of(a[l])).collect();
            launches.push(launch(
                format!("forward {}", l + 1),
                kernel,
                reads,
                std::iter::once(output).chain(slope).collect(),
            ));
            a.push(output);
            stored.push(slope.unwrap_or(output));
        }
        launches.push(self.output(data, [a[last + 1], stored[last + 1]], rows, ends));
        (a, stored)
    }

    /// The last layer with its losses, and delta[L] or the network's outputs, in one kernel.
    fn forward_output(&self, data: &Data, [input, parameters]: [BufferId; 2], rows: usize, ends: &Ends) -> Launch {
        let layer = self.network.layers();
        let kernel = ForwardOutput {
            inputs: self.network.widths()[layer - 1],
            outputs: self.network.outputs(),
            bias: self.network.bias(),
            activation: self.network.output_activation(),
            loss: self.options.loss,
            product: ends.product,
            source: data.source,
            first: layer == 1 && data.source != Source::Batch,
            capacity: rows,
            losses: ends.room,
        };
        let reads = [input, parameters, data.targets].into_iter().chain(data.order).collect();
        launch(format!("forward {layer}, output"), kernel, reads, vec![ends.written, ends.losses])
    }

    /// The losses, and delta[L] = dLoss/da[L] ⊙ f'(a[L]) or the network's outputs.
    fn output(&self, data: &Data, [result, stored]: [BufferId; 2], rows: usize, ends: &Ends) -> Launch {
        let kernel = Output {
            outputs: self.network.outputs(),
            activation: self.network.output_activation(),
            loss: self.options.loss,
            product: ends.product,
            source: data.source,
            capacity: rows,
            losses: ends.room,
        };
        let reads = [result, stored, data.targets].into_iter().chain(data.order).collect();
        launch("output".into(), kernel, reads, vec![ends.written, ends.losses])
    }

    /// delta[l] = (delta[l+1] · W[l+1]ᵀ) ⊙ f'(a[l]), `l` counting layers from 0 here.
    fn delta(&self, l: usize, reads: [BufferId; 3], below: BufferId, rows: usize) -> Launch {
        let kernel = Delta {
            inputs: self.network.widths()[l],
            outputs: self.network.widths()[l + 1],
            bias: self.network.bias(),
            activation: self.network.activations()[l - 1],
            capacity: rows,
        };
        launch(format!("delta {l}"), kernel, reads.to_vec(), vec![below])
    }

    /// W[l] -= step(a[l-1]ᵀ · delta[l]), b[l] -= step(column sums of delta[l]).
    fn update(
        &self,
        l: usize,
        optimizer: OptimizerKind,
        data: &Data,
        [input, delta]: [BufferId; 2],
        writes: Vec<BufferId>,
        rows: usize,
    ) -> Launch {
        let kernel = Update {
            inputs: self.network.widths()[l],
            outputs: self.network.widths()[l + 1],
            bias: self.network.bias(),
            optimizer,
            source: data.source_of(input),
            capacity: rows,
        };
        let reads = [input, delta].into_iter().chain(data.order_of(input)).collect();
        launch(format!("update {}", l + 1), kernel, reads, writes)
    }

    /// The batch's rows of a source, copied together: one launch a segment.
    fn gather(
        &mut self,
        launches: &mut Vec<Launch>,
        name: &str,
        source: &[Segment],
        order: BufferId,
        rows: usize,
    ) -> BufferId {
        let columns = self.buffers[source[0].buffer].columns;
        let batch = self.add(&format!("batch {name}"), rows, columns, Element::Real, false);
        let order_length = self.buffers[order].columns;
        for segment in source {
            let kernel = Gather {
                columns,
                segment_first: segment.first,
                segment_rows: segment.rows,
                order: order_length,
                capacity: rows,
            };
            launches.push(launch(format!("gather {name}"), kernel, vec![segment.buffer, order], vec![batch]));
        }
        batch
    }

    /// The training data's rows, cut so that no buffer is larger than allowed.
    fn segments(&mut self, name: &str, rows: usize, columns: usize) -> Vec<Segment> {
        let row_bytes = stride4(columns) as u64 * 16;
        let most = self.options.segment_bytes.map_or(rows, |bytes| (bytes / row_bytes).max(1).min(rows as u64) as usize);
        let count = rows.div_ceil(most.max(1));
        (0..count)
            .map(|index| {
                let first = index * most;
                let name = if count == 1 { name.to_string() } else { format!("{name} {}/{count}", index + 1) };
                let rows = most.min(rows - first);
                Segment { buffer: self.add(&name, rows, columns, Element::Real, true), first, rows }
            })
            .collect()
    }

    fn layer_buffer(&mut self, name: &str, l: usize) -> BufferId {
        let rows = self.network.widths()[l] + usize::from(self.network.bias());
        self.add(&format!("{name} {}", l + 1), rows, self.network.widths()[l + 1], Element::Real, false)
    }

    fn batch_buffer(&mut self, name: &str, layer: usize, rows: usize) -> BufferId {
        self.add(&format!("{name} {layer}"), rows, self.network.widths()[layer], Element::Real, false)
    }

    fn add(&mut self, name: &str, rows: usize, columns: usize, element: Element, shared: bool) -> BufferId {
        self.buffers.push(Buffer { name: name.into(), rows, columns, element, shared, group: None });
        self.buffers.len() - 1
    }
}

fn launch(label: String, kernel: impl Kernel + 'static, reads: Vec<BufferId>, writes: Vec<BufferId>) -> Launch {
    Launch { label, kernel: Arc::new(kernel), reads, writes, scratch: Vec::new(), choice: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(rows: usize, batch: usize) -> Options {
        let optimizer = OptimizerKind::Adam;
        let training = TrainingOptions { rows, batch, shuffle: true, gather: false, optimizer, losses: rows, whole: None };
        Options {
            loss: Loss::CrossEntropy,
            training: Some(training),
            evaluation_rows: 32,
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

    #[test]
    fn a_step_is_3l_minus_1_launches() {
        let plan = Plan::new(&network(), &options(1000, 100));
        let expected =
            ["forward 1", "forward 2", "forward 3, output", "delta 2", "update 3", "delta 1", "update 2", "update 1"];
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
        let target = Target { lanes: 8, software: true, workgroup_bytes: 32_768, workgroup_invocations: 1024 };
        let limits = DeviceLimits { buffer_bytes: 1 << 27, memory: None, workgroups: 65_535, storage_buffers: 8, target };
        plan.check(&limits).expect("fits");
        let small = plan.check(&DeviceLimits { buffer_bytes: 1 << 10, ..limits }).expect_err("too small");
        assert_eq!(small.exit_code(), 6);
        assert!(small.to_string().contains("KiB"), "{small}");
        let memory = Some(plan.padded_bytes());
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
