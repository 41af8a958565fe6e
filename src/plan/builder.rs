//! A training step and an evaluation, kernel by kernel: the equations of [`plan`](super), one launch each.

use super::{Buffer, BufferId, Element, Launch, Options, Segment, TrainingOptions};
use crate::kernels::halves::OVERFLOWS;
use crate::kernels::rule::STATES;
use crate::kernels::source::ORDER;
use crate::kernels::{
    Apply, Delta, Dropped, Factors, Forward, ForwardOutput, Gather, Layer, Norm, NormTotal, Output, OutputProduct, Rule,
    Source, Update, Updates, halves, stride4,
};
use crate::network::{Activation, Network, Slope};

/// Makes buffers and launches while the plan is laid out.
pub(super) struct Builder<'a> {
    pub(super) network: &'a Network,
    pub(super) options: &'a Options,
    pub(super) buffers: Vec<Buffer>,
    /// Whether every batch is gathered and every layer and the outputs are a kernel each: the plainest step.
    pub(super) plain: bool,
    /// The flags of the factors that were beyond the range of f16, where training is mixed.
    pub(super) overflows: Option<BufferId>,
}

/// The part of the plan that trains.
#[derive(Default)]
pub(super) struct Training {
    pub(super) launches: Vec<Launch>,
    pub(super) states: Vec<Vec<BufferId>>,
    pub(super) gradients: Vec<BufferId>,
    pub(super) weights: Vec<Segment>,
    pub(super) inputs: Vec<Segment>,
    pub(super) targets: Vec<Segment>,
    pub(super) order: Option<BufferId>,
    pub(super) losses: Option<BufferId>,
}

/// The part of the plan that evaluates.
pub(super) struct Evaluation {
    pub(super) launches: Vec<Launch>,
    pub(super) inputs: BufferId,
    pub(super) targets: BufferId,
    pub(super) outputs: BufferId,
    pub(super) losses: BufferId,
}

/// Where a phase finds the rows of a batch.
struct Data {
    inputs: BufferId,
    targets: BufferId,
    /// What each row's loss is multiplied by.
    weights: Option<BufferId>,
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

/// A layer's update, before it is a launch of its own or a part of one.
struct LayerUpdate {
    l: usize,
    kernel: Update,
    /// The layer's input and its delta.
    reads: [BufferId; 2],
    order: Option<BufferId>,
    /// The layer's parameters and the optimizer's states, or its gradient.
    writes: Vec<BufferId>,
    /// What says which factors overflowed.
    flags: Option<BufferId>,
}

impl LayerUpdate {
    fn launch(self) -> Launch {
        let [input, delta] = self.reads;
        let order = self.order.map(|id| (ORDER, id));
        let reads = [("input", input), ("delta", delta)].into_iter().chain(order);
        let names = std::iter::once("weight").chain(STATES);
        let writes = names.zip(self.writes);
        let flags = self.flags.map(|id| (OVERFLOWS, id));
        Launch::new(format!("update {}", self.l + 1), self.kernel, reads.chain(writes).chain(flags))
    }
}

impl Builder<'_> {
    pub(super) fn training(
        &mut self,
        training: &TrainingOptions,
        parameters: &[BufferId],
        averages: &[BufferId],
    ) -> Training {
        let (network, layers) = (self.network, self.network.layers());
        let batch = training.micro_batch();
        let rows = training.data_rows();
        let inputs = self.segments("inputs", rows, network.inputs());
        let targets = self.segments("targets", rows, network.outputs());
        let weights = if training.weighted { self.segments("row weights", rows, 1) } else { Vec::new() };
        let in_segments = [&inputs, &targets, &weights].iter().any(|segments| segments.len() > 1);
        let is_shuffled = training.shuffle && training.batch < training.rows;
        let ordered = self.plain || in_segments || is_shuffled || training.bootstrap || training.windows > 1;
        let order = ordered.then(|| self.add(ORDER, 1, training.rows, Element::Index, false));
        let source = match order {
            None => Source::InPlace,
            // A binding more than those that every device has, an order beside the weights, is one too many.
            Some(_) if self.plain || in_segments || training.gather || training.weighted => Source::Batch,
            Some(_) => Source::Ordered(training.rows),
        };
        let losses = self.add("losses", 1, training.losses, Element::Real, false);
        if (0..layers).any(|l| self.factors(l) == Factors::Halves) {
            self.overflows = Some(self.add(OVERFLOWS, 1, halves::FLAGS, Element::Real, false));
        }
        let mut states = self.states(training);
        states.iter_mut().zip(averages).for_each(|(states, &average)| states.push(average));
        let (adds_up, frozen) = (training.micro_batches > 1 || training.extras.any, training.frozen);
        let mut gradient = |l: usize| (adds_up && !frozen.contains(l)).then(|| self.layer_buffer("gradient", l));
        let gradients: Vec<_> = (0..layers).map(&mut gradient).collect();
        let trained = |l: usize| std::iter::once(parameters[l]).chain(states[l].iter().copied()).collect();

        let mut launches = Vec::new();
        let mut of_batch = |name: &str, segments: &[Segment]| match order {
            Some(order) if source == Source::Batch => self.gather(&mut launches, name, segments, order, batch),
            _ => segments[0].buffer,
        };
        let data = Data {
            inputs: of_batch("inputs", &inputs),
            targets: of_batch("targets", &targets),
            weights: training.weighted.then(|| of_batch("row weights", &weights)),
            source,
            order: order.filter(|_| source != Source::Batch),
        };
        let mut delta = self.batch_buffer("delta", layers, batch);
        let ends = Ends { product: OutputProduct::Delta, written: delta, losses, room: training.losses };
        let (a, stored) = self.forward(&mut launches, "", &data, parameters, batch, &ends);
        let mut updates = Vec::new();
        for l in (frozen.below()..layers).rev() {
            let (rule, writes): (Rule, Vec<BufferId>) = match gradients[l] {
                Some(gradient) => (Rule::Sum, vec![gradient]),
                None => (Rule::Optimizer(training.optimizer), trained(l)),
            };
            if !frozen.contains(l) {
                let order = data.order_of(a[l]);
                updates.push(LayerUpdate {
                    l,
                    kernel: self.update(l, training, rule, &data, a[l]),
                    reads: [a[l], delta],
                    order,
                    writes,
                    flags: self.flags(self.factors(l)),
                });
            }
            if l > frozen.below() {
                let below = self.batch_buffer("delta", l, batch);
                launches.push(self.delta(l, [delta, parameters[l], stored[l]], below, batch));
                delta = below;
            }
        }
        // After every delta, which reads the parameters: so no update waits for another but where a device makes it.
        if training.joint && !training.mixed && !adds_up && updates.len() > 1 {
            launches.push(self.updates(updates));
        } else {
            launches.extend(updates.into_iter().map(LayerUpdate::launch));
        }
        let gradients: Vec<_> = gradients.into_iter().enumerate().filter_map(|(l, gradient)| Some((l, gradient?))).collect();
        let squares = training.extras.norm.then(|| self.norm(&mut launches, &gradients));
        for &(l, gradient) in &gradients {
            launches.push(self.apply(l, training, gradient, squares, trained(l)));
        }
        let gradients = gradients.into_iter().map(|(_, gradient)| gradient).collect();
        Training { launches, states, gradients, weights, inputs, targets, order, losses: Some(losses) }
    }

    /// The optimizer's states of each layer.
    pub(super) fn states(&mut self, training: &TrainingOptions) -> Vec<Vec<BufferId>> {
        (0..self.network.layers())
            .map(|l| {
                (1..=training.optimizer.states()).map(|k| self.layer_buffer(&format!("state {k} of layer"), l)).collect()
            })
            .collect()
    }

    pub(super) fn evaluation(&mut self, parameters: &[BufferId]) -> Evaluation {
        let (rows, data) = (self.options.evaluation_rows, self.options.evaluation_data);
        let (brought, source) = if data > 0 { (data, Source::InPlace) } else { (rows, Source::Batch) };
        let inputs = self.add("evaluation inputs", brought, self.network.inputs(), Element::Real, data > 0);
        let targets = self.add("evaluation targets", brought, self.network.outputs(), Element::Real, data > 0);
        let losses = self.add("evaluation losses", 1, rows, Element::Real, false);
        let outputs = self.add("evaluation outputs", rows, self.network.outputs(), Element::Real, false);
        let mut launches = Vec::new();
        let data = Data { inputs, targets, weights: None, source, order: None };
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
            let in_one = !self.plain && data.weights.is_none() && ForwardOutput::suits(widths[l], widths[l + 1]);
            // One kernel computes the last layer in f32 alone.
            let rounds = ends.product == OutputProduct::Delta && self.factors(l) == Factors::Halves;
            if l == last && in_one && !rounds {
                launches.push(self.forward_output(data, [a[l], parameters[l]], rows, ends));
                return (a, stored);
            }
            let joint = l == last && self.options.loss.is_joint();
            let activation = if joint { Activation::Identity } else { activation };
            let output = self.batch_buffer(&format!("{prefix}output"), l + 1, rows);
            let trains = ends.product == OutputProduct::Delta;
            let dropped = self.dropped(l).filter(|_| trains);
            let keeps_slope = trains && (activation.stores_slope() || dropped.is_some());
            let slope = keeps_slope.then(|| self.batch_buffer("slope", l + 1, rows));
            let kernel = Forward {
                layer: self.layer(l, rows),
                activation,
                slope: slope.is_some(),
                dropped,
                source: data.source_of(a[l]),
                factors: if trains { self.factors(l) } else { Factors::Full },
            };
            let buffers = [("input", a[l]), ("weight", parameters[l]), ("output", output)];
            let (order, flags) = (data.order_of(a[l]), self.flags(kernel.factors));
            let others = [(ORDER, order), ("slopes", slope), (OVERFLOWS, flags)];
            launches.push(Launch::new(format!("forward {}", l + 1), kernel, buffers.into_iter().chain(present(others))));
            a.push(output);
            stored.push(slope.unwrap_or(output));
        }
        launches.push(self.output(data, [a[last + 1], stored[last + 1]], rows, ends));
        (a, stored)
    }

    /// A layer, counted from 0, over so many rows of a batch.
    fn layer(&self, l: usize, capacity: usize) -> Layer {
        let widths = self.network.widths();
        Layer { inputs: widths[l], outputs: widths[l + 1], bias: self.network.bias(), capacity }
    }

    /// How a training step's products of a layer, counted from 0, take their factors.
    fn factors(&self, l: usize) -> Factors {
        let mixed = self.options.training.is_some_and(|training| training.mixed);
        let widths = self.network.widths();
        if mixed { Factors::of_layer(widths[l], widths[l + 1]) } else { Factors::Full }
    }

    /// The buffer that such a product writes beside its own: the flags, if its factors are rounded.
    fn flags(&self, factors: Factors) -> Option<BufferId> {
        self.overflows.filter(|_| factors == Factors::Halves)
    }

    /// What a training step drops of a layer, counted from 0: of hidden ones only.
    fn dropped(&self, l: usize) -> Option<Dropped> {
        let training = self.options.training.filter(|_| l + 1 < self.network.layers())?;
        training.dropout.of(l)
    }

    /// The last layer with its losses, and delta[L] or the network's outputs, in one kernel.
    fn forward_output(&self, data: &Data, [input, parameters]: [BufferId; 2], rows: usize, ends: &Ends) -> Launch {
        let layer = self.network.layers();
        let kernel = ForwardOutput {
            layer: self.layer(layer - 1, rows),
            activation: self.network.output_activation(),
            loss: self.options.loss,
            product: ends.product,
            source: data.source,
            first: layer == 1 && data.source != Source::Batch,
            losses: ends.room,
        };
        let buffers = [("input", input), ("weight", parameters), ("targets", data.targets)];
        let ends = [("written", ends.written), ("losses", ends.losses)];
        let buffers = buffers.into_iter().chain(ends).chain(present([(ORDER, data.order)]));
        Launch::new(format!("forward {layer}, output"), kernel, buffers)
    }

    /// The losses, and delta[L] = dLoss/da[L] ⊙ f'(a[L]) or the network's outputs.
    fn output(&self, data: &Data, [result, stored]: [BufferId; 2], rows: usize, ends: &Ends) -> Launch {
        let kernel = Output {
            outputs: self.network.outputs(),
            activation: self.network.output_activation(),
            loss: self.options.loss,
            product: ends.product,
            weighted: data.weights.is_some(),
            source: data.source,
            capacity: rows,
            losses: ends.room,
        };
        let buffers = [("result", result), ("stored", stored), ("targets", data.targets)];
        let ends = [("written", ends.written), ("losses", ends.losses)];
        let others = present([("row_weights", data.weights), (ORDER, data.order)]);
        Launch::new("output", kernel, buffers.into_iter().chain(ends).chain(others))
    }

    /// delta[l] = (delta[l+1] · W[l+1]ᵀ) ⊙ f'(a[l]), `l` counting layers from 0 here.
    fn delta(&self, l: usize, [delta, parameters, stored]: [BufferId; 3], below: BufferId, rows: usize) -> Launch {
        let kernel = Delta {
            layer: self.layer(l, rows),
            slope: match self.dropped(l - 1) {
                Some(_) => Slope::Stored,
                None => self.network.activations()[l - 1].slope_of(),
            },
            factors: self.factors(l),
        };
        let buffers = [("delta", delta), ("weight", parameters), ("stored", stored), ("below", below)];
        let flags = present([(OVERFLOWS, self.flags(kernel.factors))]);
        Launch::new(format!("delta {l}"), kernel, buffers.into_iter().chain(flags))
    }

    /// W[l] -= step(a[l-1]ᵀ · delta[l]), b[l] -= step(column sums of delta[l]), or the sums of such gradients.
    fn update(&self, l: usize, training: &TrainingOptions, rule: Rule, data: &Data, input: BufferId) -> Update {
        Update {
            layer: self.layer(l, training.micro_batch()),
            rule,
            rate: training.layer_rates.of(l),
            source: data.source_of(input),
            factors: self.factors(l),
        }
    }

    /// The updates of several layers in one launch, whose parameters and states lie in one piece of memory.
    fn updates(&mut self, mut updates: Vec<LayerUpdate>) -> Launch {
        // The group lies in the order of the buffers: layer by layer.
        updates.reverse();
        let trained = updates.iter().map(|update| update.writes[0]);
        let states = updates.iter().flat_map(|update| &update.writes[1..]).copied();
        let writes: Vec<BufferId> = trained.chain(states).collect();
        writes.iter().for_each(|&id| self.buffers[id].group = Some(0));
        let order = updates.iter().find_map(|update| update.order).map(|id| (ORDER, id));
        let reads =
            updates.iter().flat_map(|LayerUpdate { reads: [input, delta], .. }| [("input", *input), ("delta", *delta)]);
        let trained = writes.into_iter().map(|id| ("trained", id));
        let buffers: Vec<_> = reads.chain(order).chain(trained).collect();
        let replicas = self.options.replicas;
        let kernel = Updates { layers: updates.into_iter().map(|update| update.kernel).collect(), replicas };
        Launch::new("updates", kernel, buffers)
    }

    /// W[l] -= step(g), b[l] -= step(g), once a batch.
    fn apply(
        &self,
        l: usize,
        training: &TrainingOptions,
        gradient: BufferId,
        squares: Option<BufferId>,
        trained: Vec<BufferId>,
    ) -> Launch {
        let kernel = Apply {
            layer: self.layer(l, training.micro_batch()),
            optimizer: training.optimizer,
            rate: training.layer_rates.of(l),
            by_norm: training.extras.norm,
            average: training.extras.average,
        };
        // The average, if it is kept, is the last of what is trained.
        let states = STATES.into_iter().take(training.optimizer.states());
        let names = std::iter::once("weight").chain(states).chain(training.extras.average.then_some("average"));
        let buffers = std::iter::once(("gradient", gradient)).chain(present([("squares", squares)]));
        let buffers = buffers.chain(names.zip(trained));
        Launch { ends_batch: true, ..Launch::new(format!("apply {}", l + 1), kernel, buffers) }
    }

    /// The sum of the squares of all gradients, once a batch: of parts of each layer first, then of these. Gives its buffer.
    fn norm(&mut self, launches: &mut Vec<Launch>, gradients: &[(usize, BufferId)]) -> BufferId {
        let mut kernels = Vec::new();
        let mut places = 0;
        for &(l, gradient) in gradients {
            let Buffer { rows, columns, .. } = self.buffers[gradient];
            let kernel = Norm { rows, columns, first: places, places: 0 };
            places += kernel.parts();
            kernels.push((l, gradient, kernel));
        }
        let partial_sums = self.add("partial sums of squares", 1, places, Element::Real, false);
        let total = self.add("sum of squares", 1, 1, Element::Real, false);
        let mut once = |launch: Launch| launches.push(Launch { ends_batch: true, ..launch });
        for (l, gradient, kernel) in kernels {
            let kernel = Norm { places, ..kernel };
            let buffers = [("gradient", gradient), ("partial_sums", partial_sums)];
            once(Launch::new(format!("norm {}", l + 1), kernel, buffers));
        }
        once(Launch::new("norm of all", NormTotal { places }, [("partial_sums", partial_sums), ("total", total)]));
        total
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
            let buffers = [("source", segment.buffer), (ORDER, order), ("batch", batch)];
            launches.push(Launch::new(format!("gather {name}"), kernel, buffers));
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

    pub(super) fn layer_buffer(&mut self, name: &str, l: usize) -> BufferId {
        let rows = self.network.widths()[l] + usize::from(self.network.bias());
        self.add(&format!("{name} {}", l + 1), rows, self.network.widths()[l + 1], Element::Real, false)
    }

    fn batch_buffer(&mut self, name: &str, layer: usize, rows: usize) -> BufferId {
        self.add(&format!("{name} {layer}"), rows, self.network.widths()[layer], Element::Real, false)
    }

    pub(super) fn add(&mut self, name: &str, rows: usize, columns: usize, element: Element, shared: bool) -> BufferId {
        self.buffers.push(Buffer { name: name.into(), rows, columns, element, shared, group: None });
        self.buffers.len() - 1
    }
}

/// Those of some named buffers that there are.
fn present<const N: usize>(
    buffers: [(&'static str, Option<BufferId>); N],
) -> impl Iterator<Item = (&'static str, BufferId)> {
    buffers.into_iter().filter_map(|(name, id)| Some((name, id?)))
}
