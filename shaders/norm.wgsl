// squares[layer] = Σ g² over a layer's gradients: what their norm is told from. A workgroup a replica.
struct Parameters {
    length4: u32,    // vec4s of the gradients of one replica, padding included, which is zero
    layer: u32,
    layers: u32,     // places from one replica's sums to the next
    padding: u32,
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;
@group(0) @binding(2) var<storage, read> gradient: array<vec4f>;
@group(0) @binding(3) var<storage, read_write> squares: array<f32>;

var<workgroup> sums: array<f32, LANES>;

@compute @workgroup_size(LANES)
fn main(@builtin(workgroup_id) group: vec3u, @builtin(local_invocation_id) lane: vec3u) {
    begin(group.z);
    var sum = vec4f();
    for (var place = lane.x; place < parameters.length4; place += LANES) {
        let g = gradient[replica * parameters.length4 + place];
        sum += g * g;
    }
    sums[lane.x] = dot(sum, vec4f(1.0));
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane.x < half {
            sums[lane.x] += sums[lane.x + half];
        }
    }
    if lane.x == 0u {
        squares[replica * parameters.layers + parameters.layer] = sums[0];
    }
}
