// An optimizer without states.
fn updated(element: u32, weight: vec4f, gradient: vec4f, decay: f32) -> vec4f {
    var state: array<vec4f, 2>;
    return rule(step_of_layer(), decay, weight, gradient, &state);
}
