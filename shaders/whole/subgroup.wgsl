// Many training steps of a small network, one subgroup of 8 lanes a replica, for adapters that load one lane after the other: what all
// lanes need is loaded once, by one of them, and told to the others. Lanes run along the columns of a product, a vec4 each.

// A replica's outputs, slopes and deltas.
@group(0) @binding(7) var<storage, read_write> values: array<vec4f>;

fn value(element: u32) -> vec4f {
    return values[replica * parameters.scratch + element];
}
fn set_value(element: u32, given: vec4f) {
    values[replica * parameters.scratch + element] = given;
}
// What one lane has written is read by others.
fn barrier() {
    storageBarrier();
    workgroupBarrier();
}

// What each of the lanes has.
fn of_lanes(mine: vec4f) -> array<vec4f, LANES> {
    return array<vec4f, LANES>(
        subgroupBroadcast(mine, 0u),
        subgroupBroadcast(mine, 1u),
        subgroupBroadcast(mine, 2u),
        subgroupBroadcast(mine, 3u),
        subgroupBroadcast(mine, 4u),
        subgroupBroadcast(mine, 5u),
        subgroupBroadcast(mine, 6u),
        subgroupBroadcast(mine, 7u),
    );
}

// The first vec4 of the results of the row whose loss is computed.
var<private> result_start: u32;

fn result_at(column: u32) -> vec4f {
    return value(result_start + column);
}
fn output_width() -> u32 {
    return parameters.layers[LAYERS - 1u].outputs;
}

// First vec4 of a layer's deltas: two areas, in turns.
fn delta_start(l: u32) -> u32 {
    return parameters.deltas + ((LAYERS - 1u - l) % 2u) * parameters.delta_length;
}

// What f' is told from: the output, or the slope stored for it.
fn stored_at(l: u32, element: u32) -> vec4f {
    return value(element + select(0u, parameters.slopes, stores_slope(l)));
}

// One vec4 of a layer's input; the first layer's is the data itself. Zero where no lane asks for it.
fn input_at(layer: Layer, l: u32, row: u32, column: u32, wanted: bool) -> vec4f {
    let element = row * stride(layer.inputs) + column;
    var input: vec4f;
    if l == 0u && wanted {
        input = inputs[element];
    }
    if l > 0u && wanted {
        input = value(layer.input + element);
    }
    return input;
}
// The row of a layer's input that is the batch's.
fn input_row(l: u32, row: u32) -> u32 {
    var found = row;
    if l == 0u {
        found = source_row(row);
    }
    return found;
}

// output = f(input · W + b): as many rows at once as there are lanes, each of which brings one.
fn forward(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.inputs);
    let width = stride(layer.outputs);
    let last = layer.inputs - 1u;
    for (var first = 0u; first < current.rows; first += LANES) {
        let mine = input_row(l, min(first + lane, current.rows - 1u));
        for (var column = lane; column < width + lane; column += LANES) {
            let inside_row = column < width;
            var sums: array<vec4f, LANES>;
            for (var k = 0u; k < depth; k++) {
                var right: mat4x4f;
                if inside_row {
                    right = mat4x4f(
                        trained[weights + min(4u * k, last) * width + column],
                        trained[weights + min(4u * k + 1u, last) * width + column],
                        trained[weights + min(4u * k + 2u, last) * width + column],
                        trained[weights + min(4u * k + 3u, last) * width + column],
                    );
                }
                let left = of_lanes(input_at(layer, l, mine, k, first + lane < current.rows));
                for (var r = 0u; r < LANES; r++) {
                    sums[r] += right * left[r];
                }
            }
            var bias: vec4f;
            if BIAS && inside_row {
                bias = trained[weights + layer.inputs * width + column];
            }
            for (var r = 0u; r < LANES; r++) {
                if first + r < current.rows && inside_row {
                    let element = layer.output + (first + r) * width + column;
                    let z = sums[r] + bias;
                    let valid = inside(column, layer.outputs);
                    set_value(element, select(vec4f(), layer_activate(l, z), valid));
                    if SLOPES {
                        set_value(element + parameters.slopes, select(vec4f(), layer_slope(l, z), valid));
                    }
                }
            }
        }
    }
}

// The loss of each row, and delta = dLoss/da ⊙ f'(a).
fn output(lane: u32) {
    let layer = parameters.layers[LAYERS - 1u];
    let width = stride(layer.outputs);
    for (var row = lane; row < current.rows; row += LANES) {
        result_start = layer.output + row * width;
        let desired_start = source_row(row) * width;
        let prepared = prepare(width);
        var loss = 0.0;
        for (var column = 0u; column < width; column++) {
            let result = result_at(column);
            let desired = targets[desired_start + column];
            let valid = inside(column, layer.outputs);
            loss += dot(select(vec4f(), loss_of(result, desired, prepared), valid), vec4f(1.0));
            let error = error_of(result, stored_at(LAYERS - 1u, result_start + column), desired, prepared);
            set_value(delta_start(LAYERS - 1u) + row * width + column, select(vec4f(), error * current.scale, valid));
        }
        losses[replica * parameters.losses + current.loss_row + row] = loss;
    }
}

// delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1]): the same.
fn delta(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.outputs);
    let width = stride(layer.inputs);
    let last = layer.inputs - 1u;
    for (var first = 0u; first < current.rows; first += LANES) {
        for (var column = lane; column < width + lane; column += LANES) {
            let inside_row = column < width;
            var sums: array<vec4f, LANES>;
            for (var k = 0u; k < depth; k++) {
                var right: mat4x4f;
                if inside_row {
                    right = mat4x4f(
                        trained[weights + min(4u * column, last) * depth + k],
                        trained[weights + min(4u * column + 1u, last) * depth + k],
                        trained[weights + min(4u * column + 2u, last) * depth + k],
                        trained[weights + min(4u * column + 3u, last) * depth + k],
                    );
                }
                var mine: vec4f;
                if first + lane < current.rows {
                    mine = value(delta_start(l) + (first + lane) * depth + k);
                }
                let left = of_lanes(mine);
                for (var r = 0u; r < LANES; r++) {
                    sums[r] += left[r] * right;
                }
            }
            for (var r = 0u; r < LANES; r++) {
                if first + r < current.rows && inside_row {
                    let element = (first + r) * width + column;
                    let below = sums[r] * layer_derivative(l - 1u, stored_at(l - 1u, layer.input + element));
                    set_value(delta_start(l - 1u) + element, select(vec4f(), below, inside(column, layer.inputs)));
                }
            }
        }
    }
}

// W -= step(inputᵀ · delta), b -= step(column sums of delta): the weights of as many inputs at once as the lanes bring of a row. The
// sums, which are in registers, go through the buffer, so that drivers compile the rule once and not for each of them.
fn update(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.inputs);
    let width = stride(layer.outputs);
    // The biases are the weights of one more input.
    let inputs = layer.inputs + select(0u, 1u, BIAS);
    let gradients = parameters.deltas + 2u * parameters.delta_length + lane;
    for (var first = 0u; 4u * first < inputs; first += LANES) {
        for (var column = lane; column < width + lane; column += LANES) {
            let inside_row = column < width;
            var sums: array<mat4x4f, LANES>;
            var bias: vec4f;
            for (var row = 0u; row < current.rows; row++) {
                var right: vec4f;
                if inside_row {
                    right = value(delta_start(l) + row * width + column);
                }
                bias += right;
                let left = of_lanes(input_at(layer, l, input_row(l, row), first + lane, first + lane < depth));
                for (var i = 0u; i < LANES; i++) {
                    // The inputs' weights are the columns of this matrix.
                    sums[i] += mat4x4f(right * left[i].x, right * left[i].y, right * left[i].z, right * left[i].w);
                }
            }
            for (var i = 0u; i < LANES; i++) {
                for (var k = 0u; k < 4u; k++) {
                    set_value(gradients + (4u * i + k) * LANES, sums[i][k]);
                }
            }
            set_value(gradients + 4u * LANES * LANES, bias);
            for (var input = 4u * first; input < min(4u * (first + LANES), inputs) && inside_row; input++) {
                let place = select(input - 4u * first, 4u * LANES, input == layer.inputs);
                let element = input * width + column;
                trained[weights + element] = updated(layer, element, trained[weights + element], value(gradients + place * LANES));
            }
        }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
    replica = group.z;
    let records = parameters.records;
    let record = select(0u, group.z, records > 1u);
    let count = steps[record].remaining;
    for (var s = 0u; s < count; s++) {
        current = steps[s * records + record];
        for (var l = 0u; l < LAYERS; l++) {
            forward(l, lane);
            barrier();
        }
        output(lane);
        barrier();
        for (var l = LAYERS - 1u; l > 0u; l--) {
            delta(l, lane);
            barrier();
            update(l, lane);
            barrier();
        }
        update(0u, lane);
        barrier();
    }
}
