import {
  consoleLinkReplySchema,
  consoleSessionBodySchema,
  loginReplySchema,
} from '../../contract/http/auth.js';
import { AppError } from '../../errors.js';
import { NO_STORE } from '../response/keep-private.js';
import { json, routeUsing } from '../route.js';

const route = routeUsing<'consoleSignIn'>();

const tag = 'Authentication';

export const createConsoleLink = route({
  operationId: 'createConsoleLink',
  method: 'POST',
  path: '/v1/auth/console-links',
  tag,
  summary: 'Create a link that signs in to the console once, within 5 minutes',
  description: 'The token follows the `#` of the link, so it is not sent to servers or proxies.',
  access: 'required',
  scope: null,
  responses: { 201: { description: 'The link, returned only once.', schema: consoleLinkReplySchema } },
  errors: ['forbidden'],
  async handle({ services, principal }) {
    const { token, expiresAt } = await services.consoleSignIn.createLink(principal);
    const expires = new Date(expiresAt).toISOString();
    return json(201, { token, path: `/console#token=${token}`, expires_at: expires }, NO_STORE);
  },
});

export const createConsoleSession = route({
  operationId: 'createConsoleSession',
  method: 'POST',
  path: '/v1/auth/console-sessions',
  tag,
  summary: 'Sign in to the console with an API key or the token of a link',
  description:
    'The login ends when its key is revoked, with POST /v1/auth/logout, or after 12 hours without a refresh.',
  access: 'optional',
  scope: null,
  body: {
    kind: 'json',
    schema: consoleSessionBodySchema,
    example: { token: 'ct_8e1d7f0a2c' },
    optional: true,
  },
  responses: {
    201: { description: 'An access token for 15 minutes, and a refresh token.', schema: loginReplySchema },
  },
  errors: ['unauthorized', 'forbidden'],
  async handle({ services, principal, body }) {
    if (body.token !== undefined) {
      return json(201, await services.consoleSignIn.exchange(body.token), NO_STORE);
    }
    if (principal === null) {
      throw new AppError('unauthorized', 'Send an API key as X-API-Key, or the token of a sign-in link.');
    }
    return json(201, await services.consoleSignIn.signIn(principal), NO_STORE);
  },
});
