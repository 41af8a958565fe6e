// f'(z) is stored beside the output, for an activation whose derivative the output does not tell.

fn keep_slope(element: u32, z: vec4f, valid: vec4<bool>) {
    slopes[element] = select(vec4f(), slope(z), valid);
}
