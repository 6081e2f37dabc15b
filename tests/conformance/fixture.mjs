// An MCP server for conformance runs, both eras on one URL or on stdio; Node >= 18, no packages.
// node fixture.mjs [PORT] [--legacy-only | --modern-only | --sse] [--stdio] [--log FILE]
// Prints its URL when it listens; port 0 (the default) takes a free one. --log writes a line for each message.
// --sse: the HTTP of 2024-11-05, a stream and an address to post to, and nothing else.
import fs from 'node:fs';
import http from 'node:http';
import { legacyDelete, legacyGet, legacyPost, refuse, twoEndpoints } from './fixture_legacy.mjs';
import { modernPost } from './fixture_modern.mjs';
import { hasEnvelope, LEGACY, MODERN } from './fixture_rpc.mjs';
import { serveStdio } from './fixture_stdio.mjs';

const flag = name => process.argv.includes(`--${name}`);
const eras = { legacy: !flag('modern-only'), modern: !flag('legacy-only') };
const versions = [...(eras.modern ? MODERN : []), ...(eras.legacy ? LEGACY : [])];
const logFile = flag('log') ? process.argv[process.argv.indexOf('--log') + 1] : undefined;
const log = entry => { if (logFile) fs.appendFileSync(logFile, JSON.stringify(entry) + '\n'); };

const local = host => /^(localhost|127\.0\.0\.1|\[::1\])(:\d+)?$/i.test(host ?? '');
const namesModern = ({ headers }) => eras.modern && MODERN.includes(headers['mcp-protocol-version']);
/** The request decides its era: by its envelope, by the revision that a header names, or by headers that only one era has. */
function isModern(request, message) {
  if (!eras.legacy || !eras.modern) return eras.modern;
  const mirrors = request.headers['mcp-method'] !== undefined && !request.headers['mcp-session-id'] && message.method !== 'initialize';
  return hasEnvelope(message) || namesModern(request) || mirrors;
}

function post(request, response, raw) {
  let message;
  try { message = JSON.parse(raw); } catch { return refuse(response, 400, -32700, 'Parse error'); }
  if (message === null || typeof message !== 'object' || Array.isArray(message)) return refuse(response, 400, -32600, 'Invalid Request');
  if (flag('sse')) return twoEndpoints(request, response, message, raw);
  const answered = isModern(request, message) ? modernPost(request, response, message, raw, versions) : legacyPost(request, response, message, raw);
  return answered.catch(fault => (response.headersSent ? response.end() : refuse(response, 500, -32603, String(fault))));
}

function serveHttp() {
  const server = http.createServer((request, response) => {
    const chunks = [];
    request.on('data', chunk => chunks.push(chunk));
    request.on('end', () => {
      const raw = Buffer.concat(chunks).toString('utf8'), { method, headers, url } = request;
      log({ method, url, headers, body: raw });
      if (url.split('?')[0] !== '/mcp') { response.writeHead(404); return response.end(); }
      if (!local(headers.host)) return refuse(response, 403, -32000, 'Invalid Host');
      if (headers.origin && !local(headers.origin.replace(/^https?:\/\//, ''))) return refuse(response, 403, -32000, 'Invalid Origin');
      if (method === 'POST') return post(request, response, raw);
      if (flag('sse') && method === 'GET') return twoEndpoints(request, response);
      const sessions = !flag('sse') && eras.legacy && !namesModern(request);
      if (sessions && method === 'GET') return legacyGet(request, response);
      if (sessions && method === 'DELETE') return legacyDelete(request, response);
      response.writeHead(405, { allow: sessions ? 'GET, POST, DELETE' : 'POST' });
      return response.end();
    });
  });
  const port = Number(process.argv[2]) || 0;
  server.listen(port, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/mcp`));
}

if (flag('stdio')) serveStdio(eras, versions, log); else serveHttp();
