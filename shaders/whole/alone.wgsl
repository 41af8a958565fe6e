// One lane a network.
fn place(id: u32) {
    lane = 0u;
    is_present = id < parameters.replicas;
    replica = min(id, parameters.replicas - 1u);
}
