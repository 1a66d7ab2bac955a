import { setTimeout as delay } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { MB } from '../../src/contract/limits.js';
import { requestHead as head, rawHttp } from '../helpers/raw-http.js';
import { watchMemory } from '../helpers/rss.js';
import { aTenant, sharedEngine } from './served.js';
import { download, END, field, file, form, part, upload } from './upload-forms.js';

const IDLE_SECONDS = 5;
/** The longest time that /health may take meanwhile: blocked parsing took 5 to 100 seconds. */
const HEALTH_MS = 3000;
const engine = sharedEngine({ env: { REQUEST_IDLE_SECONDS: String(IDLE_SECONDS) } });

/**
 * Runs `work` and checks that /health answers all the while. Work during which it did not is
 * repeated: a busy machine may delay it, too, but hardly each time, or also without the work.
 */
async function whileHealthy<T>(t: ExecutionContext, work: () => Promise<T>): Promise<T> {
  const tries: number[] = [];
  for (;;) {
    const { result, longest } = await timed(work);
    if (longest < HEALTH_MS) return result;
    const { longest: idle } = await timed(() => delay(1000));
    if (longest < 10 * idle) return result;
    tries.push(longest);
    if (tries.length === 3) return t.fail(`/health took ${tries.join(', ')} ms`);
  }
}

/** Runs `work`. Returns its result, and the longest time that /health took meanwhile. */
async function timed<T>(work: () => Promise<T>) {
  const { api } = await engine();
  const working = work();
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  working.then(over, over);
  let longest = 0;
  do {
    const asked = Date.now();
    const { status } = await api.get('/health');
    // 503 if the machine is too busy for one of the dependencies to answer in time.
    longest = Math.max(longest, status === 200 ? Date.now() - asked : Number.POSITIVE_INFINITY);
    await delay(20);
  } while (!isOver);
  return { result: await working, longest };
}

test.serial('long headers of a part return 400 without blocking other requests', async (t) => {
  const api = await aTenant(await engine());
  const headers = [
    file('x', 'filename="'.repeat(80_000)),
    field('name="'.repeat(200_000)),
    part(`Content-Disposition: form-data; name="file"; filename="f"\r\nX-A: ${'a'.repeat(MB)}`),
    part(
      `Content-Disposition: form-data; name="file"; filename="f"\r\n${'X-A: a\r\n'.repeat(200_000)}X-A: a`,
    ),
    part(`Content-Disposition: form-data; name="file"; filename="${'\\"'.repeat(500_000)}"`),
    part(`Content-Disposition: form-data; name="file"; filename="f"${'; a=b'.repeat(200_000)}`),
  ];
  for (const [index, part] of headers.entries()) {
    const reply = await whileHealthy(t, () => upload(api, form(part, END)));
    t.is(reply.status, 400, `${index}: ${reply.text}`);
    t.regex(reply.json.error, /headers of a part .*at most 16 KB \(16384 bytes\)/);
  }
  const slow = '; a="'.repeat(2000);
  const many = Array.from({ length: 50 }, (_, n) => field(`f${n}`, 'x', slow));
  const reply = await whileHealthy(t, () => upload(api, form(...many, END)));
  t.is(reply.status, 400, reply.text);
});

test.serial(
  'a form of very many parts or boundaries returns 4xx without blocking other requests',
  async (t) => {
    const api = await aTenant(await engine());
    const bodies: [string, Buffer, number][] = [
      ['empty parts', Buffer.from(`${'--b\r\nA: b\r\n\r\n\r\n'.repeat(2_000_000)}${END}`), 400],
      ['bare boundaries', Buffer.from(`${'--b\r\n'.repeat(6_000_000)}${END}`), 400],
      ['10,000 fields', form(...Array.from({ length: 10_000 }, (_, n) => field(`f${n}`)), END), 413],
      ['10,000 files', form(...Array.from({ length: 10_000 }, () => file()), END), 400],
      ['51 fields', form(...Array.from({ length: 51 }, (_, n) => field(`f${n}`)), file(), END), 413],
    ];
    for (const [what, body, status] of bodies) {
      const reply = await whileHealthy(t, () => upload(api, body));
      t.is(reply.status, status, `${what}: ${reply.text}`);
    }
  },
);

test.serial('a file that is full of beginnings of boundaries is stored in memory of its size', async (t) => {
  t.timeout(300_000);
  const running = await engine();
  const api = await aTenant(running);
  for (const filler of ['\r', '\r\n--bounda']) {
    const content = Buffer.alloc(16 * MB, filler);
    const body = form(file(content), END)
      .toString('latin1')
      .replace(/^--b|--b--\r\n$/g, (match) => match.replace('--b', '--boundary'));
    const memory = await watchMemory(running.pid);
    const reply = await whileHealthy(t, () => upload(api, Buffer.from(body, 'latin1'), 'boundary'));
    const grown = (await memory.end()) - memory.before;
    t.is(reply.status, 200, reply.text);
    t.true((await download(api, reply.json.cid)).equals(content), JSON.stringify(filler));
    t.true(grown < 400, `${JSON.stringify(filler)}: ${grown.toFixed(0)} MB more`);
  }
});

test.serial(
  'a file, field or form over its limit returns 413, and so does a form that has only overhead',
  async (t) => {
    const api = await aTenant(await engine());
    for (const [what, body] of [
      ['a file', form(file(Buffer.alloc(32 * MB + 1)), END)],
      ['a field', form(field('name', Buffer.alloc(MB + 1, 'x')), file(), END)],
      ['fields', form(field('a', Buffer.alloc(MB, 'x')), field('b'), file(), END)],
      ['an epilogue', form(file(), END, Buffer.alloc(35 * MB))],
    ] as const) {
      const reply = await upload(api, body);
      t.is(reply.status, 413, `${what}: ${reply.text}`);
      t.regex(reply.json.error, /32 MB \(33554432 bytes\)/, what);
    }
  },
);

test('an incomplete form returns 408 after REQUEST_IDLE_SECONDS, and a closed connection ends only itself', async (t) => {
  const { url } = await engine();
  const api = await aTenant(await engine());
  const type = 'Content-Type: multipart/form-data; boundary=b';
  const headers = ['Host: x', `X-API-Key: ${api.key}`, type, 'Content-Length: 1000'];
  const request = head('POST', '/v1/storage/upload', ...headers);
  const starts = ['', '--b\r\nContent-Disp', file().toString('latin1'), form(file(), END).toString('latin1')];
  await Promise.all(
    starts.map(async (start) => {
      const { received } = await rawHttp(url, request + start);
      t.regex(received, /^HTTP\/1.1 408 [\s\S]*"request_timeout"/, start);
      await rawHttp(url, request + start, { end: true });
    }),
  );
  t.is((await api.get('/health')).status, 200);
});
