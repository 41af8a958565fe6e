// -Σ y ln a with a = softmax(z), from z: y (ln Σ e^(z - largest) - (z - largest)); joint delta a - y
struct Row {
    largest: f32,
    sum: f32,    // Σ e^(z - largest)
}

fn prepare(width: u32) -> Row {
    var largest = result_at(0u).x;
    for (var column = 0u; column < width; column++) {
        let z = select(vec4f(largest), result_at(column), inside(column, output_width()));
        largest = max(max(largest, max(z.x, z.y)), max(z.z, z.w));
    }
    var sum = 0.0;
    for (var column = 0u; column < width; column++) {
        sum += dot(select(vec4f(), exp(result_at(column) - largest), inside(column, output_width())), vec4f(1.0));
    }
    return Row(largest, sum);
}
fn output_of(z: vec4f, row: Row) -> vec4f {
    return exp(z - row.largest) / row.sum;
}
fn loss_of(z: vec4f, desired: vec4f, row: Row) -> vec4f {
    return desired * (log(row.sum) - (z - row.largest));
}
fn error_of(z: vec4f, stored: vec4f, desired: vec4f, row: Row) -> vec4f {
    return exp(z - row.largest) / row.sum - desired;
}
