// The page reads fields that the results' structs declare, and no others.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { chart, chartIds, folder, tableBehind, withPage } from './browser.mjs';
import { PAGES } from './pages.mjs';

/** Runs in the page before its script: notes each key of a document that the page reads and nobody declares. */
function watchDocuments(schema) {
  window.read = [];
  window.undeclared = [];
  const watched = new WeakMap();
  const watch = (value, type, path) => {
    if (value === null || typeof value !== 'object' || type.any) return value;
    if (!watched.has(value)) {
      watched.set(value, new Proxy(value, {
        get(target, key, receiver) {
          const got = Reflect.get(target, key, receiver);
          if (typeof key === 'symbol') return got;
          if (Array.isArray(target)) return /^\d+$/.test(key) ? watch(got, type.list ?? { value: true }, `${path}[]`) : got;
          const field = key === 'format' ? { value: true } : schema.types[type.object]?.[key];
          window.read.push(`${path}.${key}`);
          if (!field && key !== 'toJSON') window.undeclared.push(`${path}.${key}`);
          return watch(got, field ?? { any: true }, `${path}.${key}`);
        },
      }));
    }
    return watched.get(value);
  };
  const parse = JSON.parse;
  JSON.parse = (...given) => {
    const data = parse(...given);
    for (const entry of data?.documents ?? []) {
      const type = schema.documents[entry.content.format];
      entry.content = watch(entry.content, { object: type }, type);
    }
    return data;
  };
}

for (const name of ['whole', 'search', 'compare', 'sweep', 'tuned', 'given']) {
  test(`${name}: every key that the page reads is declared`, () => withPage(name, async (page) => {
    for (const id of await chartIds(page)) {
      await chart(page, id);
      await tableBehind(page, id);
    }
    const { read, undeclared } = await page.evaluate(() => ({ read: window.read, undeclared: window.undeclared }));
    assert.deepEqual([...new Set(undeclared)], []);
    assert.ok(new Set(read).size > 10, `${PAGES[name].runs}: ${read.length} keys were read`);
  }, { before: [watchDocuments, JSON.parse(readFileSync(join(folder, 'schema.json'), 'utf8'))] }));
}
