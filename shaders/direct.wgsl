// The product for software adapters, without barriers or workgroup memory: an invocation sums ROWS rows × COLUMNS vec4s, lanes run
// along the columns. What follows the sums stands once, in a loop: such adapters take long to compile every copy of it.
// The kernel gives result_rows, result_columns, depth (terms of a sum, for a batch of so many rows), and
//   find_rows(row)  what lhs needs to know of ROWS rows from this one on, called once
//   lhs(row, k)     rows row..row+3, as four vec4s along the sum, of the terms 4k..4k+3
//   rhs(k, column)  the same terms, as four vec4s along the columns
//   store(row, column, sum)
// Terms past the depth are zero in lhs, and finite in rhs.

alias Sums = array<array<vec4f, COLUMNS>, ROWS>;

// sums[r][c] += Σ over the terms 4k..4k+3 of lhs(row + r, term) · rhs(term, column + c)
fn accumulate(sums: ptr<function, Sums>, row: u32, column: u32, last: u32, k: u32) {
    var left: array<vec4f, ROWS>;
    for (var block = 0u; block < ROWS; block += 4u) {
        let rows = lhs(row + block, k);
        for (var r = 0u; r < 4u; r++) {
            left[block + r] = rows[r];
        }
    }
    for (var c = 0u; c < COLUMNS; c++) {
        let right = rhs(k, min(column + c, last));
        for (var r = 0u; r < ROWS; r++) {
            (*sums)[r][c] += right * left[r];
        }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
    begin(id.z / parts());
    let part = id.z % parts();
    let row = ROWS * id.y;
    let column = COLUMNS * id.x;
    let columns = stride(result_columns());
    if row >= result_rows() || column >= columns {
        return;
    }
    find_rows(row);
    let range = part_of(stride(depth(rows)), part);
    var sums: Sums;
    for (var k = range.x; k < range.y; k++) {
        accumulate(&sums, row, column, columns - 1u, k);
    }
    // No driver knows where this loop ends, so that it compiles what follows once.
    for (var r = 0u; r < min(ROWS, result_rows() - row); r++) {
        finish_columns(part, row + r, column, columns, chosen(sums, r));
    }
}

// sums[r], r being no constant: selections, where an array with such an index would lie in memory.
fn chosen(sums: Sums, r: u32) -> array<vec4f, COLUMNS> {
    var row: array<vec4f, COLUMNS>;
    for (var i = 0u; i < ROWS; i++) {
        for (var c = 0u; c < COLUMNS; c++) {
            row[c] = select(row[c], sums[i][c], i == r);
        }
    }
    return row;
}

fn finish_columns(part: u32, row: u32, column: u32, columns: u32, sums: array<vec4f, COLUMNS>) {
    for (var c = 0u; c < COLUMNS; c++) {
        if column + c < columns {
            finish(part, row, column + c, sums[c]);
        }
    }
}
