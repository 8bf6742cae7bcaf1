// Colours of the charts in light and dark, and the switch between the two. The page's own colours
// follow `color-scheme` in style.css.

const LIGHT = {
  text: '#1f2328', muted: '#5c6470', line: '#d9dde3', faint: '#eceff2', surface: '#ffffff', accent: '#2f5fc4',
  series: ['#2f5fc4', '#c8611a', '#15806a', '#a83d8e', '#6a55c9', '#b3362f', '#4d7d1f', '#1b7f9e', '#7c6a14', '#5c6470'],
  bits: ['#b9d0f4', '#9cbcee', '#7ba4e6', '#5a8ada', '#3d70c9', '#2b58a9', '#1e4285', '#132e60'],
  ramp: ['#f3f7f6', '#c9e6de', '#8ccdbd', '#4aa99a', '#1c7c77', '#0c5258', '#06303b'],
};
const DARK = {
  text: '#e6e8eb', muted: '#a3abb6', line: '#3a4150', faint: '#272d38', surface: '#1b2029', accent: '#86aef5',
  series: ['#86aef5', '#f0a35e', '#5ccbb0', '#e08fca', '#b0a1f5', '#f08a80', '#a5cc6b', '#6fc7e3', '#d9c35a', '#a3abb6'],
  bits: ['#2c4a80', '#375c9c', '#4470b8', '#5685d0', '#709be2', '#8eb2ee', '#b0cbf6', '#d6e5fc'],
  ramp: ['#1e2a30', '#1d4549', '#1f6663', '#2f8a80', '#5cb3a2', '#9ad6c5', '#dcf4ea'],
};
const FLOAT = { light: '#9aa1ab', dark: '#6b7482' };
const CHOICES = ['auto', 'light', 'dark'];

const system = window.matchMedia('(prefers-color-scheme: dark)');
let choice = 'auto';
let printing = false;

export const isDark = () => !printing && (choice === 'dark' || (choice === 'auto' && system.matches));
export const colours = () => (isDark() ? DARK : LIGHT);

/** The colour of a width; float has its own colour. */
export function bitColour(width) {
  if (width > 8) return isDark() ? FLOAT.dark : FLOAT.light;
  return colours().bits[Math.max(1, width) - 1];
}

/** Colour at `share` in 0..1 of the ramp, as [r, g, b]. */
export function rampColour(share) {
  const { ramp } = colours();
  const place = Math.min(1, Math.max(0, share)) * (ramp.length - 1);
  const at = Math.min(ramp.length - 2, Math.floor(place));
  const channel = (hex, i) => parseInt(hex.slice(1 + 2 * i, 3 + 2 * i), 16);
  return [0, 1, 2].map((i) => {
    const low = channel(ramp[at], i);
    return Math.round(low + (channel(ramp[at + 1], i) - low) * (place - at));
  });
}

function remembered() {
  try {
    const value = localStorage.getItem('ompq-theme');
    return CHOICES.includes(value) ? value : 'auto';
  } catch {
    return 'auto';  // a page from disk may have no storage
  }
}

function choose(value, redraw) {
  choice = value;
  document.documentElement.dataset.theme = value;
  try {
    localStorage.setItem('ompq-theme', value);
  } catch {
    // without storage the choice is not kept
  }
  redraw();
}

/** The colour switch. @param redraw called whenever the colours change, also for printing, which is always light. */
export function themeSwitch(redraw, el) {
  choice = remembered();
  document.documentElement.dataset.theme = choice;
  system.addEventListener('change', redraw);
  window.addEventListener('beforeprint', () => { printing = true; redraw(); });
  window.addEventListener('afterprint', () => { printing = false; redraw(); });
  return el('fieldset', { class: 'theme' }, el('legend', { class: 'unseen' }, 'Colours'),
    CHOICES.map((value) => el('label', {},
      el('input', { type: 'radio', name: 'theme', value, checked: value === choice, onchange: () => choose(value, redraw) }),
      el('span', {}, value))));
}
