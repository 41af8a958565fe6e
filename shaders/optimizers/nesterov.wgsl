// g += λ w; v = μ v + g; w -= rate · (g + μ v)
fn rule(step: Step, decay: f32, weight: vec4f, gradient: vec4f, state: ptr<function, array<vec4f, 2>>) -> vec4f {
    let g = gradient + decay * weight;
    let v = step.beta1 * (*state)[0] + g;
    (*state)[0] = v;
    return weight - step.learning_rate * (g + step.beta1 * v);
}
