// delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1]): below = (delta · weightᵀ) ⊙ derivative(stored)
// delta [rows × outputs], weight [inputs (+ 1 row of biases) × outputs], stored and below [rows × inputs]

fn result_rows() -> u32 {
    return rows;
}
fn result_columns() -> u32 {
    return parameters.inputs;
}
fn find_rows(row: u32) {
}
fn depth(batch: u32) -> u32 {
    return parameters.outputs;
}

// The padding of delta is zero, so the terms past the depth are.
fn lhs(row: u32, k: u32) -> mat4x4f {
    let width = stride(parameters.outputs);
    let start = batch_start(parameters.outputs) + k;
    let last = rows - 1u;
    return mat4x4f(
        delta[start + min(row, last) * width],
        delta[start + min(row + 1u, last) * width],
        delta[start + min(row + 2u, last) * width],
        delta[start + min(row + 3u, last) * width],
    );
}

fn rhs(k: u32, column: u32) -> mat4x4f {
    let width = stride(parameters.outputs);
    let start = parameter_start() + k;
    let last = parameters.inputs - 1u;
    return transpose(mat4x4f(
        weight[start + min(4u * column, last) * width],
        weight[start + min(4u * column + 1u, last) * width],
        weight[start + min(4u * column + 2u, last) * width],
        weight[start + min(4u * column + 3u, last) * width],
    ));
}

fn store(row: u32, column: u32, sum: vec4f) {
    let element = batch_start(parameters.inputs) + row * stride(parameters.inputs) + column;
    below[element] = select(vec4f(), sum * derivative(stored[element]), inside(column, parameters.inputs));
}
