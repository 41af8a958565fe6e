// The product by matrix units: the factors as f16, sums in f32. A workgroup brings a tile of each factor, TILE_DEPTH terms at a time,
// rounds it to f16 on the way to its memory, and its subgroups multiply fragments of FRAGMENT × FRAGMENT there while the next tiles are under way
// to registers. A share of the tile, FRAGMENT_ROWS × FRAGMENT_COLUMNS fragments, is a subgroup's; where there are fewer subgroups
// than shares, since they are of 64, the workgroup goes through the terms once more for the rest. The kernel gives what
// shaders/direct.wgsl lists, and ONES as for shaders/tiled.wgsl. With SPLIT a factor is not rounded to one f16 but to two: a tile holds the two halves of
// each (shaders/split.wgsl), the low ones after the high ones, and three products are summed in place of one.
//
// With SINGLES, for Metal, memory is of single numbers, where a fragment can be loaded from and stored to nothing else. Sizes and places are of
// vec4s all the same, and the host writes coop_mat8x8 for the types of fragments of 8 × 8.
//
// No matrix is in an array: in an earlier form of this loop that took an H200 eight times as long. Nor is one in a variable that two
// branches set, which may cost the same. No GPU has timed this form. What stands between
// '//@for NAME BOUND' and '//@end' is repeated by the host, and what stands after '//@if' is there or not.

// The tile's sides and depth in blocks of four, and the blocks that an invocation brings of each factor.
const ROWS4 = TILE_ROWS / 4u;
const COLUMNS4 = TILE_COLUMNS / 4u;
const DEPTH4 = TILE_DEPTH / 4u;
const_assert EACH_LHS * LANES == ROWS4 * DEPTH4 && EACH_RHS * LANES == COLUMNS4 * DEPTH4;

// vec4s in a row of a fragment. Shares of a tile, across and all of them.
const FRAGMENT4 = FRAGMENT / 4u;
const ACROSS = TILE_COLUMNS / (FRAGMENT * FRAGMENT_COLUMNS);
const SHARES = ACROSS * (TILE_ROWS / (FRAGMENT * FRAGMENT_ROWS));
// Elements of memory that are a vec4.
const ELEMENTS = select(1u, 4u, SINGLES);

// A tile in memory, as its factor lies in storage: rows of terms, or rows of what goes along the result. PADDING vec4s at the end of
// each keep neighbours off each other's banks.
const LHS_STRIDE = select(DEPTH4, ROWS4, LHS_ALONG_ROWS) + PADDING;
const RHS_STRIDE = select(DEPTH4, COLUMNS4, RHS_ALONG_COLUMNS) + PADDING;
const LHS_TILE = select(TILE_ROWS, TILE_DEPTH, LHS_ALONG_ROWS) * LHS_STRIDE;
const RHS_TILE = select(TILE_COLUMNS, TILE_DEPTH, RHS_ALONG_COLUMNS) * RHS_STRIDE;

// A fragment's sums of each share: nobody can look into a matrix otherwise.
const SUM_STRIDE = FRAGMENT4 + SUM_PADDING;
const SUMS = FRAGMENT * SUM_STRIDE;

//@unless SINGLES
var<workgroup> lhs_tile: array<vec4<f16>, select(1u, 2u, SPLIT) * LHS_TILE>;
var<workgroup> rhs_tile: array<vec4<f16>, select(1u, 2u, SPLIT) * RHS_TILE>;
var<workgroup> sums: array<vec4f, max(SHARES * SUMS, LANES)>;
fn set_lhs(place: u32, numbers: vec4<f16>) {
    lhs_tile[place] = numbers;
}
fn set_rhs(place: u32, numbers: vec4<f16>) {
    rhs_tile[place] = numbers;
}
fn rhs_at(place: u32) -> vec4f {
    return vec4f(rhs_tile[place]);
}
fn set_sums(place: u32, numbers: vec4f) {
    sums[place] = numbers;
}
fn sums_at(place: u32) -> vec4f {
    return sums[place];
}
//@end
//@if SINGLES
var<workgroup> lhs_tile: array<f16, 4u * select(1u, 2u, SPLIT) * LHS_TILE>;
var<workgroup> rhs_tile: array<f16, 4u * select(1u, 2u, SPLIT) * RHS_TILE>;
var<workgroup> sums: array<f32, 4u * max(SHARES * SUMS, LANES)>;
fn set_lhs(place: u32, numbers: vec4<f16>) {
//@for i 4
    lhs_tile[4u * place + $iu] = numbers[$i];
//@end
}
fn set_rhs(place: u32, numbers: vec4<f16>) {
//@for i 4
    rhs_tile[4u * place + $iu] = numbers[$i];
//@end
}
fn rhs_at(place: u32) -> vec4f {
    let first = 4u * place;
    return vec4f(vec4<f16>(rhs_tile[first], rhs_tile[first + 1u], rhs_tile[first + 2u], rhs_tile[first + 3u]));
}
fn set_sums(place: u32, numbers: vec4f) {
//@for i 4
    sums[4u * place + $iu] = numbers[$i];
//@end
}
fn sums_at(place: u32) -> vec4f {
    let first = 4u * place;
    return vec4f(sums[first], sums[first + 1u], sums[first + 2u], sums[first + 3u]);
}
//@end

// The workgroup's subgroups, as a number that is the same for all of its invocations.
var<workgroup> known_subgroups: u32;

//@unless SPLIT
// Four numbers of a factor as f16: the nearest, and the largest where they are beyond the range.
fn half_of(numbers: vec4f) -> vec4<f16> {
    return vec4<f16>(clamp(numbers, vec4f(-65504.0), vec4f(65504.0)));
}

// Sets the flags of the factors whose largest magnitudes f16 does not hold: from 65520 on.
fn note_overflow(lhs_largest: vec4u, rhs_largest: vec4u) {
    const TOO_LARGE = vec4u(0x477ff000u);
    if any(lhs_largest >= TOO_LARGE) {
        atomicStore(&overflows[4u * replica + LHS_KIND], bitcast<u32>(1.0f));
    }
    if any(rhs_largest >= TOO_LARGE) {
        atomicStore(&overflows[4u * replica + RHS_KIND], bitcast<u32>(1.0f));
    }
}

//@end
// The place of an invocation's blocks in the tiles, along the side and along the sum: neighbours read what lies side by side, and all
// of an invocation's blocks of lhs along the sum are of the same four rows.
fn lhs_place(number: u32, invocation: u32) -> vec2u {
    if LHS_ALONG_ROWS {
        let block = number * LANES + invocation;
        return vec2u(block % ROWS4, block / ROWS4);
    }
    return vec2u(invocation / (DEPTH4 / EACH_LHS), invocation % (DEPTH4 / EACH_LHS) + number * (DEPTH4 / EACH_LHS));
}
fn rhs_place(number: u32, invocation: u32) -> vec2u {
    let block = number * LANES + invocation;
    if RHS_ALONG_COLUMNS {
        return vec2u(block % COLUMNS4, block / COLUMNS4);
    }
    return vec2u(block / DEPTH4, block % DEPTH4);
}

// A block of the tiles from row 4 · row4, vec4 column and term 4k on, its vec4s as they lie in storage. Past the last rows, columns and
// terms it is those again, without a branch, at the end of which an invocation would wait for what it loads.
fn fetch_lhs(place: vec2u, row4: u32, k: u32, end: u32) -> mat4x4f {
    let block = lhs(4u * (row4 + place.x), min(k + place.y, end - 1u));
    if LHS_ALONG_ROWS {
        return transpose(block);
    }
    return block;
}
fn fetch_rhs(place: vec2u, column: u32, k: u32, end: u32) -> mat4x4f {
    let block = rhs(min(k + place.y, end - 1u), min(column + place.x, stride(result_columns()) - 1u));
    if RHS_ALONG_COLUMNS {
        return block;
    }
    return transpose(block);
}

// Leaves a block, whose rows or columns have these scales, in memory; of lhs zeros, if it is past the last terms.
fn put_lhs(block: mat4x4f, scale: vec4f, place: vec2u, is_there: bool) {
    let first = 4u * select(place.x, place.y, LHS_ALONG_ROWS) * LHS_STRIDE + select(place.y, place.x, LHS_ALONG_ROWS);
//@for t 4
    let numbers$t = select(vec4f(), block[$t], is_there);
//@unless SPLIT
    set_lhs(first + $tu * LHS_STRIDE, half_of(numbers$t));
//@end
//@if SPLIT
    let halves$t = halves(numbers$t, select(vec4f(scale[$t]), scale, LHS_ALONG_ROWS));
    set_lhs(first + $tu * LHS_STRIDE, vec4<f16>(halves$t.high));
    set_lhs(LHS_TILE + first + $tu * LHS_STRIDE, vec4<f16>(halves$t.low));
//@end
//@end
}
fn put_rhs(block: mat4x4f, scale: vec4f, place: vec2u) {
    let first = 4u * select(place.x, place.y, RHS_ALONG_COLUMNS) * RHS_STRIDE + select(place.y, place.x, RHS_ALONG_COLUMNS);
//@for t 4
//@unless SPLIT
    set_rhs(first + $tu * RHS_STRIDE, half_of(block[$t]));
//@end
//@if SPLIT
    let halves$t = halves(block[$t], select(vec4f(scale[$t]), scale, RHS_ALONG_COLUMNS));
    set_rhs(first + $tu * RHS_STRIDE, vec4<f16>(halves$t.high));
    set_rhs(RHS_TILE + first + $tu * RHS_STRIDE, vec4<f16>(halves$t.low));
//@end
//@end
}

// An invocation's share of the row of ones: the rows of the batch in the tile of rhs, of one vec4 column.
const SHARERS = LANES / COLUMNS4;
fn add_ones(sum: vec4f, k: u32, end: u32, invocation: u32) -> vec4f {
    var all = sum;
    for (var term = invocation / COLUMNS4; term < TILE_DEPTH; term += SHARERS) {
        if 4u * k + term < min(4u * end, rows) {
            all += rhs_at(term * RHS_STRIDE + invocation % COLUMNS4);
//@if SPLIT
            all += rhs_at(RHS_TILE + term * RHS_STRIDE + invocation % COLUMNS4);
//@end
        }
    }
    return all;
}

// Ends the sums of a fragment from this row and vec4 column on, which lie in memory from `at` on: a subgroup's members take turns.
fn finish_fragment(part: u32, row: u32, column: u32, at: u32, member: u32, members: u32) {
    for (var place = member; place < FRAGMENT * FRAGMENT4; place += members) {
        let result_row = row + place / FRAGMENT4;
        let result_column = column + place % FRAGMENT4;
        if result_row < result_rows() && result_column < stride(result_columns()) {
            let sum = sums_at(at + place / FRAGMENT4 * SUM_STRIDE + place % FRAGMENT4);
//@unless SPLIT
            finish(part, result_row, result_column, sum);
//@end
//@if SPLIT
            finish(part, result_row, result_column, unscaled(result_row, result_column, sum));
//@end
        }
    }
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) invocation: u32,
    @builtin(subgroup_id) subgroup: u32,
    @builtin(num_subgroups) subgroups: u32,
    @builtin(subgroup_invocation_id) member: u32,
    @builtin(subgroup_size) members: u32,
) {
    begin(workgroup.z / parts());
    let part = workgroup.z % parts();
    let row4 = ROWS4 * workgroup.y;
    let column = COLUMNS4 * workgroup.x;
    find_rows(4u * (row4 + lhs_place(0u, invocation).x));
    // Not `rows` and `replica`: barriers need bounds that are the same for all, and WGSL does not see that of variables.
    let range = part_of(stride(depth(step_of(workgroup.z / parts()).rows)), part);
    let has_ones = ONES && workgroup.y + 1u == workgroups.y;
//@for i EACH_LHS
    let lhs_place$i = lhs_place($iu, invocation);
//@unless SPLIT
    let lhs_scale$i = vec4f(1.0);
//@end
//@if SPLIT
    let lhs_scale$i = scales[place_of_rows(row4 + lhs_place$i.x)];
//@end
//@end
//@for i EACH_RHS
    let rhs_place$i = rhs_place($iu, invocation);
//@unless SPLIT
    let rhs_scale$i = vec4f(1.0);
//@end
//@if SPLIT
    let rhs_scale$i = scales[place_of_columns(column + rhs_place$i.x)];
//@end
//@end
    if invocation == 0u {
        known_subgroups = subgroups;
    }
//@unless SPLIT
    var lhs_largest: vec4u;
    var rhs_largest: vec4u;
//@end
    let shares_at_once = workgroupUniformLoad(&known_subgroups);
    for (var first_share = 0u; first_share < SHARES; first_share += shares_at_once) {
        let share = first_share + subgroup;
        let share_row = share / ACROSS * (FRAGMENT * FRAGMENT_ROWS);
        let share_column = share % ACROSS * (FRAGMENT * FRAGMENT_COLUMNS);
        var ones: vec4f;
//@for r FRAGMENT_ROWS
//@for c FRAGMENT_COLUMNS
        var sum$r_$c = coop_mat16x16<f32, C>();
//@end
//@end
//@for i EACH_LHS
        var left$i = fetch_lhs(lhs_place$i, row4, range.x, range.y);
//@end
//@for i EACH_RHS
        var right$i = fetch_rhs(rhs_place$i, column, range.x, range.y);
//@end
        for (var k = range.x; k < range.y; k += DEPTH4) {
            workgroupBarrier();
//@for i EACH_LHS
            put_lhs(left$i, lhs_scale$i, lhs_place$i, k + lhs_place$i.y < range.y);
//@unless SPLIT
            lhs_largest = max(lhs_largest, largest_of(left$i));
//@end
//@end
//@for i EACH_RHS
            put_rhs(right$i, rhs_scale$i, rhs_place$i);
//@unless SPLIT
            rhs_largest = max(rhs_largest, largest_of(right$i));
//@end
//@end
            workgroupBarrier();
//@for i EACH_LHS
            left$i = fetch_lhs(lhs_place$i, row4, k + DEPTH4, range.y);
//@end
//@for i EACH_RHS
            right$i = fetch_rhs(rhs_place$i, column, k + DEPTH4, range.y);
//@end
//@for t FRAGMENTS_DEEP
            {
//@for r FRAGMENT_ROWS
//@if LHS_ALONG_ROWS
                let lhs_at$r = FRAGMENT * $tu * LHS_STRIDE + share_row / 4u + FRAGMENT4 * $ru;
                let lhs$r = coopLoad<coop_mat16x16<f16, A>>(&lhs_tile[ELEMENTS * lhs_at$r], ELEMENTS * LHS_STRIDE);
//@if SPLIT
                let lhs_low$r = coopLoad<coop_mat16x16<f16, A>>(&lhs_tile[ELEMENTS * (LHS_TILE + lhs_at$r)], ELEMENTS * LHS_STRIDE);
//@end
//@end
//@unless LHS_ALONG_ROWS
                let lhs_at$r = (share_row + FRAGMENT * $ru) * LHS_STRIDE + FRAGMENT4 * $tu;
                let lhs$r = coopLoadT<coop_mat16x16<f16, A>>(&lhs_tile[ELEMENTS * lhs_at$r], ELEMENTS * LHS_STRIDE);
//@if SPLIT
                let lhs_low$r = coopLoadT<coop_mat16x16<f16, A>>(&lhs_tile[ELEMENTS * (LHS_TILE + lhs_at$r)], ELEMENTS * LHS_STRIDE);
//@end
//@end
//@end
//@for c FRAGMENT_COLUMNS
//@if RHS_ALONG_COLUMNS
                let rhs_at$c = FRAGMENT * $tu * RHS_STRIDE + share_column / 4u + FRAGMENT4 * $cu;
                let rhs$c = coopLoadT<coop_mat16x16<f16, B>>(&rhs_tile[ELEMENTS * rhs_at$c], ELEMENTS * RHS_STRIDE);
//@if SPLIT
                let rhs_low$c = coopLoadT<coop_mat16x16<f16, B>>(&rhs_tile[ELEMENTS * (RHS_TILE + rhs_at$c)], ELEMENTS * RHS_STRIDE);
//@end
//@end
//@unless RHS_ALONG_COLUMNS
                let rhs_at$c = (share_column + FRAGMENT * $cu) * RHS_STRIDE + FRAGMENT4 * $tu;
                let rhs$c = coopLoad<coop_mat16x16<f16, B>>(&rhs_tile[ELEMENTS * rhs_at$c], ELEMENTS * RHS_STRIDE);
//@if SPLIT
                let rhs_low$c = coopLoad<coop_mat16x16<f16, B>>(&rhs_tile[ELEMENTS * (RHS_TILE + rhs_at$c)], ELEMENTS * RHS_STRIDE);
//@end
//@end
//@for r FRAGMENT_ROWS
//@if SPLIT
                // Units cut sums off: a fragment of its own for these terms, so that what they cut is not as large as the sum of all.
                let lower$r_$c = coopMultiplyAdd(lhs$r, rhs_low$c, coop_mat16x16<f32, C>());
                let low$r_$c = coopMultiplyAdd(lhs_low$r, rhs$c, lower$r_$c);
                sum$r_$c = sum$r_$c + coopMultiplyAdd(lhs$r, rhs$c, low$r_$c);
//@end
//@unless SPLIT
                sum$r_$c = coopMultiplyAdd(lhs$r, rhs$c, sum$r_$c);
//@end
//@end
//@end
            }
//@end
            if has_ones && first_share == 0u {
                ones = add_ones(ones, k, range.y, invocation);
            }
        }
        if has_ones && first_share == 0u {
            set_sums(invocation, ones);
            workgroupBarrier();
            if invocation < COLUMNS4 && column + invocation < stride(result_columns()) {
                var sum = sums_at(invocation);
                for (var i = 1u; i < SHARERS; i++) {
                    sum += sums_at(i * COLUMNS4 + invocation);
                }
//@unless SPLIT
                finish(part, result_rows() - 1u, column + invocation, sum);
//@end
//@if SPLIT
                // The ones have a scale as well, which these sums are without.
                let last = result_rows() - 1u;
                let scaled = sum * scales[place_of_rows(last / 4u)][last % 4u];
                finish(part, last, column + invocation, unscaled(last, column + invocation, scaled));
//@end
            }
        }
        let at = subgroup * SUMS;
        let result_row = 4u * row4 + share_row;
        let result_column = column + share_column / 4u;
        // What follows the sums stands once, in a loop whose end no driver knows: written out sixteen times it was more than half of the
        // instructions.
        let fragments = select(0u, FRAGMENT_ROWS * FRAGMENT_COLUMNS, shares_at_once > 0u);
        for (var fragment = 0u; fragment < fragments; fragment++) {
            workgroupBarrier();
            switch fragment {
//@for r FRAGMENT_ROWS
//@for c FRAGMENT_COLUMNS
                case $ru * FRAGMENT_COLUMNS + $cu: {
                    coopStoreT(sum$r_$c, &sums[ELEMENTS * at], ELEMENTS * SUM_STRIDE);
                }
//@end
//@end
                default: {
                }
            }
            workgroupBarrier();
            let row = result_row + fragment / FRAGMENT_COLUMNS * FRAGMENT;
            finish_fragment(part, row, result_column + fragment % FRAGMENT_COLUMNS * FRAGMENT4, at, member, members);
        }
    }
//@unless SPLIT
    note_overflow(lhs_largest, rhs_largest);
//@end
}
