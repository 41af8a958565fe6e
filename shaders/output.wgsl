// The loss of a row, and either its delta = dLoss/da ⊙ f'(a) or its outputs; one invocation a row.
// The loss's file gives Row, prepare(first vec4 of the row), output_of(result, row), loss_of(result, desired, row) and
// error_of(result, stored, desired, row), which is dLoss/da ⊙ f'(a).
struct Parameters {
    outputs: u32,
    capacity: u32,    // rows that the batch's buffers have room for
    losses: u32,      // places from one replica's losses to the next
    padding0: u32,
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;
@group(0) @binding(2) var<storage, read> result: array<vec4f>;            // rows × outputs: outputs, or logits
@group(0) @binding(3) var<storage, read> stored: array<vec4f>;            // rows × outputs: what f' is told from
@group(0) @binding(4) var<storage, read> targets: array<vec4f>;           // rows × outputs
@group(0) @binding(5) var<storage, read_write> written: array<vec4f>;     // rows × outputs: delta or output
@group(0) @binding(6) var<storage, read_write> losses: array<f32>;

fn result_at(element: u32) -> vec4f {
    return result[element];
}
fn output_width() -> u32 {
    return parameters.outputs;
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
    replica = id.z;
    if id.x >= this_step().rows {
        return;
    }
    let width = stride(parameters.outputs);
    let start = (replica * parameters.capacity + id.x) * width;
    let row = prepare(start, width);
    var loss = 0.0;
    for (var column = 0u; column < width; column++) {
        let z = result[start + column];
        let desired = targets[start + column];
        let valid = inside(column, parameters.outputs);
        loss += dot(select(vec4f(), loss_of(z, desired, row), valid), vec4f(1.0));
        var value: vec4f;
        if WRITES_DELTA {
            value = error_of(z, stored[start + column], desired, row) * this_step().scale;
        } else {
            value = output_of(z, row);
        }
        written[start + column] = select(vec4f(), value, valid);
    }
    losses[replica * parameters.losses + this_step().loss_row + id.x] = loss;
}
