import { get } from 'node:http';
import { createConnection } from 'node:net';
import test from 'ava';
import type { Api } from '../helpers/api.js';
import { limited } from './limited-key.js';
import { aTenant, aTenantWithProbe, sharedEngine } from './served.js';
import { connect } from './socket.js';

const engine = sharedEngine({
  env: {
    RATE_LIMIT_PER_MINUTE: '60',
    ANON_RATE_LIMIT_PER_MINUTE: '40',
    OPEN_METRICS: 'true',
    CORS_ORIGINS: 'https://app.example',
    SYNC_WAIT_SECONDS: '1',
    REQUEST_HEADERS_SECONDS: '3',
  },
});

/** Sends requests until one is rate-limited; fails if none is. */
async function untilLimited(
  ask: () => ReturnType<Api['get']>,
): Promise<{ status: number; retryAfter: number }> {
  for (let asked = 0; asked < 200; asked += 1) {
    const { status, headers } = await ask();
    if (status === 429) return { status, retryAfter: Number(headers.get('retry-after')) };
  }
  throw new Error('never limited');
}

test('a namespace beyond its rate limit gets 429 with Retry-After, and other namespaces are served', async (t) => {
  const busy = await aTenant(await engine());
  const { retryAfter } = await untilLimited(() => busy.get('/v1/functions'));
  t.true(retryAfter >= 1 && retryAfter <= 60);
  const calm = await aTenant(await engine());
  t.is((await calm.get('/v1/functions')).status, 200);
  t.is((await busy.get('/health')).status, 200);
});

test('every message of a batch counts against the rate limit; a batch over the limit is refused whole', async (t) => {
  const publish = (api: Api, count: number) =>
    api.post('/v1/pubsub/publish/batch', {
      messages: Array.from({ length: count }, () => ({ topic: 'counted', data: count })),
    });
  const exact = await aTenant(await engine());
  t.is((await publish(exact, 60)).status, 200);
  t.is((await publish(exact, 1)).status, 429);

  const over = await aTenant(await engine());
  const client = await connect(over.url, '/v1/pubsub/ws?topic=counted', { 'x-api-key': over.key });
  t.is((await publish(over, 40)).status, 200);
  const refused = await publish(over, 30);
  t.is(refused.status, 429);
  t.is(refused.json.code, 'quota_exceeded');
  t.true(Number(refused.headers.get('retry-after')) >= 1);
  await client.next('what was accepted', () => client.frames.length >= 40);
  t.is(client.frames.length, 40);
  client.ws.close();
});

test('a batch larger than the rate limit per minute returns 413 and does not count', async (t) => {
  const api = await aTenant(await engine());
  const messages = Array.from({ length: 61 }, () => ({ topic: 'counted', data: null }));
  const reply = await api.post('/v1/pubsub/publish/batch', { messages });
  t.is(reply.status, 413);
  t.regex(reply.json.error, /61 messages .* the 60 /);
  t.is((await api.get('/v1/functions')).status, 200);
});

test('anonymous calls and wrong keys are rate-limited by address, regardless of X-Forwarded-For', async (t) => {
  const anonymous = (await engine()).api.as();
  let guess = 0;
  const { retryAfter } = await untilLimited(() => {
    guess += 1;
    return anonymous.get('/v1/functions', {
      'x-api-key': `ak_guess${'0'.repeat(16)}${guess}:default`,
      'x-forwarded-for': `203.0.113.${guess % 250}`,
    });
  });
  t.true(retryAfter >= 1);
  t.is((await anonymous.post('/v1/auth/challenge', {})).status, 429);
  t.is((await anonymous.get('/health')).status, 200);
  t.is((await anonymous.get('/metrics')).status, 200);
});

test('open metrics and status are shown to a key without the scope read, as to anybody', async (t) => {
  const tenant = await aTenant(await engine());
  const key = await limited(tenant, { scopes: ['invoke'] });
  t.is((await key.get('/metrics')).status, 200);
  t.true('uptime_seconds' in (await key.get('/v1/status')).json);
});

test('requests for HTTP functions that do not exist are rate-limited by address', async (t) => {
  const { functionsUrl } = await engine();
  // An address that no other test uses.
  const ask = (path: string) =>
    new Promise<{ status: number; retryAfter: number }>((resolve, reject) => {
      const request = get(functionsUrl + path, { localAddress: '127.0.0.2' }, (response) => {
        response.resume();
        const retryAfter = Number(response.headers['retry-after']);
        response.once('end', () => resolve({ status: response.statusCode ?? 0, retryAfter }));
      });
      request.once('error', reject);
    });
  const statuses: number[] = [];
  for (let asked = 0; asked < 45; asked += 1) statuses.push((await ask(`/none-${asked}/nothing`)).status);
  t.is(statuses.filter((status) => status === 404).length, 40);
  t.is(statuses.filter((status) => status === 429).length, 5);
  t.true((await ask('/none')).retryAfter >= 1);
});

test('CORS headers are sent only to the origins in CORS_ORIGINS', async (t) => {
  const { url } = await engine();
  const ask = (origin: string, method = 'OPTIONS') =>
    fetch(`${url}/health`, {
      method,
      headers: {
        origin,
        'access-control-request-method': 'GET',
        'access-control-request-headers': 'x-api-key',
      },
    });
  const preflight = await ask('https://app.example');
  t.is(preflight.status, 204);
  t.is(preflight.headers.get('access-control-allow-origin'), 'https://app.example');
  t.regex(preflight.headers.get('access-control-allow-methods') ?? '', /GET/);
  t.is(preflight.headers.get('access-control-allow-headers'), 'x-api-key');
  const actual = await ask('https://app.example', 'GET');
  t.is(actual.headers.get('access-control-allow-origin'), 'https://app.example');
  t.regex(actual.headers.get('access-control-expose-headers') ?? '', /X-Request-ID/);
  t.is((await ask('https://evil.example')).headers.get('access-control-allow-origin'), null);
});

interface Operation {
  responses: Record<string, { headers?: object }>;
}

test('scripts of the origins in CORS_ORIGINS may read every response header of the OpenAPI document', async (t) => {
  const { url } = await engine();
  const reply = await fetch(`${url}/openapi.json`, { headers: { origin: 'https://app.example' } });
  const exposed = (reply.headers.get('access-control-expose-headers') ?? '').split(', ');
  const { paths } = (await reply.json()) as { paths: Record<string, Record<string, Operation>> };
  const documented = Object.values(paths)
    .flatMap((methods) => Object.values(methods))
    .flatMap(({ responses }) => Object.values(responses))
    .flatMap(({ headers = {} }) => Object.keys(headers));
  t.true(documented.includes('X-Request-ID'));
  t.deepEqual(
    [...new Set(documented)].filter((header) => !exposed.includes(header)),
    [],
  );
});

test('a sync call that takes longer than SYNC_WAIT_SECONDS returns 202 with the Location of the invocation', async (t) => {
  const api = await aTenantWithProbe(await engine());
  const reply = await api.invoke('probe', '[{"op":"sleep","n":4000}]');
  t.is(reply.status, 202);
  t.is(reply.json.status, 'queued');
  t.is(reply.headers.get('location'), `/v1/invocations/${reply.json.request_id}`);
});

test('a connection with incomplete request headers gets 408 and is closed', async (t) => {
  const { url } = await engine();
  const text = await new Promise<string>((resolve) => {
    const socket = createConnection(Number(new URL(url).port), '127.0.0.1', () =>
      socket.write('GET /health HTTP/1.1\r\nhost: x\r\nx-slow: '),
    );
    let received = '';
    socket.on('data', (part) => {
      received += part;
    });
    socket.on('close', () => resolve(received));
    socket.on('error', () => undefined);
  });
  t.regex(text, /^HTTP\/1\.1 408 /);
});
