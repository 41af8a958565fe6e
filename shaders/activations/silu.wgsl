// silu: f(z) = z s, s = 1 / (1 + e^-z), f' = s (1 + z (1 - s)), stored as such because f does not tell it. e^-|z| never
// overflows, and keeps the smaller one of s and 1 - s accurate.
fn silu(z: vec4f) -> vec4f {
    let t = exp(-abs(z));
    let larger = 1.0 / (1.0 + t);
    return z * select(larger, t * larger, z < vec4f());
}
fn silu_slope(z: vec4f) -> vec4f {
    let t = exp(-abs(z));
    let larger = 1.0 / (1.0 + t);
    let smaller = t * larger;
    let is_negative = z < vec4f();
    return select(larger, smaller, is_negative) * (1.0 + z * select(smaller, larger, is_negative));
}
