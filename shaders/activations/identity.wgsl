// identity: f(z) = z
fn activate(z: vec4f) -> vec4f {
    return z;
}
fn derivative(output: vec4f) -> vec4f {
    return vec4f(1.0);
}
