import { aliasSchema, type VersionRef } from '../contract/alias.js';
import { type FunctionName, functionNameSchema } from '../contract/ids.js';

export interface ParsedRef {
  name: FunctionName;
  version?: VersionRef;
}

/** `resize`, `resize@3` or `resize@beta`, in the shape that the path's schema has checked. */
export function parseFunctionRef(ref: string): ParsedRef {
  const [name, version] = ref.split('@');
  const parsed = functionNameSchema.parse(name);
  if (version === undefined) return { name: parsed };
  return { name: parsed, version: /^\d/.test(version) ? Number(version) : aliasSchema.parse(version) };
}
