// sigmoid: f(z) = 1 / (1 + e^-z), f' = f (1 - f). e^-|z| never overflows and keeps the small side accurate.
fn sigmoid(z: vec4f) -> vec4f {
    let t = exp(-abs(z));
    let s = 1.0 / (1.0 + t);
    return select(s, t * s, z < vec4f());
}
fn sigmoid_derivative(output: vec4f) -> vec4f {
    return output * (1.0 - output);
}
