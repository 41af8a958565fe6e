// W -= step(inputᵀ · delta), b -= step(column sums of delta): the biases are the weights of one more input that is always 1.
// A file of updates/ gives the matrices: input_at(element) [rows × inputs], input_row(sample), delta_at(element) [rows × outputs],
// weight_at(element) and set_weight(element, value) [inputs (+ 1 row of biases) × outputs].

fn result_rows() -> u32 {
    return parameters.inputs + parameters.bias;
}
fn result_columns() -> u32 {
    return parameters.outputs;
}
fn find_rows(row: u32) {
}
fn depth(batch: u32) -> u32 {
    return batch;
}

// Four inputs of one row of the batch; zero past the batch, where an earlier, longer one may have left its rows.
fn inputs_of(sample: u32, row: u32) -> vec4f {
    let width = stride(parameters.inputs);
    let column = min(row / 4u, width - 1u);
    let value = input_at(input_row(min(sample, rows - 1u)) * width + column);
    let one = vec4u(row) + vec4u(0u, 1u, 2u, 3u) == vec4u(parameters.inputs);
    return select(vec4f(), select(value, vec4f(1.0), one), sample < rows);
}

fn lhs(row: u32, k: u32) -> mat4x4f {
    return transpose(mat4x4f(
        inputs_of(4u * k, row),
        inputs_of(4u * k + 1u, row),
        inputs_of(4u * k + 2u, row),
        inputs_of(4u * k + 3u, row),
    ));
}

fn rhs(k: u32, column: u32) -> mat4x4f {
    let width = stride(parameters.outputs);
    let start = batch_start(parameters.outputs) + column;
    let last = rows - 1u;
    return mat4x4f(
        delta_at(start + min(4u * k, last) * width),
        delta_at(start + min(4u * k + 1u, last) * width),
        delta_at(start + min(4u * k + 2u, last) * width),
        delta_at(start + min(4u * k + 3u, last) * width),
    );
}

fn store(row: u32, column: u32, gradient: vec4f) {
    let element = parameter_start() + row * stride(parameters.outputs) + column;
    let decay = select(this_step().weight_decay, 0.0, row == parameters.inputs);
    set_weight(element, updated(element, weight_at(element), gradient * this_step().unscaled, decay));
}
