// The batch is the rows of the data from the step's first on, for all replicas.
fn source_row(row: u32) -> u32 {
    return first + row;
}
