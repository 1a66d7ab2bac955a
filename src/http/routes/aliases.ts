import { aliasRecordSchema, aliasTargetSchema } from '../../contract/alias.js';
import { aliasesReplySchema, aliasPath } from '../../contract/http/aliases.js';
import { functionPath, messageReplySchema } from '../../contract/http/common.js';
import { json, route } from '../route.js';

const tag = 'Functions';

export const listAliases = route({
  method: 'GET',
  path: '/v1/functions/{name}/aliases',
  tag,
  summary: 'List the aliases of a function',
  access: 'required',
  params: functionPath,
  replies: { 200: { about: 'By name.', schema: aliasesReplySchema } },
  errors: ['function_not_found'],
  async handle({ services, namespace, params }) {
    const aliases = await services.aliases.list(namespace, params.name);
    return json(200, { aliases, count: aliases.length });
  },
});

export const putAlias = route({
  method: 'PUT',
  path: '/v1/functions/{name}/aliases/{alias}',
  tag,
  summary: 'Let an alias name a version, or split over several by weight',
  description:
    'Invocations without a version go to the alias `live` where there is one. `weights` gives other versions their percent; the rest goes to `version`.',
  access: 'required',
  params: aliasPath,
  body: { kind: 'json', schema: aliasTargetSchema },
  replies: { 200: { about: 'The alias.', schema: aliasRecordSchema } },
  errors: ['function_not_found', 'conflict'],
  handle: async ({ services, namespace, params, body }) =>
    json(200, await services.aliases.put(namespace, params.name, params.alias, body)),
});

export const deleteAlias = route({
  method: 'DELETE',
  path: '/v1/functions/{name}/aliases/{alias}',
  tag,
  summary: 'Delete an alias',
  access: 'required',
  params: aliasPath,
  replies: { 200: { about: 'Deleted.', schema: messageReplySchema } },
  errors: ['not_found', 'conflict'],
  async handle({ services, namespace, params }) {
    await services.aliases.remove(namespace, params.name, params.alias);
    return json(200, { message: `Alias "${params.alias}" of function "${params.name}" deleted.` });
  },
});
