// Each gradient stays within ±clip, where there is one. Not by clamp, which may make a number of NaN.
fn clipped(gradient: vec4f) -> vec4f {
    let clip = this_step().clip;
    let from_below = select(gradient, vec4f(-clip), gradient < vec4f(-clip));
    return select(gradient, select(from_below, vec4f(clip), from_below > vec4f(clip)), clip > 0.0);
}
