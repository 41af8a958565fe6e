// The batch has a buffer of its own, with room for the rows of each replica.
fn source_row(row: u32) -> u32 {
    return replica * parameters.capacity + row;
}
