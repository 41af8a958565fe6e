// Compiles every .wgsl file of a folder with tint, through Dawn's null adapter: node tint.mjs MODULES FOLDER.
// MODULES is where the npm package webgpu is installed. Exits 1 if there is an error, a warning or no file.
import { readdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';

const [modules, folder] = process.argv.slice(2);
const require = createRequire(join(resolve(modules), 'from-here.js'));
const { create } = await import(pathToFileURL(require.resolve('webgpu')));

// Kept until the end: Dawn falls with it, while the device is still in use.
const gpu = (globalThis.gpu = create(['backend=null']));
const adapter = await gpu.requestAdapter();
// Some kernels bind more buffers than WebGPU promises: they are for devices that allow it.
const { maxStorageBuffersPerShaderStage } = adapter.limits;
const requiredLimits = { maxStorageBuffersPerShaderStage };
const device = await adapter.requestDevice({ requiredFeatures: ['subgroups'], requiredLimits });
// What naga, which knows neither, does without: subgroups have to be asked for, and tint does not see that what all of a workgroup's
// lanes read from a buffer is the same for them.
const subgroups = 'enable subgroups; diagnostic(off, subgroup_uniformity); ';
const source = (name) => {
    const text = readFileSync(join(folder, name), 'utf8');
    return text.includes('subgroupShuffleXor(') ? subgroups + text : text;
};
const files = readdirSync(folder).filter((name) => name.endsWith('.wgsl')).sort();
let complaints = 0;
for (const name of files) {
    device.pushErrorScope('validation');
    const module = device.createShaderModule({ code: source(name) });
    const { messages } = await module.getCompilationInfo();
    // Making the pipeline checks what the module alone does not: the entry point, its bindings and its workgroup.
    const pipeline = { layout: 'auto', compute: { module, entryPoint: 'main' } };
    if (messages.length === 0) device.createComputePipeline(pipeline);
    const error = await device.popErrorScope();
    const texts = messages.map(({ type, lineNum, linePos, message }) => `${lineNum}:${linePos}: ${type}: ${message}`);
    // The null adapter has no more room than WebGPU promises; wgrad holds each kernel against its device's.
    const isRoom = /total use of workgroup storage|number of storage buffers/.test(error?.message);
    if (error && !isRoom && messages.length === 0) texts.push(error.message);
    for (const text of texts) console.log(`${name}:${text}`);
    complaints += texts.length;
}
console.log(`${files.length} shaders, ${complaints} complaints`);
process.exit(complaints === 0 && files.length > 0 ? 0 : 1);
