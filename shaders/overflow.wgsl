// Which factors of a mixed product lay beyond the range of f16. A flag a replica and kind of factor becomes 1.0, as an f32, and stays
// so until the host clears it: LHS_KIND and RHS_KIND say which flag is a factor's.
@group(0) @binding(OVERFLOWS) var<storage, read_write> overflows: array<atomic<u32>>;    // replicas × 4
