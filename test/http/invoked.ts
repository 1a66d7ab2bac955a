import type { Api, JsonValue } from '../helpers/api.js';
import { until } from '../helpers/until.js';

const ENDS = ['success', 'error', 'timeout', 'dead', 'cancelled'];
export const ASYNC = { prefer: 'respond-async' };

export async function ended(api: Api, id: string): Promise<JsonValue> {
  return until(`the end of ${id}`, async () => {
    const { json } = await api.get(`/v1/invocations/${id}`);
    return ENDS.includes(json.state) && json;
  });
}

export async function invoked(api: Api, input: string | Uint8Array, headers = {}): Promise<JsonValue> {
  const reply = await api.invoke('probe', input, headers);
  return ended(api, reply.headers.get('x-request-id') ?? '');
}

export function replay(api: Api, id: string, body: string, query = '') {
  const headers = { 'content-type': 'application/json' };
  return api.request('POST', `/v1/invocations/${id}/replay${query}`, body === '' ? {} : { headers, body });
}
