// v = μ v + g + λ w; w -= rate · v
@group(0) @binding(WRITES + 1u) var<storage, read_write> velocity: array<vec4f>;    // as the parameters

fn updated(element: u32, weight: vec4f, gradient: vec4f, decay: f32) -> vec4f {
    let step = steps[replica];
    let v = step.beta1 * velocity[element] + (gradient + decay * weight);
    velocity[element] = v;
    return weight - step.learning_rate * v;
}
