// Many training steps of a very small network by one lane, or by SHARED lanes that share a batch's rows. Every number has a name of its
// own: the host writes `main` out.

// The step that follows, whose record and first row are fetched while the one before is computed.
var<private> coming: Step;
// Which of a network's lanes this is.
var<private> lane: u32;
// Whether there is a network for this lane: those left over go along with the last one, and store nothing.
var<private> is_present: bool;

// One row's inputs and targets, and those of the row that follows.
//@for c WIDTH4
var<private> x_$c: vec4f;
var<private> next_x_$c: vec4f;
//@end
//@for c OUTPUTS4
var<private> y_$c: vec4f;
var<private> next_y_$c: vec4f;
//@end

fn output_width() -> u32 {
    return OUTPUTS;
}

// Fetches a row of a step; past its end, its last one.
fn fetch(step: Step, row: u32) {
    let source = order[replica * parameters.order_length + step.first + min(row, step.rows - 1u)];
//@for c WIDTH4
    next_x_$c = inputs[source * WIDTH4 + $cu];
//@end
//@for c OUTPUTS4
    next_y_$c = targets[source * OUTPUTS4 + $cu];
//@end
}

// Takes the row that was fetched.
fn take() {
//@for c WIDTH4
    x_$c = next_x_$c;
//@end
//@for c OUTPUTS4
    y_$c = next_y_$c;
//@end
}
