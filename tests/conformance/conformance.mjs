// The public suite against the fixture, directly and through the gate: every check must come out the same.
// node conformance.mjs --gate BINARY --packages DIR [--revision 2025-06-18] [--keep DIR]
// Three runs a revision: direct; through the gate with everything allowed; through the gate with one tool hidden
// and one denied that no scenario uses. Exit 0 only when each scenario is clean directly and nothing differs.
import { spawn, spawnSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';

const here = path.dirname(new URL(import.meta.url).pathname);
const option = (name, fallback) => { const at = process.argv.indexOf(`--${name}`); return at > 0 ? process.argv[at + 1] : fallback; };
const gate = option('gate'), packages = option('packages');
const revisions = option('revision') ? [option('revision')] : ['2025-06-18', '2025-11-25'];
const node22 = ['x64', 'arm64'].map(cpu => path.join(packages, `node_modules/node-linux-${cpu}/bin/node`)).find(fs.existsSync);
const suite = path.join(packages, 'node_modules/@modelcontextprotocol/conformance/dist/index.js');
const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'callgate-conformance-'));

const ALLOW_ALL = 'callgate: 1\ndefault: allow\nsampling: allow\nelicitation: allow\nroots: allow\n';
const POLICIES = {
  'everything allowed': ALLOW_ALL,
  'one hidden, one denied': `${ALLOW_ALL}tools:\n  big_numbers: {action: hide}\n  echo_raw: {action: deny, reason: not needed}\n`,
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
  const child = spawn(gate, ['serve', '--policy', file, '--listen', '127.0.0.1:0', '--ready-file', ready, '--data', path.join(dir, 'data'), '--upstream', upstream],
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
/** {scenario: {check: status}} of one run; the worst status of a check that was made several times. */
function run(url, revision) {
  const out = fs.mkdtempSync(path.join(scratch, 'run-'));
  const result = spawnSync(node22, [suite, 'server', '--url', url, '-o', out, '--suite', 'all', '--spec-version', revision], { encoding: 'utf8', maxBuffer: 1 << 28 });
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
  if (!Object.keys(checks).length) throw new Error(`the suite wrote nothing: ${result.stdout}${result.stderr}`);
  return { checks, faults };
}
const clean = ({ checks }) => Object.values(checks).filter(of => !Object.values(of).includes('FAILURE')).length;

/** Prints each check that differs; returns how many do. */
function compare(direct, through) {
  let differing = 0;
  for (const scenario of new Set([...Object.keys(direct.checks), ...Object.keys(through.checks)])) {
    const before = direct.checks[scenario] ?? {}, after = through.checks[scenario] ?? {};
    for (const id of new Set([...Object.keys(before), ...Object.keys(after)])) {
      if (before[id] === after[id]) continue;
      differing++;
      console.log(`    ${scenario}:${id}  directly ${before[id] ?? '-'}, through the gate ${after[id] ?? '-'}  ${through.faults[`${scenario}:${id}`] ?? ''}`);
    }
  }
  return differing;
}

let passed = 0, failed = 0;
try {
  const fixture = await start(process.execPath, [path.join(here, 'fixture.mjs')]);
  for (const revision of revisions) {
    const direct = run(fixture, revision), of = Object.keys(direct.checks).length;
    console.log(`${revision} directly: ${clean(direct)} of ${of} scenarios`);
    clean(direct) === of ? passed++ : failed++;
    for (const [name, policy] of Object.entries(POLICIES)) {
      const through = run(await startGate(policy, fixture), revision), differing = compare(direct, through);
      console.log(`${revision} through the gate, ${name}: ${clean(through)} of ${of} scenarios, ${differing} check(s) differ`);
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
