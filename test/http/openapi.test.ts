import { readFileSync } from 'node:fs';
import test from 'ava';
import { globSync } from 'tinyglobby';
import { ERRORS } from '../../src/errors.js';
import { docsPage } from '../../src/http/pages/docs-page.js';
import { openApi } from '../../src/http/pages/openapi.js';
import { routes } from '../../src/http/routes.js';

interface Media {
  schema?: object;
  example?: unknown;
}

interface Operation {
  operationId: string;
  responses: Record<string, { description: string; content?: Record<string, Media> }>;
}

/** A route of the engine; functions have routes of their own. */
const NAMED_ROUTE = /\b[A-Z]+ \/(?:v1|health|metrics|\.well-known)\b[\w/{}.-]*/g;

const document = openApi(routes, '1.2.3');
const operations = Object.entries(document.paths as Record<string, Record<string, Operation>>).flatMap(
  ([path, methods]) => Object.entries(methods).map(([method, operation]) => ({ path, method, ...operation })),
);

test('the OpenAPI document contains every route exactly once', (t) => {
  t.is(operations.length, routes.length);
  t.is(new Set(operations.map(({ operationId }) => operationId)).size, routes.length);
  t.deepEqual(JSON.parse(JSON.stringify(document)), document);
});

test('the routes are exactly those of this list, so that none is added or lost unnoticed', (t) => {
  const there = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  const wanted = `POST /v1/functions
GET /v1/functions
GET /v1/functions/{name}
DELETE /v1/functions/{name}
POST /v1/functions/{name}/rollback
POST /v1/functions/{name}/invoke
GET /v1/functions/{name}/versions
GET /v1/functions/{name}/settings
GET /v1/functions/{name}/module
GET /v1/functions/{name}/logs
PUT /v1/functions/secrets
GET /v1/functions/secrets
DELETE /v1/functions/secrets/{name}
POST /v1/functions/{name}/triggers
GET /v1/functions/{name}/triggers
DELETE /v1/functions/{name}/triggers/{id}
GET /v1/functions/{name}/ws
POST /v1/invoke/{namespace}/{name}
POST /v1/http-requests
POST /v1/pubsub/publish
POST /v1/pubsub/publish/batch
GET /v1/pubsub/topics
GET /v1/pubsub/presence
GET /v1/pubsub/ws
GET /v1/invocations/{id}
GET /v1/invocations/{id}/trace
GET /v1/invocations
DELETE /v1/invocations/{id}
POST /v1/invocations/{id}/replay
GET /v1/dead
POST /v1/functions/{name}/dead/replay
DELETE /v1/functions/{name}/dead
POST /v1/auth/keys
GET /v1/auth/keys
DELETE /v1/auth/keys/{id}
GET /v1/namespaces/{ns}/usage
PUT /v1/namespaces/{ns}/quotas
GET /v1/stats
POST /v1/auth/challenge
POST /v1/auth/verify
POST /v1/auth/refresh
POST /v1/auth/logout
POST /v1/auth/token
POST /v1/auth/console-links
POST /v1/auth/console-sessions
GET /v1/auth/whoami
GET /v1/audit
GET /v1/auth/jwks
GET /.well-known/jwks.json
GET /v1/auth/callback-secret
POST /v1/auth/callback-secret
POST /v1/rqlite/query
POST /v1/rqlite/exec
POST /v1/rqlite/transaction
POST /v1/rqlite/find
POST /v1/rqlite/find-one
POST /v1/rqlite/select
POST /v1/rqlite/create-table
POST /v1/rqlite/drop-table
GET /v1/rqlite/schema
POST /v1/cache/get
POST /v1/cache/put
POST /v1/cache/delete
POST /v1/cache/mget
POST /v1/cache/scan
GET /v1/cache/health
POST /v1/storage/upload
GET /v1/storage/get/{cid}
GET /v1/storage/status/{cid}
GET /v1/functions/{name}/aliases
PUT /v1/functions/{name}/aliases/{alias}
DELETE /v1/functions/{name}/aliases/{alias}
POST /v1/functions/{name}/rollout
GET /v1/functions/{name}/rollout
DELETE /v1/functions/{name}/rollout
PATCH /v1/functions/{name}/triggers/{id}
POST /v1/functions/{name}/triggers/{id}/run
POST /v1/storage/pin
DELETE /v1/storage/unpin/{cid}
GET /v1/network/status
GET /v1/network/peers
POST /v1/network/connect
POST /v1/network/disconnect
POST /v1/proxy/anon
GET /health
GET /v1/health
GET /v1/health/modules
GET /v1/version
GET /v1/status
GET /metrics
GET /openapi.json
GET /docs`.split('\n');
  t.deepEqual(
    wanted.filter((line) => !there.has(line)),
    [],
  );
  t.is(there.size, wanted.length);
});

test('every route that the documentation names exists', (t) => {
  const named = ['README.md', ...globSync('docs/*.md')].flatMap((page) =>
    [...readFileSync(page, 'utf8').matchAll(NAMED_ROUTE)].map(([route]) => ({ page, route })),
  );
  t.true(named.length > 30, `${named.length} routes`);
  const there = new Set(routes.map(({ method, path }) => `${method} ${path}`));
  t.deepEqual(
    named.filter(({ route }) => !there.has(route)),
    [],
  );
});

test('every status in the OpenAPI document is in the table of errors or in the replies of its route', (t) => {
  const ofErrors = new Set<number>(Object.values(ERRORS).map(({ status }) => status));
  for (const { path, method, responses } of operations) {
    const route = routes.find((one) => one.path === path && one.method.toLowerCase() === method);
    for (const status of Object.keys(responses)) {
      t.true(
        ofErrors.has(Number(status)) || status in (route?.responses ?? {}),
        `${method} ${path} ${status}`,
      );
      t.truthy(responses[status]?.description);
    }
  }
});

test('operations that claim a route or a member_id have the 409 of a taken one in the OpenAPI document', (t) => {
  for (const id of ['deployFunction', 'rollbackFunction', 'putAlias', 'startRollout', 'openTopicSocket']) {
    const operation = operations.find(({ operationId }) => operationId === id);
    t.truthy(operation?.responses[409], id);
  }
});

test('operation ids are unique and consist of a verb and a noun', (t) => {
  const ids = operations.map(({ operationId }) => operationId);
  t.deepEqual(
    ids.filter((id) => !/^[a-z]+[A-Z][A-Za-z0-9]*$/.test(id)),
    [],
  );
  t.is(new Set(ids.map((id) => id.toLowerCase())).size, ids.length);
  for (const id of ['invokeFunction', 'listInvocations', 'publishMessage', 'replayInvocation']) {
    t.true(ids.includes(id), id);
  }
});

test('every example body matches the schema of its endpoint', (t) => {
  for (const { body, operationId } of routes) {
    if (body?.kind === 'json') {
      t.notThrows(() => body.schema.parse(body.example), `${operationId}: ${JSON.stringify(body.example)}`);
    }
    if (body?.kind === 'multipart') t.notThrows(() => body.fields.parse(body.example), operationId);
  }
});

test('every JSON reply has an example that matches its schema', (t) => {
  for (const { responses, operationId, path, method } of routes) {
    const operation = operations.find((each) => each.path === path && each.method === method.toLowerCase());
    for (const [status, { schema }] of Object.entries(responses)) {
      if (schema === undefined) continue;
      const content = operation?.responses[status]?.content?.['application/json'];
      t.not(content?.example, undefined, `${operationId} ${status}`);
      const { error } = schema.safeParse(content?.example);
      t.is(error?.message, undefined, `${operationId} ${status} ${JSON.stringify(content?.example)}`);
    }
  }
});

test('the docs page lists every endpoint with a curl command and contains no scripts', (t) => {
  const page = docsPage(routes, '1.2.3');
  for (const { path, operationId } of routes) {
    t.true(page.includes(`<code>${path}</code>`), path);
    t.true(page.includes(`data-operation="${operationId}"`), operationId);
  }
  t.is(page.match(/<h3>With curl<\/h3>/g)?.length, routes.length);
  t.true(page.includes('curl -X POST &quot;$ORAMA_URL/v1/functions/resize/invoke&quot;'));
  t.true(page.includes('/v1/pubsub/ws'));
  t.false(/<script|<link|<img|src=|url\(|style=/.test(page));
});
