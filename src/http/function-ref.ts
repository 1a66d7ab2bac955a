import { type FunctionName, functionNameSchema } from '../contract/ids.js';

export interface ParsedRef {
  name: FunctionName;
  version?: number;
}

/** `resize` or `resize@3`, in the shape that the path's schema has checked. */
export function parseFunctionRef(ref: string): ParsedRef {
  const [name, version] = ref.split('@');
  const parsed = functionNameSchema.parse(name);
  return version === undefined ? { name: parsed } : { name: parsed, version: Number(version) };
}
