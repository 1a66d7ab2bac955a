// `npm run attack [-- --match='…']`: runs the attacks of the test suite, from outside and from
// inside guests, against an engine of this checkout on loopback, and prints for each whether the
// defence held. docs/security.md describes them.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import './build.mjs';

/** The test files by attacked component; a file is listed where most of its tests belong. */
const SUITES = {
  "functions' SQL": [
    'test/db/allowed-names.test.ts',
    'test/db/guard-mutations.test.ts',
    'test/db/sqlite-wall.test.ts',
    'test/db/statement.test.ts',
    'test/db/statement-fuzz.test.ts',
    'test/db/function-databases-sqlite.test.ts',
    'test/db/function-databases-rqlite.test.ts',
    'test/db/rqlite-dialect.test.ts',
  ],
  'guests and their memory': [
    'test/workers/isolation.test.ts',
    'test/workers/limits.test.ts',
    'test/workers/instance-reset.test.ts',
    'test/workers/package-state.test.ts',
    'test/workers/module.test.ts',
    'test/workers/host-calls.test.ts',
    'test/workers/slot.test.ts',
    'test/http/functions-replies.test.ts',
    'test/db/exact-json.test.ts',
    'test/javascript/failures.test.ts',
  ],
  'one namespace starves another: computing, deploys, queries, queue, cache': [
    'test/e2e/starvation.test.ts',
    'test/e2e/starvation-services.test.ts',
    'test/workers/scheduler.test.ts',
    'test/workers/module-compiler.test.ts',
    'test/db/sqlite-pool.test.ts',
    'test/queues/fairness.test.ts',
    'test/queues/slot-limiter.test.ts',
    'test/queues/add-capacity.test.ts',
    'test/queues/faults-redis.test.ts',
    'test/cache/memory.test.ts',
    'test/cache/redis.test.ts',
  ],
  'one namespace fills the memory': ['test/http/memory.test.ts', 'test/http/unsent-frames.test.ts'],
  'quotas, fan-out and chains': [
    'test/http/quotas.test.ts',
    'test/http/quotas-runs.test.ts',
    'test/http/limits.test.ts',
    'test/core/publish.test.ts',
    'test/core/log-quota.test.ts',
    'test/core/finish.test.ts',
  ],
  'keys, tokens, sign-up and other namespaces': [
    'test/auth/foreign.test.ts',
    'test/auth/keys.test.ts',
    'test/auth/sessions.test.ts',
    'test/auth/tokens.test.ts',
    'test/auth/wallets.test.ts',
    'test/http/auth-api.test.ts',
    'test/http/scopes.test.ts',
    'test/http/audit.test.ts',
    'test/http/security.test.ts',
  ],
  'callbacks, metrics and sockets without a credential': [
    'test/http/delivery.test.ts',
    'test/http/replay.test.ts',
    'test/http/causes.test.ts',
    'test/http/failed-runs.test.ts',
    'test/e2e/delivery.test.ts',
    'test/http/sockets.test.ts',
    'test/http/topic-sockets.test.ts',
    'test/http/webhook-signatures.test.ts',
    'test/config/metrics.test.ts',
  ],
  HTTP: [
    'test/http/hardening.test.ts',
    'test/http/smuggling.test.ts',
    'test/http/ports-hardening.test.ts',
    'test/http/functions-acceptance.test.ts',
    'test/http/http-functions.test.ts',
    'test/http/http-functions-access.test.ts',
    'test/http/odd-requests.test.ts',
    'test/http/strict-bodies.test.ts',
    'test/contract/form.test.ts',
    'test/cli/manifest.test.ts',
    'test/e2e/bad-input.test.ts',
  ],
  egress: ['test/egress/guard.test.ts', 'test/egress/redirects.test.ts', 'test/egress/decode.test.ts'],
  'processes killed and disks full in the middle of whatever they do': [
    'test/cluster/acknowledged.test.ts',
    'test/cluster/hostile-moments.test.ts',
    'test/cluster/out-of-memory.test.ts',
    'test/e2e/damaged-module.test.ts',
    'test/e2e/clock-jumps.test.ts',
  ],
  'files, secrets, terminals and images': [
    'test/config/data-dir.test.ts',
    'test/config/config.test.ts',
    'test/cli/config.test.ts',
    'test/e2e/secret-canary.test.ts',
    'test/cli/terminal.test.ts',
    'test/cli/hostile-server.test.ts',
    'test/deploy/compose.test.ts',
  ],
};
const missing = Object.values(SUITES)
  .flat()
  .filter((file) => !existsSync(new URL(`../${file}`, import.meta.url)));
if (missing.length > 0) throw new Error(`There is no ${missing.join(', ')}: correct SUITES.`);
const ava = fileURLToPath(new URL('../node_modules/ava/entrypoints/cli.mjs', import.meta.url));
const UNSTYLED = new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g');
/** A result line of ava: a mark, and the title with its file. */
const RESULT = /^\s*(✔|✘)\s+(?:\[fail\]: )?(.*?)(?: \([\d.ms ]+\))?$/u;

const hasFilter = process.argv.length > 2;
let passed = 0;
let failed = 0;
for (const [name, files] of Object.entries(SUITES)) {
  process.stdout.write(`\n${name}\n`);
  const before = failed;
  const code = await run(files);
  // A test that timed out has no result line.
  if (code !== 0 && failed === before && !hasFilter) {
    failed++;
    process.stdout.write(`  FAILED  ${name}: the test runner exited with ${code}\n`);
  }
}
process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;

function run(files) {
  const child = spawn(process.execPath, [ava, ...files, ...process.argv.slice(2)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    // Includes the attacks that occupy all cores for a long time, of which `npm test` runs two.
    env: { ...process.env, TEST_ATTACKS: 'all' },
  });
  let rest = '';
  child.stdout.setEncoding('utf8');
  child.stdout.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) report(line.replace(UNSTYLED, ''));
  });
  return new Promise((resolve) => child.on('close', (code) => resolve(code)));
}

function report(line) {
  const match = RESULT.exec(line);
  if (match === null) return;
  const [, mark, title] = match;
  // With --match, a suite may have no matching test, which is not a failed defence.
  if (title.startsWith('Couldn’t find any matching tests')) return;
  if (mark === '✔') passed++;
  else failed++;
  process.stdout.write(`  ${mark === '✔' ? 'passed' : 'FAILED'}  ${title}\n`);
}
