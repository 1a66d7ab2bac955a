import {
  callbackSecretReplySchema,
  challengeBodySchema,
  challengeReplySchema,
  jwksReplySchema,
  loginReplySchema,
  logoutBodySchema,
  refreshBodySchema,
  tokenReplySchema,
  verifyBodySchema,
  whoamiReplySchema,
} from '../../contract/http/auth.js';
import { messageReplySchema } from '../../contract/http/common.js';
import { AppError } from '../../errors.js';
import { assertOwnNamespace } from '../admission/admission.js';
import { NO_STORE } from '../response/keep-private.js';
import { json, type RouteSpec, routeUsing } from '../route.js';

const route = routeUsing<'auth' | 'callbacks' | 'sessions' | 'tokens'>();

const tag = 'Authentication';

export const challenge = route({
  operationId: 'createChallenge',
  method: 'POST',
  path: '/v1/auth/challenge',
  tag,
  summary: 'Create a nonce for a wallet to sign; single use, valid for 5 minutes',
  access: 'open',
  scope: null,
  body: {
    kind: 'json',
    schema: challengeBodySchema,
    example: { wallet: '0x52908400098527886e0f7030069857d2e4169ee7', namespace: 'ada' },
  },
  responses: { 200: { description: 'The nonce.', schema: challengeReplySchema } },
  errors: ['forbidden'],
  async handle({ services, body }) {
    return json(200, await services.sessions.challenge(body), NO_STORE);
  },
});

export const verify = route({
  operationId: 'verifySignature',
  method: 'POST',
  path: '/v1/auth/verify',
  tag,
  summary: 'Log in with the signed nonce',
  description:
    'ETH: personal_sign (EIP-191) of the nonce, hex. SOL: Ed25519 of the nonce, Base64. The first wallet ' +
    'that logs in to a namespace owns it; `default` belongs to the admin key.',
  access: 'open',
  scope: null,
  body: {
    kind: 'json',
    schema: verifyBodySchema,
    example: {
      wallet: '0x52908400098527886e0f7030069857d2e4169ee7',
      nonce: '9f2d4c7b1a',
      signature: '0x…',
      namespace: 'ada',
      chain_type: 'ETH',
    },
  },
  responses: {
    200: { description: 'An access token for 15 minutes, and a refresh token.', schema: loginReplySchema },
  },
  errors: ['unauthorized', 'forbidden'],
  async handle({ services, body }) {
    const { chain_type: chain, ...request } = body;
    return json(200, await services.sessions.verify({ ...request, chain }), NO_STORE);
  },
});

export const refresh = route({
  operationId: 'refreshSession',
  method: 'POST',
  path: '/v1/auth/refresh',
  tag,
  summary: 'Exchange a refresh token for new tokens; each can be used once',
  description:
    'A second use of a refresh token ends its login, since one of the two users must have stolen it.',
  access: 'open',
  scope: null,
  body: { kind: 'json', schema: refreshBodySchema, example: { refresh_token: 'rt_5b1f0c9e7d' } },
  responses: { 200: { description: 'New tokens.', schema: loginReplySchema } },
  errors: ['unauthorized', 'forbidden'],
  async handle({ services, body }) {
    return json(200, await services.sessions.refresh(body.refresh_token, body.namespace), NO_STORE);
  },
});

export const logout = route({
  operationId: 'endSession',
  method: 'POST',
  path: '/v1/auth/logout',
  tag,
  summary:
    'End a login: that of the access token, that of the refresh token, or all logins of the wallet in the namespace',
  access: 'optional',
  scope: null,
  body: {
    kind: 'json',
    schema: logoutBodySchema,
    example: { refresh_token: 'rt_5b1f0c9e7d' },
    optional: true,
  },
  responses: {
    200: { description: 'Effective in all processes within 2 seconds.', schema: messageReplySchema },
  },
  errors: ['unauthorized'],
  async handle({ services, principal, body }) {
    if (principal) assertOwnNamespace(principal, body.namespace);
    if (body.all === true) {
      if (!principal?.wallet) {
        throw new AppError(
          'unauthorized',
          'To end all logins of a wallet, send the access token of one of them.',
        );
      }
      await services.sessions.logoutAll(principal.wallet, principal.namespace);
    } else if (body.refresh_token !== undefined) await services.sessions.logoutToken(body.refresh_token);
    else if (principal?.session) await services.sessions.logout(principal.session);
    else {
      throw new AppError(
        'invalid_request',
        'There is no login to end; send a refresh_token, or the access token of a wallet login.',
      );
    }
    return json(200, { message: 'Logged out.' });
  },
});

export const token = route({
  operationId: 'createToken',
  method: 'POST',
  path: '/v1/auth/token',
  tag,
  summary: 'Exchange an API key for a JWT that is valid for 15 minutes',
  access: 'required',
  scope: null,
  ignoresBody: true,
  responses: { 200: { description: 'The token; it is revoked with its key.', schema: tokenReplySchema } },
  errors: ['forbidden'],
  async handle({ services, principal }) {
    return json(200, await services.auth.tokenFor(principal), NO_STORE);
  },
});

export const whoami = route({
  operationId: 'getCaller',
  method: 'GET',
  path: '/v1/auth/whoami',
  tag,
  summary: 'Show the identity of the credential',
  access: 'required',
  scope: null,
  responses: { 200: { description: 'The identity.', schema: whoamiReplySchema } },
  async handle({ principal }) {
    return json(
      200,
      {
        authenticated: true,
        method: principal.kind,
        subject: principal.subject,
        wallet: principal.wallet,
        namespace: principal.namespace,
        is_admin: principal.isAdmin,
        scopes: principal.rights.scopes,
        functions: principal.rights.functions,
        expires_at: principal.expiresAt === null ? null : new Date(principal.expiresAt).toISOString(),
      },
      NO_STORE,
    );
  },
});

export const getCallbackSecret = route({
  operationId: 'getCallbackSecret',
  method: 'GET',
  path: '/v1/auth/callback-secret',
  tag,
  summary: 'Show the secret that signs the callbacks of the namespace',
  access: 'required',
  scope: 'secrets',
  responses: {
    200: { description: 'The secret, generated on first use.', schema: callbackSecretReplySchema },
  },
  async handle({ services, namespace }) {
    return json(200, { secret: await services.callbacks.secret(namespace) }, NO_STORE);
  },
});

export const renewCallbackSecret = route({
  operationId: 'renewCallbackSecret',
  method: 'POST',
  path: '/v1/auth/callback-secret',
  tag,
  summary: 'Generate a new callback secret; the old one is not used any more',
  access: 'required',
  scope: 'secrets',
  responses: { 200: { description: 'The new secret.', schema: callbackSecretReplySchema } },
  async handle({ services, namespace, actor }) {
    return json(200, { secret: await services.callbacks.renewSecret(actor(), namespace) }, NO_STORE);
  },
});

const keySet = {
  method: 'GET',
  tag,
  summary: 'The public keys that verify tokens of this engine',
  access: 'open',
  scope: null,
  limited: false,
  responses: { 200: { description: 'A JSON Web Key Set.', schema: jwksReplySchema } },
  async handle({ services }) {
    return json(200, services.tokens.jwks(), { 'Cache-Control': 'public, max-age=300' });
  },
} satisfies Omit<
  RouteSpec<'tokens', 'open', undefined, undefined, undefined, undefined>,
  'path' | 'operationId'
>;

export const jwks = route({ operationId: 'getKeySet', ...keySet, path: '/v1/auth/jwks' });
export const wellKnownJwks = route({
  operationId: 'getWellKnownKeySet',
  ...keySet,
  path: '/.well-known/jwks.json',
});
