// The norm of all layers' gradients together stays within clip: all are multiplied by min(1, clip / (norm + 1e-6)).

fn clipped(gradient: vec4f) -> vec4f {
    let factor = this_step().clip / (sqrt(squares[replica].x) + 1e-6);
    return gradient * select(1.0, factor, factor < 1.0);
}
