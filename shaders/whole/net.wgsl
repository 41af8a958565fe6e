// What a whole network's kernels share: its layers, the buffers, and what an update does to one vec4 of parameters.
struct Layer {
    inputs: u32,
    outputs: u32,
    parameters: u32,      // first vec4 of the parameters of replica 0 in `trained`, and of the optimizer's states
    first_state: u32,
    second_state: u32,
    length: u32,          // vec4s of one replica's parameters
    input: u32,           // first vec4 of its input and of its output among a replica's values
    output: u32,
}
struct Parameters {
    records: u32,         // of a step: one for all replicas, or one each
    replicas: u32,
    order_length: u32,    // places from one replica's order to the next
    losses: u32,          // places from one replica's losses to the next
    slopes: u32,          // vec4s from an output to the slope stored for it
    deltas: u32,          // first vec4 of the deltas among a replica's values
    delta_length: u32,    // vec4s of one layer's deltas
    of_loss: f32,         // the number that shapes the loss, if it has one
    layers: array<Layer, LAYERS>,
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

// The step that is computed.
var<private> current: Step;

fn this_step() -> Step {
    return current;
}

// The row of the data that is a row of the batch.
fn source_row(row: u32) -> u32 {
    return order[replica * parameters.order_length + current.first + row];
}

// Where an optimizer's state of a layer begins.
fn state_start(l: u32, k: u32) -> u32 {
    return select(parameters.layers[l].first_state, parameters.layers[l].second_state, k == 1u);
}

// One vec4 of parameters after the update; its states are `element` vec4s from where the layer's begin.
fn updated(layer: Layer, element: u32, weight: vec4f, gradient: vec4f) -> vec4f {
    let first = layer.first_state + replica * layer.length + element;
    let second = layer.second_state + replica * layer.length + element;
    var state: array<vec4f, 2>;
    if STATES > 0u {
        state[0] = trained[first];
    }
    if STATES > 1u {
        state[1] = trained[second];
    }
    let decay = select(current.weight_decay, 0.0, element >= layer.inputs * stride(layer.outputs));
    let result = rule(current, decay, weight, gradient, &state);
    if STATES > 0u {
        trained[first] = state[0];
    }
    if STATES > 1u {
        trained[second] = state[1];
    }
    return result;
}
