import { parseDeployForm } from '../../contract/form.js';
import { type FunctionRecord, functionRecordSchema } from '../../contract/function.js';
import { parseFunctionRef } from '../../contract/function-ref.js';
import { functionPath, functionRefPath, messageReplySchema } from '../../contract/http/common.js';
import {
  deployCheckSchema,
  deployFieldsSchema,
  deployQuerySchema,
  deployReplySchema,
  functionsReplySchema,
  rollbackBodySchema,
  settingsQuerySchema,
  settingsReplySchema,
  versionsReplySchema,
  WASM_FIELD,
} from '../../contract/http/functions.js';
import { MAX_MODULE_BYTES } from '../../contract/limits.js';
import { coversFunction } from '../../contract/scopes.js';
import { assertFunction } from '../../core/auth/rights.js';
import { settingsOf } from '../../core/functions/functions.js';
import { assertOwnNamespace } from '../admission/admission.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'blobs' | 'catalog' | 'deployments' | 'functions'>();

const tag = 'Functions';

export const deployFunction = route({
  operationId: 'deployFunction',
  method: 'POST',
  path: '/v1/functions',
  tag,
  summary: 'Deploy a function, or a new version of it',
  access: 'required',
  scope: 'deploy',
  body: {
    kind: 'multipart',
    file: WASM_FIELD,
    maxFileBytes: MAX_MODULE_BYTES,
    fields: deployFieldsSchema,
    example: { name: 'resize', memory_limit_mb: '64' },
  },
  query: deployQuerySchema,
  responses: {
    200: { description: 'With `dry_run=true`: it would be deployed.', schema: deployCheckSchema },
    201: { description: 'The created version.', schema: deployReplySchema },
  },
  errors: ['invalid_manifest', 'invalid_module', 'forbidden', 'conflict', 'unsupported_media_type'],
  async handle({ services, principal, namespace, body, query, actor }) {
    const form = parseDeployForm(body.fields);
    assertOwnNamespace(principal, form.namespace);
    assertFunction(principal, 'deploy', form.settings.name);
    const { settings, origin } = form;
    const deployment = { namespace, settings, origin, wasm: body.file.bytes };
    if (query.dry_run === 'true') {
      const { cid, start } = await services.deployments.check(principal.rights, deployment);
      const message = `Function "${form.settings.name}" would be deployed.`;
      return json(200, { message, wasm_cid: cid, warm_start: start.warmStart });
    }
    const deployed = await services.deployments.deploy(actor(), deployment);
    const message = `Function "${deployed.name}" deployed as version ${deployed.version}.`;
    return json(201, { message, function: deployed }, etagOf(deployed));
  },
});

export const listFunctions = route({
  operationId: 'listFunctions',
  method: 'GET',
  path: '/v1/functions',
  tag,
  summary: 'List the functions of the namespace with their newest versions',
  access: 'required',
  scope: 'read',
  responses: { 200: { description: 'By name.', schema: functionsReplySchema } },
  async handle({ services, principal, namespace }) {
    const all = await services.functions.list(namespace);
    const functions = all.filter(({ name }) => coversFunction(principal.rights, name));
    return json(200, { functions, count: functions.length });
  },
});

export const getFunction = route({
  operationId: 'getFunction',
  method: 'GET',
  path: '/v1/functions/{name}',
  tag,
  summary: 'Show a function, or one version as name@version',
  access: 'required',
  scope: 'read',
  params: functionRefPath,
  responses: {
    200: {
      description: 'The record.',
      schema: functionRecordSchema,
      headers: { ETag: 'Changes with each version.' },
    },
    304: { description: 'Unchanged since the version in If-None-Match.' },
  },
  errors: ['function_not_found'],
  async handle({ services, namespace, params }) {
    const { name, version } = parseFunctionRef(params.name);
    const found = await services.functions.get(namespace, name, version);
    return json(200, found, etagOf(found));
  },
});

export const getFunctionSettings = route({
  operationId: 'getFunctionSettings',
  method: 'GET',
  path: '/v1/functions/{name}/settings',
  tag,
  summary: 'Show the settings of a version',
  description:
    'Includes settings that the record omits, such as `env` and `triggers`, and therefore requires the scope `deploy`.',
  access: 'required',
  scope: 'deploy',
  params: functionPath,
  query: settingsQuerySchema,
  responses: { 200: { description: 'Module and settings.', schema: settingsReplySchema } },
  errors: ['function_not_found'],
  async handle({ services, namespace, params, query }) {
    const version = await services.functions.version(namespace, params.name, query.version);
    return json(200, {
      version: version.version,
      wasm_cid: version.wasm_cid,
      settings: settingsOf(version),
    });
  },
});

export const getFunctionModule = route({
  operationId: 'getFunctionModule',
  method: 'GET',
  path: '/v1/functions/{name}/module',
  tag,
  summary: 'Download the module of the newest version, or of another one as name@version',
  description: 'The deployed bytes; requires the scope `deploy`.',
  access: 'required',
  scope: 'deploy',
  params: functionRefPath,
  responses: { 200: { description: 'The module.', types: { 'application/wasm': 'A WASI module.' } } },
  errors: ['function_not_found', 'rate_limited', 'unavailable'],
  async handle({ services, namespace, params, readReply }) {
    const { name, version } = parseFunctionRef(params.name);
    const found = await services.functions.version(namespace, name, version);
    const size = await services.functions.moduleBytes(found);
    const bytes = await readReply(size, () => services.blobs.get(found.wasm_cid));
    return { status: 200, bytes, type: 'application/wasm' };
  },
});

export const deleteFunction = route({
  operationId: 'deleteFunction',
  method: 'DELETE',
  path: '/v1/functions/{name}',
  tag,
  summary: 'Delete a function with its versions and triggers',
  description:
    'Waiting jobs end as `cancelled`; logs are kept. A later deploy continues the version numbers.',
  access: 'required',
  scope: 'deploy',
  params: functionPath,
  responses: { 200: { description: 'Deleted.', schema: messageReplySchema } },
  errors: ['function_not_found'],
  async handle({ services, namespace, params, actor }) {
    await services.functions.remove(actor(), namespace, params.name);
    return json(200, { message: `Function "${params.name}" deleted.` });
  },
});

export const rollbackFunction = route({
  operationId: 'rollbackFunction',
  method: 'POST',
  path: '/v1/functions/{name}/rollback',
  tag,
  summary: 'Create a new version with the module and settings of an old one',
  access: 'required',
  scope: 'deploy',
  params: functionPath,
  body: { kind: 'json', schema: rollbackBodySchema, example: { version: 6 } },
  responses: { 201: { description: 'The created version.', schema: deployReplySchema } },
  errors: ['function_not_found', 'conflict'],
  async authorize({ services, namespace, params }) {
    await services.catalog.resolve(namespace, params.name);
  },
  async handle({ services, namespace, params, body, actor }) {
    const made = await services.deployments.rollback(actor(), namespace, params.name, body.version);
    const message = `Function "${made.name}" rolled back to version ${body.version} as version ${made.version}.`;
    return json(201, { message, function: made }, etagOf(made));
  },
});

export const listVersions = route({
  operationId: 'listFunctionVersions',
  method: 'GET',
  path: '/v1/functions/{name}/versions',
  tag,
  summary: 'List the versions of a function, newest first',
  access: 'required',
  scope: 'read',
  params: functionPath,
  responses: { 200: { description: 'The versions, newest first.', schema: versionsReplySchema } },
  errors: ['function_not_found'],
  async handle({ services, namespace, params }) {
    const versions = await services.functions.versions(namespace, params.name);
    return json(200, { versions, count: versions.length });
  },
});

function etagOf(record: FunctionRecord): Record<string, string> {
  return { ETag: `"${record.id}-${record.version}"` };
}
