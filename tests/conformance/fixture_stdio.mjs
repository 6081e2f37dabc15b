// Both eras on one pipe: one message a line, and each message says its era.
import { createInterface } from 'node:readline';
import { legacyPipe } from './fixture_legacy.mjs';
import { modernLine } from './fixture_answers.mjs';
import { checkVersion, envelopeOf, modernCall, subscribe } from './fixture_modern.mjs';
import { errorLine, hasEnvelope, idText } from './fixture_rpc.mjs';

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

/** Serves until the pipe is closed; `eras` says which of the two are spoken. */
export function serveStdio(eras, versions, log) {
  const pipe = legacyPipe(write), lines = createInterface({ input: process.stdin });
  lines.on('close', () => process.exit(0));
  lines.on('line', raw => {
    log({ line: raw });
    let message;
    try { message = JSON.parse(raw); } catch { return write(errorLine('null', { code: -32700, message: 'Parse error' })); }
    if (message === null || typeof message !== 'object' || Array.isArray(message)) return write(errorLine('null', { code: -32600, message: 'Invalid Request' }));
    const isModern = !eras.legacy || (eras.modern && (hasEnvelope(message) || (!pipe.opened() && message.method === 'notifications/cancelled')));
    return isModern ? modern(message, raw, versions) : pipe.take(message, raw);
  });
}
