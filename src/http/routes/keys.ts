import * as z from 'zod';
import {
  createKeyBodySchema,
  createKeyReplySchema,
  keyPath,
  keysReplySchema,
} from '../../contract/http/auth.js';
import { messageReplySchema, namespaceQuery } from '../../contract/http/common.js';
import { AppError } from '../../errors.js';
import { NO_STORE } from '../response/keep-private.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'keys'>();

const tag = 'API keys';
const keysQuery = z.object({ namespace: namespaceQuery });

export const createKey = route({
  operationId: 'createKey',
  method: 'POST',
  path: '/v1/auth/keys',
  tag,
  summary: 'Create an API key for the own namespace, or with the admin key for any',
  description:
    'A key cannot have more rights than the credential that creates it, and is revoked with it, directly or indirectly.',
  access: 'required',
  scope: 'keys',
  otherNamespaces: 'admin',
  query: keysQuery,
  body: {
    kind: 'json',
    schema: createKeyBodySchema,
    example: { name: 'ci', scopes: ['deploy', 'read'], functions: ['hook-*'] },
  },
  responses: { 201: { description: 'The key, returned only once.', schema: createKeyReplySchema } },
  errors: ['forbidden'],
  async handle({ services, query, body: { expires_at: end, ...key }, actor }) {
    const expiresAt = end === undefined ? undefined : Date.parse(end);
    const namespace = key.namespace ?? query.namespace;
    if (query.namespace !== undefined && query.namespace !== namespace) {
      throw new AppError(
        'invalid_request',
        `The query has the namespace "${query.namespace}" and the body "${namespace}"; send one of them.`,
      );
    }
    return json(201, await services.keys.create(actor(), { ...key, namespace, expiresAt }), NO_STORE);
  },
});

export const listKeys = route({
  operationId: 'listKeys',
  method: 'GET',
  path: '/v1/auth/keys',
  tag,
  summary: 'List the API keys of the own namespace, or with the admin key of any',
  access: 'required',
  scope: 'keys',
  otherNamespaces: 'admin',
  query: keysQuery,
  responses: { 200: { description: 'The records, without the keys themselves.', schema: keysReplySchema } },
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
  summary: 'Revoke an API key and all keys created with it; effective in all processes within 2 seconds',
  access: 'required',
  scope: 'keys',
  otherNamespaces: 'admin',
  params: keyPath,
  query: keysQuery,
  responses: { 200: { description: 'Revoked.', schema: messageReplySchema } },
  errors: ['not_found'],
  async handle({ services, params, query, actor }) {
    await services.keys.revoke(actor(), params.id, query.namespace);
    return json(200, { message: `API key ${params.id} revoked.` });
  },
});
