// Builds the page from the documents embedded in it.

import { append, el, select } from './dom.js';
import { disposeAll, redrawAll } from './figure.js';
import { baseName, whole } from './format.js';
import { layersFor, modelName, readReport, runTitle, sameModel } from './runs.js';
import { besideSection, comparisonSections } from './sections/allocators.js';
import { bitsSection } from './sections/bits.js';
import { curveSection } from './sections/curve.js';
import { curvesSection } from './sections/curves.js';
import { diagnosisSection } from './sections/diagnosis.js';
import { histogramSection } from './sections/histograms.js';
import { portfolioSection } from './sections/portfolio.js';
import { reconstructionSection } from './sections/reconstruction.js';
import { sensitivitySection } from './sections/sensitivity.js';
import { similaritySection } from './sections/similarity.js';
import { runsTable, summary } from './sections/summary.js';
import { createStore, matchingLayers } from './store.js';
import { table } from './table.js';
import { themeSwitch } from './theme.js';

/** The sections below the summary, in this order. Each part returns figures, none if it has no data. */
const SECTIONS = [
  { id: 'layers', title: 'Layers', parts: [bitsSection, sensitivitySection, similaritySection] },
  { id: 'kept', title: 'Size and accuracy', parts: [curveSection, besideSection, comparisonSections] },
  { id: 'choice', title: 'How it was chosen', parts: [portfolioSection] },
  { id: 'inside', title: 'Inside the quantized network', parts: [diagnosisSection, reconstructionSection, histogramSection, curvesSection] },
];

const report = readReport(JSON.parse(document.getElementById('ompq-data').textContent));
const store = createStore({});
const main = document.getElementById('main');
const contents = document.getElementById('contents');
let layers = [];

/** An error in one part must not break the rest of the page. */
function attempt(part, context) {
  try {
    return part(context);
  } catch (error) {
    console.error(error);
    return [el('p', { class: 'broken' }, `This part cannot be drawn from ${context.run.name}: ${error.message}`)];
  }
}

function contextOf(run) {
  layers = layersFor(report, run);
  let found = { query: null, list: [] };
  const selected = () => {
    if (found.query !== store.state.filter) found = { query: store.state.filter, list: matchingLayers(layers, store.state.filter) };
    return found.list;
  };
  const allocations = [run, ...sameModel(report, run).filter((other) => other !== run)]
    .flatMap((part) => part.entries).filter((entry) => !entry.refused);
  return { run, report, store, layers, selected, allocations, fileStem: baseName(run.name).replace(/\.json$/i, '').replace(/[^\w.-]+/g, '_') || 'ompq' };
}

/** Shows `run` and the other results of its network. */
function show(run) {
  disposeAll();
  store.clear();
  const filter = document.getElementById('search')?.value ?? '';
  Object.assign(store.state, { filter, allocation: null, beside: -1, layer: 0, metric: 0, histogram: 0, histogramLog: false });
  const context = contextOf(run);
  document.title = `${modelName(run)}: ompq report`;
  const links = [el('a', { href: '#summary' }, 'Summary')];
  main.replaceChildren(summary(context));
  const runs = runsTable(context);
  if (runs) append(main.firstChild, el('details', { class: 'behind' }, el('summary', {}, `All ${report.runs.length} results on this page`), table(runs, 'Results on this page')));
  for (const section of SECTIONS) {
    const figures = section.parts.flatMap((part) => attempt(part, context));
    if (figures.length === 0) continue;
    main.append(el('section', { id: section.id, 'aria-labelledby': `${section.id}-title` }, el('h2', { id: `${section.id}-title` }, section.title), figures));
    links.push(el('a', { href: `#${section.id}` }, section.title));
    for (const node of figures) {
      if (node.id) links.push(el('a', { href: `#${node.id}`, class: 'inner' }, node.getAttribute('aria-label')));
    }
  }
  contents.replaceChildren(...links);
  countLayers();
}

function countLayers() {
  const matching = matchingLayers(layers, store.state.filter ?? '').length;
  document.getElementById('count').textContent = layers.length === 0 ? ''
    : store.state.filter ? `${whole(matching)} of ${whole(layers.length)}` : `${whole(layers.length)} layers`;
}

/** Charts are filtered at most once per frame, for fast typing. */
function searchBox() {
  let frame = 0;
  const input = el('input', {
    id: 'search', type: 'search', placeholder: 'Find layers', autocomplete: 'off', spellcheck: 'false', 'aria-describedby': 'count',
    oninput: () => {
      cancelAnimationFrame(frame);
      frame = requestAnimationFrame(() => { store.set({ filter: input.value.trim() }); countLayers(); });
    },
  });
  return el('label', { class: 'find' }, el('span', { class: 'unseen' }, 'Find layers by name, operator or block'), input,
    el('output', { id: 'count', for: 'search', class: 'muted', 'aria-live': 'polite' }));
}

function start() {
  const redraw = () => { store.set({ colours: (store.state.colours ?? 0) + 1 }); redrawAll(); };
  append(document.getElementById('bar'), el('span', { class: 'brand' }, 'ompq', el('span', { class: 'muted' }, ' report')),
    report.runs.length > 1
      ? select('Run', report.runs.map((run, i) => ({ value: String(i), text: `${modelName(run)} · ${runTitle(run)}` })), '0', (value) => show(report.runs[Number(value)]))
      : null,
    searchBox(), themeSwitch(redraw, el));
  show(report.runs[0]);
  document.documentElement.dataset.ready = 'yes';
}

start();
