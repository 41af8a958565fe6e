//! The variant that holds a whole small network in workgroup memory: where everything lies, how each function is cut into tiles, and
//! the shader, written out layer by layer.

use std::fmt::Write;

use super::net::Whole;
use crate::kernels::shader::{Shader, shader_file};
use crate::kernels::stride4;

/// Invocations of a workgroup at most; every device allows that many.
const MOST_LANES: usize = 256;
/// Invocations of a workgroup at least, and what their number is a multiple of.
const LEAST_LANES: usize = 32;
/// Rows of a tile of `forward` and `delta`, from small to large.
const ROW_TILES: [usize; 3] = [1, 2, 4];
/// Inputs of a tile of the gradient.
const INPUT_TILES: [usize; 2] = [1, 4];
/// vec4s that may wait in a lane's registers: what it has fetched ahead, its gradients of a layer, the optimizer's states.
const MOST_WAITING: usize = 20;

/// How one function is shared out: tiles of so many rows or inputs × one vec4, and how often the lanes go through them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tiles {
    /// Rows or inputs of a tile.
    pub(super) size: usize,
    /// Tiles in all.
    pub(super) count: usize,
    /// Tiles of a lane at most.
    pub(super) rounds: usize,
}

impl Tiles {
    /// The smallest tiles of which each has a lane of its own; where even the largest have none, those.
    fn new(sizes: &[usize], count: impl Fn(usize) -> usize, lanes: usize) -> Self {
        let largest = *sizes.last().expect("some sizes");
        let size = sizes.iter().copied().find(|&size| count(size) <= lanes).unwrap_or(largest);
        Self { size, count: count(size), rounds: count(size).div_ceil(lanes.max(1)) }
    }
}

/// How one layer is shared out, and where what belongs to it lies, in vec4s.
#[derive(Debug, Clone)]
pub(super) struct LayerPlaces {
    /// The tiles of its output.
    pub(super) forward: Tiles,
    /// The tiles of the delta below it; of the first layer none are computed.
    pub(super) delta: Tiles,
    /// The tiles of its gradient.
    pub(super) gradient: Tiles,
    /// Its input's first row, and vec4s from one row to the next.
    pub(super) input: [usize; 2],
    /// The same of the deltas of its output.
    pub(super) deltas: [usize; 2],
    /// Its first parameter.
    pub(super) parameters: usize,
}

/// Where everything lies in workgroup memory, in vec4s, and how the work is shared out.
#[derive(Debug, Clone)]
pub(super) struct Held {
    pub(super) lanes: usize,
    /// Rows that each area has room for: the batch, up to a whole tile.
    rows: usize,
    pub(super) layers: Vec<LayerPlaces>,
    /// The first row's losses, vec4s to the next row's, and vec4s of one row's.
    losses: [usize; 3],
    /// Whether the lanes keep the optimizer's states in registers from step to step.
    pub(super) keeps_states: bool,
    /// vec4s in all.
    pub(super) length: usize,
}

/// vec4s from one row to the next: an odd number, so that rows begin in different banks.
fn odd(width4: usize) -> usize {
    width4 | 1
}

impl Held {
    /// The places of a network whose batch has at most so many rows.
    pub(super) fn new(whole: &Whole) -> Self {
        let (batch, layers) = (whole.batch, whole.network.layers());
        let widths = whole.network.widths();
        let widths4: Vec<usize> = widths.iter().map(|&width| stride4(width)).collect();
        let (bias, last) = (usize::from(whole.network.bias()), layers - 1);
        let blocks = |l: usize, size: usize| (widths[l].div_ceil(size) + bias) * widths4[l + 1];
        let tiles = |l: usize, size: usize| batch.div_ceil(size) * widths4[l];
        let most = (0..layers).map(|l| tiles(l + 1, 1).max(blocks(l, 1))).max().unwrap_or(1);
        let most = most.max((batch * widths4[0]).div_ceil(4));
        let lanes = most.next_multiple_of(LEAST_LANES).min(MOST_LANES);
        let shares: Vec<[Tiles; 3]> = (0..layers)
            .map(|l| {
                let forward = Tiles::new(&ROW_TILES, |size| tiles(l + 1, size), lanes);
                let gradient = Tiles::new(&INPUT_TILES, |size| blocks(l, size), lanes);
                // The delta is computed beside the gradient, by the lanes that it leaves.
                let free = lanes.saturating_sub(gradient.count);
                let delta = Tiles::new(&ROW_TILES, |size| tiles(l, size), free);
                [forward, Tiles { rounds: delta.count.div_ceil(lanes), ..delta }, gradient]
            })
            .collect();
        let of_rows = shares.iter().enumerate().flat_map(|(l, [forward, delta, _])| {
            let below = if l > 0 { delta.size } else { 1 };
            [forward.size, below]
        });
        let rows = batch.next_multiple_of(of_rows.max().unwrap_or(1));
        let mut next = 0;
        let mut take = |length: usize| {
            next += length;
            next - length
        };
        let inputs: Vec<[usize; 2]> = (0..layers).map(|l| [take(rows * odd(widths4[l])), odd(widths4[l])]).collect();
        let deltas: Vec<[usize; 2]> = (1..=layers).map(|l| [take(rows * odd(widths4[l])), odd(widths4[l])]).collect();
        let parameters: Vec<usize> = (0..layers).map(|l| take(whole.parameter_length(l))).collect();
        // A row's losses: an element a vec4 of outputs, in what the first hidden layer's rows are longer than they need be, if they are.
        let losses4 = if whole.finishes_at_once() { stride4(widths4[last + 1]) } else { 1 };
        let losses = match inputs.get(1) {
            Some(&[first, stride]) if stride > widths4[1] && losses4 == 1 => [first + widths4[1], stride, 1],
            _ => [take(rows * losses4), losses4, losses4],
        };
        let layers: Vec<LayerPlaces> = shares
            .into_iter()
            .enumerate()
            .map(|(l, [forward, delta, gradient])| {
                let (input, deltas, parameters) = (inputs[l], deltas[l], parameters[l]);
                LayerPlaces { forward, delta, gradient, input, deltas, parameters }
            })
            .collect();
        let mut held = Self { lanes, rows, losses, keeps_states: false, length: next, layers };
        let states = whole.optimizer.states();
        let of_states = states * held.gradients().sum::<usize>();
        held.keeps_states = states > 0 && held.waiting(whole) + of_states <= MOST_WAITING;
        held
    }

    /// vec4s of each layer's gradient that a lane sums.
    fn gradients(&self) -> impl Iterator<Item = usize> {
        self.layers.iter().map(|layer| layer.gradient.rounds * layer.gradient.size)
    }

    /// vec4s that wait in a lane's registers without the optimizer's states.
    fn waiting(&self, whole: &Whole) -> usize {
        let [rounds, desired] = self.desired(whole);
        self.gradients().max().unwrap_or(0) + self.puts(whole) + rounds * desired
    }

    /// Whether a lane has registers for what it fetches ahead, and for the gradients that wait for a barrier.
    pub(super) fn fits_registers(&self, whole: &Whole) -> bool {
        self.waiting(whole) <= MOST_WAITING
    }

    /// Bytes of workgroup memory.
    pub(super) fn bytes(&self) -> usize {
        16 * self.length
    }

    /// vec4s of inputs that a lane brings.
    fn puts(&self, whole: &Whole) -> usize {
        (whole.batch * stride4(whole.network.inputs())).div_ceil(self.lanes)
    }

    /// How often a lane finishes outputs, and how many vec4s of targets it takes for that each time.
    fn desired(&self, whole: &Whole) -> [usize; 2] {
        let last = self.layers[self.layers.len() - 1].forward;
        if whole.finishes_at_once() {
            [last.rounds, last.size]
        } else {
            [whole.batch.div_ceil(self.lanes), stride4(whole.network.outputs())]
        }
    }

    /// The lane that sums the losses while the others compute deltas: one without a tile, if there is one.
    fn loss_lane(&self) -> usize {
        match &self.layers[..] {
            [.., last] if self.layers.len() > 1 && last.delta.count + last.gradient.count < self.lanes => last.delta.count,
            _ => self.lanes - 1,
        }
    }

    /// Loop iterations of a step, should the driver unroll none, with its share of bringing and keeping the parameters.
    pub(super) fn iterations(&self, whole: &Whole) -> u64 {
        let widths = whole.network.widths();
        let of_layer = |(l, layer): (usize, &LayerPlaces)| {
            let forward = layer.forward.rounds * (stride4(widths[l]) + 1);
            let delta = layer.delta.rounds * (stride4(widths[l + 1]) + 1);
            let gradient = layer.gradient.rounds * (whole.batch + 1);
            forward + delta + gradient + 2 * whole.parameter_length(l).div_ceil(self.lanes)
        };
        let output = self.rows.div_ceil(self.lanes) * 2 * stride4(whole.network.outputs());
        (self.layers.iter().enumerate().map(of_layer).sum::<usize>() + output + 2 * whole.batch + 1) as u64
    }

    /// The shader.
    pub(super) fn shader(&self, whole: &Whole) -> Shader {
        let sizes: Vec<String> = whole.network.widths().iter().map(ToString::to_string).collect();
        let name = format!("{}-{}-{}-{}", whole.name("held"), sizes.join("x"), whole.batch, self.length);
        let shader = Shader::new(name)
            .constant("LANES", self.lanes as u32)
            .constant("BATCH", whole.batch as u32)
            .constant("VALUES", self.length as u32);
        let mut shader = whole.common(shader, false).instance(shader_file!("whole/held.wgsl"), &self.of_step(whole));
        let last = whole.network.layers() - 1;
        shader = match whole.finishes_at_once() {
            true => shader.instance(shader_file!("whole/held_finish.wgsl"), &self.of_outputs(whole)),
            false => shader.instance(shader_file!("whole/held_output.wgsl"), &self.of_outputs(whole)),
        };
        for l in 0..=last {
            shader = shader.instance(shader_file!("whole/held_forward.wgsl"), &self.of_forward(whole, l));
            if l > 0 {
                shader = shader.instance(shader_file!("whole/held_delta.wgsl"), &self.of_delta(whole, l));
            }
            shader = shader.instance(shader_file!("whole/held_update.wgsl"), &self.of_update(whole, l));
        }
        shader.text(&self.main(whole)).written_out()
    }

    /// The numbers of `held.wgsl`.
    fn of_step(&self, whole: &Whole) -> Vec<(&'static str, String)> {
        let (width, outputs) = (stride4(whole.network.inputs()), stride4(whole.network.outputs()));
        let [rounds, desired] = self.desired(whole);
        let [losses, loss_stride, losses4] = self.losses;
        let last = self.layers[self.layers.len() - 1].forward;
        let [row, column] = match whole.finishes_at_once() {
            true => [format!("tile_$i / {outputs}u * {}u + $qu", last.size), format!("tile_$i % {outputs}u")],
            false => ["tile_$i".to_string(), "$qu".to_string()],
        };
        let numbers = [
            ("PUTS", self.puts(whole)),
            ("ROUNDS", rounds),
            ("DESIRED", desired),
            ("WIDTH", width),
            ("STRIDE", self.layers[0].input[1]),
            ("INPUTS4", whole.batch * width),
            ("OUTPUTS4", outputs),
            ("LOSSES", losses),
            ("LOSS_STRIDE", loss_stride),
            ("LOSSES4", losses4),
            ("ROWS", self.rows),
            ("LOSS_LANE", self.loss_lane()),
        ];
        texts(numbers).chain([("DESIRED_ROW", row), ("DESIRED_COLUMN", column)]).collect()
    }

    /// The numbers of `held_finish.wgsl` and `held_output.wgsl`.
    fn of_outputs(&self, whole: &Whole) -> Vec<(&'static str, String)> {
        let last = whole.network.layers() - 1;
        let activation = whole.activation(last);
        let function = activation.function();
        let stored = if activation.stores_slope() { format!("{function}_slope(z)") } else { "result".into() };
        let [delta, stride] = self.layers[last].deltas;
        let [rounds, _] = self.desired(whole);
        let outputs = whole.network.outputs();
        let numbers =
            [("DELTA", delta), ("STRIDE", stride), ("OUTPUTS", outputs), ("OUTPUTS4", stride4(outputs)), ("ROUNDS", rounds)];
        texts(numbers).chain([("FUNCTION", function.to_string()), ("STORED", stored)]).collect()
    }

    /// The numbers of a layer's `held_forward.wgsl`.
    fn of_forward(&self, whole: &Whole, l: usize) -> Vec<(&'static str, String)> {
        let (layer, widths) = (&self.layers[l], whole.network.widths());
        let (is_last, activation) = (l + 1 == self.layers.len(), whole.activation(l));
        let finishes = is_last && whole.finishes_at_once();
        // A last layer whose output needs whole rows leaves its results where its deltas are to be.
        let [output, output_stride] = if is_last { layer.deltas } else { self.layers[l + 1].input };
        let width = stride4(widths[l + 1]);
        let numbers = [
            ("LAYER", l),
            ("TILE", layer.forward.size),
            ("TILES", layer.forward.count),
            ("ROUNDS", layer.forward.rounds),
            ("WIDTH", width),
            ("DEPTH", stride4(widths[l])),
            ("WEIGHTS", layer.parameters),
            ("BIASES", layer.parameters + if whole.network.bias() { widths[l] * width } else { 0 }),
            ("LAST", widths[l] - 1),
            ("INPUT", layer.input[0]),
            ("INPUT_STRIDE", layer.input[1]),
            ("OUTPUT", output),
            ("OUTPUT_STRIDE", output_stride),
            ("OUTPUTS", widths[l + 1]),
            ("DELTA", layer.deltas[0]),
            ("STORES", usize::from(!finishes)),
            ("SLOPES", usize::from(!is_last && activation.stores_slope())),
            ("FINISHES", usize::from(finishes)),
        ];
        texts(numbers).chain([("FUNCTION", activation.function().to_string())]).collect()
    }

    /// The numbers of `held_delta.wgsl` for the delta below a layer.
    fn of_delta(&self, whole: &Whole, l: usize) -> Vec<(&'static str, String)> {
        let (layer, widths, activation) = (&self.layers[l], whole.network.widths(), whole.activation(l - 1));
        let [below, stride] = self.layers[l - 1].deltas;
        let numbers = [
            ("LAYER", l),
            ("TILE", layer.delta.size),
            ("TILES", layer.delta.count),
            ("ROUNDS", layer.delta.rounds),
            ("WIDTH", stride4(widths[l])),
            ("DEPTH", stride4(widths[l + 1])),
            ("WEIGHTS", layer.parameters),
            ("LAST", widths[l] - 1),
            ("DELTA", layer.deltas[0]),
            ("DELTA_STRIDE", layer.deltas[1]),
            ("STRIDE", stride),
            ("STORED", if activation.stores_slope() { below } else { layer.input[0] }),
            ("BELOW", below),
            ("INPUTS", widths[l]),
        ];
        texts(numbers).chain([("SLOPE", activation.slope_of().expression("stored_$q"))]).collect()
    }

    /// The numbers of a layer's `held_update.wgsl`.
    fn of_update(&self, whole: &Whole, l: usize) -> Vec<(&'static str, String)> {
        let (layer, widths) = (&self.layers[l], whole.network.widths());
        let size = layer.gradient.size;
        let states = whole.optimizer.states();
        let kept = if self.keeps_states { states } else { 0 };
        let length = whole.parameter_length(l);
        let state = match self.keeps_states {
            true => format!("state_{l}_$i_$q_$s"),
            false => format!("trained[state_start({l}u, $su) + replica * {length}u + element]"),
        };
        // Tiles of one input take one element of a vec4, those of four the whole of it.
        let [left, part] = if size == 1 { ["source / 4u][source % 4u]", "left"] } else { ["source]", "left[$q]"] };
        // Upper layers' gradients are summed beside a delta, from the last lane on.
        let lane = if l > 0 { "(LANES - 1u - lane)" } else { "lane" };
        let numbers = [
            ("LAYER", l),
            ("TILE", size),
            ("TILES", layer.gradient.count),
            ("ROUNDS", layer.gradient.rounds),
            ("WIDTH", stride4(widths[l + 1])),
            ("BLOCKS", widths[l].div_ceil(size)),
            ("INPUTS", widths[l]),
            ("LENGTH", length),
            ("WEIGHTS", layer.parameters),
            ("DELTA", layer.deltas[0]),
            ("DELTA_STRIDE", layer.deltas[1]),
            ("INPUT", layer.input[0]),
            ("INPUT_STRIDE", layer.input[1]),
            ("STATES", states),
            ("STATES_KEPT", kept),
            ("STATES_ARE_KEPT", usize::from(kept > 0)),
        ];
        let words = [("STATE", state.as_str()), ("LEFT", left), ("PART", part), ("LANE", lane)];
        texts(numbers).chain(words.map(|(name, word)| (name, word.to_string()))).collect()
    }

    /// The entry point: the steps, with a barrier after each layer forward and back.
    fn main(&self, whole: &Whole) -> String {
        let last = whole.network.layers() - 1;
        let of_layers =
            |function: &str| (0..=last).fold(String::new(), |text, l| text + &format!("    {function}_{l}(lane);\n"));
        let mut step = String::new();
        let mut say = |line: &str| writeln!(step, "        {line}").expect("a string takes everything");
        say("current = coming;");
        say("put(lane);");
        say("coming = steps[min(s + 1u, count - 1u) * records + record];");
        say("barrier();");
        for l in 0..=last {
            say(&format!("forward_{l}(lane);"));
            if l == 0 {
                say("find(lane);");
            }
            say("barrier();");
        }
        if !whole.finishes_at_once() {
            say("output(lane);");
            say("barrier();");
        }
        say("bring();");
        say("note_loss(lane);");
        for l in (1..=last).rev() {
            say(&format!("delta_{l}(lane);"));
            say(&format!("gradient_{l}(lane);"));
            say("barrier();");
            say(&format!("apply_{l}(lane);"));
        }
        say("gradient_0(lane);");
        say("apply_0(lane);");
        say("barrier();");
        format!(
            "\n@compute @workgroup_size(LANES)\n\
             fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {{\n    \
             replica = group.z;\n    \
             let records = parameters.records;\n    \
             let record = select(0u, group.z, records > 1u);\n    \
             let count = steps[record].remaining;\n{}    \
             clear_losses(lane);\n    \
             coming = steps[record];\n    \
             find(lane);\n    \
             bring();\n    \
             for (var s = 0u; s < count; s++) {{\n{step}    }}\n{}}}\n",
            of_layers("load"),
            of_layers("keep"),
        )
    }
}

impl Whole {
    /// Whether a tile of the last layer's results is all that its losses and deltas need.
    pub(super) fn finishes_at_once(&self) -> bool {
        !self.loss.needs_whole_rows()
    }
}

/// Numbers as the text that stands for them.
fn texts<const N: usize>(numbers: [(&'static str, usize); N]) -> impl Iterator<Item = (&'static str, String)> {
    numbers.into_iter().map(|(name, number)| (name, number.to_string()))
}
