// Many training steps of a very small network, one invocation a replica: parameters, gradients and states stay with it, sample
// after sample goes forward and back, and no barrier is needed. The sizes are constants; FUNCTION_layers() calls a function below
// for each layer.
var<private> weights: array<vec4f, WEIGHTS>;        // (inputs + bias) × outputs, layer by layer
var<private> gradients: array<vec4f, WEIGHTS>;
var<private> first_states: array<vec4f, STATE_WEIGHTS>;
var<private> second_states: array<vec4f, STATE_WEIGHTS>;
var<private> values: array<vec4f, VALUES>;          // one sample: the inputs, then each layer's outputs
var<private> stored: array<vec4f, VALUES>;          // what f' is told from
var<private> deltas: array<vec4f, VALUES>;

fn result_at(column: u32) -> vec4f {
    return values[VALUE[LAYERS] + column];
}
fn output_width() -> u32 {
    return WIDTH[LAYERS];
}

// vec4s of a layer's parameters.
fn length(l: u32) -> u32 {
    return (WIDTH[l] + select(0u, 1u, BIAS)) * WIDTH4[l + 1u];
}

// output = f(input · W + b)
fn forward(l: u32) {
    for (var column = 0u; column < WIDTH4[l + 1u]; column++) {
        var z = vec4f();
        if BIAS {
            z = weights[WEIGHT[l] + WIDTH[l] * WIDTH4[l + 1u] + column];
        }
        for (var k = 0u; k < WIDTH[l]; k++) {
            z += values[VALUE[l] + k / 4u][k % 4u] * weights[WEIGHT[l] + k * WIDTH4[l + 1u] + column];
        }
        let valid = inside(column, WIDTH[l + 1u]);
        let element = VALUE[l + 1u] + column;
        values[element] = select(vec4f(), layer_activate(l, z), valid);
        stored[element] = values[element];
        if SLOPES && stores_slope(l) {
            stored[element] = select(vec4f(), layer_slope(l, z), valid);
        }
    }
}

// The loss of the sample, and delta = dLoss/da ⊙ f'(a).
fn output(source: u32, row: u32) {
    let start = VALUE[LAYERS];
    let prepared = prepare(WIDTH4[LAYERS]);
    var loss = 0.0;
    for (var column = 0u; column < WIDTH4[LAYERS]; column++) {
        let desired = targets[source * WIDTH4[LAYERS] + column];
        let valid = inside(column, WIDTH[LAYERS]);
        loss += dot(select(vec4f(), loss_of(values[start + column], desired, prepared), valid), vec4f(1.0));
        let error = error_of(values[start + column], stored[start + column], desired, prepared);
        deltas[start + column] = select(vec4f(), error * current.scale, valid);
    }
    losses[replica * parameters.losses + current.loss_row + row] = loss;
}

// delta[l-1] = (delta[l] · Wᵀ) ⊙ f'(a[l-1])
fn delta(l: u32) {
    for (var k = 0u; k < WIDTH[l]; k++) {
        var sum = 0.0;
        for (var column = 0u; column < WIDTH4[l + 1u]; column++) {
            sum += dot(deltas[VALUE[l + 1u] + column], weights[WEIGHT[l] + k * WIDTH4[l + 1u] + column]);
        }
        deltas[VALUE[l] + k / 4u][k % 4u] = sum;
    }
    for (var column = 0u; column < WIDTH4[l]; column++) {
        let element = VALUE[l] + column;
        deltas[element] = select(vec4f(), deltas[element] * layer_derivative(l - 1u, stored[element]), inside(column, WIDTH[l]));
    }
}

// gradient += inputᵀ · delta, the biases being the weights of one more input that is always 1
fn add_gradient(l: u32) {
    for (var column = 0u; column < WIDTH4[l + 1u]; column++) {
        let delta = deltas[VALUE[l + 1u] + column];
        for (var k = 0u; k < WIDTH[l]; k++) {
            gradients[WEIGHT[l] + k * WIDTH4[l + 1u] + column] += values[VALUE[l] + k / 4u][k % 4u] * delta;
        }
        if BIAS {
            gradients[WEIGHT[l] + WIDTH[l] * WIDTH4[l + 1u] + column] += delta;
        }
    }
}

// W -= step(gradient), b -= step(gradient)
fn update(l: u32) {
    for (var element = 0u; element < length(l); element++) {
        let place = WEIGHT[l] + element;
        var state: array<vec4f, 2>;
        if STATES > 0u {
            state[0] = first_states[place];
        }
        if STATES > 1u {
            state[1] = second_states[place];
        }
        let decay = select(current.weight_decay, 0.0, element >= WIDTH[l] * WIDTH4[l + 1u]);
        weights[place] = rule(current, decay, weights[place], gradients[place], &state);
        if STATES > 0u {
            first_states[place] = state[0];
        }
        if STATES > 1u {
            second_states[place] = state[1];
        }
        gradients[place] = vec4f();
    }
}

fn load(l: u32) {
    let layer = parameters.layers[l];
    for (var element = 0u; element < length(l); element++) {
        let place = replica * layer.length + element;
        weights[WEIGHT[l] + element] = trained[layer.parameters + place];
        if STATES > 0u {
            first_states[WEIGHT[l] + element] = trained[layer.first_state + place];
        }
        if STATES > 1u {
            second_states[WEIGHT[l] + element] = trained[layer.second_state + place];
        }
    }
}

fn keep(l: u32) {
    let layer = parameters.layers[l];
    for (var element = 0u; element < length(l); element++) {
        let place = replica * layer.length + element;
        trained[layer.parameters + place] = weights[WEIGHT[l] + element];
        if STATES > 0u {
            trained[layer.first_state + place] = first_states[WEIGHT[l] + element];
        }
        if STATES > 1u {
            trained[layer.second_state + place] = second_states[WEIGHT[l] + element];
        }
    }
}

@compute @workgroup_size(LANES)
fn main(@builtin(global_invocation_id) id: vec3u) {
    replica = id.x;
    if replica >= parameters.replicas {
        return;
    }
    load_layers();
    let records = parameters.records;
    let record = select(0u, replica, records > 1u);
    let count = steps[record].remaining;
    for (var s = 0u; s < count; s++) {
        current = steps[s * records + record];
        for (var row = 0u; row < current.rows; row++) {
            let source = source_row(row);
            for (var column = 0u; column < WIDTH4[0]; column++) {
                values[column] = inputs[source * WIDTH4[0] + column];
            }
            forward_layers();
            output(source, row);
            delta_layers();
            add_gradient_layers();
        }
        update_layers();
    }
    keep_layers();
}
