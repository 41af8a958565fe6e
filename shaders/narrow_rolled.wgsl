// The product of few columns for software adapters, without barriers or workgroup memory: an invocation sums ROWS whole rows of COLUMNS
// vec4s, lanes run along the rows. The kernel gives what shaders/narrow.wgsl lists.

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
    // No driver knows where this loop ends, so that it compiles what follows once.
    for (var r = 0u; r < min(ROWS, result_rows() - row); r++) {
        choose(sums, r);
        finish(row + r);
    }
}

// The row of the result that is under way: its sums, then its outputs or logits; and what f' is told from.
var<private> results: array<vec4f, COLUMNS>;
var<private> stored: array<vec4f, COLUMNS>;

fn sum_at(column: u32) -> vec4f {
    return results[column];
}
fn result_at(column: u32) -> vec4f {
    return results[column];
}
fn set_result(column: u32, result: vec4f) {
    results[column] = result;
}
fn stored_at(column: u32) -> vec4f {
    return stored[column];
}
fn set_stored(column: u32, value: vec4f) {
    stored[column] = value;
}

// Takes row r of the sums, r being no constant: by selections, where an array with such an index would lie in memory.
fn choose(sums: array<vec4f, SUMS>, r: u32) {
    for (var column = 0u; column < COLUMNS; column++) {
        var sum = vec4f();
        for (var i = 0u; i < ROWS; i++) {
            sum = select(sum, sums[COLUMNS * i + column], i == r);
        }
        results[column] = sum;
    }
}
