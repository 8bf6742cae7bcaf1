// Training curves; curves with the same unit share a chart.

import { number } from '../format.js';
import { grid, legend, seriesStyle, tip, tooltip, valueAxis } from '../chart_parts.js';
import { figure } from '../figure.js';

/** Thins out a long curve for the screen; the first and last point are kept. */
function thin(points, most = 1200) {
  if (points.length <= most) return points;
  const step = Math.ceil(points.length / most);
  return points.filter((_, i) => i % step === 0 || i === points.length - 1);
}

/** The values that `finetune` records per epoch: [member, name, unit]. */
const EPOCH_CURVES = [
  ['train_loss', 'training', 'loss'],
  ['validation_loss', 'validation', 'loss'],
  ['train_accuracy', 'training', 'top-1'],
  ['validation_top1', 'validation', 'top-1'],
  ['validation_agreement', 'agreement with the float network', 'top-1'],
  ['learning_rate', 'learning rate', 'rate'],
];

function epochCurves(epochs) {
  return EPOCH_CURVES.map(([member, name, unit]) => {
    const rows = epochs.filter((epoch) => Number.isFinite(epoch[member]));
    return { name, unit, x: rows.map((epoch) => epoch.epoch), y: rows.map((epoch) => epoch[member]) };
  });
}

export function curvesSection(context) {
  const { epochs = [] } = context.run.document;
  const curves = epochCurves(epochs).filter((curve) => curve.y.length > 0);
  const units = [...new Set(curves.map((curve) => curve.unit))];
  return units.map((unit, which) => {
    const parts = curves.filter((curve) => curve.unit === unit)
      .map((curve) => ({ name: curve.name, points: thin(curve.x.map((x, i) => [x, curve.y[i]])) }));
    const positive = parts.flatMap((part) => part.points.map(([, y]) => y)).filter(Number.isFinite);
    const [low, high] = positive.reduce(([a, b], y) => [Math.min(a, y), Math.max(b, y)], [Infinity, -Infinity]);
    const log = low > 0 && high / low > 100;
    return figure({
      id: which === 0 ? 'curves' : `curves-${which + 1}`,
      title: `Over time: ${unit}`,
      lead: parts.length === 1 ? parts[0].name : `${parts.length} curves.`,
      height: () => 320,
      option: () => ({
        legend: legend(parts.map((part) => part.name)),
        tooltip: tooltip((shown) => tip(`at ${number(shown[0].value[0], 6)}`, shown.map((part) => [part.seriesName, number(part.value[1], 5)])), 'axis'),
        grid: grid({ left: 66, right: 22, top: 40, bottom: 30 }),
        xAxis: valueAxis('', { splitLine: { show: false } }),
        yAxis: valueAxis(unit, { scale: true, type: log ? 'log' : 'value', nameGap: 50, axisLabel: { formatter: (value) => number(value, 3) } }),
        series: parts.map((part, i) => ({
          name: part.name, type: 'line', showSymbol: part.points.length < 40, symbolSize: 6, data: part.points,
          lineStyle: { width: 1.8, type: seriesStyle(i).dash }, itemStyle: { color: seriesStyle(i).color },
        })),
      }),
      table: () => ({
        columns: [{ name: 'curve' }, { name: 'x', numeric: true, format: (x) => number(x, 6) }, { name: unit, numeric: true, format: (x) => number(x, 5) }],
        rows: parts.flatMap((part) => part.points.map(([x, y]) => [part.name, x, y])),
      }),
      points: () => parts.flatMap((part, series) => part.points.map(([x, y], index) => ({ series, index, text: `${part.name} at ${number(x, 5)}: ${number(y, 4)}` }))),
      summary: () => parts.map((part) => `${part.name} from ${number(part.points[0][1], 4)} to ${number(part.points.at(-1)[1], 4)}`).join(', ') + '.',
    }, context);
  });
}
