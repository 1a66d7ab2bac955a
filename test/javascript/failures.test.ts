import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { type CallOptions, runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

const engine = openEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());

async function run(source: string | Record<string, string>, input = '', options: CallOptions = {}) {
  return runText(engine, await buildJavaScript(source), input, { warmStart: 'reactor', ...options });
}

test('error and log state the file and line of the TypeScript source, also in imported files', async (t) => {
  const outcome = await run(
    {
      'index.ts': `import { deep } from './lib/deep';
import { thrown } from 'faulty';

interface Input { where: string }

export default async (input: Input): Promise<void> => {
  if (input.where === 'package') thrown();
  await deep(input as unknown as number);
};
`,
      'lib/deep.ts': `type Nothing = never;

export async function deep(n: number): Promise<Nothing> {
  const inner = (): Nothing => {
    throw new TypeError(\`no \${typeof n}\`, { cause: new Error('why') });
  };
  return inner();
}
`,
      'node_modules/faulty/package.json': '{"name":"faulty","main":"index.js"}',
      'node_modules/faulty/index.js': 'exports.thrown = () => {\n  return null.x;\n};\n',
    },
    '{}',
  );
  t.is(outcome.error, 'exited with code 1: TypeError: no object: why (lib/deep.ts:5)');
  t.is(outcome.exitCode, 1);
  t.is(
    outcome.log[0],
    'error: TypeError: no object\n    at inner (lib/deep.ts:5)\n    at deep (lib/deep.ts:7)\n    at index_default (index.ts:8)\ncaused by: Error: why\n    at inner (lib/deep.ts:5)\n    at deep (lib/deep.ts:7)\n    at index_default (index.ts:8)',
  );
});

test('error.stack in a function has the file and line of the source', async (t) => {
  const source =
    'const fail = () => {\n  throw new Error("x");\n};\nexport default () => {\n  try { fail(); } catch (error) { return error.stack; }\n};';
  t.is(
    JSON.parse((await run(source)).output),
    'Error: x\n    at fail (index.ts:2)\n    at index_default (index.ts:5)',
  );
});

test('the stack of a DOMException, and one from Error.captureStackTrace, have the lines of the source', async (t) => {
  const cases = {
    "new DOMException('m', 'AbortError')": 'AbortError: m',
    'new (class extends Error { constructor() { super("m"); Error.captureStackTrace(this, this.constructor); } })()':
      'Error: m',
  };
  for (const [made, headline] of Object.entries(cases)) {
    const source = `const fail = () => {\n  throw ${made};\n};\nexport default (read) => {\n  try { fail(); } catch (error) { if (read) return error.stack; throw error; }\n};`;
    const read: string = JSON.parse((await run(source, 'true')).output);
    const lines = read.split('\n');
    t.regex(lines[0] ?? '', new RegExp(`^${headline}$`), made);
    t.true(lines.length > 1);
    for (const line of lines.slice(1)) t.regex(line, /^ {4}at .+ \(index\.ts:\d+\)$/, made);
    const { error, log } = await run(source, 'false');
    t.is(error, `exited with code 1: ${headline} (index.ts:2)`, made);
    t.is(log[0], `error: ${read}`, made);
  }
});

test('an exception of a built-in function has the line of its caller in log and error', async (t) => {
  for (const call of ["atob('!')", 'structuredClone(() => 1)', "structuredClone(Symbol('s'))"]) {
    const { error, log } = await run(`const v = 1;\nexport default () => ${call};`);
    t.regex(error ?? '', /^exited with code 1: \w+Error: .* \(index\.ts:2\)$/, call);
    t.regex(log[0] ?? '', /^error: \w+Error: .*(\n {4}at .*)*index\.ts:2\)/, call);
    t.false(/orama:|function\.js/.test(log.join()), log.join());
  }
});

test('a NonRetryableError ends with its exit code from 64 to 78, or with 65', async (t) => {
  const source = `import { NonRetryableError } from 'orama';
    export default (code: number) => { throw new NonRetryableError('bad input', code ? { exitCode: code } : {}); };`;
  t.is((await run(source, '0')).exitCode, 65);
  t.is((await run(source, '70')).exitCode, 70);
  t.is((await run(source, '3')).exitCode, 65);
});

test('a handler that returns a promise that can never settle ends with an error that states this', async (t) => {
  const outcome = await run('export default () => new Promise(() => {});');
  t.is(
    outcome.error,
    'exited with code 1: Error: The handler waits for a promise that nothing is left to settle',
  );
});

test('a thrown value that is not an Error ends the invocation with an error that shows it', async (t) => {
  const thrown = async (value: string) =>
    (await run(`export default async () => { throw ${value}; };`)).error;
  t.is(await thrown("'text'"), 'exited with code 1: uncaught text');
  t.is(await thrown('{ odd: 1 }'), 'exited with code 1: uncaught { odd: 1 }');
  t.is(await thrown('Object.create(null)'), 'exited with code 1: uncaught [Object: null prototype] {}');
});

test('the errors of an AggregateError are logged', async (t) => {
  const source = `export default () => Promise.any([1, 2].map((n) => Promise.reject(new TypeError('no ' + n))));`;
  const { log } = await run(source);
  t.regex(log[0] ?? '', /^error: AggregateError.*^one of: TypeError: no 1.*^one of: TypeError: no 2/ms);
});

test('a log of a value that cannot be shown does not end the invocation', async (t) => {
  const source = `export default () => {
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    console.log('before', proxy, { proxy }, '%d');
    console.log('%d %j', Object.create(null), 1n);
    return 'fine';
  };`;
  const { output, log } = await run(source);
  t.is(output, '"fine"');
  const hidden = '[object that cannot be shown]';
  t.deepEqual(log, [
    `info: before ${hidden} { proxy: ${hidden} } %d`,
    'info: [Object: null prototype] {} 1n',
  ]);
});

test('unhandled rejections and errors in timers and microtasks are logged', async (t) => {
  const source = `export default async () => {
    Promise.reject(new Error('nobody'));
    const late = Promise.reject(new Error('somebody')); setTimeout(() => late.catch(() => {}), 1);
    setTimeout(() => { throw new Error('in a timer'); }, 1);
    queueMicrotask(() => { throw new Error('in a microtask'); });
    await new Promise((resolve) => setTimeout(resolve, 5));
    return 'fine';
  };`;
  const outcome = await run(source);
  t.is(outcome.output, '"fine"');
  const first = outcome.log.map((line) => line.split('\n', 1)[0]);
  t.deepEqual(first, [
    'error: Error: in a microtask',
    'error: Error: in a timer',
    'error: Unhandled promise rejection: Error: nobody',
  ]);
});

test('promises passed to waitUntil have settled when the invocation ends, and rejections are logged', async (t) => {
  const source = `export default { fetch(request, env, ctx) {
    ctx.waitUntil(new Promise((resolve) => setTimeout(resolve, 5)).then(() => console.log('done')));
    ctx.waitUntil(Promise.reject(new Error('lost')));
    return new Response('early');
  } };`;
  const outcome = await run(source);
  t.is(outcome.output, 'early');
  t.true(outcome.log.includes('info: done'));
  t.true(outcome.log.some((line) => line.startsWith('error: Error: lost')));
});

test.serial('waiting for a timer uses no CPU time', async (t) => {
  const wasm = await buildJavaScript(
    'export default (ms: number) => new Promise((resolve) => setTimeout(() => resolve("late"), ms));',
  );
  // V8 still compiles in the background during the first runs; a busy wait would use the CPU in
  // every run.
  const used: number[] = [];
  while (used.length < 4 && (used.at(-1) ?? 750) >= 750) {
    const before = process.cpuUsage();
    const outcome = await runText(engine, wasm, '1500', { warmStart: 'reactor' });
    const { user, system } = process.cpuUsage(before);
    t.is(outcome.output, '"late"');
    t.true(outcome.durationMs >= 1490, `${outcome.durationMs} ms`);
    used.push((user + system) / 1000);
  }
  t.true((used.at(-1) ?? 750) < 750, `${used} ms`);
});

test('an error at the top level ends the invocation with its file and line', async (t) => {
  const outcome = await run(
    'const settings: any = null;\nexport default () => settings;\nsettings.x.y;',
    '',
    { warmStart: 'fresh' },
  );
  t.is(outcome.exitCode, 1);
  t.regex(
    outcome.error ?? '',
    /^exited with code 1: TypeError: cannot read property 'x' of null \(index\.ts:3\)$/,
  );
});

test('top-level await is supported, and one that can never settle ends with an error', async (t) => {
  const source = `const value = await new Promise((resolve) => Promise.resolve().then(() => resolve(42)));\nexport default () => value;`;
  t.is((await run(source)).output, '42');
  const never = await run('await new Promise(() => {});\nexport default () => 1;', '', {
    warmStart: 'fresh',
  });
  t.is(
    never.error,
    'exited with code 1: Error: The top level waits for a promise that nothing is left to settle',
  );
});

/** Code that fails or is stopped; the next invocation of the same module succeeds. */
const HOSTILE: Readonly<Record<string, { code: string; error: RegExp }>> = {
  'an endless loop': { code: 'for (;;) {}', error: /^timed out after 1 s$/ },
  'endless microtasks': {
    code: 'const again = () => Promise.resolve().then(again); await again();',
    // Each iteration leaves a promise behind: on a fast machine the memory limit is reached first.
    error: /^timed out after 1 s$|^memory limit of 32 MB exceeded/,
  },
  'an endless loop in a microtask': {
    code: 'await Promise.resolve().then(() => { while (true); });',
    error: /^timed out after 1 s$/,
  },
  'an endless loop in a timer': {
    code: 'setTimeout(() => { while (true); }, 1); await new Promise(() => {});',
    error: /^timed out after 1 s$/,
  },
  'a regular expression with endless backtracking': {
    code: 'return /^(a+)+$/.test("a".repeat(50) + "b");',
    error: /^timed out after 1 s$/,
  },
  'a replacement with endless backtracking': {
    code: 'return "x".repeat(40).replace(/(x+x+)+y|(?<=(x*)*)z/g, "");',
    error: /^timed out after 1 s$/,
  },
  'endless recursion': {
    code: 'const f = (n) => f(n + 1) + 1; f(0);',
    error: /^exited with code 1: RangeError: Maximum call stack size exceeded/,
  },
  'recursion in native code': {
    code: 'let deep: any = []; for (let n = 0; n < 100000; n++) deep = [deep]; JSON.stringify(deep);',
    error: /call stack/,
  },
  'more memory than the limit': {
    code: 'const all = []; for (;;) all.push(new Array(10000).fill(0));',
    error: /^memory limit of 32 MB exceeded \(exited with code 1: InternalError: out of memory/,
  },
  'an endlessly growing string': {
    code: 'let text = "x"; for (;;) text += text;',
    error: /^exited with code 1|^memory limit/,
  },
  'a string beyond the maximum length': {
    code: '"x".repeat(2 ** 30)',
    error: /^exited with code 1: RangeError: string too long/,
  },
  'strings that exceed the memory limit': {
    code: 'const all = []; for (let n = 0; ; n++) all.push((n + "x").repeat(2 ** 20));',
    error: /^memory limit of 32 MB exceeded/,
  },
  'a large buffer': {
    code: 'new ArrayBuffer(2 ** 31 - 1)',
    error: /^(?:memory limit of 32 MB exceeded|exited with code 1)/,
  },
};

for (const [what, { code, error }] of Object.entries(HOSTILE)) {
  test(`${what} ends with its error, and the next invocation succeeds`, async (t) => {
    const wasm = await buildJavaScript(
      `export default async (hostile: boolean) => { if (hostile) { const run: any = async () => { ${code} }; await run(); } return 'well'; };`,
    );
    const options = { warmStart: 'reactor', memoryLimitMb: 32 } as const;
    // Compiled in advance, so that the second of a non-terminating run is spent in the guest.
    t.is((await runText(engine, wasm, 'false', options)).output, '"well"');
    const timeoutMs = error.source.includes('timed out') ? 1000 : 120_000;
    const outcome = await runText(engine, wasm, 'true', { ...options, timeoutMs });
    t.regex(outcome.error ?? 'none', error);
    t.is((await runText(engine, wasm, 'false', options)).output, '"well"');
  });
}
