// The session era over Streamable HTTP, revisions 2024-11-05 to 2025-11-25: sessions, streams that can be found again.
import { randomUUID } from 'node:crypto';
import { legacyAnswer } from './fixture_answers.mjs';
import { listen } from './fixture_hub.mjs';
import { Asked, errorLine, idText, LEGACY, noteLine, resultLine } from './fixture_rpc.mjs';

export const SSE = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache', 'x-accel-buffering': 'no' };

/** An answer that needs no method: a status and an error without an id. */
export function refuse(response, status, code, message, id = 'null', data = undefined) {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(errorLine(id, { code, message, data }));
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

/** What a session is, whatever carries it; `tell` writes what belongs to no call. */
function newSession(params, tell) {
  const version = LEGACY.includes(params?.protocolVersion) ? params.protocolVersion : LEGACY[0];
  const session = { version, capabilities: params?.capabilities ?? {}, watched: new Set(), asked: new Asked(), running: new Map() };
  session.forget = listen({ wants: (method, { uri } = {}) => uri === undefined || session.watched.has(uri), tell: (method, params) => tell(noteLine(method, params)) });
  return session;
}

/** What a tool may do with its caller while it runs, if `write` takes messages ahead of the answer. */
function legacyCall(session, message, raw, write) {
  const token = message.params?._meta?.progressToken;
  return {
    era: 'legacy', raw, session, capabilities: session.capabilities,
    log: (level, data) => write(noteLine('notifications/message', { level, logger: 'fixture', data })),
    progress: (progress, total) => { if (token !== undefined) write(noteLine('notifications/progress', { progressToken: token, progress, total })); },
    stream() {}, close_stream() {},
    cancelled: new Promise(resolve => session.running.set(message.id, resolve)),
    async ask(questions) {
      const answers = Object.entries(questions).map(async ([key, { method, params }]) => [key, await session.asked.send(write, method, params)]);
      return Object.fromEntries(await Promise.all(answers));
    },
  };
}

/** Answers a request of a session; gives the line, or nothing when the request was cancelled. */
async function legacyLine(message, call, raw) {
  const id = idText(raw, message.id), { running } = call.session;
  let line;
  try { line = resultLine(id, await legacyAnswer(message, call)); } catch (fault) { line = errorLine(id, fault); }
  const cancelled = call.session.cancelled?.delete(message.id);
  running.delete(message.id);
  return cancelled ? undefined : line;
}

/** A notification, or an answer to one of our requests. */
function legacyHears(session, message) {
  if (message.method === undefined) return session.asked.answered(message);
  if (message.method !== 'notifications/cancelled') return undefined;
  const stop = session.running.get(message.params?.requestId);
  if (stop) (session.cancelled ??= new Set()).add(message.params.requestId);
  return stop?.();
}

/** One client of the session era on a transport that is its session: takes each message, `write` gets every line back. */
export function legacyPipe(write) {
  let session;
  return {
    opened: () => session !== undefined,
    close: () => session?.forget(),
    async take(message, raw) {
      if (message.method === 'initialize') {
        session?.forget();
        session = newSession(message.params, write);
      }
      const id = idText(raw, message.id), unknown = message.method === 'server/discover';
      if (!session && message.id === undefined) return;
      if (!session && message.method === 'ping') write(resultLine(id, {}));
      else if (!session) write(errorLine(id, unknown ? { code: -32601, message: 'Method not found' } : { code: -32600, message: 'Not initialized' }));
      else if (message.method === undefined || message.id === undefined) legacyHears(session, message);
      else {
        const line = await legacyLine(message, legacyCall(session, message, raw, write), raw);
        if (line !== undefined) write(line);
      }
    },
  };
}

const sessions = new Map();

/** The session a request names; answers the request itself when there is none. */
function sessionOf(request, response) {
  const id = request.headers['mcp-session-id'], version = request.headers['mcp-protocol-version'];
  if (version !== undefined && !LEGACY.includes(version)) return refuse(response, 400, -32000, 'Bad Request: Unsupported protocol version');
  if (!id) return refuse(response, 400, -32000, 'Bad Request: Mcp-Session-Id header is required');
  return sessions.get(id) ?? refuse(response, 404, -32001, 'Session not found');
}

export async function legacyPost(request, response, message, raw) {
  if (message.method === 'initialize' && !request.headers['mcp-session-id']) {
    const session = newSession(message.params, line => session.standalone?.push(line));
    Object.assign(session, { id: randomUUID(), streams: new Map(), standalone: null });
    sessions.set(session.id, session);
    response.writeHead(200, { 'content-type': 'application/json', 'mcp-session-id': session.id });
    return response.end(await legacyLine(message, legacyCall(session, message, raw), raw));
  }
  const session = sessionOf(request, response);
  if (!session) return undefined;
  if (message.method === undefined || message.id === undefined) {
    legacyHears(session, message);
    response.writeHead(202);
    return response.end();
  }
  const stream = new Stream(session);
  response.writeHead(200, { ...SSE, 'mcp-session-id': session.id });
  response.flushHeaders();
  if (session.version >= '2025-11-25') stream.push('', 500);
  stream.attach(response);
  const call = { ...legacyCall(session, message, raw, line => stream.push(line)), close_stream: () => stream.detach() };
  const line = await legacyLine(message, call, raw);
  if (line !== undefined) stream.push(line);
  return stream.end();
}

export function legacyGet(request, response) {
  const session = sessionOf(request, response);
  if (!session) return undefined;
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
  return session.standalone.attach(response);
}

export function legacyDelete(request, response) {
  const session = sessionOf(request, response);
  if (!session) return;
  for (const stream of session.streams.values()) stream.end();
  session.forget();
  sessions.delete(session.id);
  response.writeHead(200);
  response.end();
}

const pipes = new Map();
/** The transport of 2024-11-05: the stream's first event names the address to post to, and all answers come on the stream. */
export function twoEndpoints(request, response, message, raw) {
  const id = new URL(request.url, 'http://localhost').searchParams.get('session');
  if (request.method === 'POST') {
    const pipe = pipes.get(id);
    if (!pipe) return refuse(response, id ? 404 : 405, -32001, 'Session not found');
    response.writeHead(202);
    response.end('Accepted');
    return pipe.take(message, raw);
  }
  const fresh = randomUUID(), pipe = legacyPipe(line => response.write(`event: message\ndata: ${line}\n\n`));
  pipes.set(fresh, pipe);
  response.on('close', () => { pipes.delete(fresh); pipe.close(); });
  response.writeHead(200, SSE);
  return response.write(`event: endpoint\ndata: /mcp?session=${fresh}\n\n`);
}
