import { PassThrough } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import test from 'ava';
import { createClient, type QueryParameters } from '../../src/cli/client.js';
import { followLogs } from '../../src/cli/follow-logs.js';
import { readEvents } from '../../src/cli/server-events.js';
import { createTerminal } from '../../src/cli/terminal.js';
import { uuidv7 } from '../../src/uuid.js';
import { httpServer } from '../helpers/http-server.js';

function record(attempt: number) {
  return {
    request_id: uuidv7(),
    function: 'hello',
    version: 1,
    trigger: 'http',
    attempt,
    status: 'success',
    started_at: new Date().toISOString(),
    duration_ms: 1,
    input_size: 0,
    output_size: 0,
    memory_peak_mb: 1,
    error: null,
    messages: [],
  };
}

/** Follows the logs of a server until `count` records have been printed. */
async function follow(url: string, count: number, query: QueryParameters = {}): Promise<string[]> {
  const stdout = new PassThrough();
  const terminal = createTerminal({ stdin: process.stdin, stdout, stderr: new PassThrough() }, 'json');
  const stop = new AbortController();
  const following = followLogs({
    client: createClient({ url }),
    terminal,
    path: '/v1/functions/hello/logs',
    query,
    signal: stop.signal,
  });
  const ids: string[] = [];
  for await (const line of stdout.setEncoding('utf8')) {
    for (const text of String(line).trim().split('\n')) ids.push(JSON.parse(text).request_id);
    if (ids.length >= count) break;
  }
  stop.abort();
  await following;
  return ids;
}

test('a broken event stream resumes after the last event, and no record is printed twice', async (t) => {
  const records = [record(1), record(1), record(1)];
  const resumed: (string | undefined)[] = [];
  const server = await httpServer((request, response) => {
    resumed.push(request.headers['last-event-id']?.toString());
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    const from = resumed.length === 1 ? 0 : 1;
    response.write(': hello\n\n');
    for (const [index, one] of records.slice(from, from + 2).entries()) {
      response.write(`id: ${from + index}\ndata: ${JSON.stringify(one)}\n\n`);
    }
    response.end();
  });
  t.teardown(server.close);
  const ids = await follow(server.url, 3);
  t.deepEqual(
    ids,
    records.map((one) => one.request_id),
  );
  t.deepEqual(resumed.slice(0, 2), [undefined, '1']);
});

test('a stream that breaks before its first record resumes from the position that it began at', async (t) => {
  const one = record(1);
  const resumed: (string | undefined)[] = [];
  const server = await httpServer((request, response) => {
    resumed.push(request.headers['last-event-id']?.toString());
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.end(resumed.length === 1 ? 'id: 7\n\n' : `id: 8\ndata: ${JSON.stringify(one)}\n\n`);
  });
  t.teardown(server.close);
  t.deepEqual(await follow(server.url, 1), [one.request_id]);
  t.deepEqual(resumed.slice(0, 2), [undefined, '7']);
});

test('a run that began before the runs shown so far is printed when it ends, also after a reconnect', async (t) => {
  const [short, long] = [record(1), { ...record(1), started_at: '2026-01-01T00:00:00.000Z' }];
  let connections = 0;
  const server = await httpServer((request, response) => {
    connections += 1;
    const { searchParams: query } = new URL(request.url ?? '', 'http://x');
    const since = query.get('since') ?? '';
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    // As the engine: newly ended runs, of those that began at `since` or later.
    const ended = connections === 1 ? [short] : [long].filter((one) => one.started_at >= since);
    response.end(ended.map((one) => `id: ${connections}\ndata: ${JSON.stringify(one)}\n\n`).join(''));
  });
  t.teardown(server.close);
  t.deepEqual(await follow(server.url, 2, { limit: 100 }), [short.request_id, long.request_id]);
});

test('a server without event streams is polled, and each record is printed once', async (t) => {
  const records = [record(1), record(2)];
  let asked = 0;
  const server = await httpServer((_request, response) => {
    asked += 1;
    const logs = records.slice(0, Math.ceil(asked / 2)).reverse();
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ name: 'hello', namespace: 'ns', logs, count: logs.length }));
  });
  t.teardown(server.close);
  const ids = await follow(server.url, 2);
  t.deepEqual(
    ids,
    records.map((one) => one.request_id),
  );
});

test('an engine that does not answer at the start is an error, one that goes later is reported once', async (t) => {
  const stderr = Object.assign(new PassThrough(), { isTTY: true });
  const terminal = createTerminal({ stdin: process.stdin, stdout: new PassThrough(), stderr });
  const path = '/v1/functions/hello/logs';
  const stop = new AbortController();
  const options = { terminal, path, query: {}, signal: stop.signal };
  // No process listens on port 2.
  const nobody = createClient({ url: 'http://127.0.0.1:2' });
  await t.throwsAsync(followLogs({ ...options, client: nobody }), { code: 'unavailable' });

  let connections = 0;
  const server = await httpServer((_request, response) => {
    connections += 1;
    if (connections > 3) stop.abort();
    response.writeHead(connections === 1 ? 200 : 503, { 'content-type': 'text/event-stream' });
    response.end();
  });
  t.teardown(server.close);
  await followLogs({ ...options, client: createClient({ url: server.url }) });
  t.is(String(stderr.read()), 'The engine does not answer; reconnecting\n');
});

test('events split at any byte are parsed, also within a character', async (t) => {
  const bytes = Buffer.from(
    'id: 1\nevent: log\ndata: ä\ndata: b\n\n: comment\r\n\r\ndata:c\r\n\r\ndata: unfinished',
  );
  const events = [];
  for await (const event of readEvents(PassThrough.from([...bytes].map((byte) => Buffer.from([byte]))))) {
    events.push(event);
  }
  t.deepEqual(events, [
    { id: '1', event: 'log', data: 'ä\nb' },
    { id: undefined, event: 'message', data: 'c' },
  ]);
});

test('an aborted event stream ends, also after a garbage collection', async (t) => {
  setFlagsFromString('--expose-gc');
  const collect: () => void = runInNewContext('gc');
  const server = await httpServer((_request, response) => {
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.write(': hello\n\n');
  });
  t.teardown(server.close);
  const stop = new AbortController();
  const events = await createClient({ url: server.url }).follow('/logs', {}, stop.signal);
  const ended = t.throwsAsync(
    async () => {
      for await (const event of events ?? []) t.fail(`there is no ${event.event}`);
    },
    { any: true, name: 'AbortError' },
  );
  for (let round = 0; round < 5; round++) {
    await delay(20);
    collect();
  }
  stop.abort();
  await ended;
});
