// A product's tiles are the workgroups.
fn tile_of(workgroup: vec3u, workgroups: vec3u) -> Tile {
    return Tile(ROWS4 * workgroup.y, COLUMNS4 * workgroup.x, ONES && workgroup.y + 1u == workgroups.y);
}
