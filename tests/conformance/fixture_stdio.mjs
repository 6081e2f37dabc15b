// Both eras on one pipe: one message a line, the era is that of the first message.
import { createInterface } from 'node:readline';
import { legacyCall, legacyHears, legacyLine, newSession } from './fixture_legacy.mjs';
import { modernLine } from './fixture_answers.mjs';
import { checkVersion, envelopeOf, modernCall, subscribe } from './fixture_modern.mjs';
import { errorLine, hasEnvelope, idText, resultLine } from './fixture_rpc.mjs';

const write = line => process.stdout.write(`${line}\n`);

const running = new Map();
async function modern(message, raw, versions) {
  if (message.id === undefined) {
    if (message.method === 'notifications/cancelled') running.get(message.params?.requestId)?.();
    return;
  }
  const id = idText(raw, message.id);
  let gone = false;
  try {
    const envelope = envelopeOf(message);
    checkVersion(envelope);
    if (message.method === 'subscriptions/listen') {
      const leave = subscribe(message, write);
      running.set(message.id, () => { running.delete(message.id); leave(); });
      return;
    }
    const cancelled = new Promise(resolve => running.set(message.id, () => { gone = true; resolve(); }));
    const line = await modernLine(message, modernCall(message, raw, envelope, cancelled, write), id, versions);
    if (!gone) write(line);
  } catch (fault) {
    if (!gone) write(errorLine(id, fault));
  }
  running.delete(message.id);
}

let session;
async function legacy(message, raw) {
  if (message.method === 'initialize') {
    session?.forget();
    session = newSession(message.params, write);
  }
  if (!session) {
    if (message.id === undefined) return;
    write(message.method === 'ping' ? resultLine(idText(raw, message.id), {}) : errorLine(idText(raw, message.id), { code: -32600, message: 'Not initialized' }));
    return;
  }
  if (message.method === undefined || message.id === undefined) return legacyHears(session, message);
  const line = await legacyLine(message, legacyCall(session, message, raw, write), raw);
  if (line !== undefined) write(line);
}

/** Serves until the pipe is closed; `eras` says which of the two are spoken. */
export function serveStdio(eras, versions, log) {
  const lines = createInterface({ input: process.stdin });
  lines.on('close', () => process.exit(0));
  lines.on('line', raw => {
    log({ line: raw });
    let message;
    try { message = JSON.parse(raw); } catch { return write(errorLine('null', { code: -32700, message: 'Parse error' })); }
    if (message === null || typeof message !== 'object' || Array.isArray(message)) return write(errorLine('null', { code: -32600, message: 'Invalid Request' }));
    const isModern = !eras.legacy || (eras.modern && (hasEnvelope(message) || (!session && message.method === 'notifications/cancelled')));
    if (!isModern && !session && message.method === 'server/discover') return write(errorLine(idText(raw, message.id), { code: -32601, message: 'Method not found' }));
    return isModern ? modern(message, raw, versions) : legacy(message, raw);
  });
}
