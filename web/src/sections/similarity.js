// The orthogonality matrix with the layers' names.

import { el, select } from '../dom.js';
import { number } from '../format.js';
import { tip } from '../chart_parts.js';
import { figure } from '../figure.js';
import { cellCursor, matrixOption, rampLegend, scale } from '../matrix.js';

export function similaritySection(context) {
  const { run: { document }, layers, store, selected } = context;
  const orm = document.orm;
  if (!Array.isArray(orm) || orm.length !== layers.length || layers.length < 2) return [];
  const names = layers.map((layer) => layer.name);
  let low = 1;
  orm.forEach((row) => row.forEach((value) => { if (Number.isFinite(value)) low = Math.min(low, value); }));
  const share = scale(low, 1, false);
  const ramp = rampLegend(number(low, 2), '1', { name: 'similarity' });
  const matrix = () => {
    const list = selected();
    const shown = list.map((i) => names[i]);
    return { rows: list, columns: list, rowNames: shown, columnNames: shown, value: (i, j) => orm[i][j], share };
  };
  const describe = (i, j) => ({
    tip: tip(`${names[i]}  ×  ${names[j]}`, [['similarity', number(orm[i][j], 4)]]),
    text: `${names[i]} and ${names[j]}: ${number(orm[i][j], 3)}`,
  });
  const mostAlike = (i) => orm[i].reduce((best, value, j) => (j !== i && (best < 0 || value > orm[i][best]) ? j : best), -1);
  const compareWith = () => Math.min(store.state.layer, layers.length - 1);
  const chooser = select('Table compares with', names.map((text, i) => ({ value: String(i), text })), '0', (value) => store.set({ layer: Number(value) }));
  store.on(['layer'], () => { chooser.lastChild.value = String(compareWith()); });

  const optional = (key) => (Array.isArray(document[key]) && document[key].length === layers.length ? document[key] : null);
  const columns = ['gamma', 'theta', 'coefficients'].map((key) => [key, optional(key)]).filter(([, values]) => values);
  const table = () => ({
    columns: [{ name: 'layer' }, { name: `similarity to ${names[compareWith()]}`, numeric: true, format: number },
      { name: 'most similar' }, { name: 'its similarity', numeric: true, format: number },
      ...columns.map(([name]) => ({ name, numeric: true, format: number }))],
    rows: selected().map((i) => {
      const alike = mostAlike(i);
      return [names[i], orm[i][compareWith()], names[alike], orm[i][alike], ...columns.map(([, values]) => values[i])];
    }),
  });
  const full = () => ({
    columns: [{ name: 'layer' }, ...columns.map(([name]) => ({ name })), ...names.map((name) => ({ name }))],
    rows: names.map((name, i) => [name, ...columns.map(([, values]) => values[i]), ...orm[i]]),
  });

  return [figure({
    id: 'similarity',
    title: 'Orthogonality matrix',
    lead: 'Similarity of the features of two layers: 0 is orthogonal, 1 is the same. The paper’s method gives more bits to layers that are similar to no other.',
    controls: [chooser, el('span', { class: 'grow' }), ramp.node],
    height: () => Math.max(300, Math.min(680, 130 + 15 * selected().length)),
    option: () => { ramp.paintBar(); return matrixOption(matrix()); },
    attach: cellCursor(matrix, describe, (i, j) => store.set({ layer: j })),
    table,
    full,
    summary: () => `${selected().length} layers, similarities from ${number(low, 2)} to 1.`,
  }, { ...context, depends: ['filter', 'layer'] })];
}
