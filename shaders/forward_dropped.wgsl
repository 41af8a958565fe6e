// output = m ⊙ f(input · W + b), slope = m ⊙ f'(z): m is 0 for a unit that is dropped and 1 / (1 - share) for one that is kept.

// Four random words of four words: pcg4d of Jarzynski and Olano, "Hash Functions for GPU Rendering", 2020.
fn scrambled(words: vec4u) -> vec4u {
    var v = words * 1664525u + 1013904223u;
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    v ^= v >> vec4u(16u);
    v.x += v.y * v.w;
    v.y += v.z * v.x;
    v.z += v.x * v.y;
    v.w += v.y * v.z;
    return v;
}

// Which of four units are kept, of a row that is counted from the beginning of the batch, whatever micro-batch it is in.
fn is_kept(row: u32, column: u32) -> vec4<bool> {
    let step = this_step();
    let row_of_batch = step.micro * parameters.capacity + row;
    let threshold = select(parameters.dropped, step.dropped, parameters.dropped == 0u);
    return scrambled(vec4u(row_of_batch, column, step.key0, step.key1 + parameters.layer)) >= vec4u(threshold);
}

// What units that are kept are multiplied by.
fn factor() -> f32 {
    return select(parameters.kept, this_step().kept, parameters.dropped == 0u);
}

fn store(row: u32, column: u32, sum: vec4f) {
    let z = with_bias(column, sum);
    let activated = activate(z);
    let element = batch_start(parameters.outputs) + row * stride(parameters.outputs) + column;
    let kept = inside(column, parameters.outputs) & is_kept(row, column);
    output[element] = select(vec4f(), activated * factor(), kept);
    slopes[element] = select(vec4f(), derivative(stored_of(z, activated)) * factor(), kept);
}
