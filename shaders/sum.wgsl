// The gradients of a batch's micro-batches added up, in place of an optimizer: g = Σ gradient
fn rule(step: Step, decay: f32, sum: vec4f, gradient: vec4f, state: ptr<function, array<vec4f, 2>>) -> vec4f {
    return select(gradient, sum + gradient, step.micro > 0u);
}
