// The only place that creates elements. Text becomes text nodes and attributes become attributes, never markup, so that
// no name from a model can become part of the page's code.

/** el('p', {class: 'lead'}, 'text', child): attributes that are null, undefined or false are omitted. */
export function el(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else node.setAttribute(name, value === true ? '' : String(value));
  }
  append(node, children);
  return node;
}

/** Appends nodes and texts; arrays are flattened, null and undefined skipped. */
export function append(node, ...children) {
  for (const child of children.flat(Infinity)) {
    if (child !== undefined && child !== null) node.append(child instanceof Node ? child : String(child));
  }
}

/** A drop-down list. @param options [{value, text}]  @param change called with the chosen value. */
export function select(label, options, value, change) {
  const list = el('select', { 'aria-label': label, onchange: () => change(list.value) },
    options.map((option) => el('option', { value: option.value }, option.text)));
  list.value = value;
  return el('label', { class: 'control' }, el('span', {}, label), list);
}

/** Announces a text to screen readers, without moving the focus. */
export function announce(text) {
  document.getElementById('announcer').textContent = text;
}

/** Makes the browser save `text` as a file. */
export function download(name, type, text) {
  const link = el('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  document.body.append(link);  // some browsers ignore clicks on links that are not in the document
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
