import { invocationRecordSchema } from '../../contract/invocation.js';
import { type Trace, traceSchema } from '../../contract/trace.js';
import { AppError } from '../../errors.js';
import type { Client } from '../client.js';
import { deployedVersionSchema } from '../deployed-settings.js';
import type { Pulled } from './pulled.js';

/**
 * Fetches an invocation, its input, its module and its settings; with `withTrace` also its recorded
 * host calls. Throws `not_found` if the input has expired.
 */
export async function fetchInvocation(client: Client, id: string, withTrace: boolean): Promise<Pulled> {
  const path = `/v1/invocations/${encodeURIComponent(id)}`;
  const { input, input_base64, ...invocation } = invocationRecordSchema.parse(await client.call('GET', path));
  if (input === null && input_base64 === undefined) {
    throw new AppError(
      'not_found',
      `The input of ${id} is not kept any more: it is kept as long as the result, of dead invocations as long as they are`,
    );
  }
  const { function: name, version } = invocation;
  const [{ settings }, wasm, trace] = await Promise.all([
    fetchSettings(client, name, version),
    client.bytes(`/v1/functions/${encodeURIComponent(`${name}@${version}`)}/module`),
    withTrace ? fetchTrace(client, path) : null,
  ]);
  const { env, ...metadata } = settings.metadata;
  return {
    invocation,
    settings: { ...settings, metadata: { ...metadata, env: {} } },
    env: Object.keys(env),
    wasm,
    input: input_base64 === undefined ? Buffer.from(input ?? '') : Buffer.from(input_base64, 'base64'),
    trace,
  };
}

async function fetchSettings(client: Client, name: string, version: number) {
  const path = `/v1/functions/${encodeURIComponent(name)}/settings`;
  return deployedVersionSchema.parse(await client.call('GET', path, { query: { version } }));
}

async function fetchTrace(client: Client, path: string): Promise<Trace> {
  return traceSchema.parse(await client.call('GET', `${path}/trace`));
}
