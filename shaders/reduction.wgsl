// Adds up the parts of the sums, first to last, and ends with the kernel's own function; one invocation a vec4 of the result.
@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
    begin(id.z);
    let width = stride(result_columns());
    let element = id.y * groups.x * LANES + id.x;
    if element >= result_rows() * width {
        return;
    }
    var sum = partial_sums[part_start(0u) + element];
    for (var part = 1u; part < parts(); part++) {
        sum += partial_sums[part_start(part) + element];
    }
    store(element / width, element % width, sum);
}
