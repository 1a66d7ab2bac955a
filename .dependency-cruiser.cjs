/**
 * The arrows go one way: mains → compose → drivers and http → core → ports → contract. See
 * ARCHITECTURE.md. Leaves that every folder may import: errors, logger, uuid, suggest and the like,
 * straight under src/, and the Redis connector.
 */
const leaves =
  '^src/((errors|logger|uuid|suggest|redact-url|fair-queue|exact-json|json-text|within|network-reason|file-reason)\\.ts$|redis/)';
const contract = '^src/contract/';
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
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      from: { orphan: true, pathNot: ['\\.d\\.ts$', '^test/', '^bench/'] },
      to: {},
    },
    strictly('contract-knows-nothing', contract),
    strictly('ports-know-the-contract', ports, contract),
    strictly('core-knows-no-driver', core, contract, ports),
    ...drivers.map((folder) =>
      strictly(`driver-${folder.replace('/', '-')}`, `^${folder}/`, contract, ports),
    ),
    strictly('sqlite-backend-is-a-package', '^queues/drivers/sqlite/'),
    strictly('http-knows-no-driver', '^src/http/', contract, ports, core, '^src/config\\.ts$'),
    // What differs from what runs is told by the CID, which is made of the bytes in one place.
    strictly(
      'cli-speaks-http',
      '^src/cli/',
      contract,
      '^src/(up|admin|data-dir|lean-start|output|stop-signals)\\.ts$',
      '^src/blobs/unixfs\\.ts$',
      '^sdk/',
    ),
    // Types alone: what the page is made of comes from its own folder and its packages.
    strictly('console-speaks-http', '^console/', contract),
    {
      name: 'console-knows-shapes-only',
      severity: 'error',
      from: { path: '^console/' },
      to: { path: contract, dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'nothing-imports-the-console',
      severity: 'error',
      from: { pathNot: '^console/' },
      to: { path: '^console/' },
    },
    strictly('wasm-binary-knows-nothing', '^workers/wasm/binary/', contract),
    strictly('wasm-instrument-knows-binary', '^workers/wasm/instrument/', contract, '^workers/wasm/binary/'),
    strictly(
      'wasm-run-knows-instrument',
      '^workers/wasm/run/',
      contract,
      '^workers/(wasi/|wasm/(binary|instrument)/)',
    ),
    strictly('wasm-knows-no-threads', '^workers/(wasm|wasi)/', contract),
    strictly('threads-know-no-engine', '^workers/threads/', contract, ports, '^workers/(wasm|wasi)/'),
    strictly('engine-knows-no-core', '^workers/engine/', contract, ports, '^workers/(threads|wasm)/'),
    strictly('delivery-knows-no-threads', '^workers/delivery/', contract, ports, core, '^workers/engine/'),
    {
      name: 'only-mains-compose',
      severity: 'error',
      from: {
        pathNot: [
          '^src/(up|web|main|admin)\\.ts$',
          '^workers/main\\.ts$',
          '^test/',
          '^bench/',
          '^src/compose',
        ],
      },
      to: { path: '^src/compose' },
    },
    {
      name: 'nothing-imports-tests',
      severity: 'error',
      from: { pathNot: '^(test|bench)/' },
      to: { path: '^(test|bench)/' },
    },
    {
      name: 'only-config-reads-the-environment',
      severity: 'error',
      from: { path: '^(src/(contract|ports|core|http)|workers/wasm|workers/wasi)/' },
      to: { path: '^src/config\\.ts$', pathNot: '^src/http/', dependencyTypesNot: ['type-only'] },
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
