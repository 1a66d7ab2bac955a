import * as z from 'zod';
import { errorReplySchema } from '../../contract/http/common.js';
import { ERRORS, type ErrorCode } from '../../errors.js';
import type { BodySpec, ResponseSpec, Route } from '../route.js';
import { exampleOf } from './examples.js';
import { headerName } from './header-name.js';

type Json = Record<string, unknown>;

const ERROR_REF = { $ref: '#/components/schemas/Error' };

/** Returns the OpenAPI 3.1 document of the routes. */
export function openApi(routes: readonly Route[], version: string): Json {
  const paths: Record<string, Json> = {};
  for (const route of routes) {
    paths[route.path] = { ...paths[route.path], [route.method.toLowerCase()]: operation(route) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Orama Functions',
      version,
      description: 'A self-hosted, event-driven function engine: WASM functions on a persistent queue.',
    },
    servers: [{ url: '/' }],
    paths,
    components: {
      schemas: { Error: schemaOf(errorReplySchema, 'output') },
      securitySchemes: {
        apiKey: { type: 'apiKey', in: 'header', name: 'X-API-Key' },
        bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a JWT.' },
      },
    },
  };
}

/**
 * Returns all statuses that a route may respond with besides those that it lists, with their error
 * codes.
 */
export function refusals(route: Route): Map<number, ErrorCode[]> {
  const codes = new Set<ErrorCode>(route.errors);
  if (route.params ?? route.query ?? route.headers ?? route.body) codes.add('invalid_request');
  if (route.access === 'optional') codes.add('invalid_request').add('unauthorized');
  if (route.access === 'required') codes.add('unauthorized');
  if (route.scope !== null) codes.add('insufficient_scope');
  if (route.access !== 'open' && route.otherNamespaces !== 'everybody')
    codes.add('forbidden').add('invalid_request');
  if (route.access !== 'open' || (route.limited ?? true)) codes.add('rate_limited').add('quota_exceeded');
  if (route.body) codes.add('payload_too_large');
  if (route.body && route.body.kind !== 'raw') codes.add('unsupported_media_type');
  codes.add('headers_too_large').add('request_timeout').add('internal').add('unavailable');
  const byStatus = new Map<number, ErrorCode[]>();
  for (const code of codes) {
    const { status } = ERRORS[code];
    byStatus.set(status, [...(byStatus.get(status) ?? []), code]);
  }
  return byStatus;
}

function operation(route: Route): Json {
  const responses: Record<string, Json> = {};
  for (const [status, spec] of Object.entries(route.responses)) responses[status] = response(spec);
  for (const [status, codes] of refusals(route)) {
    const about = codes.map((code) => `\`${code}\`: ${ERRORS[code].about}`).join(' ');
    const listed = responses[status];
    responses[status] = listed
      ? { ...listed, description: `${listed.description} ${about}`, content: eitherError(listed.content) }
      : { description: about, content: { 'application/json': { schema: ERROR_REF } } };
  }
  const scope = route.scope === null ? '' : `A key needs the scope \`${route.scope}\`.`;
  const about = [route.description ?? '', scope].filter((part) => part !== '').join(' ');
  return {
    operationId: route.operationId,
    tags: [route.tag],
    summary: route.summary,
    ...(about === '' ? {} : { description: about }),
    ...(route.scope === null ? {} : { 'x-required-scope': route.scope }),
    ...(route.access === 'open' ? {} : { security: securityOf(route) }),
    parameters: [
      ...parametersOf('path', route.params, true),
      ...parametersOf('query', route.query, false),
      ...parametersOf('header', route.headers, false),
    ],
    ...(route.body ? { requestBody: requestBody(route.body) } : {}),
    responses,
  };
}

function securityOf({ access }: Route): Json[] {
  const schemes: Json[] = [{ apiKey: [] }, { bearer: [] }];
  return access === 'optional' ? [...schemes, {}] : schemes;
}

function response({ description, schema, types, headers }: ResponseSpec): Json {
  const content: Record<string, Json> = {};
  if (schema) {
    const shape = schemaOf(schema, 'output');
    content['application/json'] = { schema: shape, example: exampleOf(shape) };
  }
  for (const [type, text] of Object.entries(types ?? {})) content[type] = { schema: { description: text } };
  return {
    description,
    ...(headers ? { headers: headersOf(headers) } : {}),
    ...(Object.keys(content).length > 0 ? { content } : {}),
  };
}

function headersOf(headers: Record<string, string>): Json {
  return Object.fromEntries(
    Object.entries(headers).map(([name, description]) => [name, { description, schema: { type: 'string' } }]),
  );
}

/** Combines a route's own reply with the error reply of the same status. */
function eitherError(content: unknown): Json {
  const own = (content as { 'application/json'?: { schema?: Json } } | undefined)?.['application/json'];
  if (own?.schema === undefined) return { 'application/json': { schema: ERROR_REF } };
  return { 'application/json': { ...own, schema: { anyOf: [own.schema, ERROR_REF] } } };
}

function parametersOf(place: string, schema: z.ZodObject | undefined, isRequired: boolean): Json[] {
  if (!schema) return [];
  const { properties = {}, required = [] } = schemaOf(schema, 'input') as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  return Object.entries(properties).map(([key, { description, ...own }]) => ({
    name: place === 'header' ? headerName(key) : key,
    in: place,
    required: isRequired || required.includes(key),
    ...(description === undefined ? {} : { description }),
    schema: own,
  }));
}

function requestBody(body: BodySpec): Json {
  switch (body.kind) {
    case 'json':
      return {
        required: !body.optional,
        content: {
          'application/json': { schema: schemaOf(body.schema, 'input'), example: body.example },
        },
      };
    case 'raw':
      return {
        required: false,
        description: `${body.description} At most ${body.maxBytes} bytes, of any content type.`,
        content: {
          'application/json': { example: JSON.parse(body.example) },
          'application/octet-stream': {},
          'text/plain': {},
        },
      };
    case 'multipart': {
      const fields = schemaOf(body.fields, 'input') as { properties?: Json; required?: string[] };
      const schema = {
        type: 'object',
        properties: {
          ...fields.properties,
          [body.file]: { type: 'string', contentMediaType: 'application/octet-stream' },
        },
        required: [...(fields.required ?? []), body.file],
      };
      return { required: true, content: { 'multipart/form-data': { schema, example: body.example } } };
    }
  }
}

/** Returns the JSON Schema of what a client sends (`input`) or receives (`output`). */
export function schemaOf(schema: z.ZodType, io: 'input' | 'output'): Json {
  const { $schema: _, ...own } = z.toJSONSchema(schema, { io, unrepresentable: 'any' }) as Json;
  return JSON.parse(JSON.stringify(own), (key, value: unknown) => {
    // Later versions may add properties to a reply, so clients must not reject them.
    if (io === 'output' && key === 'additionalProperties' && value === false) return undefined;
    // Unicode property escapes are specific to JavaScript; most OpenAPI tools cannot compile them.
    if (key === 'pattern' && typeof value === 'string' && value.includes('\\p{')) return undefined;
    return value;
  }) as Json;
}
