// The result of reconstruction per block: loss before and after, iterations and time.

import { number, percent, seconds, whole } from '../format.js';
import { grid, labelSpace, legend, nameAxis, tip, tooltip, valueAxis, zoom, zoomSpace } from '../chart_parts.js';
import { figure } from '../figure.js';
import { holds } from '../store.js';
import { colours } from '../theme.js';

const left = (row) => (row.loss_before > 0 ? row.loss_after / row.loss_before : undefined);

/** A line from before to after for each block. */
function links(rows) {
  return {
    name: 'change', type: 'custom', silent: true, z: 2, data: rows.map((row, i) => [i, row.loss_before, row.loss_after]), encode: { x: 0, y: [1, 2] },
    renderItem: (_, api) => {
      const [[x1, y1], [x2, y2]] = [1, 2].map((side) => api.coord([api.value(0), api.value(side)]));
      return { type: 'line', shape: { x1, y1, x2, y2 }, style: { stroke: colours().line, lineWidth: 2 } };
    },
  };
}

export function reconstructionSection(context) {
  const unit = context.run.document.reconstruction?.unit ?? 'block';
  const rows = (context.run.document.reconstruction?.blocks ?? []).filter((row) => Number.isFinite(row.loss_before) && Number.isFinite(row.loss_after));
  if (rows.length === 0) return [];
  const shown = () => rows.filter((row) => holds(row.name, context.store.state.filter));
  const names = () => shown().map((row) => row.name);
  const log = rows.every((row) => row.loss_before > 0 && row.loss_after > 0);
  const all = rows.reduce((sum, row) => sum + (row.seconds ?? 0), 0);
  const facts = (row) => [['loss before', number(row.loss_before)], ['loss after', number(row.loss_after)], ['left', percent(left(row), 1)],
    ['iterations', whole(row.iterations)], ['seconds', seconds(row.seconds)]];
  return [figure({
    id: 'reconstruction',
    title: `Reconstruction per ${unit}`,
    lead: `Loss of each ${unit}’s rounding before and after learning. ${all > 0 ? `${seconds(all)} in total.` : ''}`,
    height: () => 260 + labelSpace(names()) + zoomSpace(names()),
    option: () => ({
      legend: legend(['before', 'after']),
      tooltip: tooltip((parts) => tip(shown()[parts[0].dataIndex].name, facts(shown()[parts[0].dataIndex])), 'axis'),
      grid: grid({ left: 66, right: 12, top: 34, bottom: labelSpace(names()) + zoomSpace(names()) }),
      xAxis: nameAxis(names()),
      yAxis: valueAxis('loss', { type: log ? 'log' : 'value', nameGap: 50, axisLabel: { formatter: (value) => number(value, 3) } }),
      dataZoom: zoom(names()),
      series: [
        { name: 'before', type: 'scatter', symbolSize: 10, itemStyle: { color: colours().muted }, data: shown().map((row) => row.loss_before) },
        { name: 'after', type: 'scatter', symbol: 'diamond', symbolSize: 12, itemStyle: { color: colours().accent }, data: shown().map((row) => row.loss_after) },
        links(shown()),
      ],
    }),
    table: () => ({
      columns: [{ name: unit }, { name: 'iterations', numeric: true, format: whole }, { name: 'seconds', numeric: true, format: (x) => number(x, 4) },
        { name: 'loss before', numeric: true, format: number }, { name: 'loss after', numeric: true, format: number }, { name: 'left', numeric: true, format: (x) => percent(x, 1) },
        { name: 'before (dB)', numeric: true, format: (x) => number(x, 4) }, { name: 'after (dB)', numeric: true, format: (x) => number(x, 4) }],
      rows: shown().map((row) => [row.name, row.iterations, row.seconds, row.loss_before, row.loss_after, left(row), row.snr_before_db, row.snr_after_db]),
    }),
    points: () => shown().map((row, index) => ({ series: 1, index, text: `${row.name}: loss ${number(row.loss_before, 3)} before, ${number(row.loss_after, 3)} after` })),
    summary: () => `${rows.length} ${unit}s.`,
  }, { ...context, depends: ['filter'] })];
}
