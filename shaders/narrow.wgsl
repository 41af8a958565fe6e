// The product of few columns, without barriers or workgroup memory: an invocation sums ROWS whole rows of COLUMNS vec4s, lanes run
// along the rows. The kernel gives result_rows, depth, lhs and rhs as for direct.wgsl, and
//   finish(row, sums, first)    a row of the result, its sums being those from the first on

// Four rows are written out below.
const_assert ROWS == 4u;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
    replica = id.z;
    rows = this_step().rows;
    let row = ROWS * id.x;
    if row >= result_rows() {
        return;
    }
    let steps4 = stride(depth(rows));
    var sums: array<vec4f, SUMS>;
    for (var k = 0u; k < steps4; k++) {
        let left = lhs(row, k);
        for (var column = 0u; column < COLUMNS; column++) {
            let right = rhs(k, column);
            for (var r = 0u; r < ROWS; r++) {
                sums[COLUMNS * r + column] += right * left[r];
            }
        }
    }
    for (var r = 0u; r < ROWS; r++) {
        if row + r < result_rows() {
            finish(row + r, &sums, COLUMNS * r);
        }
    }
}
