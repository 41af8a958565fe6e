// Σ ½ e² where |e| ≤ δ, else δ (|e| - ½ δ), with e = a - y; dLoss/da = e, clipped to ±δ
struct Row { unused: u32 }

fn prepare(width: u32) -> Row {
    return Row(0u);
}
fn output_of(output: vec4f, row: Row) -> vec4f {
    return output;
}
fn loss_of(output: vec4f, desired: vec4f, row: Row) -> vec4f {
    let size = abs(output - desired);
    let close = min(size, vec4f(parameters.of_loss));
    return close * (size - 0.5 * close);
}
fn error_of(output: vec4f, stored: vec4f, desired: vec4f, row: Row) -> vec4f {
    let delta = vec4f(parameters.of_loss);
    return clamp(output - desired, -delta, delta) * derivative(stored);
}
