import { messageReplySchema } from '../../contract/http/common.js';
import {
  putSecretBodySchema,
  putSecretReplySchema,
  secretPath,
  secretsReplySchema,
} from '../../contract/http/secrets.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'secrets'>();

const tag = 'Secrets';

export const putSecret = route({
  operationId: 'putSecret',
  method: 'PUT',
  path: '/v1/functions/secrets',
  tag,
  summary: 'Set a secret, which functions of the namespace read with get_secret',
  access: 'required',
  scope: 'secrets',
  body: { kind: 'json', schema: putSecretBodySchema, example: { name: 'STRIPE_KEY', value: 'sk_live_…' } },
  responses: { 200: { description: 'Stored, encrypted.', schema: putSecretReplySchema } },
  errors: ['payload_too_large'],
  async handle({ services, namespace, body, actor }) {
    await services.secrets.set(actor(), namespace, body.name, body.value);
    return json(200, { message: `Secret "${body.name}" set.`, name: body.name });
  },
});

export const listSecrets = route({
  operationId: 'listSecrets',
  method: 'GET',
  path: '/v1/functions/secrets',
  tag,
  summary: 'List the names of the secrets; values are never returned',
  access: 'required',
  scope: 'secrets',
  responses: { 200: { description: 'Names and times.', schema: secretsReplySchema } },
  async handle({ services, namespace }) {
    const secrets = await services.secrets.list(namespace);
    return json(200, { secrets, count: secrets.length });
  },
});

export const deleteSecret = route({
  operationId: 'deleteSecret',
  method: 'DELETE',
  path: '/v1/functions/secrets/{name}',
  tag,
  summary: 'Delete a secret',
  access: 'required',
  scope: 'secrets',
  params: secretPath,
  responses: { 200: { description: 'Deleted.', schema: messageReplySchema } },
  errors: ['not_found'],
  async handle({ services, namespace, params, actor }) {
    await services.secrets.remove(actor(), namespace, params.name);
    return json(200, { message: `Secret "${params.name}" deleted.` });
  },
});
