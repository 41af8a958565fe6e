// softplus: f(z) = ln(1 + e^z), f' = 1 / (1 + e^-z) = 1 - e^-f.

// max(z, 0) + ln(1 + t), t = e^-|z|, which never overflows. ln(1 + t) = 2 artanh(s), s = t / (2 + t) <= 1/3, by its series:
// where t is small it is as exact as t is, which WGSL's log of 1 + t is not.
fn softplus(z: vec4f) -> vec4f {
    let t = exp(-abs(z));
    let s = t / (2.0 + t);
    let square = s * s;
    var p = vec4f(0.06666667);
    p = p * square + 0.07692308;
    p = p * square + 0.09090909;
    p = p * square + 0.11111111;
    p = p * square + 0.14285715;
    p = p * square + 0.2;
    p = p * square + 0.33333334;
    p = p * square + 1.0;
    return select(z, vec4f(), z < vec4f()) + 2.0 * s * p;
}
// 1 - e^-f; near 0, where that cancels, by its series.
fn softplus_derivative(output: vec4f) -> vec4f {
    var p = vec4f(-2.4801587e-5);
    p = p * output + 1.984127e-4;
    p = p * output - 1.3888889e-3;
    p = p * output + 8.333333e-3;
    p = p * output - 0.041666668;
    p = p * output + 0.16666667;
    p = p * output - 0.5;
    p = p * output + 1.0;
    return select(1.0 - exp(-output), output * p, output < vec4f(0.5));
}
