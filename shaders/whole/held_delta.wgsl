// The delta below layer $LAYER: (delta · Wᵀ) ⊙ f'(a), in tiles of $TILE rows. What f' is told from, an output or the slope that lies where
// the delta is to be, is read first.
fn delta_$LAYER(lane: u32) {
//@for i $ROUNDS
    let tile_$i = lane + $iu * LANES;
    if tile_$i < $TILESu {
        let row = tile_$i / $WIDTHu * $TILEu;
        let column = tile_$i % $WIDTHu;
//@for q $TILE
        var sum_$q = vec4f();
//@end
        for (var k = 0u; k < $DEPTHu; k++) {
            let right = mat4x4f(
                values[$WEIGHTSu + min(4u * column, $LASTu) * $DEPTHu + k],
                values[$WEIGHTSu + min(4u * column + 1u, $LASTu) * $DEPTHu + k],
                values[$WEIGHTSu + min(4u * column + 2u, $LASTu) * $DEPTHu + k],
                values[$WEIGHTSu + min(4u * column + 3u, $LASTu) * $DEPTHu + k],
            );
//@for q $TILE
            sum_$q += values[$DELTAu + (row + $qu) * $DELTA_STRIDEu + k] * right;
//@end
        }
        let valid = inside(column, $INPUTSu);
//@for q $TILE
        let place_$q = (row + $qu) * $STRIDEu + column;
        let stored_$q = values[$STOREDu + place_$q];
        let below_$q = sum_$q * $SLOPE;
        values[$BELOWu + place_$q] = select(vec4f(), below_$q, valid);
//@end
    }
//@end
}
