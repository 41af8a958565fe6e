// Rows of matrices: each is padded with zeros to whole vec4s.

// vec4s in a row of so many elements.
fn stride(columns: u32) -> u32 {
    return (columns + 3u) / 4u;
}

// Which elements of the vec4 at column4 lie inside a row of so many elements.
fn inside(column4: u32, columns: u32) -> vec4<bool> {
    return vec4u(4u * column4) + vec4u(0u, 1u, 2u, 3u) < vec4u(columns);
}
