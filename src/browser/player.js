// Runs a plan by WebGPU: buffers, bind groups and dispatches, in the order that the plan lists them. All mathematics is in the shaders.
class Player {
    // Bytes from one step's record to the next's, and steps that are submitted at once, at most.
    static STRIDE = 256;
    static STEPS = 256;

    // The pipelines of a page's shaders, each compiled once.
    static async create(device, shaders, program, pipelines = new Map()) {
        const compiled = (dispatch) => {
            if (!pipelines.has(dispatch.shader)) {
                const storage = (read) => ({ type: read ? 'read-only-storage' : 'storage' });
                const bindings = [storage(true), { ...storage(true), hasDynamicOffset: true }];
                bindings.push(...dispatch.bindings.map(([, writes]) => storage(!writes)));
                const entries = bindings.map((buffer, binding) => ({ binding, visibility: 4 /* compute */, buffer }));
                const group = device.createBindGroupLayout({ entries });
                const layout = device.createPipelineLayout({ bindGroupLayouts: [group] });
                const module = device.createShaderModule({ code: shaders[dispatch.shader] });
                const pipeline = device.createComputePipelineAsync({ layout, compute: { module, entryPoint: 'main' } });
                pipelines.set(dispatch.shader, pipeline.then((pipeline) => ({ pipeline, group })));
            }
            return pipelines.get(dispatch.shader);
        };
        const of = (dispatches) => Promise.all(dispatches.map(compiled));
        const [training, evaluation] = await Promise.all([of(program.training), of(program.evaluation)]);
        return new Player(device, program, { training, evaluation });
    }

    constructor(device, program, pipelines) {
        // Storage, and copies from and to it.
        const buffer = (size, usage = 0x80 | 0x4 | 0x8) => device.createBuffer({ size, usage });
        Object.assign(this, { device, program, staging: [] });
        this.buffers = program.buffers.map(({ bytes }) => buffer(bytes));
        this.steps = buffer(Player.STRIDE * Player.STEPS);
        const ready = (dispatch, { pipeline, group }) => {
            const words = new Uint32Array(dispatch.parameters);
            const parameters = buffer(Math.max(words.byteLength, 16));
            device.queue.writeBuffer(parameters, 0, words);
            const step = { buffer: this.steps, offset: 0, size: Player.STRIDE };
            const resources = [{ buffer: parameters }, step];
            resources.push(...dispatch.bindings.map(([id]) => ({ buffer: this.buffers[id] })));
            const entries = resources.map((resource, binding) => ({ binding, resource }));
            return { pipeline, bindings: device.createBindGroup({ layout: group, entries }) };
        };
        for (const phase of ['training', 'evaluation']) {
            this[phase] = program[phase].map((dispatch, index) => ready(dispatch, pipelines[phase][index]));
        }
    }

    // Puts bytes into a buffer, as they are there.
    write(id, bytes, offset = 0) {
        this.device.queue.writeBuffer(this.buffers[id], offset, bytes);
    }

    // Makes some buffers zero.
    clear(ids) {
        const encoder = this.device.createCommandEncoder();
        ids.forEach((id) => encoder.clearBuffer(this.buffers[id]));
        this.device.queue.submit([encoder.finish()]);
    }

    // Runs steps of a phase, one after the other: of each the words of its record, and the workgroups of each dispatch.
    run(phase, steps) {
        for (let begun = 0; begun < steps.length; begun += Player.STEPS) {
            const some = steps.slice(begun, begun + Player.STEPS);
            const records = new Uint32Array((some.length * Player.STRIDE) / 4);
            some.forEach(({ words }, index) => records.set(words, (index * Player.STRIDE) / 4));
            this.device.queue.writeBuffer(this.steps, 0, records);
            const encoder = this.device.createCommandEncoder();
            const pass = encoder.beginComputePass();
            some.forEach(({ workgroups }, index) => {
                this[phase].forEach(({ pipeline, bindings }, dispatch) => {
                    pass.setPipeline(pipeline);
                    pass.setBindGroup(0, bindings, [index * Player.STRIDE]);
                    pass.dispatchWorkgroups(...workgroups[dispatch]);
                });
            });
            pass.end();
            this.device.queue.submit([encoder.finish()]);
        }
    }

    // The first rows of some buffers, without what they are padded with; null: all rows.
    async read(wanted) {
        const reads = wanted.map(([id, rows]) => {
            const { columns, rows: all } = this.program.buffers[id];
            const stride = Math.ceil(columns / 4) * 4;
            return { id, columns, stride, rows: rows ?? all };
        });
        const bytes = reads.map(({ rows, stride }) => rows * stride * 4);
        const size = bytes.reduce((sum, each) => sum + each, 0);
        // Mapped for reading, and copied to.
        const staging = this.device.createBuffer({ size, usage: 0x1 | 0x8 });
        const encoder = this.device.createCommandEncoder();
        let offset = 0;
        reads.forEach(({ id }, index) => {
            encoder.copyBufferToBuffer(this.buffers[id], 0, staging, offset, bytes[index]);
            offset += bytes[index];
        });
        this.device.queue.submit([encoder.finish()]);
        await staging.mapAsync(1);
        const all = new Float32Array(staging.getMappedRange().slice(0));
        staging.destroy();
        let begin = 0;
        return reads.map(({ rows, columns, stride }) => {
            const values = new Float32Array(rows * columns);
            for (let row = 0; row < rows; row++) {
                values.set(all.subarray(begin + row * stride, begin + row * stride + columns), row * columns);
            }
            begin += rows * stride;
            return values;
        });
    }
}

// A device, or a sentence that says why there is none.
async function openDevice(shown) {
    if (!navigator.gpu) {
        return 'This browser has no WebGPU, which runs the network on this page. Chrome and Edge have it on most systems, Safari from version 26, Firefox on Windows and macOS.';
    }
    const adapter = await navigator.gpu.requestAdapter().catch(() => null);
    if (!adapter) {
        return 'This browser has WebGPU, but found no GPU that it lets pages use.';
    }
    const device = await adapter.requestDevice();
    device.lost.then(({ reason }) => reason === 'destroyed' || shown('The GPU was lost: load the page again.'));
    device.onuncapturederror = ({ error }) => shown(`The GPU refused something: ${error.message}`);
    return device;
}

const bytesOf = (text) => Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
