import { cpSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { buildFunction } from '../../src/cli/build/build.js';
import { COMPILERS } from '../helpers/compilers.js';
import { httpServer } from '../helpers/http-server.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const workshop = tempDir();
cpSync('sdk', join(workshop, 'sdk'), { recursive: true });

/** Bodies that are not UTF-8 and that JSON escapes. */
const BODIES = new Map([
  ['/binary', Buffer.from([0xff, 0x00, 0x22, 0x0a])],
  ['/text', Buffer.from('"é\\\n\u0001😀\u2028')],
]);

const engine = shared(() => startEngine({ env: { EGRESS_ALLOW: '127.0.0.1' } }));
const server = shared(() =>
  httpServer(async (request, response) => {
    const body = BODIES.get(request.url ?? '');
    if (body !== undefined) {
      response.writeHead(200, { 'set-cookie': ['a=1', 'b=2'], 'x-body': 'no "body": of ours' }).end(body);
      return;
    }
    response.end(`${request.headers['x-sdk']} said ${await text(request)}`);
  }),
);

/**
 * Builds the fixture in a directory where it finds the SDK at the same relative path as in the
 * repository.
 */
async function build(language: string): Promise<Buffer> {
  const directory = join(workshop, 'test', 'fixtures', 'sdk', language);
  mkdirSync(directory, { recursive: true });
  cpSync(join('test', 'fixtures', 'sdk', language), directory, { recursive: true });
  const { file } = await buildFunction(directory, undefined);
  return readFileSync(file);
}

for (const [language, { title, found }] of Object.entries(COMPILERS)) {
  const run = found ? test.serial : test.serial.skip;
  run(`every function of the ${language} SDK returns the expected result (${title})`, async (t) => {
    const wasm = await build(language);
    const { api } = await engine();
    const { url } = await server();
    const name = `sdk-${language}`;
    await api.put('/v1/functions/secrets', { name: 'SDK_SECRET', value: 'not told' });
    const metadata = JSON.stringify({ env: { NAME: language, URL: url } });
    const deployed = await api.deploy(name, wasm, { metadata });
    t.is(deployed.status, 201, deployed.text);

    const reply = await api.invoke(name, '{}');
    t.is(reply.status, 200, reply.text);
    const { request, cid, enqueued, ...rest } = reply.json;
    t.is(request, reply.headers.get('x-request-id'));
    t.regex(cid, /^baf/);
    t.deepEqual(rest, {
      env: language,
      missing: true,
      secret: 'not told',
      wallet: '',
      affected: 1,
      rows: [{ n: 7 }],
      refused: true,
      cached: 'hello',
      deleted: true,
      miss: true,
      counter: 3,
      blob: 10_000,
      http: `${language} said ping`,
      binary: [...(BODIES.get('/binary') ?? [])],
      text: [...(BODIES.get('/text') ?? [])],
      parallel: 70,
      published: true,
    });

    const logs = await until('both log records', async () => {
      const { json } = await api.get(`/v1/functions/${name}/logs`);
      return json.count === 2 && json.logs;
    });
    t.is(logs[0].request_id, enqueued);
    t.is(logs[0].status, 'success');
    const lines = logs[1].messages.map(
      (one: { level: string; message: string }) => `${one.level} ${one.message}`,
    );
    t.deepEqual(lines.slice(0, 4), [
      'debug a debug line',
      'info an info line',
      'warn a warn line',
      'error an error line',
    ]);
  });
}
