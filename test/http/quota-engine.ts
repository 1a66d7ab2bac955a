import type { ApiReply } from '../helpers/api.js';
import { type aTenant, sharedEngine } from './served.js';

/** The engine of the tests of quotas. */
export const engine = sharedEngine({ env: { EGRESS_ALLOW: '127.0.0.1', QUOTA_SECRETS: '3' } });

export type Tenant = Awaited<ReturnType<typeof aTenant>>;

export async function setQuotas(tenant: Tenant, quotas: Record<string, number | null>): Promise<ApiReply> {
  const reply = await (await engine()).api.put(`/v1/namespaces/${tenant.namespace}/quotas`, quotas);
  if (reply.status !== 200) throw new Error(`the quotas were not set: ${reply.status} ${reply.text}`);
  return reply;
}

export async function usage(tenant: Tenant): Promise<Record<string, { limit: number; used: number }>> {
  return (await tenant.get(`/v1/namespaces/${tenant.namespace}/usage`)).json.quotas;
}

/** Repeats a request until it is refused and resolves with the refusal. */
export async function untilRefused(ask: (time: number) => Promise<ApiReply>, most = 100): Promise<ApiReply> {
  for (let time = 0; time < most; time += 1) {
    const reply = await ask(time);
    if (reply.status >= 400) return reply;
  }
  throw new Error('never refused');
}

/** Checks the form of a refusal: status, code, and a message with quota, limit and usage. */
export function isRefusal(reply: ApiReply, status: number, name: string): boolean {
  const numbers = reply.json.error.match(/\d+(\.\d+)?/g) ?? [];
  return (
    reply.status === status &&
    reply.json.code === 'quota_exceeded' &&
    reply.json.error.includes(name) &&
    numbers.length >= 2 &&
    (status === 413 || Number(reply.headers.get('retry-after')) >= 1)
  );
}
