// What is drawn, and how much work it is.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chart, chartIds, placeOf, withPage } from './browser.mjs';
import { PAGES } from './pages.mjs';

/** How many colours a chart's canvas holds: one where nothing is drawn. */
const coloursOf = (plot) => plot.evaluate((node) => {
  const canvas = node.querySelector('canvas');
  if (!canvas || canvas.width === 0 || canvas.height === 0) return 0;
  const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
  return new Set(new Uint32Array(data.buffer)).size;
});

for (const [name, { charts }] of Object.entries(PAGES)) {
  test(`${name}: holds its charts, and draws every one`, () => withPage(name, async (page) => {
    assert.deepEqual(await chartIds(page), charts);
    assert.equal(await page.locator('.broken').count(), 0);
    for (const id of charts) {
      const plot = await chart(page, id);
      assert.ok(await coloursOf(plot) > 8, `${id} is empty`);
      const series = await plot.evaluate((node) => node.chart.getOption().series.map(({ data }) => data?.length ?? 0));
      assert.ok(series.length > 0 && series.every((count) => count > 0), `${id}: points a series ${series}`);
    }
  }));
}

test('every run of a page can be shown', () => withPage('whole', async (page) => {
  for (const [run, charts] of [['1', PAGES.whole.charts.filter((id) => ['bits', 'curve', 'compare', 'correlation'].includes(id))],
    ['2', ['bits', 'curve', 'compare', 'correlation']], ['0', PAGES.whole.charts]]) {
    await page.getByLabel('Run').selectOption(run);
    assert.deepEqual(await chartIds(page), charts, `run ${run}`);
    for (const id of charts) assert.ok(await coloursOf(await chart(page, id)) > 8, `${id} of run ${run}`);
  }
}));

test('charts keep their place when the window narrows to a phone', () => withPage('whole', async (page) => {
  await page.setViewportSize({ width: 380, height: 800 });
  for (const id of PAGES.whole.charts) {
    const plot = await chart(page, id);
    const { drawn, given } = await plot.evaluate((node) => ({ drawn: node.querySelector('canvas').clientWidth, given: node.clientWidth }));
    assert.equal(drawn, given, id);
  }
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.equal(overflow, 0, 'the page scrolls sideways');
}));

// Fluid means little work: these hold on any machine. bench/report_page.mjs measures the time.
test('300 layers: what is not seen is not drawn', () => withPage('large', async (page) => {
  const drawn = await page.$$eval('[data-chart]', (plots) => plots.filter((plot) => plot.chart !== undefined).length);
  assert.ok(drawn <= 3, `${drawn} charts are drawn before anybody scrolled`);
  assert.equal(await page.locator('table').count(), 1, 'tables are filled before they are opened');
}));

test('300 layers: a matrix is one image, not 90,000 shapes', () => withPage('large', async (page) => {
  for (const id of ['similarity', 'sensitivity']) {
    const plot = await chart(page, id);
    const shapes = await plot.evaluate((node) => node.chart.getZr().storage.getDisplayList(true).length);
    assert.ok(shapes < 1000, `${id}: ${shapes} shapes`);
  }
}));

test('300 layers: zooming in shows fewer layers and keeps the cells under their names', () => withPage('large', async (page) => {
  await chart(page, 'similarity');
  await page.$eval('[data-chart="similarity"]', (plot) => plot.chart.dispatchAction({ type: 'dataZoom', startValue: 100, endValue: 119, dataZoomIndex: 0 }));
  const place = await placeOf(page, 'similarity', { xAxisIndex: 0, yAxisIndex: 0 }, [110, 50]);
  await page.mouse.move(place.x, place.y);
  const names = await page.$eval('[data-chart="similarity"]', (plot) => plot.chart.getOption().xAxis[0].data);
  const tip = await page.$eval('[data-chart="similarity"] .cell-tip', (node) => node.textContent);
  assert.ok(tip.includes(names[110]) && tip.includes(names[50]), tip);
  const frame = await page.$eval('[data-chart="similarity"] .cell-frame', (node) => node.getBoundingClientRect().width);
  assert.ok(frame > 20, `a cell of 20 columns is ${frame} pixels wide`);
}));
