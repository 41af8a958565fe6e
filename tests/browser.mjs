// Tries pages in headless Chromium, and prints what came of each as JSON: node browser.mjs MODULES CHROMIUM TASKS.json
// MODULES is where the npm package playwright-core is installed. A task has a page, whether it is served or opened as a file, and what to
// do there: take steps, predict rows, or look at it without WebGPU. Where Chromium has no WebGPU it prints { "left_out": why }.
import { createReadStream, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';

const [modules, executablePath, tasks] = process.argv.slice(2);
const { chromium } = createRequire(join(resolve(modules), 'from-here.js'))('playwright-core');
const args = ['--no-sandbox', '--enable-unsafe-webgpu', '--disable-quic', '--no-first-run', '--disable-background-networking'];
const browser = await chromium.launch({ executablePath, args: [...args, '--disable-component-update', '--disable-sync'] });
const print = async (value) => {
    console.log(JSON.stringify(value));
    await browser.close();
    process.exit(0);
};

const probe = await browser.newPage();
await probe.goto('about:blank');
const server = createServer((request, answer) => {
    answer.setHeader('content-type', 'text/html');
    createReadStream(decodeURIComponent(new URL(request.url, 'http://x').pathname)).on('error', () => answer.end()).pipe(answer);
});
await new Promise((ready) => server.listen(0, '127.0.0.1', ready));
const address = (page, served) => (served ? `http://127.0.0.1:${server.address().port}${page}` : `file://${page}`);

const found = [];
for (const task of JSON.parse(readFileSync(tasks, 'utf8'))) {
    const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });
    const complaints = [];
    page.on('console', (message) => ['error', 'warning'].includes(message.type()) && complaints.push(message.text()));
    page.on('pageerror', (error) => complaints.push(String(error)));
    page.on('request', (request) => !request.url().startsWith(address('', task.served).slice(0, 16)) && !request.url().startsWith('data:') && complaints.push(`it asks for ${request.url()}`));
    if (task.without_webgpu) await page.addInitScript(() => Object.defineProperty(Navigator.prototype, 'gpu', { value: undefined }));
    const begun = performance.now();
    await page.goto(address(task.page, task.served));
    const result = { complaints };
    if (task.without_webgpu) {
        await page.waitForFunction(() => document.getElementById('status').textContent.includes('no WebGPU'), null, { timeout: 20000 });
        result.text = await page.evaluate(() => document.body.innerText);
    } else {
        const ready = page.waitForFunction(() => document.body.dataset.ready === 'true', null, { timeout: 60000 });
        const status = await ready.then(() => '').catch(() => page.textContent('#status'));
        if (status.includes('no GPU')) await print({ left_out: status });
        if (status) throw new Error(`${task.page}: ${status}`);
        result.first_frame_ms = performance.now() - begun;
        await page.waitForFunction(() => document.getElementById('test').dataset.agrees !== undefined, null, { timeout: 120000 });
        result.self_test = await page.evaluate(() => document.getElementById('test').dataset.agrees === 'true');
        for (const [id, value] of Object.entries(task.choose ?? {})) {
            await page.selectOption(`#${id}`, typeof value === 'number' ? { index: value } : { label: value });
            await page.evaluate(() => wgrad.state.busy);
        }
        if (task.steps) {
            await page.evaluate((steps) => wgrad.steps(steps), task.steps);
            result.weights = await page.evaluate(async () => (await wgrad.weights()).map((layer) => Array.from(layer)));
            result.taken = (await page.textContent('#steps')).split(' ')[0];
            result.right = await page.textContent('#right');
        }
        if (task.hurry) {
            await page.click('#run');
            for (const [id, values] of Object.entries(task.hurry)) {
                for (const label of values) {
                    await page.waitForTimeout(150);
                    await page.click('#step');
                    await page.selectOption(`#${id}`, { label });
                }
            }
            await page.waitForTimeout(500);
            await page.click('#run');
            await page.evaluate(() => wgrad.state.busy);
            result.status = await page.textContent('#status');
            result.ran = await page.evaluate(() => wgrad.state.steps);
        }
        if (task.reset) {
            result.status = await page.textContent('#status');
            await page.click('#reset');
            await page.evaluate(() => wgrad.state.busy);
            result.after_reset = await page.textContent('#status');
        }
        if (task.rows) {
            result.predictions = await page.evaluate(async (rows) => {
                const all = [];
                for (const cells of rows) all.push(await wgrad.predict(cells).catch((error) => ({ refused: error.message })));
                return all;
            }, task.rows);
        }
        if (task.type) {
            for (const [column, text] of Object.entries(task.type)) await page.fill(`[data-column="${column}"]`, text);
            await page.evaluate(() => wgrad.state.busy);
            result.shown = await page.textContent('#prediction');
            result.status = await page.textContent('#status');
        }
        if (task.draw) {
            const box = await (await page.$('#pad')).boundingBox();
            const at = ([x, y]) => [box.x + x * box.width, box.y + y * box.height];
            await page.mouse.move(...at(task.draw[0]));
            await page.mouse.down();
            for (const point of task.draw.slice(1)) await page.mouse.move(...at(point), { steps: 8 });
            await page.mouse.up();
            await page.evaluate(() => wgrad.state.busy);
            result.shown = await page.textContent('#prediction');
        }
    }
    if (task.picture) {
        await page.screenshot({ path: `${task.picture}-desktop-light.png`, fullPage: true });
        await page.setViewportSize({ width: 390, height: 800 });
        await page.emulateMedia({ colorScheme: 'dark' });
        await page.screenshot({ path: `${task.picture}-phone-dark.png`, fullPage: true });
        result.overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    }
    found.push(result);
    await page.close();
}
await print({ found });
