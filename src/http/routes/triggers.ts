import { functionPath, messageReplySchema } from '../../contract/http/common.js';
import {
  addTriggerBodySchema,
  addTriggerReplySchema,
  triggerPath,
  triggersReplySchema,
} from '../../contract/http/triggers.js';
import { json, route } from '../route.js';

const tag = 'Triggers';

export const addTrigger = route({
  method: 'POST',
  path: '/v1/functions/{name}/triggers',
  tag,
  summary: 'Fire a function on a topic or a schedule',
  access: 'required',
  scope: 'deploy',
  params: functionPath,
  body: { kind: 'json', schema: addTriggerBodySchema },
  replies: { 201: { about: 'The trigger.', schema: addTriggerReplySchema } },
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
  method: 'GET',
  path: '/v1/functions/{name}/triggers',
  tag,
  summary: 'List the triggers of a function',
  access: 'required',
  scope: 'read',
  params: functionPath,
  replies: { 200: { about: 'Those of function.yaml and those added.', schema: triggersReplySchema } },
  errors: ['function_not_found'],
  async handle({ services, namespace, params }) {
    const triggers = await services.triggers.list(namespace, params.name);
    return json(200, { triggers, count: triggers.length });
  },
});

export const deleteTrigger = route({
  method: 'DELETE',
  path: '/v1/functions/{name}/triggers/{id}',
  tag,
  summary: 'Delete a trigger',
  access: 'required',
  scope: 'deploy',
  params: triggerPath,
  replies: { 200: { about: 'Deleted.', schema: messageReplySchema } },
  errors: ['not_found'],
  async handle({ services, namespace, params, actor }) {
    await services.triggers.remove(actor(), namespace, params.name, params.id);
    return json(200, { message: `Trigger ${params.id} of function "${params.name}" deleted.` });
  },
});
