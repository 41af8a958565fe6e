//! The shaders of a whole network, composed for its layers, and the loop iterations that they take.

use super::net::Whole;
use crate::kernels::shader::{Shader, shader_file};
use crate::kernels::{Kernel, stride4};
use crate::network::Activation;

/// Rows of a workgroup's tiles of one vec4: a GPU has more invocations than a small network has tiles.
const TILE: usize = 4;
/// Invocations of a workgroup; the limit of every device is at least that.
pub(super) const INVOCATIONS: usize = 256;

impl Whole {
    /// Whether any layer's slope has to be stored.
    pub(super) fn slopes(&self) -> bool {
        (0..self.network.layers()).any(|layer| self.activation(layer).stores_slope())
    }

    pub(super) fn name(&self, variant: &str) -> String {
        let activations: Vec<&str> = (0..self.network.layers()).map(|layer| self.activation(layer).file_name()).collect();
        let bias = if self.network.bias() { "" } else { "-unbiased" };
        format!("whole-{variant}-{}-{}-{}{bias}", activations.join("-"), self.loss, self.optimizer)
    }

    /// What all shaders are composed of; the activations of layers that are told apart by their number, or under their own names.
    pub(super) fn common(&self, shader: Shader, by_number: bool) -> Shader {
        let layers = self.network.layers();
        let shader = shader
            .operands(&self.operands())
            .constant("LAYERS", layers as u32)
            .constant("STATES", self.optimizer.states() as u32)
            .switch("BIAS", self.network.bias())
            .switch("WRITES_DELTA", true)
            .part(shader_file!("rows.wgsl"))
            .part(shader_file!("step.wgsl"))
            .part(self.optimizer.shader())
            .part(shader_file!("whole/net.wgsl"));
        let of_layers: Vec<Activation> = (0..layers).map(|layer| self.activation(layer)).collect();
        let output = self.network.output_activation();
        let shader = match by_number {
            true => shader.layer_activations(&of_layers, output),
            false => shader.activations(&of_layers, output),
        };
        shader.part(self.loss.shader())
    }

    /// One workgroup a replica, with the parameters in a buffer.
    pub(super) fn workgroup_shader(&self) -> Shader {
        let values = self.value_places().scratch;
        let shader = Shader::new(format!("{}-{INVOCATIONS}-{values}", self.name(self.variant.name())))
            .constant("LANES", INVOCATIONS as u32)
            .constant("ROWS", TILE as u32)
            .constant("VALUES", values as u32)
            .switch("SLOPES", self.slopes());
        self.common(shader, true).part(shader_file!("whole/workgroup.wgsl")).written_out()
    }

    /// Iterations of a step, the loops over an invocation's own tile being unrolled.
    pub(super) fn workgroup_iterations(&self, rows: usize) -> u64 {
        let rounds = |rows: usize, columns: usize| (rows.div_ceil(TILE) * stride4(columns)).div_ceil(INVOCATIONS);
        let gather = (rows * stride4(self.network.inputs())).div_ceil(INVOCATIONS);
        let output = rows.div_ceil(INVOCATIONS) * 3 * stride4(self.network.outputs());
        let of_layer = |inputs: usize, outputs: usize| {
            let forward = rounds(rows, outputs) * (stride4(inputs) + 1);
            let delta = rounds(rows, inputs) * (stride4(outputs) + 1);
            let update = rounds(inputs, outputs) * (rows + 1);
            let bias = stride4(outputs).div_ceil(INVOCATIONS) * (rows + 1);
            forward + delta + update + bias
        };
        self.iterations_of_layers(of_layer) + (gather + output + INVOCATIONS + 1) as u64
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
            starts.push(starts[layer] + self.batch * stride4(width));
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
    /// The inputs, then each layer's outputs.
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

impl ValuePlaces {
    /// Bytes of workgroup memory: the values, and what the losses of each invocation's rows come to.
    pub(super) fn bytes(&self) -> usize {
        16 * self.scratch + 4 * INVOCATIONS
    }
}
