// g += λ w; v = β v + (1 - β) g²; w -= rate · g / (√v + ε)
fn rule(step: Step, decay: f32, weight: vec4f, gradient: vec4f, state: ptr<function, array<vec4f, 2>>) -> vec4f {
    let g = gradient + decay * weight;
    let v = step.beta2 * (*state)[0] + step.complement2 * g * g;
    (*state)[0] = v;
    return weight - step.learning_rate * g / (sqrt(v) + step.epsilon);
}
