// The product without barriers or workgroup memory: an invocation sums ROWS rows × 2 vec4s, lanes run along the columns.
// The kernel gives result_rows, result_columns, depth (terms of a sum, for a batch of so many rows), and
//   find_rows(row)  what lhs needs to know of ROWS rows from this one on, called once
//   lhs(row, k)     rows row..row+3, as four vec4s along the sum, of the terms 4k..4k+3
//   rhs(k, column)  the same terms, as four vec4s along the columns
//   store(row, column, sum)
// Terms past the depth are zero in lhs, and finite in rhs.

// Two vec4s of columns are written out below.
const_assert COLUMNS == 2u;

// sums[2r + c] += Σ over the terms 4k..4k+3 of lhs(row + r, term) · rhs(term, column + c)
fn accumulate(sums: ptr<function, array<vec4f, SUMS>>, row: u32, column: u32, next: u32, k: u32) {
    let right0 = rhs(k, column);
    let right1 = rhs(k, next);
    for (var block = 0u; block < ROWS; block += 4u) {
        let left = lhs(row + block, k);
        for (var r = 0u; r < 4u; r++) {
            (*sums)[2u * (block + r)] += right0 * left[r];
            (*sums)[2u * (block + r) + 1u] += right1 * left[r];
        }
    }
}

@compute @workgroup_size(LANES, LANES_Y)
fn main(@builtin(global_invocation_id) id: vec3u) {
    begin(id.z / parts());
    let part = id.z % parts();
    let row = ROWS * id.y;
    let column = COLUMNS * id.x;
    let columns = stride(result_columns());
    if row >= result_rows() || column >= columns {
        return;
    }
    let next = min(column + 1u, columns - 1u);
    find_rows(row);
    let range = part_of(stride(depth(rows)), part);
    var sums: array<vec4f, SUMS>;
    for (var k = range.x; k < range.y; k++) {
        accumulate(&sums, row, column, next, k);
    }
    for (var r = 0u; r < ROWS; r++) {
        if row + r < result_rows() {
            finish(part, row + r, column, sums[2u * r]);
            if column + 1u < columns {
                finish(part, row + r, column + 1u, sums[2u * r + 1u]);
            }
        }
    }
}
