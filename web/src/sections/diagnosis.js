// Where a quantized network loses accuracy: signal-to-noise ratio before and after the method per layer and per block,
// with the worst layers and advice.

import { el } from '../dom.js';
import { bits, number, percent } from '../format.js';
import { grid, labelSpace, legend, nameAxis, tip, tooltip, valueAxis, zoom, zoomSpace } from '../chart_parts.js';
import { figure } from '../figure.js';
import { holds } from '../store.js';
import { colours } from '../theme.js';

const OFFENDERS = 5;
const decibels = (value) => (Number.isFinite(value) ? `${number(value, 3)} dB` : undefined);
const known = (rows) => (rows ?? []).filter((row) => Number.isFinite(row.snr_after_db) || Number.isFinite(row.snr_before_db));
const last = (row) => row.snr_after_db ?? row.snr_before_db;

/** Further columns of a layer's diagnosis; columns without any number are omitted. */
const DETAILS = [
  { key: 'weight_bits', name: 'bits', format: bits },
  { key: 'weight_snr_db', name: 'of its weights only (dB)', format: (x) => number(x, 4) },
  { key: 'input_snr_db', name: 'of its input only (dB)', format: (x) => number(x, 4) },
  { key: 'gain_db', name: 'output gains if float (dB)', format: (x) => number(x, 3) },
  { key: 'channel_spread', name: 'spread of channels', format: (x) => number(x, 3) },
  { key: 'peak_to_rms', name: 'peak to root mean square', format: (x) => number(x, 3) },
  { key: 'clipped_share', name: 'clipped', format: (x) => percent(x, 3) },
];

/** The worst layers: by the gain of the output if they were float, else by their own ratio. */
function offendersOf(rows) {
  const gains = rows.filter((row) => Number.isFinite(row.gain_db));
  const sorted = gains.length > 0 ? gains.sort((a, b) => b.gain_db - a.gain_db) : [...rows].sort((a, b) => last(a) - last(b));
  return sorted.slice(0, OFFENDERS);
}

function adviceList(advice) {
  if (advice.length === 0) return null;
  return el('div', {}, el('h4', {}, 'What to do'), el('ol', { class: 'advice' }, advice.map((row) => el('li', {},
    el('strong', {}, row.layer || 'The network'), ': ', row.finding, row.remedy ? el('span', { class: 'remedy' }, row.remedy) : null))));
}

function offenderList(worst) {
  return el('div', {}, el('h4', {}, 'Top offenders'), el('ol', { class: 'offenders' }, worst.map((row) => el('li', {},
    el('strong', {}, row.name), ` ${decibels(last(row)) ?? ''}`,
    Number.isFinite(row.gain_db) ? el('span', { class: 'muted' }, ` output gains ${decibels(row.gain_db)} if it were float`) : null))));
}

/**
 ** Bars for after, dashes for before.
 * @param spec {id, title, lead, rows: [{name, snr_before_db, snr_after_db}], marked: rows in red, details, below, text(row): searched}
 */
function ratioFigure({ id, title, lead, rows, marked, details, below, text }, context) {
  const shown = () => rows.filter((row) => holds(text(row), context.store.state.filter));
  const names = () => shown().map((row) => row.name);
  const extra = details.filter(({ key }) => rows.some((row) => Number.isFinite(row[key])));
  const describe = (row) => tip(row.name, [['before', decibels(row.snr_before_db)], ['after', decibels(row.snr_after_db)],
    ...extra.map(({ key, name, format }) => [name, Number.isFinite(row[key]) ? format(row[key]) : null])]);
  const lowest = rows.reduce((best, row) => (last(row) < last(best) ? row : best));
  return figure({
    id, title, lead, below,
    height: () => 240 + labelSpace(names()) + zoomSpace(names()),
    option: () => ({
      legend: legend(['after', 'before']),
      tooltip: tooltip((parts) => describe(shown()[parts[0].dataIndex]), 'axis'),
      grid: grid({ left: 56, right: 12, top: 34, bottom: labelSpace(names()) + zoomSpace(names()) }),
      xAxis: nameAxis(names()),
      yAxis: valueAxis('dB', { nameGap: 36 }),
      dataZoom: zoom(names()),
      series: [
        {
          name: 'after', type: 'bar', barCategoryGap: '25%', itemStyle: { color: colours().accent },
          data: shown().map((row) => ({ value: row.snr_after_db ?? null, itemStyle: marked.includes(row) ? { color: colours().series[5] } : undefined })),
        },
        {
          name: 'before', type: 'scatter', symbol: 'rect', symbolSize: [Math.max(4, Math.min(20, 600 / Math.max(1, shown().length))), 3], z: 5,
          itemStyle: { color: colours().text }, data: shown().map((row) => row.snr_before_db ?? null),
        },
      ],
    }),
    table: () => ({
      columns: [{ name: 'name' }, { name: 'before (dB)', numeric: true, format: (x) => number(x, 4) }, { name: 'after (dB)', numeric: true, format: (x) => number(x, 4) },
        ...extra.map(({ name, format }) => ({ name, numeric: true, format }))],
      rows: shown().map((row) => [row.name, row.snr_before_db, row.snr_after_db, ...extra.map(({ key }) => row[key])]),
    }),
    points: () => shown().map((row, index) => ({
      series: 0, index, text: `${row.name}: before ${decibels(row.snr_before_db) ?? 'unknown'}, after ${decibels(row.snr_after_db) ?? 'unknown'}`,
    })),
    summary: () => `Lowest is ${lowest.name} with ${decibels(last(lowest))}.`,
  }, { ...context, depends: ['filter'] });
}

function layerFigure(context, diagnosis) {
  const rows = known(diagnosis.layers);
  const worst = rows.length > 0 ? offendersOf(rows) : [];
  if (rows.length === 0) return null;
  return ratioFigure({
    id: 'diagnosis',
    title: 'Signal-to-noise per layer',
    lead: 'Ratio of a layer’s output to its quantization noise, with weights rounded to nearest (before) and in the result (after). Ten decibels are a factor of ten in power; the worst layers are red.',
    rows, marked: worst, details: DETAILS, text: (row) => `${row.name} ${row.op_type ?? ''} ${row.block ?? ''}`,
    below: el('div', { class: 'below' }, offenderList(worst), adviceList(diagnosis.advice ?? [])),
  }, context);
}

function blockFigure(context, rows) {
  if (rows.length === 0) return null;
  return ratioFigure({
    id: 'diagnosis-blocks',
    title: 'Signal-to-noise per block',
    lead: 'The same for each block’s output.',
    rows, marked: offendersOf(rows).slice(0, 1), details: [], text: (row) => `${row.name} ${(row.layers ?? []).join(' ')}`, below: null,
  }, context);
}

export function diagnosisSection(context) {
  const { diagnosis, reconstruction } = context.run.document;
  const fromDiagnosis = known(diagnosis?.blocks);
  return [
    diagnosis ? layerFigure(context, diagnosis) : null,
    blockFigure(context, fromDiagnosis.length > 0 ? fromDiagnosis : known(reconstruction?.blocks)),
  ].filter(Boolean);
}
