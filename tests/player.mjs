// Tries the script that runs a plan, without a browser: node player.mjs PLAYER.js PAGE.html
// A device that only writes down what it is asked for stands in for WebGPU's. It prints, as JSON, the dispatches of two steps in their
// order, each with its shader, its buffers, its step's place and record, and its workgroups.
import { readFileSync } from 'node:fs';

const [player, page] = process.argv.slice(2);
const Player = new Function(`${readFileSync(player, 'utf8')}\nreturn Player;`)();
const data = JSON.parse(/<script type="application\/json" id="data">(.*?)<\/script>/s.exec(readFileSync(page, 'utf8'))[1]);
const dispatches = [];
let buffers = 0;
let records;
const device = {
    createBuffer: ({ size }) => ({ number: buffers++, size }),
    createBindGroupLayout: ({ entries }) => ({ entries }),
    createPipelineLayout: ({ bindGroupLayouts }) => ({ bindGroupLayouts }),
    createShaderModule: ({ code }) => ({ code }),
    createComputePipelineAsync: async ({ layout, compute }) => ({ code: compute.module.code, entries: layout.bindGroupLayouts[0].entries }),
    createBindGroup: ({ layout, entries }) => ({ layout, entries }),
    createCommandEncoder: () => ({
        beginComputePass() {
            let pipeline;
            let bound;
            return {
                setPipeline: (of) => { pipeline = of; },
                setBindGroup: (index, group, offsets) => { bound = { group, offsets }; },
                dispatchWorkgroups: (...workgroups) => dispatches.push({
                    shader: data.shaders.indexOf(pipeline.code),
                    writes: pipeline.entries.slice(2).map(({ buffer }) => buffer.type === 'storage'),
                    // The plan's buffers are made first, in its order.
                    buffers: bound.group.entries.slice(2).map(({ resource }) => resource.buffer.number),
                    offset: bound.offsets[0],
                    record: Array.from(records.subarray(bound.offsets[0] / 4, bound.offsets[0] / 4 + data.record.length)),
                    workgroups,
                }),
                end() {},
            };
        },
        finish: () => ({}),
        clearBuffer() {},
    }),
    queue: { writeBuffer: (buffer, offset, words) => { if (words.length >= data.record.length) records = words; }, submit() {} },
};
const net = data.nets[0];
const made = await Player.create(device, data.shaders, net.program);
const step = (number) => ({ words: Uint32Array.from(data.record, (word, place) => (place === 0 ? number : word)), workgroups: net.workgroups.training[data.sets[0].rows] });
made.run('training', [step(7), step(8)]);
console.log(JSON.stringify({ dispatches, program: net.program.training, workgroups: net.workgroups.training[data.sets[0].rows] }));
