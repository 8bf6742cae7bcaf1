// Distribution of a layer's weights or activations, with the range of its quantizer.

import { el, select } from '../dom.js';
import { count, number, percent, whole } from '../format.js';
import { FONT, grid, tip, tooltip, valueAxis } from '../chart_parts.js';
import { figure } from '../figure.js';
import { holds } from '../store.js';
import { colours } from '../theme.js';

export function histogramSection(context) {
  const { run, store } = context;
  const rows = (run.document.histograms ?? []).filter((row) => row.counts?.length > 0 && row.edges?.length === row.counts.length + 1);
  if (rows.length === 0) return [];
  const current = () => rows[store.state.histogram] ?? rows[0];
  const label = (row) => `${row.layer} · ${row.kind}`;
  const chooser = select('Layer', [], '', (value) => store.set({ histogram: Number(value) }));
  const list = chooser.lastChild;
  const fill = () => {
    const shown = rows.map((row, i) => [row, i]).filter(([row]) => holds(label(row), store.state.filter));
    list.replaceChildren(...shown.map(([row, i]) => el('option', { value: i }, label(row))));
    if (shown.length > 0 && !shown.some(([, i]) => i === store.state.histogram)) store.set({ histogram: shown[0][1] });
    list.value = String(store.state.histogram);
  };
  const log = el('label', { class: 'control' }, el('input', { type: 'checkbox', onchange: (event) => store.set({ histogramLog: event.target.checked }) }), el('span', {}, 'logarithmic'));
  fill();
  store.on(['filter'], fill);

  const outside = (row) => {
    const total = row.counts.reduce((sum, x) => sum + x, 0);
    const beyond = row.counts.reduce((sum, x, i) => sum + ((row.edges[i] + row.edges[i + 1]) / 2 < row.low || (row.edges[i] + row.edges[i + 1]) / 2 > row.high ? x : 0), 0);
    return total > 0 ? beyond / total : 0;
  };
  const bars = (row) => row.counts.map((value, i) => [row.edges[i], row.edges[i + 1], value]);
  function option() {
    const row = current();
    const { accent, muted } = colours();
    const logarithmic = store.state.histogramLog;
    return {
      tooltip: tooltip(({ dataIndex: i }) => tip(label(row), [['from', number(row.edges[i])], ['to', number(row.edges[i + 1])], ['values', whole(row.counts[i])]])),
      grid: grid({ left: 66, right: 18, top: 28, bottom: 32 }),
      xAxis: valueAxis('', { min: row.edges[0], max: row.edges.at(-1), splitLine: { show: false }, axisLabel: { formatter: (value) => number(value, 3) } }),
      yAxis: valueAxis('values', { type: logarithmic ? 'log' : 'value', min: logarithmic ? 0.5 : 0, nameGap: 50, axisLabel: { formatter: (value) => (value < 1 ? (value === 0 ? '0' : '') : count(value)) } }),
      series: [{
        type: 'custom',
        encode: { x: [0, 1], y: 2 },
        data: bars(row),
        renderItem: (parameters, api) => {
          const base = api.coord([0, logarithmic ? 0.5 : 0])[1];
          const [x, y] = api.coord([api.value(0), Math.max(api.value(2), logarithmic ? 0.5 : 0)]);
          const right = api.coord([api.value(1), 0])[0];
          return { type: 'rect', shape: { x, y, width: Math.max(1, right - x - 0.6), height: base - y }, style: { fill: accent } };
        },
        markArea: {
          silent: true, itemStyle: { color: `${accent}1f` },
          data: [[{ xAxis: row.low, name: 'range' }, { xAxis: row.high }]],
          label: { color: muted, fontFamily: FONT, fontSize: 11.5, position: 'top', distance: 4 },
        },
      }],
    };
  }
  return [figure({
    id: 'histogram',
    title: 'Distributions and ranges',
    lead: 'Histogram of a layer’s values. The shaded area is the range of its quantizer (for weights, of the widest channel); values outside are clipped.',
    controls: [chooser, log],
    height: () => 280,
    option,
    table: () => ({
      columns: [{ name: 'from', numeric: true, format: number }, { name: 'to', numeric: true, format: number }, { name: 'values', numeric: true, format: whole }],
      rows: bars(current()),
    }),
    full: () => ({
      columns: ['layer', 'kind', 'from', 'to', 'values', 'low', 'high'].map((name) => ({ name })),
      rows: rows.flatMap((row) => bars(row).map((bar) => [row.layer, row.kind, ...bar, row.low, row.high])),
    }),
    points: () => current().counts.map((value, index) => ({ series: 0, index, text: `${number(current().edges[index], 3)} to ${number(current().edges[index + 1], 3)}: ${whole(value)} values` })),
    summary: () => `${label(current())}: range ${number(current().low, 3)} to ${number(current().high, 3)}, ${percent(outside(current()))} of the values outside.`,
  }, { ...context, depends: ['histogram', 'histogramLog'] })];
}
