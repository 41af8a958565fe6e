// Many training steps of a small network, one workgroup a replica, with a barrier after each layer and the parameters in a buffer. A
// product is cut into tiles of ROWS rows × one vec4, and each invocation takes every LANESth of them.

// A replica's activations, slopes and deltas.
var<workgroup> values: array<vec4f, VALUES>;

fn value(element: u32) -> vec4f {
    return values[element];
}
fn set_value(element: u32, given: vec4f) {
    values[element] = given;
}

// After it one invocation reads what another has set. The parameters are exchanged once a step, at its end.
fn barrier() {
    workgroupBarrier();
}

// How many tiles a product of rows × columns4 has.
fn tiles(rows: u32, columns4: u32) -> u32 {
    return ((rows + ROWS - 1u) / ROWS) * columns4;
}

// The rows of the batch, copied together.
fn gather(lane: u32) {
    let width = stride(parameters.layers[0].inputs);
    for (var element = lane; element < current.rows * width; element += LANES) {
        set_value(element, inputs[source_row(element / width) * width + element % width]);
    }
}

// output = f(input · W + b)
fn forward(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.inputs);
    let width = stride(layer.outputs);
    let last = layer.inputs - 1u;
    for (var index = lane; index < tiles(current.rows, width); index += LANES) {
        let row = index / width * ROWS;
        let column = index % width;
//@for r ROWS
        var sum_$r = vec4f();
//@end
        for (var k = 0u; k < depth; k++) {
            let right = mat4x4f(
                trained[weights + min(4u * k, last) * width + column],
                trained[weights + min(4u * k + 1u, last) * width + column],
                trained[weights + min(4u * k + 2u, last) * width + column],
                trained[weights + min(4u * k + 3u, last) * width + column],
            );
//@for r ROWS
            sum_$r += right * value(layer.input + min(row + $ru, current.rows - 1u) * depth + k);
//@end
        }
        var bias = vec4f();
        if BIAS {
            bias = trained[weights + layer.inputs * width + column];
        }
        let valid = inside(column, layer.outputs);
//@for r ROWS
        if row + $ru < current.rows {
            let element = layer.output + (row + $ru) * width + column;
            let z = sum_$r + bias;
            set_value(element, select(vec4f(), layer_activate(l, z), valid));
            if SLOPES {
                set_value(element + parameters.slopes, select(vec4f(), layer_slope(l, z), valid));
            }
        }
//@end
    }
}

// delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1])
fn delta(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.outputs);
    let width = stride(layer.inputs);
    let last = layer.inputs - 1u;
    for (var index = lane; index < tiles(current.rows, width); index += LANES) {
        let row = index / width * ROWS;
        let column = index % width;
//@for r ROWS
        var sum_$r = vec4f();
//@end
        for (var k = 0u; k < depth; k++) {
            let right = mat4x4f(
                trained[weights + min(4u * column, last) * depth + k],
                trained[weights + min(4u * column + 1u, last) * depth + k],
                trained[weights + min(4u * column + 2u, last) * depth + k],
                trained[weights + min(4u * column + 3u, last) * depth + k],
            );
//@for r ROWS
            sum_$r += value(delta_start(l) + min(row + $ru, current.rows - 1u) * depth + k) * right;
//@end
        }
//@for r ROWS
        if row + $ru < current.rows {
            let element = (row + $ru) * width + column;
            let below = sum_$r * layer_derivative(l - 1u, stored_at(l - 1u, layer.input + element));
            set_value(delta_start(l - 1u) + element, select(vec4f(), below, inside(column, layer.inputs)));
        }
//@end
    }
}

// W -= step(inputᵀ · delta), b -= step(column sums of delta), in tiles of four inputs
fn update(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = layer.parameters + replica * layer.length;
    let depth = stride(layer.inputs);
    let width = stride(layer.outputs);
    for (var index = lane; index < depth * width; index += LANES) {
        let input = index / width;
        let column = index % width;
        var sums = mat4x4f();
        for (var row = 0u; row < current.rows; row++) {
            let right = value(delta_start(l) + row * width + column);
            let left = value(layer.input + row * depth + input);
            sums += mat4x4f(left.x * right, left.y * right, left.z * right, left.w * right);
        }
//@for r 4
        if 4u * input + $ru < layer.inputs {
            let element = (4u * input + $ru) * width + column;
            trained[weights + element] = updated(layer, element, trained[weights + element], sums[$r]);
        }
//@end
    }
    if BIAS {
        update_bias(l, lane);
    }
}

fn update_bias(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let width = stride(layer.outputs);
    for (var column = lane; column < width; column += LANES) {
        var sum = vec4f();
        for (var row = 0u; row < current.rows; row++) {
            sum += value(delta_start(l) + row * width + column);
        }
        let element = layer.inputs * width + column;
        let place = layer.parameters + replica * layer.length + element;
        trained[place] = updated(layer, element, trained[place], sum);
    }
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

// What each lane's rows come to.
var<workgroup> of_lanes: array<f32, LANES>;

// The losses of each lane's rows, and delta = dLoss/da ⊙ f'(a).
fn output(lane: u32) {
    let layer = parameters.layers[LAYERS - 1u];
    let width = stride(layer.outputs);
    var loss = 0.0;
    for (var row = lane; row < current.rows; row += LANES) {
        result_start = layer.output + row * width;
        let desired_start = source_row(row) * width;
        let prepared = prepare(width);
        for (var column = 0u; column < width; column++) {
            let result = result_at(column);
            let desired = targets[desired_start + column];
            let valid = inside(column, layer.outputs);
            loss += dot(select(vec4f(), loss_of(result, desired, prepared), valid), vec4f(1.0));
            let error = error_of(result, stored_at(LAYERS - 1u, result_start + column), desired, prepared);
            set_value(delta_start(LAYERS - 1u) + row * width + column, select(vec4f(), error * current.scale, valid));
        }
    }
    of_lanes[lane] = loss;
}

// The step's loss, by one lane.
fn sum_losses(lane: u32) {
    if lane == 0u {
        var loss = 0.0;
        for (var other = 0u; other < min(LANES, current.rows); other++) {
            loss += of_lanes[other];
        }
        losses[replica * parameters.losses + current.loss_row] = loss;
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
        gather(lane);
        barrier();
        for (var l = 0u; l < LAYERS; l++) {
            forward(l, lane);
            barrier();
        }
        output(lane);
        barrier();
        sum_losses(lane);
        // Each function is called in one place, so that drivers compile it once.
        for (var left = LAYERS; left > 0u; left--) {
            let l = left - 1u;
            if l > 0u {
                delta(l, lane);
                barrier();
            }
            update(l, lane);
            barrier();
        }
        storageBarrier();
    }
}
