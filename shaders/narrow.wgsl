// The product of few columns, without barriers or workgroup memory: an invocation sums ROWS whole rows of COLUMNS vec4s, lanes run
// along the rows. The kernel gives result_rows, depth, find_rows, lhs and rhs as for direct.wgsl, and
//   finish(row, sums, place)    a row of the result, whose sums begin at this place

// Four rows are written out below.
const_assert ROWS == 4u;

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
    begin(id.z);
    let row = ROWS * id.x;
    if row >= result_rows() {
        return;
    }
    find_rows(row);
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
    if ROLLED {
        // No driver knows where this loop ends, so that it compiles what follows once.
        for (var r = 0u; r < min(ROWS, result_rows() - row); r++) {
            var one = chosen(sums, r);
            finish(row + r, &one, 0u);
        }
    } else {
        for (var r = 0u; r < ROWS; r++) {
            if row + r < result_rows() {
                finish(row + r, &sums, COLUMNS * r);
            }
        }
    }
}

// A row of the sums, r being no constant, at the beginning of the result: selections, where an array with such an index would lie
// in memory.
fn chosen(sums: array<vec4f, SUMS>, r: u32) -> array<vec4f, SUMS> {
    var row: array<vec4f, SUMS>;
    for (var i = 0u; i < ROWS; i++) {
        for (var column = 0u; column < COLUMNS; column++) {
            row[column] = select(row[column], sums[COLUMNS * i + column], i == r);
        }
    }
    return row;
}
