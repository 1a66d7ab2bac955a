import test from 'ava';
import fc from 'fast-check';
import { parseDeployForm, writeDeployForm } from '../../src/contract/form.js';
import { functionSettingsSchema } from '../../src/contract/function.js';
import { AppError } from '../../src/errors.js';

function refusal(fields: Record<string, string>): string {
  try {
    parseDeployForm(fields);
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_manifest') return error.message;
    throw error;
  }
  return 'accepted';
}

test('one value of env may use all 128 KB of it; more is refused with the sizes', (t) => {
  const most = (128 << 10) - 'A'.length;
  const sent = (length: number) =>
    refusal({ name: 'a', metadata: JSON.stringify({ env: { A: 'x'.repeat(length) } }) });
  t.is(sent(most), 'accepted');
  t.regex(
    sent(most + 1),
    /^metadata\.env may have at most 131072 bytes of names and values in all, not 131073/,
  );
});

test('text fields are converted to the types of the settings', (t) => {
  const { settings, namespace } = parseDeployForm({
    name: 'hello',
    namespace: 'my-namespace',
    is_public: 'true',
    memory_limit_mb: '64',
    timeout_seconds: '10',
    retry_count: '3',
    retry_delay_seconds: '0.5',
    metadata: '{"env":{"REGION":"eu"}}',
  });
  t.is<string | undefined, string>(namespace, 'my-namespace');
  t.deepEqual<unknown, unknown>(settings, {
    name: 'hello',
    is_public: true,
    memory_limit_mb: 64,
    timeout_seconds: 10,
    retry_count: 3,
    retry_delay_seconds: 0.5,
    metadata: { env: { REGION: 'eu' }, retry_backoff: 'fixed', triggers: [] },
  });
});

test('metadata can contain every setting, and a form field overrides it', (t) => {
  const metadata = JSON.stringify({
    name: 'from-metadata',
    namespace: 'ns',
    is_public: true,
    memory_limit_mb: 32,
    timeout_seconds: 5,
    retry_count: 1,
    retry_delay_seconds: 2,
    concurrency: 3,
  });
  const form = parseDeployForm({ metadata, name: 'from-field', memory_limit_mb: '16' });
  t.is<string | undefined, string>(form.namespace, 'ns');
  t.like<object>(form.settings, {
    name: 'from-field',
    memory_limit_mb: 16,
    timeout_seconds: 5,
    is_public: true,
    metadata: { concurrency: 3 },
  });
});

test('metadata accepts the keys of function.yaml', (t) => {
  const metadata = JSON.stringify({
    memory: 8,
    public: true,
    retry: { count: 2, delay: 1, backoff: 'exponential' },
  });
  const { settings } = parseDeployForm({ name: 'hello', metadata });
  t.like<object>(settings, {
    memory_limit_mb: 8,
    is_public: true,
    retry_count: 2,
    retry_delay_seconds: 1,
    metadata: { retry_backoff: 'exponential' },
  });
});

const REFUSED: [fields: Record<string, string>, sentence: string][] = [
  [{ memory_limit_mb: '512' }, 'memory_limit_mb must be a whole number from 1 to 256 MB, not 512'],
  [{ memory_limit_mb: 'abc' }, 'memory_limit_mb must be a whole number from 1 to 256 MB, not "abc"'],
  [{ memory_limit_mb: '' }, 'memory_limit_mb must be a whole number from 1 to 256 MB, not ""'],
  [{ memory_limit_mb: '0x40' }, 'memory_limit_mb must be a whole number from 1 to 256 MB, not "0x40"'],
  [{ timeout_seconds: '0' }, 'timeout_seconds must be a whole number from 1 to 300 seconds, not 0'],
  [{ retry_count: '26' }, 'retry_count must be a whole number from 0 to 25, not 26'],
  [{ retry_delay_seconds: '-1' }, 'retry_delay_seconds must be a number of seconds from 0 to 3600, not -1'],
  [{ is_public: 'yes' }, 'is_public must be true or false, not "yes"'],
  [{ namespace: 'a/b' }, 'namespace must be 1–64 letters, digits, "-" or "_", not "a/b"'],
  [{ memory: '64' }, 'unknown key "memory"; did you mean "memory_limit_mb"?'],
  [{ color: 'red' }, 'unknown key "color"; the keys are'],
  // The keys that are named are those of the object with the unknown one.
  [
    { metadata: '{"http":{"redirects":true}}' },
    'unknown key "metadata.http.redirects"; the keys are metadata.http.methods, metadata.http.auth',
  ],
  [
    { metadata: '{"http":{"rutes":[]}}' },
    'unknown key "metadata.http.rutes"; did you mean "metadata.http.routes"?',
  ],
  [{ metadata: '{"http":{"cors":{"foo":1}}}' }, 'unknown key "metadata.http.cors.foo"; the keys are'],
  [{ metadata: '{"http":{"methods":[]}}' }, 'metadata.http.methods must have at least 1 entry, not 0'],
  [{ metadata: '{' }, 'metadata must be JSON, not "{"'],
  [{ metadata: '[]' }, 'metadata must be a JSON object, not []'],
  [{ metadata: '{"retry":3}' }, 'metadata.retry must be a map, not 3'],
  [{ metadata: '{"env":{"A":1}}' }, 'metadata.env.A must be a string, not 1; put it in quotes'],
  [
    { metadata: '{"memory_limit_mb":"64"}' },
    'metadata.memory_limit_mb must be a whole number from 1 to 256 MB, not "64"',
  ],
  [
    { memory_limit_mb: '64', metadata: '{"memory_limit_mb":4800}' },
    'metadata.memory_limit_mb must be a whole number from 1 to 256 MB, not 4800',
  ],
  [
    { metadata: '{"allowed_hosts":["https://a.com"]}' },
    'metadata.allowed_hosts[0] must be a host, host:port, network or *.suffix such as "api.example.com", not "https://a.com"',
  ],
  [{ metadata: '{"__proto__":{"is_public":true}}' }, 'unknown key "__proto__"; the keys are'],
];

for (const [fields, sentence] of REFUSED) {
  test(`a form with the fields ${JSON.stringify(fields)} is rejected`, (t) => {
    const said = refusal({ name: 'hello', ...fields });
    t.true(said.startsWith(sentence), said);
  });
}

test('a form without a name is rejected', (t) => {
  t.is(refusal({}), 'name is required');
});

test('parseDeployForm restores the settings written by writeDeployForm', (t) => {
  const text = fc.string({ minLength: 1, maxLength: 20 });
  const settings = fc.record({
    name: fc.stringMatching(/^[A-Za-z0-9_-]{1,64}$/).filter((name) => name !== 'secrets'),
    is_public: fc.boolean(),
    memory_limit_mb: fc.integer({ min: 1, max: 256 }),
    timeout_seconds: fc.integer({ min: 1, max: 300 }),
    retry_count: fc.integer({ min: 0, max: 25 }),
    retry_delay_seconds: fc.double({ min: 0, max: 3600, noNaN: true }),
    metadata: fc.record(
      {
        env: fc.dictionary(text, fc.string(), { noNullPrototype: true }),
        triggers: fc.array(fc.constantFrom({ topic: 'calls:*' }, { cron: '@daily', timezone: 'UTC' })),
        concurrency: fc.integer({ min: 1, max: 10_000 }),
        allowed_hosts: fc.array(fc.domain()),
      },
      { requiredKeys: [] },
    ),
  });
  fc.assert(
    fc.property(settings, (value) => {
      const given = functionSettingsSchema.parse(value);
      t.deepEqual(parseDeployForm(writeDeployForm(given, 'ns')).settings, given);
    }),
  );
});

test('metadata nested too deeply or with a __proto__ key is rejected with an error', (t) => {
  const refused: [string, RegExp][] = [
    [`{"env":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`, /nested more than 100 levels/],
    [`{"env":${'['.repeat(10_000)}${']'.repeat(10_000)}}`, /nested more than 100 levels/],
    ['['.repeat(10_000), /nested more than 100 levels/],
    ['{"env":{"__proto__":{}}}', /unknown key "metadata.env.__proto__"/],
    ['{"env":{"__proto__":"x"}}', /unknown key "metadata.env.__proto__"/],
    ['{"env":{"\\u005f_proto__":{}}}', /unknown key "metadata.env.__proto__"/],
    ['{"__proto__":{"is_public":true}}', /unknown key "__proto__"/],
    ['{"retry":{"__proto__":{"count":3}}}', /unknown key "metadata.retry.__proto__"/],
    ['{"triggers":[{"topic":"a","__proto__":{}}]}', /unknown key "metadata.triggers\[0\].__proto__"/],
    ['{"env":{"A":{}}}', /metadata.env.A must be a string/],
  ];
  for (const [metadata, message] of refused) {
    t.throws(() => parseDeployForm({ name: 'a', metadata }), { code: 'invalid_manifest', message });
  }
});

test('the message of a version is a line of at most 500 characters without control characters', (t) => {
  const sent = (message: string) => refusal({ name: 'a', message });
  t.is(sent('x'.repeat(500)), 'accepted');
  t.is(sent(' é '), 'accepted');
  t.is(sent('x'.repeat(501)), 'message must have at most 500 characters');
  for (const message of ['   ', '\u00a0', '\u001b', '\0', 'a\u0007', '\u001b[31mred', 'a\nb', '\u0085']) {
    t.regex(sent(message), /^message must be a line of text/, JSON.stringify(message));
  }
});

test('a message of 200,000 characters is refused at once', (t) => {
  const start = performance.now();
  t.is(
    refusal({ name: 'a', message: `${'x'.repeat(200_000)}\n` }),
    'message must have at most 500 characters',
  );
  t.true(performance.now() - start < 1000);
});
