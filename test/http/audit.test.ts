import test from 'ava';
import { commands, probeWasm } from '../helpers/probe.js';
import { limited } from './limited-key.js';
import { aTenantWithProbe, sharedEngine } from './served.js';

const engine = sharedEngine();

test('the audit log records actor, action and target of every change, and is hidden from the scope read', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  const { subject } = (await tenant.get('/v1/auth/whoami')).json;
  await tenant.deploy('probe', await probeWasm());
  await tenant.post('/v1/functions/probe/rollback', { version: 1 });
  const set = await tenant.put('/v1/functions/secrets', { name: 'A', value: 'never shown' });
  await tenant.delete('/v1/functions/secrets/A');
  await tenant.delete('/v1/functions/secrets/A');
  const trigger = await tenant.post('/v1/functions/probe/triggers', { topic: 'x' });
  const path = `/v1/functions/probe/triggers/${trigger.json.trigger.id}`;
  await tenant.request('PATCH', path, { body: JSON.stringify({ enabled: false }) });
  await tenant.request('PATCH', path, { body: JSON.stringify({ enabled: true }) });
  await tenant.delete(path);
  // Refused changes, and those of objects that do not exist, leave no event.
  await tenant.request('PATCH', path, { body: JSON.stringify({ enabled: true }) });
  await tenant.put('/v1/functions/probe/aliases/beta', { version: 9 });
  await tenant.put('/v1/functions/probe/aliases/beta', { version: 1 });
  await tenant.delete('/v1/functions/probe/aliases/beta');
  await tenant.delete('/v1/functions/probe/aliases/beta');
  const rollout = { to: 2, steps: [50], every_seconds: 3600 };
  await tenant.post('/v1/functions/probe/rollout', rollout);
  await tenant.post('/v1/functions/probe/rollout', rollout);
  await tenant.delete('/v1/functions/probe/rollout');
  await tenant.delete('/v1/functions/probe/rollout');
  const key = await limited(tenant, { scopes: ['read'] });
  t.is((await key.get('/v1/audit')).status, 403);
  await tenant.delete(`/v1/auth/keys/${key.id}`);
  await tenant.post('/v1/auth/callback-secret', {});
  await tenant.delete('/v1/functions/probe/dead');
  await tenant.delete('/v1/functions/probe');
  await tenant.delete('/v1/functions/probe');

  const { json, text } = await tenant.get('/v1/audit');
  const seen = json.events.map(
    (event: { action: string; target: string }) => `${event.action} ${event.target}`,
  );
  const [first, ...others] = seen.reverse();
  t.regex(first, /^key\.create /, 'the admin created the key of the tenant');
  t.deepEqual(others, [
    'function.deploy probe@1',
    'function.deploy probe@2',
    'function.rollback probe@3',
    'secret.set A',
    'secret.delete A',
    'trigger.add probe: topic x',
    `trigger.disable probe: ${trigger.json.trigger.id}`,
    `trigger.enable probe: ${trigger.json.trigger.id}`,
    `trigger.delete probe: ${trigger.json.trigger.id}`,
    'alias.set probe@beta',
    'alias.delete probe@beta',
    'rollout.start probe@2',
    'rollout.abort probe@2',
    `key.create ${key.id}`,
    `key.revoke ${key.id}`,
    'callback_secret.renew callback-secret',
    'dead_letters.purge probe',
    'function.delete probe',
  ]);
  t.false(text.includes('never shown'));
  const setEvent = json.events.find((event: { action: string }) => event.action === 'secret.set');
  t.is(setEvent.request_id, set.headers.get('x-request-id'));
  t.is(setEvent.actor, subject);
  t.is(json.count, json.events.length);

  const own = await tenant.get(`/v1/audit?actor=${subject}&limit=2`);
  t.is(own.json.count, 2);
  const next = await tenant.get(`/v1/audit?actor=${subject}&limit=2&cursor=${own.json.next_cursor}`);
  t.is(next.json.events[0].action, 'callback_secret.renew');
  t.is((await tenant.get('/v1/audit?since=2099-01-01T00:00:00Z')).json.count, 0);
  t.is((await tenant.get('/v1/audit?namespace=default')).status, 403);
  const asAdmin = await (await engine()).api.get(`/v1/audit?namespace=${tenant.namespace}`);
  t.is(asAdmin.json.count, json.count);
});

test('a key is named where it deployed or changed something, also when it is gone', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  const { json: made } = await tenant.post('/v1/auth/keys', { name: 'ci of the shop', scopes: ['deploy'] });
  const ci = tenant.as(made.api_key);
  const deployed = await ci.deploy('named', await probeWasm());
  t.like(deployed.json.function, { created_by: `key:${made.id}`, created_by_name: 'ci of the shop' });
  await tenant.delete(`/v1/auth/keys/${made.id}`);
  const { versions } = (await tenant.get('/v1/functions/named/versions')).json;
  t.is(versions[0].created_by_name, 'ci of the shop');
  const { events } = (await tenant.get('/v1/audit')).json;
  const [revoked, deploy, created] = events;
  t.like(deploy, { action: 'function.deploy', actor: `key:${made.id}`, actor_name: 'ci of the shop' });
  t.like(created, { action: 'key.create', target: made.id, target_name: 'ci of the shop' });
  t.like(revoked, { action: 'key.revoke', target: made.id, target_name: 'ci of the shop' });
});

test('replays of an invocation and of dead letters are recorded in the audit log', async (t) => {
  const tenant = await aTenantWithProbe(await engine());
  const failed = await tenant.invoke('probe', commands({ op: 'exit', n: 1 }), { prefer: 'respond-async' });
  const path = `/v1/invocations/${failed.json.request_id}`;
  for (;;) {
    const { json } = await tenant.get(path);
    if (json.state === 'dead') break;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.is((await tenant.post(`${path}/replay`, {})).status, 202);
  t.is((await tenant.post('/v1/functions/probe/dead/replay', {})).status, 202);
  const [all, one] = (await tenant.get('/v1/audit')).json.events;
  t.like(one, { action: 'invocation.replay', target: failed.json.request_id });
  t.like(all, { action: 'dead_letters.replay', target: 'probe' });
});
