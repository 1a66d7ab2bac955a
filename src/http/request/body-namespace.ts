import * as z from 'zod';
import type { Principal } from '../../core/auth/principal.js';
import { assertOwnNamespace, parseNamespace } from '../admission/admission.js';

type Fields = Record<string, unknown>;

/**
 * Returns a function that takes the field `namespace` out of a body whose schema does not have it,
 * like the query parameter `namespace` of every route. It throws `forbidden` if the field names
 * another namespace than the credential's. If the schema has the field, the route decides.
 */
export function bodyNamespace(schema: z.ZodType): (body: unknown, principal: Principal | null) => unknown {
  let isInSchema: boolean | undefined;
  return (body, principal) => {
    if (principal === null || !isFields(body) || !Object.hasOwn(body, 'namespace')) return body;
    isInSchema ??= hasNamespace(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }));
    if (isInSchema) return body;
    const { namespace, ...others } = body;
    assertOwnNamespace(principal, parseNamespace(namespace));
    return others;
  };
}

function isFields(body: unknown): body is Fields {
  return typeof body === 'object' && body !== null && !Array.isArray(body);
}

function hasNamespace({ properties, anyOf = [] }: z.core.JSONSchema.BaseSchema): boolean {
  return properties?.namespace !== undefined || anyOf.some(hasNamespace);
}
