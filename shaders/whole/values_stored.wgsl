// A replica's activations, slopes and deltas, in a buffer.
@group(0) @binding(7) var<storage, read_write> values: array<vec4f>;

fn value(element: u32) -> vec4f {
    return values[replica * parameters.scratch + element];
}
fn set_value(element: u32, given: vec4f) {
    values[replica * parameters.scratch + element] = given;
}
fn barrier() {
    storageBarrier();
    workgroupBarrier();
}
