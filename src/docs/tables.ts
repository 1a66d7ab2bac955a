import { settingRows } from '../config.js';
import { ERRORS } from '../errors.js';
import { sdkPage } from './sdk.js';

/** The pages of docs/ that are made from the code, by file name; a test holds them against it. */
export function generatedPages(): Record<string, string> {
  return { 'settings.md': settingsPage(), 'errors.md': errorsPage(), 'sdk.md': sdkPage() };
}

function settingsPage(): string {
  const rows = settingRows().map(
    ({ name, default: value, about }) => `| \`${name}\` | ${code(value)} | ${cell(about)} |`,
  );
  return `# Settings

Environment variables, read and validated at start; a wrong one stops the process with a sentence that names it. Which
driver serves which part follows from the URLs that are set. This page is made from \`src/config.ts\` by \`npm run docs\`.

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

const code = (text: string) => (text === 'unset' ? 'unset' : `\`${text}\``);
const cell = (text: string) => text.replaceAll('|', '\\|');
