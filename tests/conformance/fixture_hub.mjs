// Who wants to know what changes, in both eras, and which calls were given up by their callers.

/** Each has wants(method, params) and tell(method, params). */
const listeners = new Set();
export function listen(listener) { listeners.add(listener); return () => listeners.delete(listener); }

function tell(method, params) { for (const listener of listeners) if (listener.wants(method, params)) listener.tell(method, params); }
export const changed = kind => tell(`notifications/${kind}/list_changed`);
export const updated = uri => tell('notifications/resources/updated', { uri });

const cancelled = new Set(), hopeful = new Map();
export function wasCancelled(label) { cancelled.add(label); hopeful.get(label)?.(); }
/** Whether the call with this label was cancelled, or is within the limit. */
export function untilCancelled(label, limitMs) {
  if (cancelled.has(label)) return true;
  return new Promise(resolve => {
    const limit = setTimeout(() => resolve(false), limitMs);
    hopeful.set(label, () => { clearTimeout(limit); resolve(true); });
  });
}
