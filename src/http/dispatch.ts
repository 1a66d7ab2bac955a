import type { Context } from 'koa';
import type { z } from 'zod';
import { parseOrRefuse } from '../contract/sentence.js';
import { AppError } from '../errors.js';
import type { Admission } from './admission.js';
import { credentialOf } from './credential.js';
import { readForm } from './multipart.js';
import { parseJson } from './parse-json.js';
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
      body: route.body && (await bodyOf(ctx, route.body)),
    });
    await send(ctx, answer, route.hot ?? false);
  };
}

const NOTHING: Record<string, never> = {};

function readerOf(schema: z.ZodObject | undefined): TextReader<Record<string, unknown>> {
  return schema ? textReader(schema) : () => NOTHING;
}

async function bodyOf(ctx: Context, spec: BodySpec): Promise<unknown> {
  switch (spec.kind) {
    case 'raw':
      return readBody(ctx.req, spec.maxBytes);
    case 'multipart':
      assertNotEncoded(ctx);
      return readForm(ctx, spec.file, spec.maxFileBytes);
    case 'json': {
      assertNotEncoded(ctx);
      const bytes = await readBody(ctx.req, spec.maxBytes ?? MAX_JSON_BYTES);
      const value = bytes.byteLength === 0 && spec.optional ? {} : parseJson(bytes, spec.exactIntegers);
      return parseOrRefuse(spec.schema, value, { code: 'invalid_request' });
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
