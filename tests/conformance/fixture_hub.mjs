// Who wants to know what changes, in both eras, and what callers did with their calls.

/** Each has wants(method, params) and tell(method, params). */
const listeners = new Set();
export function listen(listener) { listeners.add(listener); return () => listeners.delete(listener); }

function tell(method, params) { for (const listener of listeners) if (listener.wants(method, params)) listener.tell(method, params); }
export const changed = kind => tell(`notifications/${kind}/list_changed`);
export const updated = uri => tell('notifications/resources/updated', { uri });

const marks = new Set(), hopeful = new Map();
/** Says that something happened, for the calls that wait for it, now or later. */
export function mark(what) { marks.add(what); hopeful.get(what)?.(); }
/** Whether it happened, or does within the limit. */
export function marked(what, limitMs) {
  if (marks.has(what)) return true;
  return new Promise(resolve => {
    const limit = setTimeout(() => resolve(false), limitMs);
    hopeful.set(what, () => { clearTimeout(limit); resolve(true); });
  });
}
