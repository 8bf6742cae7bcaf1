// Names out of a model are text: they are shown as they are, and never run.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chart, chartIds, downloaded, folder, parseCsv, placeOf, tableBehind, tooltipText, withPage } from './browser.mjs';
import { readResult } from './pages.mjs';

const result = () => readResult(folder, 'hostile-quantize');
const namesOf = () => result().layers.map(({ name }) => name);

/** Nothing of a name became part of the page's code. */
async function assertNothingRan(page) {
  const facts = await page.evaluate(() => ({
    hacked: window.hacked, scripts: document.scripts.length, images: document.images.length,
    handlers: document.querySelectorAll('[onmouseover], [onerror], [onclick]').length, markup: document.querySelectorAll('main b').length,
  }));
  assert.deepEqual(facts, { hacked: undefined, scripts: 2, images: 0, handlers: 0, markup: 0 });
}

test('hostile names: tables, lists and tips show them as they are', () => withPage('hostile', async (page) => {
  const names = namesOf();
  for (const id of await chartIds(page)) {
    await chart(page, id);
    await tableBehind(page, id);
  }
  assert.deepEqual((await tableBehind(page, 'bits')).slice(1).map(([name]) => name), names);
  for (let i = 0; i < names.length; ++i) {
    const place = await placeOf(page, 'bits', { seriesIndex: 0 }, [i, 1]);
    await page.mouse.move(place.x, place.y);
    assert.ok((await tooltipText(page, 'bits')).startsWith(names[i]), names[i]);
  }
  const choices = await page.locator('#figure-similarity select option').evaluateAll((options) => options.map((option) => option.textContent));
  assert.deepEqual(choices, names);
  await assertNothingRan(page);
}));

test('hostile names: hovering, arrows and search run nothing', () => withPage('hostile', async (page) => {
  const names = namesOf();
  await (await chart(page, 'similarity')).focus();
  for (let i = 0; i < names.length; ++i) await page.keyboard.press(i % 2 === 0 ? 'ArrowRight' : 'ArrowDown');
  for (const id of await chartIds(page)) {
    const plot = await chart(page, id);
    const box = await plot.boundingBox();
    for (const share of [0.2, 0.5, 0.8]) await page.mouse.move(box.x + box.width * share, box.y + box.height / 2);
  }
  for (const name of names) {
    await page.locator('#search').fill(name.replaceAll(/[\r\n]/g, ' ').trim());
    await page.waitForFunction(() => /^\d+ of/.test(document.getElementById('count').textContent));
    assert.notEqual(await page.locator('#count').innerText(), `0 of ${names.length}`, name);
  }
  await assertNothingRan(page);
}));

test('hostile names: downloads hold them unchanged', () => withPage('hostile', async (page) => {
  const names = namesOf();
  const [, ...rows] = parseCsv((await downloaded(page, 'bits', 'CSV')).text);
  assert.deepEqual(rows.map(([name]) => name), names);
  const objects = JSON.parse((await downloaded(page, 'bits', 'JSON')).text);
  assert.deepEqual(objects.map(({ layer }) => layer), names);
}));

test('nothing but the page’s own script may run', () => withPage('whole', async (page) => {
  const ran = await page.evaluate(() => {
    const script = document.createElement('script');
    script.textContent = 'window.hacked = 1';
    const blocked = new Promise((done) => { document.addEventListener('securitypolicyviolation', (event) => done(event.effectiveDirective), { once: true }); });
    document.body.append(script);
    return blocked.then((directive) => ({ directive, hacked: window.hacked }));
  });
  assert.deepEqual(ran, { directive: 'script-src-elem', hacked: undefined });
}, { faults: /Content Security Policy/ }));
