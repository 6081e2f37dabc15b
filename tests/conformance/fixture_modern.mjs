// 2026-07-28 over Streamable HTTP: each request carries its envelope, headers mirror the body, nothing is remembered.
import { modernLine, roundTrips, toolOf } from './fixture_answers.mjs';
import { listen } from './fixture_hub.mjs';
import { refuse, SSE } from './fixture_legacy.mjs';
import { errorLine, idText, MODERN, noteLine, PREFIX, RpcError } from './fixture_rpc.mjs';

const isObject = value => value !== null && typeof value === 'object' && !Array.isArray(value);

/** The envelope of a request (basic/index "Request metadata"); throws when it lacks something. */
export function envelopeOf(message) {
  const meta = message.params?._meta, version = meta?.[`${PREFIX}protocolVersion`], capabilities = meta?.[`${PREFIX}clientCapabilities`];
  if (typeof version !== 'string' || !isObject(capabilities)) throw new RpcError(-32602, 'Missing required _meta fields', undefined, 400);
  return { version, capabilities, token: meta.progressToken, logs: meta[`${PREFIX}logLevel`] !== undefined };
}
export function checkVersion({ version }) {
  if (!MODERN.includes(version)) throw new RpcError(-32022, 'Unsupported protocol version', { supported: MODERN, requested: version }, 400);
}

/** What a tool may do with its caller while it runs, if `write` takes messages ahead of the answer. */
export const modernCall = (message, raw, envelope, cancelled, write) => ({
  era: 'modern', raw, cancelled, ...roundTrips(message.params, envelope.capabilities), close_stream() {},
  stream() {},
  log: (level, data) => { if (envelope.logs) write(noteLine('notifications/message', { level, logger: 'fixture', data })); },
  progress: (progress, total) => {
    if (envelope.token !== undefined) write(noteLine('notifications/progress', { progressToken: envelope.token, progress, total }));
  },
});

/** A subscription: `write` gets the acknowledgement and then what the filter lets through. Gives what ends it. */
export function subscribe(message, write) {
  const wanted = message.params.notifications ?? {}, filter = {}, _meta = { [`${PREFIX}subscriptionId`]: message.id };
  for (const kind of ['toolsListChanged', 'promptsListChanged', 'resourcesListChanged']) if (wanted[kind] === true) filter[kind] = true;
  if (Array.isArray(wanted.resourceSubscriptions)) filter.resourceSubscriptions = wanted.resourceSubscriptions;
  write(noteLine('notifications/subscriptions/acknowledged', { notifications: filter, _meta }));
  return listen({
    wants: (method, { uri } = {}) => (uri === undefined ? filter[`${method.split('/')[1]}ListChanged`] : filter.resourceSubscriptions?.includes(uri)),
    tell: (method, params) => write(noteLine(method, { ...params, _meta })),
  });
}

/** The value that a header mirrors: plain, or `=?base64?…?=`; null when it is not well formed. */
function decoded(value) {
  const inside = /^=\?base64\?(.*)\?=$/.exec(value ?? '')?.[1];
  if (inside === undefined) return value;
  return /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(inside) ? Buffer.from(inside, 'base64').toString('utf8') : null;
}

const NAMED = {
  'tools/call': 'name', 'prompts/get': 'name', 'resources/read': 'uri', 'tasks/get': 'taskId', 'tasks/update': 'taskId', 'tasks/cancel': 'taskId',
};
/** [header, what it says, what it must say] for each argument that is mirrored (server/tools "x-mcp-header"). */
function* mirrored(headers, schema, values) {
  for (const [name, property] of Object.entries(schema.properties ?? {})) {
    const value = isObject(values) ? values[name] : undefined, header = property['x-mcp-header'];
    if (property.properties) yield* mirrored(headers, property, value);
    if (header === undefined) continue;
    const said = decoded(headers[`mcp-param-${header.toLowerCase()}`]), wanted = value === undefined || value === null ? undefined : String(value);
    yield [`Mcp-Param-${header}`, property.type === 'integer' && said?.trim() ? String(Number(said)) : said, wanted];
  }
}
/** Throws when a header does not say what the body says (basic/transports/streamable-http "Server validation"). */
function checkHeaders({ headers }, { method, params }, { version }) {
  const must = [['MCP-Protocol-Version', headers['mcp-protocol-version'], version]];
  must.push(['Mcp-Method', headers['mcp-method'], method]);
  if (method in NAMED) must.push(['Mcp-Name', decoded(headers['mcp-name']), params[NAMED[method]]]);
  const tool = method === 'tools/call' ? toolOf('modern', params.name) : undefined;
  if (tool) must.push(...mirrored(headers, tool[2], params.arguments));
  for (const [header, said, wanted] of must) if (said !== wanted) throw new RpcError(-32020, `Header mismatch: ${header}`, undefined, 400);
}

export async function modernPost(request, response, message, raw, versions) {
  if (message.method === undefined) return refuse(response, 400, -32600, 'Clients send no responses in this revision');
  if (message.id === undefined) { response.writeHead(202); return response.end(); }
  const id = idText(raw, message.id);
  let streaming = false;
  const stream = () => { if (!streaming) response.writeHead(200, SSE); streaming = true; };
  const write = line => { stream(); response.write(`event: message\ndata: ${line}\n\n`); };
  const end = (status, line) => {
    if (streaming) { write(line); return response.end(); }
    response.writeHead(status, { 'content-type': 'application/json' });
    return response.end(line);
  };
  try {
    const envelope = envelopeOf(message);
    if (request.headers['mcp-protocol-version'] === envelope.version) checkVersion(envelope);
    checkHeaders(request, message, envelope);
    if (message.method === 'subscriptions/listen') {
      response.on('close', subscribe(message, write));
      return undefined;
    }
    // A closed stream is the cancel of this revision.
    const cancelled = new Promise(resolve => response.on('close', () => { if (!response.writableFinished) resolve(); }));
    const call = { ...modernCall(message, raw, envelope, cancelled, write), stream };
    return end(200, await modernLine(message, call, id, versions));
  } catch (fault) {
    return end(fault.status ?? 200, errorLine(id, fault));
  }
}
