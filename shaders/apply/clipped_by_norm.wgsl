// The norm of all layers' gradients together stays within clip: all are multiplied by min(1, clip / (norm + 1e-6)).
@group(0) @binding(3) var<storage, read> squares: array<f32>;                // layers

fn clipped(gradient: vec4f) -> vec4f {
    var sum = 0.0;
    for (var layer = 0u; layer < parameters.count; layer++) {
        sum += squares[replica * parameters.layers + layer];
    }
    let factor = this_step().clip / (sqrt(sum) + 1e-6);
    return gradient * select(1.0, factor, factor < 1.0);
}
