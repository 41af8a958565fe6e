// The product for software adapters, without barriers or workgroup memory: an invocation sums ROWS rows × COLUMNS vec4s, lanes run
// along the columns. What follows the sums stands once, in a loop: such adapters take long to compile every copy of it.
// The kernel gives result_rows, result_columns, depth (terms of a sum, for a batch of so many rows), and
//   find_rows(row)  what lhs needs to know of ROWS rows from this one on, called once
//   lhs(row, k)     rows row..row+3, as four vec4s along the sum, of the terms 4k..4k+3
//   rhs(k, column)  the same terms, as four vec4s along the columns
//   store(row, column, sum)
// Terms past the depth are zero in lhs, and finite in rhs. With SPLIT it multiplies halves as matrix units do for shaders/units.wgsl,
// for tests of shaders/split.wgsl on adapters that have none.

//@if SPLIT
// A half as f16 holds it: an infinity beyond its range, a multiple of 2⁻²⁴ below its normal numbers.
fn as_f16(half: vec4f) -> vec4f {
    let small = round(half * 16777216.0) * 0.000000059604644775390625;
    let bits = select(bitcast<vec4u>(half), vec4u(0x7f800000u), abs(half) > vec4f(65504.0));
    return select(bitcast<vec4f>(bits), small, abs(half) < vec4f(0.00006103515625));
}

//@end
alias Sums = array<array<vec4f, COLUMNS>, ROWS>;

// sums[r][c] += Σ over the terms 4k..4k+3 of lhs(row + r, term) · rhs(term, column + c)
fn accumulate(sums: ptr<function, Sums>, row: u32, column: u32, last: u32, k: u32) {
    var left: array<vec4f, ROWS>;
//@if SPLIT
    var left_low: array<vec4f, ROWS>;
//@end
    for (var block = 0u; block < ROWS; block += 4u) {
        let rows = lhs(row + block, k);
//@unless SPLIT
        for (var r = 0u; r < 4u; r++) {
            left[block + r] = rows[r];
        }
//@end
//@if SPLIT
        let scale = scales[place_of_rows((row + block) / 4u)];
        for (var r = 0u; r < 4u; r++) {
            let halves_of_row = halves(rows[r], vec4f(scale[r]));
            left[block + r] = as_f16(halves_of_row.high);
            left_low[block + r] = as_f16(halves_of_row.low);
        }
//@end
    }
    for (var c = 0u; c < COLUMNS; c++) {
        let right = rhs(k, min(column + c, last));
//@if SPLIT
        let scale = scales[place_of_columns(min(column + c, last))];
//@for t 4
        let term$t = halves(right[$t], scale);
//@end
        let high = mat4x4f(as_f16(term0.high), as_f16(term1.high), as_f16(term2.high), as_f16(term3.high));
        let low = mat4x4f(as_f16(term0.low), as_f16(term1.low), as_f16(term2.low), as_f16(term3.low));
//@end
        for (var r = 0u; r < ROWS; r++) {
//@unless SPLIT
            (*sums)[r][c] += right * left[r];
//@end
//@if SPLIT
            (*sums)[r][c] += low * left[r];
            (*sums)[r][c] += high * left_low[r];
            (*sums)[r][c] += high * left[r];
//@end
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
//@unless SPLIT
            finish(part, row, column + c, sums[c]);
//@end
//@if SPLIT
            finish(part, row, column + c, unscaled(row, column + c, sums[c]));
//@end
        }
    }
}
