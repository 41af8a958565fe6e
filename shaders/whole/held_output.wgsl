// What needs whole rows of the last layer's results, which lie where its deltas are to be: a row's loss, and delta = dLoss/da ⊙ f'(a).
var<private> result_start: u32;

fn result_at(column: u32) -> vec4f {
    return values[result_start + column];
}
fn output_width() -> u32 {
    return $OUTPUTSu;
}

fn output(lane: u32) {
//@for i $ROUNDS
    let row_$i = lane + $iu * LANES;
    if row_$i < BATCH {
        result_start = $DELTAu + row_$i * $STRIDEu;
        let prepared = prepare($OUTPUTS4u);
        var loss = 0.0;
//@for q $OUTPUTS4
        let result_$q = result_at($qu);
        let valid_$q = inside($qu, $OUTPUTSu) & vec4<bool>(row_$i < current.rows);
        loss += dot(select(vec4f(), loss_of(result_$q, desired_$i_$q, prepared), valid_$q), vec4f(1.0));
        let error_$q = error_of(result_$q, result_$q, desired_$i_$q, prepared);
        values[result_start + $qu] = select(vec4f(), error_$q * current.scale, valid_$q);
//@end
        set_loss(row_$i, 0u, loss);
    }
//@end
}
