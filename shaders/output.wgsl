// The loss of a row, and either its delta = dLoss/da ⊙ f'(a) or its outputs; one invocation a row.
struct Parameters {
    outputs: u32,
    capacity: u32,        // rows that the batch's buffers have room for
    order_length: u32,    // places from one replica's order to the next
    losses: u32,          // places from one replica's losses to the next
    of_loss: f32,         // the number that shapes the loss, if it has one
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

// The row's first vec4 in result and stored.
var<private> start: u32;

fn result_at(column: u32) -> vec4f {
    return result[start + column];
}
fn stored_at(column: u32) -> vec4f {
    return stored[start + column];
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
    begin(id.z);
    if id.x >= rows {
        return;
    }
    let width = stride(parameters.outputs);
    start = (replica * parameters.capacity + id.x) * width;
    finish_row(id.x, width);
}
