// v = μ v + g + λ w; w -= rate · v
fn rule(step: Step, decay: f32, weight: vec4f, gradient: vec4f, state: ptr<function, array<vec4f, 2>>) -> vec4f {
    let v = step.beta1 * (*state)[0] + (gradient + decay * weight);
    (*state)[0] = v;
    return weight - step.learning_rate * v;
}
