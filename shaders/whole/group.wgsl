// What a workgroup and a subgroup that train a small network have in common: the steps, with a barrier after each layer, and the outputs.
// Their files give value(element) and set_value(element, vec4f), a replica's activations, slopes and deltas; barrier(), after which one
// invocation reads what another has set; begin and end, what surrounds the steps; and gather, forward, delta and update, which all
// invocations call together.

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

@compute @workgroup_size(LANES)
fn main(@builtin(local_invocation_index) lane: u32, @builtin(workgroup_id) group: vec3u) {
    replica = group.z;
    let records = parameters.records;
    let record = select(0u, group.z, records > 1u);
    let count = steps[record].remaining;
    begin(lane);
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
    }
    end(lane);
}
