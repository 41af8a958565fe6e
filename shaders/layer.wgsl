// The sizes of one layer, and where its matrices begin.
struct Parameters {
    inputs: u32,
    outputs: u32,
    bias: u32,            // 1: the row after the weights is the biases
    capacity: u32,        // rows that the batch's buffers have room for
    order_length: u32,    // places from one replica's order to the next
    losses: u32,          // places from one replica's losses to the next
    parts: u32,           // into which the sums are split, where they are
    layer: u32,           // from 0; for dropout, as what follows
    dropped: u32,         // of 2^32 units so many are dropped; 0: as many as the step says
    kept: f32,            // what units that are kept are multiplied by, unless the step says it
    rate: f32,            // what update multiplies the learning rate by
    of_loss: f32,         // the number that shapes the loss, if it has one
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

// First vec4 of this replica in a buffer of the batch, and in one of the layer's parameters.
fn batch_start(columns: u32) -> u32 {
    return replica * parameters.capacity * stride(columns);
}
fn parameter_start() -> u32 {
    return replica * (parameters.inputs + parameters.bias) * stride(parameters.outputs);
}
