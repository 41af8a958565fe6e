// Where the four rows of the input begin that an invocation sums or brings: found once, so that no loop waits for an order.
var<private> starts: vec4u;

fn find_rows(row: u32) {
    starts = starts_from(row);
}
fn starts_at(row: u32) -> vec4u {
    return starts;
}
