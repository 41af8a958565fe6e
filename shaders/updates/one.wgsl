// The matrices of one layer, a buffer each.

fn input_at(element: u32) -> vec4f {
    return input[element];
}
fn input_row(sample: u32) -> u32 {
    return source_row(sample);
}
fn delta_at(element: u32) -> vec4f {
    return delta[element];
}
fn weight_at(element: u32) -> vec4f {
    return weight[element];
}
fn set_weight(element: u32, value: vec4f) {
    weight[element] = value;
}
