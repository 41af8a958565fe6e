// w -= rate · (g + λ w)
fn rule(step: Step, decay: f32, weight: vec4f, gradient: vec4f, state: ptr<function, array<vec4f, 2>>) -> vec4f {
    return weight - step.learning_rate * (gradient + decay * weight);
}
