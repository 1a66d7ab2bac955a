import type { Api } from '../helpers/api.js';
import { probeWasm } from '../helpers/probe.js';
import { type EngineOptions, startEngine, type TestEngine } from '../helpers/running-engine.js';
import { shared } from '../helpers/shared.js';

/** Starts one engine for all tests of a file. */
export function sharedEngine(options: EngineOptions = {}): () => Promise<TestEngine> {
  return shared(() => startEngine(options));
}

let names = 0;

/** Creates a namespace and returns a client with its key. */
export async function aTenant(engine: TestEngine): Promise<Api & { namespace: string; key: string }> {
  names += 1;
  const namespace = `tenant-${process.pid}-${names}`;
  const { json } = await engine.api.post('/v1/auth/keys', { name: 'test', namespace });
  return Object.assign(engine.api.as(json.api_key), { namespace, key: json.api_key as string });
}

/** Creates a namespace with the probe deployed. */
export async function aTenantWithProbe(engine: TestEngine, fields: Record<string, string> = {}) {
  const tenant = await aTenant(engine);
  const { status, text } = await tenant.deploy('probe', await probeWasm(), fields);
  if (status !== 201) throw new Error(`the probe was not deployed: ${status} ${text}`);
  return tenant;
}
