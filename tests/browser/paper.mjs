// Light, dark and paper.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chart, chartIds, withPage } from './browser.mjs';

const LEAST_CONTRAST = 4.5;  // WCAG 2.2, AA, text

/** WCAG's relative luminance of "rgb(r, g, b)". */
function luminance(colour) {
  const [red, green, blue] = colour.match(/[\d.]+/g).map((value) => {
    const share = Number(value) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(a, b) {
  const [low, high] = [luminance(a), luminance(b)].sort((x, y) => x - y);
  return (high + 0.05) / (low + 0.05);
}

/** The page's colours as "rgb(...)": of text, and of its background. */
const pageColours = (page) => page.evaluate(() => {
  const probe = document.body.appendChild(document.createElement('i'));
  const read = (value) => { probe.style.color = value; return getComputedStyle(probe).color; };
  const axis = document.querySelector('[data-chart="bits"]').chart.getOption().yAxis[0];
  const colours = {
    text: ['--text', '--muted', '--accent'].map((name) => read(`var(${name})`)).concat(read(axis.axisLabel.color)),
    behind: ['--page', '--surface', '--faint'].map((name) => read(`var(${name})`)),
  };
  probe.remove();
  return colours;
});

for (const scheme of ['light', 'dark']) {
  test(`${scheme}: follows the system, and text stands out from what is behind it`, () => withPage('whole', async (page) => {
    await chart(page, 'bits');
    const { text, behind } = await pageColours(page);
    behind.forEach((colour) => assert.ok(scheme === 'dark' ? luminance(colour) < 0.1 : luminance(colour) > 0.8, `${colour}`));
    for (const front of text) for (const back of behind) assert.ok(contrast(front, back) >= LEAST_CONTRAST, `${front} on ${back}: ${contrast(front, back)}`);
  }, { colorScheme: scheme }));
}

test('the switch changes page and charts', () => withPage('whole', async (page) => {
  await chart(page, 'bits');
  const light = await pageColours(page);
  await page.locator('.theme label', { hasText: 'dark' }).click();
  const dark = await pageColours(page);
  light.text.forEach((colour, i) => assert.notEqual(colour, dark.text[i]));
  assert.ok(luminance(dark.behind[0]) < 0.1);
  await page.locator('.theme label', { hasText: 'light' }).click();
  assert.deepEqual(await pageColours(page), light);
}, { colorScheme: 'light' }));

test('paper gets every chart, in light colours and no wider than the sheet', () => withPage('whole', async (page) => {
  await page.evaluate(() => {
    window.printed = null;
    window.addEventListener('beforeprint', () => {
      const luminous = (plot) => plot.chart.getOption().backgroundColor;
      window.printed = [...document.querySelectorAll('[data-chart]')].map((plot) => ({ id: plot.dataset.chart, drawn: plot.chart !== undefined, behind: luminous(plot) }));
    });
  });
  const pdf = await page.pdf({ format: 'A4' });
  assert.equal(pdf.subarray(0, 5).toString(), '%PDF-');
  const printed = await page.evaluate(() => window.printed);
  assert.deepEqual(printed.map(({ id }) => id), await chartIds(page));
  assert.deepEqual(printed.filter(({ drawn }) => !drawn), []);

  await page.emulateMedia({ media: 'print' });
  const behind = await page.evaluate(() => getComputedStyle(document.querySelector('figure')).backgroundColor);
  assert.ok(luminance(behind) > 0.8, behind);
  assert.equal(await page.locator('.bar').isVisible(), false);
  assert.equal(await page.locator('.downloads').first().isVisible(), false);
}, { colorScheme: 'dark' }));
