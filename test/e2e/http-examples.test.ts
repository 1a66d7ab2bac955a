import { createHmac, randomUUID } from 'node:crypto';
import { cpSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import test from 'ava';
import { runCli } from '../helpers/cli.js';
import { httpServer } from '../helpers/http-server.js';
import { probeWasm } from '../helpers/probe.js';
import { startEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';
import { tempDir } from '../helpers/temp-dir.js';
import { until } from '../helpers/until.js';

const home = tempDir();
cpSync('sdk', join(home, 'sdk'), { recursive: true });
const engine = shared(() => startEngine({ env: { EGRESS_ALLOW: '127.0.0.1' } }));

async function deploy(directory: string) {
  const { url, adminKey } = await engine();
  const env = { ORAMA_URL: url, ORAMA_API_KEY: adminKey, GOFLAGS: '-mod=mod', GOPROXY: 'off' };
  const done = await runCli(['function', 'deploy', directory], { home, env });
  if (done.code !== 0) throw new Error(done.stderr);
}

/**
 * Deploys a copy of an example, beside a copy of the SDK as in the repository, with a modified
 * function.yaml.
 */
async function deployExample(name: string, change: (manifest: string) => string = (manifest) => manifest) {
  const directory = join(home, 'examples', name);
  cpSync(join('examples', name), directory, { recursive: true });
  const manifest = join(directory, 'function.yaml');
  writeFileSync(manifest, change(readFileSync(manifest, 'utf8')));
  await deploy(directory);
}

/** Deploys the function of a section of docs/http-functions.md: its function.yaml and index.ts. */
async function deployFromDocs(heading: string) {
  const page = readFileSync('docs/http-functions.md', 'utf8');
  const section = page.split(/^### /m).find((part) => part.startsWith(`${heading}\n`)) ?? '';
  const [, yaml] = /```yaml\n([\s\S]*?)```/.exec(section) ?? [];
  const [, source] = /```ts\n([\s\S]*?)```/.exec(section) ?? [];
  if (yaml === undefined || source === undefined) throw new Error(`no set-up for ${heading}`);
  const directory = join(home, heading);
  mkdirSync(directory);
  symlinkSync(resolve('node_modules'), join(directory, 'node_modules'));
  writeFileSync(join(directory, 'function.yaml'), yaml);
  writeFileSync(join(directory, 'index.ts'), source);
  await deploy(directory);
}

async function send(path: string, headers: Record<string, string>, body: string) {
  const { functionsUrl } = await engine();
  const init = { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body };
  const response = await fetch(`${functionsUrl}/default${path}`, init);
  const said = await response.text();
  return { status: response.status, text: said, id: response.headers.get('x-request-id') };
}

async function setSecret(name: string, value: string) {
  await (await engine()).api.put('/v1/functions/secrets', { name, value });
}

/** Resolves with the state of an invocation once it has ended. */
async function ended(id: unknown) {
  const { api } = await engine();
  return until('the end of the invocation', async () => {
    const { json } = await api.get(`/v1/invocations/${id}`);
    return json.completed_at !== null && json;
  });
}

const hmac = (secret: string, signed: string) => createHmac('sha256', secret).update(signed).digest('hex');

test.serial(
  'examples/github-webhook verifies, stores and forwards deliveries, and a failed one can be replayed',
  async (t) => {
    const seen: { headers: Record<string, unknown>; body: string }[] = [];
    let answer = 200;
    const receiver = await httpServer(async (request, response) => {
      seen.push({ headers: request.headers, body: await text(request) });
      response.writeHead(answer).end();
    });
    t.teardown(receiver.close);
    await deployExample('github-webhook', (manifest) =>
      manifest
        .replace(/FORWARD_URL: .*/, `FORWARD_URL: ${receiver.url}`)
        .replace('count: 5', 'count: 1')
        .replace('delay: 10', 'delay: 0'),
    );
    const secret = "It's a Secret to Everybody";
    await setSecret('GITHUB_SECRET', secret);
    const { api } = await engine();
    const metadata = JSON.stringify({ triggers: [{ topic: 'github:push' }] });
    t.is((await api.deploy('on-push', await probeWasm(), { metadata })).status, 201);
    const eventsOf = async (id: unknown) =>
      (await api.get(`/v1/invocations?parent_id=${id}`)).json.invocations as { function: string }[];

    // A push event as sent by GitHub.
    const payload = JSON.stringify({
      ref: 'refs/heads/main',
      repository: { id: 1, full_name: 'octo-org/octo-repo' },
      sender: { login: 'octocat', id: 2 },
    });
    const deliver = (delivery: string, body = payload, signature = `sha256=${hmac(secret, body)}`) =>
      send(
        '/hooks/github',
        {
          accept: '*/*',
          'user-agent': 'GitHub-Hookshot/044aadd',
          'x-github-delivery': delivery,
          'x-github-event': 'push',
          'x-github-hook-id': '292430182',
          'x-github-hook-installation-target-type': 'repository',
          'x-hub-signature-256': signature,
        },
        body,
      );
    t.is((await deliver(randomUUID(), payload, 'sha256=00')).status, 401);
    const delivery = randomUUID();
    const first = await deliver(delivery);
    t.is(first.status, 202);
    t.is((await ended(first.id)).state, 'success');
    t.is((await deliver(delivery)).id, first.id, 'a redelivery is the same invocation');
    t.is(seen.length, 1);
    t.is(seen[0]?.body, payload);
    t.is(seen[0]?.headers['idempotency-key'], delivery);
    t.deepEqual(
      (await eventsOf(first.id)).map((event) => event.function),
      ['on-push'],
    );
    const { json } = await api.post('/v1/rqlite/query', { sql: 'SELECT * FROM github_deliveries' });
    t.true(JSON.stringify(json).includes(delivery) && JSON.stringify(json).includes('octo-org/octo-repo'));

    answer = 503;
    const failed = randomUUID();
    const failing = await deliver(failed);
    const dead = await ended(failing.id);
    t.is(dead.state, 'dead');
    t.is(dead.attempts.length, 2);
    t.deepEqual(await eventsOf(failing.id), [], 'a delivery that was not forwarded is not published');

    answer = 200;
    t.is((await deliver(failed)).id, failing.id, 'the sender cannot run a dead letter again');
    t.is(seen.length, 3);
    const { json: replay } = await api.post(`/v1/invocations/${failing.id}/replay`, {});
    t.is((await ended(replay.request_id)).state, 'success', 'the operator can replay the dead letter');
    t.is(seen.length, 4);
    t.is(seen[3]?.body, payload);
    t.is(seen[3]?.headers['idempotency-key'], failed, 'the replay has the same idempotency key');
    t.is((await eventsOf(replay.request_id)).length, 1);
  },
);

test.serial(
  'examples/rest-api creates, reads, updates and deletes notes, and allows one CORS origin',
  async (t) => {
    await deployExample('rest-api');
    const { functionsUrl } = await engine();
    const call = async (
      method: string,
      path: string,
      body?: object,
      headers: Record<string, string> = {},
    ) => {
      const init = { method, headers, ...(body === undefined ? {} : { body: JSON.stringify(body) }) };
      const response = await fetch(`${functionsUrl}/default${path}`, init);
      const said = await response.text();
      return {
        status: response.status,
        headers: response.headers,
        json: said === '' ? null : JSON.parse(said),
      };
    };
    t.deepEqual((await call('GET', '/notes')).json, { notes: [], count: 0 });
    const made = await call('POST', '/notes', { text: 'first' });
    t.is(made.status, 201);
    const path = made.headers.get('location') ?? '';
    t.is(path, `/notes/${made.json.id}`);
    t.deepEqual((await call('GET', path)).json, made.json);
    t.is((await call('PUT', path, { text: 'changed' })).status, 200);
    t.deepEqual((await call('GET', '/notes')).json, {
      notes: [{ id: made.json.id, text: 'changed' }],
      count: 1,
    });
    t.is((await call('POST', '/notes', { text: '' })).status, 422);
    t.is((await call('DELETE', path)).status, 204);
    for (const method of ['GET', 'DELETE']) t.is((await call(method, path)).status, 404);
    t.is((await call('PATCH', path)).status, 405);
    const origin = 'https://app.example.com';
    const preflight = await call('OPTIONS', path, undefined, {
      origin,
      'access-control-request-method': 'PUT',
    });
    t.is(preflight.headers.get('access-control-allow-origin'), origin);
    const stranger = await call('GET', '/notes', undefined, { origin: 'https://evil.example' });
    t.is(stranger.headers.get('access-control-allow-origin'), null);
  },
);

test.serial('the documented Stripe set-up accepts signed events and runs each event once', async (t) => {
  await deployFromDocs('Stripe');
  const secret = 'whsec_test_secret';
  await setSecret('STRIPE_SECRET', secret);
  const body = JSON.stringify({
    id: 'evt_1NG8Du2eZvKYlo2CUI79vXWy',
    object: 'event',
    api_version: '2019-02-19',
    created: 1686089970,
    data: { object: { id: 'pi_1', object: 'payment_intent', amount: 1099 } },
    livemode: false,
    pending_webhooks: 0,
    type: 'payment_intent.succeeded',
  });
  const deliver = (at: number) =>
    send('/hooks/stripe', { 'stripe-signature': `t=${at},v1=${hmac(secret, `${at}.${body}`)},v0=00` }, body);
  const now = Math.floor(Date.now() / 1000);
  const first = await deliver(now);
  t.is(first.status, 202, first.text);
  t.is((await ended(first.id)).state, 'success');
  t.is((await deliver(now + 1)).id, first.id, 'the same event with a new signature');
  t.is((await deliver(now - 301)).status, 401, 'a replay of an old request');
});

test.serial('the documented Slack set-up answers the challenge and runs signed events once', async (t) => {
  await deployFromDocs('Slack');
  const secret = '8f742231b10e8888abcd99yyyzzz85a5';
  await setSecret('SLACK_SECRET', secret);
  const deliver = (payload: object, at = Math.floor(Date.now() / 1000)) => {
    const body = JSON.stringify(payload);
    const headers = {
      'x-slack-request-timestamp': String(at),
      'x-slack-signature': `v0=${hmac(secret, `v0:${at}:${body}`)}`,
    };
    return send('/hooks/slack', headers, body);
  };
  const challenge = '3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P';
  const verified = await deliver({ token: 'Jhj5dZrVaK7ZwHHjRyZWjbDl', challenge, type: 'url_verification' });
  t.is(verified.status, 200);
  t.is(verified.text, challenge);
  const event = {
    token: 'XXYYZZ',
    team_id: 'T123ABC456',
    api_app_id: 'A123ABC456',
    event: { type: 'app_mention', user: 'U123ABC456', text: 'What is it?', channel: 'C123ABC456' },
    type: 'event_callback',
    event_id: 'Ev123ABC456',
    event_time: 1234567890,
  };
  const first = await deliver(event);
  t.is(first.status, 200, first.text);
  t.is((await deliver(event)).id, first.id);
  t.is((await deliver(event, Math.floor(Date.now() / 1000) - 301)).status, 401);
});
