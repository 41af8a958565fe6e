// -Σ (y ln a + (1 - y) ln(1 - a)) with a = sigmoid(z), from z: max(z, 0) - z y + ln(1 + e^-|z|); joint delta a - y
struct Row { unused: u32 }

fn prepare(width: u32) -> Row {
    return Row(0u);
}
fn output_of(z: vec4f, row: Row) -> vec4f {
    return activate(z);
}
fn loss_of(z: vec4f, desired: vec4f, row: Row) -> vec4f {
    return max(z, vec4f()) - z * desired + log(1.0 + exp(-abs(z)));
}
fn error_of(z: vec4f, stored: vec4f, desired: vec4f, row: Row) -> vec4f {
    return activate(z) - desired;
}
