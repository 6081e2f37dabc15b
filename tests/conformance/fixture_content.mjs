// What the fixture serves in both eras: the diagnostic tools, prompts and resources that the public suite asks for,
// two of our own for byte fidelity, and some to try one client after another on. A tool is [name, description,
// inputSchema, run(arguments, call)]; what a call can do is said in fixture_answers.mjs.
import { changed, mark, marked, updated } from './fixture_hub.mjs';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==';
const WAV = 'UklGRiYAAABXQVZFZm10IBAAAAABAAEAQB8AAAB9AAACABAAZGF0YQIAAAA=';

export const pause = ms => new Promise(done => setTimeout(done, ms));
export const says = (text, more) => ({ content: [{ type: 'text', text }], ...more });
export const takes = (properties = {}, required) => ({ type: 'object', properties, ...(required && { required }) });
export const word = description => ({ type: 'string', description });

/** What a server may ask a client for; how it gets there differs by era. */
export const form = (message, properties, required) =>
  ({ method: 'elicitation/create', params: { message, requestedSchema: { type: 'object', properties, required } } });
export const sample = (prompt, maxTokens) =>
  ({ method: 'sampling/createMessage', params: { messages: [{ role: 'user', content: { type: 'text', text: prompt } }], maxTokens } });
export const roots = { method: 'roots/list', params: {} };

const image = { type: 'image', data: PNG, mimeType: 'image/png' };
const resource = (uri, mimeType, text) => ({ type: 'resource', resource: { uri, mimeType, text } });

/** A tool of the session era that asks the person in front of the client, and tells what came back. */
const asks = (message, properties, required) => async (args, call) => {
  const { person } = await call.ask({ person: form(message ?? args.message, properties, required) });
  return says(`Elicitation completed: action=${person.action}, content=${JSON.stringify(person.content ?? {})}`);
};

const oneOf = (stem, titles) => titles.map((title, at) => ({ const: `${stem}${at + 1}`, title }));
const ENUMS = {
  untitledSingle: { type: 'string', enum: ['option1', 'option2', 'option3'] },
  titledSingle: { type: 'string', oneOf: oneOf('value', ['First Option', 'Second Option', 'Third Option']) },
  legacyEnum: { type: 'string', enum: ['opt1', 'opt2', 'opt3'], enumNames: ['Option One', 'Option Two', 'Option Three'] },
  untitledMulti: { type: 'array', items: { type: 'string', enum: ['option1', 'option2', 'option3'] } },
  titledMulti: { type: 'array', items: { anyOf: oneOf('value', ['First Choice', 'Second Choice', 'Third Choice']) } },
};
const DEFAULTS = {
  name: { type: 'string', default: 'John Doe' },
  age: { type: 'integer', default: 30 },
  score: { type: 'number', default: 95.5 },
  status: { type: 'string', enum: ['active', 'inactive', 'pending'], default: 'active' },
  verified: { type: 'boolean', default: true },
};
const CONTACT = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object',
  $defs: { address: { $anchor: 'addressDef', type: 'object', properties: { street: { type: 'string' }, city: { type: 'string' } } } },
  properties: {
    name: { type: 'string' }, address: { $ref: '#/$defs/address' },
    contactMethod: { type: 'string', enum: ['phone', 'email'] }, phone: { type: 'string' }, email: { type: 'string' },
  },
  allOf: [{ anyOf: [{ required: ['phone'] }, { required: ['email'] }] }],
  if: { properties: { contactMethod: { const: 'phone' } }, required: ['contactMethod'] },
  then: { required: ['phone'] }, else: { required: ['email'] },
  additionalProperties: false,
};

export const tools = [
  ['test_simple_text', 'A text', takes(), () => says('This is a simple text response for testing.')],
  ['test_image_content', 'A picture', takes(), () => ({ content: [image] })],
  ['test_audio_content', 'A sound', takes(), () => ({ content: [{ type: 'audio', data: WAV, mimeType: 'audio/wav' }] })],
  ['test_embedded_resource', 'A resource inside', takes(), () => ({
    content: [resource('test://embedded-resource', 'text/plain', 'This is an embedded resource content.')],
  })],
  ['test_multiple_content_types', 'Text, picture, resource', takes(), () => ({
    content: [{ type: 'text', text: 'Multiple content types test:' }, image,
      resource('test://mixed-content-resource', 'application/json', '{"test":"data","value":123}')],
  })],
  ['test_error_handling', 'Always an error', takes(), () => says('This tool intentionally returns an error for testing', { isError: true })],
  ['test_tool_with_logging', 'Three log messages', takes(), async (_, call) => {
    for (const line of ['Tool execution started', 'Tool processing data', 'Tool execution completed']) {
      call.log('info', line);
      await pause(50);
    }
    return says('Tool with logging executed');
  }],
  ['test_tool_with_progress', 'Three progress reports', takes(), async (_, call) => {
    for (const progress of [0, 50, 100]) { call.progress(progress, 100); await pause(50); }
    return says('Progress done');
  }],
  ['json_schema_2020_12_tool', 'Keywords of JSON Schema 2020-12', CONTACT, args => says(JSON.stringify(args))],
  // Byte fidelity: what arrived, as it arrived; and what doubles cannot hold.
  ['echo_raw', 'The request body as it arrived', { type: 'object' }, (_, call) => says(call.raw)],
  ['big_numbers', 'Numbers, members and a content type that a careless gate would change', takes(), () => ({
    raw: '{"content":[{"type":"text","text":"big"},{"type":"x-unknown","keep":[1.50,-0,1E2]}],'
      + '"structuredContent":{"id":9223372036854775807,"f":0.1000000000000000055511151231257827,"z":1,"a":2},'
      + '"x-extra":{"k":18446744073709551616}}',
  })],
  ['test_custom_header', 'One argument is mirrored to a header', takes({ region: { type: 'string', 'x-mcp-header': 'Region' }, note: word('anything') }),
    args => says(`region=${args.region}`)],
  ['test_trigger_tool_change', 'Tells that the list of tools changed', takes(), () => { changed('tools'); return says('told'); }],
  ['test_trigger_prompt_change', 'Tells that the list of prompts changed', takes(), () => { changed('prompts'); return says('told'); }],
  ['test_trigger_resource_update', 'Tells that a resource changed', takes({ uri: word('which') }, ['uri']), args => { updated(args.uri); return says('told'); }],
  // What every client does with every server, whatever their eras.
  ['ask_person', 'Asks for a name, by a form', takes(), async (_, call) => {
    const { person } = await call.ask({ person: form('Who is there?', { name: { type: 'string' } }, ['name']) });
    return says(`person: ${person.action} ${person.content?.name ?? ''}`.trim());
  }],
  ['ask_model', 'Asks the client\'s model', takes(), async (_, call) => {
    const { model } = await call.ask({ model: sample('One word, please', 10) });
    return says(`model: ${model.content?.text}`);
  }],
  ['wait', 'Reports progress once and goes on until it is cancelled, at most 20 s', takes({ label: word('a name for this wait') }, ['label']), async (args, call) => {
    call.progress(1, 2);
    if (await Promise.race([call.cancelled.then(() => true), pause(20_000)])) mark(`cancelled: ${args.label}`);
    return says('waited');
  }],
  ['was_cancelled', 'Whether the wait of that label was cancelled', takes({ label: word('which wait') }, ['label']),
    async args => says(await marked(`cancelled: ${args.label}`, 5_000) ? 'cancelled' : 'not cancelled')],
  // A client that reads the last report together with the answer may lose it, however long the pause between them was:
  // the TypeScript SDK v1 forgets whom to tell once it has the answer. So the answer waits until the reports were seen.
  ['report', 'Reports progress twice and answers once somebody saw it, at most 20 s', takes({ label: word('a name for this report') }, ['label']), async (args, call) => {
    for (const progress of [0, 50]) call.progress(progress, 100);
    return says(await marked(`seen: ${args.label}`, 20_000) ? 'seen' : 'not seen');
  }],
  ['report_was_seen', 'Lets the report of that label end', takes({ label: word('which report') }, ['label']),
    args => { mark(`seen: ${args.label}`); return says('noted'); }],
];

/** Tools that need a session, or a stream that can be left and found again. */
export const legacyTools = [
  ['test_sampling', 'Asks the client\'s model', takes({ prompt: word('what to ask') }, ['prompt']), async (args, call) => {
    const { model } = await call.ask({ model: sample(args.prompt, 100) });
    return says(`LLM response: ${model.content?.text ?? ''}`);
  }],
  ['test_elicitation', 'Asks the person', takes({ message: word('what to ask') }, ['message']),
    asks(undefined, { username: word('User\'s response'), email: word('User\'s email address') }, ['username', 'email'])],
  ['test_elicitation_sep1034_defaults', 'Asks with defaults', takes(), asks('Please review', DEFAULTS, [])],
  ['test_elicitation_sep1330_enums', 'Asks with choices', takes(), asks('Please choose', ENUMS, [])],
  ['test_reconnection', 'Closes its stream before it answers', takes(), async (_, call) => {
    await pause(20);
    call.close_stream();
    await pause(150);
    return says('Reconnection test completed successfully');
  }],
];

export const resources = [
  { uri: 'test://static-text', name: 'Static text', description: 'A text', mimeType: 'text/plain' },
  { uri: 'test://static-binary', name: 'Static binary', description: 'A picture', mimeType: 'image/png' },
  { uri: 'test://watched-resource', name: 'Watched', description: 'Can be watched', mimeType: 'text/plain' },
];
export const resourceTemplates = [
  { uriTemplate: 'test://template/{id}/data', name: 'Template', description: 'By id', mimeType: 'application/json' },
];
/** The contents behind a URI, or nothing. */
export function read(uri) {
  const id = /^test:\/\/template\/([^/]+)\/data$/.exec(uri ?? '')?.[1];
  if (id) return { uri, mimeType: 'application/json', text: JSON.stringify({ id, templateTest: true, data: `Data for ID: ${id}` }) };
  switch (uri) {
    case 'test://static-text': return { uri, mimeType: 'text/plain', text: 'This is the content of the static text resource.' };
    case 'test://static-binary': return { uri, mimeType: 'image/png', blob: PNG };
    case 'test://watched-resource': return { uri, mimeType: 'text/plain', text: 'watched' };
  }
}

const argument = name => ({ name, description: name, required: true });
export const prompts = [
  { name: 'test_simple_prompt', description: 'Simple prompt' },
  { name: 'test_prompt_with_arguments', description: 'Two arguments', arguments: [argument('arg1'), argument('arg2')] },
  { name: 'test_prompt_with_embedded_resource', description: 'A resource inside', arguments: [argument('resourceUri')] },
  { name: 'test_prompt_with_image', description: 'With a picture' },
];
/** The messages of a prompt, or nothing. */
export function prompt(name, args = {}) {
  const user = content => ({ role: 'user', content });
  const text = line => user({ type: 'text', text: line });
  switch (name) {
    case 'test_simple_prompt': return [text('This is a simple prompt for testing.')];
    case 'test_prompt_with_arguments': return [text(`Prompt with arguments: arg1='${args.arg1}', arg2='${args.arg2}'`)];
    case 'test_prompt_with_embedded_resource':
      return [user(resource(args.resourceUri, 'text/plain', 'Embedded resource content for testing.')), text('Please process the embedded resource above.')];
    case 'test_prompt_with_image': return [user(image), text('Please analyze the image above.')];
  }
}
