// gelu: f(z) = z Φ(z), f' = Φ(z) + z φ(z), stored as such because f does not tell it. Φ(z) = ½ erfc(-z / √2).

// erfc(x) for x >= 0, as e^-x² t P(u), t = 1 / (1 + x/2), u = (1 - x/2) t: a minimax fit over 0 <= x <= 10.
fn erfc_positive(x: vec4f) -> vec4f {
    let bounded = min(x, vec4f(9.3));
    let t = 1.0 / (1.0 + 0.5 * bounded);
    let u = (1.0 - 0.5 * bounded) * t;
    var p = vec4f(2.3992698e-5);
    p = p * u - 2.6553613e-4;
    p = p * u + 3.6300495e-4;
    p = p * u + 1.5222686e-3;
    p = p * u - 3.2176862e-3;
    p = p * u - 1.0751636e-2;
    p = p * u + 1.821798e-2;
    p = p * u + 0.13973576;
    p = p * u + 0.34358045;
    p = p * u + 0.51079136;
    return t * p * exp(-bounded * bounded);
}
fn normal_distribution(z: vec4f) -> vec4f {
    let tail = 0.5 * erfc_positive(abs(z) * 0.70710677);
    return select(tail, 1.0 - tail, z > vec4f());
}
fn gelu(z: vec4f) -> vec4f {
    return z * normal_distribution(z);
}
fn gelu_slope(z: vec4f) -> vec4f {
    return normal_distribution(z) + z * (0.3989423 * exp(-0.5 * z * z));
}
