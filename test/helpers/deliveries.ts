import type { Api, JsonValue } from './api.js';
import { probeWasm } from './probe.js';
import { until } from './until.js';

export const ASYNC = { prefer: 'respond-async' };
const ENDS = ['success', 'error', 'timeout', 'dead', 'cancelled'];

/**
 * Helpers to deploy the probe, invoke it and check the outcome. The API may be available only
 * later.
 */
export function deliveriesOver(api: () => Api) {
  let names = 0;

  /** Deploys the probe under a unique name with these form fields and metadata. */
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

  /** Resolves with the inputs of a triggered function as JSON. */
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
