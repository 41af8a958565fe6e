// identity: f(z) = z
fn identity(z: vec4f) -> vec4f {
    return z;
}
fn identity_derivative(output: vec4f) -> vec4f {
    return vec4f(1.0);
}
