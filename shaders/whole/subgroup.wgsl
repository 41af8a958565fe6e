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

// The data is read where it is.
fn gather(lane: u32) {
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
