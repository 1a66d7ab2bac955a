import type { Api } from '../helpers/api.js';

type Limits = { scopes?: string[]; functions?: string[]; expires_at?: string };

/** Creates a key with these limits. Returns the API with that key. */
export async function limited(tenant: Api, limits: Limits): Promise<Api & { id: string }> {
  const made = await tenant.post('/v1/auth/keys', { name: 'limited', ...limits });
  if (made.status !== 201) throw new Error(`no key: ${made.status} ${made.text}`);
  return Object.assign(tenant.as(made.json.api_key), { id: made.json.id as string });
}
