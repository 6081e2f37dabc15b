// The extension io.modelcontextprotocol/tasks of 2026-07-28 (SEP-2663): calls that go on after they were answered.
// A fifth member of a tool says whether it may or must be one, and what is asked before.
import { randomUUID } from 'node:crypto';
import { form, pause, says, takes, word } from './fixture_content.mjs';
import { lacks, PREFIX, RpcError } from './fixture_rpc.mjs';

export const TASKS = `${PREFIX}tasks`;
const lacksTasks = () => lacks({ extensions: { [TASKS]: {} } });
const has = call => call.capabilities.extensions?.[TASKS] !== undefined;

const text = message => form(message, { v: { type: 'string' } }, ['v']);
export const taskTools = [
  ['greet', 'Answers at once', takes({ name: word('whom') }, ['name']), args => says(`Hello, ${args.name}!`)],
  ['slow_compute', 'Takes as long as it is told', takes({ seconds: { type: 'number' }, label: word('anything') }), async (args, call) => {
    await Promise.race([pause((args.seconds ?? 0) * 1000), call.cancelled]);
    return says(`${args.seconds ?? 0} s later`);
  }, { task: 'may' }],
  ['failing_job', 'A tool error after a second', takes(), async () => { await pause(1000); return says('the job failed', { isError: true }); }, { task: 'must' }],
  ['protocol_error_job', 'An error of the protocol', takes(), async () => { await pause(50); throw new RpcError(-32603, 'the job broke'); }, { task: 'may' }],
  ['confirm_delete', 'One question from inside the task', takes({ filename: word('which') }, ['filename']), async (args, call) => {
    const { confirm } = await call.ask({ confirm: form(`Delete ${args.filename}?`, { confirm: { type: 'boolean' } }, ['confirm']) });
    return says(`confirmed: ${JSON.stringify(confirm)}`);
  }, { task: 'may' }],
  ['multi_input', 'Two questions from inside the task', takes(), async (_, call) => {
    const answers = await call.ask({ first: text('First?'), second: text('Second?') });
    return says(`answered: ${Object.keys(answers).sort().join(' ')}`);
  }, { task: 'may' }],
  ['test_tool_with_task', 'Asks first, then becomes a task', takes(), async (_, call) => {
    await pause(50);
    return says(`Hello from the task, ${call.inputs.user_name.content?.name}`);
  }, { task: 'must', before: call => call.ask({ user_name: form('What is your name?', { name: { type: 'string' } }, ['name']) }, { kind: 'before a task' }) }],
];

const tasks = new Map();
const view = task => ({
  taskId: task.id, status: task.status, createdAt: task.created, lastUpdatedAt: task.updated, ttlMs: 60_000, pollIntervalMs: 100,
  ...(task.status === 'input_required' && { inputRequests: task.questions }),
  ...(task.status === 'completed' && { result: task.result }),
  ...(task.status === 'failed' && { error: task.error }),
});

/** A task stays as it is once it has ended. */
function become(task, status, more) {
  if (['completed', 'failed', 'cancelled'].includes(task.status)) return;
  Object.assign(task, { status, updated: new Date().toISOString() }, more);
}

function begin(run, args, call) {
  const now = new Date().toISOString(), task = { id: randomUUID(), status: 'working', created: now, updated: now };
  tasks.set(task.id, task);
  const handle = { resultType: 'task', ...view(task) };
  const inside = {
    ...call, progress() {}, log() {}, stream() {},
    cancelled: new Promise(resolve => { task.cancel = resolve; }),
    ask: questions => new Promise(resolve => become(task, 'input_required', { questions: { ...questions }, answers: {}, resume: resolve })),
  };
  (async () => run(args, inside))().then(
    result => become(task, 'completed', { result: { resultType: 'complete', ...result } }),
    fault => become(task, 'failed', { error: { code: fault.code ?? -32603, message: fault.message } }));
  return handle;
}

/** Runs a tool as what it and its caller make of it: a call that is answered, or a task. */
export async function perform([, , , run, as], args, call) {
  if (!as) return run(args, call);
  if (!has(call)) {
    if (as.task === 'must') throw lacksTasks();
    return run(args, { ...call, ask: () => { throw lacksTasks(); } });
  }
  await as.before?.(call);
  return begin(run, args, call);
}

export function taskRequest(method, params, call) {
  if (!has(call)) throw lacksTasks();
  const task = tasks.get(params?.taskId);
  if (!task) throw new RpcError(-32602, 'Unknown task');
  if (method === 'tasks/get') return view(task);
  if (method === 'tasks/cancel') {
    become(task, 'cancelled');
    task.cancel?.();
    return {};
  }
  for (const [key, answer] of Object.entries(params.inputResponses ?? {})) {
    if (!task.questions?.[key]) continue;
    task.answers[key] = answer;
    delete task.questions[key];
  }
  if (task.status === 'input_required' && !Object.keys(task.questions).length) {
    become(task, 'working');
    task.resume(task.answers);
  }
  return {};
}
