import type { Scope } from '../../contract/scope-names.js';
import { AppError } from '../../errors.js';
import type { Access } from '../admission/admission.js';
import type { Prepare } from './handshake.js';
import { prepareInvokeSocket } from './invoke-socket.js';
import { prepareTopicSocket } from './topic-socket.js';

interface Endpoint {
  path: RegExp;
  access: Access;
  /** Scope required to open the socket; `prepare` checks what its messages require. */
  scope: Scope;
  prepare: Prepare;
}

const ENDPOINTS: readonly Endpoint[] = [
  {
    path: /^\/v1\/functions\/(?<name>[^/]+)\/ws$/,
    access: 'optional',
    scope: 'invoke',
    prepare: prepareInvokeSocket,
  },
  { path: /^\/v1\/pubsub\/ws$/, access: 'required', scope: 'read', prepare: prepareTopicSocket },
];

export function findEndpoint(path: string): { endpoint: Endpoint; params: Record<string, string> } {
  for (const endpoint of ENDPOINTS) {
    const groups = endpoint.path.exec(path)?.groups;
    if (groups || endpoint.path.test(path)) return { endpoint, params: decoded(groups ?? {}) };
  }
  throw new AppError(
    'not_found',
    `There is no WebSocket at ${path.slice(0, 200)}; see /docs for what there is.`,
  );
}

function decoded(groups: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(Object.entries(groups).map(([key, text]) => [key, decodeURIComponent(text)]));
  } catch (cause) {
    throw new AppError('invalid_request', 'The path is not properly encoded.', { cause });
  }
}
