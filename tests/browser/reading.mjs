// What hovering, clicking, typing and downloading do, checked against the JSON behind the page.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announced, chart, chartIds, downloaded, folder, parseCsv, placeOf, tableBehind, tooltipText, withPage } from './browser.mjs';
import { PAGES, readResult } from './pages.mjs';

const CURVE = '[data-chart="curve"]';

/** Series number and name of the curve chart. */
async function seriesNamed(page, name) {
  await chart(page, 'curve');
  return page.$eval(CURVE, (plot, wanted) => plot.chart.getOption().series.findIndex((series) => series.name === wanted), name);
}

async function hover(page, id, finder, value) {
  const place = await placeOf(page, id, finder, value);
  await page.mouse.move(place.x, place.y - 1);
  await page.mouse.move(place.x, place.y);
  return tooltipText(page, id);
}

test('the summary says what was asked, got and kept, and how to repeat it', () => withPage('whole', async (page) => {
  const result = readResult(folder, 'quantize');
  const text = await page.locator('#summary').innerText();
  for (const part of ['sample.onnx', '94.24 %', '93.71 %', '−0.53 points', '9.2 times smaller', '3.00 bits a weight', result.command]) {
    assert.ok(text.includes(part), `'${part}' in: ${text}`);
  }
  await page.getByText('Everything about this run').click();
  const facts = await page.locator('#summary').innerText();
  for (const part of [result.model.sha256, 'seed 7', 'ompq 0.1.0, LibTorch 1.13.0', '120,000 bytes', 'labels, optimal']) {
    assert.ok(facts.includes(part), `'${part}' in: ${facts}`);
  }
}));

test('the summary is whole where the bits came from a file', () => withPage('given', async (page) => {
  const text = await page.locator('#summary').innerText();
  for (const part of ['94.24 %', 'Bit operations', '830 M']) assert.ok(text.includes(part), `'${part}' in: ${text}`);
}));

test('the summary names the allocator that could not answer, and why', () => withPage('search', async (page) => {
  const { allocations, dropped } = readResult(folder, 'search');
  await page.getByText('Everything about this run').click();
  const facts = await page.locator('#summary').innerText();
  for (const part of [`${allocations[0].allocator} (for fisher)`, `fisher: ${dropped[0].reason}`]) {
    assert.ok(facts.includes(part), `'${part}' in: ${facts}`);
  }
}));

test('hovering a bar names the layer and its bits', () => withPage('whole', async (page) => {
  const { layers, networks } = readResult(folder, 'quantize');
  for (const i of [0, 7, 21]) {
    const text = await hover(page, 'bits', { seriesIndex: 0 }, [i, 1]);
    assert.ok(text.startsWith(layers[i].name), text);
    assert.ok(text.includes(`bits${networks[0].weight_bits[i]} bit`), text);
    assert.ok(text.includes(`weights${layers[i].weights.toLocaleString('en')}`), text);
  }
}));

test('hovering a cell names both layers and tells the matrix’s own number', () => withPage('whole', async (page) => {
  const { layers, orm } = readResult(folder, 'quantize');
  for (const [column, row] of [[3, 12], [20, 1]]) {
    const text = await hover(page, 'similarity', { xAxisIndex: 0, yAxisIndex: 0 }, [column, row]);
    assert.ok(text.startsWith(`${layers[row].name}  ×  ${layers[column].name}`), text);
    assert.ok(text.includes(String(Number(orm[row][column].toPrecision(4)))), text);
  }
}));

test('cells have the colour of their number', () => withPage('whole', async (page) => {
  const pixel = async (column, row) => {
    await placeOf(page, 'similarity', { xAxisIndex: 0, yAxisIndex: 0 }, [column, row]);
    return page.$eval('[data-chart="similarity"]', (plot, cell) => {
      const [x, y] = plot.chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, cell);
      const canvas = plot.querySelector('canvas');
      const ratio = canvas.width / canvas.clientWidth;
      const [red, green, blue] = canvas.getContext('2d').getImageData(x * ratio, y * ratio, 1, 1).data;
      return red + green + blue;
    }, [column, row]);
  };
  const brightness = [await pixel(5, 5), await pixel(5, 9), await pixel(5, 21)];  // 1, then less and less alike
  assert.ok(brightness[0] < brightness[1] && brightness[1] < brightness[2], `light theme, ${brightness}`);
}, { faults: /willReadFrequently/ }));  // what this test itself does

test('hovering tells before and after of diagnosis and reconstruction', () => withPage('whole', async (page) => {
  const { diagnosis, reconstruction } = readResult(folder, 'quantize');
  const layer = diagnosis.layers[4];
  const ratio = await hover(page, 'diagnosis', { seriesIndex: 0 }, [4, 1]);
  assert.ok(ratio.includes(layer.name) && ratio.includes(`before${layer.snr_before_db} dB`) && ratio.includes(`after${layer.snr_after_db} dB`), ratio);
  const block = reconstruction.blocks[1];
  const loss = await hover(page, 'reconstruction', { seriesIndex: 1 }, [1, block.loss_after]);
  assert.ok(loss.includes(block.name) && loss.includes(`loss before${block.loss_before}`) && loss.includes(`loss after${block.loss_after}`), loss);
}));

test('the offenders and what to do about them are named', () => withPage('whole', async (page) => {
  const { diagnosis } = readResult(folder, 'quantize');
  const worst = [...diagnosis.layers].sort((a, b) => b.gain_db - a.gain_db)[0];
  const figure = await page.locator('#figure-diagnosis').innerText();
  assert.ok(figure.includes(worst.name), figure);
  for (const { finding, remedy } of diagnosis.advice) assert.ok(figure.includes(finding) && figure.includes(remedy), figure);
}));

test('what the time limit left out of the choice is named', () => withPage('whole', async (page) => {
  const { portfolio } = readResult(folder, 'quantize');
  assert.ok(portfolio.left_out.length > 1, 'the sample names some');
  const figure = await page.locator('#figure-portfolio').innerText();
  assert.ok(figure.includes(`Left out by the time limit: ${portfolio.left_out.join(', ')}.`), figure);
}));

test('clicking a point of the curve opens its allocation', () => withPage('whole', async (page) => {
  const point = readResult(folder, 'sweep').points[6];
  await page.getByLabel('Measure').first().selectOption('divergence');
  const series = await seriesNamed(page, 'sweep by output-mse');
  const place = await placeOf(page, 'curve', { seriesIndex: series }, [point.bytes / 1024, point.divergence]);
  await page.mouse.click(place.x, place.y);
  const detail = await page.locator('#figure-curve .detail').innerText();
  assert.ok(detail.includes('sweep, picked') && detail.includes(point.bytes.toLocaleString('en')), detail);
  const strip = await page.locator('#figure-curve .strip').getAttribute('aria-label');
  assert.equal(strip, `Bits per layer: ${point.weight_bits.map((width) => `${width} bit`).join(', ')}`);
  await chart(page, 'bits');
  const drawn = await page.$eval('[data-chart="bits"]', (plot) => plot.chart.getOption().series[0].data.map(({ value }) => value));
  assert.deepEqual(drawn, point.weight_bits, 'the bars show the clicked allocation');
  await page.locator('#figure-curve .detail button').click();
  assert.equal(await page.locator('#figure-curve .detail').count(), 0);
}));

test('this run is marked on the curve, next to the float network', () => withPage('whole', async (page) => {
  const result = readResult(folder, 'quantize');
  await page.getByLabel('Measure').first().selectOption('top1');
  const series = await seriesNamed(page, 'this run');
  await chart(page, 'curve');
  const [own, rule] = await page.$eval(CURVE, (plot, i) => {
    const { series: all } = plot.chart.getOption();
    return [all[i].data[0].value, all.flatMap((one) => one.markLine?.data ?? [])[0]];
  }, series);
  assert.equal(own[0], result.bytes_on_disk / 1024);
  assert.ok(Math.abs(own[1] - result.evaluation.top1 * 100) < 1e-3, `${own[1]}`);  // six digits are kept
  assert.ok(Math.abs(rule.yAxis - result.float_evaluation.top1 * 100) < 1e-3, `${rule.yAxis}`);
}));

test('clicking a cell compares all layers with that one', () => withPage('whole', async (page) => {
  const { layers } = readResult(folder, 'quantize');
  const place = await placeOf(page, 'similarity', { xAxisIndex: 0, yAxisIndex: 0 }, [9, 2]);
  await page.mouse.click(place.x, place.y);
  const [headings] = await tableBehind(page, 'similarity');
  assert.equal(headings[1], `similarity to ${layers[9].name}`);
}));

test('the keyboard reads points, opens one and closes its tip', () => withPage('whole', async (page) => {
  const { layers, networks } = readResult(folder, 'quantize');
  await (await chart(page, 'bits')).focus();
  for (let i = 0; i < 3; ++i) await page.keyboard.press('ArrowRight');
  assert.ok((await announced(page)).startsWith(`${layers[2].name}: ${networks[0].weight_bits[2]} bit`), await announced(page));
  assert.ok((await tooltipText(page, 'bits')).startsWith(layers[2].name));
  await page.keyboard.press('ArrowLeft');
  assert.ok((await announced(page)).startsWith(`${layers[1].name}:`), await announced(page));
  await page.keyboard.press('Escape');
  await page.waitForFunction(() => [...document.querySelectorAll('[data-chart="bits"] .tip')]
    .every((tip) => !tip.checkVisibility({ visibilityProperty: true, opacityProperty: true })));

  await (await chart(page, 'similarity')).focus();
  for (const key of ['ArrowRight', 'ArrowRight', 'ArrowDown']) await page.keyboard.press(key);
  assert.ok((await announced(page)).startsWith(`${layers[1].name} and ${layers[1].name}: 1`), await announced(page));

  await (await chart(page, 'curve')).focus();
  await page.keyboard.press('ArrowRight');
  await page.keyboard.press('Enter');
  assert.equal(await page.locator('#figure-curve .detail').count(), 1);
}));

test('Tab reaches every control, and each has a name', () => withPage('whole', async (page) => {
  const expected = await page.$$eval('a[href], button, select, input:not([type="radio"]), summary, [tabindex="0"]', (nodes) => (
    nodes.filter((node) => node.checkVisibility({ visibilityProperty: true })).length));
  const reached = new Set();
  const nameless = [];
  for (let i = 0; i < expected + 20; ++i) {
    await page.keyboard.press('Tab');
    const found = await page.evaluate(() => {
      const node = document.activeElement;
      if (node === document.body) return null;
      node.dataset.tab ??= String(document.querySelectorAll('[data-tab]').length);
      const name = node.getAttribute('aria-label') ?? [...(node.labels ?? [])].map((label) => label.textContent).join('') + node.textContent;
      return { key: node.dataset.tab, name: name.trim(), radio: node.type === 'radio', html: node.outerHTML.slice(0, 80) };
    });
    if (!found) continue;
    if (!found.radio) reached.add(found.key);
    if (!found.name) nameless.push(found.html);
  }
  assert.deepEqual(nameless, []);
  assert.equal(reached.size, expected);
}));

test('screen readers are told of every chart, and headings do not skip a level', () => withPage('whole', async (page) => {
  for (const id of PAGES.whole.charts) {
    const plot = await chart(page, id);
    const label = await plot.getAttribute('aria-label');
    const title = await page.locator(`#figure-${id} h3`).innerText();
    assert.ok(label.startsWith(`${title}. `) && label.length > title.length + 40, `${id}: ${label}`);
  }
  const levels = await page.$$eval('h1, h2, h3, h4', (nodes) => nodes.map((node) => Number(node.tagName[1])));
  assert.equal(levels[0], 1);
  levels.reduce((before, level) => { assert.ok(level <= before + 1, `h${level} below h${before}`); return level; });
  assert.equal(await page.locator('html').getAttribute('lang'), 'en');
}));

test('the layer search filters charts and tables', () => withPage('whole', async (page) => {
  const { layers } = readResult(folder, 'quantize');
  const matching = layers.map(({ name }) => name).filter((name) => name.includes('layer2'));
  await page.locator('#search').fill('LAYER2');
  await page.waitForFunction((count) => document.getElementById('count').textContent === count, `${matching.length} of 22`);
  assert.deepEqual((await tableBehind(page, 'bits')).slice(1).map(([name]) => name), matching);
  for (const id of ['bits', 'similarity', 'sensitivity', 'diagnosis']) {
    await chart(page, id);
    const names = await page.$eval(`[data-chart="${id}"]`, (plot) => plot.chart.getOption().xAxis[0].data);
    assert.deepEqual(names, matching, id);
  }
  await page.locator('#search').fill('nothing is called so');
  await page.waitForFunction(() => document.getElementById('count').textContent.startsWith('0 of'));
  for (const id of PAGES.whole.charts) await chart(page, id);
}));

test('behind every chart stands a table, which its headings sort', () => withPage('whole', async (page) => {
  for (const id of await chartIds(page)) assert.ok((await tableBehind(page, id)).length > 1, `${id} has an empty table`);
  const heading = page.locator('#figure-bits th button', { hasText: /^weights$/ });
  const weights = async () => (await tableBehind(page, 'bits')).slice(1).map((row) => Number(row.at(-3).replaceAll(',', '')));
  const { layers } = readResult(folder, 'quantize');
  const sorted = layers.map((layer) => layer.weights).sort((a, b) => a - b);
  await heading.click();
  assert.deepEqual(await weights(), sorted);
  assert.equal(await page.locator('#figure-bits th[aria-sort="ascending"]').count(), 1);
  await heading.click();
  assert.deepEqual(await weights(), [...sorted].reverse());
}));

test('every chart’s data can be downloaded, as CSV and as JSON of the same rows', () => withPage('whole', async (page) => {
  for (const id of await chartIds(page)) {
    const csv = await downloaded(page, id, 'CSV');
    const json = await downloaded(page, id, 'JSON');
    assert.equal(csv.name, `quantize-${id}.csv`);
    assert.equal(json.name, `quantize-${id}.json`);
    const [headings, ...rows] = parseCsv(csv.text);
    const objects = JSON.parse(json.text);
    assert.ok(rows.length > 0, id);
    assert.deepEqual(objects.map((row) => headings.map((name) => (row[name] === null ? '' : String(row[name])))), rows, id);
  }
  const { orm, layers } = readResult(folder, 'quantize');
  const [headings, ...rows] = parseCsv((await downloaded(page, 'similarity', 'CSV')).text);
  const first = headings.indexOf(layers[0].name);
  rows.forEach((row, i) => row.slice(first).forEach((value, j) => (
    assert.ok(Math.abs(Number(value) - orm[i][j]) <= 1e-5 * orm[i][j], `${i}, ${j}: ${value}`))));  // six digits are kept
}));

test('two allocations can be laid over each other', () => withPage('whole', async (page) => {
  const { networks } = readResult(folder, 'quantize');
  await page.getByLabel('compare with', { exact: true }).selectOption('2');
  await chart(page, 'bits');
  const dashes = await page.$eval('[data-chart="bits"]', (plot) => plot.chart.getOption().series[1].data);
  assert.deepEqual(dashes, networks[2].weight_bits);
}));

test('a histogram is chosen by layer, and shows the range of its quantizer', () => withPage('whole', async (page) => {
  const { histograms } = readResult(folder, 'quantize');
  await chart(page, 'histogram');
  await page.locator('#figure-histogram select').selectOption('5');
  await page.getByLabel('logarithmic').check();
  const text = await page.locator('[data-chart="histogram"]').getAttribute('aria-label');
  assert.ok(text.includes(histograms[5].layer) && text.includes('range -0.5 to 0.5'), text);
  const [range] = await page.$eval('[data-chart="histogram"]', (plot) => plot.chart.getOption().series[0].markArea.data);
  assert.deepEqual(range.map(({ xAxis }) => xAxis), [-0.5, 0.5]);
}));

test('the command can be copied', () => withPage('whole', async (page) => {
  await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
  await page.getByRole('button', { name: 'Copy' }).click();
  await page.waitForFunction(() => document.getElementById('announcer').textContent !== '');
  assert.equal(await announced(page), 'Copied');
  assert.equal(await page.evaluate(() => navigator.clipboard.readText()), readResult(folder, 'quantize').command);
}));
