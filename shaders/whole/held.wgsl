// Many training steps of a small network, one workgroup a replica: inputs, activations, deltas and parameters lie in workgroup memory,
// every size is a constant, and each layer has functions of its own, written out with it.

// Inputs and hidden layers' outputs, then the layers' deltas, in rows of an odd number of vec4s, so that lanes of different rows use
// different banks; then the parameters, layer by layer.
var<workgroup> values: array<vec4f, VALUES>;

// The step that follows, whose record, places and rows are fetched while the one before is computed.
var<private> coming: Step;
//@for i $PUTS
var<private> place_$i: u32;
var<private> brought_$i: vec4f;
//@end
//@for i $ROUNDS
//@for q $DESIRED
var<private> desired_place_$i_$q: u32;
var<private> desired_$i_$q: vec4f;
//@end
//@end

fn barrier() {
    workgroupBarrier();
}

// The row of the data that is a row of the coming batch; past its end, its last one.
fn coming_row(row: u32) -> u32 {
    return order[replica * parameters.order_length + coming.first + min(row, coming.rows - 1u)];
}

// Finds the places of the coming step's inputs and targets.
fn find(lane: u32) {
//@for i $PUTS
    let element_$i = lane + $iu * LANES;
    place_$i = coming_row(element_$i / $WIDTHu) * $WIDTHu + element_$i % $WIDTHu;
//@end
//@for i $ROUNDS
    let tile_$i = lane + $iu * LANES;
//@for q $DESIRED
    desired_place_$i_$q = coming_row($DESIRED_ROW) * $OUTPUTS4u + $DESIRED_COLUMN;
//@end
//@end
}

// Loads what is there.
fn bring() {
//@for i $PUTS
    brought_$i = inputs[place_$i];
//@end
//@for i $ROUNDS
//@for q $DESIRED
    desired_$i_$q = targets[desired_place_$i_$q];
//@end
//@end
}

// Puts the inputs that were loaded where all lanes read them.
fn put(lane: u32) {
//@for i $PUTS
    let element_$i = lane + $iu * LANES;
    if element_$i < $INPUTS4u {
        values[element_$i / $WIDTHu * $STRIDEu + element_$i % $WIDTHu] = brought_$i;
    }
//@end
}

// The losses of a row: a vec4 or more, to which each tile of its outputs adds an element.
fn loss_place(row: u32) -> u32 {
    return $LOSSESu + row * $LOSS_STRIDEu;
}
fn set_loss(row: u32, column: u32, loss: f32) {
    values[loss_place(row) + column / 4u][column % 4u] = loss;
}
fn clear_losses(lane: u32) {
    for (var row = lane; row < $ROWSu; row += LANES) {
//@for c $LOSSES4
        values[loss_place(row) + $cu] = vec4f();
//@end
    }
}

// The step's loss, summed by one lane, row after row.
fn note_loss(lane: u32) {
    if lane == $LOSS_LANEu {
        var sum = vec4f();
        for (var row = 0u; row < BATCH; row++) {
//@for c $LOSSES4
            sum += values[loss_place(row) + $cu];
//@end
        }
        losses[replica * parameters.losses + current.loss_row] = dot(sum, vec4f(1.0));
    }
}
