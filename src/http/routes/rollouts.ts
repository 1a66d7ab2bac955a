import { functionPath } from '../../contract/http/common.js';
import { rolloutRecordSchema, rolloutRequestSchema } from '../../contract/rollout.js';
import { depthOfMessage } from '../../core/invocations/call-depth.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'depths' | 'rollouts'>();

const tag = 'Functions';
const path = '/v1/functions/{name}/rollout';

export const startRollout = route({
  operationId: 'startRollout',
  method: 'POST',
  path,
  tag,
  summary: 'Move the alias `live` to a version in steps, and back when it fails too often',
  description:
    'After each step with at least `min_calls` calls, the error rate of the new version (and its 95th ' +
    'percentile) is compared with the limits; if it exceeds one, all calls return to the previous ' +
    'version. The result is published on the topic `orama:rollout`.',
  access: 'required',
  scope: 'deploy',
  params: functionPath,
  body: {
    kind: 'json',
    schema: rolloutRequestSchema,
    example: { to: 8, steps: [5, 25, 50], every_seconds: 60, max_error_percent: 2 },
  },
  responses: { 202: { description: 'The rollout, at its first step.', schema: rolloutRecordSchema } },
  errors: ['function_not_found', 'conflict'],
  async handle({ services, namespace, params, body, actor }) {
    return json(202, await services.rollouts.start(actor(), namespace, params.name, body));
  },
});

export const getRollout = route({
  operationId: 'getRollout',
  method: 'GET',
  path,
  tag,
  summary: 'Show the running or last rollout',
  access: 'required',
  scope: 'read',
  params: functionPath,
  responses: { 200: { description: 'The rollout.', schema: rolloutRecordSchema } },
  errors: ['function_not_found', 'not_found'],
  handle: async ({ services, namespace, params }) =>
    json(200, await services.rollouts.get(namespace, params.name)),
});

export const abortRollout = route({
  operationId: 'abortRollout',
  method: 'DELETE',
  path,
  tag,
  summary: 'Abort the rollout: all calls return to the previous version',
  access: 'required',
  scope: 'deploy',
  params: functionPath,
  responses: { 200: { description: 'The rollout, aborted.', schema: rolloutRecordSchema } },
  errors: ['function_not_found', 'not_found', 'conflict'],
  async handle({ services, namespace, params, actor, ctx }) {
    const depth = depthOfMessage(services.depths, ctx.req);
    return json(200, await services.rollouts.abort(actor(), namespace, params.name, depth));
  },
});
