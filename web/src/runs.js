// Converts the documents written by ompq into the data of the sections. All optional members may be missing.

import { baseName } from './format.js';

const list = (value) => (Array.isArray(value) ? value : []);

/** One document: {name, command, document, layers, entries}. Its keys are those of the present version. */
function readRun({ name, command, content }) {
  const run = {
    name,
    command,
    document: content,
    layers: list(content.layers),
  };
  run.entries = entriesOf(run);
  return run;
}

/**
 * The allocations of a document, the chosen one first, each as
 * {label, origin, weightBits, bytes, averageBits, gbops, loss, evaluation, refused, chosen}.
 */
function entriesOf({ document, command, name }) {
  if (command === 'compare') return list(document.rows).map((row) => comparisonEntry(row, name));
  if (command === 'sweep') return list(document.points).map((point, i) => sweepEntry(point, i, document, name));
  const networks = new Map();  // the chosen one first; another one of the same allocator is also named by its method
  for (const row of list(document.networks)) {
    networks.set(networks.has(row.allocator) ? `${row.allocator}, ${row.method}` : row.allocator, row);
  }
  const entries = list(document.allocations).map((row, i) => {
    const network = networks.get(row.allocator);
    networks.delete(row.allocator);
    return {
      label: allocatorOf(row),
      origin: name,
      weightBits: list(network?.weight_bits ?? row.weight_bits),
      bytes: network?.bytes_on_disk ?? row.bytes,
      averageBits: row.average_bits,
      gbops: row.gbops,
      loss: row.predicted_loss,
      solver: row.solver,
      evaluation: network?.evaluation,
      refused: row.refused,
      chosen: i === 0,
    };
  });
  for (const [label, row] of networks) {  // the bits came from a file, so there is no allocation
    entries.push({
      label: row.requested ? allocatorOf(row) : label, origin: name, weightBits: list(row.weight_bits), bytes: row.bytes_on_disk,
      averageBits: row.average_bits, gbops: row.gbops, evaluation: row.evaluation, chosen: entries.length === 0,
    });
  }
  return entries;
}

/** The allocator that was used, with the requested one if that could not be used. */
function allocatorOf(row) {
  return row.requested ? `${row.allocator} (for ${row.requested})` : row.allocator;
}

function comparisonEntry(row, origin) {
  return {
    label: row.allocator, budget: row.budget, origin, weightBits: list(row.weight_bits), bytes: row.bytes,
    averageBits: row.average_bits, gbops: row.gbops, seconds: row.seconds, evaluation: row.evaluation,
    refused: row.refused,
  };
}

function sweepEntry(point, i, document, origin) {
  const marks = [i === document.knee ? 'knee' : '', i === document.picked ? 'picked' : ''].filter(Boolean);
  return {
    label: marks.length > 0 ? `sweep, ${marks.join(', ')}` : 'sweep', origin, weightBits: list(point.weight_bits),
    bytes: point.bytes, averageBits: point.average_bits, gbops: point.gbops, loss: point.predicted_loss,
    evaluation: { divergence: point.divergence, quality: point.quality }, knee: i === document.knee, picked: i === document.picked,
  };
}

/** All documents of the page. */
export function readReport(data) {
  const runs = data.documents.map(readRun);
  return { version: data.version, runs };
}

/** The runs of the same network as `run`, with the same layer order and names. */
export function sameModel(report, run) {
  const sha = run.document.model?.sha256;
  return report.runs.filter((other) => other === run || (sha && other.document.model?.sha256 === sha));
}

/** The network's layers; a comparison does not list them, but another run of the same network may. */
export function layersFor(report, run) {
  if (run.layers.length > 0) return run.layers;
  return sameModel(report, run).map((other) => other.layers).find((layers) => layers.length > 0) ?? [];
}

export function modelName(run) {
  return baseName(run.document.model?.file) || 'network';
}

/** "quantize · 3.00 bits a weight · r20.json": identifies a run in a list. */
export function runTitle(run) {
  return [run.command, run.document.budget, baseName(run.name)].filter(Boolean).join(' · ');
}

export const totalSeconds = (document) => (
  Object.values(document.seconds ?? {}).reduce((sum, value) => sum + value, 0));
