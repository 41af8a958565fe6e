// f'(z) is stored beside the output, for an activation whose derivative the output does not tell.
@group(0) @binding(WRITES + 1u) var<storage, read_write> slopes: array<vec4f>;    // rows × outputs

fn keep_slope(element: u32, z: vec4f, valid: vec4<bool>) {
    slopes[element] = select(vec4f(), slope(z), valid);
}
