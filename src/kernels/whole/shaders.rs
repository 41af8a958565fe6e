//! The shaders of a whole network, composed for its layers, and the loop iterations that they take.

use super::{Variant, Whole};
use crate::kernels::shader::{Shader, shader_file};
use crate::kernels::stride4;
use crate::network::Activation;

/// Rows and vec4s of a workgroup's tiles: a GPU has more invocations than a small network has tiles.
const TILE: [usize; 2] = [4, 1];
/// Invocations of a workgroup; the limit of every device is at least that.
pub(super) const INVOCATIONS: usize = 256;
/// Lanes of a subgroup: its shader names each.
pub(super) const SUBGROUP: usize = 8;

impl Whole {
    /// Whether any layer's slope has to be stored.
    pub(super) fn slopes(&self) -> bool {
        (0..self.network.layers()).any(|layer| self.activation(layer).stores_slope())
    }

    fn name(&self, variant: &str) -> String {
        let activations: Vec<&str> = (0..self.network.layers()).map(|layer| self.activation(layer).file_name()).collect();
        let bias = if self.network.bias() { "" } else { "-unbiased" };
        format!("whole-{variant}-{}-{}-{}{bias}", activations.join("-"), self.loss, self.optimizer)
    }

    /// What all shaders are composed of.
    fn common(&self, shader: Shader) -> Shader {
        let layers = self.network.layers();
        let shader = shader
            .constant("LAYERS", layers as u32)
            .constant("STATES", self.optimizer.states() as u32)
            .switch("BIAS", self.network.bias())
            .switch("SLOPES", self.slopes())
            .switch("WRITES_DELTA", true)
            .part(shader_file!("rows.wgsl"))
            .part(shader_file!("step.wgsl"))
            .part(self.optimizer.shader())
            .part(shader_file!("whole/net.wgsl"));
        let of_layers: Vec<Activation> = (0..layers).map(|layer| self.activation(layer)).collect();
        shader.layer_activations(&of_layers, self.network.output_activation()).part(self.loss.shader())
    }

    /// One invocation a replica, with every size a constant.
    pub(super) fn invocation_shader(&self, lanes: u32) -> Shader {
        let widths = self.network.widths();
        let widths4: Vec<usize> = widths.iter().map(|&width| stride4(width)).collect();
        let mut weights = vec![0];
        for layer in 0..self.network.layers() {
            weights.push(weights[layer] + self.parameter_length(layer));
        }
        let mut values = vec![0];
        for (layer, width) in widths4.iter().enumerate() {
            values.push(values[layer] + width);
        }
        let all = weights.pop().unwrap_or(0);
        let states = if self.optimizer.states() > 0 { all } else { 1 };
        let sizes: Vec<String> = widths.iter().map(ToString::to_string).collect();
        let name = format!("{}-{}-{lanes}", self.name("invocation"), sizes.join("x"));
        let shader = Shader::new(name)
            .constant("LANES", lanes)
            .constant("WEIGHTS", all as u32)
            .constant("STATE_WEIGHTS", states as u32)
            .constant("VALUES", values.pop().unwrap_or(0) as u32)
            .constants("WIDTH", widths)
            .constants("WIDTH4", &widths4)
            .constants("WEIGHT", &weights)
            .constants("VALUE", &values);
        let mut shader = self.common(shader).part(shader_file!("whole/invocation.wgsl"));
        // Written out layer by layer, so that the sizes in each call are constants and its loops can be unrolled.
        let layers = self.network.layers();
        for (name, range) in
            [("load", 0..layers), ("forward", 0..layers), ("add_gradient", 0..layers), ("update", 0..layers)]
        {
            shader = shader.calls(name, range);
        }
        shader.calls("keep", 0..layers).calls("delta", (1..layers).rev())
    }

    /// One workgroup a replica.
    pub(super) fn workgroup_shader(&self) -> Shader {
        let holds = self.variant == Variant::Held;
        let held = if holds { self.parameters_length() } else { 0 };
        let values = self.value_places().scratch + held;
        let shader = Shader::new(format!("{}-{INVOCATIONS}-{values}", self.name(self.variant.name())))
            .constant("LANES", INVOCATIONS as u32)
            .constant("ROWS", TILE[0] as u32)
            .constant("COLUMNS", TILE[1] as u32)
            .constant("VALUES", values as u32)
            .switch("HOLDS", holds);
        self.common(shader).part(shader_file!("whole/group.wgsl")).part(shader_file!("whole/workgroup.wgsl"))
    }

    /// One subgroup a replica.
    pub(super) fn subgroup_shader(&self) -> Shader {
        let shader = Shader::new(format!("{}-{SUBGROUP}", self.name("subgroup"))).constant("LANES", SUBGROUP as u32);
        self.common(shader).part(shader_file!("whole/group.wgsl")).part(shader_file!("whole/subgroup.wgsl"))
    }

    /// Iterations of a step, should the driver unroll none.
    pub(super) fn invocation_iterations(&self, rows: usize) -> u64 {
        let widths = self.network.widths();
        let of_layer = |layer: usize| {
            let (inputs, columns) = (widths[layer], stride4(widths[layer + 1]));
            3 * inputs * columns + inputs + stride4(inputs) + 3 * columns
        };
        let sample: usize = (0..self.network.layers()).map(of_layer).sum();
        (rows * sample + self.parameters_length() + 1) as u64
    }

    /// vec4s of one replica's parameters.
    fn parameters_length(&self) -> usize {
        (0..self.network.layers()).map(|layer| self.parameter_length(layer)).sum()
    }

    /// Iterations of a step, with its share of bringing the parameters, the loops over an invocation's own tile being unrolled.
    pub(super) fn workgroup_iterations(&self, rows: usize) -> u64 {
        let rounds = |rows: usize, columns: usize| {
            (rows.div_ceil(TILE[0]) * stride4(columns).div_ceil(TILE[1])).div_ceil(INVOCATIONS)
        };
        let gather = (rows * stride4(self.network.inputs())).div_ceil(INVOCATIONS);
        let output = rows.div_ceil(INVOCATIONS) * 3 * stride4(self.network.outputs());
        let of_layer = |inputs: usize, outputs: usize| {
            let forward = rounds(rows, outputs) * (stride4(inputs) + 1);
            let delta = rounds(rows, inputs) * (stride4(outputs) + 1);
            let update = rounds(inputs, outputs) * (rows + 1);
            let bias = stride4(outputs).div_ceil(INVOCATIONS) * (rows + 1);
            forward + delta + update + bias
        };
        let held = if self.variant == Variant::Held { 2 * self.parameters_length().div_ceil(INVOCATIONS) } else { 0 };
        self.iterations_of_layers(of_layer) + (gather + output + held + 1) as u64
    }

    /// The same of a subgroup.
    pub(super) fn subgroup_iterations(&self, rows: usize) -> u64 {
        let blocks = rows.div_ceil(SUBGROUP);
        let across = |columns: usize| stride4(columns).div_ceil(SUBGROUP);
        let of_layer = |inputs: usize, outputs: usize| {
            let forward = across(outputs) * (blocks * (stride4(inputs) + 1) + rows);
            let delta = across(inputs) * (blocks * (stride4(outputs) + 1) + rows);
            let update = across(outputs) * ((inputs + 1).div_ceil(4 * SUBGROUP) * (rows + 1) + inputs + 1);
            forward + delta + update
        };
        let output = rows.div_ceil(SUBGROUP) * 3 * stride4(self.network.outputs());
        self.iterations_of_layers(of_layer) + (output + 1) as u64
    }

    /// The sum over the layers, and one for each, of what is told of their inputs and outputs.
    fn iterations_of_layers(&self, of_layer: impl Fn(usize, usize) -> usize) -> u64 {
        self.network.widths().windows(2).map(|widths| (of_layer(widths[0], widths[1]) + 1) as u64).sum()
    }

    /// Where a replica's values lie.
    pub(super) fn value_places(&self) -> ValuePlaces {
        let widths = self.network.widths();
        let mut starts = vec![0];
        for (layer, &width) in widths.iter().enumerate() {
            // A subgroup reads the inputs where they are.
            let rows = if layer == 0 && self.variant == Variant::Subgroup { 0 } else { self.batch };
            starts.push(starts[layer] + rows * stride4(width));
        }
        let values = starts.pop().unwrap_or(0);
        // The slopes lie as the outputs do, the inputs having none.
        let slopes = if self.slopes() { values - starts[1] } else { 0 };
        let deltas = values + slopes;
        let widest = widths[1..].iter().map(|&width| stride4(width)).max().unwrap_or(0);
        let delta_length = self.batch * widest;
        ValuePlaces { starts, slopes, deltas, delta_length, scratch: deltas + 2 * delta_length }
    }
}

/// Where a replica's values lie among its scratch, in vec4s.
pub(super) struct ValuePlaces {
    /// The inputs, if they are among them, then each layer's outputs.
    pub(super) starts: Vec<usize>,
    /// From an output to its slope.
    pub(super) slopes: usize,
    /// The first deltas.
    pub(super) deltas: usize,
    /// One layer's deltas.
    pub(super) delta_length: usize,
    /// All of it.
    pub(super) scratch: usize,
}
