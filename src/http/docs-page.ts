import { headerName } from './header-name.js';
import { openApi, refusals, schemaOf } from './openapi.js';
import type { Route } from './route.js';
import { SOCKET_DOCS } from './ws/docs.js';

interface Parameter {
  name: string;
  in: string;
  required: boolean;
  description?: string;
  schema: Record<string, unknown>;
}

/**
 * The API's own documents as one page without any other file: what /openapi.json says, for people.
 */
export function docsPage(routes: readonly Route[], version: string): string {
  const paths = openApi(routes, version).paths as Record<string, Record<string, Record<string, unknown>>>;
  const tags = [...new Set(routes.map((route) => route.tag))];
  const sections = tags.map((tag) => {
    const own = routes.filter((route) => route.tag === tag);
    const endpoints = own.map((route) => {
      const operation = paths[route.path]?.[route.method.toLowerCase()] ?? {};
      return endpoint(route, operation);
    });
    return `<section id="${slug(tag)}"><h2>${tag}</h2>${endpoints.join('')}</section>`;
  });
  const sockets = SOCKET_DOCS.map(
    ({ path, summary, about, frame }) =>
      `<details><summary><b class="ws">WS</b> <code>${html(path)}</code> ${html(summary)}</summary><p>${html(about)}</p><h4>A frame</h4>${schemaBlock(schemaOf(frame, 'output'))}</details>`,
  );
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>Orama Functions API</title><style>${STYLE}</style></head><body>
<header><h1>Orama Functions API</h1>
<p>Version ${html(version)}. The same as a machine reads it: <a href="/openapi.json">/openapi.json</a>.
Credentials go in <code>X-API-Key</code> or <code>Authorization: Bearer</code>; errors are
<code>{"error": "&lt;sentence&gt;", "code": "&lt;word&gt;"}</code>.</p>
<nav>${[...tags, 'WebSockets'].map((tag) => `<a href="#${slug(tag)}">${tag}</a>`).join(' ')}</nav></header>
<main>${sections.join('')}<section id="websockets"><h2>WebSockets</h2>${sockets.join('')}</section></main>
</body></html>
`;
}

function endpoint(route: Route, operation: Record<string, unknown>): string {
  const parameters = (operation.parameters ?? []) as Parameter[];
  const body = operation.requestBody as { content: Record<string, { schema?: unknown }> } | undefined;
  const parts = [
    `<p>${ACCESS[route.access]}${route.scope === null ? '' : ` A key needs the scope <code>${route.scope}</code>.`}${route.description ? ` ${html(route.description)}` : ''}</p>`,
    parameters.length > 0 ? `<h4>Parameters</h4><table>${parameters.map(parameterRow).join('')}</table>` : '',
    body
      ? Object.entries(body.content)
          .map(([type, { schema }]) => `<h4>Body: <code>${type}</code></h4>${schemaBlock(schema)}`)
          .join('')
      : '',
    ...Object.entries(route.replies).map(([status, { about }]) => reply(status, about, operation)),
    `<h4>Refused with</h4><p>${refusalList(route)}</p>`,
  ];
  return `<details id="${operation.operationId}"><summary><b class="${route.method.toLowerCase()}">${route.method}</b>
<code>${html(route.path)}</code> ${html(route.summary)}</summary>${parts.join('')}</details>`;
}

const ACCESS = {
  open: 'No credential needed.',
  optional: 'Works without a credential, for what is public.',
  required: 'Needs a credential.',
};

function parameterRow({ name, in: place, required, description = '', schema }: Parameter): string {
  const shape = [schema.type, schema.enum, schema.minimum, schema.maximum, schema.pattern]
    .filter((part) => part !== undefined)
    .join(' ');
  return `<tr><td><code>${html(place === 'header' ? headerName(name) : name)}</code></td><td>${place}${required ? ', required' : ''}</td><td>${html(shape)}</td><td>${html(description)}</td></tr>`;
}

function reply(status: string, about: string, operation: Record<string, unknown>): string {
  const responses = operation.responses as Record<string, { content?: Record<string, { schema?: unknown }> }>;
  const schema = responses[status]?.content?.['application/json']?.schema;
  return `<h4>${status}</h4><p>${html(about)}</p>${schemaBlock(schema)}`;
}

function refusalList(route: Route): string {
  return [...refusals(route)]
    .sort(([a], [b]) => a - b)
    .map(([status, codes]) => `<b>${status}</b> ${codes.map((code) => `<code>${code}</code>`).join(', ')}`)
    .join(' · ');
}

function schemaBlock(schema: unknown): string {
  if (schema === undefined) return '';
  return `<pre>${html(JSON.stringify(schema, null, 2))}</pre>`;
}

function slug(text: string): string {
  return text.toLowerCase().replace(/[^a-z0-9]+/g, '-');
}

function html(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;');
}

const STYLE = `
:root{color-scheme:light dark;--line:light-dark(#ddd,#444);--soft:light-dark(#f5f5f2,#1d1f22)}
body{font:15px/1.5 system-ui,sans-serif;max-width:62rem;margin:0 auto;padding:1rem;background:light-dark(#fff,#141517);color:light-dark(#1b1b1b,#e4e4e4)}
nav{display:flex;flex-wrap:wrap;gap:.3rem 1rem}a{color:light-dark(#0a58a8,#7fb8f0)}
details{border:1px solid var(--line);border-radius:6px;margin:.4rem 0;padding:.4rem .8rem}summary{cursor:pointer}
details[open]>summary{margin-bottom:.5rem}h4{margin:.8rem 0 .2rem}
code,pre{font:13px/1.45 ui-monospace,monospace}pre{background:var(--soft);padding:.6rem;overflow:auto;border-radius:4px;max-height:24rem}
table{border-collapse:collapse;width:100%}td{border-bottom:1px solid var(--line);padding:.25rem .5rem .25rem 0;vertical-align:top}
summary b{display:inline-block;min-width:4.2rem;font:600 12px/1.4 ui-monospace,monospace}
.get{color:light-dark(#11702f,#6fce8b)}.post{color:light-dark(#8a5300,#e8b35a)}.put{color:light-dark(#6a3ab2,#b99bf0)}.delete{color:light-dark(#b3261e,#f2938c)}.ws{color:light-dark(#00687a,#5fd0e4)}
`;
