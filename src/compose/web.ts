import type { Closers } from '../closers.js';
import { walletSignup } from '../config.js';
import { createAudit } from '../core/auth/audit.js';
import { createAuth } from '../core/auth/auth.js';
import { createConsoleSignIn } from '../core/auth/console-sign-in.js';
import { createTokens, storedJwtKey } from '../core/auth/jwt.js';
import { createKeys } from '../core/auth/keys.js';
import { createSessions } from '../core/auth/sessions.js';
import { createTriggers } from '../core/events/triggers.js';
import { createAliases } from '../core/functions/aliases.js';
import { createFunctions } from '../core/functions/deploy.js';
import { HttpRoutes } from '../core/functions/http-routes.js';
import { createModuleCheck } from '../core/functions/module-check.js';
import { startProbeRetries } from '../core/functions/probe-retries.js';
import { Rollouts } from '../core/functions/rollouts.js';
import { createInvocations } from '../core/invocations/invocations.js';
import { createDeadLetters } from '../core/invocations/replay.js';
import { createLogs } from '../core/observability/logs.js';
import { createStats } from '../core/observability/stats.js';
import { type Server, startServer } from '../http/server.js';
import type { Services } from '../http/services.js';
import type { Engine } from '../ports/engine.js';
import { VERSION } from '../version.js';
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
  { engine, isWorker }: WebOptions,
  closers: Closers,
): Promise<Server> {
  const { store, bus, queue, config, metrics } = ports;
  const { meter } = metrics;
  const texts = new MetricsTexts();
  const resultTtlMs = config.RESULT_TTL_SECONDS * 1000;

  const keys = closers.add(await createKeys({ store, bus, quotas: ports.quotas }));
  await keys.ensureAdmin(ports.keys.admin);
  const tokens = await createTokens({
    privateKey: config.ORAMA_JWT_KEY ?? (await storedJwtKey(store.settings, ports.keys.box)),
    foreign: config.ORAMA_JWKS_URL
      ? {
          jwksUrl: config.ORAMA_JWKS_URL,
          issuer: config.ORAMA_JWT_ISSUER,
          audience: config.ORAMA_JWT_AUDIENCE,
        }
      : undefined,
  });
  const sessions = closers.add(await createSessions({ store, bus, tokens, signup: walletSignup(config) }));

  const audit = createAudit({ store });

  addInstallationGauges(ports);
  const invocations = createInvocations({
    queue,
    attempts: store.attempts,
    callbacks: store.callbacks,
    finisher: core.finisher,
    backlog: ports.backlog,
  });
  const probeRetries = closers.add(startProbeRetries({ ...ports, ...core, engine }));
  let server: Server | undefined;
  const services: Services = {
    ...ports,
    ...core,
    version: VERSION,
    keys,
    audit,
    tokens,
    sessions,
    consoleSignIn: createConsoleSignIn({ sessions, nonces: store.sessions }),
    auth: createAuth({ keys, tokens, sessions, namespaces: store.sessions }),
    routes: new HttpRoutes(core.catalog),
    functions: createFunctions({ ...ports, ...core, engine, invocations, probeRetries }),
    aliases: createAliases({ ...ports, ...core }),
    rollouts: closers.add(new Rollouts({ ...ports, ...core })),
    triggers: createTriggers({ ...ports, ...core }),
    logs: createLogs({ store, bus }),
    invocations,
    deadLetters: createDeadLetters({ ...ports, ...core, audit, meter, resultTtlMs }),
    blobOwners: store.blobOwners,
    traces: store.traces,
    limiter: ports.rateLimiter,
    usage: createUsageReader(ports),
    stats: createStats({ attempts: store.attempts, queue }),
    health: () => checkHealth(ports, isWorker ? engine : null),
    checkModules: createModuleCheck({ ...ports, ...core }),
    peers: createPeers(ports, core.sharedMetrics),
    databaseBytes: (namespace) => answerInTime(ports.databases.bytes(namespace)),
    functionsUrl: () => server?.functionsUrl ?? '',
    async metrics(key, own) {
      const text = await texts.get(own?.namespace ?? '', key, () =>
        metrics.text(core.sharedMetrics.others(), own),
      );
      return { contentType: metrics.contentType, text };
    },
    async status() {
      const counts = await answerInTime(queue.counts()).catch(() => null);
      return { queue: counts, engine: isWorker ? engine.stats() : null };
    },
  };
  const { HOST: host, PORT: port } = config;
  server = closers.add(await startServer(services, { host, port, functionsPort: config.FUNCTIONS_PORT }));
  return server;
}
