// An optimizer with one state, shaped as the parameters.

fn updated(element: u32, weight: vec4f, gradient: vec4f, decay: f32) -> vec4f {
    var state = array(first_state[element], vec4f());
    let result = rule(step_of_layer(), decay, weight, gradient, &state);
    first_state[element] = state[0];
    return result;
}
