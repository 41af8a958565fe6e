// The last layer, where its outputs are few: f(input · W + b), its loss, and either its delta or the outputs, without a word to
// the device's memory in between. The narrow loop keeps the row: of outputs, or of logits where loss and activation are a joint pair.
fn finish(row: u32) {
    for (var column = 0u; column < COLUMNS; column++) {
        let z = with_bias(column, sum_at(column));
        let output = activate(z);
        set_result(column, select(output, z, IS_JOINT));
        set_stored(column, stored_of(z, output));
    }
    finish_row(row, COLUMNS);
}
