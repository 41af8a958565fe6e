// The step at this layer's learning rate.
fn step_of_layer() -> Step {
    var step = this_step();
    step.learning_rate *= parameters.rate;
    return step;
}
