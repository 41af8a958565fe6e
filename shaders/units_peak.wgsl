// How many multiply-adds a device's matrix units do at most: chains of products of fragments that stay in registers, each added to the
// chain's sums, and hardly any memory. A subgroup has 4 × 4 chains, of 4 fragments of lhs and 4 of rhs, which no driver can take for each
// other.
struct Parameters {
    rounds: u32,     // links of each chain
    padding0: u32,
    padding1: u32,
    padding2: u32,
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

var<workgroup> lhs_tile: array<vec4<f16>, 256>;
var<workgroup> rhs_tile: array<vec4<f16>, 256>;

// The workgroup's subgroups, as a number that is the same for all of its invocations.
var<workgroup> known_subgroups: u32;

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(local_invocation_index) invocation: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
) {
    begin(workgroup.z);
    for (var place = invocation; place < 256u; place += LANES) {
        lhs_tile[place] = vec4<f16>(factors[place]);
        rhs_tile[place] = vec4<f16>(factors[256u + place]);
    }
    if invocation == 0u {
        known_subgroups = subgroups;
    }
    let shares_at_once = workgroupUniformLoad(&known_subgroups);
    for (var first_share = 0u; first_share < SHARES; first_share += shares_at_once) {
//@for i 4
        let lhs$i = coopLoadT<coop_mat16x16<f16, A>>(&lhs_tile[64u * $iu], 4u);
        let rhs$i = coopLoadT<coop_mat16x16<f16, B>>(&rhs_tile[4u * $iu], 16u);
//@end
//@for r 4
//@for c 4
        var sum$r_$c = coop_mat16x16<f32, C>();
//@end
//@end
        for (var round = 0u; round < parameters.rounds; round++) {
//@for r 4
//@for c 4
            sum$r_$c = coopMultiplyAdd(lhs$r, rhs$c, sum$r_$c);
//@end
//@end
        }
        var all = coop_mat16x16<f32, C>();
//@for r 4
//@for c 4
        all = all + sum$r_$c;
//@end
//@end
        coopStoreT(all, &sums[64u * (SHARES * workgroup.x + first_share + subgroup)], 4u);
    }
}
