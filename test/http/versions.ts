import { commands, probeWasm } from '../helpers/probe.js';
import type { TestEngine } from '../helpers/running-engine.js';
import { aTenant } from './served.js';

/** Input for which a function of `versions` returns the version that it is. */
export const WHICH = commands({ op: 'env', a: 'WHICH' });

/** Creates a namespace with a function of several versions, each of which returns its number. */
export async function versions(
  engine: TestEngine,
  count: number,
  metadata: (version: number) => object = () => ({}),
) {
  const tenant = await aTenant(engine);
  for (let version = 1; version <= count; version++) {
    const { status, text } = await tenant.deploy('fn', await probeWasm(), {
      metadata: JSON.stringify({ env: { WHICH: `v${version}` }, ...metadata(version) }),
    });
    if (status !== 201) throw new Error(text);
  }
  const called = async (name = 'fn', headers: Record<string, string> = {}) => {
    const { status, json, headers: answered } = await tenant.invoke(name, WHICH, headers);
    return status === 200 ? [json.results[0], Number(answered.get('x-function-version'))] : status;
  };
  return {
    tenant,
    called,
    alias: (name: string, target: object) => tenant.put(`/v1/functions/fn/aliases/${name}`, target),
  };
}
