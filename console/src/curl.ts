import { bytes, shellWord } from './text.js';
import type { InvocationRecord } from './types.js';

/** The credential is a variable of the shell: a command is pasted into places that keep it. */
export const CURL_KEY = '-H "X-API-Key: $ORAMA_API_KEY"';

/**
 * Returns the option for a body. `--data-raw`, as `--data-binary` would read and send a local file
 * for a body that begins with `@`, and the body may come from a stranger.
 */
export function curlBody(text: string): string {
  return `--data-raw ${shellWord(text)}`;
}

/** Returns a curl command that repeats the invocation. */
export function curlOf(record: InvocationRecord): string {
  const { function: name, version, input, input_base64: base64, input_size: size } = record;
  const isKept = base64 !== undefined || input !== null || size === 0;
  // Only a replay repeats method, address and headers of a request to an HTTP function.
  if (record.method !== undefined && isKept) {
    return post(`/v1/invocations/${record.request_id}/replay`);
  }
  const call = post(`/v1/functions/${name}@${version}/invoke`);
  if (base64 !== undefined) return `echo ${base64} | base64 -d | ${call} \\\n  --data-binary @-`;
  if (!isKept) {
    return `# Its input of ${bytes(size)} is not kept any more: put it into the file "input".\n${call} \\\n  --data-binary @input`;
  }
  return input === null || input === '' ? call : `${call} \\\n  ${curlBody(input)}`;
}

function post(path: string): string {
  return `curl -X POST ${location.origin}${path} \\\n  ${CURL_KEY}`;
}
