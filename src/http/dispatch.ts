import type { Context } from 'koa';
import type { z } from 'zod';
import { parseOrRefuse } from '../contract/sentence.js';
import { AppError } from '../errors.js';
import type { Admission } from './admission.js';
import { credentialOf } from './credential.js';
import { readForm } from './multipart.js';
import { readJson } from './parse-json.js';
import { readBody } from './read-body.js';
import { type TextReader, textReader } from './read-text.js';
import type { BodySpec, Route } from './route.js';
import { send } from './send.js';
import type { Services } from './services.js';

const MAX_JSON_BYTES = 1 << 20;

/** What all routes are served with. */
export interface Serving {
  services: Services;
  admit: Admission;
  /** Aborted when the server stops. */
  stopping: AbortSignal;
}

/** The middleware that serves one route: admits, reads what its schemas describe, handles, answers. */
export function dispatch(route: Route, { services, admit, stopping }: Serving) {
  const readParams = readerOf(route.params);
  const readQuery = readerOf(route.query);
  const readHeaders = readerOf(route.headers);
  const { access, anyNamespace = false, limited = true } = route;

  return async (ctx: Context): Promise<void> => {
    if (route.refusal) ctx.state.refusal = route.refusal;
    const query = ctx.querystring === '' ? NOTHING : ctx.query;
    const { principal, namespace, countUse } = await admit(ctx.req, {
      access,
      credential: access === 'open' ? null : credentialOf(ctx.req.headers),
      namespace: query.namespace,
      anyNamespace,
      limited,
    });
    const { body, text } = route.body ? await bodyOf(ctx, route.body) : NO_BODY;
    const answer = await route.handle({
      services,
      stopping,
      ctx,
      principal,
      namespace,
      countUse,
      params: readParams(ctx.params),
      query: readQuery(query),
      headers: readHeaders(ctx.req.headers),
      body,
      bodyText: text,
    });
    await send(ctx, answer, route.hot ?? false);
  };
}

const NOTHING: Record<string, never> = {};

/** A request's body as its schema reads it, and the text of a JSON one. */
interface Body {
  body: unknown;
  text: string;
}

const NO_BODY: Body = { body: undefined, text: '' };

function readerOf(schema: z.ZodObject | undefined): TextReader<Record<string, unknown>> {
  return schema ? textReader(schema) : () => NOTHING;
}

async function bodyOf(ctx: Context, spec: BodySpec): Promise<Body> {
  switch (spec.kind) {
    case 'raw':
      return { body: await readBody(ctx.req, spec.maxBytes), text: '' };
    case 'multipart':
      assertNotEncoded(ctx);
      return { body: await readForm(ctx, spec.file, spec.maxFileBytes), text: '' };
    case 'json': {
      assertNotEncoded(ctx);
      const bytes = await readBody(ctx.req, spec.maxBytes ?? MAX_JSON_BYTES);
      const isLeftOut = bytes.byteLength === 0 && spec.optional === true;
      const { value, text } = isLeftOut ? { value: {}, text: '' } : readJson(bytes);
      return { body: parseOrRefuse(spec.schema, value, { code: 'invalid_request' }), text };
    }
  }
}

function assertNotEncoded(ctx: Context): void {
  const encoding = ctx.get('content-encoding');
  if (encoding === '' || encoding.toLowerCase() === 'identity') return;
  throw new AppError(
    'unsupported_media_type',
    `The body is sent with "Content-Encoding: ${encoding.slice(0, 80)}"; send it as it is, without compression.`,
  );
}
