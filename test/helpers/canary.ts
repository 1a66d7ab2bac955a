import { randomBytes } from 'node:crypto';
import type { Api, ApiReply } from './api.js';
import { commands, probeWasm } from './probe.js';
import { until } from './until.js';

/**
 * A secret whose value must not appear anywhere, and a marker that must, which proves that a search
 * works.
 */
export interface Canary {
  /** The value in plain and in encoded forms. */
  readonly forms: readonly string[];
  readonly marker: string;
  /** Returns the text of all responses. */
  replies(): string;
}

/**
 * Sets, changes and refuses the secret, and uses it in functions that succeed, fail, crash and are
 * replayed.
 */
export async function useCanary(api: Api): Promise<Canary> {
  const value = `canary-${randomBytes(24).toString('hex')}`;
  const marker = `marker-${randomBytes(24).toString('hex')}`;
  const texts: string[] = [];
  const noted = (reply: ApiReply): ApiReply => {
    texts.push([...reply.headers].flat().join(' '), reply.text);
    return reply;
  };
  const put = (body: unknown) => api.put('/v1/functions/secrets', body);
  noted(await put({ name: 'CANARY', value: 'first' }));
  noted(await put({ name: 'CANARY', value }));
  noted(await put({ name: 'a b', value }));
  noted(await put({ name: 'LIST', value: [value] }));
  noted(await put({ name: 'LONG', value: value.repeat(2000) }));
  noted(await api.request('PUT', '/v1/functions/secrets', { body: `{"name":"BROKEN","value":"${value}",}` }));

  noted(await api.deploy('user', await probeWasm(), { retry_count: '1', retry_delay_seconds: '0' }));
  const use = { op: 'secret', a: 'CANARY' };
  const log = { op: 'log', a: marker };
  const done = noted(await api.invoke('user', commands(use, log, { op: 'exit', n: 0 })));
  if (done.status !== 200) throw new Error(`the secret was not used: ${done.status} ${done.text}`);
  noted(await api.invoke('user', commands(use, { op: 'exit', n: 1 })));
  noted(await api.invoke('user', commands(use, { op: 'panic', a: 'after use' })));
  const dead = noted(
    await api.invoke('user', commands(use, log, { op: 'exit', n: 1 }), { prefer: 'respond-async' }),
  );
  const path = `/v1/invocations/${dead.json.request_id}`;
  await until('the invocation is dead', async () => (await api.get(path)).json.state === 'dead');
  const replayed = noted(await api.post(`${path}/replay`, {}));
  const replay = `/v1/invocations/${replayed.json.request_id}`;
  await until('its replay is dead', async () => (await api.get(replay)).json.state === 'dead');
  for (const shown of [
    path,
    replay,
    '/v1/invocations',
    '/v1/functions/user/logs',
    '/v1/functions/user',
    '/v1/functions/secrets',
    '/v1/status',
    '/metrics',
  ]) {
    noted(await api.get(shown));
  }
  const base64 = Buffer.from(value).toString('base64');
  const hex = Buffer.from(value).toString('hex');
  return { forms: [value, base64.slice(4, -4), hex], marker, replies: () => texts.join('\n') };
}
