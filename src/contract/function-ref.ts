import * as z from 'zod';
import { aliasSchema, type VersionRef } from './alias.js';
import { type FunctionName, functionNameSchema } from './ids.js';
import { show } from './show.js';

/** `name`, `name@version` or `name@alias`. */
export const functionRefSchema = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,64}(@([1-9][0-9]{0,8}|[A-Za-z][A-Za-z0-9_-]{0,63}))?$/, {
    error: ({ input }) =>
      `must be a function's name, name@version or name@alias, such as "resize", "resize@3" or "resize@live", not ${show(input)}`,
  })
  .refine((ref) => !/^secrets(@|$)/.test(ref), 'may not be "secrets", which is reserved')
  .refine(
    (ref) => !ref.endsWith('@newest'),
    'may not end with "@newest": the name alone is the newest version, or the alias "live" where there is one',
  );

export interface ParsedRef {
  name: FunctionName;
  version?: VersionRef;
}

/** Parses `resize`, `resize@3` or `resize@beta`, which `functionRefSchema` has validated. */
export function parseFunctionRef(ref: string): ParsedRef {
  const [name, version] = ref.split('@');
  const parsed = functionNameSchema.parse(name);
  if (version === undefined) return { name: parsed };
  return { name: parsed, version: /^\d/.test(version) ? Number(version) : aliasSchema.parse(version) };
}
