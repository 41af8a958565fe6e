// The last layer, where its outputs are few: f(input · W + b), its loss, and either its delta or the outputs, without a word to
// memory in between.

// One row of outputs, or of logits where loss and activation are a joint pair, and what f' is told from.
var<private> results: array<vec4f, COLUMNS>;
var<private> stored: array<vec4f, COLUMNS>;

fn result_at(column: u32) -> vec4f {
    return results[column];
}
fn stored_at(column: u32) -> vec4f {
    return stored[column];
}

fn finish(row: u32, sums: ptr<function, array<vec4f, SUMS>>, place: u32) {
    for (var column = 0u; column < COLUMNS; column++) {
        let z = with_bias(column, (*sums)[place + column]);
        let output = activate(z);
        results[column] = select(output, z, IS_JOINT);
        stored[column] = stored_of(z, output);
    }
    finish_row(row, COLUMNS);
}
