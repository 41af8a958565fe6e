// The page of a trained model: a form with the columns of its data, the encoding that the training fitted, and what the network says.
const data = JSON.parse(document.getElementById('data').textContent);
const at = (id) => document.getElementById(id);
const tell = (text) => { at('status').textContent = text; };
const state = { busy: Promise.resolve() };

// The days since 1970, in UTC, of a date as a date field or ISO text has it; NaN for other texts.
function days(text) {
    const iso = text.trim().replaceAll('/', '-').replace(' ', 'T');
    const zoned = /(Z|[+-]\d\d:?\d\d)$/i.test(iso) || !iso.includes('T') ? iso : `${iso}Z`;
    // A day that its month does not have is none, although scripts go on to the next month.
    const [day] = iso.split('T');
    const exists = /^\d{4}-\d\d-\d\d$/.test(day) && new Date(`${day}T00:00Z`).toISOString?.().startsWith(day);
    return exists ? Date.parse(zoned) / 86400000 : NaN;
}

// Whether a cell says that its value is missing, as the training's files did.
function isMissing(text) {
    const { words, usual } = data.missing;
    return text === '' || words.includes(usual ? text.toLowerCase() : text);
}

// A number as the training's files had it: decimal comma, grouped digits, units.
function numberOf(text) {
    const { decimal, thousands, units } = data.numerals;
    let plain = text;
    for (const unit of units) {
        if (plain.startsWith(unit)) plain = plain.slice(unit.length);
        else if (plain.endsWith(unit)) plain = plain.slice(0, -unit.length);
    }
    plain = plain.trim();
    if (thousands) plain = plain.replaceAll(thousands, '');
    if (decimal !== '.') plain = plain.replace(decimal, '.');
    return /^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain) ? Number(plain) : NaN;
}

// What a column's cell becomes, as the training fitted it; a cell that has no number is an error.
function encoded(column, cell) {
    const { name, kind } = column;
    const text = cell === undefined || cell === null ? '' : String(cell).trim();
    if (kind === 'category') {
        const category = isMissing(text) ? column.missing : text;
        if (category === null) throw new Error(`${name}: choose one`);
        return column.categories.map((known) => (known === category ? 1 : 0));
    }
    const what = column.calendar ? 'date' : 'number';
    let number = column.calendar ? days(text) : numberOf(text);
    if (isMissing(text)) number = column.missing;
    if (number === null) throw new Error(`${name}: a ${what} is needed`);
    if (!Number.isFinite(number)) throw new Error(`${name}: '${text}' is no ${what}`);
    if (column.calendar && !column.calendar.time_of_day) number = Math.floor(number);
    const scaled = (number - column.offset) / column.scale;
    const values = [column.reach === null ? scaled : scaled / Math.hypot(1, scaled / column.reach)];
    const bins = Math.max(column.edges.length - 1, 0);
    for (let bin = 0; bin < bins; bin++) {
        const share = (number - column.edges[bin]) / (column.edges[bin + 1] - column.edges[bin]);
        values.push(Math.min(Math.max(share, bin === 0 ? -10 : 0), bin + 1 === bins ? 11 : 1));
    }
    if (column.calendar) {
        const circle = (share) => [Math.sin(2 * Math.PI * (share - Math.floor(share))), Math.cos(2 * Math.PI * (share - Math.floor(share)))];
        // The first day of 1970 was a Thursday, the fourth day of the week.
        const weekday = (((Math.floor(number) + 3) % 7) + 7) % 7;
        values.push(...circle(number / column.calendar.year), ...Array.from({ length: 7 }, (_, day) => (day === weekday ? 1 : 0)));
        if (column.calendar.time_of_day) values.push(...circle(number));
    }
    return values;
}

// What the outputs say: the probability of each class and the class that is said, or the numbers in their own units.
function said(outputs) {
    const { target } = data;
    if (target.task === 'regression') {
        return { numbers: target.columns.map(({ name, offset, scale }, index) => ({ name, value: outputs[index] * scale + offset })) };
    }
    const { classes, positive, threshold } = target;
    let probabilities;
    if (outputs.length === 1) {
        const second = Math.min(1, Math.max(0, outputs[0]));
        probabilities = [1 - second, second];
    } else {
        const lowest = Math.min(0, ...outputs);
        const sum = outputs.reduce((sum, output) => sum + (output - lowest), 0);
        const divisor = sum === 0 || Math.abs(sum - 1) < 1e-5 ? 1 : sum;
        probabilities = Array.from(outputs, (output) => (output - lowest) / divisor);
    }
    let best = probabilities.indexOf(Math.max(...probabilities));
    if (threshold !== null) best = probabilities[positive] >= threshold ? positive : 1 - positive;
    return { probabilities, prediction: classes[best] };
}

// The outputs for a row of cells.
async function outputs(cells) {
    const values = data.columns.flatMap((column, index) => encoded(column, cells[index]));
    const { places } = state.player.program;
    state.player.write(places.evaluation_inputs, new Float32Array([...values, ...new Array((4 - (values.length % 4)) % 4).fill(0)]));
    const networks = state.networks.length;
    let mean = null;
    for (const layers of state.networks) {
        if (networks > 1) load(layers);
        state.player.run('evaluation', [{ words: new Uint32Array(data.record), workgroups: data.workgroups }]);
        const [found] = await state.player.read([[places.outputs[places.outputs.length - 1], 1]]);
        mean = mean ? mean.map((sum, output) => sum + found[output]) : Array.from(found);
    }
    return mean.map((sum) => Math.fround(sum / networks));
}

// Puts a network's parameters where the kernels find them.
function load(layers) {
    layers.forEach((layer, index) => state.player.write(data.program.places.parameters[index], layer));
}

// What stands in the form: the pad's pixels, or the fields.
function cells() {
    if (data.pad) return Array.from(state.pixels);
    return Array.from(document.querySelectorAll('[data-column]'), (field) => field.value);
}

function show(found) {
    const rows = found.numbers
        ? found.numbers.map(({ name, value }) => [name, value.toPrecision(6), null])
        : data.target.classes.map((name, index) => [name, found.probabilities[index].toFixed(4), found.probabilities[index]]).sort((one, other) => other[2] - one[2]);
    at('prediction').textContent = found.numbers ? '' : found.prediction;
    const body = at('said');
    body.replaceChildren(...rows.slice(0, 20).map(([name, value, share]) => {
        const row = document.createElement('tr');
        const cell = (tag, text, name) => { const made = document.createElement(tag); made.textContent = text; made.className = name; return row.appendChild(made); };
        cell('th', name, 'long').scope = 'row';
        const bar = cell('td', '', 'bar').appendChild(document.createElement('div'));
        bar.style.width = `${share === null ? 0 : 100 * share}%`;
        bar.style.background = 'var(--c0)';
        cell('td', value, 'number');
        return row;
    }));
}

const predict = () => {
    state.busy = state.busy.then(async () => {
        try {
            show(said(await outputs(cells())));
            tell('');
        } catch (error) {
            // What was said before was said of other cells.
            at('prediction').textContent = '–';
            at('said').replaceChildren();
            tell(error.message);
        }
    });
    return state.busy;
};

// A pad to draw on, whose pixels are the inputs.
function pad() {
    const { side, most } = data.pad;
    const canvas = at('pad');
    const context = canvas.getContext('2d');
    state.pixels = new Float64Array(side * side);
    const draw = () => {
        const image = new ImageData(side, side);
        state.pixels.forEach((value, pixel) => image.data.set([0, 0, 0, (255 * value) / most], 4 * pixel));
        const small = new OffscreenCanvas(side, side);
        small.getContext('2d').putImageData(image, 0, 0);
        context.fillStyle = '#fff';
        context.fillRect(0, 0, canvas.width, canvas.height);
        context.imageSmoothingEnabled = false;
        context.drawImage(small, 0, 0, canvas.width, canvas.height);
    };
    // A pen somewhat wider than a pixel of the images that people write digits into.
    const reach = Math.max(1.1, side / 14);
    const stroke = (event) => {
        if (event.buttons === 0 && event.type !== 'pointerdown') return;
        event.preventDefault();
        const box = canvas.getBoundingClientRect();
        const [x, y] = [((event.clientX - box.left) / box.width) * side, ((event.clientY - box.top) / box.height) * side];
        state.pixels.forEach((value, pixel) => {
            const far = Math.hypot((pixel % side) + 0.5 - x, Math.floor(pixel / side) + 0.5 - y);
            state.pixels[pixel] = Math.max(value, most * Math.min(1, Math.max(0, 1.5 - far / reach)));
        });
        draw();
        predict();
    };
    ['pointerdown', 'pointermove'].forEach((event) => canvas.addEventListener(event, stroke));
    at('clear').onclick = () => { state.pixels.fill(0); draw(); predict(); };
    draw();
}

// Computes the recorded rows again, and compares.
async function selfTest() {
    let largest = 0;
    for (const { cells, outputs: recorded } of data.recorded) {
        const found = await outputs(cells);
        found.forEach((output, index) => { largest = Math.max(largest, Math.abs(output - recorded[index])); });
    }
    const agrees = largest <= data.bound;
    at('test').dataset.agrees = agrees;
    at('test').textContent = `Self-test: this GPU's outputs for the recorded rows are up to ${largest.toExponential(1)} from the command line's; ${data.bound.toExponential(0)} is allowed: they ${agrees ? 'agree' : 'do NOT agree'}.`;
}

async function begin() {
    const device = await openDevice(tell);
    if (typeof device === 'string') {
        tell(`${device} Below are predictions that the command line computed.`);
        document.querySelectorAll('.live').forEach((each) => { each.hidden = true; });
        return;
    }
    state.player = await Player.create(device, data.shaders, data.program);
    state.networks = data.networks.map((layers) => layers.map(bytesOf));
    load(state.networks[0]);
    if (data.pad) pad();
    document.querySelectorAll('[data-column]').forEach((field) => field.addEventListener('input', predict));
    await predict();
    document.body.dataset.ready = 'true';
    state.busy = state.busy.then(selfTest).catch((error) => tell(String(error)));
    await state.busy;
}

// For those who want predictions from a console, as the tests do: cells in the order of the columns.
window.wgrad = { state, predict: async (cells) => said(await outputs(cells)), outputs };
begin();
