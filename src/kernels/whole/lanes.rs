//! The whole network's step on the CPU in f32, over lanes of a SIMD vector: the samples of a batch where one replica trains
//! alone, 16 replicas where many train side by side. Every number goes through the same operations either way, so that a replica
//! trained among others comes out bit for bit as it does alone.

use std::ops::Range;

use rayon::prelude::*;

use super::net::Whole;
use crate::kernels::source::ORDER;
use crate::kernels::{Replicas, ReplicasMut, Step};
use crate::network::Activation;
use crate::network::loss::{Lanes, Vector};
use crate::network::optimizer::{LaneRates, Rates};
use crate::simd::{Vectorised, vectorised};

/// Replicas that go through the same instructions.
const REPLICAS: usize = 16;

/// Trains all replicas through all steps, shared out among threads.
pub(super) fn train(
    whole: &Whole,
    steps: &[Step],
    replicas: usize,
    reads: &[Replicas<'_, f32>],
    writes: &mut [ReplicasMut<'_, f32>],
    threads: usize,
) {
    let each = if whole.own_steps { replicas } else { 1 };
    let reads = ["inputs", "targets", ORDER]
        .map(|name| reads.iter().find(|buffer| buffer.all.name == name).expect("an operand of the kernel"));
    let task = |first: usize, writes: Vec<&mut [f32]>| {
        let task = Task { whole, steps, each, first, reads };
        match (replicas, whole.batch) {
            (1, ..=4) => run::<4, true>(&task, writes, 1),
            (1, ..=8) => run::<8, true>(&task, writes, 1),
            (1, _) => run::<16, true>(&task, writes, 1),
            _ => run::<REPLICAS, false>(&task, writes, REPLICAS.min(replicas - first)),
        }
    };
    let mut blocks: Vec<Vec<&mut [f32]>> = (0..replicas.div_ceil(REPLICAS)).map(|_| Vec::new()).collect();
    for buffer in writes {
        let values = &mut buffer.values[..replicas * buffer.length];
        for (block, values) in blocks.iter_mut().zip(values.chunks_mut(REPLICAS * buffer.length)) {
            block.push(values);
        }
    }
    if threads > 1 && blocks.len() > 1 {
        blocks.into_par_iter().enumerate().for_each(|(block, writes)| task(block * REPLICAS, writes));
    } else {
        blocks.into_iter().enumerate().for_each(|(block, writes)| task(block * REPLICAS, writes));
    }
}

/// Runs a task with the widest SIMD instructions of the machine.
fn run<const LANES: usize, const SAMPLES: bool>(task: &Task<'_>, mut writes: Vec<&mut [f32]>, replicas: usize) {
    let mut block = Block::<LANES, SAMPLES>::new(task.whole, replicas);
    vectorised(Training { block: &mut block, task, writes: &mut writes });
}

/// A block's training.
struct Training<'a, 'b, 'c, const LANES: usize, const SAMPLES: bool> {
    block: &'a mut Block<LANES, SAMPLES>,
    task: &'a Task<'b>,
    writes: &'a mut [&'c mut [f32]],
}

impl<const LANES: usize, const SAMPLES: bool> Vectorised for Training<'_, '_, '_, LANES, SAMPLES> {
    #[inline(always)]
    fn run(self) {
        self.block.train(self.task, self.writes);
    }
}

/// The steps of some replicas.
struct Task<'a> {
    whole: &'a Whole,
    steps: &'a [Step],
    /// Records of a step: one for all replicas, or one each.
    each: usize,
    /// The first replica.
    first: usize,
    /// Inputs, targets, order.
    reads: [&'a Replicas<'a, f32>; 3],
}

/// One layer's sizes and places.
#[derive(Clone, Copy)]
struct Layer {
    inputs: usize,
    outputs: usize,
    bias: bool,
    activation: Activation,
    /// The first of its parameters.
    parameter: usize,
    /// The first of its inputs among the values, and of its outputs.
    input: usize,
    output: usize,
}

/// Some replicas' numbers. With SAMPLES the lanes are samples of one replica, whose parameters are single numbers; without, each
/// lane is a replica, and a parameter is a vector.
struct Block<const LANES: usize, const SAMPLES: bool> {
    layers: Vec<Layer>,
    replicas: usize,
    parameters: Vec<f32>,
    states: [Vec<f32>; 2],
    gradient: Vec<f32>,
    /// Vectors of one sample (or one vector of samples): the inputs, then each layer's outputs.
    width: usize,
    values: Vec<Vector<LANES>>,
    slopes: Vec<Vector<LANES>>,
    deltas: Vec<Vector<LANES>>,
    targets: Vec<Vector<LANES>>,
    /// First place in the order and rows of the batch whose inputs and targets are loaded, where all replicas have the same.
    loaded: Option<(usize, usize)>,
}

impl<const LANES: usize, const SAMPLES: bool> Block<LANES, SAMPLES> {
    /// Lanes that a parameter has of its own.
    const OWN: usize = if SAMPLES { 1 } else { LANES };

    fn new(whole: &Whole, replicas: usize) -> Self {
        let widths = whole.network.widths();
        let (mut parameter, mut value) = (0, 0);
        let layers: Vec<Layer> = (0..whole.network.layers())
            .map(|l| {
                let (inputs, outputs, bias) = (widths[l], widths[l + 1], whole.network.bias());
                let activation = whole.activation(l);
                let layer = Layer { inputs, outputs, bias, activation, parameter, input: value, output: value + inputs };
                parameter += (inputs + usize::from(bias)) * outputs;
                value += inputs;
                layer
            })
            .collect();
        let width = value + whole.network.outputs();
        let vectors = if SAMPLES { whole.batch.div_ceil(LANES) } else { whole.batch };
        let numbers = || vec![0.0; parameter * Self::OWN];
        let state = |k: usize| if k < whole.optimizer.states() { numbers() } else { Vec::new() };
        Self {
            layers,
            replicas,
            parameters: numbers(),
            states: [state(0), state(1)],
            gradient: numbers(),
            width,
            values: vec![[0.0; LANES]; vectors * width],
            slopes: vec![[0.0; LANES]; vectors * width],
            deltas: vec![[0.0; LANES]; vectors * width],
            targets: vec![[0.0; LANES]; vectors * whole.network.outputs()],
            loaded: None,
        }
    }

    #[inline(always)]
    fn train(&mut self, task: &Task<'_>, writes: &mut [&mut [f32]]) {
        let layers = self.layers.len();
        let states = task.whole.optimizer.states();
        for l in 0..layers {
            Self::load(&mut self.parameters, &self.layers[l], self.replicas, writes[l]);
            for k in 0..states {
                Self::load(&mut self.states[k], &self.layers[l], self.replicas, writes[layers + l * states + k]);
            }
        }
        let (written, losses) = writes.split_at_mut(layers * (1 + states));
        let losses = &mut *losses[0];
        let capacity = losses.len() / self.replicas;
        for steps in task.steps.chunks(task.each) {
            let own = if task.each == 1 { steps } else { &steps[task.first..task.first + self.replicas] };
            self.step(task, own, losses, capacity);
        }
        for l in 0..layers {
            Self::store(&self.parameters, &self.layers[l], self.replicas, written[l]);
            for k in 0..states {
                Self::store(&self.states[k], &self.layers[l], self.replicas, written[layers + l * states + k]);
            }
        }
    }

    /// Replica after replica of a layer's matrix, into lanes.
    fn load(lanes: &mut [f32], layer: &Layer, replicas: usize, matrices: &[f32]) {
        let length = matrices.len() / replicas;
        for (replica, matrix) in matrices.chunks_exact(length).enumerate() {
            for (index, &value) in matrix.iter().enumerate() {
                lanes[(layer.parameter + index) * Self::OWN + replica] = value;
            }
        }
    }

    fn store(lanes: &[f32], layer: &Layer, replicas: usize, matrices: &mut [f32]) {
        let length = matrices.len() / replicas;
        for (replica, matrix) in matrices.chunks_exact_mut(length).enumerate() {
            for (index, value) in matrix.iter_mut().enumerate() {
                *value = lanes[(layer.parameter + index) * Self::OWN + replica];
            }
        }
    }

    /// One step; `steps` is one record for all replicas, or one each.
    #[inline(always)]
    fn step(&mut self, task: &Task<'_>, steps: &[Step], losses: &mut [f32], capacity: usize) {
        let rows = steps[0].rows;
        let vectors = if SAMPLES { rows.div_ceil(LANES) } else { rows };
        self.gather(task, steps);
        self.gradient.fill(0.0);
        let mut scale = [0.0; LANES];
        for (lane, scale) in scale.iter_mut().enumerate() {
            *scale = steps[lane.min(steps.len() - 1)].scale as f32;
        }
        let mut loss = [0.0; LANES];
        for vector in 0..vectors {
            self.forward(vector);
            let of_lanes = self.output(task.whole, vector, &scale);
            self.backward(vector);
            let samples = if SAMPLES { LANES.min(rows - vector * LANES) } else { 1 };
            Self::add_losses(&mut loss, &of_lanes, samples);
            self.sum_gradient(vector, samples);
        }
        for replica in 0..self.replicas {
            losses[replica * capacity + steps[replica.min(steps.len() - 1)].loss_row] = loss[replica];
        }
        self.update(task.whole, steps);
    }

    /// Copies the batch's inputs and targets into lanes, unless they are there.
    #[inline(always)]
    fn gather(&mut self, task: &Task<'_>, steps: &[Step]) {
        let rows = steps[0].rows;
        let batch = (steps.len() == 1).then_some((steps[0].first, rows));
        if batch.is_some() && self.loaded == batch {
            return;
        }
        self.loaded = batch;
        let (inputs, outputs) = (task.whole.network.inputs(), task.whole.network.outputs());
        let [source, desired, order] = task.reads;
        for replica in 0..self.replicas {
            let order = order.of(task.first + replica).indices;
            let first = steps[replica.min(steps.len() - 1)].first;
            for row in 0..rows {
                let from = order[first + row] as usize;
                let (vector, lane) = if SAMPLES { (row / LANES, row % LANES) } else { (row, replica) };
                for k in 0..inputs {
                    self.values[vector * self.width + k][lane] = source.all.values[from * inputs + k];
                }
                for j in 0..outputs {
                    self.targets[vector * outputs + j][lane] = desired.all.values[from * outputs + j];
                }
            }
        }
    }

    /// a[l] = f(a[l-1] · W[l] + b[l]), layer by layer.
    #[inline(always)]
    fn forward(&mut self, vector: usize) {
        let base = vector * self.width;
        for layer in &self.layers {
            let (before, after) = self.values[base..base + self.width].split_at_mut(layer.output);
            let input = &before[layer.input..];
            for (j, sum) in after[..layer.outputs].iter_mut().enumerate() {
                let mut z = [0.0; LANES];
                if layer.bias {
                    z = Self::parameter(&self.parameters, layer.parameter + layer.inputs * layer.outputs + j);
                }
                for (k, input) in input.iter().enumerate() {
                    let weight = Self::parameter(&self.parameters, layer.parameter + k * layer.outputs + j);
                    for lane in 0..LANES {
                        z[lane] += input[lane] * weight[lane];
                    }
                }
                *sum = z;
            }
            for (j, value) in after[..layer.outputs].iter_mut().enumerate() {
                if layer.activation.stores_slope() {
                    layer.activation.slopes(value, &mut self.slopes[base + layer.output + j]);
                }
                layer.activation.activate_lanes(value);
            }
        }
    }

    /// A parameter in all lanes.
    #[inline(always)]
    fn parameter(parameters: &[f32], index: usize) -> Vector<LANES> {
        let mut vector = [0.0; LANES];
        if SAMPLES {
            vector.fill(parameters[index]);
        } else {
            vector.copy_from_slice(&parameters[index * LANES..(index + 1) * LANES]);
        }
        vector
    }

    /// The losses, and delta[L] = dLoss/da[L] ⊙ f'(a[L]) · scale.
    #[inline(always)]
    fn output(&mut self, whole: &Whole, vector: usize, scale: &Vector<LANES>) -> Vector<LANES> {
        let layer = self.layers[self.layers.len() - 1];
        let range = vector * self.width + layer.output..(vector + 1) * self.width;
        let slopes = &self.slopes[range.clone()];
        let (values, deltas) = (&self.values[range.clone()], &mut self.deltas[range]);
        let targets = &self.targets[vector * layer.outputs..(vector + 1) * layer.outputs];
        let slope = layer.activation.slope_of();
        let stored = if layer.activation.stores_slope() { slopes } else { values };
        whole.loss.of_lanes(
            Lanes { results: values, targets, deltas },
            #[inline(always)]
            |j, mut errors| {
                slope.times_derivative(&mut errors, &stored[j]);
                for lane in 0..LANES {
                    errors[lane] *= scale[lane];
                }
                errors
            },
        )
    }

    /// Adds a vector of rows' losses to the sums, row after row: to the first lane's where the lanes are samples, else to each replica's.
    #[inline(always)]
    fn add_losses(sums: &mut Vector<LANES>, of_lanes: &Vector<LANES>, samples: usize) {
        if SAMPLES {
            of_lanes[..samples].iter().for_each(|loss| sums[0] += loss);
        } else {
            sums.iter_mut().zip(of_lanes).for_each(|(sum, loss)| *sum += loss);
        }
    }

    /// delta[l] = (delta[l+1] · W[l+1]ᵀ) ⊙ f'(a[l]), from the last layer down.
    #[inline(always)]
    fn backward(&mut self, vector: usize) {
        let base = vector * self.width;
        for l in (1..self.layers.len()).rev() {
            let (layer, below) = (self.layers[l], self.layers[l - 1]);
            let (lower, upper) = self.deltas[base..base + self.width].split_at_mut(layer.output);
            for (k, delta) in lower[layer.input..].iter_mut().enumerate() {
                let mut sum = [0.0; LANES];
                for (j, upper) in upper[..layer.outputs].iter().enumerate() {
                    let weight = Self::parameter(&self.parameters, layer.parameter + k * layer.outputs + j);
                    for lane in 0..LANES {
                        sum[lane] += upper[lane] * weight[lane];
                    }
                }
                let place = base + layer.input + k;
                let stored = if below.activation.stores_slope() { &self.slopes[place] } else { &self.values[place] };
                below.activation.slope_of().times_derivative(&mut sum, stored);
                *delta = sum;
            }
        }
    }

    /// Adds the samples of one vector to the gradients, in their order.
    #[inline(always)]
    fn sum_gradient(&mut self, vector: usize, samples: usize) {
        let base = vector * self.width;
        for layer in &self.layers {
            let deltas = &self.deltas[base + layer.output..][..layer.outputs];
            let inputs = &self.values[base + layer.input..][..layer.inputs];
            let ones = [1.0; LANES];
            let rows = inputs.iter().chain(layer.bias.then_some(&ones));
            for (k, input) in rows.enumerate() {
                for (j, delta) in deltas.iter().enumerate() {
                    let place = layer.parameter + k * layer.outputs + j;
                    if SAMPLES {
                        let mut sum = self.gradient[place];
                        for lane in 0..samples {
                            sum += input[lane] * delta[lane];
                        }
                        self.gradient[place] = sum;
                    } else {
                        // Through an array of its own, so that no lane seems to depend on another.
                        let kept = &mut self.gradient[place * LANES..(place + 1) * LANES];
                        let mut sum = [0.0; LANES];
                        sum.copy_from_slice(kept);
                        for lane in 0..LANES {
                            sum[lane] += input[lane] * delta[lane];
                        }
                        kept.copy_from_slice(&sum);
                    }
                }
            }
        }
    }

    /// The optimizer's rule for every parameter.
    #[inline(always)]
    fn update(&mut self, whole: &Whole, steps: &[Step]) {
        let mut own = None;
        for index in 0..self.layers.len() {
            let layer = self.layers[index];
            let weights = layer.inputs * layer.outputs;
            let all = weights + if layer.bias { layer.outputs } else { 0 };
            let first = layer.parameter;
            if steps.len() == 1 {
                let rates: Rates<f32> = steps[0].rates.converted();
                self.apply(whole, &rates, rates.weight_decay, first * Self::OWN..(first + weights) * Self::OWN);
                self.apply(whole, &rates, 0.0, (first + weights) * Self::OWN..(first + all) * Self::OWN);
            } else {
                let own = own.get_or_insert_with(|| LaneRates::new(steps.iter().map(|step| &step.rates)));
                self.apply_lanes(whole, own, true, first * LANES..(first + weights) * LANES);
                self.apply_lanes(whole, own, false, (first + weights) * LANES..(first + all) * LANES);
            }
        }
    }

    /// The rule for a range of the parameters.
    #[inline(always)]
    fn apply(&mut self, whole: &Whole, rates: &Rates<f32>, decay: f32, range: Range<usize>) {
        let [first, second] = &mut self.states;
        let (parameters, gradient) = (&mut self.parameters[range.clone()], &self.gradient[range.clone()]);
        let optimizer = whole.optimizer;
        match optimizer.states() {
            0 => optimizer.update_all(rates, decay, [parameters], gradient),
            1 => optimizer.update_all(rates, decay, [parameters, &mut first[range]], gradient),
            _ => {
                let (first, second) = (&mut first[range.clone()], &mut second[range]);
                optimizer.update_all(rates, decay, [parameters, first, second], gradient);
            }
        }
    }

    /// The rule for a range of the parameters, each lane at its own rates.
    #[inline(always)]
    fn apply_lanes(&mut self, whole: &Whole, rates: &LaneRates<LANES>, decays: bool, range: Range<usize>) {
        let [first, second] = &mut self.states;
        let (parameters, gradient) = (&mut self.parameters[range.clone()], &self.gradient[range.clone()]);
        let optimizer = whole.optimizer;
        match optimizer.states() {
            0 => optimizer.update_lanes(rates, decays, [parameters], gradient),
            1 => optimizer.update_lanes(rates, decays, [parameters, &mut first[range]], gradient),
            _ => {
                let (first, second) = (&mut first[range.clone()], &mut second[range]);
                optimizer.update_lanes(rates, decays, [parameters, first, second], gradient);
            }
        }
    }
}
