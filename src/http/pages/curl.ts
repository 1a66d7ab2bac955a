import type { Route } from '../route.js';
import { exampleParameter } from './examples.js';

type Json = Record<string, unknown>;

/** Returns a curl command for the endpoint, with ORAMA_URL and ORAMA_API_KEY as in the CLI. */
export function curlOf(
  route: Route,
  parameters: readonly { name: string; in: string; schema: Json }[],
): string {
  const values = new Map(
    parameters
      .filter((each) => each.in === 'path')
      .map(({ name, schema }) => [name, exampleParameter(name, schema)]),
  );
  const path = route.path.replace(/\{(\w+)\}/g, (_, name: string) => values.get(name) ?? name);
  const method = route.method === 'GET' ? '' : `-X ${route.method} `;
  const key = route.access === 'open' ? [] : ['-H "X-API-Key: $ORAMA_API_KEY"'];
  return [`curl ${method}"$ORAMA_URL${path}"`, ...key, ...bodyWords(route)].join(' \\\n  ');
}

function bodyWords({ body }: Route): string[] {
  switch (body?.kind) {
    case undefined:
      return [];
    case 'raw':
      return [`--data-binary ${quoted(body.example)}`];
    case 'json':
      return [`-H 'Content-Type: application/json'`, `-d ${quoted(JSON.stringify(body.example))}`];
    case 'multipart':
      return [
        `-F ${body.file}=@${body.file === 'wasm' ? 'function.wasm' : 'picture.png'}`,
        ...Object.entries(body.example).map(([name, value]) => `-F ${quoted(`${name}=${value}`)}`),
      ];
  }
}

/** Quotes a word for a POSIX shell. */
function quoted(text: string): string {
  return /^[\w./:=@-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`;
}
