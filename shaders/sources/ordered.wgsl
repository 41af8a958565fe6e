// The batch is the rows of the data that the replica's order names, from the step's first place on.
@group(0) @binding(WRITES - 1u) var<storage, read> order: array<u32>;

fn source_row(row: u32) -> u32 {
    return order[replica * parameters.order_length + first + row];
}
