// The official TypeScript clients before a call that waits for a person.
// node approval_client.mjs v1|v1-tasks|v2|v2-auto PACKAGES URL CAPABILITIES ACTION CONTENT
// Calls `echo` and prints a line for each thing that happens: {"progress": N, "message": T}, {"asked": PARAMS}, {"complete": ID}, {"task": TASK}, {"text": T}.
import path from 'node:path';
import { pathToFileURL } from 'node:url';

const [generation, packages, url, capabilities, action, content] = process.argv.slice(2);
const load = file => import(pathToFileURL(path.join(packages, 'node_modules/@modelcontextprotocol', file)));
const say = what => console.log(JSON.stringify(what));
const answer = ask => { say({ asked: ask.params }); return { action, ...(content && { content: JSON.parse(content) }) }; };

async function first() {
  const { Client } = await load('sdk/dist/esm/client/index.js'), types = await load('sdk/dist/esm/types.js');
  const { StreamableHTTPClientTransport } = await load('sdk/dist/esm/client/streamableHttp.js');
  const client = new Client({ name: 'approvals', version: '1' }, { capabilities: JSON.parse(capabilities) });
  if (capabilities.includes('elicitation')) client.setRequestHandler(types.ElicitRequestSchema, answer);
  const asTask = async params => {
    await client.listTools();  // which says that the tool may be a task
    for await (const heard of client.experimental.tasks.callToolStream(params, types.CallToolResultSchema, { task: { ttl: 60000 } })) {
      if (heard.type === 'taskCreated') say({ task: heard.task });
      if (heard.type === 'error') throw heard.error;
      if (heard.type === 'result') return heard.result;
    }
  };
  const plain = (params, options) => client.callTool(params, undefined, options);
  return { client, transport: new StreamableHTTPClientTransport(new URL(url)), call: generation === 'v1-tasks' ? asTask : plain };
}
async function second() {
  const { Client, StreamableHTTPClientTransport } = await load('client/dist/index.mjs');
  const modern = generation === 'v2-auto' && { versionNegotiation: { mode: 'auto' } };
  const client = new Client({ name: 'approvals', version: '1' }, { capabilities: JSON.parse(capabilities), ...modern });
  if (capabilities.includes('elicitation')) client.setRequestHandler('elicitation/create', answer);
  return { client, transport: new StreamableHTTPClientTransport(new URL(url)), call: (params, options) => client.callTool(params, options) };
}

const { client, transport, call } = await (generation.startsWith('v1') ? first : second)();
client.fallbackNotificationHandler = async note => { if (note.method === 'notifications/elicitation/complete') say({ complete: note.params.elicitationId }); };
await client.connect(transport);
try {
  // Shorter than the call may be held: only signs of life keep it.
  const options = { timeout: 7000, resetTimeoutOnProgress: true, onprogress: ({ progress, message }) => say({ progress, message }) };
  const result = await call({ name: 'echo', arguments: { text: 'hello' } }, options);
  say({ text: result.content.map(block => block.text).join(''), isError: result.isError ?? false });
} catch (fault) { say({ fault: String(fault?.message ?? fault) }); }
process.exit(0);
