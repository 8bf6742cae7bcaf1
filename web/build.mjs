// Bundles the report into one page and writes it as a C++ source, so that the program carries it.
//   node build.mjs SOURCE.cpp [PAGE.html]
import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const BROWSERS = ['chrome123', 'firefox121', 'safari17.5'];  // the first with light-dark() in style sheets

/** The page without its data; "@data@" stands where the documents go. */
async function bundle() {
  const result = await build({
    entryPoints: [here('src/main.js')], bundle: true, minify: true, write: false, format: 'iife',
    target: BROWSERS, legalComments: 'eof', charset: 'ascii', define: { 'process.env.NODE_ENV': '"production"' },
  });
  const script = result.outputFiles[0].text.replaceAll('</script', '<\\/script');
  const style = (await transform(readFileSync(here('src/style.css'), 'utf8'), { loader: 'css', minify: true, target: BROWSERS })).code;
  // Nothing may be fetched, and no script may run but this one.
  const hash = createHash('sha256').update(script).digest('base64');
  const policy = `default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'; img-src data: blob:; base-uri 'none'; form-action 'none'`;
  const parts = { policy, style, script };
  return readFileSync(here('src/page.html'), 'utf8').replace(/@(policy|style|script)@/g, (_, name) => parts[name]);
}

/** A C++ string literal per line of at most `length` characters. */
function literals(text, length = 4000) {
  const escapes = { '\\': '\\\\', '"': '\\"', '\n': '\\n', '\r': '\\r', '\t': '\\t', '?': '\\?' };
  const lines = [];
  for (let at = 0; at < text.length; at += length) {
    const escaped = text.slice(at, at + length).replace(/[\\"\n\r\t?]/g, (c) => escapes[c]);
    lines.push(`    "${escaped}"`);
  }
  return lines.join('\n');
}

/** Everything beyond ASCII becomes octal escapes of its UTF-8 bytes, which no following digit can extend. */
function ascii(text) {
  return Buffer.from(text, 'utf8').toString('latin1').replace(/[\x80-\xff]/g, (c) => `\\${c.charCodeAt(0).toString(8).padStart(3, '0')}`);
}

const [source, plain] = process.argv.slice(2);
if (!source) throw new Error('node build.mjs SOURCE.cpp [PAGE.html]');
const page = await bundle();
const code = `// Made by web/build.mjs.
#include "ompq/report/page_template.h"

namespace ompq::report {

std::string_view page_template() {
  static constexpr char kPage[] =
${ascii(literals(page))};
  return {kPage, sizeof(kPage) - 1};
}

}  // namespace ompq::report
`;
mkdirSync(dirname(source), { recursive: true });
writeFileSync(source, code);
if (plain) writeFileSync(plain, page);
