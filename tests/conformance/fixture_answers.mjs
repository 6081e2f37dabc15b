// What the fixture answers to each method, whichever way it was asked. A call is what a tool has of its caller:
//   era, raw (the message as it arrived), capabilities, inputs, cancelled (a promise), session (of the session era);
//   log(level, data), progress(done, total), stream(), close_stream(), state(), ask({name: request}, state).
// `ask` gives the answers: in the session era it sends the requests and waits, in 2026-07-28 it ends the call with
// what is missing, and the client comes again (basic/patterns/mrtr).
import { createHmac, randomUUID } from 'node:crypto';
import { legacyTools, prompt, prompts, read, resources, resourceTemplates, tools } from './fixture_content.mjs';
import { questionPrompt, questionPrompts, questionTools } from './fixture_questions.mjs';
import { INFO, INSTRUCTIONS, lacks, PREFIX, resultLine, RpcError } from './fixture_rpc.mjs';
import { perform, taskRequest, TASKS, taskTools } from './fixture_tasks.mjs';

export const CAPABILITIES = {
  tools: { listChanged: true }, prompts: { listChanged: true }, resources: { subscribe: true, listChanged: true }, completions: {}, logging: {},
};
const TOOLS = { legacy: [...tools, ...legacyTools], modern: [...tools, ...questionTools, ...taskTools] };
export const toolOf = (era, name) => TOOLS[era].find(([known]) => known === name);

async function common(method, params, call) {
  switch (method) {
    case 'tools/list': return { tools: TOOLS[call.era].map(([name, description, inputSchema]) => ({ name, description, inputSchema })) };
    case 'tools/call': {
      const tool = toolOf(call.era, params?.name);
      if (!tool) throw new RpcError(-32602, `Unknown tool: ${params?.name}`);
      return perform(tool, params.arguments ?? {}, call);
    }
    case 'resources/list': return { resources };
    case 'resources/templates/list': return { resourceTemplates };
    case 'resources/read': {
      const contents = read(params?.uri);
      if (!contents) throw new RpcError(call.era === 'legacy' ? -32002 : -32602, 'Resource not found', { uri: params?.uri });
      return { contents: [contents] };
    }
    case 'prompts/list': return { prompts: call.era === 'legacy' ? prompts : [...prompts, ...questionPrompts] };
    case 'prompts/get': {
      const own = call.era === 'modern' && questionPrompts.some(({ name }) => name === params?.name);
      const messages = own ? await questionPrompt(call) : prompt(params?.name, params?.arguments);
      if (!messages) throw new RpcError(-32602, `Unknown prompt: ${params?.name}`);
      return { messages };
    }
    case 'completion/complete': return { completion: { values: ['paris', 'park', 'party'], total: 3, hasMore: false } };
  }
  return undefined;
}

/** The session era; throws what becomes an error. */
export async function legacyAnswer({ method, params }, call) {
  const { session } = call;
  switch (method) {
    case 'initialize': return { protocolVersion: session.version, capabilities: CAPABILITIES, serverInfo: INFO, instructions: INSTRUCTIONS };
    case 'ping': case 'logging/setLevel': return {};
    case 'resources/subscribe': session.watched.add(params?.uri); return {};
    case 'resources/unsubscribe': session.watched.delete(params?.uri); return {};
  }
  const result = await common(method, params, call);
  if (result === undefined) throw new RpcError(-32601, 'Method not found');
  return result;
}

const secret = randomUUID();
const mark = text => createHmac('sha256', secret).update(text).digest('base64url');
function seal(state) {
  const text = Buffer.from(JSON.stringify(state)).toString('base64url');
  return `${text}.${mark(text)}`;
}
function unseal(sealed) {
  if (sealed === undefined) return undefined;
  const [text, ours] = String(sealed).split('.');
  if (mark(text) !== ours) throw new RpcError(-32602, 'The requestState is not one of this server');
  return JSON.parse(Buffer.from(text, 'base64url').toString());
}

const NEEDS = { 'elicitation/create': 'elicitation', 'sampling/createMessage': 'sampling', 'roots/list': 'roots' };
/** Whether an answer is one to this question: what a form requires is there, and of its type. */
function fits({ method, params }, answer) {
  if (answer === null || typeof answer !== 'object') return false;
  if (method === 'sampling/createMessage') return answer.content !== undefined;
  if (method === 'roots/list') return Array.isArray(answer.roots);
  const { properties, required = [] } = params.requestedSchema;
  if (answer.action !== 'accept') return ['decline', 'cancel'].includes(answer.action);
  return required.every(name => typeof answer.content?.[name] === properties[name].type);
}

class InputRequired { constructor(result) { this.result = result; } }
/** What the retry of a call brings along, and `ask` for 2026-07-28. */
export const roundTrips = (params, capabilities) => ({
  inputs: params.inputResponses, capabilities, state: () => unseal(params.requestState),
  async ask(questions, state) {
    unseal(params.requestState);
    if (Object.entries(questions).every(([key, question]) => fits(question, params.inputResponses?.[key]))) return params.inputResponses ?? {};
    for (const { method } of Object.values(questions)) if (!capabilities[NEEDS[method]]) throw lacks({ [NEEDS[method]]: {} });
    throw new InputRequired({ resultType: 'input_required', inputRequests: questions, ...(state && { requestState: seal(state) }) });
  },
});

const CACHED = ['server/discover', 'tools/list', 'prompts/list', 'resources/list', 'resources/templates/list', 'resources/read'];
/** 2026-07-28: the whole line with the result; throws what becomes an error. */
export async function modernLine({ method, params }, call, id, versions) {
  const more = { resultType: 'complete', ...(CACHED.includes(method) && { ttlMs: 1000, cacheScope: 'public' }), _meta: { [`${PREFIX}serverInfo`]: INFO } };
  try {
    let result;
    if (method === 'server/discover') result = { supportedVersions: versions, capabilities: { ...CAPABILITIES, extensions: { [TASKS]: {} } }, instructions: INSTRUCTIONS };
    else if (['tasks/get', 'tasks/update', 'tasks/cancel'].includes(method)) result = taskRequest(method, params, call);
    else result = await common(method, params, call);
    if (result === undefined) throw new RpcError(-32601, 'Method not found', undefined, 404);
    return resultLine(id, result, more);
  } catch (fault) {
    if (fault instanceof InputRequired) return resultLine(id, fault.result, { _meta: more._meta });
    throw fault;
  }
}
