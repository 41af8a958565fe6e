// The batch is the rows of the data that the replica's order names, from the step's first place on.

fn source_row(row: u32) -> u32 {
    return order[replica * parameters.order_length + first + row];
}
