import {
  httpRequestBodySchema,
  httpRequestReplySchema,
  MAX_HTTP_REQUEST_BYTES,
} from '../../contract/http/http-requests.js';
import { clientDisconnected } from '../response/client-disconnect.js';
import { NO_STORE } from '../response/keep-private.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<never>();

export const sendHttpRequest = route({
  operationId: 'sendHttpRequest',
  method: 'POST',
  path: '/v1/http-requests',
  tag: 'Invocation',
  summary: 'Send a request to an HTTP function of the namespace and return its response as JSON',
  description:
    'For clients that cannot reach the address of HTTP functions, such as the console. The request goes ' +
    'through that address, so routes, methods, credentials, signatures and limits are the same. Any ' +
    'response of the function, including 4xx and 5xx, is returned with status 200 here and its own ' +
    'status in the body.',
  access: 'required',
  scope: 'invoke',
  body: {
    kind: 'json',
    schema: httpRequestBodySchema,
    example: { method: 'POST', path: '/orders?notify=1', headers: { 'X-Test': 'yes' }, body: '{"id":42}' },
    maxBytes: MAX_HTTP_REQUEST_BYTES,
  },
  responses: { 200: { description: 'The response of the function.', schema: httpRequestReplySchema } },
  errors: ['unavailable'],
  async handle({ sendToFunctions, namespace, body, ctx }) {
    const reply = await sendToFunctions({
      namespace,
      wanted: body,
      by: ctx.req,
      signal: clientDisconnected(ctx.res),
    });
    return { ...json(200, reply, NO_STORE), carriedOutBy: reply.request_id };
  },
});
