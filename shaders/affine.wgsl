// input · W + b: the factors of the product, and the biases that are added to its sums.
@group(0) @binding(2) var<storage, read> input: array<vec4f>;             // rows × inputs
@group(0) @binding(3) var<storage, read> weight: array<vec4f>;            // inputs (+ 1 row of biases) × outputs

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

// Where the input's rows begin that this invocation sums: found once, so that no loop waits for an order.
var<private> first_row: u32;
var<private> starts: array<u32, ROWS>;

fn find_rows(row: u32) {
    first_row = row;
    for (var r = 0u; r < ROWS; r++) {
        starts[r] = input_row(min(row + r, rows - 1u)) * stride(parameters.inputs);
    }
}

// The padding of input is zero, so the terms past the depth are.
fn lhs(row: u32, k: u32) -> mat4x4f {
    let r = row - first_row;
    return mat4x4f(
        input[starts[r] + k],
        input[starts[r + 1u] + k],
        input[starts[r + 2u] + k],
        input[starts[r + 3u] + k],
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

// Four sums with their biases.
fn with_bias(column: u32, sum: vec4f) -> vec4f {
    if parameters.bias == 1u {
        return sum + weight[parameter_start() + parameters.inputs * stride(parameters.outputs) + column];
    }
    return sum;
}
