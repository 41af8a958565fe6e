// output = f(input · W + b)
@group(0) @binding(2) var<storage, read> input: array<vec4f>;             // rows × inputs
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;            // inputs (+ 1 row of biases) × outputs
@group(0) @binding(4) var<storage, read_write> output: array<vec4f>;      // rows × outputs

fn result_rows() -> u32 {
    return rows;
}
fn result_columns() -> u32 {
    return parameters.outputs;
}
fn depth(batch: u32) -> u32 {
    return parameters.inputs;
}

// The padding of input is zero, so the terms past the depth are.
fn lhs(row: u32, k: u32) -> mat4x4f {
    let width = stride(parameters.inputs);
    let start = batch_start(parameters.inputs) + k;
    let last = rows - 1u;
    return mat4x4f(
        input[start + min(row, last) * width],
        input[start + min(row + 1u, last) * width],
        input[start + min(row + 2u, last) * width],
        input[start + min(row + 3u, last) * width],
    );
}

fn rhs(k: u32, column: u32) -> mat4x4f {
    let width = stride(parameters.outputs);
    let start = parameter_start() + column;
    let last = parameters.inputs - 1u;
    return mat4x4f(
        weight[start + min(4u * k, last) * width],
        weight[start + min(4u * k + 1u, last) * width],
        weight[start + min(4u * k + 2u, last) * width],
        weight[start + min(4u * k + 3u, last) * width],
    );
}

fn store(row: u32, column: u32, sum: vec4f) {
    let width = stride(parameters.outputs);
    var z = sum;
    if parameters.bias == 1u {
        z += weight[parameter_start() + parameters.inputs * width + column];
    }
    let element = batch_start(parameters.outputs) + row * width + column;
    let valid = inside(column, parameters.outputs);
    output[element] = select(vec4f(), activate(z), valid);
    keep_slope(element, z, valid);
}
