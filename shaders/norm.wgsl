// partial_sums[first + part] = Σ g² over a part of a layer's gradients. A workgroup a part: LANES lanes of EACH vec4s.
struct Parameters {
    length4: u32,    // vec4s of the gradients of one replica, padding included, which is zero
    parts: u32,      // of the layer
    first: u32,      // the place of the layer's first part
    places: u32,     // from one replica's partial sums to the next
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_id) lane: vec3u,
) {
    begin(group.z);
    let part = group.y * groups.x + group.x;
    var sum = vec4f();
    for (var each = 0u; each < EACH; each++) {
        let place = (part * EACH + each) * LANES + lane.x;
        if place < parameters.length4 {
            let g = gradient[replica * parameters.length4 + place];
            sum += g * g;
        }
    }
    let all = workgroup_sum(lane.x, dot(sum, vec4f(1.0)));
    if lane.x == 0u && part < parameters.parts {
        partial_sums[replica * parameters.places + parameters.first + part] = all;
    }
}
