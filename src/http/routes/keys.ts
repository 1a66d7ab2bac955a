import { z } from 'zod';
import {
  createKeyBodySchema,
  createKeyReplySchema,
  keyPath,
  keysReplySchema,
} from '../../contract/http/auth.js';
import { messageReplySchema, namespaceQuery } from '../../contract/http/common.js';
import { json, route } from '../route.js';

const tag = 'API keys';
/** Responses with credentials must not be cached. */
const PRIVATE = { 'Cache-Control': 'no-store' };

export const createKey = route({
  operationId: 'createKey',
  method: 'POST',
  path: '/v1/auth/keys',
  tag,
  summary: 'Make an API key for the own namespace; with the admin key for any',
  description:
    'A key never has more than the credential that makes it, and ends with its revocation, however many keys are between the two.',
  access: 'required',
  scope: 'keys',
  anyNamespace: true,
  body: {
    kind: 'json',
    schema: createKeyBodySchema,
    example: { name: 'ci', scopes: ['deploy', 'read'], functions: ['hook-*'] },
  },
  replies: { 201: { about: 'The key, shown this once.', schema: createKeyReplySchema } },
  errors: ['forbidden'],
  async handle({ services, body: { expires_at: end, ...key }, actor }) {
    const expiresAt = end === undefined ? undefined : Date.parse(end);
    return json(201, await services.keys.create(actor(), { ...key, expiresAt }), PRIVATE);
  },
});

export const listKeys = route({
  operationId: 'listKeys',
  method: 'GET',
  path: '/v1/auth/keys',
  tag,
  summary: 'List the API keys of the own namespace; with the admin key of any',
  access: 'required',
  scope: 'keys',
  anyNamespace: true,
  query: z.object({ namespace: namespaceQuery }),
  replies: { 200: { about: 'Without the keys themselves.', schema: keysReplySchema } },
  errors: ['forbidden'],
  async handle({ services, principal, query }) {
    const keys = await services.keys.list(principal, query.namespace ?? principal.namespace);
    return json(200, { keys, count: keys.length });
  },
});

export const revokeKey = route({
  operationId: 'revokeKey',
  method: 'DELETE',
  path: '/v1/auth/keys/{id}',
  tag,
  summary: 'Revoke an API key, and the keys that were made with it; holds everywhere within 2 seconds',
  access: 'required',
  scope: 'keys',
  anyNamespace: true,
  params: keyPath,
  replies: { 200: { about: 'Revoked.', schema: messageReplySchema } },
  errors: ['not_found'],
  async handle({ services, params, actor }) {
    await services.keys.revoke(actor(), params.id);
    return json(200, { message: `API key ${params.id} revoked.` });
  },
});
