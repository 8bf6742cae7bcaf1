// Runs networks in onnxruntime-web (WebAssembly) in Chromium, many in one page: the same jobs as `run.mjs --jobs`.
//
//   node run_web.mjs --jobs FILE
//   node run_web.mjs --missing      prints what is not installed; nothing if all is there
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findBrowser, launchBrowser } from '../browser/browser.mjs';
import { writeTensors } from './tensors.mjs';

const RUNTIME = fileURLToPath(new URL('node_modules/onnxruntime-web/dist/', import.meta.url));
const DRIVER = new URL('../browser/node_modules/playwright-core', import.meta.url);
// Requests to this address are answered from disk by route(); none leaves the machine. A loopback name, since only a
// secure context has everything that the runtime uses.
const ORIGIN = 'http://localhost';

function missing() {
  if (!existsSync(RUNTIME)) return `onnxruntime-web is not installed in ${RUNTIME}`;
  if (!existsSync(DRIVER)) return 'playwright-core is not installed; run tests/browser/install.sh';
  return findBrowser() ? '' : 'Chromium is missing; install the package chromium, or name it in OMPQ_CHROMIUM';
}

function answer(route) {
  const { pathname } = new URL(route.request().url());
  const [, kind, name] = /^\/(\w*)\/?(.*)$/.exec(pathname);
  if (kind === '') return route.fulfill({ contentType: 'text/html', body: '<!doctype html><title>judge</title>' });
  return route.fulfill({ path: kind === 'runtime' ? RUNTIME + name : decodeURIComponent(name) });
}

/** In the page: a job in, the outputs out, with elements in base64; or the runtime's message. */
async function runInPage({ model, inputs, optimization }) {
  const ort = await import('/runtime/ort.wasm.min.mjs');
  ort.env.wasm.wasmPaths = '/runtime/';
  ort.env.wasm.numThreads = 1;
  ort.env.logLevel = 'fatal';
  const fetched = async (file) => new Uint8Array(await (await fetch(`/file/${encodeURIComponent(file)}`)).arrayBuffer());
  const arrays = {
    float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array, int16: Int16Array,
    int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array, bool: Uint8Array,
  };
  const bytes = await fetched(inputs);
  const start = 8 + Number(new DataView(bytes.buffer).getBigUint64(0, true));
  const feeds = {};
  for (const { name, type, shape, offset, bytes: size } of JSON.parse(new TextDecoder().decode(bytes.subarray(8, start)))) {
    const own = bytes.slice(start + offset, start + offset + size);
    feeds[name] = new ort.Tensor(type, new arrays[type](own.buffer), shape);
  }
  try {
    const session = await ort.InferenceSession.create(await fetched(model), {
      executionProviders: ['wasm'], graphOptimizationLevel: optimization,
    });
    const results = await session.run(feeds);
    const outputs = session.outputNames.map((name) => {
      const { type, dims, data } = results[name];
      const elements = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      let text = '';
      for (let i = 0; i < elements.length; i += 4096) text += String.fromCharCode(...elements.subarray(i, i + 4096));
      return { name, type, shape: [...dims], base64: btoa(text) };
    });
    await session.release();
    return { outputs };
  } catch (error) {
    return { refusal: error.message };
  }
}

async function runJobs(file) {
  const browser = await launchBrowser(findBrowser());
  try {
    const page = await browser.newPage();
    await page.route('**/*', answer);
    await page.goto(`${ORIGIN}/`);
    const answers = [];
    for (const job of JSON.parse(readFileSync(file, 'utf8'))) {
      const { outputs, refusal } = await page.evaluate(runInPage, job);
      if (outputs) writeTensors(job.outputs, outputs.map(({ base64, ...rest }) => ({ ...rest, data: Buffer.from(base64, 'base64') })));
      answers.push(refusal ?? null);
    }
    console.log(JSON.stringify(answers));
  } finally {
    await browser.close();
  }
}

const [option, file] = process.argv.slice(2);
if (option === '--missing') {
  console.log(missing());
} else if (option === '--jobs' && file) {
  await runJobs(file);
} else {
  console.error('usage: node run_web.mjs --jobs FILE | --missing');
  process.exitCode = 2;
}
