// The only place that makes elements. Text goes in as text nodes and attributes as attributes, never as
// markup, so that no name out of a model can become part of the page's code.

/** el('p', {class: 'lead'}, 'text', child): attributes that are null, undefined or false are left out. */
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

/** Appends nodes and texts; arrays are flattened, null and undefined left out. */
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

/** Says something to screen readers, without moving the focus. */
export function announce(text) {
  document.getElementById('announcer').textContent = text;
}

/** Hands `text` to the browser as a file to save. */
export function download(name, type, text) {
  const link = el('a', { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  document.body.append(link);  // some browsers drop the click of a link that stands nowhere
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(link.href), 10000);
}
