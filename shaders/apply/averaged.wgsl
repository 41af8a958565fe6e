// The exponential moving average of the weights: average = β average + (1 - β) weight

fn keep(element: u32, weight: vec4f) {
    let beta = this_step().average;
    average[element] = beta * average[element] + (1.0 - beta) * weight;
}
