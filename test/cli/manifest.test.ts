import { readFileSync } from 'node:fs';
import test from 'ava';
import { parseManifest } from '../../src/cli/yaml/manifest.js';
import { AppError } from '../../src/errors.js';

function refusal(text: string): string {
  try {
    parseManifest(text);
  } catch (error) {
    if (error instanceof AppError && error.code === 'invalid_manifest') return error.message;
    throw error;
  }
  return 'accepted';
}

test('a manifest with only a name has every default of the contract', (t) => {
  t.deepEqual<unknown, unknown>(parseManifest('name: hello'), {
    settings: {
      name: 'hello',
      is_public: false,
      memory_limit_mb: 64,
      timeout_seconds: 30,
      retry_count: 0,
      retry_delay_seconds: 5,
      metadata: { env: {}, retry_backoff: 'fixed', triggers: [] },
    },
  });
});

test('a value of any depth is refused with a sentence, in flow and block style, and in a cycle', (t) => {
  const block = Array.from({ length: 2000 }, (_, at) => `${' '.repeat(at + 1)}a:`).join('\n');
  for (const [yaml, sentence] of [
    [`env: ${'{a: '.repeat(200)}1${'}'.repeat(200)}`, /nested more than 100 levels/],
    [`env: ${'['.repeat(10_000)}${']'.repeat(10_000)}`, /nested more than 100 levels/],
    [`env: ${'{a: '.repeat(10_000)}1${'}'.repeat(10_000)}`, /nested more than 100 levels/],
    [`env:\n  ${'- '.repeat(10_000)}x`, /nested more than 100 levels/],
    [`env:\n${block} x`, /nested more than 100 levels/],
    ['env: &a {x: *a}', /nested more than 100 levels/],
    ['env: {__proto__: {}}', /unknown key "function.yaml: env.__proto__"/],
    ['env: {"\\u005f_proto__": x}', /unknown key "function.yaml: env.__proto__"/],
    ['stages: {a: {env: {__proto__: x}}}', /unknown key "function.yaml: stages.a.env.__proto__"/],
    ['triggers: [{topic: a, __proto__: {}}]', /unknown key "function.yaml: triggers\[0\].__proto__"/],
  ] as const) {
    t.regex(refusal(`name: a\n${yaml}`), sentence, yaml.slice(0, 40));
  }
});

test('a manifest with every key is parsed', (t) => {
  const manifest = parseManifest(`
name: call-push-handler
public: true
memory: 256
timeout: 300
retry:
  count: 25
  delay: 0.5
  backoff: exponential
env:
  REGION: eu
triggers:
  - topic: calls:*
  - cron: "*/5 * * * *"
    timezone: Europe/Berlin
on_success: calls:done
on_failure: calls:failed
concurrency: 4
allowed_hosts: [push.example.com]
build: make wasm
`);
  t.deepEqual<unknown, unknown>(manifest, {
    build: 'make wasm',
    settings: {
      name: 'call-push-handler',
      is_public: true,
      memory_limit_mb: 256,
      timeout_seconds: 300,
      retry_count: 25,
      retry_delay_seconds: 0.5,
      metadata: {
        env: { REGION: 'eu' },
        retry_backoff: 'exponential',
        triggers: [{ topic: 'calls:*' }, { cron: '*/5 * * * *', timezone: 'Europe/Berlin' }],
        on_success: 'calls:done',
        on_failure: 'calls:failed',
        concurrency: 4,
        allowed_hosts: ['push.example.com'],
      },
    },
  });
});

const WHOLE = (key: string, range: string, value: string) =>
  `function.yaml: ${key} must be a whole number from ${range}, not ${value}`;

const REFUSED: [yaml: string, sentence: string][] = [
  ['memory: 512', WHOLE('memory', '1 to 256 MB', '512')],
  ['memory: 0', WHOLE('memory', '1 to 256 MB', '0')],
  ['memory: 64.5', WHOLE('memory', '1 to 256 MB', '64.5')],
  ['memory: 64MB', WHOLE('memory', '1 to 256 MB', '"64MB"')],
  ['memory:', WHOLE('memory', '1 to 256 MB', 'null')],
  ['memory: .inf', WHOLE('memory', '1 to 256 MB', 'Infinity')],
  ['timeout: 301', WHOLE('timeout', '1 to 300 seconds', '301')],
  ['timeout: -1', WHOLE('timeout', '1 to 300 seconds', '-1')],
  ['retry: {count: 26}', WHOLE('retry.count', '0 to 25', '26')],
  ['retry: {count: "3"}', WHOLE('retry.count', '0 to 25', '"3"')],
  ['retry: {delay: 3601}', 'function.yaml: retry.delay must be a number of seconds from 0 to 3600, not 3601'],
  ['retry: {backoff: linear}', 'function.yaml: retry.backoff must be "fixed" or "exponential", not "linear"'],
  ['retry: 3', 'function.yaml: retry must be a map, not 3'],
  ['public: yes', 'function.yaml: public must be true or false, not "yes"'],
  ['env: {PORT: 8080}', 'function.yaml: env.PORT must be a string, not 8080; put it in quotes'],
  ['env: [A]', 'function.yaml: env must be a map, not ["A"]'],
  ['triggers: calls', 'function.yaml: triggers must be a list, not "calls"'],
  [
    'triggers: [calls]',
    'function.yaml: triggers[0] must hold either topic, or cron with timezone, overlap and catch_up, not "calls"',
  ],
  ['triggers: [{topic: 5}]', 'function.yaml: triggers[0].topic must be a string, not 5'],
  [
    'triggers: [{topic: "a b"}]',
    'function.yaml: triggers[0].topic may hold no blanks or control characters: "a b"',
  ],
  [
    'triggers: [{cron: "61 * * * *"}]',
    'function.yaml: triggers[0].cron must be a cron expression that is due at some time, such as "*/5 * * * *", not "61 * * * *": invalid value for minute: 61',
  ],
  [
    'triggers: [{cron: "0 0 31 2 *"}]',
    'function.yaml: triggers[0].cron must be a cron expression that is due at some time, such as "*/5 * * * *", not "0 0 31 2 *": it is never due',
  ],
  [
    'triggers: [{cron: "* * * *"}]',
    'function.yaml: triggers[0].cron must be a cron expression that is due at some time, such as "*/5 * * * *", not "* * * *": it has 4 fields instead of 5 (minute, hour, day, month, weekday)',
  ],
  [
    'triggers: [{cron: "@reboot"}]',
    'function.yaml: triggers[0].cron must be a cron expression that is due at some time, such as "*/5 * * * *", not "@reboot": @reboot is none of @hourly, @daily, @weekly, @monthly, @yearly',
  ],
  [
    'triggers:\n  - cron: * * * * *',
    'function.yaml is not valid YAML: Alias cannot be an empty string at line 3, column 11; put the expression in quotes: cron: "* * * * *"',
  ],
  [
    'triggers: [{cron: */5 0,30 * * 1#2, timezone: UTC}]',
    'function.yaml is not valid YAML: Unexpected scalar at node end at line 2, column 23; put the expression in quotes: cron: "*/5 0,30 * * 1#2"',
  ],
  ['retry:', 'function.yaml: retry has no value; write {} or indent its keys below it'],
  ['http:', 'function.yaml: http has no value; write {} or indent its keys below it'],
  [
    'triggers: [{cron: "@daily", timezone: Mars/Base}]',
    'function.yaml: triggers[0].timezone must be a time zone such as "Europe/Berlin", not "Mars/Base"',
  ],
  ['concurrency: 0', WHOLE('concurrency', '1 to 10000', '0')],
  ['allowed_hosts: example.com', 'function.yaml: allowed_hosts must be a list, not "example.com"'],
  ...['http://example.com', 'a/b', '*', 'a b', '10.0.0.0/33'].map((host): [string, string] => [
    `allowed_hosts: [a.com, ${JSON.stringify(host)}]`,
    `function.yaml: allowed_hosts[1] must be a host, host:port, network or *.suffix such as "api.example.com", not ${JSON.stringify(host)}`,
  ]),
  [
    'http: {verify: {scheme: gitlab, secret: S}}',
    'function.yaml: http.verify.scheme must be one of github, stripe, slack, standard-webhooks, hmac, not "gitlab"',
  ],
  [
    'http: {verify: {secret: S}}',
    'function.yaml: http.verify.scheme must be one of github, stripe, slack, standard-webhooks, hmac, not missing',
  ],
  ['http: {verify: 5}', 'function.yaml: http.verify must be a map, not 5'],
  [
    'http: {methods: [GET], routes: ["GET /a", "PUT /a"]}',
    'function.yaml: http.routes[1] must have one of the methods in http.methods (GET), not "PUT /a"',
  ],
  ...[
    'https://*.example.com',
    'https://App.example.com',
    'https://app.example.com:443',
    'https://app.example.com/',
    'https://bücher.example',
    'app.example.com',
  ].map((origin): [string, string] => [
    `http: {cors: {origins: ["${origin}"]}}`,
    `function.yaml: http.cors.origins[0] must be an origin as browsers send it, such as "https://app.example.com" without a final slash, or "*", not "${origin}"`,
  ]),
  ['build: ""', 'function.yaml: build must be a string that is not empty, not ""'],
  ['on_failure: ""', 'function.yaml: on_failure must be a string that is not empty, not ""'],
  ['memroy: 64', 'function.yaml: unknown key "memroy"; did you mean "memory"?'],
  ['memory_limit_mb: 64', 'function.yaml: unknown key "memory_limit_mb"; did you mean "memory"?'],
  ['retry: {cout: 3}', 'function.yaml: unknown key "retry.cout"; did you mean "retry.count"?'],
];

for (const [yaml, sentence] of REFUSED) {
  test(`a manifest is rejected that has the line: ${yaml}`, (t) => {
    t.is(refusal(`name: hello\n${yaml}`), sentence);
  });
}

test('an unknown key without a similar one is rejected with the list of keys', (t) => {
  t.is(
    refusal('name: hello\nkubernetes: true'),
    'function.yaml: unknown key "kubernetes"; the keys are name, public, memory, timeout, retry.count, retry.delay, ' +
      'retry.backoff, env, triggers, on_success, on_failure, concurrency, allowed_hosts, http, trace, build, stages',
  );
});

for (const name of ['', 'a/b', 'a.b', 'ä', 'x'.repeat(65)]) {
  test(`the name ${JSON.stringify(name)} is rejected`, (t) => {
    const sentence = refusal(`name: ${JSON.stringify(name)}`);
    t.true(
      sentence.startsWith('function.yaml: name must be 1–64 letters, digits, "-" or "_", not "'),
      sentence,
    );
  });
}

test('a misspelt key in place of a required one, and a name without quotes, are rejected with what to write', (t) => {
  t.is(refusal('nam: y'), 'function.yaml: unknown key "nam"; did you mean "name"?');
  t.is(
    refusal('name: 123'),
    'function.yaml: name must be 1–64 letters, digits, "-" or "_", not 123; put it in quotes',
  );
});

test('the name "secrets" and a missing name are rejected', (t) => {
  t.is(refusal('name: secrets'), 'function.yaml: name may not be "secrets", which is reserved');
  t.is(refusal('memory: 64'), 'function.yaml: name is required');
});

test('text that is not a YAML map, is invalid YAML or expands too many aliases is rejected', (t) => {
  t.regex(refusal(''), /^function\.yaml must be a map of keys/);
  t.regex(refusal('- name'), /^function\.yaml must be a map of keys/);
  t.regex(refusal('name: [a'), /^function\.yaml is not valid YAML: .+ at line 1/);
  t.regex(refusal('name: a\nname: b'), /^function\.yaml is not valid YAML: .*unique/);
  const bomb = [
    'a0: &a0 [x]',
    ...Array.from({ length: 9 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`),
  ];
  t.regex(refusal(bomb.join('\n')), /^function\.yaml is not valid YAML: too many aliases/);
});

test('a manifest with a second YAML document, whose keys would be ignored, is rejected', (t) => {
  for (const rest of ['---\nmemory: 32\n', '---\n', '...\nmemory: 32\n']) {
    t.regex(refusal(`name: x\n${rest}`), /^function\.yaml must be a single document: .* line [23]$/, rest);
  }
  t.is(refusal('---\nname: x\n...\n'), 'accepted');
});

test('docs/functions.md documents every key', (t) => {
  const page = readFileSync('docs/functions.md', 'utf8');
  const keys = refusal('name: hello\nxxxxxxxxxxxxxxxxxxxx: 1').split('the keys are ')[1]?.split(', ') ?? [];
  t.true(keys.length > 10);
  t.deepEqual(
    keys.filter((key) => !new RegExp(`^\\| \`${key}\` `, 'm').test(page)),
    [],
  );
});

test('function.yaml with a __proto__ key or a recursive alias is rejected', (t) => {
  const refused: [string, RegExp][] = [
    ['name: a\nenv: {__proto__: {A: b}}', /unknown key "function.yaml: env.__proto__"/],
    ['name: a\n__proto__: {public: true}', /unknown key "__proto__"/],
    ['name: a\nenv: &x\n  A: *x', /nested more than 100 levels|function.yaml/],
  ];
  for (const [text, message] of refused) {
    t.throws(() => parseManifest(text), { code: 'invalid_manifest', message });
  }
});
