// The reader's selections, and their listeners.

export function createStore(state) {
  const listeners = new Set();
  return {
    state,
    /** Sets fields and calls each listener of a changed field once. */
    set(changes) {
      const changed = Object.keys(changes).filter((key) => state[key] !== changes[key]);
      Object.assign(state, changes);
      for (const listener of [...listeners]) {
        if (changed.some((key) => listener.keys.includes(key))) listener.call();
      }
    },
    on(keys, call) {
      listeners.add({ keys, call });
    },
    clear() {
      listeners.clear();
    },
  };
}

/** True if `text` contains every word of `query`, ignoring case. */
export function holds(text, query) {
  const searched = text.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => searched.includes(word));
}

/** Indices of the layers whose name, operator or block contain every word of `query`. */
export function matchingLayers(layers, query) {
  return layers.flatMap((layer, i) => (holds(`${layer.name} ${layer.op_type ?? ''} ${layer.block ?? ''}`, query) ? [i] : []));
}
