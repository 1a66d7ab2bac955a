import {
  healthReplySchema,
  modulesReplySchema,
  statusReplySchema,
  versionReplySchema,
} from '../../contract/http/meta.js';
import { coversFunction, grants } from '../../contract/scopes.js';
import type { Principal } from '../../core/auth/principal.js';
import { assertScope } from '../../core/auth/rights.js';
import { AppError } from '../../errors.js';
import type { OwnSeries } from '../../ports/meter.js';
import type { QueueCounts } from '../../ports/queue.js';
import { healthReply, statusOf } from '../health.js';
import { NO_STORE } from '../response/keep-private.js';
import { json, routeUsing } from '../route.js';
import type { Services } from '../services.js';

const route = routeUsing<
  'checkModules' | 'config' | 'functionsUrl' | 'health' | 'metrics' | 'status' | 'version'
>();

const tag = 'Engine';

const healthSpec = {
  method: 'GET',
  tag,
  summary: 'Check whether the engine and all its dependencies are up',
  access: 'open',
  scope: null,
  limited: false,
  responses: {
    200: { description: 'All dependencies are up.', schema: healthReplySchema },
    503: { description: 'A dependency is down; the response names it.', schema: healthReplySchema },
  },
  async handle({ services }: { services: Pick<Services, 'health'> }) {
    const { status, body } = healthReply(await services.health());
    return json(status, body, NO_STORE);
  },
} as const;

export const health = route({ operationId: 'getHealth', ...healthSpec, path: '/health' });
export const healthV1 = route({ operationId: 'getHealthV1', ...healthSpec, path: '/v1/health' });

export const modules = route({
  operationId: 'checkModules',
  method: 'GET',
  path: '/v1/health/modules',
  tag,
  summary: "Read the stored modules of the namespace's functions, and name those that are damaged",
  access: 'required',
  scope: 'read',
  responses: {
    200: { description: 'The damaged modules; none if all are whole.', schema: modulesReplySchema },
  },
  errors: ['unavailable'],
  async handle({ services, namespace, principal }) {
    const { checked, damaged } = await services.checkModules(namespace);
    const seen = damaged.filter((module) => coversFunction(principal.rights, module.function));
    return json(200, { status: seen.length === 0 ? 'ok' : 'damaged', checked, damaged: seen });
  },
});

export const version = route({
  operationId: 'getVersion',
  method: 'GET',
  path: '/v1/version',
  tag,
  summary: 'Show the version of the engine',
  access: 'open',
  scope: null,
  limited: false,
  responses: { 200: { description: 'The version.', schema: versionReplySchema } },
  async handle({ services }) {
    return json(200, { name: 'orama-functions', version: services.version, node: process.version });
  },
});

export const status = route({
  operationId: 'getStatus',
  method: 'GET',
  path: '/v1/status',
  tag,
  summary: 'Show the state of the engine; with a credential of the scope read including details',
  access: 'optional',
  // A credential without the scope gets what anybody gets.
  scope: null,
  responses: {
    200: {
      description: 'Up or down, and with a credential of the scope read the details.',
      schema: statusReplySchema,
    },
  },
  async handle({ services, principal }) {
    const mayRead = principal !== null && grants(principal.rights, 'read');
    const isDetailed = mayRead || services.config.OPEN_METRICS;
    const [dependencies, details] = await Promise.all([
      services.health(),
      isDetailed ? services.status() : null,
    ]);
    const brief = {
      status: statusOf(dependencies),
      version: services.version,
      functions_url: services.functionsUrl(),
    };
    if (details === null) return json(200, brief);
    const { queue, engine } = details;
    return json(200, {
      ...brief,
      uptime_seconds: Math.floor(process.uptime()),
      dependencies,
      ...(queue === null ? {} : { queue: queueReply(queue) }),
      ...(engine ? { engine } : {}),
    });
  },
});

export const metrics = route({
  operationId: 'getMetrics',
  method: 'GET',
  path: '/metrics',
  tag,
  summary: 'Metrics of the namespace in the Prometheus text format; with the admin key of all namespaces',
  description: 'A key needs the scope `read`. With `OPEN_METRICS=true` nobody needs a credential.',
  access: 'optional',
  // Checked below, as open metrics are shown to anybody.
  scope: null,
  limited: false,
  responses: { 200: { description: 'The metrics.', types: { 'text/plain': 'Prometheus text format.' } } },
  errors: ['unauthorized', 'insufficient_scope'],
  async handle({ services, principal }) {
    if (!services.config.OPEN_METRICS) {
      if (!principal) {
        throw new AppError(
          'unauthorized',
          'Metrics need a credential; send an API key, or start the engine with OPEN_METRICS=true.',
        );
      }
      assertScope(principal, 'read');
    }
    const isForAll = services.config.OPEN_METRICS || principal?.isAdmin === true;
    const own = isForAll || !principal ? undefined : ownSeries(principal);
    const key =
      own === undefined || !principal
        ? ''
        : JSON.stringify([principal.namespace, principal.rights.functions]);
    const { contentType, text } = await services.metrics(key, own);
    return { status: 200, bytes: text, type: contentType };
  },
});

/**
 * Returns the metrics that a key may see: those of its namespace and of the functions that it may
 * read.
 */
function ownSeries({ namespace, rights }: Principal): OwnSeries {
  return {
    namespace,
    has: (series) =>
      series.namespace === namespace &&
      (series.function === undefined ? rights.functions === null : coversFunction(rights, series.function)),
  };
}

function queueReply({ waiting, running, retrying, bytes, oldestMs }: QueueCounts) {
  return { waiting, running, retrying, bytes, oldest_ms: oldestMs };
}
