// Shared parts of the charts: axes, tooltips and the zoom for many layers.

import { el } from './dom.js';
import { shorten } from './format.js';
import { colours } from './theme.js';

export const FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "DejaVu Sans", sans-serif';
const MANY = 64;  // number of layers above which a chart gets crowded

/** A bold title and rows of [name, value], as DOM nodes, so that names are never parsed as markup. */
export function tip(title, rows) {
  return el('div', { class: 'tip' }, el('strong', {}, title),
    el('dl', {}, rows.filter(([, value]) => value !== undefined && value !== null)
      .map(([name, value]) => [el('dt', {}, name), el('dd', {}, value)])));
}

export function tooltip(formatter, trigger = 'item') {
  const { surface, line, text } = colours();
  return {
    trigger,
    confine: true,
    transitionDuration: 0,
    backgroundColor: surface,
    borderColor: line,
    padding: [8, 11],
    textStyle: { color: text, fontFamily: FONT, fontSize: 13 },
    axisPointer: { type: 'shadow', shadowStyle: { color: 'rgba(128,140,160,0.13)' } },
    formatter,
  };
}

const axisText = () => ({ color: colours().muted, fontFamily: FONT, fontSize: 11.5 });

/** A numeric axis. @param more overrides, such as {type: 'log'}. */
export function valueAxis(name, more = {}) {
  const { faint, line } = colours();
  return {
    type: 'value',
    name,
    nameLocation: 'middle',
    nameGap: 44,
    nameTextStyle: axisText(),
    axisLabel: { ...axisText(), ...more.axisLabel },
    axisLine: { show: true, lineStyle: { color: line } },
    axisTick: { show: false },
    splitLine: { lineStyle: { color: faint } },
    ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== 'axisLabel')),
  };
}

const LABEL_LENGTH = 16;
const isCrowded = (names) => names.length > 8;

/** Height in pixels of the labels below a chart, which are slanted if there are many. */
export function labelSpace(names) {
  const longest = names.reduce((most, name) => Math.max(most, Math.min(LABEL_LENGTH, name.length)), 0);
  return isCrowded(names) ? 20 + 5.2 * longest : 28;
}

/** A category axis. */
export function nameAxis(names, more = {}) {
  const crowded = isCrowded(names) && more.axisLabel?.rotate !== 0;
  return {
    type: 'category',
    data: names,
    axisLabel: {
      ...axisText(),
      rotate: crowded ? 55 : 0,
      interval: names.length <= MANY ? 0 : 'auto',
      hideOverlap: names.length > MANY,
      formatter: (name) => shorten(name, crowded ? LABEL_LENGTH : 24),
      ...more.axisLabel,
    },
    axisLine: { lineStyle: { color: colours().line } },
    axisTick: { show: false },
    ...Object.fromEntries(Object.entries(more).filter(([key]) => key !== 'axisLabel')),
  };
}

/** Sliders below a chart of many names; the wheel zooms with Ctrl, so that the page still scrolls. */
export function zoom(names, axes = [0]) {
  if (names.length <= MANY) return [];
  const { line, accent, muted } = colours();
  return [
    { type: 'inside', xAxisIndex: axes, zoomOnMouseWheel: 'ctrl', moveOnMouseWheel: false },
    {
      type: 'slider', xAxisIndex: axes, height: 16, bottom: 6, borderColor: line, fillerColor: `${accent}22`,
      handleStyle: { color: accent }, showDataShadow: false, brushSelect: false, showDetail: false,
      textStyle: { color: muted },
    },
  ];
}

export const zoomSpace = (names) => (names.length > MANY ? 30 : 0);

export function legend(names, more = {}) {
  const { text, muted, accent } = colours();
  return {
    type: 'scroll', top: 0, left: 0, data: names, itemWidth: 18, itemHeight: 10, itemGap: 16, height: 22,
    textStyle: { color: text, fontFamily: FONT, fontSize: 12, lineHeight: 18 },
    pageTextStyle: { color: muted }, pageIconColor: accent, pageIconInactiveColor: muted, ...more,
  };
}

/** A dashed line across the chart, such as the float network's accuracy. */
export function rule(value, name, axis = 'yAxis') {
  const { muted } = colours();
  return {
    silent: true, symbol: 'none', animation: false,
    lineStyle: { color: muted, type: [5, 4], width: 1 },
    label: { formatter: name, color: muted, fontFamily: FONT, fontSize: 11.5, position: axis === 'yAxis' ? 'insideEndTop' : 'end' },
    data: [{ [axis]: value }],
  };
}

/** Fixed margins: otherwise ECharts moves plots to make room for labels, and grids above each other lose their alignment. */
export function grid(margins) {
  return { outerBoundsMode: 'none', ...margins };
}

/** Distinguished by colour, and after the last colour by dashes. */
export function seriesStyle(i) {
  const { series } = colours();
  const dashes = ['solid', [7, 4], [2, 3]];
  const symbols = ['circle', 'rect', 'triangle', 'diamond'];
  return { color: series[i % series.length], dash: dashes[Math.floor(i / series.length) % 3], symbol: symbols[i % 4] };
}
