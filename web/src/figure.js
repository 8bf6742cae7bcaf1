// A chart with its heading, controls, downloads, table, keyboard and screen reader support. Sections define what to
// draw; this draws it once it is visible.

import { announce, append, download, el } from './dom.js';
import { init } from './echarts.js';
import { csv, json, table } from './table.js';

const figures = new Set();
const watcher = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    const figure = [...figures].find((candidate) => candidate.plot === target);
    if (!figure) continue;
    figure.seen = isIntersecting;
    if (isIntersecting) figure.refresh();
  }
}, { rootMargin: '300px 0px' });

/**
 * @param spec {
 *   id, title, lead         identifier, heading and explanation
 *   height(): pixels
 *   option(): ECharts option, called again whenever something that it depends on has changed
 *   summary(): one sentence for screen readers
 *   table(): {columns, rows} of the table below it and of the downloads (`full()` if the download has more)
 *   points(): [{text, series, index, pick}] for the arrow keys; pick() is what Enter and a click do
 *   controls: nodes above the chart
 *   attach(chart, plot): adds interaction that ECharts lacks; returns {key(event), refresh()} or nothing
 * }
 */
export function figure(spec, { store, depends = [], fileStem }) {
  const plot = el('div', {
    class: 'plot', tabindex: 0, role: 'application', 'aria-roledescription': 'chart', 'data-chart': spec.id,
    onkeydown: (event) => state.key(event), onblur: () => state.chart?.dispatchAction({ type: 'hideTip' }),
  });
  plot.style.height = `${spec.height()}px`;  // before drawing, so that the layout does not jump
  plot.setAttribute('aria-label', spec.title);
  const details = el('details', { class: 'behind', ontoggle: () => state.fillTable() },
    el('summary', {}, 'Table'), el('div', {}));
  const save = (kind, type, write) => el('button', {
    type: 'button', class: 'quiet', 'aria-label': `Download the data of “${spec.title}” as ${kind}`,
    onclick: () => download(`${fileStem}-${spec.id}.${kind.toLowerCase()}`, type, write((spec.full ?? spec.table)())),
  }, kind);
  const node = el('figure', { id: `figure-${spec.id}`, 'aria-label': spec.title },
    el('div', { class: 'head' },
      el('figcaption', {}, el('h3', {}, spec.title), spec.lead ? el('p', {}, spec.lead) : null),
      el('div', { class: 'downloads' }, save('CSV', 'text/csv', csv), save('JSON', 'application/json', json))),
    spec.controls?.length > 0 ? el('div', { class: 'controls' }, spec.controls) : null,
    plot, spec.below ?? null, details);

  const state = {
    plot, node, chart: null, seen: false, stale: true, at: -1, extra: null,

    /** Draws changes if the chart is visible. */
    refresh(force = false) {
      if (!state.stale || !(state.seen || force)) return;
      plot.style.height = `${spec.height()}px`;
      if (!state.chart) {
        state.chart = init(plot, null, { renderer: 'canvas' });
        plot.chart = state.chart;  // for tests and developer tools
        state.chart.on('click', (event) => state.pointAt(event)?.pick?.());
        state.extra = spec.attach?.(state.chart, plot) ?? null;
      } else {
        state.chart.resize();
      }
      state.chart.setOption({ animation: false, ...spec.option() }, { notMerge: true });
      state.extra?.refresh?.();
      plot.setAttribute('aria-label', `${spec.title}. ${spec.summary?.() ?? ''} The table below has all numbers.`
        + (spec.points || spec.attach ? ' Arrow keys read the points.' : ''));
      state.stale = false;
      state.at = -1;
    },

    changed() {
      state.stale = true;
      details.dataset.stale = 'yes';
      state.refresh();
      state.fillTable();
    },

    fillTable() {
      if (!details.open || details.dataset.stale === 'no') return;
      details.dataset.stale = 'no';
      details.lastChild.replaceChildren(table(spec.table(), spec.title));
      append(details.lastChild, spec.tableNote?.() ?? null);
    },

    pointAt({ seriesIndex, dataIndex }) {
      return spec.points?.().find((point) => point.series === seriesIndex && point.index === dataIndex);
    },

    key(event) {
      if (state.extra?.key?.(event)) return;
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
      const points = spec.points?.() ?? [];
      if (points.length === 0) return;
      if (step) {
        event.preventDefault();
        state.at = Math.min(points.length - 1, Math.max(0, state.at + step));
        const { series, index, text } = points[state.at];
        state.chart.dispatchAction({ type: 'showTip', seriesIndex: series, dataIndex: index });
        announce(text);
      } else if (event.key === 'Enter' && state.at >= 0) {
        points[state.at].pick?.();
      } else if (event.key === 'Escape') {
        state.chart.dispatchAction({ type: 'hideTip' });
      }
    },
  };
  details.dataset.stale = 'yes';
  figures.add(state);
  watcher.observe(plot);
  store.on(depends, () => state.changed());
  return node;
}

/** Draws all charts again after colours changed. For printing, all charts are drawn. */
export function redrawAll() {
  for (const figure of figures) {
    figure.stale = true;
    figure.refresh(true);
  }
}

/** Called before another run is shown. */
export function disposeAll() {
  for (const figure of figures) {
    watcher.unobserve(figure.plot);
    figure.chart?.dispose();
  }
  figures.clear();
}

// Widths follow the window, and the page's width when printing.
const fit = () => {
  for (const figure of figures) {
    figure.chart?.resize();
    figure.extra?.refresh?.();
  }
};
let pending = 0;
window.addEventListener('resize', () => {
  cancelAnimationFrame(pending);
  pending = requestAnimationFrame(fit);
});
