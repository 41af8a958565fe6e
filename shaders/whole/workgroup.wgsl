// Many training steps of a small network, one workgroup a replica, with a barrier after each layer. A product is cut into tiles of
// ROWS rows × COLUMNS vec4s, and each invocation takes every LANESth of them.

// A replica's activations, slopes and deltas, in workgroup memory; behind them its parameters, where there is room for them (HOLDS).
var<workgroup> values: array<vec4f, VALUES>;

fn value(element: u32) -> vec4f {
    return values[element];
}
fn set_value(element: u32, given: vec4f) {
    values[element] = given;
}

fn barrier() {
    workgroupBarrier();
    storageBarrier();
}

// First vec4 of a layer's parameters, and one of them.
fn weights_start(layer: Layer) -> u32 {
    return select(layer.parameters + replica * layer.length, layer.held, HOLDS);
}
fn weight(place: u32) -> vec4f {
    if HOLDS {
        return values[place];
    }
    return trained[place];
}
fn set_weight(place: u32, given: vec4f) {
    if HOLDS {
        values[place] = given;
    } else {
        trained[place] = given;
    }
}

// What the steps begin and end with: the parameters are brought, and taken back.
fn begin(lane: u32) {
    if HOLDS {
        for (var l = 0u; l < LAYERS; l++) {
            let layer = parameters.layers[l];
            for (var element = lane; element < layer.length; element += LANES) {
                values[layer.held + element] = trained[layer.parameters + replica * layer.length + element];
            }
        }
        barrier();
    }
}
fn end(lane: u32) {
    if HOLDS {
        for (var l = 0u; l < LAYERS; l++) {
            let layer = parameters.layers[l];
            for (var element = lane; element < layer.length; element += LANES) {
                trained[layer.parameters + replica * layer.length + element] = values[layer.held + element];
            }
        }
    }
}

// Rows and columns, in vec4s, from which a tile begins.
struct Tile {
    row: u32,
    column: u32,
}

// How many tiles a product of rows × columns4 has, and where each is.
fn tiles(rows: u32, columns4: u32) -> u32 {
    return ((rows + ROWS - 1u) / ROWS) * ((columns4 + COLUMNS - 1u) / COLUMNS);
}
fn tile_at(index: u32, columns4: u32) -> Tile {
    let across = (columns4 + COLUMNS - 1u) / COLUMNS;
    return Tile(index / across * ROWS, index % across * COLUMNS);
}

// The rows of the batch, copied together.
fn gather(lane: u32) {
    let width = stride(parameters.layers[0].inputs);
    for (var element = lane; element < current.rows * width; element += LANES) {
        set_value(element, inputs[source_row(element / width) * width + element % width]);
    }
}

// output = f(input · W + b)
fn forward(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = weights_start(layer);
    let depth = stride(layer.inputs);
    let width = stride(layer.outputs);
    let last = layer.inputs - 1u;
    for (var index = lane; index < tiles(current.rows, width); index += LANES) {
        let tile = tile_at(index, width);
        var sums: array<array<vec4f, COLUMNS>, ROWS>;
        for (var k = 0u; k < depth; k++) {
            var right: array<mat4x4f, COLUMNS>;
            for (var c = 0u; c < COLUMNS; c++) {
                let column = weights + min(tile.column + c, width - 1u);
                right[c] = mat4x4f(
                    weight(column + min(4u * k, last) * width),
                    weight(column + min(4u * k + 1u, last) * width),
                    weight(column + min(4u * k + 2u, last) * width),
                    weight(column + min(4u * k + 3u, last) * width),
                );
            }
            for (var r = 0u; r < ROWS; r++) {
                let left = value(layer.input + min(tile.row + r, current.rows - 1u) * depth + k);
                for (var c = 0u; c < COLUMNS; c++) {
                    sums[r][c] += right[c] * left;
                }
            }
        }
        for (var c = 0u; c < COLUMNS; c++) {
            let column = tile.column + c;
            var bias = vec4f();
            if BIAS {
                bias = weight(weights + layer.inputs * width + min(column, width - 1u));
            }
            for (var r = 0u; r < ROWS; r++) {
                if tile.row + r < current.rows && column < width {
                    let element = layer.output + (tile.row + r) * width + column;
                    let z = sums[r][c] + bias;
                    let valid = inside(column, layer.outputs);
                    set_value(element, select(vec4f(), layer_activate(l, z), valid));
                    if SLOPES {
                        set_value(element + parameters.slopes, select(vec4f(), layer_slope(l, z), valid));
                    }
                }
            }
        }
    }
}

// delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1])
fn delta(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = weights_start(layer);
    let depth = stride(layer.outputs);
    let width = stride(layer.inputs);
    let last = layer.inputs - 1u;
    for (var index = lane; index < tiles(current.rows, width); index += LANES) {
        let tile = tile_at(index, width);
        var sums: array<array<vec4f, COLUMNS>, ROWS>;
        for (var k = 0u; k < depth; k++) {
            var right: array<mat4x4f, COLUMNS>;
            for (var c = 0u; c < COLUMNS; c++) {
                let row = 4u * (tile.column + c);
                right[c] = mat4x4f(
                    weight(weights + min(row, last) * depth + k),
                    weight(weights + min(row + 1u, last) * depth + k),
                    weight(weights + min(row + 2u, last) * depth + k),
                    weight(weights + min(row + 3u, last) * depth + k),
                );
            }
            for (var r = 0u; r < ROWS; r++) {
                let left = value(delta_start(l) + min(tile.row + r, current.rows - 1u) * depth + k);
                for (var c = 0u; c < COLUMNS; c++) {
                    sums[r][c] += left * right[c];
                }
            }
        }
        for (var c = 0u; c < COLUMNS; c++) {
            let column = tile.column + c;
            for (var r = 0u; r < ROWS; r++) {
                if tile.row + r < current.rows && column < width {
                    let element = (tile.row + r) * width + column;
                    let below = sums[r][c] * layer_derivative(l - 1u, stored_at(l - 1u, layer.input + element));
                    set_value(delta_start(l - 1u) + element, select(vec4f(), below, inside(column, layer.inputs)));
                }
            }
        }
    }
}

// W -= step(inputᵀ · delta), b -= step(column sums of delta)
fn update(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let weights = weights_start(layer);
    let depth = stride(layer.inputs);
    let width = stride(layer.outputs);
    for (var index = lane; index < tiles(layer.inputs, width); index += LANES) {
        let tile = tile_at(index, width);
        var sums: array<array<vec4f, COLUMNS>, ROWS>;
        for (var row = 0u; row < current.rows; row++) {
            var right: array<vec4f, COLUMNS>;
            for (var c = 0u; c < COLUMNS; c++) {
                right[c] = value(delta_start(l) + row * width + min(tile.column + c, width - 1u));
            }
            for (var part = 0u; part < ROWS / 4u; part++) {
                let left = value(layer.input + row * depth + min(tile.row / 4u + part, depth - 1u));
                for (var r = 0u; r < 4u; r++) {
                    for (var c = 0u; c < COLUMNS; c++) {
                        sums[4u * part + r][c] += left[r] * right[c];
                    }
                }
            }
        }
        for (var r = 0u; r < ROWS; r++) {
            for (var c = 0u; c < COLUMNS; c++) {
                let row = tile.row + r;
                if row < layer.inputs && tile.column + c < width {
                    let element = row * width + tile.column + c;
                    set_weight(weights + element, updated(layer, element, weight(weights + element), sums[r][c]));
                }
            }
        }
    }
    if BIAS {
        update_bias(l, lane);
    }
}

fn update_bias(l: u32, lane: u32) {
    let layer = parameters.layers[l];
    let width = stride(layer.outputs);
    for (var column = lane; column < width; column += LANES) {
        var sum = vec4f();
        for (var row = 0u; row < current.rows; row++) {
            sum += value(delta_start(l) + row * width + column);
        }
        let element = layer.inputs * width + column;
        let place = weights_start(layer) + element;
        set_weight(place, updated(layer, element, weight(place), sum));
    }
}
