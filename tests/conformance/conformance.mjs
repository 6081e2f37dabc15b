// The public suite against the fixture, directly and through the gate: every check must come out the same.
// node conformance.mjs --gate BINARY --packages DIR [--revision 2025-06-18] [--behind http|stdio]
// Four runs a revision: direct; through the gate with everything allowed; through the gate with one tool hidden and one
// denied that no scenario uses; and through the gate to the fixture as a child on stdio. The suite speaks HTTP only, so
// what stdio gives is held against the direct run over HTTP. Exit 0 only when each scenario is clean directly and
// nothing differs. Protocol items 13, 71, 77, 83, 101, 102.
import { spawn } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const here = path.dirname(new URL(import.meta.url).pathname);
const option = (name, fallback) => { const at = process.argv.indexOf(`--${name}`); return at > 0 ? process.argv[at + 1] : fallback; };
const gate = option('gate'), packages = option('packages'), only = option('behind');
const revisions = option('revision') ? [option('revision')] : ['2025-06-18', '2025-11-25', '2026-07-28'];
const node22 = ['x64', 'arm64'].map(cpu => path.join(packages, `node_modules/node-linux-${cpu}/bin/node`)).find(fs.existsSync);
const suite = path.join(packages, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'callgate-conformance-'));

const FIXTURE = [process.execPath, path.join(here, 'fixture.mjs')];
const ALLOW_ALL = 'callgate: 1\ndefault: allow\nsampling: allow\nelicitation: allow\nroots: allow\n';
const HIDES = `${ALLOW_ALL}tools:\n  big_numbers: {action: hide}\n  echo_raw: {action: deny, reason: not needed}\n`;
const COLUMNS = [
  { name: 'everything allowed', behind: 'http', policy: ALLOW_ALL },
  { name: 'one hidden, one denied', behind: 'http', policy: HIDES },
  { name: 'to stdio, everything allowed', behind: 'stdio', policy: ALLOW_ALL },
].filter(({ behind }) => !only || only === behind);
/** What cannot hold when the server is on a pipe: `scenario:check` and why. */
const NO_STREAM = 'a server on a pipe has no stream that it could close; the gate answers such a call with JSON';
const NOT_OVER_STDIO = {
  ...Object.fromEntries(['incoming-sse-event', 'stream-closed', 'server-sse-priming-event', 'server-sse-retry-field',
    'server-sse-disconnect-resume', 'server-sse-content-type'].map(check => [`server-sse-polling:${check}`, NO_STREAM])),
  'server-sse-multiple-streams:server-sse-streams-functional': 'counts answers that are streams; without anything before the answer the gate sends JSON',
};

const children = [];
/** Starts a program and resolves with its first line of output. */
function start(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  return new Promise((resolve, reject) => {
    createInterface({ input: child.stdout }).once('line', resolve);
    child.once('exit', code => reject(new Error(`${command} ended with ${code} before it was ready`)));
  });
}
async function startGate(policy, upstream) {
  const dir = fs.mkdtempSync(path.join(scratch, 'gate-')), file = path.join(dir, 'policy.yaml'), ready = path.join(dir, 'ready.json');
  fs.writeFileSync(file, policy, { mode: 0o600 });
  const child = spawn(gate, ['serve', '--policy', file, '--listen', '127.0.0.1:0', '--ready-file', ready, '--data', path.join(dir, 'data'), ...upstream],
    { stdio: ['ignore', 'ignore', fs.openSync(path.join(dir, 'gate.log'), 'w')] });
  children.push(child);
  for (let tries = 0; tries < 200; tries++) {
    if (fs.existsSync(ready) && fs.readFileSync(ready, 'utf8').endsWith('\n')) return JSON.parse(fs.readFileSync(ready, 'utf8')).servers.default;
    if (child.exitCode !== null) break;
    await new Promise(done => setTimeout(done, 50));
  }
  throw new Error(`the gate is not ready: ${fs.readFileSync(path.join(dir, 'gate.log'), 'utf8').slice(-2000)}`);
}

const RANK = { SKIPPED: 0, INFO: 1, SUCCESS: 2, WARNING: 3, FAILURE: 4 };
/** The scenarios of a revision: the suite's frozen list where it has one. */
const scenarios = revision => (revision >= '2025-11-25' ? ['--requirements', revision] : ['--suite', 'all', '--spec-version', revision]);
/** {scenario: {check: status}} of one run; the worst status of a check that was made several times. */
async function run(url, revision) {
  const out = fs.mkdtempSync(path.join(scratch, 'run-')), said = path.join(scratch, `${path.basename(out)}.log`), log = fs.openSync(said, 'w');
  const child = spawn(node22, [suite, 'server', '--url', url, '-o', out, ...scenarios(revision)], { stdio: ['ignore', log, log] });
  fs.closeSync(log);  // the child has its own
  children.push(child);
  await new Promise((resolve, reject) => { child.once('exit', resolve); child.once('error', reject); });
  const checks = {}, faults = {};
  for (const folder of fs.readdirSync(out)) {
    const file = path.join(out, folder, 'checks.json');
    if (!fs.existsSync(file)) continue;
    const scenario = folder.replace(/^server-/, '').replace(/-\d{4}-\d\d-\d\dT.*$/, ''), of = (checks[scenario] ??= {});
    for (const check of JSON.parse(fs.readFileSync(file, 'utf8'))) {
      if (of[check.id] === undefined || RANK[check.status] > RANK[of[check.id]]) of[check.id] = check.status;
      if (check.errorMessage) faults[`${scenario}:${check.id}`] = String(check.errorMessage).slice(0, 200);
    }
  }
  if (!Object.keys(checks).length) throw new Error(`the suite wrote nothing: ${fs.readFileSync(said, 'utf8').slice(-2000)}`);
  return { checks, faults };
}
const clean = ({ checks }) => Object.values(checks).filter(of => !Object.values(of).includes('FAILURE')).length;
/** `33 of 33 scenarios, 84 checks`; what the suite skips is said. */
function counts(result) {
  const all = Object.values(result.checks).flatMap(of => Object.values(of)), having = status => all.filter(one => one === status).length;
  const skipped = having('SKIPPED');
  return `${clean(result)} of ${Object.keys(result.checks).length} scenarios, ${having('SUCCESS')} checks${skipped ? ` and ${skipped} skipped` : ''}`;
}

/** Each check that differs, as a line, and how many of them should not. */
function compare(direct, through, excused) {
  const lines = [];
  let differing = 0;
  for (const scenario of new Set([...Object.keys(direct.checks), ...Object.keys(through.checks)])) {
    const before = direct.checks[scenario] ?? {}, after = through.checks[scenario] ?? {};
    for (const id of new Set([...Object.keys(before), ...Object.keys(after)])) {
      const check = `${scenario}:${id}`, why = excused[check];
      if (before[id] === after[id]) continue;
      if (!why) differing++;
      lines.push(`    ${check}  directly ${before[id] ?? '-'}, through the gate ${after[id] ?? '-'}  ${why ? `(cannot hold: ${why})` : through.faults[check] ?? ''}`);
    }
  }
  return { lines, differing };
}

/** A run against a fixture of its own: whom one run's changes are told to is no client of another. */
const directly = async revision => run(await start(FIXTURE[0], FIXTURE.slice(1)), revision);
async function throughGate({ behind, policy }, revision) {
  const upstream = behind === 'http' ? ['--upstream', await start(FIXTURE[0], FIXTURE.slice(1))] : ['--', ...FIXTURE, '--stdio'];
  return run(await startGate(policy, upstream), revision);
}

let passed = 0, failed = 0;
try {
  for (const revision of revisions) {
    // They wait most of their time, for answers that take theirs; but scenarios have clocks, so only two run at once.
    const runs = [() => directly(revision), ...COLUMNS.map(column => () => throughGate(column, revision))], ran = [];
    while (ran.length < runs.length) ran.push(...await Promise.all(runs.slice(ran.length, ran.length + 2).map(begin => begin())));
    const [direct, ...gated] = ran;
    console.log(`${revision} directly: ${counts(direct)}`);
    clean(direct) === Object.keys(direct.checks).length ? passed++ : failed++;
    const told = new Set();
    for (const [at, { name, behind }] of COLUMNS.entries()) {
      const through = gated[at];
      const { lines, differing } = compare(direct, through, behind === 'stdio' ? NOT_OVER_STDIO : {}), fresh = lines.filter(line => !told.has(line));
      for (const line of fresh) { told.add(line); console.log(line); }
      if (fresh.length < lines.length) console.log(`    ${lines.length - fresh.length} as above`);
      console.log(`${revision} through the gate, ${name}: ${counts(through)}, ${differing} check(s) differ`);
      differing === 0 ? passed++ : failed++;
    }
  }
} catch (fault) {
  console.log(String(fault.message ?? fault));
  failed++;
} finally {
  for (const child of children) child.kill();
  if (failed) console.log(`logs are kept in ${scratch}`); else fs.rmSync(scratch, { recursive: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exit(failed ? 1 : 0);
