// tanh: f' = 1 - f². From exp, as WGSL promises its own tanh only to 1e-5; near 0, where 1 - e^-2|z| cancels, by its series.
fn hyperbolic_tangent(z: vec4f) -> vec4f {
    let size = abs(z);
    let t = exp(-2.0 * size);
    let far = (1.0 - t) / (1.0 + t);
    let square = z * z;
    let near = size * (1.0 + square * (-0.33333334 + square * (0.13333334 + square * (-0.053968254 + square * 0.021869488))));
    return sign(z) * select(far, near, size < vec4f(0.3));
}
fn hyperbolic_tangent_derivative(output: vec4f) -> vec4f {
    return (1.0 - output) * (1.0 + output);
}
