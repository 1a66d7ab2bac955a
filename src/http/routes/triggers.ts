import { functionPath, messageReplySchema } from '../../contract/http/common.js';
import {
  addTriggerBodySchema,
  addTriggerReplySchema,
  patchTriggerBodySchema,
  runTriggerReplySchema,
  triggerPath,
  triggersReplySchema,
} from '../../contract/http/triggers.js';
import { triggerRecordSchema } from '../../contract/records.js';
import { depthOfRequest } from '../../core/invocations/call-depth.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'catalog' | 'depths' | 'triggers'>();

const tag = 'Triggers';

export const addTrigger = route({
  operationId: 'addTrigger',
  method: 'POST',
  path: '/v1/functions/{name}/triggers',
  tag,
  summary: 'Trigger a function on a topic or a schedule',
  access: 'required',
  scope: 'deploy',
  params: functionPath,
  body: { kind: 'json', schema: addTriggerBodySchema, example: { topic: 'orders:*' } },
  responses: { 201: { description: 'The trigger.', schema: addTriggerReplySchema } },
  errors: ['function_not_found'],
  async authorize({ services, namespace, params }) {
    await services.catalog.resolve(namespace, params.name);
  },
  async handle({ services, namespace, params, body, actor }) {
    const trigger = await services.triggers.add(actor(), namespace, params.name, body);
    const what = 'topic' in body ? `topic "${body.topic}"` : `schedule "${body.cron}"`;
    return json(201, { message: `Function "${params.name}" fires on ${what}.`, trigger });
  },
});

export const listTriggers = route({
  operationId: 'listTriggers',
  method: 'GET',
  path: '/v1/functions/{name}/triggers',
  tag,
  summary: 'List the triggers of a function',
  access: 'required',
  scope: 'read',
  params: functionPath,
  responses: {
    200: {
      description: 'The triggers of function.yaml and those added through the API.',
      schema: triggersReplySchema,
    },
  },
  errors: ['function_not_found'],
  async handle({ services, namespace, params }) {
    const triggers = await services.triggers.list(namespace, params.name);
    return json(200, { triggers, count: triggers.length });
  },
});

export const patchTrigger = route({
  operationId: 'updateTrigger',
  method: 'PATCH',
  path: '/v1/functions/{name}/triggers/{id}',
  tag,
  summary: 'Pause or resume a trigger',
  description: 'A disabled trigger neither fires nor catches up afterwards.',
  access: 'required',
  scope: 'deploy',
  params: triggerPath,
  body: { kind: 'json', schema: patchTriggerBodySchema, example: { enabled: false } },
  responses: { 200: { description: 'The trigger.', schema: triggerRecordSchema } },
  errors: ['function_not_found', 'not_found'],
  async handle({ services, namespace, params, body, actor }) {
    const { name, id } = params;
    return json(200, await services.triggers.setEnabled(actor(), namespace, name, id, body.enabled));
  },
});

export const runTrigger = route({
  operationId: 'runTrigger',
  method: 'POST',
  path: '/v1/functions/{name}/triggers/{id}/run',
  tag,
  summary: 'Start a run of a schedule now',
  access: 'required',
  scope: 'invoke',
  params: triggerPath,
  responses: { 202: { description: 'The invocation.', schema: runTriggerReplySchema } },
  errors: [
    'function_not_found',
    'not_found',
    'conflict',
    'queue_full',
    'quota_exceeded',
    'loop_detected',
    'unavailable',
  ],
  async handle({ services, namespace, params, actor, ctx }) {
    const depth = depthOfRequest(services.depths, ctx.req);
    const id = await services.triggers.run(actor(), namespace, params.name, params.id, depth);
    return json(202, { request_id: id }, { Location: `/v1/invocations/${id}` });
  },
});

export const deleteTrigger = route({
  operationId: 'deleteTrigger',
  method: 'DELETE',
  path: '/v1/functions/{name}/triggers/{id}',
  tag,
  summary: 'Delete a trigger',
  access: 'required',
  scope: 'deploy',
  params: triggerPath,
  responses: { 200: { description: 'Deleted.', schema: messageReplySchema } },
  errors: ['function_not_found', 'not_found'],
  async handle({ services, namespace, params, actor }) {
    await services.triggers.remove(actor(), namespace, params.name, params.id);
    return json(200, { message: `Trigger ${params.id} of function "${params.name}" deleted.` });
  },
});
