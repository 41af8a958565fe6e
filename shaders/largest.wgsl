// The bits of the largest magnitudes of a block, column by column: those of an infinity are larger than of numbers, and those of NaN
// larger than all others.
fn largest_of(block: mat4x4f) -> vec4u {
    const MAGNITUDE = vec4u(0x7fffffffu);
    let first = max(bitcast<vec4u>(block[0]) & MAGNITUDE, bitcast<vec4u>(block[1]) & MAGNITUDE);
    let second = max(bitcast<vec4u>(block[2]) & MAGNITUDE, bitcast<vec4u>(block[3]) & MAGNITUDE);
    return max(first, second);
}
