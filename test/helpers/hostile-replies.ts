import { schemaOf } from '../../src/http/pages/openapi.js';
import type { Route } from '../../src/http/route.js';
import { routes } from '../../src/http/routes.js';
import { HOSTILE } from './hostile-text.js';

interface Schema {
  type?: string | string[];
  const?: unknown;
  enum?: unknown[];
  pattern?: string;
  format?: string;
  minimum?: number;
  properties?: Record<string, Schema>;
  propertyNames?: Schema;
  additionalProperties?: Schema | boolean;
  items?: Schema;
  anyOf?: Schema[];
  oneOf?: Schema[];
  allOf?: Schema[];
}

/** Strings of which one matches the pattern of any schema. */
const MATCHING = ['a', '01890000-0000-7000-8000-000000000000', '1.0.0', '1', 'GET /', '0'.repeat(40)];

/** Returns a value that is valid by the schema and hostile in every string that it leaves free. */
function hostile(schema: Schema): unknown {
  if (schema.const !== undefined) return schema.const;
  if (schema.enum !== undefined) return schema.enum[0];
  const variants = schema.anyOf ?? schema.oneOf;
  if (variants !== undefined) return hostile(variants.find(({ type }) => type !== 'null') ?? {});
  const [type] = [schema.type].flat();
  switch (type) {
    case 'object':
      return Object.fromEntries([
        ...Object.entries(schema.properties ?? {}).map(([key, inner]) => [key, hostile(inner)]),
        ...(typeof schema.additionalProperties === 'object'
          ? [[hostile(schema.propertyNames ?? { type: 'string' }), hostile(schema.additionalProperties)]]
          : []),
      ]);
    case 'array':
      return [hostile(schema.items ?? {}), hostile(schema.items ?? {})];
    case 'integer':
    case 'number':
      return Math.max(1, schema.minimum ?? 1);
    case 'boolean':
      return true;
    case 'null':
      return null;
    default:
      return hostileString(schema);
  }
}

function hostileString({ pattern, format }: Schema): string {
  if (format === 'date-time') return '2026-01-01T00:00:00.000Z';
  if (pattern === undefined) return `${HOSTILE}\nforged\trow`;
  return MATCHING.find((text) => new RegExp(pattern, 'u').test(text)) ?? '';
}

/** Returns the reply of a hostile server to a request: valid, so that the client shows it. */
export function hostileReply(method: string, path: string): { status: number; body: string } {
  for (const route of routes) {
    if (route.method !== method || !matches(route, path)) continue;
    const [status = '200', reply] = Object.entries(route.responses).find(([code]) => code < '300') ?? [];
    if (reply?.schema === undefined) return { status: Number(status), body: HOSTILE };
    const value = hostile(schemaOf(reply.schema, 'output') as Schema);
    return { status: Number(status), body: JSON.stringify(value) };
  }
  return { status: 404, body: JSON.stringify({ error: HOSTILE, code: HOSTILE }) };
}

function matches({ path }: Route, given: string): boolean {
  return new RegExp(`^${path.replace(/\{\w+\}/g, '[^/]+')}$`).test(given);
}
