// input · W + b: the factors of the product, and the biases that are added to its sums.
// input [rows × inputs], weight [inputs (+ 1 row of biases) × outputs]

fn result_rows() -> u32 {
    return rows;
}
fn result_columns() -> u32 {
    return parameters.outputs;
}
fn depth(batch: u32) -> u32 {
    return parameters.inputs;
}

// The row of the input's buffer that is the batch's.
fn input_row(row: u32) -> u32 {
    if READS_SOURCE {
        return source_row(row);
    }
    return replica * parameters.capacity + row;
}

// Where four rows of the input begin. A file of input_rows/ keeps them: find_rows(row), starts_at(row).
fn starts_from(row: u32) -> vec4u {
    let last = rows - 1u;
    return stride(parameters.inputs) * vec4u(
        input_row(min(row, last)),
        input_row(min(row + 1u, last)),
        input_row(min(row + 2u, last)),
        input_row(min(row + 3u, last)),
    );
}

// The padding of input is zero, so the terms past the depth are.
fn lhs(row: u32, k: u32) -> mat4x4f {
    let start = starts_at(row);
    return mat4x4f(input[start.x + k], input[start.y + k], input[start.z + k], input[start.w + k]);
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

// Four sums with their biases.
fn with_bias(column: u32, sum: vec4f) -> vec4f {
    if parameters.bias == 1u {
        return sum + weight[parameter_start() + parameters.inputs * stride(parameters.outputs) + column];
    }
    return sum;
}
