import { spawnSync } from 'node:child_process';
import test from 'ava';
import { loadConfig, settingRows, walletSignup } from '../../src/config.js';

test('an empty environment gives the documented defaults', (t) => {
  const { config, warnings } = loadConfig({}, {});
  t.is(config.HOST, '127.0.0.1');
  t.is(config.PORT, 4000);
  t.is(config.SYNC_WAIT_SECONDS, 900);
  t.is(config.REDIS_URL, undefined);
  t.deepEqual(warnings, []);
});

test('the defaults of timeouts, ping, lease and sharing intervals are the documented ones', (t) => {
  t.like(loadConfig({}, {}).config, {
    REQUEST_HEADERS_SECONDS: 15,
    REQUEST_IDLE_SECONDS: 20,
    SOCKET_PING_SECONDS: 10,
    PRESENCE_LEASE_SECONDS: 20,
    METRICS_SHARE_SECONDS: 5,
  });
});

test('a setting with an empty value has its default', (t) => {
  t.is(loadConfig({}, { PORT: '', REDIS_URL: '' }).config.PORT, 4000);
});

const wrong: [name: string, value: string, sentence: string][] = [
  ['PORT', '70000', 'PORT must be a whole number from 0 to 65535, not "70000".'],
  ['PORT', 'http', 'PORT must be a whole number from 0 to 65535, not "http".'],
  ['RESULT_TTL_SECONDS', ' ', 'RESULT_TTL_SECONDS must be a whole number from 0 to 604800, not " ".'],
  ['WORKER_THREADS', '0x10', 'WORKER_THREADS must be a whole number from 1 to 256, not "0x10".'],
  ['WORKER_THREADS', '1e2', 'WORKER_THREADS must be a whole number from 1 to 256, not "1e2".'],
  ['REDIS_URL', 'localhost:6379', 'REDIS_URL must look like redis://host:6379.'],
  // The engine can only use a server that speaks RESP.
  ['OLRIC_URL', 'olric://host:3320', 'OLRIC_URL must look like redis://host:3320.'],
  ...[
    'redis://h/abc',
    'redis://h:1/1.5',
    'redis://h/-1',
    'redis://h/0/1',
    'redis://h?db=x',
    'redis://:100%@h',
  ].map((url): [string, string, string] => [
    'REDIS_URL',
    url,
    'REDIS_URL must have the number of a database as its path, if any, and % as %25 in its password, like redis://host:6379/0.',
  ]),
  ['QUOTA_KEYS', 'abc', 'QUOTA_KEYS must be a whole number from 0 to 4294967296, not "abc".'],
  [
    'OTEL_EXPORTER_OTLP_ENDPOINT',
    'ftp://me:secret@collector',
    'OTEL_EXPORTER_OTLP_ENDPOINT must look like http://collector:4318.',
  ],
  ['LOG_LEVEL', 'loud', 'LOG_LEVEL must be fatal, error, warn, info, debug, trace or silent, not "loud".'],
  ['WALLET_SIGNUP', 'yes', 'WALLET_SIGNUP must be open or closed, not "yes".'],
  [
    'EGRESS_ALLOW',
    'a.example,,b.example',
    'EGRESS_ALLOW must have no empty entry between its commas, not "a.example,,b.example".',
  ],
  [
    'CORS_ORIGINS',
    'app.example',
    'CORS_ORIGINS must be origins as browsers send them, such as https://app.example.com without a final slash, or *, not "app.example".',
  ],
  [
    'FUNCTION_DB_NAMESPACE',
    'a b',
    'FUNCTION_DB_NAMESPACE must be 1–64 letters, digits, "-" or "_", not "a b".',
  ],
  [
    'ORAMA_SECRETS_KEY',
    'c2hvcnQ=',
    'ORAMA_SECRETS_KEY must be 32 bytes in base64; make it with openssl rand -base64 32.',
  ],
  [
    'ORAMA_ADMIN_KEY',
    'secret',
    'ORAMA_ADMIN_KEY must read ak_<random>:<namespace>, the random part of 16 characters or more; make it with echo "ak_$(openssl rand -hex 24):default".',
  ],
  [
    'CORS_ORIGINS',
    'https://app.example/',
    'CORS_ORIGINS must be origins as browsers send them, such as https://app.example.com without a final slash, or *, not "https://app.example/".',
  ],
  [
    'CORS_ORIGINS',
    '*,App.example',
    'CORS_ORIGINS must be origins as browsers send them, such as https://app.example.com without a final slash, or *, not "*,App.example".',
  ],
  [
    'CORS_ORIGINS',
    'https://*.example.com',
    'CORS_ORIGINS must be origins as browsers send them, such as https://app.example.com without a final slash, or *, not "https://*.example.com".',
  ],
  ['WORKER_MEMORY_MB', '12', 'WORKER_MEMORY_MB must be a whole number from 256 to 1048576, not "12".'],
];
test('a URL of Redis may have a database, credentials and options of the connection', (t) => {
  for (const url of ['redis://h', 'rediss://h/', 'redis://u:100%25@h:6379/15?family=6', 'redis://[::1]/0'])
    t.is(loadConfig({}, { REDIS_URL: url }).config.REDIS_URL, url);
});

for (const [name, value, sentence] of wrong) {
  test(`${name}=${value} is rejected with an error that names the setting, its value and what is allowed`, (t) => {
    const message = `${sentence} Correct the setting and start again.`;
    t.throws(() => loadConfig({}, { [name]: value }), { code: 'bad_config', message });
  });
}

test('the error for an invalid ORAMA_SECRETS_KEY does not contain its value', (t) => {
  const error = t.throws(() => loadConfig({}, { ORAMA_SECRETS_KEY: 'hunter2' }));
  t.false(error.message.includes('hunter2'));
});

test('an unknown ORAMA_ variable gives a warning that suggests the closest setting', (t) => {
  const { warnings } = loadConfig({}, { ORAMA_DATADIR: 'x', ORAMA_URL: 'http://127.0.0.1:4000' });
  t.deepEqual(warnings, [
    'ORAMA_DATADIR is no setting of this engine and is ignored; did you mean ORAMA_DATA_DIR?',
  ]);
});

test('every setting has a description for the documentation', (t) => {
  const rows = settingRows();
  t.true(rows.length > 25);
  for (const row of rows) t.true(row.about.length > 10, row.name);
});

test('wallets may claim namespaces by themselves only where nobody else can reach the engine', (t) => {
  const signup = (settings: Record<string, string>) => walletSignup(loadConfig({}, settings).config);
  for (const HOST of ['127.0.0.1', '127.8.9.10', 'localhost', '::1']) t.is(signup({ HOST }), 'open', HOST);
  for (const HOST of [
    '0.0.0.0',
    '::',
    '10.0.0.1',
    '127.0.0.1.example.com',
    'localhost.example.com',
    '::ffff:0.0.0.0',
  ]) {
    t.is(signup({ HOST }), 'closed', HOST);
    t.is(signup({ HOST, WALLET_SIGNUP: 'open' }), 'open', HOST);
  }
  t.is(signup({}), 'open');
  t.is(signup({ WALLET_SIGNUP: 'closed' }), 'closed');
});

test('a process of the Procfile whose name is misspelled does not start as another one', (t) => {
  for (const [words, named] of [
    [['relase'], '"relase"'],
    [[], 'missing'],
  ] as const) {
    const env = { PATH: process.env.PATH, REDIS_URL: 'redis://127.0.0.1:1' };
    const ended = spawnSync(process.execPath, ['dist/app/main.js', ...words], {
      env,
      encoding: 'utf8',
      timeout: 30_000,
    });
    t.is(ended.status, 1);
    t.is(ended.stderr, `The process to start must be web or release, not ${named}.\n`);
  }
});
