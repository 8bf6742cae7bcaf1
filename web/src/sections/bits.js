// Bits per layer, above the number of weights per layer.

import { el, select } from '../dom.js';
import { bits, bytes, count, number, percent, whole } from '../format.js';
import { grid, labelSpace, legend, nameAxis, tip, tooltip, valueAxis, zoom, zoomSpace } from '../chart_parts.js';
import { figure } from '../figure.js';
import { bitColour, colours } from '../theme.js';

/** "auto (r20.json)": a name for an allocation in lists. */
export function entryTitle(entry) {
  return [entry.label, entry.budget ? `at ${entry.budget}` : '', entry.chosen ? '(chosen)' : '',
    Number.isFinite(entry.bytes) ? `, ${bytes(entry.bytes)}` : ''].filter(Boolean).join(' ').replace(' ,', ',');
}

/** [[width, layers, weights]] from the smallest width to the largest. */
export function widthCounts(weightBits, layers) {
  const counts = new Map();
  weightBits.forEach((width, i) => {
    const row = counts.get(width) ?? [width, 0, 0];
    counts.set(width, [width, row[1] + 1, row[2] + (layers[i]?.weights ?? 0)]);
  });
  return [...counts.values()].sort((a, b) => a[0] - b[0]);
}

/** Chips such as "3 bit · 12 layers · 64 % of the weights". */
export function widthChips(weightBits, layers) {
  const counts = widthCounts(weightBits, layers);
  const all = counts.reduce((sum, row) => sum + row[2], 0);
  return el('ul', { class: 'chips' }, counts.map(([width, number_of, weights]) => el('li', {},
    el('i', { style: `background: ${bitColour(width)}` }),
    `${bits(width)} · ${whole(number_of)} ${number_of === 1 ? 'layer' : 'layers'}${all > 0 ? ` · ${weights > 0 && weights < all / 100 ? 'less than 1 %' : percent(weights / all, 0)} of the weights` : ''}`)));
}

export function bitsSection(context) {
  const { layers, store, selected, allocations } = context;
  const usable = allocations.filter((entry) => entry.weightBits.length === layers.length && layers.length > 0);
  if (usable.length === 0) return [];
  const shownEntry = () => (usable.includes(store.state.allocation) ? store.state.allocation : usable[0]);
  const other = () => usable[store.state.beside] ?? null;
  const names = () => selected().map((i) => layers[i].name);
  const options = usable.map((entry, i) => ({ value: String(i), text: entryTitle(entry) }));
  const chooser = select('Allocation', options, '0', (value) => store.set({ allocation: usable[Number(value)] }));
  const beside = select('compare with', [{ value: '-1', text: 'nothing' }, ...options], '-1', (value) => store.set({ beside: Number(value) }));
  const below = el('div', { class: 'below' });
  const showChips = () => {
    chooser.lastChild.value = String(usable.indexOf(shownEntry()));
    below.replaceChildren(widthChips(shownEntry().weightBits, layers));
  };
  showChips();
  store.on(['allocation', 'colours'], showChips);

  const describe = (i) => tip(layers[i].name, [
    ['bits', bits(shownEntry().weightBits[i])],
    [other()?.label, other() ? bits(other().weightBits[i]) : null],
    ['weights', whole(layers[i].weights)],
    ['multiply-accumulates', count(layers[i].macs)],
    ['operator', layers[i].op_type],
    ['output', layers[i].output_shape],
    ['follows', layers[i].tied_to],
  ]);
  const height = (width) => Math.min(width, 9);  // float would be much larger than the rest

  function option() {
    const { accent, series } = colours();
    const list = selected();
    const entry = shownEntry();
    const besideSeries = other() ? [{
      name: other().label, type: 'scatter', symbol: 'rect', symbolSize: [Math.max(4, Math.min(22, 700 / list.length)), 3], z: 5,
      itemStyle: { color: series[1] }, data: list.map((i) => height(other().weightBits[i])),
    }] : [];
    return {
      ...(other() ? { legend: { ...legend([other().label]), right: 8, left: null } } : {}),
      tooltip: tooltip((parts) => describe(list[(Array.isArray(parts) ? parts[0] : parts).dataIndex]), 'axis'),
      axisPointer: { link: [{ xAxisIndex: 'all' }] },
      grid: [grid({ left: 62, right: 12, top: 26, height: 150 }), grid({ left: 62, right: 12, top: 194, height: 84 })],
      xAxis: [
        { ...nameAxis(names()), gridIndex: 0, axisLabel: { show: false } },
        { ...nameAxis(names()), gridIndex: 1, position: 'bottom' },
      ],
      yAxis: [
        valueAxis('bits', { gridIndex: 0, min: 0, max: Math.max(8, ...list.map((i) => height(entry.weightBits[i]))), interval: 2, nameGap: 40 }),
        valueAxis('weights', { gridIndex: 1, type: 'log', min: 1, inverse: true, nameGap: 46, axisLabel: { formatter: (value) => (value === 1 ? '' : count(value)) }, splitNumber: 3 }),
      ],
      dataZoom: zoom(list, [0, 1]),
      series: [
        { name: 'bits', type: 'bar', barCategoryGap: '18%', data: list.map((i) => ({ value: height(entry.weightBits[i]), itemStyle: { color: bitColour(entry.weightBits[i]) } })) },
        ...besideSeries,
        { name: 'weights', type: 'bar', xAxisIndex: 1, yAxisIndex: 1, barCategoryGap: '18%', itemStyle: { color: accent, opacity: 0.45 }, data: list.map((i) => Math.max(1, layers[i].weights ?? 1)) },
      ],
    };
  }

  const table = () => ({
    columns: [{ name: 'layer' }, { name: 'operator' }, { name: 'block' }, { name: 'bits', numeric: true, format: (x) => (x > 8 ? 'float' : String(x)) },
      ...usable.filter((entry) => entry !== shownEntry()).slice(0, 6).map((entry) => ({ name: entryTitle(entry), numeric: true })),
      { name: 'weights', numeric: true, format: whole }, { name: 'multiply-accumulates', numeric: true, format: whole }, { name: 'follows' }],
    rows: selected().map((i) => [layers[i].name, layers[i].op_type, layers[i].block, shownEntry().weightBits[i],
      ...usable.filter((entry) => entry !== shownEntry()).slice(0, 6).map((entry) => entry.weightBits[i]),
      layers[i].weights, layers[i].macs, layers[i].tied_to]),
  });

  return [figure({
    id: 'bits',
    title: 'Bits per layer',
    lead: 'Top: bits of each layer’s weights; bottom: the number of weights.',
    controls: [chooser, beside],
    below,
    height: () => 282 + labelSpace(names()) + zoomSpace(selected()),
    option,
    table,
    summary: () => widthCounts(shownEntry().weightBits, layers).map(([width, n]) => `${n} layers at ${bits(width)}`).join(', ') + `, ${number(shownEntry().averageBits, 4)} bits a weight on average.`,
    points: () => selected().map((i, index) => ({ series: 0, index, text: `${layers[i].name}: ${bits(shownEntry().weightBits[i])}, ${whole(layers[i].weights)} weights` })),
  }, { ...context, depends: ['filter', 'allocation', 'beside'] })];
}
