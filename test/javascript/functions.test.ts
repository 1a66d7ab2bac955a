import test from 'ava';
import { functionNameSchema, requestIdSchema } from '../../src/contract/ids.js';
import { guestCall, inspectSettings, runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';
import { engine, run } from './running.js';

const HANDLERS = `import type { Handlers } from 'orama';
export default {
  async fetch(request, env, ctx) { return new Response(request.method + ' ' + (await request.text())); },
  async event(event, env, ctx) { return { event: event.data }; },
  scheduled(event) { return { cron: event.cron, time: event.scheduledTime }; },
} satisfies Handlers;`;
const EVENT = { topic: 'a:b', data: { n: 1 }, namespace: 'test', trigger_depth: 1, timestamp: 5 };
const SCHEDULE = {
  cron: '* * * * *',
  scheduled_at: '1970-01-01T00:01:00Z',
  namespace: 'test',
  trigger_depth: 1,
  timestamp: 60,
};

test('each trigger calls its handler: fetch, event or scheduled', async (t) => {
  const wasm = await buildJavaScript(HANDLERS);
  const outputs = await Promise.all(
    [
      ['async', 'plain text', 'POST plain text'],
      ['http', EVENT, `POST ${JSON.stringify(EVENT)}`],
      ['pubsub', EVENT, '{"event":{"n":1}}'],
      ['cron', SCHEDULE, '{"cron":"* * * * *","time":60000}'],
      // A replay is recognized by its input.
      ['replay', EVENT, '{"event":{"n":1}}'],
      ['replay', SCHEDULE, '{"cron":"* * * * *","time":60000}'],
      ['replay', { topic: 'x' }, 'POST {"topic":"x"}'],
    ].map(async ([trigger, input, expected]) => {
      const text = typeof input === 'string' ? input : JSON.stringify(input);
      const env = { ORAMA_TRIGGER: String(trigger) };
      const { output, error } = await runText(engine, wasm, text, { warmStart: 'reactor', env });
      return [output, error, expected];
    }),
  );
  for (const [output, error, expected] of outputs) {
    t.is(error, null);
    t.is(output, expected);
  }
});

test('a call by hand reaches the handler of its envelope where there is no fetch, and is told what it was else', async (t) => {
  const source = 'export default { event: ({ topic }) => topic, scheduled: ({ cron }) => cron };';
  const wasm = await buildJavaScript(source);
  const called = async (input: unknown) => {
    const { output, error } = await runText(engine, wasm, JSON.stringify(input), {
      warmStart: 'reactor',
      env: { ORAMA_TRIGGER: 'http' },
    });
    return error ?? output;
  };
  const common = { namespace: 'test', trigger_depth: 1, timestamp: 0 };
  t.is(await called({ topic: 'orders:new', data: { n: 1 }, ...common }), '"orders:new"');
  t.is(await called({ cron: '* * * * *', scheduled_at: '2026-01-01T00:00:00Z', ...common }), '"* * * * *"');
  t.is(
    await called({ n: 1 }),
    'exited with code 65: NonRetryableError: The default export has no handler fetch, only event and scheduled, and got: {"n":1}',
  );
});

test('a trigger without a handler ends with a NonRetryableError that names the handler', async (t) => {
  const source = 'export default { fetch() { return new Response("x"); } };';
  const outcome = await run(source, EVENT, { env: { ORAMA_TRIGGER: 'pubsub' } });
  t.is(outcome.exitCode, 65);
  t.is(
    outcome.error,
    'exited with code 65: NonRetryableError: The default export has no handler event, only fetch',
  );
});

test('a default export that is neither a function nor an object is named by its type', async (t) => {
  for (const [value, type] of [
    ['5', 'number'],
    ['null', 'null'],
    ['undefined', 'undefined'],
  ] as const) {
    const { error } = await run(`export default ${value};`, '');
    t.is(
      error,
      `exited with code 65: NonRetryableError: The default export is ${type}; export a function, or an object with fetch, event or scheduled`,
    );
  }
});

test('a plain function receives parsed JSON or else text, and its result is written as JSON', async (t) => {
  const source = 'export default async (input) => input === "none" ? undefined : { input };';
  t.is((await run(source, '{"a":[1]}')).output, '{"input":{"a":[1]}}');
  t.is((await run(source, 'a text')).output, '{"input":"a text"}');
  t.is((await run(source, 'none')).output, '');
});

test('a fetch handler can return a Response with bytes', async (t) => {
  const source =
    'export default { async fetch(request) { return new Response((await request.bytes()).map((byte) => byte ^ 255)); } };';
  const wasm = await buildJavaScript(source);
  const { output } = await engine.run(guestCall(wasm, Uint8Array.of(0, 1, 128), { warmStart: 'reactor' }));
  t.deepEqual([...output], [255, 254, 127]);
});

test('the context and env contain the values of the invocation', async (t) => {
  const requestId = requestIdSchema.parse('01890000-0000-7000-8000-000000000001');
  const outcome = await run(
    'export default (_, env, ctx) => [ctx.requestId, ctx.attempt, ctx.wallet, ctx.namespace, ctx.function, ctx.version, env.GREETING, env.NONE === undefined, "GREETING" in env];',
    '',
    {
      requestId,
      callerWallet: '0xabc',
      functionName: functionNameSchema.parse('named'),
      env: { GREETING: 'Hi', ORAMA_ATTEMPT: '2', ORAMA_NAMESPACE: 'space', ORAMA_VERSION: '7' },
    },
  );
  t.deepEqual(JSON.parse(outcome.output), [requestId, 2, '0xabc', 'space', 'named', 7, 'Hi', true, true]);
});

test('the context can be copied with the spread operator and written as JSON', async (t) => {
  const requestId = requestIdSchema.parse('01890000-0000-7000-8000-000000000002');
  const call = {
    requestId,
    callerWallet: '0xabc',
    functionName: functionNameSchema.parse('named'),
    env: { ORAMA_ATTEMPT: '2', ORAMA_NAMESPACE: 'space', ORAMA_VERSION: '7' },
  };
  const shown = {
    requestId,
    attempt: 2,
    wallet: '0xabc',
    namespace: 'space',
    function: 'named',
    version: 7,
  };
  const outcome = await run('export default (_, env, ctx) => [ctx, { ...ctx }];', '', call);
  t.deepEqual(JSON.parse(outcome.output), [shown, shown]);
});

test('module state is new and random values differ in each invocation', async (t) => {
  const wasm =
    await buildJavaScript(`let count = 0; const kept: number[] = []; Object.assign(Array.prototype, {});
    export default async () => { kept.push(1); (globalThis as any).leak = ((globalThis as any).leak ?? 0) + 1;
      return { count: ++count, kept: kept.length, leak: (globalThis as any).leak, random: [Math.random(), crypto.randomUUID(), crypto.getRandomValues(new Uint32Array(1))[0], Date.now()] }; };`);
  const seen: { random: unknown[] }[] = [];
  for (let index = 0; index < 5; index++) {
    const outcome = await runText(engine, wasm, '', { warmStart: 'reactor' });
    const { random, ...rest } = JSON.parse(outcome.output);
    t.deepEqual(rest, { count: 1, kept: 1, leak: 1 });
    seen.push({ random });
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  for (const at of [0, 1, 2, 3]) t.is(new Set(seen.map(({ random }) => random[at])).size, 5);
});

for (const [what, code] of Object.entries({
  'Math.random()': 'Math.random()',
  'crypto.randomUUID()': 'crypto.randomUUID()',
  'crypto.getRandomValues()': 'crypto.getRandomValues(new Uint32Array(2)).join()',
  'Date.now()': 'Date.now()',
  'a generated HMAC key':
    'await crypto.subtle.generateKey({ name: "HMAC", hash: "SHA-256" }, true, ["sign"]).then((key) => crypto.subtle.exportKey("raw", key)).then((raw) => new Uint8Array(raw).join())',
})) {
  test(`${what} at the top level differs in each invocation`, async (t) => {
    const wasm = await buildJavaScript(`const value = ${code};\nexport default () => value;`);
    const { warmStart } = await engine.inspect(wasm, inspectSettings(wasm, { cid: what }));
    t.is(warmStart, 'fresh');
    const values = new Set<string>();
    for (let index = 0; index < 3; index++) {
      values.add((await runText(engine, wasm, '', { warmStart })).output);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    t.is(values.size, 3);
  });
}

test('console methods write formatted lines to the log with their level', async (t) => {
  const source = `export default () => {
    console.log('text', 1, { a: [1, 'x'], n: null }); console.debug('%s has %d', 'Ada', 2, 'more'); console.warn(new Map([['k', new Set([1])]]));
    console.error(new RangeError('bad')); console.group('in'); console.info('side'); console.groupEnd(); console.assert(1 === 2, 'odd');
    const loop = { name: 'x' }; loop.self = loop; console.log(loop, [undefined, -0, 5n, Symbol('s'), () => {}], new Uint8Array(2), 'x'.repeat(3));
  };`;
  const { log } = await run(source, '');
  t.deepEqual(log, [
    "info: text 1 { a: [ 1, 'x' ], n: null }",
    'debug: Ada has 2 more',
    "warn: Map(1) { 'k' => Set(1) { 1 } }",
    'error: RangeError: bad\n    at index_default (index.ts:3)',
    'info: in',
    'info:   side',
    'error: Assertion failed: odd',
    "info: { name: 'x', self: [Circular] } [ undefined, -0, 5n, Symbol(s), [Function (anonymous)] ] Uint8Array(2) [ 0, 0 ] xxx",
  ]);
});
