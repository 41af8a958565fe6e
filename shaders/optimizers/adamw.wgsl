// w -= rate · λ w; m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²; w -= rate · m̂ / (√v̂ + ε)
@group(0) @binding(WRITES + 1u) var<storage, read_write> mean: array<vec4f>;        // as the parameters
@group(0) @binding(WRITES + 2u) var<storage, read_write> variance: array<vec4f>;    // as the parameters

fn updated(element: u32, weight: vec4f, gradient: vec4f, decay: f32) -> vec4f {
    let step = steps[replica];
    let shrunk = weight - step.learning_rate * decay * weight;
    let m = step.beta1 * mean[element] + step.complement1 * gradient;
    let v = step.beta2 * variance[element] + step.complement2 * gradient * gradient;
    mean[element] = m;
    variance[element] = v;
    return shrunk - step.learning_rate * (m * step.correction1) / (sqrt(v * step.correction2) + step.epsilon);
}
