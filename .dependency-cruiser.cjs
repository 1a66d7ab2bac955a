/**
 * The arrows go one way: mains → compose → drivers and http → core → ports → contract. docs in ARCHITECTURE.md.
 * Leaves that everybody may use: errors, logger, uuid, suggest and the like, straight under src/.
 */
const leaves = '^src/(errors|logger|uuid|suggest|redact-url|redis|redis-script)\\.ts$';
const contract = '^src/contract/';
const ports = '^src/ports/';
const core = '^src/core/';
/** Files under `from` may import only what `to` names, their own folder, the leaves and packages; types included. */
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
    strictly('http-knows-no-driver', '^src/http/', contract, ports, core, '^src/config\\.ts$'),
    strictly('cli-speaks-http', '^src/cli/', contract, '^src/(up|admin|data-dir|lean-start)\\.ts$', '^sdk/'),
    strictly(
      'threads-know-no-host',
      '^workers/(thread\\.ts|prepare-thread|protocol|wasi/|wasm/)',
      '^workers/(protocol|wasi/|wasm/)',
      contract,
      '^src/ports/engine\\.ts$',
    ),
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
      extensions: ['.ts', '.js', '.mjs'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'types'],
    },
  },
};
