// All rows weigh the same.
fn row_weight(sample: u32) -> f32 {
    return 1.0;
}
