import { aliasRecordSchema, aliasTargetSchema } from '../../contract/alias.js';
import { aliasesReplySchema, aliasPath } from '../../contract/http/aliases.js';
import { functionPath, messageReplySchema } from '../../contract/http/common.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'aliases'>();

const tag = 'Functions';

export const listAliases = route({
  operationId: 'listAliases',
  method: 'GET',
  path: '/v1/functions/{name}/aliases',
  tag,
  summary: 'List the aliases of a function',
  access: 'required',
  scope: 'read',
  params: functionPath,
  responses: { 200: { description: 'The aliases, sorted by name.', schema: aliasesReplySchema } },
  errors: ['function_not_found'],
  async handle({ services, namespace, params }) {
    const aliases = await services.aliases.list(namespace, params.name);
    return json(200, { aliases, count: aliases.length });
  },
});

export const putAlias = route({
  operationId: 'putAlias',
  method: 'PUT',
  path: '/v1/functions/{name}/aliases/{alias}',
  tag,
  summary: 'Assign an alias to a version, or split it across several by weight',
  description:
    'Invocations without a version use the alias `live` if it exists. `weights` assigns percentages to other versions; the rest goes to `version`.',
  access: 'required',
  scope: 'deploy',
  params: aliasPath,
  body: { kind: 'json', schema: aliasTargetSchema, example: { version: 7, weights: { '8': 10 } } },
  responses: { 200: { description: 'The alias.', schema: aliasRecordSchema } },
  errors: ['function_not_found', 'conflict'],
  async handle({ services, namespace, params, body, actor }) {
    return json(200, await services.aliases.put(actor(), namespace, params.name, params.alias, body));
  },
});

export const deleteAlias = route({
  operationId: 'deleteAlias',
  method: 'DELETE',
  path: '/v1/functions/{name}/aliases/{alias}',
  tag,
  summary: 'Delete an alias',
  access: 'required',
  scope: 'deploy',
  params: aliasPath,
  responses: { 200: { description: 'Deleted.', schema: messageReplySchema } },
  errors: ['function_not_found', 'not_found', 'conflict'],
  async handle({ services, namespace, params, actor }) {
    await services.aliases.remove(actor(), namespace, params.name, params.alias);
    return json(200, { message: `Alias "${params.alias}" of function "${params.name}" deleted.` });
  },
});
