import { parseDocument } from 'yaml';
import { MAX_JSON_DEPTH } from '../../contract/json-depth.js';
import { AppError } from '../../errors.js';

/** The parser is recursive and reports a value that is nested too deep as the end of its stack. */
const STACK = /call stack/;
/** An expression that begins with an asterisk or an at sign, which have a meaning in YAML. */
const UNQUOTED_CRON = /\bcron:\s*([*@].*?)\s*(?=,\s|\s#|[}\]]|$)/;

/** Parses a YAML file that contains a mapping. Throws `invalid_manifest`. */
export function readYaml(text: string, fileName: string): object {
  // With the log level "silent", a second document would be ignored without an error.
  const document = parseDocument(text, { prettyErrors: true, logLevel: 'error' });
  const fault = document.errors[0];
  if (fault !== undefined) {
    if (STACK.test(fault.message)) {
      const sentence = `${fileName} is nested more than ${MAX_JSON_DEPTH} levels deep`;
      throw new AppError('invalid_manifest', sentence, { cause: fault });
    }
    if (fault.code === 'MULTIPLE_DOCS') {
      const sentence = `${fileName} must be a single document: a second one begins at line ${fault.linePos?.[0].line}`;
      throw new AppError('invalid_manifest', sentence, { cause: fault });
    }
    const what = fault.message.split('\n', 1)[0]?.replace(/:$/, '') ?? 'syntax error';
    const line = text.split('\n')[(fault.linePos?.[0].line ?? 0) - 1] ?? '';
    const [, cron] = UNQUOTED_CRON.exec(line) ?? [];
    const advice = cron === undefined ? '' : `; put the expression in quotes: cron: "${cron}"`;
    throw new AppError('invalid_manifest', `${fileName} is not valid YAML: ${what}${advice}`, {
      cause: fault,
    });
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
