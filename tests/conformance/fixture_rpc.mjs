// What both eras of the fixture share on the wire: names, errors, ids as they were written, lines.

export const MODERN = ['2026-07-28'];
export const LEGACY = ['2025-11-25', '2025-06-18', '2025-03-26', '2024-11-05'];
export const PREFIX = 'io.modelcontextprotocol/';
export const INFO = { name: 'callgate-fixture', version: '1.0.0' };
export const INSTRUCTIONS = 'Callgate conformance fixture.';

/** An answer that is an error; `status` is the HTTP status that goes with it in 2026-07-28. */
export class RpcError extends Error {
  constructor(code, message, data, status = 200) { super(message); Object.assign(this, { code, data, status }); }
}
/** 2026-07-28, basic/index "Error Codes": the client did not declare what the answer needs. */
export const lacks = capabilities => new RpcError(-32021, 'Missing required client capability', { requiredCapabilities: capabilities }, 400);

/** The text of the top-level `id`, so that integers beyond 2^53 come back as they were sent. */
export function idText(body, parsed) {
  let depth = 0;
  for (let at = 0; at < body.length; at++) {
    if (body[at] === '{' || body[at] === '[') depth++;
    if (body[at] === '}' || body[at] === ']') depth--;
    if (body[at] !== '"') continue;
    const from = at++;
    while (body[at] !== '"') at += body[at] === '\\' ? 2 : 1;
    const id = depth === 1 && body.slice(from, at + 1) === '"id"' && /^\s*:\s*(-?\d+|"(?:[^"\\]|\\.)*")/.exec(body.slice(at + 1));
    if (id) return id[1];
  }
  return JSON.stringify(parsed ?? null);
}

export const noteLine = (method, params) => JSON.stringify({ jsonrpc: '2.0', method, params });
export const requestLine = (id, method, params) => JSON.stringify({ jsonrpc: '2.0', id, method, params });
export const errorLine = (id, { code = -32603, message, data }) => `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
/** A result may bring its own text (`raw`), which is kept; `more` are members that the era adds. */
export function resultLine(id, result, more = {}) {
  const { raw, ...rest } = result, members = JSON.stringify({ ...more, ...rest });
  if (raw === undefined) return `{"jsonrpc":"2.0","id":${id},"result":${members}}`;
  return `{"jsonrpc":"2.0","id":${id},"result":${members === '{}' ? raw : `${raw.slice(0, -1)},${members.slice(1)}`}}`;
}

/** Whether a message says of itself that it is of 2026-07-28: it has at least a part of that revision's envelope. */
export const hasEnvelope = message =>
  Object.keys(message.params?._meta ?? {}).some(key => key === `${PREFIX}protocolVersion` || key.startsWith(`${PREFIX}client`));

/** The requests that we have under way at a client of the session era, by our ids. */
export class Asked {
  constructor() { Object.assign(this, { waiting: new Map(), next: 1 }); }
  send(write, method, params) {
    const id = this.next++;
    return new Promise((resolve, reject) => { this.waiting.set(id, { resolve, reject }); write(requestLine(id, method, params)); });
  }
  answered({ id, result, error }) {
    const one = this.waiting.get(id);
    this.waiting.delete(id);
    if (error) one?.reject(new RpcError(error.code, error.message)); else one?.resolve(result);
  }
}
