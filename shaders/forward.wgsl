// output = f(input · W + b) [rows × outputs]

fn store(row: u32, column: u32, sum: vec4f) {
    let z = with_bias(column, sum);
    let element = batch_start(parameters.outputs) + row * stride(parameters.outputs) + column;
    let valid = inside(column, parameters.outputs);
    output[element] = select(vec4f(), activate(z), valid);
    keep_slope(element, z, valid);
}
