// Runs BullMQ's own test suite against the SQLite backend, with the BullMQ version installed here:
//   node scripts/bullmq-suite.mjs <checkout of BullMQ with its dependencies installed> [vitest arguments…]
// The checkout is not part of this project. The script writes two files into it, and removes them.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

const [given = process.env.BULLMQ_SOURCE, ...vitestArguments] = process.argv.slice(2);
if (given === undefined || !existsSync(join(given, 'tests/queue.test.ts')))
  throw new Error('Name a checkout of BullMQ: node scripts/bullmq-suite.mjs <path>.');
const checkout = resolve(given);
if (!existsSync(join(checkout, 'node_modules/vitest')))
  throw new Error(`Install the dependencies of ${checkout} first: npm install --ignore-scripts.`);

const NEEDS_REDIS = 'This test talks to Redis itself.';
const root = dirname(dirname(fileURLToPath(import.meta.url)));
const backend = join(root, 'dist/queues/drivers/sqlite/backend/create-backend.js');
const bullmq = dirname(createRequire(import.meta.url).resolve('bullmq'));
const data = mkdtempSync(join(tmpdir(), 'bullmq-suite-'));
const results = join(data, 'results.json');
const setup = join(checkout, 'vitest.sqlite.setup.ts');
const config = join(checkout, 'vitest.sqlite.config.ts');

// The tests pass Redis connections, which the backend ignores, so they get an inert object.
writeFileSync(
  setup,
  `import { setDefaultBackendFactory } from './src/utils/create-backend';
import { setConnectionFactory } from './tests/utils/connection-factory';
import { createSqliteBackend } from ${JSON.stringify(backend)};
import { SqliteQueueBackend } from ${JSON.stringify(join(dirname(backend), 'backend.js'))};

// Direct access to Redis fails with a specific error, which tells such tests from failing ones.
const redis = new Proxy({}, {
  get(_, property) {
    if (property === 'then') return undefined;
    throw new Error(${JSON.stringify(NEEDS_REDIS)});
  },
});
for (const client of ['client', 'blockingClient'])
  Object.defineProperty(SqliteQueueBackend.prototype, client, { get: () => redis });

const inert: Record<string, unknown> = {
  isCluster: false, status: 'ready', options: {},
  connect: async () => undefined, disconnect: () => undefined, quit: async () => 'OK', duplicate: () => client,
  on: () => client, once: () => client, off: () => client, removeListener: () => client, emit: () => false,
};
const client = new Proxy(inert, {
  get(known, property) {
    if (property in known || typeof property === 'symbol' || property === 'then') return known[property as string];
    return () => {
      throw new Error(${JSON.stringify(NEEDS_REDIS)});
    };
  },
});
setConnectionFactory(() => client as never);
// Tests that spawn processes with a Redis connection skip themselves if this is set.
process.env.BULLMQ_TEST_BACKEND = 'postgres';
setDefaultBackendFactory(((name: string, opts: object, options: object) =>
  createSqliteBackend(name, { ...opts, connection: { path: ${JSON.stringify(data)} + '/' + process.pid + '.db' } } as never, options)) as never);
`,
);
writeFileSync(
  config,
  `import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { defineConfig } from 'vitest/config';

const installed = ${JSON.stringify(bullmq)};
export default defineConfig({
  plugins: [{
    name: 'installed-bullmq',
    enforce: 'pre',
    resolveId(source: string, importer: string | undefined) {
      const inner = /^(?:\\.\\.?\\/)+src\\/(.*)$/.exec(source)?.[1];
      if (inner === undefined || importer === undefined || importer.includes('node_modules')) return null;
      const path = join(installed, inner);
      if (existsSync(path + '.js')) return { id: path + '.js', external: true };
      return existsSync(path) && statSync(path).isDirectory() ? { id: join(path, 'index.js'), external: true } : null;
    },
  }],
  test: {
    include: ['tests/**/*.test.ts'],
    exclude: ['tests/**/*redis*.test.ts', 'tests/cluster.test.ts', 'tests/postgres*', 'tests/postgres/**',
      'tests/*ioredis*', 'tests/valkey*', 'tests/bun-*', 'tests/adapter-conformance.test.ts', 'tests/connection.test.ts',
      'tests/script_loader.test.ts', 'tests/child-pool.test.ts', 'tests/child_stdio_null.test.ts', 'tests/sandboxed_process.test.ts', 'tests/scripts.test.ts', 'node_modules/**'],
    testTimeout: 15000, hookTimeout: 15000, retry: 2, setupFiles: ['./vitest.sqlite.setup.ts'],
    sequence: { concurrent: false }, fileParallelism: false,
  },
});
`,
);
try {
  const vitest = join(checkout, 'node_modules/vitest/vitest.mjs');
  spawnSync(
    process.execPath,
    [
      vitest,
      'run',
      '--config',
      config,
      '--reporter=default',
      '--reporter=json',
      `--outputFile.json=${results}`,
      ...vitestArguments,
    ],
    { cwd: checkout, stdio: 'inherit' },
  );
  report();
} finally {
  rmSync(setup, { force: true });
  rmSync(config, { force: true });
  rmSync(data, { recursive: true, force: true });
}

function report() {
  const { testResults } = JSON.parse(readFileSync(results, 'utf8'));
  const kindOf = ({ status, failureMessages }) => {
    if (status !== 'failed') return status === 'passed' ? 'passed' : 'skipped';
    // A test that was interrupted has no message.
    return failureMessages.some((message) => message?.includes(NEEDS_REDIS)) ? 'notApplicable' : 'failed';
  };
  const rows = testResults.map(({ name, assertionResults }) => {
    const count = (kind) => assertionResults.filter((result) => kindOf(result) === kind).length;
    const file = name.slice(checkout.length + '/tests/'.length);
    return `| ${[file, ...['passed', 'failed', 'notApplicable', 'skipped'].map(count)].join(' | ')} |`;
  });
  console.log('| file | passed | failed | talks to Redis itself | left out by BullMQ |');
  console.log(['| --- | --- | --- | --- | --- |', ...rows.sort()].join('\n'));
  const all = testResults.flatMap(({ assertionResults }) => assertionResults);
  for (const kind of ['failed', 'notApplicable']) {
    const names = all.filter((result) => kindOf(result) === kind).map(({ fullName }) => `- ${fullName}`);
    console.log(['', `${kind}: ${names.length}`, ...names].join('\n'));
  }
  process.exitCode = all.some((result) => kindOf(result) === 'failed') ? 1 : 0;
}
