// Each row has a weight of its own.

fn row_weight(sample: u32) -> f32 {
    return row_weights[source_row(sample)].x;
}
