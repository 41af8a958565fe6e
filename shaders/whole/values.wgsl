// A replica's activations, slopes and deltas, in workgroup memory.
var<workgroup> values: array<vec4f, VALUES>;

fn value(element: u32) -> vec4f {
    return values[element];
}
fn set_value(element: u32, given: vec4f) {
    values[element] = given;
}
fn barrier() {
    workgroupBarrier();
    storageBarrier();
}
