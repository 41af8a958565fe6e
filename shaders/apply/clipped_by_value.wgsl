// Each gradient stays within ±clip, where there is one.
fn clipped(gradient: vec4f) -> vec4f {
    let clip = this_step().clip;
    return select(gradient, clamp(gradient, vec4f(-clip), vec4f(clip)), clip > 0.0);
}
