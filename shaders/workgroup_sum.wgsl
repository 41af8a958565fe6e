// The sum of one number of each lane of a workgroup of LANES lanes, a power of two. Lane 0 gets it; the order of the additions is fixed.
var<workgroup> sums: array<f32, LANES>;

fn workgroup_sum(lane: u32, number: f32) -> f32 {
    sums[lane] = number;
    for (var half = LANES / 2u; half > 0u; half /= 2u) {
        workgroupBarrier();
        if lane < half {
            sums[lane] += sums[lane + half];
        }
    }
    return sums[lane];
}
