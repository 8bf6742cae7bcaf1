// Number formatting. A missing number is shown as an en dash.

const NONE = '–';
const isNumber = (value) => typeof value === 'number' && Number.isFinite(value);

/** Grouped digits: "10,000". */
export function whole(value) {
  return isNumber(value) ? Math.round(value).toLocaleString('en') : NONE;
}

/** `digits` significant digits, without trailing zeros; exponent notation outside 1e-4..1e6. */
export function number(value, digits = 4) {
  if (!isNumber(value)) return NONE;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e6)) return value.toExponential(digits - 1).replace('e+', 'e');
  return String(Number(value.toPrecision(digits)));
}

/** "121 KiB", as on the command line. */
export function bytes(value) {
  if (!isNumber(value)) return NONE;
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  let size = value;
  while (size >= 1024 && unit < units.length - 1) {
    size /= 1024;
    ++unit;
  }
  return unit === 0 ? `${size} B` : `${size >= 100 ? size.toFixed(0) : size.toFixed(2)} ${units[unit]}`;
}

export function percent(share, digits = 2) {
  return isNumber(share) ? `${(share * 100).toFixed(digits)} %` : NONE;
}

/** Signed difference of two shares in percentage points: "−0.53 points". */
export function points(after, before) {
  if (!isNumber(after) || !isNumber(before)) return NONE;
  const difference = (after - before) * 100;
  return `${difference < 0 ? '−' : '+'}${Math.abs(difference).toFixed(2)} points`;
}

/** "2.35 M", "270 k". */
export function count(value) {
  if (!isNumber(value)) return NONE;
  for (const [unit, size] of [['T', 1e12], ['G', 1e9], ['M', 1e6], ['k', 1e3]]) {
    if (Math.abs(value) >= size) return `${Number((value / size).toPrecision(3))} ${unit}`;
  }
  return String(Math.round(value));
}

export function seconds(value) {
  if (!isNumber(value)) return NONE;
  if (value >= 5400) return `${(value / 3600).toFixed(1)} h`;
  if (value >= 100) return `${(value / 60).toFixed(1)} min`;
  return value >= 10 ? `${value.toFixed(0)} s` : `${value.toFixed(2)} s`;
}

/** The last part of a path. */
export function baseName(path) {
  return String(path ?? '').split(/[\\/]/).pop();
}

/** Shortens a long name in the middle, since names of layers differ at both ends. */
export function shorten(name, length = 22) {
  const letters = Array.from(name);
  if (letters.length <= length) return name;
  const head = Math.ceil((length - 1) / 2);
  return `${letters.slice(0, head).join('')}…${letters.slice(letters.length - (length - 1 - head)).join('')}`;
}

/** A width as text; 32 is float. */
export function bits(width) {
  if (!isNumber(width)) return NONE;
  return width > 8 ? 'float' : `${width} bit`;
}
