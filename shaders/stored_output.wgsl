// The derivative is told from the output.
fn stored_of(z: vec4f, output: vec4f) -> vec4f {
    return output;
}
