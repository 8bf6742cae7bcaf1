// Tables of charts: {columns: [{name, numeric, format}], rows: [[value, ...]]}. Downloads have the same rows,
// unformatted.

import { el } from './dom.js';

const shown = (column, value) => {
  if (value === undefined || value === null || value === '') return '–';
  return column.format && typeof value === 'number' ? column.format(value) : String(value);
};

function compare(a, b) {
  const missing = (value) => value === undefined || value === null || value === '';
  if (missing(a) || missing(b)) return Number(missing(a)) - Number(missing(b));
  if (typeof a === 'number' && typeof b === 'number') return a - b;
  return String(a).localeCompare(String(b), 'en', { numeric: true });
}

function body({ columns, rows }) {
  return el('tbody', {}, rows.map((row) => el('tr', {}, columns.map((column, i) => el(
    i === 0 ? 'th' : 'td', { scope: i === 0 ? 'row' : null, class: column.numeric ? 'number' : null },
    shown(column, row[i]))))));
}

/** A table that is sorted by clicking its headings. */
export function table(data, caption) {
  let order = { column: -1, sign: 1 };
  let content = body(data);
  const headings = data.columns.map((column, i) => el('th', { scope: 'col', class: column.numeric ? 'number' : null },
    el('button', { type: 'button', class: 'sort', onclick: () => sortBy(i) }, column.name)));
  const node = el('table', {}, el('caption', { class: 'unseen' }, caption), el('thead', {}, el('tr', {}, headings)), content);

  function sortBy(i) {
    order = { column: i, sign: order.column === i ? -order.sign : 1 };
    const rows = [...data.rows].sort((a, b) => order.sign * compare(a[i], b[i]));
    headings.forEach((heading, j) => {
      if (j === i) heading.setAttribute('aria-sort', order.sign > 0 ? 'ascending' : 'descending');
      else heading.removeAttribute('aria-sort');
    });
    const sorted = body({ columns: data.columns, rows });
    content.replaceWith(sorted);
    content = sorted;
  }
  return el('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': caption }, node);
}

/** RFC 4180. */
export function csv({ columns, rows }) {
  const field = (value) => {
    const text = value === undefined || value === null ? '' : String(value);
    return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  return [columns.map((column) => column.name), ...rows].map((row) => row.map(field).join(',')).join('\r\n') + '\r\n';
}

/** An array of objects keyed by column name. */
export function json({ columns, rows }) {
  const objects = rows.map((row) => Object.fromEntries(columns.map((column, i) => [column.name, row[i] ?? null])));
  return `${JSON.stringify(objects, null, 1)}\n`;
}
