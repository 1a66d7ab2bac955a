import type { Closers } from '../closers.js';
import { type Config, walletSignup } from '../config.js';
import { Auth } from '../core/auth/auth.js';
import { createConsoleSignIn } from '../core/auth/console-sign-in.js';
import { openTokens, storedJwtKey } from '../core/auth/jwt.js';
import { Keys } from '../core/auth/keys.js';
import { Sessions } from '../core/auth/sessions.js';
import { Triggers } from '../core/events/triggers.js';
import { createAliases } from '../core/functions/aliases.js';
import { Deployments } from '../core/functions/deployments.js';
import { Functions } from '../core/functions/functions.js';
import { HttpRoutes } from '../core/functions/http-routes.js';
import { createModuleCheck } from '../core/functions/module-check.js';
import { ProbeRetries } from '../core/functions/probe-retries.js';
import { Rollouts } from '../core/functions/rollouts.js';
import { Invocations } from '../core/invocations/invocations.js';
import { DeadLetters } from '../core/invocations/replay.js';
import { createLogs } from '../core/observability/logs.js';
import { openPeerMetrics, type PeerMetrics } from '../core/observability/shared-metrics.js';
import { createStats } from '../core/observability/stats.js';
import { ADMIN_KEY_FILE, type DataDir } from '../files/data-dir.js';
import { type Server, startServer } from '../http/server.js';
import type { Services } from '../http/services.js';
import { VERSION } from '../package.js';
import type { Engine } from '../ports/engine.js';
import { answerInTime } from './answer-in-time.js';
import type { Core } from './core.js';
import { addInstallationGauges } from './gauges.js';
import { checkHealth } from './health.js';
import { MetricsTexts } from './metrics-texts.js';
import { createPeers } from './peers.js';
import type { Ports } from './ports.js';
import { createUsageReader } from './usage.js';

export interface WebOptions {
  /** Inspects deployed modules. */
  engine: Engine;
  /** Whether this process also runs functions. */
  isWorker: boolean;
}

/** Starts the HTTP server with its use cases. */
export async function startWeb(
  ports: Ports,
  core: Core,
  options: WebOptions,
  closers: Closers,
): Promise<Server> {
  const { store, queue, config, metrics } = ports;
  const { engine } = options;
  const resultTtlMs = config.RESULT_TTL_SECONDS * 1000;

  const access = await composeAccess(ports, closers);
  addInstallationGauges(ports);
  const invocations = new Invocations({
    queue,
    attempts: store.attempts,
    callbacks: store.callbacks,
    finisher: core.finisher,
    backlog: ports.backlog,
  });
  const probeRetries = closers.add(new ProbeRetries({ ...ports, ...core, engine }));
  const everyMs = config.METRICS_SHARE_SECONDS * 1000;
  const peerMetrics = closers.add(await openPeerMetrics({ ...ports, everyMs }));
  let server: Server | undefined;
  const services: Services = {
    ...ports,
    ...core,
    ...access,
    ...stateOf(ports, core, peerMetrics, options),
    version: VERSION,
    audit: store.audit,
    functionRoutes: new HttpRoutes(core.catalog),
    functions: new Functions({ ...ports, ...core, invocations }),
    deployments: new Deployments({ ...ports, ...core, engine, probeRetries }),
    aliases: createAliases({ ...ports, ...core }),
    rollouts: closers.add(new Rollouts({ ...ports, ...core })),
    triggers: new Triggers({ ...ports, ...core }),
    logs: createLogs(ports),
    invocations,
    deadLetters: new DeadLetters({ ...ports, ...core, meter: metrics.meter, resultTtlMs }),
    blobOwners: store.blobOwners,
    traces: store.traces,
    limiter: ports.rateLimiter,
    functionsUrl: () => server?.functionsUrl ?? '',
  };
  const { HOST: host, PORT: port } = config;
  server = closers.add(await startServer(services, { host, port, functionsPort: config.FUNCTIONS_PORT }));
  return server;
}

/** Opens what decides who a caller is. */
async function composeAccess(
  { store, bus, quotas, keys: installation, config, dataDir, logger }: Ports,
  closers: Closers,
): Promise<Pick<Services, 'auth' | 'keys' | 'tokens' | 'sessions' | 'consoleSignIn'>> {
  const keys = closers.add(await Keys.open({ store, bus, quotas }));
  const { isRevoked, others } = await keys.ensureAdmin(installation.admin);
  if (isRevoked) logger.error(revokedAdminKey(config, dataDir));
  for (const { id, namespace, created_at, last_used_at } of others) {
    logger.warn(
      { key: id, namespace, created_at, last_used_at },
      `another admin key than the one this process is set to is valid; if it is not in use any more, revoke it, and with it every key that was made with it: orama keys revoke ${id} --namespace ${namespace}`,
    );
  }
  const tokens = await openTokens({
    privateKey: config.ORAMA_JWT_KEY ?? (await storedJwtKey(store.settings, installation.box)),
    foreign: config.ORAMA_JWKS_URL
      ? {
          jwksUrl: config.ORAMA_JWKS_URL,
          issuer: config.ORAMA_JWT_ISSUER,
          audience: config.ORAMA_JWT_AUDIENCE,
        }
      : undefined,
  });
  const sessions = closers.add(await Sessions.open({ store, bus, tokens, signup: walletSignup(config) }));
  return {
    keys,
    tokens,
    sessions,
    consoleSignIn: createConsoleSignIn({ sessions, links: store.sessions }),
    auth: new Auth({ keys, tokens, sessions, namespaces: store.sessions }),
  };
}

/** Returns what a start with a revoked admin key logs: the process goes on without it. */
function revokedAdminKey({ ORAMA_ADMIN_KEY }: Config, { path }: DataDir): string {
  return ORAMA_ADMIN_KEY === undefined
    ? `the admin key in ${path}/${ADMIN_KEY_FILE} has been revoked and is not accepted; delete this file and restart to have a new one made`
    : 'the admin key in ORAMA_ADMIN_KEY has been revoked and is not accepted; set another one and restart';
}

/** Connects what shows the state of the process, of its servers and of other processes. */
function stateOf(
  ports: Ports,
  core: Core,
  peerMetrics: PeerMetrics,
  { engine, isWorker }: WebOptions,
): Pick<
  Services,
  'usage' | 'stats' | 'health' | 'checkModules' | 'peers' | 'databaseBytes' | 'metrics' | 'status'
> {
  const { store, queue, databases, metrics } = ports;
  const texts = new MetricsTexts();
  return {
    usage: createUsageReader(ports),
    stats: createStats({ attempts: store.attempts, queue }),
    health: () => checkHealth(ports, isWorker ? engine : null),
    checkModules: createModuleCheck({ ...ports, ...core }),
    peers: createPeers(ports, peerMetrics),
    databaseBytes: (namespace) => answerInTime(databases.bytes(namespace)),
    async metrics(key, own) {
      const text = await texts.get(
        own?.namespace ?? '',
        key,
        () => metrics.readInstallation(own),
        (installation) => metrics.text(peerMetrics.all(), installation, own),
      );
      return { contentType: metrics.contentType, text };
    },
    async status() {
      const counts = await answerInTime(queue.counts()).catch(() => null);
      return { queue: counts, engine: isWorker ? engine.stats() : null };
    },
  };
}
