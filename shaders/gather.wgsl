// batch[i] = source[order[first + i]], for the rows that lie in this segment of the source; one invocation a vec4.
struct Parameters {
    columns: u32,
    segment_first: u32,    // the source's row that is the segment's first
    segment_rows: u32,
    order_length: u32,     // places from one replica's order to the next
    capacity: u32,         // rows that the batch has room for
    padding0: u32,
    padding1: u32,
    padding2: u32,
}
@group(0) @binding(0) var<storage, read> parameters: Parameters;

@compute @workgroup_size(LANES, ROWS)
fn main(@builtin(global_invocation_id) id: vec3u) {
    begin(id.z);
    let width = stride(parameters.columns);
    if id.y >= rows || id.x >= width {
        return;
    }
    let place = replica * parameters.order_length + first + id.y;
    let segment_row = order[place] - parameters.segment_first;
    if segment_row < parameters.segment_rows {
        batch[(replica * parameters.capacity + id.y) * width + id.x] = source[segment_row * width + id.x];
    }
}
