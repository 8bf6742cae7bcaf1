// Cost of a packed file in ONNX Runtime compared with the float file it was made from: creating the
// session, which unpacks the weights, and the forward pass with batch 1 and 32.
//
//   node bench/run_sessions.mjs BUILD_FOLDER [MODEL DATA]... [--rounds N] [--clock wall|cpu] [--json]
//
// Without models: those in models/ with Debian's Fashion-MNIST. Each is quantized to 3 bits on average
// twice, only weights and with 8-bit activations. Float and packed run alternately, N times (default 7),
// each in a separate process; medians count, and ratios are computed per pair. On a machine with other
// load, --clock cpu measures the CPU seconds of all threads instead. The targets, forward within 5 % and
// creation within 2 times, are for quantized weights only: quantized activations are additional work.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const THREADS = 2;
const BATCHES = [1, 32];
const DATA = '/usr/share/datasets/fashion-mnist';
const SHIPPED = ['resnet20-fashion-mnist', 'mobilenetv2-fashion-mnist'];
const ACTIVATIONS = ['float', '8'];
const AIMS = { creation: 2, forward: 1.05 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    rounds: { type: 'string', default: '7' },
    clock: { type: 'string', default: 'wall' },
    json: { type: 'boolean', default: false },
  },
});
if (positionals.length % 2 !== 1 || !['wall', 'cpu'].includes(values.clock)) {
  console.error('usage: node bench/run_sessions.mjs BUILD_FOLDER [MODEL DATA]... [--rounds N] [--clock wall|cpu] [--json]');
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const judge = join(here, '..', 'tests', 'judge', 'run.mjs');
const program = join(positionals[0], 'bin', 'ompq');
const environment = { ...process.env, OMP_NUM_THREADS: String(THREADS) };
const run = (file, argv) => execFileSync(file, argv, { encoding: 'utf8', env: environment, stdio: ['ignore', 'pipe', 'inherit'] });

function networks() {
  const given = positionals.slice(1);
  if (given.length === 0) return SHIPPED.map((name) => ({ model: join(here, '..', 'models', `${name}.onnx`), data: DATA }));
  return given.flatMap((model, i) => (i % 2 === 0 ? [{ model, data: given[i + 1] }] : []));
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
}

function quantize({ model, data }, activations, output) {
  run(program, ['quantize', model, '--data', data, '--avg-bits', '3', '--act-bits', activations, '--allocator', 'weight-mse',
    '--beside', 'none', '--method', 'nearest', '--limit', '2', '--quiet', '-o', output]);
}

/** Seconds of making a session and of the median forward pass. */
function once(file, batch) {
  const passes = batch === 1 ? 40 : 10;
  const argv = [judge, file, '--random', String(batch), '--threads', String(THREADS), '--time', String(passes)];
  const taken = JSON.parse(run(process.execPath, argv));
  return values.clock === 'wall'
    ? { creation: taken.load_seconds, forward: taken.median_seconds }
    : { creation: taken.load_cpu_seconds, forward: taken.median_cpu_seconds };
}

/** Float and packed in turn; which goes first changes, so that neither always runs on a warmer machine. */
function compare(real, packed, rounds) {
  const pairs = [];
  for (let round = 0; round < rounds; ++round) {
    for (const batch of BATCHES) {
      const pair = { batch };
      const order = round % 2 === 0 ? [['float', real], ['packed', packed]] : [['packed', packed], ['float', real]];
      for (const [name, file] of order) pair[name] = once(file, batch);
      pairs.push(pair);
    }
  }
  const row = (of, what) => ({
    float_s: median(of.map((pair) => pair.float[what])),
    packed_s: median(of.map((pair) => pair.packed[what])),
    ratio: median(of.map((pair) => pair.packed[what] / pair.float[what])),
  });
  const result = { creation: row(pairs, 'creation') };
  for (const batch of BATCHES) result[`forward_${batch}`] = row(pairs.filter((pair) => pair.batch === batch), 'forward');
  return result;
}

function print(rows) {
  const line = (cells) => console.log(cells.map((cell, i) => (i < 3 ? String(cell).padEnd(i === 0 ? 28 : 12) : String(cell).padStart(11))).join(' '));
  line(['network', 'activations', 'what', 'float ms', 'packed ms', 'ratio', 'aim']);
  for (const { network, activations, measured } of rows) {
    for (const [what, { float_s: real, packed_s: packed, ratio }] of Object.entries(measured)) {
      const aim = activations === 'float' ? AIMS[what.split('_')[0]] : '-';
      line([network, activations, what, (real * 1e3).toFixed(2), (packed * 1e3).toFixed(2), ratio.toFixed(3), aim]);
    }
  }
}

const folder = mkdtempSync(join(tmpdir(), 'ompq-bench-'));
try {
  const rows = networks().flatMap((network) => ACTIVATIONS.map((activations) => {
    const packed = join(folder, `${activations}-${basename(network.model)}`);
    quantize(network, activations, packed);
    return {
      network: basename(network.model, '.onnx'),
      activations,
      bytes: { float: statSync(network.model).size, packed: statSync(packed).size },
      measured: compare(network.model, packed, Number(values.rounds)),
    };
  }));
  if (values.json) console.log(JSON.stringify({ threads: THREADS, clock: values.clock, rounds: Number(values.rounds), rows }, null, 2));
  else print(rows);
} finally {
  rmSync(folder, { recursive: true });
}
