// The sizes of one layer. Its matrices are row-major, each row padded with zeros to whole vec4s.
struct Parameters {
    inputs: u32,
    outputs: u32,
    bias: u32,        // 1: the row after the weights is the biases
    capacity: u32,    // rows that the batch's buffers have room for
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

// vec4s in a row of so many elements.
fn stride(columns: u32) -> u32 {
    return (columns + 3u) / 4u;
}

// Which elements of the vec4 at column4 lie inside a row of so many elements.
fn inside(column4: u32, columns: u32) -> vec4<bool> {
    return vec4u(4u * column4) + vec4u(0u, 1u, 2u, 3u) < vec4u(columns);
}

// First vec4 of this replica in a buffer of the batch, and in one of the layer's parameters.
fn batch_start(columns: u32) -> u32 {
    return replica * parameters.capacity * stride(columns);
}
fn parameter_start() -> u32 {
    return replica * (parameters.inputs + parameters.bias) * stride(parameters.outputs);
}
