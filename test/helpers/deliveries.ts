import type { Api, JsonValue } from './api.js';
import { probeWasm } from './probe.js';
import { until } from './until.js';

export const ASYNC = { prefer: 'respond-async' };
const ENDS = ['success', 'error', 'timeout', 'dead', 'cancelled'];

/**
 * How a test deploys the probe, sends it work and sees what becomes of it. The API may be one that
 * starts later.
 */
export function deliveriesOver(api: () => Api) {
  let names = 0;

  /** The probe under a name of the test's own, with these form fields and metadata. */
  async function deploy(metadata: object = {}, fields: Record<string, string> = {}): Promise<string> {
    names += 1;
    const name = `probe-${names}`;
    const given = { ...fields, metadata: JSON.stringify(metadata) };
    const { status, text } = await api().deploy(name, await probeWasm(), given);
    if (status !== 201) throw new Error(`not deployed: ${status} ${text}`);
    return name;
  }

  async function get(id: string): Promise<JsonValue> {
    return (await api().get(`/v1/invocations/${id}`)).json;
  }

  async function inState(id: string, ...states: string[]): Promise<JsonValue> {
    return until(`${id} is ${states.join(' or ')}`, async () => {
      const record = await get(id);
      return states.includes(record.state) && record;
    });
  }

  const ended = (id: string) => inState(id, ...ENDS);

  async function send(name: string, input: string, headers: Record<string, string> = {}): Promise<string> {
    const { status, json, text } = await api().invoke(name, input, { ...ASYNC, ...headers });
    if (status !== 202) throw new Error(`not accepted: ${status} ${text}`);
    return json.request_id;
  }

  /** What a function that only listens was sent, as its input's JSON. */
  async function received(name: string, count: number): Promise<JsonValue[]> {
    return until(`${count} events for ${name}`, async () => {
      const { json } = await api().get(`/v1/invocations?function=${name}&status=success`);
      if (json.count < count) return false;
      const ids: string[] = json.invocations.map((one: { request_id: string }) => one.request_id);
      return Promise.all(ids.map(async (id) => JSON.parse((await get(id)).output)));
    });
  }

  return { deploy, get, inState, ended, send, received };
}
