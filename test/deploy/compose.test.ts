import { existsSync, readFileSync } from 'node:fs';
import test from 'ava';
import { parse } from 'yaml';
import { loadConfig } from '../../src/config.js';

interface Service {
  image?: string;
  build?: string;
  command?: string[];
  environment?: Record<string, string>;
  depends_on?: Record<string, unknown>;
  healthcheck?: { test?: string[]; disable?: boolean };
  volumes?: string[];
  ports?: string[];
}

const file: { services: Record<string, Service>; volumes: Record<string, null> } = parse(
  readFileSync('compose.yaml', 'utf8'),
  { merge: true },
);
const services = Object.entries(file.services);
const engines = services.filter(([, { build }]) => build !== undefined);

test('compose.yaml has web, two workers, a durable Redis, three RQLite nodes, Olric and Kubo', (t) => {
  t.deepEqual(
    engines.map(([name]) => name),
    ['web', 'worker-1', 'worker-2'],
  );
  const redis = file.services.redis?.command ?? [];
  t.is(redis[redis.indexOf('--appendonly') + 1], 'yes');
  t.is(redis[redis.indexOf('--appendfsync') + 1], 'always');
  t.is(services.filter(([name]) => /^rqlite-\d$/.test(name)).length, 3);
  t.regex(file.services.olric?.image ?? '', /^ghcr\.io\/olric-data\/olric:/);
  t.regex(file.services.ipfs?.image ?? '', /^ipfs\/kubo:/);
});

for (const [name, { environment = {}, depends_on = {} }] of engines) {
  test(`the settings of ${name} are valid, and their URLs name services of its depends_on`, (t) => {
    const keys = {
      ORAMA_ADMIN_KEY: `ak_${'x'.repeat(24)}:default`,
      ORAMA_SECRETS_KEY: Buffer.alloc(32).toString('base64'),
    };
    const { warnings } = loadConfig({}, { ...environment, ...keys });
    t.deepEqual(warnings, []);
    for (const [setting, value] of Object.entries(environment)) {
      if (!setting.endsWith('_URL')) continue;
      for (const url of value.split(',')) t.true(new URL(url).hostname in depends_on, `${setting} ${url}`);
    }
  });
}

test('every service has an image or build, and every volume and dependency is defined', (t) => {
  for (const [name, service] of services) {
    const isEngine = ['web', 'worker-1', 'worker-2'].includes(name);
    t.is(service.build, isEngine ? '.' : undefined, name);
    t.is(service.image === undefined, isEngine, name);
    for (const volume of service.volumes ?? []) {
      const [source = ''] = volume.split(':');
      t.true(source.startsWith('./') ? existsSync(source) : source in file.volumes, `${name} ${volume}`);
    }
    for (const other of Object.keys(service.depends_on ?? {}))
      t.true(other in file.services, `${name} ${other}`);
  }
});

test('FUNCTION_DB_URL names a host that is not in RQLITE_URL', (t) => {
  const { FUNCTION_DB_URL = '', RQLITE_URL = '' } = file.services.web?.environment ?? {};
  t.false(RQLITE_URL.includes(new URL(FUNCTION_DB_URL).hostname));
});

test('the Dockerfile has a build stage and a final stage with a non-root user and a health check', (t) => {
  const lines = readFileSync('Dockerfile', 'utf8').split('\n');
  const stages = lines.filter((line) => line.startsWith('FROM '));
  t.is(stages.length, 2);
  const last = lines.slice(lines.lastIndexOf(stages[1] ?? ''));
  t.true(last.includes('USER 1000:1000'));
  t.true(last.some((line) => line.startsWith('HEALTHCHECK ')));
  t.true(last.indexOf('USER 1000:1000') < last.findIndex((line) => line.startsWith('CMD ')));
  t.false(last.some((line) => /^(RUN|COPY) .*(npm ci|npm install)/.test(line)));
});

test('every image has a pinned version, and every port is bound to loopback', (t) => {
  for (const [name, { image, ports = [] }] of services) {
    if (image !== undefined) t.regex(image, /:v?\d+\.\d+\.\d+(-[a-z]+)?(@sha256:[0-9a-f]{64})?$/, name);
    for (const port of ports) t.regex(port, /^127\.0\.0\.1:/, name);
  }
  for (const line of readFileSync('Dockerfile', 'utf8')
    .split('\n')
    .filter((text) => text.startsWith('FROM'))) {
    t.regex(line, /^FROM (node:\d+\.\d+\.\d+|debian:\d+\.\d+)-/);
  }
});

/**
 * Returns whether a path is left out of the build, as Docker matches it: from the root, `*` within
 * one name.
 */
function isIgnored(path: string): boolean {
  const patterns = readFileSync('.dockerignore', 'utf8').split('\n');
  return patterns.some((pattern) => {
    if (pattern === '' || pattern.startsWith('#')) return false;
    const source = pattern
      .replace(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('**/', '\0')
      .replaceAll('*', '[^/]*')
      .replaceAll('\0', '(?:.*/)?');
    return new RegExp(`^${source}(?:/|$)`).test(path);
  });
}

test('.dockerignore excludes keys, data and dependencies of the machine, wherever they are', (t) => {
  for (const directory of ['', 'examples/shop/', 'sdk/go/']) {
    for (const name of [
      ...[
        '.env',
        '.env.local',
        'staging.env',
        '.orama/admin-key',
        'admin-key',
        'secrets-key',
        'a.pem',
        'a.key',
      ],
      ...['metadata.sqlite', 'metadata.sqlite-wal', 'engine.log', 'node_modules/a/index.js'],
    ]) {
      t.true(isIgnored(directory + name), directory + name);
    }
  }
  for (const name of ['.git/config', 'data/admin-key', 'test/a.ts']) t.true(isIgnored(name), name);
  for (const name of [
    'package.json',
    'src/core/secrets.ts',
    'sdk/go/orama.go',
    'src/files/data-dir.ts',
    'scripts/build.mjs',
  ]) {
    t.false(isIgnored(name), name);
  }
});
