// Each row has a weight of its own.
@group(0) @binding(5) var<storage, read> row_weights: array<vec4f>;          // rows × 1

fn row_weight(sample: u32) -> f32 {
    return row_weights[source_row(sample)].x;
}
