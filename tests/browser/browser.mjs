// Chromium, and what the tests do with a page in it.
import assert from 'node:assert/strict';
import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome'];
let browser = null;
export let folder = '';

const isProgram = (file) => {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
};

/** Path of the browser, or nothing. */
export function findBrowser() {
  const named = process.env.OMPQ_CHROMIUM;
  if (named) return isProgram(named) ? named : undefined;
  return NAMES.flatMap((name) => (process.env.PATH ?? '').split(delimiter).map((path) => join(path, name))).find(isProgram);
}

/** @return playwright's browser */
export async function launchBrowser(executablePath) {
  const { chromium } = await import('playwright-core');
  return chromium.launch({
    executablePath, args: ['--disable-gpu', ...(process.getuid?.() === 0 ? ['--no-sandbox'] : [])],  // root has no sandbox
  });
}

export async function startBrowser(executablePath, pages) {
  browser = await launchBrowser(executablePath);
  folder = pages;
}

export const closeBrowser = () => browser?.close();

/**
 * Runs `check(page)` on a page of the folder; afterwards nothing may have been printed to the console as an
 * error or warning, asked of a network, opened as a dialog or thrown. @param options of the browser's context,
 * `faults`: what is expected all the same, and `before`: [function, argument] that run in the page before its script
 */
export async function withPage(name, check, { faults: expected, before, ...options } = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, reducedMotion: 'reduce', acceptDownloads: true, ...options });
  if (before) await context.addInitScript(...before);
  const page = await context.newPage();
  page.setDefaultTimeout(30000);
  const faults = [];
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) faults.push(`console: ${message.text()}`); });
  page.on('pageerror', (error) => faults.push(`thrown: ${error.message}`));
  page.on('dialog', (dialog) => { faults.push(`dialog: ${dialog.message()}`); dialog.dismiss(); });
  const address = pathToFileURL(join(folder, `${name}.html`)).href;
  page.on('request', (request) => { if (!new RegExp(`^(${address}|blob:|data:)`).test(request.url())) faults.push(`asked for: ${request.url()}`); });
  try {
    await page.goto(address);
    await page.waitForSelector('html[data-ready="yes"]');
    await check(page);
    assert.deepEqual(faults.filter((fault) => !expected?.test(fault)), [], `${name}.html`);
  } finally {
    await context.close();
  }
}

/** The ids of the page's charts, in order. */
export const chartIds = (page) => page.$$eval('[data-chart]', (plots) => plots.map((plot) => plot.dataset.chart));

/** Brings a chart into view and waits until it is drawn. @return its plot */
export async function chart(page, id) {
  const plot = page.locator(`[data-chart="${id}"]`);
  await plot.evaluate((node) => node.scrollIntoView({ block: 'center', behavior: 'instant' }));
  await page.waitForFunction((wanted) => document.querySelector(`[data-chart="${wanted}"]`).chart !== undefined, id);
  await page.evaluate(() => new Promise((done) => { requestAnimationFrame(() => requestAnimationFrame(done)); }));
  return plot;
}

/** Page coordinates of a point of a chart. @param finder ECharts finder, such as {seriesIndex: 0} */
export async function placeOf(page, id, finder, value) {
  await chart(page, id);
  return page.evaluate(([wanted, where, what]) => {
    const plot = document.querySelector(`[data-chart="${wanted}"]`);
    const [x, y] = plot.chart.convertToPixel(where, what);
    const box = plot.getBoundingClientRect();
    return { x: box.left + x, y: box.top + y };
  }, [id, finder, value]);
}

/** Text of the tooltip that a chart shows, "" where there is none. */
export const tooltipText = (page, id) => page.$eval(`[data-chart="${id}"]`, (plot) => (
  [...plot.querySelectorAll('.tip')].filter((tip) => tip.checkVisibility({ visibilityProperty: true, opacityProperty: true }))
    .map((tip) => tip.textContent).join(' ')));

export const announced = (page) => page.$eval('#announcer', (node) => node.textContent);

/** Clicks a download button, no faster than a person: Chromium drops downloads that follow each other at once. @return the file's {name, text} */
export async function downloaded(page, id, kind) {
  await page.waitForTimeout(150);
  const [download] = await Promise.all([
    page.waitForEvent('download'),
    page.locator(`#figure-${id} .downloads button`, { hasText: kind }).click(),
  ]);
  const parts = [];
  for await (const part of await download.createReadStream()) parts.push(part);
  return { name: download.suggestedFilename(), text: Buffer.concat(parts).toString('utf8') };
}

/** Rows of the table behind a chart, opened if need be; the first are the headings. */
export async function tableBehind(page, id) {
  const details = page.locator(`#figure-${id} details.behind`);
  if (!(await details.evaluate((node) => node.open))) await details.locator('> summary').click();
  await details.locator('table').waitFor();
  return details.locator('tr').evaluateAll((rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));
}

/** RFC 4180. */
export function parseCsv(text) {
  const rows = [[]];
  let field = '';
  let quoted = false;
  const end = () => { rows.at(-1).push(field); field = ''; };
  for (let i = 0; i < text.length; ++i) {
    const c = text[i];
    if (quoted && c === '"' && text[i + 1] === '"') { field += '"'; ++i; }
    else if (c === '"') quoted = !quoted;
    else if (!quoted && c === ',') end();
    else if (!quoted && c === '\r' && text[i + 1] === '\n') { end(); rows.push([]); ++i; }
    else field += c;
  }
  return rows.slice(0, -1);  // after the last line's end there is nothing
}
