// A product in f32 by three products of halves. Each factor times the scale of its row of lhs, or of its column of rhs, is the sum of two
// numbers that f16 holds, high + low, and high · high + high · low + low · high is what is summed: all but 2⁻²¹ of a term at most. A
// scale is the power of two that brings the largest magnitude of its row or column to 2¹⁴ and more: so high that f16 holds low as well,
// unless the row's largest number drowns the one that it belongs to. shaders/scales.wgsl finds the scales.

// The positions of the scales of four rows and of a vec4 column. Positions past the last one fall back to the last.
fn place_of_rows(row4: u32) -> u32 {
    return replica * (stride(result_rows()) + stride(result_columns())) + min(row4, stride(result_rows()) - 1u);
}
fn place_of_columns(column: u32) -> u32 {
    let first = replica * (stride(result_rows()) + stride(result_columns())) + stride(result_rows());
    return first + min(column, stride(result_columns()) - 1u);
}

// The two numbers, each with at most 11 bits, whose sum differs from the scaled number by 2⁻²³ of it at most.
struct Halves {
    high: vec4f,
    low: vec4f,
}

// The nearest number of 11 bits, on the bits: drivers take a conversion to f16 and back for no change at all.
fn rounded(numbers: vec4f) -> vec4f {
    return bitcast<vec4f>((bitcast<vec4u>(numbers) + vec4u(0x1000u)) & vec4u(0xffffe000u));
}
fn halves(numbers: vec4f, scale: vec4f) -> Halves {
    let scaled = numbers * scale;
    let high = rounded(scaled);
    return Halves(high, rounded(scaled - high));
}

// Sums of a row and a vec4 column without their scales, which are taken out in two steps of about the same size: one alone can be more
// than f32 holds. A row or column that holds an infinity or NaN has no scale, and its sums are NaN.
fn unscaled(row: u32, column: u32, sum: vec4f) -> vec4f {
    const NONE = 255u;
    let of_row = (bitcast<u32>(scales[place_of_rows(row / 4u)][row % 4u]) >> 23u) & 0xffu;
    let of_columns = (bitcast<vec4u>(scales[place_of_columns(column)]) >> vec4u(23u)) & vec4u(0xffu);
    // The exponent of the inverse of both scales, plus twice the bias of 127.
    let both = vec4u(508u) - vec4u(of_row) - of_columns;
    let first = both / vec4u(2u);
    let result = sum * bitcast<vec4f>(first << vec4u(23u)) * bitcast<vec4f>((both - first) << vec4u(23u));
    let is_none = vec4<bool>(of_row == NONE) | (of_columns == vec4u(NONE));
    return bitcast<vec4f>(select(bitcast<vec4u>(result), vec4u(0x7fc00000u), is_none));
}
