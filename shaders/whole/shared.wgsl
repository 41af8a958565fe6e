// SHARED lanes of a subgroup a network. Subgroups have equally many lanes, or all lanes are one's.
fn place(group: u32, subgroup: u32, subgroups: u32, lane_of_subgroup: u32) {
    lane = lane_of_subgroup % SHARED;
    let network = subgroup * (LANES / subgroups / SHARED) + lane_of_subgroup / SHARED;
    let id = group * (LANES / SHARED) + network;
    is_present = id < parameters.replicas;
    replica = min(id, parameters.replicas - 1u);
}
