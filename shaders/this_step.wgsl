// One step a dispatch: the record of a replica, or the one of all.
fn step_of(number: u32) -> Step {
    return steps[min(number, arrayLength(&steps) - 1u)];
}
fn this_step() -> Step {
    return step_of(replica);
}
