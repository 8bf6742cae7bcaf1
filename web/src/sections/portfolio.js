// How `auto` chose its allocation: the candidates, and the refinement of the best one.

import { number, whole } from '../format.js';
import { grid, nameAxis, tip, tooltip, valueAxis } from '../chart_parts.js';
import { figure } from '../figure.js';
import { colours } from '../theme.js';

export function portfolioSection(context) {
  const { portfolio } = context.run.document;
  if (!portfolio) return [];
  const figures = [];
  const candidates = (portfolio.candidates ?? []).filter((candidate) => Number.isFinite(candidate.divergence));
  if (candidates.length > 0) figures.push(candidateFigure(context, portfolio, candidates));
  if ((portfolio.steps ?? []).length > 1) figures.push(stepFigure(context, portfolio));
  return figures;
}

function leftOut(portfolio) {
  const parts = portfolio.left_out ?? [];
  return parts.length > 0 ? ` Left out by the time limit: ${parts.join(', ')}.` : '';
}

function candidateFigure(context, portfolio, candidates) {
  const sorted = [...candidates].sort((a, b) => b.divergence - a.divergence);
  const positive = sorted.every((candidate) => candidate.divergence > 0);
  const log = positive && sorted[0].divergence / sorted.at(-1).divergence > 20;
  return figure({
    id: 'portfolio',
    title: 'What auto tried',
    lead: `Candidates ranked by ${portfolio.measure || 'divergence'}; lower is better. Chosen: ${portfolio.winner}.${leftOut(portfolio)}`,
    height: () => 60 + 21 * sorted.length,
    option: () => ({
      tooltip: tooltip((parts) => tip(sorted[parts[0].dataIndex].origin, [['divergence', number(sorted[parts[0].dataIndex].divergence)]]), 'axis'),
      grid: grid({ left: 170, right: 64, top: 6, bottom: 30 }),
      xAxis: valueAxis('', { type: log ? 'log' : 'value', axisLabel: { formatter: (value) => number(value, 3) } }),
      yAxis: nameAxis(sorted.map((candidate) => candidate.origin), { axisLabel: { rotate: 0 } }),
      series: [{
        type: 'scatter', symbolSize: 10,
        label: { show: true, position: 'right', color: colours().muted, formatter: ({ dataIndex }) => number(sorted[dataIndex].divergence, 3) },
        data: sorted.map((candidate, i) => ({ value: [candidate.divergence, i], itemStyle: { color: candidate.origin === portfolio.winner ? colours().accent : colours().muted } })),
      }],
    }),
    table: () => ({
      columns: [{ name: 'candidate' }, { name: 'divergence', numeric: true, format: number }, { name: 'bits' }],
      rows: [...sorted].reverse().map((candidate) => [candidate.origin, candidate.divergence, (candidate.weight_bits ?? []).join(' ')]),
    }),
    points: () => sorted.map((candidate, index) => ({ series: 0, index, text: `${candidate.origin}: ${number(candidate.divergence)}` })).reverse(),
    summary: () => `${sorted.length} candidates from ${number(sorted.at(-1).divergence)} to ${number(sorted[0].divergence)}.`,
  }, context);
}

function stepFigure(context, portfolio) {
  const { steps } = portfolio;
  return figure({
    id: 'refinement',
    title: 'Refining the best',
    lead: `Swaps within the budget, ${whole(portfolio.evaluations)} passes of the network${portfolio.time_limit_struck ? '; stopped by the time limit' : ''}.`,
    height: () => 220,
    option: () => ({
      tooltip: tooltip((parts) => tip(`after ${parts[0].dataIndex} steps`, [['divergence', number(steps[parts[0].dataIndex], 5)]]), 'axis'),
      grid: grid({ left: 66, right: 22, top: 10, bottom: 44 }),
      xAxis: valueAxis('steps', { nameGap: 26, minInterval: 1, max: steps.length - 1, splitLine: { show: false } }),
      yAxis: valueAxis('divergence', { scale: true, nameGap: 50 }),
      series: [{ type: 'line', step: 'end', symbolSize: 6, showSymbol: steps.length < 60, itemStyle: { color: colours().accent }, data: steps.map((value, i) => [i, value]) }],
    }),
    table: () => ({ columns: [{ name: 'step', numeric: true }, { name: 'divergence', numeric: true, format: (x) => number(x, 6) }], rows: steps.map((value, i) => [i, value]) }),
    points: () => steps.map((value, index) => ({ series: 0, index, text: `After ${index} steps ${number(value, 5)}` })),
    summary: () => `From ${number(steps[0], 5)} to ${number(steps.at(-1), 5)} in ${steps.length - 1} steps.`,
  }, context);
}
