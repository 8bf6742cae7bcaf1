// What the reader has chosen, and who wants to know.

export function createStore(state) {
  const listeners = new Set();
  return {
    state,
    /** Sets fields; each listener to one that changed is called once. */
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

/** Whether `text` holds every word of `query`, in whatever case. */
export function holds(text, query) {
  const searched = text.toLowerCase();
  return query.toLowerCase().split(/\s+/).every((word) => searched.includes(word));
}

/** Indices of the layers whose name, operator or block hold every word of `query`. */
export function matchingLayers(layers, query) {
  return layers.flatMap((layer, i) => (holds(`${layer.name} ${layer.operator ?? ''} ${layer.block ?? ''}`, query) ? [i] : []));
}
