// Size against quality of all allocations of this network; clicking a point opens its allocation.

import { announce, el, select } from '../dom.js';
import { bits, bytes, number, whole } from '../format.js';
import { grid, legend, rule, seriesStyle, tip, tooltip, valueAxis } from '../chart_parts.js';
import { figure } from '../figure.js';
import { axisName, axisValue, measureNamed, measuresIn } from '../measures.js';
import { modelName, sameModel } from '../runs.js';
import { bitColour, colours } from '../theme.js';
import { entryTitle, widthChips } from './bits.js';

/** A small overview of an allocation, with one bar per layer. */
function strip(entry, layers) {
  return el('div', { class: 'strip', role: 'img', 'aria-label': `Bits per layer: ${entry.weightBits.map(bits).join(', ')}` },
    entry.weightBits.map((width, i) => el('i', {
      title: `${layers[i]?.name ?? `layer ${i + 1}`}: ${bits(width)}`,
      style: `height: ${Math.min(width, 9) * 11}%; background: ${bitColour(width)}`,
    })));
}

function detail(entry, measures, layers, close) {
  const facts = [
    ['file', `${bytes(entry.bytes)} (${whole(entry.bytes)} bytes)`],
    ['bits a weight', number(entry.averageBits, 4)],
    ...measures.filter(({ key }) => Number.isFinite(entry.evaluation?.[key])).map((measure) => [measure.text, measure.format(entry.evaluation[measure.key])]),
    ['billion bit operations', Number.isFinite(entry.gbops) ? number(entry.gbops, 4) : null],
    ['from', entry.origin],
  ].filter(([, value]) => value);
  return el('div', { class: 'detail', tabindex: -1 },
    el('div', { class: 'detail-head' }, el('h4', {}, entryTitle(entry)),
      el('a', { href: '#figure-bits' }, 'Show in “Bits per layer”'),
      el('button', { type: 'button', class: 'quiet', onclick: close }, 'Close')),
    el('dl', { class: 'facts' }, facts.map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])),
    entry.weightBits.length > 0 ? [strip(entry, layers), widthChips(entry.weightBits, layers)] : null);
}

/** The unit for sizes up to `most`, so that the axis has round numbers. */
function binaryUnit(most) {
  const units = [[2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'bytes']];
  return units.find(([size]) => most >= 2 * size) ?? units.at(-1);
}

/** Series {name, entries, line} of all results of this network. */
function collect(report, run) {
  const series = [];
  for (const other of sameModel(report, run)) {
    const entries = other.entries.filter((entry) => !entry.refused && entry.evaluation && Number.isFinite(entry.bytes));
    if (entries.length === 0) continue;
    if (other.command === 'sweep') {
      series.push({ name: `sweep by ${other.document.metric}`, entries, line: true });
    } else if (other.command === 'compare') {
      const lead = entries.some((entry) => entry.label === 'auto') ? 'auto' : entries[0].label;
      const others = entries.filter((entry) => entry.label !== lead);
      if (others.length > 0) series.push({ name: 'other allocators', entries: others, line: false, quiet: true });
      series.push({ name: `${lead} over budgets`, entries: entries.filter((entry) => entry.label === lead), line: true });
    } else if (other !== run) {
      series.push({ name: other.name, entries, line: false });
    }
  }
  const own = ['compare', 'sweep'].includes(run.command) ? [] : run.entries.filter((entry) => !entry.refused && entry.evaluation);
  if (own.length > 1) series.push({ name: 'next to this run', entries: own.slice(1), line: false });
  if (own.length > 0) series.push({ name: 'this run', entries: own.slice(0, 1), line: false, own: true });
  return series;
}

export function curveSection(context) {
  const { run, report, layers, store } = context;
  const series = collect(report, run);
  const entries = series.flatMap((part) => part.entries);
  const measures = measuresIn(entries.map((entry) => entry.evaluation));
  if (entries.length < 2 || measures.length === 0) return [];
  const known = (measure) => entries.filter((entry) => Number.isFinite(entry.evaluation[measure.key])).length;
  const first = measures.reduce((best, measure) => (known(measure) > known(best) ? measure : best));
  store.set({ curveMeasure: first.key });
  const measure = () => measureNamed(store.state.curveMeasure);
  const chooser = select('Measure', measures.map(({ key, text }) => ({ value: key, text })), first.key, (value) => store.set({ curveMeasure: value }));

  const place = el('div', { class: 'below', 'aria-live': 'polite' });
  function pick(entry) {
    store.set({ allocation: entry });
    place.replaceChildren(detail(entry, measures, layers, () => place.replaceChildren()));
    announce(`Allocation ${entryTitle(entry)}`);
  }
  const shown = () => series.map((part) => ({
    ...part,
    entries: part.entries.filter((entry) => Number.isFinite(entry.evaluation[measure().key])).sort((a, b) => a.bytes - b.bytes),
  })).filter((part) => part.entries.length > 0);
  const describe = (entry, name) => tip(name, [
    ['allocation', entryTitle(entry)],
    [measure().text, measure().format(entry.evaluation[measure().key])],
    ['bits a weight', number(entry.averageBits, 4)],
    ['', 'click to see its bits'],
  ]);

  function option() {
    const parts = shown();
    const { surface, text, muted } = colours();
    const [unit, unitName] = binaryUnit(Math.max(...entries.map((entry) => entry.bytes)));
    const spread = parts.flatMap((part) => part.entries.map((entry) => entry.evaluation[measure().key])).filter((value) => value > 0);
    const log = !measure().share && measure().key === 'divergence' && Math.max(...spread) / Math.min(...spread) > 30 && spread.length === parts.flatMap((part) => part.entries).length;
    const float = measure().key === 'quality' && Number.isFinite(run.document.float_quality)
      ? run.document.float_quality : run.document.float_evaluation?.[measure().key];
    return {
      legend: legend(parts.map((part) => part.name)),
      tooltip: tooltip((event) => describe(parts[event.seriesIndex].entries[event.dataIndex], parts[event.seriesIndex].name)),
      grid: grid({ left: 66, right: 22, top: 40, bottom: 52 }),
      xAxis: valueAxis(`file (${unitName})`, { nameGap: 30, scale: true, splitLine: { show: false } }),
      yAxis: valueAxis(axisName(measure()), { scale: true, type: log ? 'log' : 'value', nameGap: 50, axisLabel: { formatter: (value) => number(value, 3) } }),
      series: parts.map((part, i) => {
        const style = seriesStyle(i);
        return {
          name: part.name,
          type: 'line',
          symbol: part.own ? 'diamond' : style.symbol,
          data: part.entries.map((entry) => ({
            value: [entry.bytes / unit, axisValue(measure(), entry.evaluation[measure().key])],
            symbolSize: part.own ? 18 : entry.knee || entry.picked ? 14 : part.quiet ? 7 : 8,
            label: entry.knee || entry.picked ? { show: true, position: 'top', formatter: entry.knee ? 'knee' : 'picked', color: text } : undefined,
          })),
          lineStyle: { width: part.line ? 1.8 : 0, type: style.dash, color: style.color },
          itemStyle: part.own ? { color: text, borderColor: surface, borderWidth: 2 } : { color: part.quiet ? muted : style.color, opacity: part.quiet ? 0.5 : 1 },
          z: part.own ? 9 : 3,
          emphasis: { focus: 'series', scale: 1.4 },
          markLine: i === 0 && Number.isFinite(float) ? rule(axisValue(measure(), float), `float ${measure().format(float)}`) : undefined,
        };
      }),
    };
  }
  const points = () => shown().flatMap((part, series_index) => part.entries.map((entry, index) => ({
    series: series_index, index, pick: () => pick(entry),
    text: `${part.name}, ${bytes(entry.bytes)}: ${measure().text} ${measure().format(entry.evaluation[measure().key])}. Enter shows its bits.`,
  })));
  const table = () => ({
    columns: [{ name: 'series' }, { name: 'allocation' }, { name: 'bytes', numeric: true, format: whole },
      { name: 'bits a weight', numeric: true, format: number }, ...measures.map(({ text, format }) => ({ name: text, numeric: true, format })), { name: 'bits' }],
    rows: series.flatMap((part) => part.entries.map((entry) => [part.name, entryTitle(entry), entry.bytes, entry.averageBits,
      ...measures.map(({ key }) => entry.evaluation[key]), entry.weightBits.join(' ')])),
  });
  return [figure({
    id: 'curve',
    title: 'Size against quality',
    lead: `All allocations of ${modelName(run)} in the given results. Click a point, or press Enter on it, to see its bits.`,
    controls: measures.length > 1 ? [chooser] : [],
    below: place,
    height: () => 400,
    option,
    table,
    points,
    summary: () => `${entries.length} allocations from ${bytes(Math.min(...entries.map((entry) => entry.bytes)))} to ${bytes(Math.max(...entries.map((entry) => entry.bytes)))}.`,
  }, { ...context, depends: ['curveMeasure'] })];
}
