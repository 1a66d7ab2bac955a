import { parseDocument } from 'yaml';
import { AppError } from '../errors.js';

/** Parses a YAML file that contains a mapping. Throws `invalid_manifest`. */
export function readYaml(text: string, fileName: string): object {
  const document = parseDocument(text, { prettyErrors: true, logLevel: 'silent' });
  const fault = document.errors[0];
  if (fault !== undefined) {
    const what = fault.message.split('\n', 1)[0]?.replace(/:$/, '') ?? 'syntax error';
    throw new AppError('invalid_manifest', `${fileName} is not valid YAML: ${what}`, { cause: fault });
  }
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 100 });
  } catch (cause) {
    throw new AppError('invalid_manifest', `${fileName} is not valid YAML: too many aliases`, { cause });
  }
  if (value === null || typeof value !== 'object' || Array.isArray(value)) {
    throw new AppError('invalid_manifest', `${fileName} must be a map of keys, such as "name: my-function"`);
  }
  return value;
}
