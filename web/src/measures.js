// Quality measures of a network, by precedence. The first one that an evaluation has is the main one.

import { number, percent } from './format.js';

export const MEASURES = [
  { key: 'quality', text: 'quality', share: false, better: 1, format: (x) => number(x, 4) },
  { key: 'top1', text: 'top-1', share: true, better: 1, format: percent },
  { key: 'agreement', text: 'agreement with float', share: true, better: 1, format: percent },
  { key: 'divergence', text: 'divergence from float', share: false, better: -1, format: (x) => number(x, 4) },
  { key: 'snr_db', text: 'signal-to-noise (dB)', share: false, better: 1, format: (x) => number(x, 3) },
];

export const measureNamed = (key) => MEASURES.find((measure) => measure.key === key);

/** The measures for which any of `evaluations` has a number. */
export function measuresIn(evaluations) {
  return MEASURES.filter((measure) => evaluations.some((evaluation) => Number.isFinite(evaluation?.[measure.key])));
}

/** Axes show shares in percent. */
export function axisValue(measure, value) {
  return measure.share ? value * 100 : value;
}

export function axisName(measure) {
  return measure.share ? `${measure.text} (%)` : measure.text;
}
