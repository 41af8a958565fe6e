// w -= rate · (g + λ w)
fn updated(element: u32, weight: vec4f, gradient: vec4f, decay: f32) -> vec4f {
    return weight - steps[replica].learning_rate * (gradient + decay * weight);
}
