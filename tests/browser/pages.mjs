// The pages that the tests open, and which charts each must hold.
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const LAYERS = ['bits', 'sensitivity', 'similarity'];
const AUTO = ['portfolio', 'refinement'];
const INSIDE = ['diagnosis', 'diagnosis-blocks', 'reconstruction', 'histogram'];
const COMPARED = ['compare', 'correlation'];
const EVERYTHING = [...LAYERS, 'curve', 'beside', ...COMPARED, ...AUTO, ...INSIDE];

/** name: results that go in, charts that must come out, in the page's order. */
export const PAGES = {
  whole: { runs: ['quantize', 'compare', 'sweep'], charts: EVERYTHING },
  search: { runs: ['search'], charts: [...LAYERS, 'beside', ...AUTO] },
  compare: { runs: ['compare'], charts: ['curve', ...COMPARED] },
  sweep: { runs: ['sweep'], charts: ['bits', 'curve'] },
  tuned: { runs: ['finetune'], charts: [...LAYERS, 'beside', ...AUTO, 'curves', 'curves-2', 'curves-3'] },
  given: { runs: ['given'], charts: ['bits'] },
  hostile: { runs: ['hostile-quantize', 'hostile-compare', 'hostile-sweep'], charts: EVERYTHING },
  large: { runs: ['large-quantize', 'large-compare', 'large-sweep'], charts: EVERYTHING },
};

/** The program was built without the page. */
export class NoPage extends Error {}

export function makePages(ompq, writer, folder) {
  mkdirSync(folder, { recursive: true });
  execFileSync(writer, [folder]);
  for (const [name, { runs }] of Object.entries(PAGES)) {
    const files = runs.map((run) => join(folder, `${run}.json`));
    try {
      execFileSync(ompq, ['report', ...files, '-o', join(folder, `${name}.html`)], { encoding: 'utf8', stdio: 'pipe' });
    } catch (error) {
      if (/holds no page/.test(error.stderr)) throw new NoPage('ompq was built without the page of its report');
      throw new Error(`ompq report: ${error.stderr ?? error.message}`);
    }
  }
}

/** The JSON behind a page. */
export const readResult = (folder, run) => JSON.parse(readFileSync(join(folder, `${run}.json`), 'utf8'));
