// relu: f(z) = z above 0, else 0; NaN stays NaN.
fn relu(z: vec4f) -> vec4f {
    return select(z, vec4f(), z < vec4f());
}
fn relu_derivative(output: vec4f) -> vec4f {
    return select(vec4f(), vec4f(1.0), output > vec4f());
}
