// One step a dispatch: the record of a replica, or the one of all.
fn step_of(number: u32) -> Step {
    return steps[min(number, arrayLength(&steps) - 1u)];
}
fn this_step() -> Step {
    return step_of(replica);
}

// Every entry point begins with this.
fn begin(number: u32) {
    replica = number;
    rows = this_step().rows;
    first = this_step().first;
}
