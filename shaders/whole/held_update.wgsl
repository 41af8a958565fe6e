// Layer $LAYER: W -= step(inputᵀ · delta), b -= step(column sums of delta). A tile is $TILE inputs × 4 outputs, those of the biases are the
// last ones; its gradient, and the optimizer's states if there is room, wait in the registers of the lane that sums it.
//@for i $ROUNDS
//@for q $TILE
var<private> gradient_$LAYER_$i_$q: vec4f;
//@for s $STATES_KEPT
var<private> state_$LAYER_$i_$q_$s: vec4f;
//@end
//@end
//@end

fn gradient_$LAYER(lane: u32) {
//@for i $ROUNDS
    let tile_$i = $LANE + $iu * LANES;
    if tile_$i < $TILESu {
        let block = tile_$i / $WIDTHu;
        let column = tile_$i % $WIDTHu;
        // The input's vec4, or for tiles of one input that input.
        let source = min(block, $BLOCKSu - 1u);
//@for q $TILE
        var sum_$q = vec4f();
//@end
        if block == $BLOCKSu {
            for (var row = 0u; row < BATCH; row++) {
                sum_0 += values[$DELTAu + row * $DELTA_STRIDEu + column];
            }
        } else {
            for (var row = 0u; row < BATCH; row++) {
                let right = values[$DELTAu + row * $DELTA_STRIDEu + column];
                let left = values[$INPUTu + row * $INPUT_STRIDEu + $LEFT;
//@for q $TILE
                sum_$q += $PART * right;
//@end
            }
        }
//@for q $TILE
        gradient_$LAYER_$i_$q = sum_$q;
//@end
    }
//@end
}

fn apply_$LAYER(lane: u32) {
//@for i $ROUNDS
    let tile_$i = $LANE + $iu * LANES;
    if tile_$i < $TILESu {
        let block = tile_$i / $WIDTHu;
        let is_bias = block == $BLOCKSu;
        let column = tile_$i % $WIDTHu;
        let decay = select(current.weight_decay, 0.0, is_bias);
//@for q $TILE
        let input_$q = select(block * $TILEu + $qu, $INPUTSu, is_bias);
        if input_$q < $INPUTSu || (is_bias && $qu == 0u) {
            let element = input_$q * $WIDTHu + column;
            let place = $WEIGHTSu + element;
            var state: array<vec4f, 2>;
//@for s $STATES
            state[$s] = $STATE;
//@end
            values[place] = rule(current, decay, values[place], gradient_$LAYER_$i_$q, &state);
//@for s $STATES
            $STATE = state[$s];
//@end
        }
//@end
    }
//@end
}

fn load_$LAYER(lane: u32) {
    for (var element = lane; element < $LENGTHu; element += LANES) {
        values[$WEIGHTSu + element] = trained[parameters.layers[$LAYER].parameters + replica * $LENGTHu + element];
    }
//@for t $STATES_ARE_KEPT
//@for i $ROUNDS
//@for q $TILE
    {
        let tile = $LANE + $iu * LANES;
        let block = tile / $WIDTHu;
        let input = select(block * $TILEu + $qu, $INPUTSu, block == $BLOCKSu);
        if tile < $TILESu && (input < $INPUTSu || (block == $BLOCKSu && $qu == 0u)) {
            let element = input * $WIDTHu + tile % $WIDTHu;
//@for s $STATES_KEPT
            state_$LAYER_$i_$q_$s = trained[state_start($LAYERu, $su) + replica * $LENGTHu + element];
//@end
        }
    }
//@end
//@end
//@end
}

fn keep_$LAYER(lane: u32) {
    for (var element = lane; element < $LENGTHu; element += LANES) {
        trained[parameters.layers[$LAYER].parameters + replica * $LENGTHu + element] = values[$WEIGHTSu + element];
    }
//@for t $STATES_ARE_KEPT
//@for i $ROUNDS
//@for q $TILE
    {
        let tile = $LANE + $iu * LANES;
        let block = tile / $WIDTHu;
        let input = select(block * $TILEu + $qu, $INPUTSu, block == $BLOCKSu);
        if tile < $TILESu && (input < $INPUTSu || (block == $BLOCKSu && $qu == 0u)) {
            let element = input * $WIDTHu + tile % $WIDTHu;
//@for s $STATES_KEPT
            trained[state_start($LAYERu, $su) + replica * $LENGTHu + element] = state_$LAYER_$i_$q_$s;
//@end
        }
    }
//@end
//@end
//@end
}
