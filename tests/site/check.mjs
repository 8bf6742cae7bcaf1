// Opens every page of the documentation site in Chromium, as wide as a desktop and as a phone, and follows its links.
//   node check.mjs PAGES
import { existsSync, readdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { findBrowser, launchBrowser } from '../browser/browser.mjs';

const SKIPPED = 77;
const DESKTOP = { width: 1280, height: 900 };
const PHONE = { width: 390, height: 844 };

const skip = (reason) => {
  console.log(`skipped: ${reason}`);
  process.exit(process.env.OMPQ_REQUIRE_JUDGE ? 1 : SKIPPED);
};
const folder = resolve(process.argv[2]);
const browserPath = findBrowser();
if (!existsSync(new URL('../browser/node_modules/playwright-core', import.meta.url))) skip('playwright-core is missing; run tests/browser/install.sh');
if (!browserPath) skip('Chromium is missing; install the package chromium, or name it in OMPQ_CHROMIUM');

// Sphinx writes pages of scripts' sources and of its own templates, too; those of documents end with .html.
const pages = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.html')).sort();
const faults = [];
const ids = new Map();  // page -> its anchors
const links = [];  // [page, file, anchor]

/** What a reader's browser would complain of or send for. */
function watch(page, name) {
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) faults.push(`${name}: console: ${message.text()}`); });
  page.on('pageerror', (error) => faults.push(`${name}: thrown: ${error.message}`));
  page.on('request', (request) => { if (!/^(file|data|blob):/.test(request.url())) faults.push(`${name}: asked for ${request.url()}`); });
  page.on('requestfailed', (request) => faults.push(`${name}: no file ${request.url()}`));
}

async function checkWidth(page, name, viewport) {
  await page.setViewportSize(viewport);
  const excess = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (excess > 0) faults.push(`${name}: ${excess} pixels wider than a window of ${viewport.width}`);
}

async function open(page, name) {
  await page.goto(pathToFileURL(join(folder, name)).href);
  await checkWidth(page, name, DESKTOP);
  await checkWidth(page, name, PHONE);
  const seen = await page.evaluate(() => ({
    ids: [...document.querySelectorAll('[id]')].map((node) => node.id),
    links: [...document.querySelectorAll('a[href]')].map((node) => node.href),
    broken: [...document.images].filter((image) => image.complete && image.naturalWidth === 0).map((image) => image.src),
    errors: document.querySelectorAll('.katex-error, .problematic, .system-message').length,
  }));
  if (seen.errors > 0) faults.push(`${name}: ${seen.errors} formulas or marks that Sphinx could not read`);
  faults.push(...seen.broken.map((image) => `${name}: no image ${image}`));
  ids.set(name, new Set(seen.ids));
  for (const link of seen.links) if (link.startsWith('file:')) links.push([name, ...split(link)]);
}

/** The search works without a server, too. */
async function search(page, word) {
  await page.goto(`${pathToFileURL(join(folder, 'search.html')).href}?q=${word}`);
  const found = page.locator('#search-results a', { hasText: 'budget by latency' });
  await found.first().waitFor({ timeout: 20000 }).catch(() => faults.push(`search.html: '${word}' is not found`));
}

function split(link) {
  const url = new URL(link);
  const anchor = decodeURIComponent(url.hash.slice(1));
  url.hash = '';
  url.search = '';
  return [fileURLToPath(url), anchor];
}

const browser = await launchBrowser(browserPath);
try {
  const page = await browser.newPage();
  let name = '';
  watch(page, { toString: () => name });
  for (name of pages) await open(page, name);
  name = 'search.html';
  await search(page, 'latency');
} finally {
  await browser.close();
}

for (const [name, file, anchor] of links) {
  if (!existsSync(file)) faults.push(`${name}: no file ${file}`);
  else if (anchor && !ids.get(file.slice(folder.length + 1))?.has(anchor)) faults.push(`${name}: no place #${anchor} in ${file}`);
}
const distinct = [...new Set(faults)];
for (const fault of distinct) console.log(fault);
console.log(`${pages.length} pages, ${links.length} links, ${distinct.length} faults`);
process.exit(distinct.length > 0 || pages.length < 40 ? 1 : 0);
