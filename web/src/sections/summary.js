// The overview: input, request, result, and the command to repeat it.

import { announce, el } from '../dom.js';
import { baseName, bits, bytes, count, number, percent, points, seconds, whole } from '../format.js';
import { MEASURES, measureNamed, measuresIn } from '../measures.js';
import { modelName, runTitle, totalSeconds } from '../runs.js';

function tile(name, value, note) {
  return el('div', { class: 'tile' }, el('dt', {}, name), el('dd', {}, value, note ? el('small', {}, note) : null));
}

/** "94.24 % → 93.71 %" */
const change = (before, after) => [el('span', { class: 'before' }, before), el('span', { class: 'arrow', 'aria-label': 'to' }, ' → '), el('span', { class: 'after' }, after)];

function keptTile(run) {
  const { float_evaluation: float, evaluation, portfolio } = run.document;
  if (Number.isFinite(evaluation?.top1) && Number.isFinite(float?.top1)) {
    return tile('Top-1 accuracy', change(percent(float.top1), percent(evaluation.top1)),
      `${points(evaluation.top1, float.top1)} on ${whole(evaluation.samples)} samples`);
  }
  const measure = measuresIn([evaluation])[0];
  if (measure) {
    return tile(`Kept: ${measure.text}`, measure.format(evaluation[measure.key]),
      `on ${whole(evaluation.samples)} samples, no labels needed`);
  }
  if (portfolio?.steps?.length > 0) {
    return tile('Divergence from float', number(portfolio.steps.at(-1)), portfolio.measure);
  }
  const [chosen] = run.entries;
  return Number.isFinite(chosen?.loss) ? tile('Predicted loss', number(chosen.loss), run.document.losses?.[0]?.metric) : null;
}

function bitsNote(run) {
  const asked = run.document.budget;
  return asked ? `asked: ${asked}` : null;
}

/** Layers on integer kernels, and what stays float between them. */
function integerTile({ document: { integer_kernels: kernels } }) {
  if (!kernels) return null;
  const floats = kernels.float_operators.map(({ op_type: type, nodes }) => `${type} (${nodes.length})`);
  return tile('On integers', `${whole(kernels.integer_layers)} of ${whole(kernels.layers)} layers`,
    floats.length > 0 ? `float between them: ${floats.join(', ')}` : null);
}

/** For search, quantize and finetune. */
function allocationTiles(run) {
  const { document, entries: [chosen] } = run;
  if (!chosen) return [keptTile(run)];
  const compression = document.model?.bytes / chosen.bytes;
  const macs = run.layers.reduce((sum, layer) => sum + (layer.macs ?? 0), 0);
  return [
    keptTile(run),
    tile('File', change(bytes(document.model?.bytes), bytes(chosen.bytes)),
      Number.isFinite(compression) ? `${compression.toFixed(1)} times smaller` : null),
    tile('Bits per weight', change('32', number(chosen.averageBits, 4)), bitsNote(run)),
    Number.isFinite(chosen.gbops)
      ? tile('Bit operations', `${count(chosen.gbops * 1e9)}`, macs > 0 ? `${count(macs)} multiply-accumulates a sample` : null) : null,
    integerTile(run),
    tile('Time', seconds(totalSeconds(document)), Object.keys(document.seconds ?? {}).join(', ')),
  ];
}

function comparisonTiles(run) {
  const { document } = run;
  const answered = run.entries.filter((entry) => !entry.refused);
  const [measure] = measuresIn(answered.map((entry) => entry.evaluation));
  const tiles = [];
  if (Number.isFinite(document.float_evaluation?.top1)) {
    tiles.push(tile('Float top-1', percent(document.float_evaluation.top1), `on ${whole(document.float_evaluation.samples)} samples`));
  }
  for (const budget of (document.budgets ?? []).slice(0, 4)) {
    if (!measure) break;
    const rows = answered.filter((entry) => entry.budget === budget && Number.isFinite(entry.evaluation?.[measure.key]));
    rows.sort((a, b) => measure.better * (b.evaluation[measure.key] - a.evaluation[measure.key]));
    if (rows.length > 0) tiles.push(tile(`Best at ${budget}`, measure.format(rows[0].evaluation[measure.key]), `by ${rows[0].label}, ${measure.text}`));
  }
  tiles.push(tile('Time', seconds(totalSeconds(document)), `${whole(answered.length)} networks measured`));
  return tiles;
}

function sweepTiles(run) {
  const knee = run.entries.find((entry) => entry.knee);
  const picked = run.entries.find((entry) => entry.picked);
  const sizes = run.entries.map((entry) => entry.bytes);
  return [
    knee ? tile('Knee', bytes(knee.bytes), `${number(knee.averageBits, 3)} bits a weight, divergence ${number(knee.evaluation.divergence)}`) : null,
    picked ? tile('Picked', bytes(picked.bytes), `divergence ${number(picked.evaluation.divergence)}`) : null,
    tile('Sizes', change(bytes(Math.min(...sizes)), bytes(Math.max(...sizes))), `${run.entries.length} allocations`),
    tile('Float file', bytes(run.document.model?.bytes), null),
    tile('Time', seconds(totalSeconds(run.document)), null),
  ];
}

const TILES = { compare: comparisonTiles, sweep: sweepTiles };

function describeSamples(samples) {
  if (!samples) return null;
  const parts = [`${whole(samples.count)} samples of ${samples.source}`];
  if (samples.split) parts.push(samples.split);
  if (samples.skipped) parts.push(`${whole(samples.skipped)} broken ones skipped`);
  parts.push(`seed ${samples.seed}`);
  return parts.join(', ');
}

function describeSolver(run) {
  const solver = run.entries[0]?.solver;
  if (!solver) return null;
  return `${solver.name}, ${solver.status}, gap ${number(solver.gap, 2)}, ${seconds(solver.seconds)}`;
}

function describeEvaluation(evaluation) {
  if (!evaluation) return null;
  return MEASURES.concat([{ key: 'top5', text: 'top-5', format: percent }])
    .filter(({ key }) => Number.isFinite(evaluation[key]))
    .map(({ key, text, format }) => `${text} ${format(evaluation[key])}`).join(', ');
}

function activations(document) {
  if (!document.activation_bits) return null;
  return /^\d+$/.test(document.activation_bits) ? `${document.activation_bits} bits` : document.activation_bits;
}

/** Rows of the request, the result and the settings; rows without a value are omitted. */
function facts(run, report) {
  const { document, entries } = run;
  const chosen = document.allocations || document.networks ? entries[0] : null;
  return [
    ['Asked', document.budget],
    ['Got', chosen ? `${whole(chosen.bytes)} bytes, ${number(chosen.averageBits, 5)} bits a weight` : null],
    ['Promised', Number.isFinite(document.bytes_promised) ? `${whole(document.bytes_promised)} bytes` : null],
    ['Allocator', chosen?.label],
    ['Metric', document.metric && (document.requested ? `${document.metric} (for ${document.requested})` : document.metric)],
    ['Not measured', (document.dropped ?? []).map(({ metric, reason }) => `${metric}: ${reason}`).join('; ')],
    ['Solver', describeSolver(run)],
    ['Activations', activations(document)],
    ['Accounting', [document.accounting, document.scheme && document.scheme !== 'default' ? `scheme ${document.scheme}` : null].filter(Boolean).join(', ') || null],
    ['Quantized', describeEvaluation(document.evaluation)],
    ['Float', describeEvaluation(document.float_evaluation)],
    ['Measured with', describeSamples(document.samples)],
    ['Evaluated on', describeSamples(document.evaluated_on)],
    ['Preprocessing', document.samples?.preprocess ? JSON.stringify(document.samples.preprocess) : null],
    ['Arithmetic', document.precision],
    ['Model', document.model?.file],
    ['Its SHA-256', document.model?.sha256],
    ['Seconds', Object.entries(document.seconds ?? {}).map(([step, value]) => `${step} ${seconds(value)}`).join(', ')],
    ['Result file', run.name],
    ['Versions', Object.entries(document.versions ?? {}).map(([name, version]) => `${name} ${version}`).join(', ') || null],
    ['Page made by', `ompq ${report.version}`],
  ].filter(([, value]) => value);
}

function commandBox(command) {
  const copy = el('button', { type: 'button', class: 'quiet', onclick: () => copyText(command) }, 'Copy');
  return el('div', { class: 'command' }, el('span', { class: 'muted' }, 'To repeat it'), el('code', { tabindex: 0 }, command), copy);
}

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    announce('Copied');
  } catch {
    announce('The browser does not let this page copy; select the command instead');
  }
}

export function summary({ run, report }) {
  const tiles = (TILES[run.command] ?? allocationTiles)(run).filter(Boolean);
  const layers = run.layers.length > 0 ? `${run.layers.length} layers` : null;
  const widths = run.document.budget && run.entries[0]
    ? `${bits(Math.min(...run.entries[0].weightBits))} to ${bits(Math.max(...run.entries[0].weightBits))} weights` : null;
  return el('section', { id: 'summary', class: 'summary', 'aria-labelledby': 'summary-title' },
    el('h1', { id: 'summary-title' }, modelName(run)),
    el('p', { class: 'lead' }, [runTitle({ ...run, name: '' }), layers, widths, run.entries[0]?.weightBits.length && activations(run.document) ? `activations ${activations(run.document)}` : null].filter(Boolean).join(' · ')),
    el('dl', { class: 'tiles' }, tiles),
    run.document.command ? commandBox(run.document.command) : null,
    el('details', { class: 'behind' }, el('summary', {}, 'Everything about this run'),
      el('dl', { class: 'facts' }, facts(run, report).map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)]))));
}

/** A table of all runs of the page, if there are several. */
export function runsTable({ report }) {
  if (report.runs.length < 2) return null;
  return {
    columns: [{ name: 'result' }, { name: 'command' }, { name: 'network' }, { name: 'asked' },
      { name: 'bytes', numeric: true, format: whole }, { name: 'kept' }],
    rows: report.runs.map((run) => {
      const evaluation = run.document.evaluation;
      const measure = measuresIn([evaluation])[0];
      return [baseName(run.name), run.command, modelName(run), run.document.budget ?? '',
        run.document.allocations || run.document.networks ? run.entries[0]?.bytes : null,
        measure ? `${measureNamed(measure.key).text} ${measure.format(evaluation[measure.key])}` : ''];
    }),
  };
}
