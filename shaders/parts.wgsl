// Sums in parts: each is left in a buffer of its own, and shaders/reduction.wgsl adds them up.
fn parts() -> u32 {
    return parameters.parts;
}

// The fours of terms that a part sums, of so many.
fn part_of(terms4: u32, part: u32) -> vec2u {
    let most = (terms4 + parts() - 1u) / parts();
    return min(vec2u(part, part + 1u) * most, vec2u(terms4));
}

// The place of the first partial sum of a part.
fn part_start(part: u32) -> u32 {
    return (replica * parts() + part) * result_rows() * stride(result_columns());
}

fn finish(part: u32, row: u32, column: u32, sum: vec4f) {
    partial_sums[part_start(part) + row * stride(result_columns()) + column] = sum;
}
