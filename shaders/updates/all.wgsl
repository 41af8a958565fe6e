// The matrices of all layers that are trained. Inputs and deltas are a buffer each, which the host writes accessors for; the parameters
// and the optimizer's states are one.
struct Layer {
    inputs: u32,
    outputs: u32,
    bias: u32,            // 1: the row after the weights is the biases
    capacity: u32,        // rows that the batch's buffers have room for
    order_length: u32,    // places from one replica's order to the next
    from_data: u32,       // 1: the input is the data, whose rows the source finds
    rate: f32,            // what the learning rate is multiplied by
    weight: u32,          // first vec4 of the parameters of replica 0 in `trained`, and of the optimizer's states
    first_state: u32,
    second_state: u32,
    first: u32,           // its first workgroup, and its tiles along the columns and the rows
    across: u32,
    down: u32,
    ones: u32,            // 1: the biases are beside its tiles
}
struct Parameters {
    layers: array<Layer, LAYERS>,
}
@group(0) @binding(0) var<storage, read> all: Parameters;

// The layer of this workgroup, and its number.
var<private> parameters: Layer;
var<private> number: u32;

fn batch_start(columns: u32) -> u32 {
    return replica * parameters.capacity * stride(columns);
}
// In each of the matrices that are shaped as the parameters.
fn parameter_start() -> u32 {
    return replica * (parameters.inputs + parameters.bias) * stride(parameters.outputs);
}
fn input_row(sample: u32) -> u32 {
    if parameters.from_data == 1u {
        return source_row(sample);
    }
    return replica * parameters.capacity + sample;
}
fn weight_at(element: u32) -> vec4f {
    return trained[parameters.weight + element];
}
fn set_weight(element: u32, value: vec4f) {
    trained[parameters.weight + element] = value;
}

fn updated(element: u32, weight: vec4f, gradient: vec4f, decay: f32) -> vec4f {
    var state: array<vec4f, 2>;
    if STATES > 0u {
        state[0] = trained[parameters.first_state + element];
    }
    if STATES > 1u {
        state[1] = trained[parameters.second_state + element];
    }
    let result = rule(step_of_layer(), decay, weight, gradient, &state);
    if STATES > 0u {
        trained[parameters.first_state + element] = state[0];
    }
    if STATES > 1u {
        trained[parameters.second_state + element] = state[1];
    }
    return result;
}

// The layers' tiles, one layer after the other along x.
fn tile_of(workgroup: vec3u, workgroups: vec3u) -> Tile {
    let l = layer_of(workgroup.x);
    number = l;
    parameters = all.layers[l];
    let index = workgroup.x - all.layers[l].first;
    let across = all.layers[l].across;
    let row = index / across;
    let has_ones = all.layers[l].ones == 1u && row + 1u == all.layers[l].down;
    return Tile(ROWS4 * row, COLUMNS4 * (index % across), has_ones);
}
