// The product in tiles: a workgroup brings a tile of each factor into its memory, TILE_DEPTH terms at a time, and an
// invocation sums 4 BLOCK_ROWS rows × BLOCK_COLUMNS vec4s of the result from there. While one workgroup waits for its tiles,
// others sum. The kernel gives what shaders/direct.wgsl lists.

// A tile's sides in blocks of four, and the blocks of one factor's tile.
const SIDE4 = TILE_SIDE / 4u;
const DEPTH4 = TILE_DEPTH / 4u;
const BLOCKS = SIDE4 * DEPTH4;
// Every element is summed once, and every invocation brings one block of 4×4: the first half of lhs, the second of rhs.
const_assert LANES * BLOCK_COLUMNS == SIDE4 && LANES_Y * BLOCK_ROWS == SIDE4 && LANES * LANES_Y == 2u * BLOCKS;

// The tiles of lhs and rhs: term by term, four rows or columns a vec4.
var<workgroup> tiles: array<vec4f, 2u * TILE_DEPTH * SIDE4>;

// The place of an invocation's block in its tile, along the side and along the sum: neighbours read what lies side by side.
fn block_place(number: u32, along_side: bool) -> vec2u {
    return select(vec2u(number / DEPTH4, number % DEPTH4), vec2u(number % SIDE4, number / SIDE4), along_side);
}

// Brings the tiles from row 4 · row4, vec4 column and term 4k on. Past the last terms, rows and columns they hold those again.
fn load(row4: u32, column: u32, k: u32, last: u32, invocation: u32) {
    let number = invocation % BLOCKS;
    var place: vec2u;
    var block: mat4x4f;
    if invocation < BLOCKS {
        place = block_place(number, LHS_ALONG_ROWS);
        block = transpose(lhs(4u * (row4 + place.x), min(k + place.y, last)));
    } else {
        place = block_place(number, RHS_ALONG_COLUMNS);
        block = rhs(min(k + place.y, last), min(column + place.x, stride(result_columns()) - 1u));
    }
    let first = (invocation / BLOCKS * TILE_DEPTH + 4u * place.y) * SIDE4 + place.x;
    workgroupBarrier();
    for (var term = 0u; term < 4u; term++) {
        tiles[first + term * SIDE4] = block[term];
    }
    workgroupBarrier();
}

// sums[r][c] += Σ over the tiles' terms 4k..4k+3 of lhs · rhs
fn accumulate(sums: ptr<function, array<vec4f, SUMS>>, k: u32, lane: vec2u) {
    let lhs_first = 4u * k * SIDE4 + lane.y;
    let rhs_first = (4u * k + TILE_DEPTH) * SIDE4 + lane.x;
    for (var term = 0u; term < 4u; term++) {
        var left: array<vec4f, BLOCK_ROWS>;
        var right: array<vec4f, BLOCK_COLUMNS>;
        for (var r = 0u; r < BLOCK_ROWS; r++) {
            left[r] = tiles[lhs_first + (term * SIDE4 + r * LANES_Y)];
        }
        for (var c = 0u; c < BLOCK_COLUMNS; c++) {
            right[c] = tiles[rhs_first + (term * SIDE4 + c * LANES)];
        }
        for (var r = 0u; r < 4u * BLOCK_ROWS; r++) {
            for (var c = 0u; c < BLOCK_COLUMNS; c++) {
                (*sums)[r * BLOCK_COLUMNS + c] += right[c] * left[r / 4u][r % 4u];
            }
        }
    }
}

@compute @workgroup_size(LANES, LANES_Y)
fn main(
    @builtin(workgroup_id) group: vec3u,
    @builtin(local_invocation_id) lane: vec3u,
    @builtin(local_invocation_index) invocation: u32,
) {
    begin(group.z / parts());
    let part = group.z % parts();
    let row4 = SIDE4 * group.y;
    let column = SIDE4 * group.x;
    find_rows(4u * (row4 + block_place(invocation % BLOCKS, LHS_ALONG_ROWS).x));
    // Not `rows` and `replica`: barriers need bounds that are the same for all, and WGSL does not see that of variables.
    let range = part_of(stride(depth(step_of(group.z / parts()).rows)), part);
    var sums: array<vec4f, SUMS>;
    for (var k = range.x; k < range.y; k += DEPTH4) {
        load(row4, column, k, range.y - 1u, invocation);
        let terms4 = min(DEPTH4, range.y - k);
        for (var within = 0u; within < terms4; within++) {
            accumulate(&sums, within, lane.xy);
        }
    }
    for (var r = 0u; r < 4u * BLOCK_ROWS; r++) {
        let row = 4u * (row4 + r / 4u * LANES_Y + lane.y) + r % 4u;
        for (var c = 0u; c < BLOCK_COLUMNS; c++) {
            let result_column = column + c * LANES + lane.x;
            if row < result_rows() && result_column < stride(result_columns()) {
                finish(part, row, result_column, sums[r * BLOCK_COLUMNS + c]);
            }
        }
    }
}
