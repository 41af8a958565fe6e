// One step a dispatch: the record of this replica, or the one of all.
fn this_step() -> Step {
    return steps[min(replica, arrayLength(&steps) - 1u)];
}
