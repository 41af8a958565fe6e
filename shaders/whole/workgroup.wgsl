// Many training steps of a small network, one workgroup a replica, with a barrier after each layer. The lanes along x go over the
// columns of a product in vec4s, those along y over blocks of ROWS of its rows.
fn result_at(element: u32) -> vec4f {
    return value(element);
}
fn output_width() -> u32 {
    return parameters.layers[LAYERS - 1u].outputs;
}

// First vec4 of a layer's deltas: two areas, in turns.
fn delta_start(l: u32) -> u32 {
    return parameters.deltas + ((LAYERS - 1u - l) % 2u) * parameters.delta_length;
}

// The rows of the batch, copied together.
fn gather(lane: vec2u) {
    let width = stride(parameters.layers[0].inputs);
    for (var row = lane.y; row < current.rows; row += LANES_Y) {
        let source = source_row(row) * width;
        for (var column = lane.x; column < width; column += LANES_X) {
            set_value(row * width + column, inputs[source + column]);
        }
    }
}

// output = f(input · W + b)
fn forward(l: u32, lane: vec2u) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.inputs);
    let width = stride(layer.outputs);
    let last = layer.inputs - 1u;
    for (var block = ROWS * lane.y; block < current.rows; block += ROWS * LANES_Y) {
        for (var column = lane.x; column < width; column += LANES_X) {
            var sums: array<vec4f, ROWS>;
            for (var k = 0u; k < depth; k++) {
                let right = mat4x4f(
                    trained[weights + min(4u * k, last) * width + column],
                    trained[weights + min(4u * k + 1u, last) * width + column],
                    trained[weights + min(4u * k + 2u, last) * width + column],
                    trained[weights + min(4u * k + 3u, last) * width + column],
                );
                for (var r = 0u; r < ROWS; r++) {
                    sums[r] += right * value(layer.input + min(block + r, current.rows - 1u) * depth + k);
                }
            }
            var bias = vec4f();
            if BIAS {
                bias = trained[weights + layer.inputs * width + column];
            }
            let valid = inside(column, layer.outputs);
            for (var r = 0u; r < ROWS; r++) {
                if block + r < current.rows {
                    let element = layer.output + (block + r) * width + column;
                    let z = sums[r] + bias;
                    set_value(element, select(vec4f(), layer_activate(l, z), valid));
                    if SLOPES {
                        set_value(element + parameters.slopes, select(vec4f(), layer_slope(l, z), valid));
                    }
                }
            }
        }
    }
}

// What f' is told from: the output, or the slope stored for it.
fn stored_at(l: u32, element: u32) -> vec4f {
    return value(element + select(0u, parameters.slopes, stores_slope(l)));
}

// The loss of each row, and delta = dLoss/da ⊙ f'(a).
fn output(lane: u32) {
    let layer = parameters.layers[LAYERS - 1u];
    let width = stride(layer.outputs);
    for (var row = lane; row < current.rows; row += LANES_X * LANES_Y) {
        let start = layer.output + row * width;
        let desired_start = source_row(row) * width;
        let prepared = prepare(start, width);
        var loss = 0.0;
        for (var column = 0u; column < width; column++) {
            let result = value(start + column);
            let desired = targets[desired_start + column];
            let valid = inside(column, layer.outputs);
            loss += dot(select(vec4f(), loss_of(result, desired, prepared), valid), vec4f(1.0));
            let error = error_of(result, stored_at(LAYERS - 1u, start + column), desired, prepared);
            set_value(delta_start(LAYERS - 1u) + row * width + column, select(vec4f(), error * current.scale, valid));
        }
        losses[replica * parameters.losses + current.loss_row + row] = loss;
    }
}

// delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1])
fn delta(l: u32, lane: vec2u) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.outputs);
    let width = stride(layer.inputs);
    let last = layer.inputs - 1u;
    for (var block = ROWS * lane.y; block < current.rows; block += ROWS * LANES_Y) {
        for (var column = lane.x; column < width; column += LANES_X) {
            var sums: array<vec4f, ROWS>;
            for (var k = 0u; k < depth; k++) {
                let right = mat4x4f(
                    trained[weights + min(4u * column, last) * depth + k],
                    trained[weights + min(4u * column + 1u, last) * depth + k],
                    trained[weights + min(4u * column + 2u, last) * depth + k],
                    trained[weights + min(4u * column + 3u, last) * depth + k],
                );
                for (var r = 0u; r < ROWS; r++) {
                    sums[r] += value(delta_start(l) + min(block + r, current.rows - 1u) * depth + k) * right;
                }
            }
            for (var r = 0u; r < ROWS; r++) {
                if block + r < current.rows {
                    let element = (block + r) * width + column;
                    let below = sums[r] * layer_derivative(l - 1u, stored_at(l - 1u, layer.input + element));
                    set_value(delta_start(l - 1u) + element, select(vec4f(), below, inside(column, layer.inputs)));
                }
            }
        }
    }
}

// W -= step(inputᵀ · delta): ROWS rows of W an invocation
fn update(l: u32, lane: vec2u) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.inputs);
    let width = stride(layer.outputs);
    for (var block = lane.y * (ROWS / 4u); block < depth; block += LANES_Y * (ROWS / 4u)) {
        for (var column = lane.x; column < width; column += LANES_X) {
            var sums: array<vec4f, ROWS>;
            for (var row = 0u; row < current.rows; row++) {
                let right = value(delta_start(l) + row * width + column);
                for (var part = 0u; part < ROWS / 4u; part++) {
                    let left = value(layer.input + row * depth + min(block + part, depth - 1u));
                    for (var r = 0u; r < 4u; r++) {
                        sums[4u * part + r] += left[r] * right;
                    }
                }
            }
            for (var r = 0u; r < ROWS; r++) {
                let row = 4u * block + r;
                if row < layer.inputs {
                    let element = row * width + column;
                    trained[weights + element] = updated(layer, element, trained[weights + element], sums[r]);
                }
            }
        }
    }
}

// b -= step(column sums of delta)
fn update_bias(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let width = stride(layer.outputs);
    for (var column = lane; column < width; column += LANES_X * LANES_Y) {
        var sum = vec4f();
        for (var row = 0u; row < current.rows; row++) {
            sum += value(delta_start(l) + row * width + column);
        }
        let element = layer.inputs * width + column;
        let place = layer.parameters + replica * layer.length + element;
        trained[place] = updated(layer, element, trained[place], sum);
    }
}

@compute @workgroup_size(LANES_X, LANES_Y)
fn main(@builtin(local_invocation_id) local: vec3u, @builtin(workgroup_id) group: vec3u) {
    replica = group.z;
    let lane = vec2u(local.x, select(local.y, 0u, LANES_Y == 1u));
    let index = lane.y * LANES_X + lane.x;
    let records = parameters.records;
    let record = select(0u, group.z, records > 1u);
    let count = steps[record].remaining;
    for (var s = 0u; s < count; s++) {
        current = steps[s * records + record];
        gather(lane);
        barrier();
        for (var l = 0u; l < LAYERS; l++) {
            forward(l, lane);
            barrier();
        }
        output(index);
        barrier();
        for (var l = LAYERS - 1u; l > 0u; l--) {
            delta(l, lane);
            barrier();
            update(l, lane);
            if BIAS {
                update_bias(l, index);
            }
            barrier();
        }
        update(0u, lane);
        if BIAS {
            update_bias(0u, index);
        }
        barrier();
    }
}
