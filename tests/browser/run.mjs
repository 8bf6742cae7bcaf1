// Makes pages with the real program and opens them in Chromium.
//   node --test-reporter=spec run.mjs OMPQ WRITE_SAMPLE_RESULTS [PAGES]
// Ends with 77, saying why, where something that it needs is missing. PAGES is kept; otherwise a
// temporary folder is used.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after } from 'node:test';
import { closeBrowser, findBrowser, startBrowser } from './browser.mjs';
import { makePages, NoPage } from './pages.mjs';

const SKIPPED = 77;

function skip(reason) {
  console.log(`skipped: ${reason}`);
  process.exit(SKIPPED);
}

const [ompq, writer, kept] = process.argv.slice(2);
if (!writer) throw new Error('node run.mjs OMPQ WRITE_SAMPLE_RESULTS [PAGES]');
if (!existsSync(new URL('node_modules/playwright-core', import.meta.url))) skip('playwright-core is missing; run tests/browser/install.sh');
const browser = findBrowser();
if (!browser) skip('Chromium is missing; install the package chromium, or name it in OMPQ_CHROMIUM');

const folder = kept ?? mkdtempSync(join(tmpdir(), 'ompq-pages-'));
try {
  makePages(ompq, writer, folder);
} catch (error) {
  if (error instanceof NoPage) skip(error.message);
  throw error;
}
await startBrowser(browser, folder);
after(async () => {
  await closeBrowser();
  if (!kept) rmSync(folder, { recursive: true });
});

await import('./drawing.mjs');
await import('./reading.mjs');
await import('./names.mjs');
await import('./fields.mjs');
await import('./paper.mjs');
