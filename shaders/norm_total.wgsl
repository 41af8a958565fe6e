// total = the sum of all partial sums of squares, of all layers: the square of the gradients' norm. A workgroup a replica.
struct Parameters {
    length4: u32,    // vec4s of the partial sums of one replica, padding included, which is zero
    padding0: u32,
    padding1: u32,
    padding2: u32,
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
    begin(group.z);
    var sum = vec4f();
    for (var place = lane.x; place < parameters.length4; place += LANES) {
        sum += partial_sums[replica * parameters.length4 + place];
    }
    let all = workgroup_sum(lane.x, dot(sum, vec4f(1.0)));
    if lane.x == 0u {
        total[replica] = vec4f(all, 0.0, 0.0, 0.0);
    }
}
