// A heat map that is fast with 300 x 300 cells: ECharts draws the axes and the zoom; the cells are a single image with
// one pixel per cell, scaled to the plot area.

import { announce, el } from './dom.js';
import { colours, rampColour } from './theme.js';
import { grid, labelSpace, nameAxis, zoom, zoomSpace } from './chart_parts.js';

/** Position 0..1 of `value` between the ends; on a logarithmic scale if `log`. */
export function scale(low, high, log) {
  const on = log ? Math.log10 : (x) => x;
  const [from, to] = [on(low), on(high)];
  return (value) => (to > from ? (on(Math.max(value, low)) - from) / (to - from) : 1);
}

/** One pixel per cell. */
function paint({ rows, columns, value, share }) {
  const canvas = el('canvas', { width: Math.max(1, columns.length), height: Math.max(1, rows.length) });
  const context = canvas.getContext('2d');
  const image = context.createImageData(canvas.width, canvas.height);
  rows.forEach((row, y) => columns.forEach((column, x) => {
    const number = value(row, column);
    const at = 4 * (y * canvas.width + x);
    if (!Number.isFinite(number)) return;  // stays transparent
    const [red, green, blue] = rampColour(share(number));
    image.data.set([red, green, blue, 255], at);
  }));
  context.putImageData(image, 0, 0);
  return canvas;
}

/** The cells of the visible part, at the screen's resolution. */
function renderCells(cells, { rows, columns }) {
  return (parameters, api) => {
    const { x, y, width, height } = parameters.coordSys;
    const first = api.coord([0, 0]);
    const last = api.coord([columns.length - 1, rows.length - 1]);
    const cellWidth = columns.length > 1 ? (last[0] - first[0]) / (columns.length - 1) : width;
    const cellHeight = rows.length > 1 ? (last[1] - first[1]) / (rows.length - 1) : height;
    const left = (x - (first[0] - cellWidth / 2)) / cellWidth;
    const top = (y - (first[1] - cellHeight / 2)) / cellHeight;
    const ratio = window.devicePixelRatio || 1;
    const image = el('canvas', { width: Math.max(1, Math.round(width * ratio)), height: Math.max(1, Math.round(height * ratio)) });
    const context = image.getContext('2d');
    context.imageSmoothingEnabled = false;
    context.drawImage(cells, left, top, width / cellWidth, height / cellHeight, 0, 0, image.width, image.height);
    return { type: 'image', silent: true, style: { image, x, y, width, height } };
  };
}

/**
 * ECharts option of a matrix.
 * @param matrix {rows, columns: indices; rowNames, columnNames; value(row, column); share(value)}
 */
export function matrixOption(matrix, left = 150) {
  const cells = paint(matrix);
  const x = nameAxis(matrix.columnNames);
  const y = { ...nameAxis(matrix.rowNames, { axisLabel: { rotate: 0 } }), inverse: true };
  const wide = zoom(matrix.columnNames);
  const tall = matrix.rows.length > 64 ? [{ type: 'inside', yAxisIndex: 0, zoomOnMouseWheel: 'ctrl', moveOnMouseWheel: false }] : [];
  return {
    grid: grid({ left, right: 12, top: 8, bottom: labelSpace(matrix.columnNames) + zoomSpace(matrix.columnNames) }),
    xAxis: x,
    yAxis: y,
    dataZoom: [...wide, ...tall].map((part) => ({ ...part, filterMode: 'none' })),
    series: [{ type: 'custom', silent: true, clip: true, data: [[0, 0]], renderItem: renderCells(cells, matrix) }],
  };
}

/**
 ** Frames and describes the cell under the mouse, or selected with the arrow keys.
 * @param current() the drawn matrix  @param describe(row, column) {tip: node, text}
 * @param pick(row, column) called on a click or Enter
 */
export function cellCursor(current, describe, pick = () => {}) {
  return (chart, plot) => {
    const frame = el('div', { class: 'cell-frame', hidden: true });
    const box = el('div', { class: 'cell-tip', hidden: true });
    plot.append(frame, box);
    let cell = null;

    const hide = () => { frame.hidden = box.hidden = true; cell = null; };
    const inside = ([column, row]) => {
      const { rows, columns } = current();
      return row >= 0 && row < rows.length && column >= 0 && column < columns.length;
    };
    function show([column, row]) {
      if (!inside([column, row])) return hide();
      const { rows, columns } = current();
      cell = [column, row];
      const [x, y] = chart.convertToPixel({ xAxisIndex: 0, yAxisIndex: 0 }, cell);
      const grid = chart.getModel().getComponent('grid').coordinateSystem.getRect();
      const width = Math.abs(chart.convertToPixel({ xAxisIndex: 0 }, 1) - chart.convertToPixel({ xAxisIndex: 0 }, 0)) || grid.width;
      const height = Math.abs(chart.convertToPixel({ yAxisIndex: 0 }, 1) - chart.convertToPixel({ yAxisIndex: 0 }, 0)) || grid.height;
      const visible = x >= grid.x && x <= grid.x + grid.width && y >= grid.y && y <= grid.y + grid.height;
      const said = describe(rows[row], columns[column]);
      frame.hidden = !visible;
      box.hidden = !visible;
      Object.assign(frame.style, { left: `${x - width / 2}px`, top: `${y - height / 2}px`, width: `${width}px`, height: `${height}px` });
      box.replaceChildren(said.tip);
      const right = x > plot.clientWidth / 2;
      Object.assign(box.style, { left: right ? '' : `${x + width / 2 + 8}px`, right: right ? `${plot.clientWidth - x + width / 2 + 8}px` : '' });
      box.style.top = `${Math.min(y, Math.max(0, plot.clientHeight - box.offsetHeight - 4))}px`;
      return said.text;
    }
    const at = (event) => (chart.containPixel('grid', [event.offsetX, event.offsetY])
      ? chart.convertFromPixel({ xAxisIndex: 0, yAxisIndex: 0 }, [event.offsetX, event.offsetY]) : [-1, -1]);
    chart.getZr().on('mousemove', (event) => show(at(event)));
    chart.getZr().on('globalout', hide);
    chart.getZr().on('click', (event) => {
      const [column, row] = at(event);
      if (inside([column, row])) pick(current().rows[row], current().columns[column]);
    });
    chart.on('datazoom', hide);
    plot.addEventListener('blur', hide);
    return {
      refresh: hide,
      key(event) {
        const move = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
        if (event.key === 'Escape') hide();
        if (event.key === 'Enter' && cell) pick(current().rows[cell[1]], current().columns[cell[0]]);
        if (!move) return false;
        event.preventDefault();
        const from = cell ?? [0, 0];
        const next = cell ? [from[0] + move[0], from[1] + move[1]] : from;
        if (inside(next)) announce(show(next));
        return true;
      },
    };
  };
}

/** The colour ramp with the values at its ends. */
export function rampLegend(low, high, { log = false, name }) {
  const bar = el('canvas', { width: 120, height: 1, 'aria-hidden': 'true' });
  const paintBar = () => {
    const context = bar.getContext('2d');
    for (let x = 0; x < 120; ++x) {
      context.fillStyle = `rgb(${rampColour(x / 119).join(' ')})`;
      context.fillRect(x, 0, 1, 1);
    }
  };
  const node = el('div', { class: 'ramp', style: `border-color: ${colours().line}` },
    el('span', { class: 'muted' }, log ? `${name} (log)` : name), el('span', {}, low), bar, el('span', {}, high));
  return { node, paintBar };
}
