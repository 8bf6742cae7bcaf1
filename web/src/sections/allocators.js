// Allocators side by side: over all budgets from `compare`, at one budget from `search` and `quantize`.

import { el, select } from '../dom.js';
import { bytes, number, percent, seconds, whole } from '../format.js';
import { grid, legend, nameAxis, rule, seriesStyle, tip, tooltip, valueAxis } from '../chart_parts.js';
import { figure } from '../figure.js';
import { axisName, axisValue, measureNamed, measuresIn } from '../measures.js';
import { sameModel } from '../runs.js';
import { colours } from '../theme.js';

export function comparisonSections(context) {
  return sameModel(context.report, context.run).filter((run) => run.command === 'compare')
    .flatMap((run, i) => [overBudgets(context, run, i), correlations(context, run, i)]).filter(Boolean);
}

function overBudgets(context, run, which) {
  const { store } = context;
  const { document, entries } = run;
  const budgets = document.budgets ?? [];
  const allocators = document.allocators ?? [];
  const measures = measuresIn(entries.map((entry) => entry.evaluation));
  if (measures.length === 0 || budgets.length === 0) return null;
  const stateKey = `compareMeasure${which}`;
  store.set({ [stateKey]: measures[0].key });
  const measure = () => measureNamed(store.state[stateKey]);
  const at = new Map(entries.map((entry) => [JSON.stringify([entry.label, entry.budget]), entry]));
  const entryAt = (allocator, budget) => at.get(JSON.stringify([allocator, budget]));
  const value = (allocator, budget) => entryAt(allocator, budget)?.evaluation?.[measure().key];
  const mean = (allocator) => {
    const all = budgets.map((budget) => value(allocator, budget));
    return all.every(Number.isFinite) ? all.reduce((sum, x) => sum + x, 0) / all.length : null;
  };
  const ranked = () => allocators.filter((name) => mean(name) !== null).sort((a, b) => measure().better * (mean(b) - mean(a)));
  const float = () => document.float_evaluation?.[measure().key];
  const describe = (allocator, budget) => {
    const entry = entryAt(allocator, budget);
    return tip(allocator, [['budget', budget], [measure().text, measure().format(entry?.evaluation?.[measure().key])],
      ['file', bytes(entry?.bytes)], ['bits a weight', number(entry?.averageBits, 4)], ['seconds', seconds(entry?.seconds)]]);
  };
  const option = () => ({
    legend: legend(allocators),
    tooltip: tooltip((event) => describe(allocators[event.seriesIndex], budgets[event.dataIndex])),
    grid: grid({ left: 62, right: 22, top: 44, bottom: 34 }),
    xAxis: nameAxis(budgets, { boundaryGap: budgets.length < 2 }),
    yAxis: valueAxis(axisName(measure()), { scale: true, nameGap: 46 }),
    series: allocators.map((allocator, i) => {
      const style = seriesStyle(i);
      return {
        name: allocator, type: 'line', symbol: style.symbol, symbolSize: 8, z: i === 0 ? 9 : 3,
        lineStyle: { width: i === 0 ? 3.2 : 1.6, type: style.dash }, itemStyle: { color: style.color },
        emphasis: { focus: 'series' },
        data: budgets.map((budget) => { const x = value(allocator, budget); return Number.isFinite(x) ? axisValue(measure(), x) : null; }),
        markLine: i === 0 && Number.isFinite(float()) ? rule(axisValue(measure(), float()), `float ${measure().format(float())}`) : undefined,
      };
    }),
  });
  const table = () => ({
    columns: [{ name: 'allocator' }, ...budgets.map((name) => ({ name, numeric: true, format: measure().format })), { name: 'mean', numeric: true, format: measure().format }],
    rows: allocators.map((name) => [name, ...budgets.map((budget) => value(name, budget) ?? (entryAt(name, budget)?.refused ? 'refused' : null)), mean(name)]),
  });
  const full = () => ({
    columns: ['budget', 'allocator', ...measures.map(({ key }) => key), 'samples', 'bytes', 'average_bits', 'gbops', 'seconds', 'weight_bits', 'refused'].map((name) => ({ name })),
    rows: entries.map((entry) => [entry.budget, entry.label, ...measures.map(({ key }) => entry.evaluation?.[key]), entry.evaluation?.samples,
      entry.bytes, entry.averageBits, entry.gbops, entry.seconds, entry.weightBits.join(' '), entry.refused]),
  });
  const refused = entries.filter((entry) => entry.refused);
  return figure({
    id: which === 0 ? 'compare' : `compare-${which + 1}`,
    title: 'Allocators over budgets',
    lead: `The quality of each allocator's networks, ${measures[0].key === 'top1' ? 'on labelled samples' : 'compared with the float network'}, on ${whole(document.evaluated_on?.count)} held-out samples.`,
    controls: measures.length > 1 ? [select('Measure', measures.map(({ key, text }) => ({ value: key, text })), measures[0].key, (key) => store.set({ [stateKey]: key }))] : [],
    height: () => 410,
    option,
    table,
    full,
    tableNote: () => (refused.length > 0 ? el('ul', { class: 'muted' }, refused.map((entry) => el('li', {}, `${entry.label} at ${entry.budget}: ${entry.refused}`))) : null),
    points: () => allocators.flatMap((allocator, series) => budgets.map((budget, index) => ({
      series, index, text: `${allocator} at ${budget}: ${measure().text} ${measure().format(value(allocator, budget))}`,
    }))).filter(({ series, index }) => Number.isFinite(value(allocators[series], budgets[index]))),
    summary: () => (ranked().length > 0 ? `On average ${ranked()[0]} is best: ${measure().format(mean(ranked()[0]))}.` : ''),
  }, { ...context, depends: [stateKey] });
}

function correlations(context, run, which) {
  const rows = (run.document.rank_correlation ?? []).filter((row) => Number.isFinite(row.accuracy) || Number.isFinite(row.divergence));
  if (rows.length === 0) return null;
  const labelled = rows.some((row) => Number.isFinite(row.accuracy));
  const kinds = [labelled ? ['accuracy', 'with top-1'] : null, ['divergence', 'with divergence']].filter(Boolean);
  const sorted = [...rows].sort((a, b) => (a[kinds[0][0]] ?? -2) - (b[kinds[0][0]] ?? -2));
  return figure({
    id: which === 0 ? 'correlation' : `correlation-${which + 1}`,
    title: 'How well each metric predicts',
    lead: `Rank correlation of the loss that a metric predicts with the measured one, over ${whole(run.document.random_allocations)} random allocations per budget. 1: the same order; 0: no relation.`,
    height: () => 70 + 26 * rows.length * (kinds.length > 1 ? 1.3 : 1),
    option: () => ({
      legend: kinds.length > 1 ? legend(kinds.map(([, text]) => text)) : undefined,
      tooltip: tooltip((parts) => tip(sorted[parts[0].dataIndex].metric, kinds.map(([key, text]) => [text, number(sorted[parts[0].dataIndex][key], 3)])), 'axis'),
      grid: grid({ left: 120, right: 24, top: kinds.length > 1 ? 34 : 8, bottom: 26 }),
      xAxis: valueAxis('', { min: (range) => Math.min(0, Math.floor(range.min * 5) / 5), max: 1 }),
      yAxis: nameAxis(sorted.map((row) => row.metric), { axisLabel: { rotate: 0 } }),
      series: kinds.map(([key, text], i) => ({ name: text, type: 'bar', barMaxWidth: 11, itemStyle: { color: colours().series[i] }, data: sorted.map((row) => row[key] ?? null) })),
    }),
    table: () => ({
      columns: [{ name: 'metric' }, { name: 'with top-1', numeric: true, format: number }, { name: 'with divergence', numeric: true, format: number }],
      rows: rows.map((row) => [row.metric, row.accuracy, row.divergence]),
    }),
    points: () => sorted.map((row, index) => ({ series: 0, index, text: `${row.metric}: ${kinds.map(([key, text]) => `${text} ${number(row[key], 2)}`).join(', ')}` })).reverse(),
    summary: () => `${sorted.at(-1).metric} predicts best.`,
  }, context);
}

/** The chosen allocation and others for the same budget. */
export function besideSection(context) {
  const { run } = context;
  const entries = run.entries.filter((entry) => !entry.refused);
  if (['compare', 'sweep'].includes(run.command) || run.entries.length < 2 || entries.length === 0) return [];
  const [measure] = measuresIn(entries.map((entry) => entry.evaluation));
  const lossName = run.document.losses?.[0]?.metric ?? 'predicted loss';
  const number_of = (entry) => (measure ? axisValue(measure, entry.evaluation?.[measure.key]) : entry.loss);
  const drawn = entries.filter((entry) => Number.isFinite(number_of(entry))).reverse();
  const shown = (entry) => (measure ? measure.format(entry.evaluation[measure.key]) : number(entry.loss));
  const float = measure ? run.document.float_evaluation?.[measure.key] : undefined;
  const table = () => ({
    columns: [{ name: 'allocation' }, { name: 'bits a weight', numeric: true, format: (x) => number(x, 4) }, { name: 'bytes', numeric: true, format: whole },
      { name: 'billion bit operations', numeric: true, format: (x) => number(x, 4) }, { name: lossName, numeric: true, format: number },
      { name: 'top-1', numeric: true, format: percent }, { name: 'agreement', numeric: true, format: percent }, { name: 'divergence', numeric: true, format: number },
      { name: 'solver' }, { name: 'refused' }],
    rows: run.entries.map((entry) => [entry.label, entry.averageBits, entry.bytes, entry.gbops, entry.loss, entry.evaluation?.top1,
      entry.evaluation?.agreement, entry.evaluation?.divergence, entry.solver ? `${entry.solver.name}, ${entry.solver.status}` : '', entry.refused]),
  });
  if (drawn.length === 0) return [];
  return [figure({
    id: 'beside',
    title: 'Compared with other allocations',
    lead: `${entries[0].label} and other allocators for the same budget: ${measure ? measure.text : `${lossName}, predicted; less is better`}.`,
    height: () => 70 + 30 * drawn.length,
    option: () => ({
      tooltip: tooltip((parts) => {
        const entry = drawn[parts[0].dataIndex];
        return tip(entry.label, [[measure ? measure.text : lossName, shown(entry)], ['file', bytes(entry.bytes)], ['bits a weight', number(entry.averageBits, 4)]]);
      }, 'axis'),
      grid: grid({ left: 120, right: 40, top: 28, bottom: 30 }),
      xAxis: valueAxis('', { scale: true, axisLabel: { formatter: (value) => number(value, 4) } }),
      yAxis: nameAxis(drawn.map((entry) => entry.label), { axisLabel: { rotate: 0 } }),
      series: [{
        type: 'scatter', symbolSize: 12,
        label: { show: true, position: 'left', distance: 8, color: colours().text, backgroundColor: colours().surface, formatter: ({ dataIndex }) => shown(drawn[dataIndex]) },
        data: drawn.map((entry, i) => ({ value: [number_of(entry), i], itemStyle: { color: entry.chosen ? colours().accent : colours().muted, opacity: 1 } })),
        markLine: Number.isFinite(float) ? rule(axisValue(measure, float), `float ${measure.format(float)}`, 'xAxis') : undefined,
      }],
    }),
    table,
    points: () => drawn.map((entry, index) => ({ series: 0, index, text: `${entry.label}: ${shown(entry)}` })).reverse(),
    summary: () => drawn.map((entry) => `${entry.label} ${shown(entry)}`).reverse().join(', ') + '.',
  }, context)];
}
