// Images per second of training the shipped ResNet-20: quantized and float with `ompq finetune`, and
// float with PyTorch (Debian's python3-torch; reported as skipped if it is missing).
//
//   node bench/run_training.mjs BUILD_FOLDER [--rounds N] [--json]
//
// They run alternately, N times (default 3), and the fastest run of each counts: other load can only
// slow a run down. Each is the mean over the same number of steps, an epoch of IMAGES images; ompq also
// reads and preprocesses them, PyTorch has random ones in memory.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const THREADS = 2;
const BATCH = 64;
const IMAGES = 6400;
const DATA = '/usr/share/datasets/fashion-mnist';
const PYTHON = '/usr/bin/python3';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, json: { type: 'boolean', default: false } },
});
if (positionals.length !== 1) {
  console.error('usage: node bench/run_training.mjs BUILD_FOLDER [--rounds N] [--json]');
  process.exit(2);
}
const here = dirname(fileURLToPath(import.meta.url));
const program = join(positionals[0], 'bin', 'ompq');
const model = join(here, '..', 'models', 'resnet20-fashion-mnist.onnx');
const environment = { ...process.env, OMP_NUM_THREADS: String(THREADS) };
const folder = mkdtempSync(join(tmpdir(), 'ompq-bench-'));

function finetune(more) {
  const log = join(folder, 'log.jsonl');
  rmSync(log, { force: true });
  execFileSync(program, ['finetune', model, '--data', DATA, '--eval-data', DATA, '--limit', '64', '--quiet',
    '--train-samples', String(IMAGES), '--batch', String(BATCH), '--threads', String(THREADS), '--epochs', '1',
    '--distill', '0', '--log', log, '-o', join(folder, 'out.onnx'), ...more], { env: environment, stdio: 'ignore' });
  return JSON.parse(readFileSync(log, 'utf8')).images_per_second;
}

function pytorch() {
  const result = spawnSync(PYTHON, [join(here, 'train_torch.py'), BATCH, IMAGES / BATCH, THREADS].map(String),
    { env: environment, encoding: 'utf8' });
  return result.status === 0 ? Number(result.stdout) : null;
}

const quantized = ['--avg-bits', '3', '--act-bits', '4', '--allocator', 'weight-mse', '--start', 'nearest'];
const best = { quantized: 0, float: 0, pytorch: null };
for (let round = 0; round < Number(values.rounds); ++round) {
  best.quantized = Math.max(best.quantized, finetune(quantized));
  best.float = Math.max(best.float, finetune(['--float']));
  const theirs = pytorch();
  if (theirs !== null) best.pytorch = Math.max(best.pytorch ?? 0, theirs);
}
rmSync(folder, { recursive: true, force: true });

if (values.json) {
  console.log(JSON.stringify(best));
} else {
  const line = (name, rate, note) => console.log(`${name.padEnd(28)}${rate.toFixed(0).padStart(8)} images/s   ${note}`);
  line('quantized (lsq, 3/4 bits)', best.quantized, `${(best.quantized / best.float).toFixed(2)} of float (aim 0.6)`);
  line('float', best.float, best.pytorch === null ? '' : `${(best.float / best.pytorch).toFixed(2)} of PyTorch (aim 1.3)`);
  if (best.pytorch === null) console.log('PyTorch                     left out: install python3-torch');
  else line('float, PyTorch', best.pytorch, '');
}
