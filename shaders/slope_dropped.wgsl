// Nothing is stored beside the output: the derivative follows from it.
fn keep_slope(element: u32, z: vec4f, valid: vec4<bool>) {
}
