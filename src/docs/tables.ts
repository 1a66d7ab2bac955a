import { settingRows } from '../config.js';
import { type HostFunction, hostFunction, hostFunctionNames } from '../contract/host-functions.js';
import {
  MAX_HOST_BYTES,
  MAX_HOST_CALLS,
  MAX_HOST_RESULT_BYTES,
  MAX_HOST_TEXT,
  MB,
} from '../contract/limits.js';
import { ERRORS } from '../errors.js';
import { sdkPage } from './sdk.js';

/**
 * Returns the generated pages of docs/ by file name. A test checks that the files are up to date.
 */
export function generatedPages(): Record<string, string> {
  return {
    'settings.md': settingsPage(),
    'errors.md': errorsPage(),
    'host-functions.md': hostFunctionsPage(),
    'sdk.md': sdkPage(),
  };
}

function settingsPage(): string {
  const rows = settingRows().map(
    ({ name, default: value, about }) => `| \`${name}\` | ${code(value)} | ${cell(about)} |`,
  );
  return `# Settings

Environment variables, read and validated at start; a wrong one stops the process with a sentence that names it. One with an
empty value counts as unset. Which driver serves which part follows from the URLs that are set. This page is made from \`src/settings.ts\` by \`npm run docs\`.

| setting | default | |
| --- | --- | --- |
${rows.join('\n')}
`;
}

function errorsPage(): string {
  const rows = Object.entries(ERRORS).map(
    ([name, { status, about }]) => `| \`${name}\` | ${status} | ${cell(about)} |`,
  );
  return `# Errors

Every error of the HTTP API is \`{"error": "<sentence>", "code": "<code>"}\`. The sentence is for people and may change; the code is
for programs and does not. This page is made from \`src/errors.ts\` by \`npm run docs\`.

| code | status | meaning |
| --- | --- | --- |
${rows.join('\n')}
`;
}

function hostFunctionsPage(): string {
  const rows = hostFunctionNames().map((name) => {
    const fn = hostFunction(name);
    const args = fn.args.map(([arg]) => arg).join(', ');
    const quota = fn.quota === undefined ? '' : `\`${fn.quota}\``;
    return `| \`${name}(${args})\` | ${wasmType(fn)} | ${cell(fn.does)} | ${quota} |`;
  });
  return `# Host functions

What a module may import from \`env\` or \`host\`; the SDKs wrap all of them ([functions.md](functions.md) has how to call them by hand).
Each acts as the invocation that calls it. A function that returns a string also has the form \`<name>_into\`, which takes a
buffer and needs no allocator. Seconds are an i64. An invocation may make ${MAX_HOST_CALLS} calls and move ${MAX_HOST_BYTES / MB} MB through them; one result
is at most ${MAX_HOST_RESULT_BYTES / MB} MB, a name, key, URL or list of headers ${MAX_HOST_TEXT >> 10} KB. A failed call returns 0 unless said otherwise, and its reason is in the invocation's log. This page is made
from \`src/contract/host-functions.ts\` by \`npm run docs\`.

| import | WASM type | does | quota |
| --- | --- | --- | --- |
${rows.join('\n')}
`;
}

function wasmType({ args, result }: HostFunction): string {
  const params = args.flatMap(([, kind]) => {
    if (kind === 'text' || kind === 'bytes') return ['i32', 'i32'];
    return [kind === 'i32' ? 'i32' : 'i64'];
  });
  const returned = result === null ? '' : result === 'i32' ? ' i32' : ' i64';
  return `${params.join(' ')} →${returned}`.trim();
}

const code = (text: string) => (text === 'unset' ? 'unset' : `\`${text}\``);
const cell = (text: string) => text.replaceAll('|', '\\|');
