// W -= step(g): the optimizer's rule on gradients that were added up before.
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;             // inputs (+ 1 row of biases) × outputs
@group(0) @binding(WRITES) var<storage, read_write> weight: array<vec4f>;    // the same

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    begin(id.z);
    let width = stride(parameters.outputs);
    let place = id.y * groups.x * LANES + id.x;
    if place >= (parameters.inputs + parameters.bias) * width {
        return;
    }
    let element = parameter_start() + place;
    let decay = select(this_step().weight_decay, 0.0, place / width == parameters.inputs);
    weight[element] = updated(element, weight[element], gradient[element], decay);
}
