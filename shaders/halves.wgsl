// A mixed product by a loop that multiplies in f32: its factors are rounded to f16 as matrix units take them, on the bits, since drivers
// take a conversion to f16 and back for no change at all. The kernel's own factors are exact_lhs and exact_rhs here.

// The nearest f16, of two the even one; the largest where a number is beyond the range, which sets the flag of this kind.
fn half_of(numbers: vec4f, kind: u32) -> vec4f {
    let bits = bitcast<vec4u>(numbers);
    let odd = (bits >> vec4u(13u)) & vec4u(1u);
    let normal = bitcast<vec4f>((bits + vec4u(0xfffu) + odd) & vec4u(0xffffe000u));
    // Below 2^-14 all f16 are multiples of 2^-24.
    let small = round(numbers * 16777216.0) * 0.000000059604644775390625;
    let halves = select(normal, small, abs(numbers) < vec4f(0.00006103515625));
    if !all(abs(halves) <= vec4f(65504.0)) {
        atomicStore(&overflows[4u * replica + kind], bitcast<u32>(1.0f));
    }
    return clamp(halves, vec4f(-65504.0), vec4f(65504.0));
}

fn halves_of(block: mat4x4f, kind: u32) -> mat4x4f {
    return mat4x4f(half_of(block[0], kind), half_of(block[1], kind), half_of(block[2], kind), half_of(block[3], kind));
}

fn lhs(row: u32, k: u32) -> mat4x4f {
    return halves_of(exact_lhs(row, k), LHS_KIND);
}
fn rhs(k: u32, column: u32) -> mat4x4f {
    return halves_of(exact_rhs(k, column), RHS_KIND);
}
