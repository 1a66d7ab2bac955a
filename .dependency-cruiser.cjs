/**
 * Imports go one way: entry points → compose → drivers and http → core → ports → contract. See
 * ARCHITECTURE.md. Every folder may import the leaves, which import only one another: errors, logger
 * and the like, and the folders of what all parts share.
 */
const leaves =
  '^src/((errors|logger|uuid|suggest|redact-url|network-reason|node-error-code|package)\\.ts$|(concurrency|files|json|redis)/|process/(native-calls|output)\\.ts$)';
const contract = '^src/contract/';
/** Numbers and names of the contract, without imports. */
const constants = '^src/contract/(limits|invocation-state|scope-names)\\.ts$';
const ports = '^src/ports/';
const core = '^src/core/';
/**
 * Files under `from` may import only what `to` names, their own folder, the leaves and packages;
 * types included.
 */
const strictly = (name, from, ...to) => ({
  name,
  severity: 'error',
  from: { path: from },
  to: {
    dependencyTypesNot: ['core', 'npm', 'npm-dev'],
    pathNot: [from, leaves, '^node_modules/', '^undici/', ...to],
  },
});

const drivers = [
  'src/blobs',
  'src/cache',
  'src/bus',
  'src/presence',
  'src/rate-limit',
  'src/egress',
  'db',
  'queues',
];

module.exports = {
  forbidden: [
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      to: { circular: true },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: {
        orphan: true,
        // The last two are for AssemblyScript projects and for an alias of scripts/bundle.mjs.
        pathNot: [
          '\\.d\\.ts$',
          '^test/',
          '^bench/',
          '^sdk/assemblyscript/assembly/orama\\.ts$',
          '^scripts/no-debug\\.cjs$',
        ],
      },
      to: {},
    },
    strictly('leaves-import-only-leaves', leaves, '^src/(contract/limits|ports/closable)\\.ts$'),
    strictly('contract-imports-only-leaves', contract),
    strictly('ports-import-only-contract', ports, contract),
    strictly('core-imports-no-drivers', core, contract, ports),
    ...drivers.map((folder) =>
      strictly(`driver-${folder.replace('/', '-')}`, `^${folder}/`, contract, ports),
    ),
    strictly('sqlite-backend-is-self-contained', '^queues/drivers/sqlite/backend/'),
    strictly('http-imports-no-drivers', '^src/http/', contract, ports, core, '^src/config\\.ts$'),
    // unixfs.ts computes the CIDs by which the CLI compares modules with the deployed ones.
    strictly(
      'cli-imports-only-contract',
      '^src/cli/',
      contract,
      '^src/(up|admin|process/(v8-flags|output|stop-signals))\\.ts$',
      '^src/blobs/unixfs\\.ts$',
      '^sdk/',
    ),
    // Types, numbers and names, so that no library of the engine is in the pages.
    strictly('console-imports-only-contract', '^console/', contract),
    {
      name: 'console-imports-only-types',
      severity: 'error',
      from: { path: '^console/' },
      to: { path: contract, pathNot: constants, dependencyTypesNot: ['type-only'] },
    },
    { name: 'constants-import-nothing', severity: 'error', from: { path: constants }, to: {} },
    {
      name: 'no-imports-of-console',
      severity: 'error',
      from: { pathNot: '^console/' },
      to: { path: '^console/' },
    },
    strictly('wasm-binary-imports-only-contract', '^workers/wasm/binary/', contract),
    strictly(
      'wasm-instrument-imports-only-binary',
      '^workers/wasm/instrument/',
      contract,
      '^workers/wasm/binary/',
    ),
    strictly(
      'wasm-run-imports-only-instrument',
      '^workers/wasm/run/',
      contract,
      '^workers/(wasi/|wasm/(binary|instrument)/)',
    ),
    strictly('wasm-imports-no-threads', '^workers/(wasm|wasi)/', contract),
    strictly('threads-import-no-engine', '^workers/threads/', contract, ports, '^workers/(wasm|wasi)/'),
    strictly('engine-imports-no-core', '^workers/engine/', contract, ports, '^workers/(threads|wasm)/'),
    strictly('delivery-imports-no-threads', '^workers/delivery/', contract, ports, core, '^workers/engine/'),
    {
      name: 'only-entry-points-import-compose',
      severity: 'error',
      from: {
        pathNot: ['^src/(up|main|admin)\\.ts$', '^workers/main\\.ts$', '^test/', '^bench/', '^src/compose'],
      },
      to: { path: '^src/compose' },
    },
    {
      // They are published by themselves.
      name: 'clients-and-sdk-import-nothing-of-the-engine',
      severity: 'error',
      from: { path: '^(clients|sdk)/' },
      to: { path: '^(src|workers|queues|db|console|scripts)/' },
    },
    {
      name: 'no-imports-of-tests',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'no-imports-of-config',
      severity: 'error',
      from: { path: '^(src/(contract|ports|core|http)|workers/wasm|workers/wasi)/' },
      to: { path: '^src/(config|settings)\\.ts$', pathNot: '^src/http/', dependencyTypesNot: ['type-only'] },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    // Sources that are handed to users, not ours.
    exclude: { path: '^(src/cli/templates|test/fixtures)/' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.tsx', '.js', '.mjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types'],
    },
  },
};
