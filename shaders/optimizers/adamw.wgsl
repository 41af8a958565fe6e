// w -= rate · λ w; m = β₁ m + (1 - β₁) g; v = β₂ v + (1 - β₂) g²; w -= rate · m̂ / (√v̂ + ε)
fn rule(step: Step, decay: f32, weight: vec4f, gradient: vec4f, state: ptr<function, array<vec4f, 2>>) -> vec4f {
    let shrunk = weight - step.learning_rate * decay * weight;
    let m = step.beta1 * (*state)[0] + step.complement1 * gradient;
    let v = step.beta2 * (*state)[1] + step.complement2 * gradient * gradient;
    *state = array(m, v);
    return shrunk - step.learning_rate * (m * step.correction1) / (sqrt(v * step.correction2) + step.epsilon);
}
