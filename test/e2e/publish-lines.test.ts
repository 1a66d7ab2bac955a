import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { MB } from '../../src/contract/limits.js';
import { actsWasm } from '../helpers/acts.js';
import { runCli } from '../helpers/cli.js';
import { startEngine, type TestEngine } from '../helpers/running-engine.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';
import { connect } from '../http/socket.js';

const home = tempDir();
let engine: TestEngine;

test.before(async () => {
  engine = await startEngine();
});
test.after.always(() => engine?.close());

function publishLines(topic: string, lines: string, ...more: string[]) {
  const env = { ORAMA_URL: engine.url, ORAMA_API_KEY: engine.adminKey };
  return runCli(['function', 'publish', topic, '--batch', '-', ...more], { home, env, stdin: lines });
}

/** Collects the messages of a topic. */
async function listen(topic: string) {
  const client = await connect(engine.url, `/v1/pubsub/ws?topic=${topic}`, { 'x-api-key': engine.adminKey });
  const heard = () => client.frames.map(({ data }) => Buffer.from(data, 'base64').toString());
  const hears = (count: number) => client.next(`${count} messages`, () => client.frames.length >= count);
  return { heard, hears, close: () => client.ws.close() };
}

test('publish --batch sends 2,500 lines as messages in order', async (t) => {
  const listener = await listen('lines');
  const values = Array.from({ length: 2500 }, (_, n) => JSON.stringify({ n }));
  const run = await publishLines('lines', `${values.join('\n')}\n`);
  t.is(run.stdout, 'Published 2500 to lines\n', run.stderr);
  await listener.hears(2500);
  t.deepEqual(listener.heard(), values);
  listener.close();
});

test('publish --batch reads files with CRLF and blank lines, and prints the count with --json', async (t) => {
  const listener = await listen('file');
  writeFileSync(join(home, 'lines.ndjson'), '1\r\n\r\n"two"\n  \n[3]');
  const env = { ORAMA_URL: engine.url, ORAMA_API_KEY: engine.adminKey };
  const args = ['function', 'publish', 'file', '--batch', '@lines.ndjson', '--json'];
  const run = await runCli(args, { home, env });
  t.deepEqual(JSON.parse(run.stdout), { count: 3 });
  await listener.hears(3);
  t.deepEqual(listener.heard(), ['1', 'two', '[3]']);
  listener.close();
  t.deepEqual(JSON.parse((await publishLines('file', '', '--json')).stdout), { count: 0 });
});

test('publish --batch sends 12 MB of lines in several batches', async (t) => {
  // A listener that has not read 8 MB is disconnected, as it is on a busy machine.
  await engine.api.deploy('counted', await actsWasm(), {
    metadata: JSON.stringify({ triggers: [{ topic: 'large' }] }),
  });
  const line = JSON.stringify('x'.repeat(MB - 1000));
  const run = await publishLines('large', Array.from({ length: 12 }, () => line).join('\n'));
  t.is(run.stdout, 'Published 12 to large\n', run.stderr);
  await until('each message has run its trigger', async () => {
    const { json } = await engine.api.get('/v1/functions/counted/logs');
    return json.logs.length === 12 || undefined;
  });
});

test('publish --batch reports the number of a line that is not JSON, and publishes nothing', async (t) => {
  const listener = await listen('wrong');
  const run = await publishLines('wrong', '1\n\n{"two":\n3\n');
  t.is(run.code, 1);
  t.is(run.stderr, 'error: line 3 is not JSON: {"two":\n');
  t.is((await publishLines('wrong', '"after"')).code, 0);
  await listener.hears(1);
  t.deepEqual(listener.heard(), ['after']);
  listener.close();
});

test('publish --batch reports the number of a refused line and how many messages were published', async (t) => {
  const listener = await listen('refused');
  const lines = Array.from({ length: 1400 }, (_, n) =>
    n === 1199 ? JSON.stringify('x'.repeat(MB + 1)) : '0',
  );
  const run = await publishLines('refused', `\n${lines.join('\n')}`);
  t.is(run.code, 1);
  t.regex(
    run.stderr,
    /^error: line 1201 has \d+ bytes .*; the 1000 messages before line 1002 are published\.\n/,
  );
  await listener.hears(1000);
  const first = await publishLines('a b', '0');
  t.regex(first.stderr, /^error: the topic may hold no blanks/);
  t.is(listener.heard().length, 1000);
  listener.close();
});
