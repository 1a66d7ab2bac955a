import test from 'ava';
import { openEngine } from '../../workers/engine/engine.js';
import { inspectSettings, runText } from '../helpers/engine.js';
import { buildJavaScript } from '../helpers/javascript.js';

const engine = openEngine({ threads: 2, parked: 8 });
test.after.always(() => engine.close());

/** Per package: a function that uses it, the input, and the expected output. */
const USES: Readonly<Record<string, { source: string; input: string; output: unknown; note?: string }>> = {
  zod: {
    source: `import { z } from 'zod';
      const schema = z.object({ name: z.string().min(2), age: z.coerce.number().int(), tags: z.array(z.enum(['a', 'b'])).default([]) });
      export default (input: unknown) => { const result = schema.safeParse(input); return result.success ? result.data : result.error.issues.map((issue) => issue.path.join('.')); };`,
    input: '{"name":"x","age":"7","tags":["c"]}',
    output: ['name', 'tags.0'],
  },
  hono: {
    source: `import { Hono } from 'hono';
      const app = new Hono<{ Bindings: { GREETING: string } }>();
      app.use(async (c, next) => { await next(); c.header('x-after', 'yes'); });
      app.post('/', async (c) => c.json({ got: await c.req.json(), greeting: c.env.GREETING, type: c.req.header('content-type') ?? null }));
      app.notFound((c) => c.text('nothing here', 404));
      export default app;`,
    input: '{"a":1}',
    output: { got: { a: 1 }, greeting: 'Hello', type: null },
  },
  jose: {
    source: `import { SignJWT, jwtVerify, errors } from 'jose';
      const key = new TextEncoder().encode('a secret of at least 32 bytes length');
      export default async (sub: string) => {
        const jwt = await new SignJWT({ role: 'admin' }).setProtectedHeader({ alg: 'HS256' }).setSubject(sub).setIssuedAt().setExpirationTime('1h').sign(key);
        const { payload, protectedHeader } = await jwtVerify(jwt, key);
        const forged = await jwtVerify(jwt.slice(0, -4) + 'AAAA', key).catch((error) => error instanceof errors.JWSSignatureVerificationFailed);
        return [payload.sub, payload.role, protectedHeader.alg, forged];
      };`,
    input: '"ada"',
    output: ['ada', 'admin', 'HS256', true],
  },
  'date-fns': {
    source: `import { addMonths, differenceInCalendarDays, formatISO, parseISO } from 'date-fns';
      export default (day: string) => { const date = parseISO(day); return [formatISO(addMonths(date, 1), { representation: 'date' }), differenceInCalendarDays(date, parseISO('2024-01-01'))]; };`,
    input: '"2024-01-31"',
    output: ['2024-02-29', 30],
  },
  nanoid: {
    source: `import { customAlphabet, nanoid } from 'nanoid';
      export default () => [nanoid().length, nanoid() !== nanoid(), /^[ab]{5}$/.test(customAlphabet('ab', 5)())];`,
    input: '',
    output: [21, true, true],
  },
  marked: {
    source: `import { marked } from 'marked';\nexport default (text: string) => marked.parse(text);`,
    input: '"# Hi\\n\\n- *a*\\n- [b](http://c)"',
    output: '<h1>Hi</h1>\n<ul>\n<li><em>a</em></li>\n<li><a href="http://c">b</a></li>\n</ul>\n',
  },
  'fast-xml-parser': {
    source: `import { XMLParser } from 'fast-xml-parser';
      export default (xml: string) => new XMLParser({ ignoreAttributes: false }).parse(xml);`,
    input: JSON.stringify('<a x="1"><b>2</b><b>three</b></a>'),
    output: { a: { '@_x': '1', b: [2, 'three'] } },
  },
  'lodash-es': {
    source: `import { groupBy, merge, sortBy } from 'lodash-es';
      export default (words: string[]) => [groupBy(words, 'length'), sortBy(words), merge({ a: { b: 1 } }, { a: { c: 2 } })];`,
    input: '["bb","a","cc"]',
    output: [{ 1: ['a'], 2: ['bb', 'cc'] }, ['a', 'bb', 'cc'], { a: { b: 1, c: 2 } }],
    // It reads the time while it is loaded, which must not be the same for all invocations.
    note: 'runs as fresh: it calls wasi_snapshot_preview1.clock_time_get while it initialises',
  },
  ulid: {
    source: `import { decodeTime, ulid } from 'ulid';
      export default () => { const id = ulid(); return [id.length, Math.abs(decodeTime(id) - Date.now()) < 10_000, id !== ulid()]; };`,
    input: '',
    output: [26, true, true],
  },
  papaparse: {
    source: `import Papa from 'papaparse';
      export default (csv: string) => Papa.parse(csv, { header: true, dynamicTyping: true }).data;`,
    input: JSON.stringify('a,b\n1,"x, y"\n2,z'),
    output: [
      { a: 1, b: 'x, y' },
      { a: 2, b: 'z' },
    ],
  },
};

for (const [name, { source, input, output, note }] of Object.entries(USES)) {
  test(`a function can use ${name}${note === undefined ? ' and starts warm' : ''}`, async (t) => {
    const wasm = await buildJavaScript(source);
    const report = await engine.inspect(wasm, inspectSettings(wasm, { cid: name }));
    const warmStart = note === undefined ? 'reactor' : 'fresh';
    t.deepEqual(report, { kind: 'reactor', warmStart, ...(note === undefined ? {} : { note }) });
    const outcome = await runText(engine, wasm, input, { warmStart, env: { GREETING: 'Hello' } });
    t.is(outcome.error, null, outcome.log.join('\n'));
    t.deepEqual(JSON.parse(outcome.output), output);
  });
}
