// The losses of each metric, per layer and width.

import { el, select } from '../dom.js';
import { bits, number } from '../format.js';
import { labelSpace, tip, zoomSpace } from '../chart_parts.js';
import { figure } from '../figure.js';
import { cellCursor, matrixOption, rampLegend, scale } from '../matrix.js';

export function sensitivitySection(context) {
  const { run: { document }, layers, store, selected } = context;
  const losses = (document.losses ?? []).filter((loss) => loss.values?.length === layers.length && loss.widths?.length > 0);
  if (losses.length === 0) return [];
  const loss = () => losses[store.state.metric] ?? losses[0];
  const legendPlace = el('span', {});
  const chooser = select('Metric', losses.map(({ metric }, i) => ({ value: String(i), text: metric })), '0', (value) => store.set({ metric: Number(value) }));

  const range = () => {
    const positive = loss().values.flat().filter((value) => Number.isFinite(value) && value > 0);
    if (positive.length === 0) return [1e-12, 1];
    return positive.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, 0]);
  };
  function matrix() {
    const list = selected();
    const [low, high] = range();
    const columns = loss().widths.map((_, i) => i);
    return {
      rows: columns.toReversed(), columns: list,
      rowNames: loss().widths.map(bits).toReversed(), columnNames: list.map((i) => layers[i].name),
      value: (width, layer) => loss().values[layer][width], share: scale(low, high, true),
    };
  }
  const describe = (width, layer) => ({
    tip: tip(layers[layer].name, [['width', bits(loss().widths[width])], [loss().metric, `${number(loss().values[layer][width])} ${loss().unit ?? ''}`]]),
    text: `${layers[layer].name} at ${bits(loss().widths[width])}: ${number(loss().values[layer][width], 3)}`,
  });
  const option = () => {
    const [low, high] = range();
    const ramp = rampLegend(number(low, 2), number(high, 2), { log: true, name: 'loss' });
    ramp.paintBar();
    legendPlace.replaceChildren(ramp.node);
    return matrixOption(matrix(), 62);
  };
  return [figure({
    id: 'sensitivity',
    title: 'Sensitivity',
    lead: 'The loss of quantizing a single layer to a width, with the rest in float. Dark cells need more bits.',
    controls: [chooser, el('span', { class: 'grow' }), legendPlace],
    height: () => { const names = matrix().columnNames; return 200 + labelSpace(names) + zoomSpace(names); },
    option,
    attach: cellCursor(matrix, describe),
    table: () => ({
      columns: [{ name: 'layer' }, ...loss().widths.map((width) => ({ name: bits(width), numeric: true, format: number }))],
      rows: selected().map((i) => [layers[i].name, ...loss().values[i]]),
    }),
    tableNote: () => el('p', { class: 'muted' }, loss().unit ? `${loss().metric}, in ${loss().unit}` : loss().metric),
    summary: () => {
      const worst = selected().reduce((best, i) => (best < 0 || loss().values[i][0] > loss().values[best][0] ? i : best), -1);
      return worst < 0 ? 'No layer is selected.' : `By ${loss().metric}, ${layers[worst].name} is the most sensitive layer at ${bits(loss().widths[0])}.`;
    },
  }, { ...context, depends: ['filter', 'metric'] })];
}
