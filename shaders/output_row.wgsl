// A row at the outputs: its loss, and either its delta = dLoss/da ⊙ f'(a) or the outputs themselves.
// The loss's file gives Row, prepare(vec4s of the row), output_of(result, row), loss_of(result, desired, row) and
// error_of(result, stored, desired, row), which is dLoss/da ⊙ f'(a). The kernel gives result_at(column), which is the outputs or
// logits, and stored_at(column), what f' is told from. A file of weights/ gives row_weight(sample), what the loss is multiplied by.
// targets and written, the delta or the outputs [rows × outputs], losses [rows]

fn output_width() -> u32 {
    return parameters.outputs;
}

fn finish_row(sample: u32, width: u32) {
    let target_start = source_row(sample) * width;
    let written_start = (replica * parameters.capacity + sample) * width;
    let row = prepare(width);
    let weight = row_weight(sample);
    var loss = 0.0;
    for (var column = 0u; column < width; column++) {
        let result = result_at(column);
        let desired = targets[target_start + column];
        let valid = inside(column, parameters.outputs);
        loss += dot(select(vec4f(), loss_of(result, desired, row), valid), vec4f(1.0));
        var value: vec4f;
        if WRITES_DELTA {
            value = error_of(result, stored_at(column), desired, row) * this_step().scale * weight;
        } else {
            value = output_of(result, row);
        }
        written[written_start + column] = select(vec4f(), value, valid);
    }
    losses[replica * parameters.losses + this_step().loss_row + sample] = loss * weight;
}
