// The weights are not averaged.
fn keep(element: u32, weight: vec4f) {
}
