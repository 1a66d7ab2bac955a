import { request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import test from 'ava';
import { httpGuest } from '../helpers/http-guest.js';
import { until } from '../helpers/until.js';
import { aTenant, sharedEngine } from './served.js';
import { servedFunctions } from './served-functions.js';

const engine = sharedEngine();

/** Sends the head of a request and the beginning of its body; `end` sends the rest. */
function begun(url: string, headers: Record<string, string> = {}) {
  const sent = request(url, { method: 'POST', agent: false, headers });
  const status = new Promise<number | undefined>((resolve, reject) => {
    sent.on('error', reject);
    sent.on('response', (response) => {
      response.resume();
      resolve(response.statusCode);
    });
  });
  sent.write('{"topic":');
  return {
    end() {
      sent.end('"a"}');
      return status;
    },
  };
}

test('a request whose credential is revoked while its body is received is refused', async (t) => {
  const running = await engine();
  const tenant = await aTenant(running);
  await tenant.deploy('hello', await httpGuest(), { metadata: '{"http":{}}' });
  const { json } = await tenant.post('/v1/auth/keys', { name: 'leaked' });
  const headers = { 'x-api-key': String(json.api_key) };
  const requests = [
    begun(`${running.url}/v1/functions/hello/invoke`, headers),
    begun(`${running.url}/v1/functions/hello/triggers`, headers),
    begun(`${running.functionsUrl}/${tenant.namespace}/hello`, headers),
  ];
  const whoami = async () => (await tenant.as(String(json.api_key)).get('/v1/auth/whoami')).status;
  t.is(await whoami(), 200);
  await tenant.request('DELETE', `/v1/auth/keys/${json.id}`);
  await until('the end of the key', async () => (await whoami()) === 401);
  await sleep(1000);
  for (const each of requests) t.is(await each.end(), 401);
});

test('a request runs no version that became private or demands a signature while its body was received', async (t) => {
  const { running, base, tenant, deploy } = await servedFunctions(await engine(), { shut: {}, hook: {} });
  await tenant.put('/v1/functions/secrets', { name: 'S', value: 'secret' });
  const requests = [
    begun(`${running.url}/v1/invoke/${tenant.namespace}/shut`),
    begun(`${base}/shut`),
    begun(`${base}/hook`),
    begun(`${base}/shut`, { 'x-api-key': tenant.key }),
  ];
  t.is((await fetch(`${base}/hook`)).status, 200, 'the requests before it have been found as well');
  await deploy('shut', {}, { is_public: 'false' });
  await deploy('hook', { verify: { scheme: 'github', secret: 'S' } });
  await until('the new version', async () => (await fetch(`${base}/hook`)).status === 401);
  await sleep(1000);
  const statuses = await Promise.all(requests.map((each) => each.end()));
  t.deepEqual(statuses, [401, 401, 401, 200]);
});
