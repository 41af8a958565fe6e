//! One training step, and one evaluation, as a list of kernels over named buffers: the only definition of the algorithm.
//!
//! ```text
//! forward         a[l]     = f(a[l-1] · W[l] + b[l])                     a[0] = x
//! output delta    delta[L] = dLoss/da[L] ⊙ f'(a[L])                       error × derivative
//! delta           delta[l] = (delta[l+1] · W[l+1]ᵀ) ⊙ f'(a[l])
//! update          W[l]    -= step(a[l-1]ᵀ · delta[l]),  b[l] -= step(column sums of delta[l])
//! ```

use std::collections::HashMap;
use std::sync::Arc;

use crate::error::{Error, Result};
use crate::kernels::form::MOST_ITERATIONS;
use crate::kernels::product::partial_bytes;
use crate::kernels::{Choice, Delta, Form, Forward, Gather, Kernel, Output, OutputProduct, Target, Update, stride4};
use crate::network::{Activation, Loss, Network, OptimizerKind};

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
    /// Rows of the training data.
    pub rows: usize,
    /// Rows of a batch. As many as there are, or more: the batch is the data, and a single replica gathers nothing.
    pub batch: usize,
    /// The optimizer's rule.
    pub optimizer: OptimizerKind,
    /// Room for losses: rows that may be trained on between two readings.
    pub losses: usize,
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
    /// Parameters, layer by layer: [(inputs + bias) × outputs], the last row being the biases.
    pub parameters: Vec<BufferId>,
    /// The optimizer's states, layer by layer, each shaped as the parameters.
    pub states: Vec<Vec<BufferId>>,
    /// The training inputs [rows × inputs], in segments.
    pub inputs: Vec<Segment>,
    /// The training targets [rows × outputs], in segments.
    pub targets: Vec<Segment>,
    /// The order of the rows in an epoch; absent where the batch is the data.
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
    /// The plan of a network: a pure function of what is given.
    pub fn new(network: &Network, options: &Options) -> Self {
        let mut builder = Builder { network, options, buffers: Vec::new() };
        let parameters: Vec<_> = (0..network.layers()).map(|l| builder.layer_buffer("parameters", l)).collect();
        let evaluation = builder.evaluation(&parameters);
        let training = options.training.as_ref().map(|training| builder.training(training, &parameters)).unwrap_or_default();
        Self {
            buffers: builder.buffers,
            training: training.launches,
            evaluation: evaluation.launches,
            replicas: options.replicas,
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

    /// Rows of the largest batch of a phase.
    pub fn rows(&self, phase: Phase) -> usize {
        match phase {
            Phase::Training => self.batch,
            Phase::Evaluation => self.evaluation_rows,
        }
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
        let bindings = (launch.reads.len() + launch.writes.len() + 2) as u64 + u64::from(partial_bytes > 0);
        if bindings > limits.storage_buffers {
            return Err(Error::Limit(format!(
                "'{label}' binds {bindings} buffers and this device allows {}: take another --optimizer, or --device cpu",
                limits.storage_buffers
            )));
        }
        for form in launch.forms(rows, &limits.target) {
            let [x, y] = launch.kernel.workgroups(rows, form);
            let groups = x.max(y).max(form.depth(self.replicas));
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

impl Builder<'_> {
    fn training(&mut self, training: &TrainingOptions, parameters: &[BufferId]) -> Training {
        let (network, layers) = (self.network, self.network.layers());
        let batch = training.batch.min(training.rows);
        let inputs = self.segments("inputs", training.rows, network.inputs());
        let targets = self.segments("targets", training.rows, network.outputs());
        // Replicas read batches of their own, and the data is there once.
        let gathers = batch < training.rows || inputs.len() > 1 || targets.len() > 1 || self.options.replicas > 1;
        let order = gathers.then(|| self.add("order", 1, training.rows, Element::Index, false));
        let losses = self.add("losses", 1, training.losses, Element::Real, false);
        let states: Vec<Vec<_>> = (0..layers)
            .map(|l| {
                (1..=training.optimizer.states()).map(|k| self.layer_buffer(&format!("state {k} of layer"), l)).collect()
            })
            .collect();

        let mut launches = Vec::new();
        let (x, y) = match order {
            None => (inputs[0].buffer, targets[0].buffer),
            Some(order) => (
                self.gather(&mut launches, "inputs", &inputs, order, batch),
                self.gather(&mut launches, "targets", &targets, order, batch),
            ),
        };
        let (a, stored) = self.forward(&mut launches, "", x, parameters, batch, true);
        let mut delta = self.batch_buffer("delta", layers, batch);
        launches.push(self.output(
            OutputProduct::Delta,
            [a[layers], stored[layers], y],
            [delta, losses],
            batch,
            training.losses,
        ));
        for l in (0..layers).rev() {
            let update = self.update(l, training.optimizer, [a[l], delta], parameters[l], &states[l], batch);
            if l > 0 {
                let below = self.batch_buffer("delta", l, batch);
                launches.push(self.delta(l, [delta, parameters[l], stored[l]], below, batch));
                delta = below;
            }
            launches.push(update);
        }
        Training { launches, states, inputs, targets, order, losses: Some(losses) }
    }

    fn evaluation(&mut self, parameters: &[BufferId]) -> Evaluation {
        let (rows, layers) = (self.options.evaluation_rows, self.network.layers());
        let inputs = self.add("evaluation inputs", rows, self.network.inputs(), Element::Real, false);
        let targets = self.add("evaluation targets", rows, self.network.outputs(), Element::Real, false);
        let losses = self.add("evaluation losses", 1, rows, Element::Real, false);
        let outputs = self.add("evaluation outputs", rows, self.network.outputs(), Element::Real, false);
        let mut launches = Vec::new();
        let (a, _) = self.forward(&mut launches, "evaluation ", inputs, parameters, rows, false);
        let last = a[layers];
        launches.push(self.output(OutputProduct::Output, [last, last, targets], [outputs, losses], rows, rows));
        Evaluation { launches, inputs, targets, outputs, losses }
    }

    /// a[l] = f(a[l-1] · W[l] + b[l]). Gives the outputs a[0..=L] and what each layer stored for its derivative.
    fn forward(
        &mut self,
        launches: &mut Vec<Launch>,
        prefix: &str,
        x: BufferId,
        parameters: &[BufferId],
        rows: usize,
        trains: bool,
    ) -> (Vec<BufferId>, Vec<BufferId>) {
        let (mut a, mut stored) = (vec![x], vec![x]);
        for (l, &activation) in self.network.activations().iter().enumerate() {
            let joint = l + 1 == self.network.layers() && self.options.loss.is_joint();
            let activation = if joint { Activation::Identity } else { activation };
            let output = self.batch_buffer(&format!("{prefix}output"), l + 1, rows);
            let slope = (trains && activation.stores_slope()).then(|| self.batch_buffer("slope", l + 1, rows));
            let kernel = Forward {
                inputs: self.network.widths()[l],
                outputs: self.network.widths()[l + 1],
                bias: self.network.bias(),
                activation,
                slope: slope.is_some(),
                capacity: rows,
            };
            let writes = std::iter::once(output).chain(slope).collect();
            launches.push(launch(format!("forward {}", l + 1), kernel, vec![a[l], parameters[l]], writes));
            a.push(output);
            stored.push(slope.unwrap_or(output));
        }
        (a, stored)
    }

    /// The losses, and delta[L] = dLoss/da[L] ⊙ f'(a[L]) or the network's outputs.
    fn output(
        &self,
        product: OutputProduct,
        reads: [BufferId; 3],
        writes: [BufferId; 2],
        rows: usize,
        losses: usize,
    ) -> Launch {
        let kernel = Output {
            outputs: self.network.outputs(),
            activation: self.network.output_activation(),
            loss: self.options.loss,
            product,
            capacity: rows,
            losses,
        };
        launch("output".into(), kernel, reads.to_vec(), writes.to_vec())
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
        reads: [BufferId; 2],
        parameters: BufferId,
        states: &[BufferId],
        rows: usize,
    ) -> Launch {
        let kernel = Update {
            inputs: self.network.widths()[l],
            outputs: self.network.widths()[l + 1],
            bias: self.network.bias(),
            optimizer,
            capacity: rows,
        };
        let writes = std::iter::once(parameters).chain(states.iter().copied()).collect();
        launch(format!("update {}", l + 1), kernel, reads.to_vec(), writes)
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
        self.buffers.push(Buffer { name: name.into(), rows, columns, element, shared });
        self.buffers.len() - 1
    }
}

fn launch(label: String, kernel: impl Kernel + 'static, reads: Vec<BufferId>, writes: Vec<BufferId>) -> Launch {
    Launch { label, kernel: Arc::new(kernel), reads, writes, choice: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(rows: usize, batch: usize) -> Options {
        let training = TrainingOptions { rows, batch, optimizer: OptimizerKind::Adam, losses: rows };
        Options {
            loss: Loss::CrossEntropy,
            training: Some(training),
            evaluation_rows: 32,
            replicas: 1,
            segment_bytes: Some(1 << 20),
        }
    }

    fn network() -> Network {
        Network::new(vec![64, 32, 16, 10], vec![Activation::Relu, Activation::Gelu, Activation::Softmax], true)
            .expect("fits")
    }

    #[test]
    fn a_step_is_3l_minus_1_products_an_output_and_the_gathers() {
        let plan = Plan::new(&network(), &options(1000, 100));
        let labels: Vec<&str> = plan.training.iter().map(|launch| launch.label.as_str()).collect();
        let expected = [
            "gather inputs",
            "gather targets",
            "forward 1",
            "forward 2",
            "forward 3",
            "output",
            "delta 2",
            "update 3",
            "delta 1",
            "update 2",
            "update 1",
        ];
        assert_eq!(labels, expected);
    }

    #[test]
    fn a_batch_of_all_rows_is_not_gathered() {
        let plan = Plan::new(&network(), &options(100, 100));
        assert!(plan.order.is_none());
        assert_eq!(plan.training[0].label, "forward 1");
    }

    #[test]
    fn replicas_gather_each_its_own_batch_of_all_rows() {
        let plan = Plan::new(&network(), &Options { replicas: 2, ..options(100, 100) });
        assert!(plan.order.is_some());
        let shared = |launch: &Launch| launch.reads.iter().any(|&id| plan.buffers[id].shared);
        assert!(plan.training.iter().all(|launch| shared(launch) == launch.label.starts_with("gather")));
        assert!(!plan.evaluation.iter().any(shared));
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
        let limits = DeviceLimits { buffer_bytes: 1 << 27, workgroups: 65_535, storage_buffers: 8, target };
        plan.check(&limits).expect("fits");
        let small = plan.check(&DeviceLimits { buffer_bytes: 1 << 10, ..limits }).expect_err("too small");
        assert_eq!(small.exit_code(), 6);
        assert!(small.to_string().contains("KiB"), "{small}");
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
