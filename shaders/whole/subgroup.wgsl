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
// What one lane has written is read by others. Not a workgroup's barrier, at which Mesa 22.3 cuts the function in two and keeps
// in memory what was in registers. subgroupBarrier, naga's own, says nothing of buffers: that what is stored in `values` and
// `trained` is there for the next load rests on software adapters going through a subgroup's lanes together, in one thread.
fn barrier() {
    subgroupBarrier();
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

// sums[i], i being no constant: selections, where an array with such an index would lie in memory. So what follows the sums is
// compiled once, and not for each of them.
fn chosen(sums: array<vec4f, LANES>, i: u32) -> vec4f {
    let odd = (i & 1u) != 0u;
    let low = select(select(sums[0], sums[1], odd), select(sums[2], sums[3], odd), (i & 2u) != 0u);
    let high = select(select(sums[4], sums[5], odd), select(sums[6], sums[7], odd), (i & 2u) != 0u);
    return select(low, high, (i & 4u) != 0u);
}
// The same of a matrix's columns.
fn chosen_column(sums: mat4x4f, k: u32) -> vec4f {
    let odd = (k & 1u) != 0u;
    return select(select(sums[0], sums[1], odd), select(sums[2], sums[3], odd), (k & 2u) != 0u);
}

// The parameters and the data are read where they are.
fn begin(lane: u32) {
}
fn end(lane: u32) {
}
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
            for (var r = 0u; r < min(LANES, current.rows - first) && inside_row; r++) {
                let element = layer.output + (first + r) * width + column;
                let z = chosen(sums, r) + bias;
                let valid = inside(column, layer.outputs);
                set_value(element, select(vec4f(), layer_activate(l, z), valid));
                if SLOPES {
                    set_value(element + parameters.slopes, select(vec4f(), layer_slope(l, z), valid));
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
            for (var r = 0u; r < min(LANES, current.rows - first) && inside_row; r++) {
                let element = (first + r) * width + column;
                let below = chosen(sums, r) * layer_derivative(l - 1u, stored_at(l - 1u, layer.input + element));
                set_value(delta_start(l - 1u) + element, select(vec4f(), below, inside(column, layer.inputs)));
            }
        }
    }
}

// W -= step(inputᵀ · delta), b -= step(column sums of delta): the weights of as many inputs at once as the lanes bring of a row.
fn update(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.inputs);
    let width = stride(layer.outputs);
    // The biases are the weights of one more input.
    let inputs = layer.inputs + select(0u, 1u, BIAS);
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
            for (var input = 4u * first; input < min(4u * (first + LANES), inputs) && inside_row; input++) {
                let place = input - 4u * first;
                var gradients: array<vec4f, LANES>;
                for (var i = 0u; i < LANES; i++) {
                    gradients[i] = chosen_column(sums[i], place % 4u);
                }
                let gradient = select(chosen(gradients, place / 4u), bias, input == layer.inputs);
                let element = input * width + column;
                trained[weights + element] = updated(layer, element, trained[weights + element], gradient);
            }
        }
    }
}
