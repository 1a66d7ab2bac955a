import { functionPath } from '../../contract/http/common.js';
import { rolloutRecordSchema, rolloutRequestSchema } from '../../contract/rollout.js';
import { json, route } from '../route.js';

const tag = 'Functions';
const path = '/v1/functions/{name}/rollout';

export const startRollout = route({
  method: 'POST',
  path,
  tag,
  summary: 'Move the alias `live` to a version in steps, and back when it fails too often',
  description:
    'After each step with at least `min_calls` calls the errors of the new version (and its 95th percentile) are compared with the limits; over one, all calls go back at once. How it ends is published on the topic `orama:rollout`.',
  access: 'required',
  params: functionPath,
  body: { kind: 'json', schema: rolloutRequestSchema },
  replies: { 202: { about: 'The rollout, at its first step.', schema: rolloutRecordSchema } },
  errors: ['function_not_found', 'conflict'],
  handle: async ({ services, namespace, params, body }) =>
    json(202, await services.rollouts.start(namespace, params.name, body)),
});

export const getRollout = route({
  method: 'GET',
  path,
  tag,
  summary: 'Show the rollout that runs, or the last one',
  access: 'required',
  params: functionPath,
  replies: { 200: { about: 'The rollout.', schema: rolloutRecordSchema } },
  errors: ['not_found'],
  handle: async ({ services, namespace, params }) =>
    json(200, await services.rollouts.get(namespace, params.name)),
});

export const abortRollout = route({
  method: 'DELETE',
  path,
  tag,
  summary: 'Abort the rollout: all calls go back to the version before',
  access: 'required',
  params: functionPath,
  replies: { 200: { about: 'The rollout, aborted.', schema: rolloutRecordSchema } },
  errors: ['not_found', 'conflict'],
  handle: async ({ services, namespace, params }) =>
    json(200, await services.rollouts.abort(namespace, params.name)),
});
