import {
  httpRequestBodySchema,
  httpRequestReplySchema,
  MAX_HTTP_REQUEST_BYTES,
} from '../../contract/http/http-requests.js';
import { clientGone } from '../client-gone.js';
import { json, route } from '../route.js';

export const sendHttpRequest = route({
  operationId: 'sendHttpRequest',
  method: 'POST',
  path: '/v1/http-requests',
  tag: 'Invocation',
  summary: 'Send a request to an HTTP function of the namespace, and get its reply as JSON',
  description:
    'For clients that cannot reach the address of HTTP functions, such as the console. It goes through that very address: routes, methods, credentials, signatures and limits are the same, and what the function answers, also with 4xx and 5xx, is a 200 here with that status inside.',
  access: 'required',
  scope: 'invoke',
  body: {
    kind: 'json',
    schema: httpRequestBodySchema,
    example: { method: 'POST', path: '/orders?notify=1', headers: { 'X-Test': 'yes' }, body: '{"id":42}' },
    maxBytes: MAX_HTTP_REQUEST_BYTES,
  },
  replies: { 200: { about: 'What was answered.', schema: httpRequestReplySchema } },
  errors: ['unavailable'],
  async handle({ sendToFunctions, namespace, body, ctx }) {
    const reply = await sendToFunctions({ namespace, wanted: body, by: ctx.req, signal: clientGone(ctx) });
    return json(200, reply, { 'Cache-Control': 'no-store' });
  },
});
