// The official TypeScript client, driven from outside: steps in, what it saw out.
// node sdk_client.mjs PACKAGES '{"url": U, "headers": {…}} | {"command": […], "env": {…}}' '[step, …]'
// Steps: {"list": "tools"|"resources"|"prompts"}, {"call": NAME, "arguments": {…}, "progress": true, "cancel_after_ms": N},
// {"read": URI}, {"prompt": NAME, "arguments": {…}}, {"ping": true}. Prints {server, capabilities, answers, ms, asked, notes}.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [packages, where, steps] = [process.argv[2], ...process.argv.slice(3).map(text => JSON.parse(text))];
const sdk = file => import(pathToFileURL(path.join(packages, 'node_modules/@modelcontextprotocol/sdk/dist/esm', file)));

const { Client } = await sdk('client/index.js');
const types = await sdk('types.js');

const asked = [], notes = [];
const client = new Client({ name: 'outside', version: '1.0.0' }, { capabilities: { roots: {}, sampling: {}, elicitation: {} } });
client.setRequestHandler(types.CreateMessageRequestSchema, () => {
  asked.push('sampling');
  return { model: 'none', role: 'assistant', content: { type: 'text', text: 'a sampled word' } };
});
client.setRequestHandler(types.ElicitRequestSchema, () => { asked.push('elicitation'); return { action: 'decline' }; });
client.setRequestHandler(types.ListRootsRequestSchema, () => { asked.push('roots'); return { roots: [{ uri: 'file:///tmp', name: 'tmp' }] }; });
client.fallbackNotificationHandler = async note => { notes.push(note.method); };

async function transport() {
  if (where.url) {
    const { StreamableHTTPClientTransport } = await sdk('client/streamableHttp.js');
    return new StreamableHTTPClientTransport(new URL(where.url), { requestInit: { headers: where.headers ?? {} } });
  }
  const { StdioClientTransport } = await sdk('client/stdio.js');
  const [command, ...args] = where.command;
  return new StdioClientTransport({ command, args, env: { ...process.env, ...where.env }, stderr: 'ignore' });
}

async function play(step) {
  if (step.list) return (await client.request({ method: `${step.list}/list` }, types[`List${step.list[0].toUpperCase()}${step.list.slice(1)}ResultSchema`]))[step.list];
  if (step.read) return client.readResource({ uri: step.read });
  if (step.prompt) return client.getPrompt({ name: step.prompt, arguments: step.arguments ?? {} });
  if (step.ping) return client.ping();
  const cancel = new AbortController(), options = { signal: cancel.signal }, before = reports.length;
  if (step.progress) options.onprogress = () => {};
  if (step.cancel_after_ms) setTimeout(() => cancel.abort('enough'), step.cancel_after_ms);
  const result = await client.callTool({ name: step.call, arguments: step.arguments ?? {} }, undefined, options);
  return step.progress ? { ...result, progress: reports.slice(before) } : result;
}

// What arrived, whether or not the client passes it on: reports that it reads together with the answer it keeps to itself.
const reports = [], way = await transport();
await client.connect(way);
const take = way.onmessage;
way.onmessage = (message, extra) => {
  if (message.method === 'notifications/progress') reports.push(message.params.progress);
  return take(message, extra);
};
const answers = [], ms = [];
for (const step of steps) {
  const from = Date.now();
  try { answers.push(await play(step)); } catch (fault) { answers.push({ fault: String(fault.message ?? fault), code: fault.code }); }
  ms.push(Date.now() - from);
}
console.log(JSON.stringify({ server: client.getServerVersion(), capabilities: client.getServerCapabilities(), answers, ms, asked, notes }));
await client.close();
process.exit(0);
