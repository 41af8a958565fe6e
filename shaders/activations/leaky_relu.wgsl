// leaky-relu: f(z) = z above 0, else LEAK z
fn leaky_relu(z: vec4f) -> vec4f {
    return select(z, LEAK * z, z < vec4f());
}
fn leaky_relu_derivative(output: vec4f) -> vec4f {
    return select(vec4f(LEAK), vec4f(1.0), output > vec4f());
}
