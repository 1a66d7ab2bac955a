import { aliasSchema, type VersionRef } from '../contract/alias.js';
import { type FunctionName, functionNameSchema } from '../contract/ids.js';

export interface ParsedRef {
  name: FunctionName;
  version?: VersionRef;
}

/** Parses `resize`, `resize@3` or `resize@beta`, which the schema of the path has validated. */
export function parseFunctionRef(ref: string): ParsedRef {
  const [name, version] = ref.split('@');
  const parsed = functionNameSchema.parse(name);
  if (version === undefined) return { name: parsed };
  return { name: parsed, version: /^\d/.test(version) ? Number(version) : aliasSchema.parse(version) };
}
