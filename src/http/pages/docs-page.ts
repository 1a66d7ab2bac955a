import type { Route } from '../route.js';
import { SOCKET_DOCS } from '../ws/docs.js';
import { curlOf } from './curl.js';
import { headerName } from './header-name.js';
import { openApi, refusals, schemaOf } from './openapi.js';

type Json = Record<string, unknown>;

interface Parameter {
  name: string;
  in: string;
  required: boolean;
  description?: string;
  schema: Json;
}

interface Media {
  schema?: unknown;
  example?: unknown;
}

interface Operation {
  operationId: string;
  parameters: Parameter[];
  requestBody?: { content: Record<string, Media> };
  responses: Record<string, { content?: Record<string, Media> }>;
}

/**
 * Renders /openapi.json as HTML. The page is complete without scripts; its script adds search and,
 * for each endpoint, a form that sends a request.
 */
export function docsPage(routes: readonly Route[], version: string): string {
  const paths = openApi(routes, version).paths as Record<string, Record<string, Operation>>;
  const tags = [...new Set(routes.map((route) => route.tag))];
  const sections = tags.map((tag) => {
    const endpoints = routes
      .filter((route) => route.tag === tag)
      .flatMap((route) => {
        const operation = paths[route.path]?.[route.method.toLowerCase()];
        return operation === undefined ? [] : [endpoint(route, operation)];
      });
    return `<section id="${slug(tag)}"><h2>${tag}</h2>${endpoints.join('')}</section>`;
  });
  const sockets = SOCKET_DOCS.map(
    ({ path, summary, description, frame }) =>
      `<details class="operation"><summary><b class="ws">WS</b> <code>${html(path)}</code> ${html(summary)}</summary><p>${html(description)}</p><h3>A frame</h3>${schemaBlock(schemaOf(frame, 'output'))}</details>`,
  );
  return `<header><h1>Orama Functions API</h1>
<p>Version ${html(version)}. The same as a machine reads it: <a href="/openapi.json">/openapi.json</a>.
Credentials go in <code>X-API-Key</code> or <code>Authorization: Bearer</code>; errors are
<code>{"error": "&lt;sentence&gt;", "code": "&lt;word&gt;"}</code>.</p>
<div id="docs-tools"></div>
<nav aria-label="Parts of the API">${[...tags, 'WebSockets'].map((tag) => `<a href="#${slug(tag)}">${tag}</a>`).join(' ')}</nav></header>
<main>${sections.join('')}<section id="websockets"><h2>WebSockets</h2>${sockets.join('')}</section></main>`;
}

function endpoint(route: Route, operation: Operation): string {
  const { operationId, parameters, requestBody } = operation;
  const parts = [
    `<p>${ACCESS[route.access]}${route.scope === null ? '' : ` A key needs the scope <code>${route.scope}</code>.`}${route.description ? ` ${prose(route.description)}` : ''} Operation <code>${operationId}</code>.</p>`,
    parameters.length > 0 ? `<h3>Parameters</h3>${parameterTable(operationId, parameters)}` : '',
    ...Object.entries(requestBody?.content ?? {}).map(([type, media]) => body(type, media)),
    `<h3>With curl</h3>${block(curlOf(route, parameters), `${operationId} with curl`)}`,
    `<div class="try" data-operation="${operationId}"></div>`,
    ...Object.entries(route.responses).map(([status, { description }]) =>
      reply(status, description, operation),
    ),
    `<h3>Refused with</h3><p>${refusalList(route)}</p>`,
  ];
  return `<details class="operation" id="${operationId}"><summary><b class="${route.method.toLowerCase()}">${route.method}</b>
<code>${html(route.path)}</code> ${html(route.summary)}</summary>${parts.join('')}</details>`;
}

const ACCESS = {
  open: 'No credential needed.',
  optional: 'Works without a credential, for what is public.',
  required: 'Needs a credential.',
};

/** Like the tables of the console, it shows each row as a block where the window is narrow. */
function parameterTable(operationId: string, parameters: readonly Parameter[]): string {
  const heads = ['Name', 'In', 'Value', 'About'].map(
    (name) => `<th scope="col" role="columnheader">${name}</th>`,
  );
  return `<div class="wide" tabindex="0" role="group" aria-label="Parameters of ${operationId}"><table role="table" class="stack"><thead role="rowgroup"><tr role="row">${heads.join('')}</tr></thead><tbody role="rowgroup">${parameters.map(parameterRow).join('')}</tbody></table></div>`;
}

function parameterRow({ name, in: place, required, description = '', schema }: Parameter): string {
  const { type, enum: values, minimum, maximum, pattern } = schema;
  const shape = [type, Array.isArray(values) ? values.join(', ') : '', boundsOf(minimum, maximum), pattern]
    .filter(Boolean)
    .join(' ');
  return `<tr role="row"><td role="cell" class="title"><code>${html(place === 'header' ? headerName(name) : name)}</code></td><td role="cell" data-column="In" class="place">${place}${required ? ', required' : ''}</td><td role="cell" data-column="Value" class="value">${html(shape)}</td><td role="cell" data-column="About" class="about">${description && `<span>${prose(description)}</span>`}</td></tr>`;
}

function boundsOf(minimum: unknown, maximum: unknown): string {
  if (maximum === undefined) return minimum === undefined ? '' : `at least ${minimum}`;
  return minimum === undefined ? `at most ${maximum}` : `${minimum} to ${maximum}`;
}

/** Escapes a sentence, and sets what stands in backticks as code. */
function prose(text: string): string {
  return html(text).replaceAll(/`([^`]+)`/g, '<code>$1</code>');
}

function body(type: string, { schema, example }: Media): string {
  const shown = example === undefined ? '' : block(JSON.stringify(example, null, 2), `An example of ${type}`);
  return `<h3>Body: <code>${type}</code></h3>${shown}${schemaBlock(schema)}`;
}

function reply(status: string, description: string, { operationId, responses }: Operation): string {
  const media = responses[status]?.content?.['application/json'];
  const example =
    media?.example === undefined
      ? ''
      : block(JSON.stringify(media.example, null, 2), `A reply ${status} of ${operationId}`);
  return `<h3>Reply ${status}</h3><p>${prose(description)}</p>${example}${schemaBlock(media?.schema)}`;
}

function refusalList(route: Route): string {
  return [...refusals(route)]
    .sort(([a], [b]) => a - b)
    .map(([status, codes]) => `<b>${status}</b> ${codes.map((code) => `<code>${code}</code>`).join(', ')}`)
    .join(' · ');
}

function schemaBlock(schema: unknown): string {
  if (schema === undefined) return '';
  return `<details class="schema"><summary>Schema</summary>${block(JSON.stringify(schema, null, 2), 'A JSON Schema')}</details>`;
}

/** Scrollable elements are focusable, so that they can be scrolled with the keyboard. */
function block(text: string, label: string): string {
  return `<pre tabindex="0" role="group" aria-label="${html(label)}">${html(text)}</pre>`;
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
