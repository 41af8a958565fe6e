// Finds the scales of a product's factors, which shaders/split.wgsl uses. Each workgroup handles 4 * GROUPS rows of lhs, or GROUPS vec4
// columns of rhs. SHARERS invocations share the terms of each group, and neighbouring invocations read neighbouring cells.
const SHARERS = LANES / GROUPS;
var<workgroup> largest: array<vec4u, LANES>;

// The scales of rows whose largest magnitudes have these bits: what brings the exponent to 14, 1 for zeros, NaN where there is none. It
// is 2¹²⁶ at most, so that numbers under 2⁻¹¹² are not brought up all the way.
fn scale_of(largest: vec4u) -> vec4f {
    let exponent = largest >> vec4u(23u);
    let scale = min(vec4u(127u + 14u + 127u) - exponent, vec4u(127u + 126u)) << vec4u(23u);
    let of_numbers = select(scale, vec4u(0x3f800000u), largest == vec4u());
    return bitcast<vec4f>(select(of_numbers, vec4u(0x7fc00000u), exponent == vec4u(255u)));
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) invocation: u32,
) {
    begin(workgroup.z);
    let row_groups = (stride(result_rows()) + GROUPS - 1u) / GROUPS;
    let number = workgroup.y * workgroups.x + workgroup.x;
    let is_of_rows = number < row_groups;
    let is_along = select(RHS_ALONG_COLUMNS, LHS_ALONG_ROWS, is_of_rows);
    let group = select(invocation / SHARERS, invocation % GROUPS, is_along);
    let sharer = select(invocation % SHARERS, invocation / GROUPS, is_along);
    let four = GROUPS * select(number - row_groups, number, is_of_rows) + group;
    let is_there = four < select(stride(result_columns()), stride(result_rows()), is_of_rows);
    let end = select(0u, stride(depth(rows)), is_there);
    var found: vec4u;
    if is_of_rows {
        find_rows(4u * four);
        for (var k = sharer; k < end; k += SHARERS) {
            found = max(found, largest_of(transpose(lhs(4u * four, k))));
        }
    } else {
        for (var k = sharer; k < end; k += SHARERS) {
            found = max(found, largest_of(rhs(k, four)));
        }
    }
    largest[SHARERS * group + sharer] = found;
    workgroupBarrier();
    if sharer == 0u && is_there {
        for (var i = 1u; i < SHARERS; i++) {
            found = max(found, largest[SHARERS * group + i]);
        }
        scales[select(place_of_columns(four), place_of_rows(four), is_of_rows)] = scale_of(found);
    }
}
