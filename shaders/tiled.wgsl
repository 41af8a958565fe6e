// The product in tiles: a workgroup brings a tile of each factor into its memory, TILE_DEPTH terms at a time, and an
// invocation sums 4 BLOCK_ROWS rows × BLOCK_COLUMNS vec4s of the result from there. While one workgroup waits for its tiles,
// others sum. The kernel gives what shaders/direct.wgsl lists.

// A tile's sides in blocks of four.
const ROWS4 = TILE_ROWS / 4u;
const COLUMNS4 = TILE_COLUMNS / 4u;
const DEPTH4 = TILE_DEPTH / 4u;
// Every element is summed once, and every invocation brings one block of 4×4 of each factor.
const_assert LANES * BLOCK_COLUMNS == COLUMNS4 && LANES_Y * BLOCK_ROWS == ROWS4;
const_assert LANES * LANES_Y == ROWS4 * DEPTH4 && LANES * LANES_Y == COLUMNS4 * DEPTH4;

// Term by term, four rows or columns a vec4. Those of the terms 4k..4k+3 are kept at their place ^ k: blocks that follow each
// other along the sum would else be written to the same banks.
var<workgroup> lhs_tile: array<vec4f, TILE_DEPTH * ROWS4>;
var<workgroup> rhs_tile: array<vec4f, TILE_DEPTH * COLUMNS4>;

// Brings the tile from row 4 · row4, vec4 column and term 4k on. Past the last terms, rows and columns it holds those again.
fn load(row4: u32, column: u32, k: u32, last: u32, invocation: u32) {
    // Neighbours read what lies side by side: four terms after four terms, or row after row and column after column.
    let terms_first = vec2u(invocation / DEPTH4, invocation % DEPTH4);
    let rows_first = vec2u(invocation % ROWS4, invocation / ROWS4);
    let columns_first = vec2u(invocation % COLUMNS4, invocation / COLUMNS4);
    let left_block = select(terms_first, rows_first, LHS_ALONG_ROWS);
    let right_block = select(terms_first, columns_first, RHS_ALONG_COLUMNS);
    let left = transpose(lhs(4u * (row4 + left_block.x), min(k + left_block.y, last)));
    let right = rhs(min(k + right_block.y, last), min(column + right_block.x, stride(result_columns()) - 1u));
    workgroupBarrier();
    for (var term = 0u; term < 4u; term++) {
        lhs_tile[(4u * left_block.y + term) * ROWS4 + (left_block.x ^ left_block.y)] = left[term];
        rhs_tile[(4u * right_block.y + term) * COLUMNS4 + (right_block.x ^ right_block.y)] = right[term];
    }
    workgroupBarrier();
}

// sums[r][c] += Σ over the tile's terms 4k..4k+3 of lhs · rhs
fn accumulate(sums: ptr<function, array<vec4f, SUMS>>, k: u32, lane: vec2u) {
    let left_place = 4u * k * ROWS4 + (lane.y ^ k);
    let right_place = 4u * k * COLUMNS4 + (lane.x ^ k);
    for (var term = 0u; term < 4u; term++) {
        var left: array<vec4f, BLOCK_ROWS>;
        var right: array<vec4f, BLOCK_COLUMNS>;
        for (var r = 0u; r < BLOCK_ROWS; r++) {
            left[r] = lhs_tile[left_place + (term * ROWS4 + r * LANES_Y)];
        }
        for (var c = 0u; c < BLOCK_COLUMNS; c++) {
            right[c] = rhs_tile[right_place + (term * COLUMNS4 + c * LANES)];
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
    replica = group.z / parts();
    rows = steps[replica].rows;
    let part = group.z % parts();
    let row4 = ROWS4 * group.y;
    let column = COLUMNS4 * group.x;
    // Not `rows` and `replica`: barriers need bounds that are the same for all, and WGSL does not see that of variables.
    let range = part_of(stride(depth(steps[group.z / parts()].rows)), part);
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
