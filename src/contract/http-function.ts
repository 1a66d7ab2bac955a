import * as z from 'zod';
import { isOrigin, ORIGIN_RULE } from './origin.js';
import { show } from './show.js';

/** Methods of HTTP functions. HEAD runs GET. The engine responds to OPTIONS unless it is listed. */
export const HTTP_METHODS = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'] as const;
export type HttpMethod = (typeof HTTP_METHODS)[number];

const VERIFY_SCHEMES = ['github', 'stripe', 'slack', 'standard-webhooks', 'hmac'] as const;

const methodSchema = z.enum(HTTP_METHODS, {
  error: (issue) => `must be one of ${HTTP_METHODS.join(', ')}, not ${show(issue.input)}`,
});
const methodsSchema = z.array(methodSchema).min(1).max(HTTP_METHODS.length);

/** An HTTP field name: a token (RFC 9110 §5.6.2). */
const fieldNameSchema = z.string().regex(/^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/, {
  error: (issue) => `must be a header name such as "X-Signature", not ${show(issue.input)}`,
});
const secretNamesSchema = z.string().regex(/^[A-Za-z0-9_.-]{1,128}(\s*,\s*[A-Za-z0-9_.-]{1,128}){0,9}$/, {
  error: (issue) => `must name one to ten secrets, separated by commas, not ${show(issue.input)}`,
});
const toleranceSchema = z
  .number({ error: (issue) => `must be a number of seconds from 1 to 86400, not ${show(issue.input)}` })
  .int()
  .min(1)
  .max(86_400);

const timestampedSchema = <S extends string>(scheme: S) =>
  z.strictObject({
    scheme: z.literal(scheme),
    secret: secretNamesSchema,
    tolerance: toleranceSchema.default(300),
  });

/** How a request's signature is verified before the invocation is queued. */
const verifySchema = z.discriminatedUnion(
  'scheme',
  [
    z.strictObject({ scheme: z.literal('github'), secret: secretNamesSchema }),
    timestampedSchema('stripe'),
    timestampedSchema('slack'),
    timestampedSchema('standard-webhooks'),
    z.strictObject({
      scheme: z.literal('hmac'),
      secret: secretNamesSchema,
      header: fieldNameSchema,
      algorithm: z.enum(['sha256', 'sha1', 'sha512']).default('sha256'),
      encoding: z.enum(['hex', 'base64']).default('hex'),
      prefix: z.string().max(64).default(''),
    }),
  ],
  { error: ({ input }) => verifyError(input) },
);

function verifyError(verify: unknown): string {
  if (typeof verify !== 'object' || verify === null) return `must be a map, not ${show(verify)}`;
  const scheme = 'scheme' in verify ? verify.scheme : undefined;
  return `must be one of ${VERIFY_SCHEMES.join(', ')}, not ${show(scheme)}`;
}

export type VerifySettings = z.infer<typeof verifySchema>;

const originSchema = z.string().refine(isOrigin, {
  error: (issue) => `must be ${ORIGIN_RULE}, not ${show(issue.input)}`,
});
const corsSchema = z
  .strictObject({
    origins: z.array(originSchema).min(1).max(100),
    methods: methodsSchema.optional(),
    headers: z.array(fieldNameSchema).max(100).optional(),
    credentials: z.boolean().default(false),
    max_age: z.number().int().min(0).max(86_400).default(600),
  })
  .refine(({ origins, credentials }) => !credentials || !origins.includes('*'), {
    error: 'must name its origins when credentials is true: browsers refuse "*" with credentials',
  });
export type CorsSettings = z.infer<typeof corsSchema>;

/** A route such as `POST /hooks/github`, `GET /users/{id}` or `GET /files/{path...}`. */
const ROUTE = /^(GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (\/\S*)$/;
const FIXED = /^[A-Za-z0-9._~!$&',;=@+-]+$/;
const PARAMETER = /^\{([A-Za-z_][A-Za-z0-9_]{0,63})(\.\.\.)?\}$/;

export interface RouteSegment {
  kind: 'fixed' | 'parameter' | 'rest';
  /** Text of the segment, or name of the parameter. */
  name: string;
}
export interface ParsedRoute {
  method: HttpMethod;
  path: string;
  segments: RouteSegment[];
}

/** Parses a route. Returns null if the text is not one. */
export function parseRoute(text: string): ParsedRoute | null {
  const match = ROUTE.exec(text);
  if (match === null) return null;
  const [, method = '', path = ''] = match;
  const segments: RouteSegment[] = [];
  const parts = path === '/' ? [] : path.slice(1).split('/');
  for (const [index, part] of parts.entries()) {
    const parameter = PARAMETER.exec(part);
    if (parameter !== null) {
      const isRest = parameter[2] !== undefined;
      if (isRest && index < parts.length - 1) return null;
      segments.push({ kind: isRest ? 'rest' : 'parameter', name: parameter[1] ?? '' });
    } else if (FIXED.test(part) && part !== '.' && part !== '..')
      segments.push({ kind: 'fixed', name: part });
    else return null;
  }
  const names = segments.filter(({ kind }) => kind !== 'fixed').map(({ name }) => name);
  if (new Set(names).size < names.length) return null;
  return { method: method as HttpMethod, path, segments };
}

/**
 * Returns the shape of a route without parameter names. Routes with the same shape match the same
 * requests.
 */
export function routeShape({ method, segments }: ParsedRoute): string {
  const parts = segments.map(({ kind, name }) =>
    kind === 'fixed' ? name : kind === 'rest' ? '{...}' : '{}',
  );
  return `${method} /${parts.join('/')}`;
}

const routeSchema = z
  .string()
  .max(512, { abort: true })
  .refine((text) => parseRoute(text) !== null, {
    error: (issue) =>
      `must be a method and a path such as "GET /users/{id}" or "GET /files/{path...}", not ${show(issue.input)}`,
  });

/** The key `http` of function.yaml, which makes the function callable by any HTTP client. */
export const httpFunctionSchema = z
  .strictObject({
    methods: methodsSchema.optional(),
    auth: z.enum(['none', 'key']).optional(),
    mode: z.enum(['sync', 'async']).default('sync'),
    routes: z.array(routeSchema).max(100).default([]),
    verify: verifySchema.optional(),
    idempotency: fieldNameSchema.optional(),
    cors: corsSchema.optional(),
    max_body_kb: z
      .number({ error: (issue) => `must be a whole number from 1 to 1024 KB, not ${show(issue.input)}` })
      .int()
      .min(1)
      .max(1024)
      .default(1024),
  })
  .superRefine(({ methods, routes }, context) => {
    if (methods === undefined) return;
    for (const [index, route] of routes.entries()) {
      if (methods.includes(parseRoute(route)?.method ?? 'GET')) continue;
      context.addIssue({
        code: 'custom',
        path: ['routes', index],
        message: `must have one of the methods in http.methods (${methods.join(', ')}), not ${show(route)}`,
      });
    }
  });
export type HttpFunctionSettings = z.infer<typeof httpFunctionSchema>;
