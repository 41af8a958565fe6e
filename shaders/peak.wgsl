// How many multiply-adds in f32 a device does at most: independent chains of them in registers, and hardly any memory.
struct Parameters {
    rounds: u32,     // links of each chain
    padding0: u32,
    padding1: u32,
    padding2: u32,
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(local_invocation_id) lane: vec3u) {
    begin(id.z);
    let x = factors[0];
    let y = factors[1];
    let start = f32(lane.x);
//@for chain CHAINS
    var s$chain = vec4f(start + $chain.0);
//@end
    for (var round = 0u; round < parameters.rounds; round++) {
//@for chain CHAINS
        s$chain = fma(s$chain, x, y);
//@end
    }
    var sum = vec4f();
//@for chain CHAINS
    sum += s$chain;
//@end
    sums[id.x] = sum;
}
