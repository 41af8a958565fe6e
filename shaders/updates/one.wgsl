// The matrices of one layer, a buffer each.
@group(0) @binding(2) var<storage, read> input: array<vec4f>;
@group(0) @binding(3) var<storage, read> delta: array<vec4f>;
@group(0) @binding(WRITES) var<storage, read_write> weight: array<vec4f>;

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
