// An MCP server for conformance runs: Streamable HTTP, revisions 2025-03-26 to 2025-11-25, Node >= 18, no packages.
// node fixture.mjs [PORT] [--log FILE]   prints its URL when it listens; port 0 (the default) takes a free one.
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import { prompt, prompts, read, resources, resourceTemplates, tools } from './fixture_content.mjs';

const REVISIONS = ['2025-11-25', '2025-06-18', '2025-03-26'];
const CAPABILITIES = {
  tools: { listChanged: true }, prompts: { listChanged: true }, resources: { subscribe: true, listChanged: true }, completions: {}, logging: {},
};
const SSE = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };

const logAt = process.argv.indexOf('--log');
const logFile = logAt > 0 ? process.argv[logAt + 1] : undefined;
const log = entry => { if (logFile) fs.appendFileSync(logFile, JSON.stringify(entry) + '\n'); };

class RpcError extends Error {
  constructor(code, message, data) { super(message); Object.assign(this, { code, data }); }
}

/** The text of the top-level `id`, so that integers beyond 2^53 come back as they were sent. */
function idText(body, parsed) {
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
  return JSON.stringify(parsed);
}

/** One SSE stream with replay: events keep their ids, a client may come back for those it missed. */
class Stream {
  constructor(session) { Object.assign(this, { id: randomUUID().slice(0, 8), events: [], response: null, ended: false }); session.streams.set(this.id, this); }
  attach(response, after = -1) {
    this.response = response;
    response.on('close', () => { if (this.response === response) this.response = null; });
    for (let at = after + 1; at < this.events.length; at++) this.write(at);
    if (this.ended) this.detach();
  }
  write(at) {
    const { data, retry } = this.events[at];
    this.response?.write(`id: ${this.id}_${at}\n${retry ? `retry: ${retry}\n` : ''}${data === '' ? 'data: \n\n' : `event: message\ndata: ${data}\n\n`}`);
  }
  push(data, retry) { this.events.push({ data, retry }); this.write(this.events.length - 1); }
  detach() { const open = this.response; this.response = null; open?.end(); }
  end() { this.ended = true; this.detach(); }
}

const sessions = new Map();
function openSession(params) {
  const version = REVISIONS.includes(params?.protocolVersion) ? params.protocolVersion : REVISIONS[0];
  const session = { id: randomUUID(), version, streams: new Map(), watched: new Set(), pending: new Map(), next: 1, standalone: null };
  sessions.set(session.id, session);
  return session;
}

/** What a tool may do with its caller while it runs. */
function callOf(session, stream, message, raw) {
  const token = message.params?._meta?.progressToken;
  const notify = (method, params) => stream.push(JSON.stringify({ jsonrpc: '2.0', method, params }));
  return {
    raw, notify,
    progress: (progress, total) => { if (token !== undefined) notify('notifications/progress', { progressToken: token, progress, total }); },
    close_stream: () => stream.detach(),
    request: (method, params) => new Promise((resolve, reject) => {
      const id = session.next++;
      session.pending.set(id, { resolve, reject });
      stream.push(JSON.stringify({ jsonrpc: '2.0', id, method, params }));
    }),
  };
}

async function answer({ method, params }, session, call) {
  switch (method) {
    case 'ping': case 'logging/setLevel': return {};
    case 'tools/list': return { tools: tools.map(([name, description, inputSchema]) => ({ name, description, inputSchema })) };
    case 'tools/call': {
      const tool = tools.find(([name]) => name === params?.name);
      if (!tool) throw new RpcError(-32602, `Unknown tool: ${params?.name}`);
      return tool[3](params.arguments ?? {}, call);
    }
    case 'resources/list': return { resources };
    case 'resources/templates/list': return { resourceTemplates };
    case 'resources/read': {
      const contents = read(params?.uri);
      if (!contents) throw new RpcError(-32002, 'Resource not found', { uri: params?.uri });
      return { contents: [contents] };
    }
    case 'resources/subscribe': session.watched.add(params?.uri); return {};
    case 'resources/unsubscribe': session.watched.delete(params?.uri); return {};
    case 'prompts/list': return { prompts };
    case 'prompts/get': {
      const messages = prompt(params?.name, params?.arguments);
      if (!messages) throw new RpcError(-32602, `Unknown prompt: ${params?.name}`);
      return { messages };
    }
    case 'completion/complete': return { completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false } };
  }
  throw new RpcError(-32601, 'Method not found');
}

const resultLine = (id, result) => `{"jsonrpc":"2.0","id":${id},"result":${result.raw ?? JSON.stringify(result)}}`;
const errorLine = (id, { code = -32603, message, data }) => `{"jsonrpc":"2.0","id":${id},"error":${JSON.stringify({ code, message, data })}}`;
function refuse(response, status, code, message) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(errorLine('null', { code, message }));
}

/** The session a request names; answers the request itself when there is none. */
function sessionOf(request, response) {
  const id = request.headers['mcp-session-id'], version = request.headers['mcp-protocol-version'];
  if (version !== undefined && !REVISIONS.includes(version)) return refuse(response, 400, -32000, 'Bad Request: Unsupported protocol version');
  if (!id) return refuse(response, 400, -32000, 'Bad Request: Mcp-Session-Id header is required');
  return sessions.get(id) ?? refuse(response, 404, -32001, 'Session not found');
}

async function post(request, response, raw) {
  let message;
  try { message = JSON.parse(raw); } catch { return refuse(response, 400, -32700, 'Parse error'); }
  if (message === null || typeof message !== 'object' || Array.isArray(message)) return refuse(response, 400, -32600, 'Invalid Request');

  if (message.method === 'initialize') {
    const session = openSession(message.params);
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': session.id });
    return response.end(resultLine(idText(raw, message.id), {
      protocolVersion: session.version, capabilities: CAPABILITIES,
      serverInfo: { name: 'callgate-fixture', version: '1.0.0' }, instructions: 'Callgate conformance fixture.',
    }));
  }
  const session = sessionOf(request, response);
  if (!session) return;
  if (message.method === undefined || message.id === undefined) {
    const waiting = session.pending.get(message.id);
    if (waiting) session.pending.delete(message.id);
    if (waiting && message.error) waiting.reject(new RpcError(message.error.code, message.error.message));
    else waiting?.resolve(message.result);
    response.writeHead(202);
    return response.end();
  }
  const stream = new Stream(session), id = idText(raw, message.id);
  response.writeHead(200, { ...SSE, 'mcp-session-id': session.id });
  response.flushHeaders();
  if (session.version >= '2025-11-25') stream.push('', 500);
  stream.attach(response);
  try { stream.push(resultLine(id, await answer(message, session, callOf(session, stream, message, raw)))); } catch (fault) { stream.push(errorLine(id, fault)); }
  stream.end();
}

function get(request, response) {
  const session = sessionOf(request, response);
  if (!session) return;
  response.writeHead(200, { ...SSE, 'mcp-session-id': session.id });
  response.flushHeaders();
  const [stream, after] = (request.headers['last-event-id'] ?? '').split('_');
  if (stream) {
    if (!session.streams.has(stream)) return response.end();
    return session.streams.get(stream).attach(response, Number(after));
  }
  session.standalone?.detach();
  session.standalone = new Stream(session);
  if (session.version >= '2025-11-25') session.standalone.push('', 500);
  session.standalone.attach(response);
}

function remove(request, response) {
  const session = sessionOf(request, response);
  if (!session) return;
  for (const stream of session.streams.values()) stream.end();
  sessions.delete(session.id);
  response.writeHead(200);
  response.end();
}

const local = host => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host ?? '');

const server = http.createServer((request, response) => {
  const chunks = [];
  request.on('data', chunk => chunks.push(chunk));
  request.on('end', () => {
    const raw = Buffer.concat(chunks).toString('utf8'), { method, headers, url } = request;
    log({ method, url, headers, body: raw });
    if (url.split('?')[0] !== '/mcp') { response.writeHead(404); return response.end(); }
    if (!local(headers.host)) return refuse(response, 403, -32000, 'Invalid Host');
    if (headers.origin && !local(headers.origin.replace(/^https?:\/\//, ''))) return refuse(response, 403, -32000, 'Invalid Origin');
    if (method === 'GET') return get(request, response);
    if (method === 'DELETE') return remove(request, response);
    if (method !== 'POST') { response.writeHead(405, { allow: 'GET, POST, DELETE' }); return response.end(); }
    post(request, response, raw).catch(fault => (response.headersSent ? response.end() : refuse(response, 500, -32603, String(fault))));
  });
});
server.listen(Number(process.argv[2] ?? 0) || 0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
