// Renders formulas: reads a line of JSON, {tex, block}, and writes a line of JSON, {html} or {error}.
import { createInterface } from 'node:readline';
import katex from 'katex';

for await (const line of createInterface({ input: process.stdin })) {
  const { tex, block } = JSON.parse(line);
  let answer;
  try {
    answer = { html: katex.renderToString(tex, { displayMode: block, strict: 'error', output: 'htmlAndMathml' }) };
  } catch (error) {
    answer = { error: error.message };
  }
  process.stdout.write(`${JSON.stringify(answer)}\n`);
}
