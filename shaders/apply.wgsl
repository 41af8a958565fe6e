// W -= step(g): the optimizer's rule on gradients that were added up before, clipped, with the penalty of the weights' magnitudes.
struct Parameters {
    inputs: u32,
    outputs: u32,
    bias: u32,       // 1: the row after the weights is the biases
    rate: f32,       // what the learning rate is multiplied by
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    begin(id.z);
    let width = stride(parameters.outputs);
    let place = id.y * groups.x * LANES + id.x;
    let length = (parameters.inputs + parameters.bias) * width;
    if place >= length {
        return;
    }
    let element = replica * length + place;
    let is_bias = place / width == parameters.inputs;
    let decay = select(this_step().weight_decay, 0.0, is_bias);
    let penalty = select(this_step().l1, 0.0, is_bias);
    let old = weight[element];
    let after = updated(element, old, clipped(gradient[element]) + penalty * sign(old), decay);
    weight[element] = after;
    keep(element, after);
}
