import { docsPage } from '../docs-page.js';
import { openApi } from '../openapi.js';
import { type Route, route } from '../route.js';

const tag = 'Engine';

/** The two endpoints that tell of all the others, and of themselves. */
export function docsRoutes(others: readonly Route[]): Route[] {
  let document: string | undefined;
  let page: string | undefined;

  const openapi: Route = route({
    method: 'GET',
    path: '/openapi.json',
    tag,
    summary: 'This API as an OpenAPI 3.1 document',
    access: 'open',
    scope: null,
    limited: false,
    replies: { 200: { about: 'The document.', types: { 'application/json': 'OpenAPI 3.1.' } } },
    async handle({ services }) {
      document ??= JSON.stringify(openApi(all, services.version));
      return { status: 200, bytes: document, type: 'application/json' };
    },
  });
  const docs: Route = route({
    method: 'GET',
    path: '/docs',
    tag,
    summary: 'This API as a page to read',
    access: 'open',
    scope: null,
    limited: false,
    replies: { 200: { about: 'The page.', types: { 'text/html': 'A page without any other file.' } } },
    async handle({ services }) {
      page ??= docsPage(all, services.version);
      return { status: 200, bytes: page, type: 'text/html', headers: PAGE_HEADERS };
    },
  });
  const all: readonly Route[] = [...others, openapi, docs];
  return [openapi, docs];
}

const PAGE_HEADERS = {
  'Content-Security-Policy': "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
  'Referrer-Policy': 'no-referrer',
};
