// Features + ORM of three networks compared with ONNX Runtime's float forward pass of the same batch.
//
//   node bench/run_features.mjs BUILD_FOLDER [--rounds N] [--json]
//
// Both programs run alternately, N times (default 3), and the fastest run of each counts: other load
// can only slow a run down. tests/judge/install.sh installs ONNX Runtime.
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const THREADS = 2;
const BATCH = 32;
const PASSES = 7;
// Seconds that the reference implementation takes for features and ORM of 32 images.
const REFERENCE = { resnet18: 3.8, resnet50: 33, mobilenet_v2: 30 };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { rounds: { type: 'string', default: '3' }, json: { type: 'boolean', default: false } },
});
if (positionals.length !== 1) {
  console.error('usage: node bench/run_features.mjs BUILD_FOLDER [--rounds N] [--json]');
  process.exit(2);
}
const bench = join(positionals[0], 'bin', 'bench_features');
const judge = join(dirname(fileURLToPath(import.meta.url)), '..', 'tests', 'judge', 'run.mjs');
const environment = { ...process.env, OMP_NUM_THREADS: String(THREADS) };

function run(program, argv) {
  return execFileSync(program, argv, { encoding: 'utf8', env: environment, maxBuffer: 1 << 26, stdio: ['ignore', 'pipe', 'pipe'] });
}

/** Seconds of the fastest pass of each benchmark whose name matches, and the process's peak memory. */
function measureOurs(filter) {
  const report = JSON.parse(run(bench, [`--benchmark_filter=${filter}`, '--benchmark_format=json']));
  return Object.fromEntries(report.benchmarks.map((row) => {
    const [kind, , precision] = row.name.split('/');
    return [`${kind} ${precision}`, { seconds: row.fastest_s, peakMib: row.peak_mib }];
  }));
}

function measureTheirs(model) {
  const argv = [judge, model, '--random', String(BATCH), '--threads', String(THREADS), '--time', String(PASSES)];
  return Math.min(...JSON.parse(run(process.execPath, argv)).seconds);
}

function measure(network, folder, rounds) {
  const best = { network, theirs: Infinity, ours: {} };
  for (let round = 0; round < rounds; ++round) {
    best.theirs = Math.min(best.theirs, measureTheirs(join(folder, `${network}.onnx`)));
    for (const [key, { seconds }] of Object.entries(measureOurs(`^(forward|features)/${network}/`))) {
      best.ours[key] = Math.min(best.ours[key] ?? Infinity, seconds);
    }
  }
  return best;
}

function print(rows, peakMib) {
  const line = (cells) => console.log(cells.map((cell, i) => (i < 2 ? String(cell).padEnd(13) : String(cell).padStart(11))).join(' '));
  line(['network', 'precision', 'forward s', 'features s', 'ORT fwd s', 'ratio', 'reference x']);
  for (const { network, theirs, ours } of rows) {
    for (const precision of ['bfloat16', 'float32']) {
      const seconds = ours[`features ${precision}`];
      if (seconds === undefined) continue;
      line([network, precision, ours[`forward ${precision}`].toFixed(3), seconds.toFixed(3), theirs.toFixed(3),
        (seconds / theirs).toFixed(2), (REFERENCE[network] / seconds).toFixed(0)]);
    }
  }
  console.log(`peak memory, ResNet-50, 1,024 images: ${Math.round(peakMib)} MiB`);
}

const folder = mkdtempSync(join(tmpdir(), 'ompq-bench-'));
try {
  run(bench, [`--export=${folder}`]);
  const rows = Object.keys(REFERENCE).map((network) => measure(network, folder, Number(values.rounds)));
  const { peakMib } = Object.values(measureOurs('^features_of_1024_images/'))[0];
  if (values.json) console.log(JSON.stringify({ threads: THREADS, batch: BATCH, rows, peak_mib: peakMib }, null, 2));
  else print(rows, peakMib);
} finally {
  rmSync(folder, { recursive: true });
}
