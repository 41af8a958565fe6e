// The product in tiles: a group of invocations brings a tile of each factor into the workgroup's memory, TILE_DEPTH terms at a
// time, and an invocation sums 4 BLOCK_ROWS rows × BLOCK_COLUMNS vec4s of the result from there, while the next tiles are under way
// to its registers. Where the result has too few tiles to fill a GPU, GROUPS groups of one workgroup sum every GROUPS-th tile of
// the terms each, and add their sums up in the groups' order. The kernel gives what shaders/direct.wgsl lists, and
//   ONES    whether the result's last row is beside its tiles: that of an lhs that is 1 for every term of the batch
//
// No array that stands in registers has an index that is not written out: what is between '//@for NAME BOUND' and '//@end' is
// repeated by the host with $NAME replaced by 0, 1, … BOUND - 1. Drivers unroll loops as they please: NVIDIA's leaves such a loop
// as it is where what follows the sums is long, and then keeps the sums in memory, 15 times slower.

// The tile's sides and depth in blocks of four, the invocations of a group along the tile, and the blocks of each factor's tile.
const ROWS4 = TILE_ROWS / 4u;
const COLUMNS4 = TILE_COLUMNS / 4u;
const DEPTH4 = TILE_DEPTH / 4u;
const LANES_X = COLUMNS4 / BLOCK_COLUMNS;
const LANES_Y = ROWS4 / BLOCK_ROWS;
const GROUP = LANES_X * LANES_Y;
const LHS_BLOCKS = ROWS4 * DEPTH4;
const RHS_BLOCKS = COLUMNS4 * DEPTH4;
const SUMS = 4u * BLOCK_ROWS * BLOCK_COLUMNS;
// An invocation brings EACH blocks, those of lhs from the same four rows.
const_assert EACH == (LHS_BLOCKS + RHS_BLOCKS + GROUP - 1u) / GROUP && GROUP * GROUPS == LANES;
const_assert LHS_ALONG_ROWS || LHS_BLOCKS <= GROUP || (LHS_BLOCKS % GROUP == 0u && GROUP % ROWS4 == 0u);

// A tile in memory: four terms after four terms, each of them as a row of vec4s along the side. PAD vec4s between the fours keep
// blocks that lie along the terms off each other's banks.
const LHS_STRIDE = 4u * ROWS4 + PAD_LHS;
const RHS_STRIDE = 4u * COLUMNS4 + PAD_RHS;
const RHS_FIRST = DEPTH4 * LHS_STRIDE;
const TILES = RHS_FIRST + DEPTH4 * RHS_STRIDE;
// The groups' tiles, COPIES of each; later their sums.
var<workgroup> tiles: array<vec4f, max(GROUPS * COPIES * TILES, select(LANES, SUMS * LANES, GROUPS > 1u))>;

// The blocks under way.
struct Blocks { each: array<mat4x4f, EACH> }

// The place of a block in its tile, along the side and along the sum: neighbours read what lies side by side.
fn block_place(number: u32, side4: u32, along_side: bool) -> vec2u {
    return select(vec2u(number / DEPTH4, number % DEPTH4), vec2u(number % side4, number / side4), along_side);
}
// The same of lhs. Where a group has fewer members than lhs has blocks, a member brings those of the same four rows.
const SAME_ROWS = max(GROUP / ROWS4, 1u);
fn lhs_place(number: u32) -> vec2u {
    if LHS_ALONG_ROWS || LHS_BLOCKS <= GROUP {
        return block_place(number, ROWS4, LHS_ALONG_ROWS);
    }
    let member = number % GROUP;
    return vec2u(member / SAME_ROWS, number / GROUP * SAME_ROWS + member % SAME_ROWS);
}

// The place of an invocation on the tile. 32 neighbours are 8 × 4 where there are as many, two by two in the same column: then
// few of them read different vec4s, and a read takes the memory few turns.
fn lane_of(member: u32) -> vec2u {
    if LANES_X % 8u != 0u || LANES_Y % 4u != 0u {
        return vec2u(member % LANES_X, member / LANES_X);
    }
    const ACROSS = max(LANES_X / 8u, 1u);
    let within = member % 32u;
    let square = member / 32u;
    return vec2u(square % ACROSS * 8u + within / 2u % 8u, square / ACROSS * 4u + within % 2u + 2u * (within / 16u));
}

// The member's blocks of the tiles from row 4 · row4, vec4 column and term 4k on; zero from term 4 · end on. Past the last rows and
// columns they are those again.
fn fetch(row4: u32, column: u32, k: u32, end: u32, member: u32) -> Blocks {
    var blocks: Blocks;
//@for i EACH
    {
        let number = $iu * GROUP + member;
        if number < LHS_BLOCKS {
            let place = lhs_place(number);
            if k + place.y < end {
                blocks.each[$i] = transpose(lhs(4u * (row4 + place.x), k + place.y));
            }
        } else if number < LHS_BLOCKS + RHS_BLOCKS {
            let place = block_place(number - LHS_BLOCKS, COLUMNS4, RHS_ALONG_COLUMNS);
            if k + place.y < end {
                blocks.each[$i] = rhs(k + place.y, min(column + place.x, stride(result_columns()) - 1u));
            }
        }
    }
//@end
    return blocks;
}

// Leaves the blocks in the memory of the tiles that begin at `base`.
fn put(blocks: Blocks, base: u32, member: u32) {
//@for i EACH
    {
        let number = $iu * GROUP + member;
        if number < LHS_BLOCKS {
            let place = lhs_place(number);
            let first = base + place.y * LHS_STRIDE + place.x;
//@for t 4
            tiles[first + $tu * ROWS4] = blocks.each[$i][$t];
//@end
        } else if number < LHS_BLOCKS + RHS_BLOCKS {
            let place = block_place(number - LHS_BLOCKS, COLUMNS4, RHS_ALONG_COLUMNS);
            let first = base + RHS_FIRST + place.y * RHS_STRIDE + place.x;
//@for t 4
            tiles[first + $tu * COLUMNS4] = blocks.each[$i][$t];
//@end
        }
    }
//@end
}

// sums += Σ over the terms of the tiles that begin at `base` of lhs · rhs. All of them: past the last they are zero.
fn accumulate(sums: ptr<function, array<vec4f, SUMS>>, base: u32, lane: vec2u) {
    for (var k = 0u; k < DEPTH4; k++) {
        for (var term = 0u; term < 4u; term++) {
//@for r BLOCK_ROWS
            let left$r = tiles[base + lane.y + (k * LHS_STRIDE + term * ROWS4 + $ru * LANES_Y)];
//@end
//@for c BLOCK_COLUMNS
            let right$c = tiles[base + lane.x + (RHS_FIRST + k * RHS_STRIDE + term * COLUMNS4 + $cu * LANES_X)];
//@end
//@for r BLOCK_ROWS
//@for s 4
//@for c BLOCK_COLUMNS
            (*sums)[(4u * $ru + $su) * BLOCK_COLUMNS + $cu] += right$c * left$r[$s];
//@end
//@end
//@end
        }
    }
}

// A member's share of the row of ones: the rows of the batch in its group's rhs tile, of one vec4 column.
const SHARERS = GROUP / COLUMNS4;
fn add_ones(sum: vec4f, base: u32, k: u32, member: u32) -> vec4f {
    var all = sum;
    for (var term = member / COLUMNS4; term < TILE_DEPTH; term += SHARERS) {
        if 4u * k + term < rows {
            all += tiles[base + RHS_FIRST + term / 4u * RHS_STRIDE + term % 4u * COLUMNS4 + member % COLUMNS4];
        }
    }
    return all;
}

// A workgroup's tile: its first four rows and its first vec4 column, and whether the row of ones is beside it. A kernel's grid gives
// tile_of(workgroup, workgroups), which is called before anything else of the kernel.
struct Tile {
    row4: u32,
    column: u32,
    has_ones: bool,
}

@compute @workgroup_size(LANES)
fn main(
    @builtin(workgroup_id) workgroup: vec3u,
    @builtin(num_workgroups) workgroups: vec3u,
    @builtin(local_invocation_index) invocation: u32,
) {
    begin(workgroup.z / parts());
    let part = workgroup.z % parts();
    let tile = tile_of(workgroup, workgroups);
    let row4 = tile.row4;
    let column = tile.column;
    let member = invocation % GROUP;
    let group = invocation / GROUP;
    let lane = lane_of(member);
    find_rows(4u * (row4 + lhs_place(member % LHS_BLOCKS).x));
    // Not `rows` and `replica`: barriers need bounds that are the same for all, and WGSL does not see that of variables.
    let range = part_of(stride(depth(step_of(workgroup.z / parts()).rows)), part);
    let has_ones = ONES && tile.has_ones;
    let memory = group * COPIES * TILES;
    var ones: vec4f;
    var sums: array<vec4f, SUMS>;
    var blocks = fetch(row4, column, range.x + group * DEPTH4, range.y, member);
    var base = memory;
    for (var k = range.x; k < range.y; k += GROUPS * DEPTH4) {
        if COPIES == 1u {
            workgroupBarrier();
        }
        put(blocks, base, member);
        workgroupBarrier();
        blocks = fetch(row4, column, k + (GROUPS + group) * DEPTH4, range.y, member);
        accumulate(&sums, base, lane);
        if has_ones {
            ones = add_ones(ones, base, k + group * DEPTH4, member);
        }
        if COPIES == 2u {
            // Nobody writes this copy before all have met again, when they have written the other.
            base = 2u * memory + TILES - base;
        }
    }
    if has_ones {
        workgroupBarrier();
        tiles[invocation] = ones;
        workgroupBarrier();
        if invocation < COLUMNS4 && column + invocation < stride(result_columns()) {
            var sum = tiles[invocation];
            for (var i = 1u; i < GROUPS * SHARERS; i++) {
                sum += tiles[i * COLUMNS4 + invocation];
            }
            finish(part, result_rows() - 1u, column + invocation, sum);
        }
    }
    if GROUPS > 1u {
        workgroupBarrier();
//@for i 4*BLOCK_ROWS*BLOCK_COLUMNS
        tiles[(group * SUMS + $iu) * GROUP + member] = sums[$i];
//@end
        workgroupBarrier();
        for (var i = group; i < SUMS; i += GROUPS) {
            var sum = tiles[i * GROUP + member];
            for (var other = 1u; other < GROUPS; other++) {
                sum += tiles[(other * SUMS + i) * GROUP + member];
            }
            finish_inside(part, row4, column, lane, i, sum);
        }
    } else {
//@for i 4*BLOCK_ROWS*BLOCK_COLUMNS
        finish_inside(part, row4, column, lane, $iu, sums[$i]);
//@end
    }
}

// Ends the sum of this number of an invocation, if it lies inside the result.
fn finish_inside(part: u32, row4: u32, column: u32, lane: vec2u, number: u32, sum: vec4f) {
    let r = number / BLOCK_COLUMNS;
    let row = 4u * (row4 + r / 4u * LANES_Y + lane.y) + r % 4u;
    let result_column = column + number % BLOCK_COLUMNS * LANES_X + lane.x;
    if row < result_rows() && result_column < stride(result_columns()) {
        finish(part, row, result_column, sum);
    }
}
