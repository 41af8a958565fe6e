// Where the ROWS rows of the input begin that an invocation sums: found once, so that no loop waits for an order. For software
// adapters, which keep arrays in memory whatever their index is.
var<private> first_row: u32;
var<private> starts: array<vec4u, ROWS / 4u>;

fn find_rows(row: u32) {
    first_row = row;
    for (var i = 0u; i < ROWS / 4u; i++) {
        starts[i] = starts_from(row + 4u * i);
    }
}
fn starts_at(row: u32) -> vec4u {
    return starts[(row - first_row) / 4u];
}
