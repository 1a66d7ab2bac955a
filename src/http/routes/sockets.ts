import { parseFunctionRef } from '../../contract/function-ref.js';
import { functionRefPath } from '../../contract/http/common.js';
import { invokeSocketQuerySchema } from '../../contract/http/invoke.js';
import { subscribeQuerySchema } from '../../contract/http/pubsub.js';
import { assertMayInvoke } from '../../core/auth/access.js';
import { AppError } from '../../errors.js';
import { routeUsing } from '../route.js';

const route = routeUsing<'catalog' | 'functionsUrl'>();

/**
 * The server handles WebSocket upgrades before routing; these routes answer requests without an
 * upgrade.
 */
const CREDENTIALS =
  'Browsers, which cannot set headers here, offer the subprotocols `orama` and `orama.bearer.<the key or token in base64url>`. ' +
  'The query takes it as `api_key` or `token`, too; but proxies log addresses.';
const responses = {
  101: { description: 'For a WebSocket handshake: the socket is open. Its frames are described in /docs.' },
};

export const invokeSocket = route({
  operationId: 'openInvokeSocket',
  method: 'GET',
  path: '/v1/functions/{name}/ws',
  tag: 'Invocation',
  summary: 'WebSocket: each message invokes the function',
  description: CREDENTIALS,
  access: 'optional',
  scope: 'invoke',
  params: functionRefPath,
  query: invokeSocketQuerySchema,
  responses,
  errors: ['function_not_found', 'unauthorized', 'upgrade_required'],
  async handle({ services, principal, namespace, params }) {
    const ref = { namespace, ...parseFunctionRef(params.name) };
    await assertMayInvoke(services, principal, ref);
    await services.catalog.candidates(ref.namespace, ref.name, ref.version);
    throw upgradeRequired('/v1/functions/{name}/ws');
  },
});

export const topicSocket = route({
  operationId: 'openTopicSocket',
  method: 'GET',
  path: '/v1/pubsub/ws',
  tag: 'PubSub',
  summary: 'WebSocket: subscribes to a topic, and publishes received messages',
  description: CREDENTIALS,
  access: 'required',
  scope: 'read',
  // Optional here, so that a request without an upgrade gets the error about the upgrade first.
  query: subscribeQuerySchema.extend({
    topic: subscribeQuerySchema.shape.topic
      .optional()
      .describe('Required for a WebSocket: the topic to subscribe to.'),
  }),
  responses,
  errors: ['conflict', 'upgrade_required'],
  async handle() {
    throw upgradeRequired('/v1/pubsub/ws?topic=');
  },
});

function upgradeRequired(path: string): AppError {
  return new AppError(
    'upgrade_required',
    `${path} is a WebSocket; connect to it with a WebSocket client, which sends "Upgrade: websocket".`,
  );
}
