// Layer $LAYER: output = f(input · W + b), in tiles of $TILE rows.
fn forward_$LAYER(lane: u32) {
//@for i $ROUNDS
    let tile_$i = lane + $iu * LANES;
    if tile_$i < $TILESu {
        let row = tile_$i / $WIDTHu * $TILEu;
        let column = tile_$i % $WIDTHu;
        var bias: vec4f;
        if BIAS {
            bias = values[$BIASESu + column];
        }
//@for q $TILE
        var sum_$q = bias;
//@end
        for (var k = 0u; k < $DEPTHu; k++) {
            let right = mat4x4f(
                values[$WEIGHTSu + min(4u * k, $LASTu) * $WIDTHu + column],
                values[$WEIGHTSu + min(4u * k + 1u, $LASTu) * $WIDTHu + column],
                values[$WEIGHTSu + min(4u * k + 2u, $LASTu) * $WIDTHu + column],
                values[$WEIGHTSu + min(4u * k + 3u, $LASTu) * $WIDTHu + column],
            );
//@for q $TILE
            sum_$q += right * values[$INPUTu + (row + $qu) * $INPUT_STRIDEu + k];
//@end
        }
        let valid = inside(column, $OUTPUTSu);
//@for s $STORES
//@for q $TILE
        values[$OUTPUTu + (row + $qu) * $OUTPUT_STRIDEu + column] = select(vec4f(), $FUNCTION(sum_$q), valid);
//@end
//@end
//@for s $SLOPES
//@for q $TILE
        values[$DELTAu + (row + $qu) * $OUTPUT_STRIDEu + column] = select(vec4f(), $FUNCTION_slope(sum_$q), valid);
//@end
//@end
//@for s $FINISHES
//@for q $TILE
        finish(row + $qu, column, sum_$q, desired_$i_$q);
//@end
//@end
    }
//@end
}
