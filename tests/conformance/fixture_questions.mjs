// Tools and a prompt of 2026-07-28 that need more from the client before they can answer (basic/patterns/mrtr),
// or that look at what it declared. Same form as in fixture_content.mjs.
import { form, pause, roots, sample, says, takes } from './fixture_content.mjs';
import { lacks } from './fixture_rpc.mjs';

const name = () => form('What is your name?', { name: { type: 'string' } }, ['name']);
const confirm = () => form('Please confirm', { ok: { type: 'boolean' } }, ['ok']);

/** The call goes on with the state that it gave out itself; one that was altered does not open. */
const confirmed = (kind, text) => async (_, call) => {
  if (call.state() === undefined) await call.ask({ confirm: confirm() }, { kind });
  return says(text);
};

export const questionTools = [
  ['test_missing_capability', 'Needs sampling', takes(), (_, call) => {
    if (!call.capabilities.sampling) throw lacks({ sampling: {} });
    return says('sampling is there');
  }],
  ['test_streaming_elicitation', 'Begins a stream, then needs input', takes(), async (_, call) => {
    if (!call.capabilities.elicitation) throw lacks({ elicitation: {} });
    call.progress(1, 2);
    call.stream();
    await pause(20);
    await call.ask({ go: form('Go on?', { ok: { type: 'boolean' } }, ['ok']) });
    return says('went on');
  }],
  ['test_logging_tool', 'Logs, for those who asked', takes(), async (_, call) => {
    call.stream();
    call.log('info', 'a line of the log');
    await pause(20);
    return says('logged');
  }],
  ['test_input_required_result_elicitation', 'Needs a name', takes(), async (_, call) => {
    const { user_name } = await call.ask({ user_name: name() });
    return says(`Hello, ${user_name.content?.name}!`);
  }],
  ['test_input_required_result_sampling', 'Needs a model', takes(), async (_, call) => {
    const { capital_question } = await call.ask({ capital_question: sample('What is the capital of France?', 100) });
    return says(`The model said: ${capital_question.content.text}`);
  }],
  ['test_input_required_result_list_roots', 'Needs the roots', takes(), async (_, call) => {
    const { client_roots } = await call.ask({ client_roots: roots });
    return says(`Roots: ${client_roots.roots.map(root => root.uri).join(' ')}`);
  }],
  ['test_input_required_result_request_state', 'Gives out a state', takes(), confirmed('state', 'state-ok')],
  ['test_input_required_result_tampered_state', 'Refuses an altered state', takes(), confirmed('tampered', 'state accepted')],
  ['test_input_required_result_multiple_inputs', 'Needs three things at once', takes(), async (_, call) => {
    await call.ask({ user_name: name(), greeting: sample('Generate a greeting', 50), client_roots: roots }, { kind: 'several' });
    return says('all inputs received');
  }],
  ['test_input_required_result_multi_round', 'Asks twice, the second time by what it remembers', takes(), async (_, call) => {
    if (call.state()?.round !== 2) await call.ask({ step1: form('Step 1: What is your name?', { name: { type: 'string' } }, ['name']) }, { round: 1 });
    await call.ask({ step2: form('Step 2: What is your favorite color?', { color: { type: 'string' } }, ['color']) }, { round: 2 });
    return says('both rounds are done');
  }],
  ['test_input_required_result_capabilities', 'Asks for what the client can do, and no more', takes(), async (_, call) => {
    const wanted = Object.entries({ elicitation: name(), sampling: sample('Hi', 10), roots }).filter(([capability]) => call.capabilities[capability]);
    await call.ask(Object.fromEntries(wanted));
    return says('that was all');
  }],
];

export const questionPrompts = [{ name: 'test_input_required_result_prompt', description: 'Needs a context' }];
export async function questionPrompt(call) {
  const { user_context } = await call.ask({ user_context: form('What context should the prompt use?', { context: { type: 'string' } }, ['context']) });
  return [{ role: 'user', content: { type: 'text', text: `Context: ${user_context.content?.context}` } }];
}
