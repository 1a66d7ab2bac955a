import { readFile } from 'node:fs/promises';
import { PAGE_HEADERS } from '../pages/console.js';
import { docsPage } from '../pages/docs-page.js';
import { openApi } from '../pages/openapi.js';
import { type Route, routeUsing } from '../route.js';

const route = routeUsing<'version'>();

const tag = 'Engine';

/**
 * The page from the build output. It loads the scripts and styles and contains a placeholder for
 * the content.
 */
const SHELL = new URL('../../../console/docs.html', import.meta.url);
const PLACE = '<div id="docs"></div>';
/** Used if the console has not been built: the complete content without styles. */
const PLAIN_SHELL = `<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Orama Functions API</title></head><body>${PLACE}</body></html>`;

/** Returns the two endpoints that describe all endpoints, including themselves. */
export function docsRoutes(others: readonly Route[]): Route[] {
  let document: string | undefined;
  let page: string | undefined;

  const openapi: Route = route({
    operationId: 'getOpenApiDocument',
    method: 'GET',
    path: '/openapi.json',
    tag,
    summary: 'This API as an OpenAPI 3.1 document',
    access: 'open',
    scope: null,
    limited: false,
    responses: { 200: { description: 'The document.', types: { 'application/json': 'OpenAPI 3.1.' } } },
    async handle({ services }) {
      document ??= JSON.stringify(openApi(all, services.version));
      return { status: 200, bytes: document, type: 'application/json' };
    },
  });
  const docs: Route = route({
    operationId: 'getDocsPage',
    method: 'GET',
    path: '/docs',
    tag,
    summary: 'This API as a page with search and a form per endpoint',
    access: 'open',
    scope: null,
    limited: false,
    responses: { 200: { description: 'The page.', types: { 'text/html': 'The page.' } } },
    async handle({ services }) {
      page ??= await pageOf(services.version);
      return { status: 200, bytes: page, type: 'text/html', headers: PAGE_HEADERS };
    },
  });
  const all: readonly Route[] = [...others, openapi, docs];

  async function pageOf(version: string): Promise<string> {
    const shell = await readFile(SHELL, 'utf8').catch(() => PLAIN_SHELL);
    return shell.replace(PLACE, () => `<div id="docs">${docsPage(all, version)}</div>`);
  }
  return [openapi, docs];
}
