// The official TypeScript clients, one step after another: what each server's answers come to.
// node ts_client.mjs v1|v2|v2-auto PACKAGES '[{"name": N, "url": U | "command": […], "prefix": P?, "watched": URI?, "patience": {STEP: SECONDS}}, …]'
// Prints a line for each step: {"server": N, "step": S, "ok": true} or {…, "ok": false, "why": TEXT}.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [generation, packages, targets] = [process.argv[2], process.argv[3], JSON.parse(process.argv[4])];
const load = file => import(pathToFileURL(path.join(packages, 'node_modules/@modelcontextprotocol', file)));
const pause = ms => new Promise(done => setTimeout(done, ms));

const IDENTITY = { name: 'eras', version: '1.0.0' }, CAPABILITIES = { sampling: {}, elicitation: {}, roots: {} };
const PERSON = { action: 'accept', content: { name: 'Ada' } };
const MODEL = { model: 'none', role: 'assistant', content: { type: 'text', text: 'word' } };

/** The two generations, with one face: {client, transport, subscribe(uri)}. */
async function first(target) {
  const { Client } = await load('sdk/dist/esm/client/index.js'), types = await load('sdk/dist/esm/types.js');
  const client = new Client(IDENTITY, { capabilities: CAPABILITIES });
  client.setRequestHandler(types.ElicitRequestSchema, () => PERSON);
  client.setRequestHandler(types.CreateMessageRequestSchema, () => MODEL);
  const { StreamableHTTPClientTransport } = await load('sdk/dist/esm/client/streamableHttp.js'), { StdioClientTransport } = await load('sdk/dist/esm/client/stdio.js');
  const transport = transportOf(target, StreamableHTTPClientTransport, StdioClientTransport);
  return { client, transport, call: (params, options) => client.callTool(params, undefined, options), subscribe: uri => client.subscribeResource({ uri }) };
}
async function second(target) {
  const { Client, StreamableHTTPClientTransport } = await load('client/dist/index.mjs'), { StdioClientTransport } = await load('client/dist/stdio.mjs');
  const client = new Client(IDENTITY, { capabilities: CAPABILITIES, ...(generation === 'v2-auto' && { versionNegotiation: { mode: 'auto' } }) });
  client.setRequestHandler('elicitation/create', () => PERSON);
  client.setRequestHandler('sampling/createMessage', () => MODEL);
  const subscribe = uri => (client.getProtocolEra() === 'modern' ? client.listen({ toolsListChanged: true, resourceSubscriptions: [uri] }) : client.subscribeResource({ uri }));
  return { client, transport: transportOf(target, StreamableHTTPClientTransport, StdioClientTransport), call: (params, options) => client.callTool(params, options), subscribe };
}
function transportOf({ url, command }, Http, Stdio) {
  if (url) return new Http(new URL(url));
  return new Stdio({ command: command[0], args: command.slice(1), env: process.env, stderr: 'ignore' });
}

const must = (holds, saw) => { if (!holds) throw new Error(`saw ${JSON.stringify(saw)}`); };
const textOf = result => (result.content ?? []).map(block => block.text ?? '').join('');

/** [step, what has to hold]; `world` is {client, call, subscribe, heard, label}. */
const STEPS = [
  ['open', ({ client, transport }) => client.connect(transport)],
  ['list', async ({ client, prefix }) => {
    const names = (await client.listTools()).tools.map(tool => tool.name);
    must(names.includes(`${prefix}ask_person`), names);
  }],
  ['call', async ({ tool }) => { const text = await tool('test_simple_text'); must(text.startsWith('This is a simple text'), text); }],
  ['progress', async ({ tool, label }) => {
    const seen = [];
    await new Promise((done, fail) => {
      const onprogress = ofTheServer(({ progress }) => { if (seen.push(progress) === 2) tool('report_was_seen', { label }).catch(fail); });
      tool('report', { label }, { onprogress }).then(done, fail);
    });
    must(seen.length === 2 && seen[0] === 0 && seen[1] === 50, seen);
  }],
  ['cancel', async ({ tool, label }) => {
    const stop = new AbortController();
    const waiting = tool('wait', { label }, { signal: stop.signal, onprogress: ofTheServer(() => stop.abort('enough')) });
    must(await waiting.then(() => false, () => true), 'an answer to a cancelled call');
    const text = await tool('was_cancelled', { label });
    must(text === 'cancelled', text);
  }],
  ['elicit', async ({ tool }) => { const text = await tool('ask_person'); must(text === 'person: accept Ada', text); }],
  ['sample', async ({ tool }) => { const text = await tool('ask_model'); must(text === 'model: word', text); }],
  ['watch', async ({ subscribe, until, watched }) => {
    const uri = 'test://watched-resource';
    await subscribe(watched ?? uri);
    await until('test_trigger_resource_update', { uri }, note => note.method === 'notifications/resources/updated' && note.params.uri === (watched ?? uri));
  }],
  ['changed', ({ until }) => until('test_trigger_tool_change', {}, note => note.method === 'notifications/tools/list_changed')],
];

/** What a gate says while a server starts, or its list is read anew, is below 0; no server reports that. */
const ofTheServer = report => note => { if (note.progress >= 0) report(note); };

function within(seconds, work) {
  let clock;
  const limit = new Promise((_, reject) => { clock = setTimeout(() => reject(new Error(`nothing within ${seconds} s`)), seconds * 1000); });
  return Promise.race([work(), limit]).finally(() => clearTimeout(clock));
}

async function play(target) {
  const side = await (generation === 'v1' ? first : second)(target), heard = [];
  let wake = () => {};
  side.client.fallbackNotificationHandler = async note => { heard.push(note); wake(); };
  // A server that shares its address with others: its tools have a prefix, and a URI may be wrapped.
  const { prefix = '', watched } = target;
  const tool = async (name, args = {}, options = {}) => textOf(await side.call({ name: prefix + name, arguments: args }, options));
  let over = false;
  const world = {
    ...side, tool, prefix, watched, label: `${generation} ${process.pid} ${target.name}`,
    /** Triggers until it is heard: a stream may open a moment after the client believes that it has. */
    async until(trigger, args, wanted) {
      while (!over && !heard.some(wanted)) {
        const next = new Promise(resolve => { wake = resolve; });
        await tool(trigger, args);
        await Promise.race([next, pause(500)]);
      }
    },
  };
  for (const [step, work] of STEPS) {
    const patience = target.patience[step];
    if (patience === undefined) continue;
    let why;
    try { await within(patience, () => work(world)); } catch (fault) { why = String(fault?.message ?? fault).slice(0, 300); }
    console.log(JSON.stringify({ server: target.name, step, ok: why === undefined, why }));
    if (step === 'open' && why !== undefined) break;
  }
  over = true;
  await within(5, () => side.client.close()).catch(() => {});
}

for (const target of targets) await play(target);
process.exit(0);
