// Time that the page of `ompq report` takes with a network of 300 layers: to load, to draw a chart that is scrolled to,
// and to filter the visible rows with the layer search.
//   node bench/report_page.mjs BUILD_FOLDER
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chart, chartIds, closeBrowser, findBrowser, startBrowser, withPage } from '../tests/browser/browser.mjs';
import { makePages } from '../tests/browser/pages.mjs';

const ROUNDS = 5;
const [build] = process.argv.slice(2);
if (!build) throw new Error('node bench/report_page.mjs BUILD_FOLDER');
const browser = findBrowser();
if (!browser) {
  console.log('skipped: Chromium is missing; install the package chromium, or name it in OMPQ_CHROMIUM');
  process.exit(0);
}
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const folder = mkdtempSync(join(tmpdir(), 'ompq-pages-'));
const taken = new Map();
const add = (what, milliseconds) => taken.set(what, [...(taken.get(what) ?? []), milliseconds]);

try {
  makePages(join(build, 'bin/ompq'), join(build, 'bin/write_sample_results'), folder);
  await startBrowser(browser, folder);
  for (let round = 0; round < ROUNDS; ++round) {
    await withPage('large', async (page) => {
      add('page', await page.evaluate(() => performance.now() - performance.getEntriesByType('navigation')[0].responseEnd));
      for (const id of await chartIds(page)) {
        const begin = performance.now();
        await chart(page, id);
        add(`chart ${id}`, performance.now() - begin);
      }
      const begin = performance.now();
      await page.locator('#search').fill('layer2');
      await page.waitForFunction(() => /of 300/.test(document.getElementById('count').textContent));
      add('search', performance.now() - begin);
    });
  }
} finally {
  await closeBrowser();
  rmSync(folder, { recursive: true });
}
for (const [what, values] of taken) console.log(`${what.padEnd(24)} ${median(values).toFixed(0).padStart(6)} ms`);
