// What follows the last layer's sums at once: the loss of a row's four outputs, and delta = dLoss/da ⊙ f'(a).
fn finish(row: u32, column: u32, z: vec4f, desired: vec4f) {
    let result = $FUNCTION(z);
    let prepared = prepare(0u);
    let valid = inside(column, $OUTPUTSu) & vec4<bool>(row < current.rows);
    let error = error_of(result, $STORED, desired, prepared);
    values[$DELTAu + row * $STRIDEu + column] = select(vec4f(), error * current.scale, valid);
    set_loss(row, column, dot(select(vec4f(), loss_of(result, desired, prepared), valid), vec4f(1.0)));
}
