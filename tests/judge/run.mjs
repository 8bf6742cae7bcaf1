// Runs a network in ONNX Runtime on the CPU: the judge that shares no code with ompq.
import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import ort from 'onnxruntime-node';
import { readTensors, writeTensors } from './tensors.mjs';

const USAGE = `node run.mjs MODEL [options]
node run.mjs --jobs FILE     many networks in one process; FILE is a list of {model, inputs, outputs, optimization}.
                             Prints a list with null for each that ran, or else ONNX Runtime's message
  --inputs FILE          inputs by name, as tensors.mjs describes, or .npz
  --random BATCH         inputs of standard normal numbers instead, BATCH samples
  --outputs FILE         where to write the outputs
  --optimization LEVEL   disabled, basic, extended or all (default)
  --save-optimized FILE  where to write the network as ONNX Runtime rewrote it
  --threads N            threads within an operator (default 1)
  --time RUNS            prints seconds of each of RUNS forward passes, and of making the session, as JSON,
                         by the clock and of the processor
  --warmup RUNS          passes before the clock starts (default 2)`;

const ARRAYS = {
  float32: Float32Array, float64: Float64Array, uint8: Uint8Array, int8: Int8Array, uint16: Uint16Array,
  int16: Int16Array, int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array,
  bool: Uint8Array, float16: Uint16Array,
};

function toOrt({ type, shape, data }) {
  const copy = new Uint8Array(data);  // typed arrays need an aligned start
  const elements = new ARRAYS[type](copy.buffer, 0, copy.length / ARRAYS[type].BYTES_PER_ELEMENT);
  return new ort.Tensor(type, elements, shape);
}

function fromOrt(name, { type, dims, data }) {
  return { name, type, shape: [...dims], data: Buffer.from(data.buffer, data.byteOffset, data.byteLength) };
}

/** Mulberry32 and Box-Muller: the same numbers on every machine. */
function normals(count) {
  let state = 1;
  const uniform = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (((mixed ^ (mixed >>> 14)) >>> 0) + 1) / 4294967297;
  };
  return Float32Array.from({ length: count }, () => (
    Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform())));
}

function randomInputs(session, batch) {
  return Object.fromEntries(session.inputMetadata.map(({ name, shape }) => {
    const extents = shape.map((extent) => (typeof extent === 'number' && extent > 0 ? extent : batch));
    const count = extents.reduce((product, extent) => product * extent, 1);
    return [name, new ort.Tensor('float32', normals(count), extents)];
  }));
}

/** Seconds that `work` takes by the clock, and of all threads together on the processor. */
async function timed(work) {
  const used = process.cpuUsage();
  const start = process.hrtime.bigint();
  const result = await work();
  const seconds = Number(process.hrtime.bigint() - start) / 1e9;
  const { user, system } = process.cpuUsage(used);
  return { result, seconds, cpu: (user + system) / 1e6 };
}

async function time(session, feeds, runs, warmup) {
  for (let i = 0; i < warmup; ++i) await session.run(feeds);
  const passes = [];
  for (let i = 0; i < runs; ++i) passes.push(await timed(() => session.run(feeds)));
  return passes;
}

function median(numbers) {
  return [...numbers].sort((a, b) => a - b)[Math.floor(numbers.length / 2)];
}

async function runJob({ model, inputs, outputs, optimization }) {
  const session = await ort.InferenceSession.create(model, {
    executionProviders: ['cpu'],
    graphOptimizationLevel: optimization,
    intraOpNumThreads: 1,
    interOpNumThreads: 1,
    logSeverityLevel: 4,
  });
  const feeds = Object.fromEntries(readTensors(inputs).map((tensor) => [tensor.name, toOrt(tensor)]));
  const results = await session.run(feeds);
  writeTensors(outputs, session.outputNames.map((name) => fromOrt(name, results[name])));
  await session.release();
}

async function runJobs(file) {
  const answers = [];
  for (const job of JSON.parse(readFileSync(file, 'utf8'))) {
    answers.push(await runJob(job).then(() => null, (error) => error.message));
  }
  console.log(JSON.stringify(answers));
}

async function main() {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      jobs: { type: 'string' },
      inputs: { type: 'string' },
      random: { type: 'string' },
      outputs: { type: 'string' },
      optimization: { type: 'string', default: 'all' },
      'save-optimized': { type: 'string' },
      threads: { type: 'string', default: '1' },
      time: { type: 'string' },
      warmup: { type: 'string', default: '2' },
    },
  });
  if (values.jobs !== undefined) {
    await runJobs(values.jobs);
    return;
  }
  if (positionals.length !== 1 || (values.inputs === undefined) === (values.random === undefined)) {
    throw new Error(`wrong usage\n${USAGE}`);
  }
  const { result: session, ...creation } = await timed(() => ort.InferenceSession.create(positionals[0], {
    executionProviders: ['cpu'],
    graphOptimizationLevel: values.optimization,
    intraOpNumThreads: Number(values.threads),
    interOpNumThreads: 1,
    executionMode: 'sequential',
    logSeverityLevel: 3,
    ...(values['save-optimized'] && { optimizedModelFilePath: values['save-optimized'] }),
  }));
  const feeds = values.inputs === undefined
    ? randomInputs(session, Number(values.random))
    : Object.fromEntries(readTensors(values.inputs).map((tensor) => [tensor.name, toOrt(tensor)]));
  if (values.outputs !== undefined) {
    const results = await session.run(feeds);
    writeTensors(values.outputs, session.outputNames.map((name) => fromOrt(name, results[name])));
  }
  if (values.time !== undefined) {
    const passes = await time(session, feeds, Number(values.time), Number(values.warmup));
    console.log(JSON.stringify({
      load_seconds: creation.seconds,
      load_cpu_seconds: creation.cpu,
      seconds: passes.map((pass) => pass.seconds),
      median_seconds: median(passes.map((pass) => pass.seconds)),
      median_cpu_seconds: median(passes.map((pass) => pass.cpu)),
      peak_rss_bytes: process.resourceUsage().maxRSS * 1024,
    }));
  }
}

main().catch((error) => {
  console.error(error.message);
  process.exitCode = 1;
});
