import { httpGuest } from '../helpers/http-guest.js';
import type { TestEngine } from '../helpers/running-engine.js';
import { aTenant } from './served.js';

/** The ports of an engine, and the path of a function on each. */
export const PORTS = [
  {
    port: 'the API',
    urlOf: ({ url }: TestEngine) => url,
    pathOf: (namespace: string, name: string) => `/v1/invoke/${namespace}/${name}`,
  },
  {
    port: 'the functions',
    urlOf: ({ functionsUrl }: TestEngine) => functionsUrl,
    pathOf: (namespace: string, name: string) => `/${namespace}/${name}`,
  },
] as const;

/**
 * Creates a namespace with public HTTP functions, by name and `http:` settings.
 *
 * @param fields Further fields of the deploys.
 */
export async function servedFunctions(
  running: TestEngine,
  functions: Record<string, object>,
  fields: Record<string, string> = {},
) {
  const tenant = await aTenant(running);
  const deploy = async (name: string, http: object, more: Record<string, string> = {}) => {
    const { status, text } = await tenant.deploy(name, await httpGuest(), {
      is_public: 'true',
      metadata: JSON.stringify({ http }),
      ...fields,
      ...more,
    });
    if (status !== 201) throw new Error(text);
  };
  for (const [name, http] of Object.entries(functions)) await deploy(name, http);
  const base = `${running.functionsUrl}/${tenant.namespace}`;
  const call = async (path: string, init: RequestInit = {}) => {
    const response = await fetch(base + path, { redirect: 'manual', ...init });
    const bytes = Buffer.from(await response.arrayBuffer());
    const text = bytes.toString();
    return { status: response.status, headers: response.headers, bytes, text, json: parsed(text) };
  };
  return { running, tenant, deploy, base, call };
}

function parsed(text: string) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Returns a request that has the guest do this; see test/fixtures/http-go/main.go. */
export function doing(what: string, headers: Record<string, string> = {}) {
  return { headers: { 'x-do': what, ...headers } };
}

/** Returns a request that has the guest set this reply. */
export function replying(reply: { status?: number; headers?: object; body?: string | Uint8Array }) {
  return doing(
    `reply ${JSON.stringify({
      status: reply.status ?? 200,
      headers: reply.headers ?? {},
      body: Buffer.from(reply.body ?? '').toString('base64'),
    })}`,
  );
}
