// The page of a network that trains: what is chosen, the steps that are taken, and the pictures of them.
const data = JSON.parse(document.getElementById('data').textContent);
const at = (id) => document.getElementById(id);
const tell = (text) => { at('status').textContent = text; };
// A number that fits into a circle.
function short(value) {
    const size = Math.abs(value);
    if (!Number.isFinite(value) || (Number.isInteger(value) && size < 100)) return String(value);
    if (size >= 999.5 || size < 0.0005) return value.toExponential(0);
    return size >= 10 ? value.toFixed(0) : size >= 1 ? value.toFixed(2) : value.toFixed(3).replace('0.', '.');
}
// What is trained is the net and the set that were chosen when training last began anew.
const state = { running: false, steps: 0, curve: [], busy: Promise.resolve(), net: null, set: null };

// What is chosen: one of the nets, a set of rows, where to start, how many rows a batch has, and the rate.
const chosen = (id) => Number(at(id)?.value ?? 0);
const net = () => data.nets.find(({ activation, hidden }) => activation === chosen('activation') && hidden === chosen('hidden'));
const set = () => data.sets[chosen('set')];
const rate = () => data.rates[chosen('rate')];

// The record of a step: the words that stay, and those that change.
function words(step, learningRate) {
    const record = new Uint32Array(data.record);
    const floats = new Float32Array(record.buffer);
    const { fields } = data;
    [record[fields.first], record[fields.rows], record[fields.loss_row]] = step;
    floats[fields.scale] = step[3];
    floats[fields.learning_rate] = learningRate;
    return record;
}

// Rows as a buffer has them: each padded with zeros to whole vec4s.
function packed(rows) {
    const stride = Math.ceil(rows[0].length / 4) * 4;
    const values = new Float32Array(rows.length * stride);
    rows.forEach((row, index) => values.set(row, index * stride));
    return values;
}

// The points of the plane, from its upper left corner on.
function grid({ side, x, y }) {
    const along = ([from, to], place) => from + ((to - from) * (place + 0.5)) / side;
    return Array.from({ length: side ** 2 }, (_, point) => [along(x, point % side), along(y, side - 1 - Math.floor(point / side))]);
}

function start(player, start, rows) {
    const { places } = player.program;
    const [inputs, targets] = [packed(rows.values), packed(rows.wanted)];
    player.clear(places.states);
    start.layers.forEach((layer, index) => player.write(places.parameters[index], bytesOf(layer)));
    player.write(places.inputs, inputs);
    player.write(places.targets, targets);
    player.write(places.evaluation_inputs, inputs);
    player.write(places.evaluation_targets, targets);
    // Behind the rows of the set the points of the plane, whose outputs its picture shows.
    if (data.plane) player.write(places.evaluation_inputs, packed(grid(data.plane)), inputs.byteLength);
}

// Takes steps, the batches one after the other.
function train(player, { workgroups }, batch, count, learningRate, begun = 0) {
    const steps = Array.from({ length: count }, (_, index) => batch[(begun + index) % batch.length]);
    player.run('training', steps.map((step) => ({ words: words(step, learningRate), workgroups: workgroups.training[step[1]] })));
}

async function look(player, { workgroups }, rows) {
    const { places } = player.program;
    const all = rows.rows + (data.plane ? data.plane.side ** 2 : 0);
    player.run('evaluation', [{ words: words([0, all, 0, 1], 0), workgroups: workgroups.evaluation[all] }]);
    const wanted = [...places.outputs.map((id) => [id, all]), ...places.parameters.map((id) => [id, null])];
    const layers = places.outputs.length;
    const found = await player.read([...wanted, [places.evaluation_losses, null]]);
    return { outputs: found.slice(0, layers), parameters: found.slice(layers, 2 * layers), losses: found[2 * layers].subarray(0, rows.rows) };
}

// Pictures.
function drawNet(player, seen, rows) {
    const picture = document.querySelector(`[data-picture="${state.net.picture}"]`);
    document.querySelectorAll('[data-picture]').forEach((each) => { each.hidden = each !== picture; });
    const row = Math.min(chosen('row'), rows.rows - 1);
    const values = [rows.values[row], ...seen.outputs.map((outputs, layer) => {
        const columns = player.program.buffers[player.program.places.outputs[layer]].columns;
        return outputs.subarray(row * columns, (row + 1) * columns);
    })];
    const colour = (value) => `var(${value < 0 ? '--c1' : '--c0'})`;
    const { shown } = state.net;
    picture.querySelectorAll('.l').forEach((layer, index) => {
        const most = values[index].reduce((most, value) => Math.max(most, Math.abs(value)), 1);
        layer.querySelectorAll('.u').forEach((circle, unit) => {
            const value = values[index][shown[index][unit]];
            circle.setAttribute('fill', colour(value));
            circle.setAttribute('fill-opacity', (0.55 * Math.abs(value)) / most);
        });
        layer.querySelectorAll('.v').forEach((text, unit) => { text.textContent = short(values[index][shown[index][unit]]); });
    });
    const most = seen.parameters.map((parameters) => parameters.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-9));
    picture.querySelectorAll('.e').forEach((line) => {
        const [layer, from, to] = line.dataset.e.split(' ').map(Number);
        const weight = seen.parameters[layer][shown[layer][from] * values[layer + 1].length + shown[layer + 1][to]];
        line.setAttribute('stroke', colour(weight));
        line.setAttribute('stroke-width', Math.max(0.4, (5 * Math.abs(weight)) / most[layer]));
    });
}

function drawCurve() {
    const points = state.curve.filter(([, loss]) => loss > 0);
    if (points.length === 0) return;
    const [first, last] = [points[0][0], Math.max(points[points.length - 1][0], points[0][0] + 1)];
    const logs = points.map(([, loss]) => Math.log10(loss));
    const [low, high] = [Math.floor(Math.min(...logs)), Math.ceil(Math.max(...logs, Math.min(...logs) + 0.1))];
    const x = (step) => 52 + (340 * (step - first)) / (last - first);
    const y = (log) => 150 - (140 * (log - low)) / (high - low);
    const path = points.map(([step], index) => `${x(step).toFixed(1)},${y(logs[index]).toFixed(1)}`).join(' ');
    at('line').setAttribute('points', path);
    const ticks = Array.from({ length: high - low + 1 }, (_, index) => low + index).filter((tick) => high - low < 7 || tick % 2 === 0);
    at('ticks').innerHTML = ticks.map((tick) => `<line class="grid" x1="52" x2="392" y1="${y(tick)}" y2="${y(tick)}"/><text x="46" y="${y(tick) + 4}" text-anchor="end">1e${tick}</text>`).join('')
        + `<text x="52" y="172">${first}</text><text x="392" y="172" text-anchor="end">${last} ${last === 1 ? 'step' : 'steps'}</text>`;
}

function drawPlane(seen, rows) {
    const { side } = data.plane;
    const outputs = seen.outputs[seen.outputs.length - 1].subarray(rows.rows);
    const canvas = at('plane');
    const small = new OffscreenCanvas(side, side);
    const image = new ImageData(side, side);
    outputs.forEach((output, point) => {
        const share = Math.min(1, Math.max(0, output));
        const colour = [213 + (0 - 213) * share, 94 + (114 - 94) * share, 0 + 178 * share];
        image.data.set([...colour, 40 + 150 * Math.abs(2 * share - 1)], 4 * point);
    });
    small.getContext('2d').putImageData(image, 0, 0);
    const context = canvas.getContext('2d');
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.drawImage(small, 0, 0, canvas.width, canvas.height);
    const across = ([from, to], value) => (value - from) / (to - from);
    rows.values.forEach(([x, y], index) => {
        const target = rows.wanted[index][0];
        context.beginPath();
        context.arc(across(data.plane.x, x) * canvas.width, (1 - across(data.plane.y, y)) * canvas.height, index === chosen('row') ? 7 : 4, 0, 7);
        context.fillStyle = target > 0.5 ? '#0072b2' : '#d55e00';
        context.fill();
        context.strokeStyle = '#fff';
        context.stroke();
    });
}

function drawTable(seen, rows) {
    const last = seen.outputs[seen.outputs.length - 1];
    const columns = rows.wanted[0].length;
    document.querySelectorAll('#rows [data-output]').forEach((cell) => {
        const place = Number(cell.dataset.output);
        cell.textContent = place < rows.rows * columns ? last[place].toFixed(4) : '';
    });
    if (!data.classes) return;
    const largest = (values) => values.indexOf(Math.max(...values));
    const isRight = (wanted, row) => {
        const outputs = Array.from(last.subarray(row * columns, (row + 1) * columns));
        return columns === 1 ? outputs[0] >= 0.5 === wanted[0] >= 0.5 : largest(outputs) === largest(wanted);
    };
    const right = rows.wanted.filter(isRight).length;
    at('right').textContent = `${right} of ${rows.rows} rows ${columns === 1 ? 'on the right side of ½' : 'have their class as the largest output'}`;
}

async function draw() {
    const { player, net: ofNet, set: rows } = state;
    const seen = await look(player, ofNet, rows);
    const loss = seen.losses.reduce((sum, loss) => sum + loss, 0) / rows.rows;
    if (state.curve.length === 0 || state.curve[state.curve.length - 1][0] < state.steps) state.curve.push([state.steps, loss]);
    if (state.curve.length > 600) state.curve = state.curve.filter((_, index) => index % 2 === 0);
    at('steps').textContent = `${state.steps.toLocaleString('en')} ${state.steps === 1 ? 'step' : 'steps'}`;
    at('loss').textContent = loss.toPrecision(4);
    if (!Number.isFinite(loss)) {
        pause();
        throw new Error('The training has diverged: its loss is no number any more. Take a smaller learning rate, and Reset.');
    }
    drawNet(player, seen, rows);
    drawCurve();
    drawTable(seen, rows);
    if (data.plane) drawPlane(seen, rows);
}

// One thing at a time: what is asked for waits for what is under way.
const then = (work) => {
    state.busy = state.busy.then(work).then(() => tell(''), (error) => tell(error.message));
    return state.busy;
};

const reset = () => then(async () => {
    const ofNet = net();
    [state.net, state.set] = [ofNet, set()];
    state.players ??= new Map();
    if (!state.players.has(ofNet)) state.players.set(ofNet, await Player.create(state.device, data.shaders, ofNet.program, state.pipelines));
    state.player = state.players.get(ofNet);
    start(state.player, ofNet.starts[chosen('start')], state.set);
    [state.steps, state.curve] = [0, []];
    await draw();
});

async function take(count) {
    train(state.player, state.net, state.set.batches[chosen('batch')], count, rate(), state.steps);
    state.steps += count;
    await draw();
}

// Many steps are looked at some twenty times on the way, for the curve.
const steps = (count) => then(async () => {
    const some = Math.ceil(count / 20);
    for (let taken = 0; taken < count; taken += some) await take(Math.min(some, count - taken));
});

function pause() {
    state.running = false;
    at('run').textContent = 'Run';
}

// As many steps a frame as take about 30 ms.
async function run() {
    let count = 1;
    while (state.running) {
        const begun = performance.now();
        const now = count;
        await then(() => take(now));
        const took = performance.now() - begun;
        if (took < 30 && count < 4096) count *= 2; else if (took > 60 && count > 1) count /= 2;
        await new Promise(requestAnimationFrame);
    }
}

// Takes the steps that the command line took, and compares the weights.
const selfTest = () => then(async () => {
    const { test } = data;
    const [ofNet, rows] = [data.nets[test.net], data.sets[test.set]];
    const player = await Player.create(state.device, data.shaders, ofNet.program, state.pipelines);
    start(player, ofNet.starts[test.start], rows);
    train(player, ofNet, rows.batches[test.batch], test.steps, test.rate);
    const found = await player.read(player.program.places.parameters.map((id) => [id, null]));
    const far = found.flatMap((layer, index) => Array.from(layer, (weight, place) => Math.abs(weight - test.weights[index][place])));
    const largest = Math.max(...far);
    const agrees = largest <= test.bound;
    at('test').dataset.agrees = agrees;
    at('test').textContent = `Self-test: after ${test.steps} ${test.steps === 1 ? 'step' : 'steps'} this GPU's weights are up to ${largest.toExponential(1)} from the command line's; ${test.bound.toExponential(1)} is allowed: they ${agrees ? 'agree' : 'do NOT agree'}.`;
    state.tested = { largest, agrees };
});

async function begin() {
    const device = await openDevice(tell);
    if (typeof device === 'string') {
        tell(`${device} Below are the numbers that the command line computed.`);
        document.querySelectorAll('.live').forEach((each) => { each.hidden = true; });
        return;
    }
    Object.assign(state, { device, pipelines: new Map() });
    document.querySelectorAll('select').forEach((select) => select.addEventListener('change', () => (['rate', 'batch'].includes(select.id) ? null : select.id === 'row' ? then(draw) : reset())));
    at('step').onclick = () => steps(1);
    at('hundred').onclick = () => steps(100);
    at('reset').onclick = reset;
    at('run').onclick = () => {
        if (state.running) return pause();
        state.running = true;
        at('run').textContent = 'Pause';
        return run();
    };
    await reset();
    document.body.dataset.ready = 'true';
    if (data.test) await selfTest();
}

// For those who want to take steps from a console, as the tests do.
window.wgrad = { state, steps, reset, weights: () => state.player.read(state.player.program.places.parameters.map((id) => [id, null])) };
begin();
