// The product of few columns, on GPUs: SHARERS invocations share the terms of ROWS whole rows of COLUMNS vec4s. The second half of them
// leave their sums in the workgroup's memory, the first half add theirs, and there they are added up in an order that never changes; then
// one invocation a row goes on. The kernel
// gives result_rows, depth, find_rows, lhs and rhs as for direct.wgsl, and
//   finish(row)    a row of the result, which finds its sums by sum_at(column) and keeps what it makes of them by set_result and
//                  set_stored, to be read by result_at and stored_at
// The host writes out what stands between '//@for' and '//@end': see tiled.wgsl.
const_assert ROWS == 4u && SHARERS >= 8u && SHARERS % 8u == 0u;

// Half the sharers write their sums here, the sums of one number side by side; half as much workgroup memory lets a GPU hold twice as
// many workgroups. Then a quarter of those adds up four sums each, at a quarter's distance.
const HALF = SHARERS / 2u;
const QUARTER = HALF / 4u;
var<workgroup> partials: array<vec4f, SUMS * HALF>;

// Where the row under way has its first sum.
var<private> place: u32;

fn sum_at(column: u32) -> vec4f {
    let first = place + column * HALF;
    return partials[first] + partials[first + QUARTER] + partials[first + 2u * QUARTER] + partials[first + 3u * QUARTER];
}
// In the places of sums that nobody reads again.
fn result_at(column: u32) -> vec4f {
    return partials[place + column * HALF];
}
fn set_result(column: u32, result: vec4f) {
    partials[place + column * HALF] = result;
}
fn stored_at(column: u32) -> vec4f {
    return partials[place + column * HALF + QUARTER];
}
fn set_stored(column: u32, value: vec4f) {
    partials[place + column * HALF + QUARTER] = value;
}

@compute @workgroup_size(SHARERS)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(num_workgroups) groups: vec3u,
    @builtin(local_invocation_index) sharer: u32,
) {
    begin(group.z);
    let row = ROWS * (group.y * groups.x + group.x);
    find_rows(row);
    let steps4 = stride(depth(rows));
    var sums: array<vec4f, SUMS>;
    for (var k = sharer; k < steps4; k += SHARERS) {
        let left = lhs(row, k);
//@for c COLUMNS
        let right$c = rhs(k, $cu);
//@for r 4
        sums[COLUMNS * $ru + $cu] += right$c * left[$r];
//@end
//@end
    }
    if sharer >= HALF {
//@for i SUMS
        partials[$iu * HALF + sharer - HALF] = sums[$i];
//@end
    }
    workgroupBarrier();
    if sharer < HALF {
//@for i SUMS
        partials[$iu * HALF + sharer] += sums[$i];
//@end
    }
    workgroupBarrier();
    // One invocation adds up a quarter of the sharers' sums of a number.
    for (var i = sharer; i < 4u * SUMS; i += SHARERS) {
        let first = i / 4u * HALF + i % 4u * QUARTER;
        var sum = partials[first];
        for (var s = 1u; s < QUARTER; s++) {
            sum += partials[first + s];
        }
        partials[first] = sum;
    }
    workgroupBarrier();
    if sharer < ROWS && row + sharer < result_rows() {
        place = COLUMNS * sharer * HALF;
        finish(row + sharer);
    }
}
