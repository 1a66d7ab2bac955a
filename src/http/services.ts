import type { Config } from '../config.js';
import type { Namespace } from '../contract/ids.js';
import type { Auth } from '../core/auth/auth.js';
import type { ConsoleSignIn } from '../core/auth/console-sign-in.js';
import type { Tokens } from '../core/auth/jwt.js';
import type { Keys } from '../core/auth/keys.js';
import type { Sessions } from '../core/auth/sessions.js';
import type { Publisher } from '../core/events/publish.js';
import type { Triggers } from '../core/events/triggers.js';
import type { Aliases } from '../core/functions/aliases.js';
import type { Catalog } from '../core/functions/catalog.js';
import type { Deployments } from '../core/functions/deployments.js';
import type { Functions } from '../core/functions/functions.js';
import type { HttpRoutes } from '../core/functions/http-routes.js';
import type { ModuleCheck } from '../core/functions/module-check.js';
import type { Rollouts } from '../core/functions/rollouts.js';
import type { CallDepth } from '../core/invocations/call-depth.js';
import type { Callbacks } from '../core/invocations/callbacks.js';
import type { Invocations } from '../core/invocations/invocations.js';
import type { Invoker } from '../core/invocations/invoke.js';
import type { DeadLetters } from '../core/invocations/replay.js';
import type { Logs } from '../core/observability/logs.js';
import type { Stats } from '../core/observability/stats.js';
import type { Quotas, UsageReader } from '../core/quotas.js';
import type { Secrets } from '../core/secrets.js';
import type { Logger } from '../logger.js';
import type { Blobs } from '../ports/blobs.js';
import type { Bus } from '../ports/bus.js';
import type { Cache } from '../ports/cache.js';
import type { EngineStats } from '../ports/engine.js';
import type { FunctionDatabases } from '../ports/function-databases.js';
import type { Leases } from '../ports/leases.js';
import type { OwnSeries } from '../ports/meter.js';
import type { Node } from '../ports/node.js';
import type { Presence } from '../ports/presence.js';
import type { QueueCounts } from '../ports/queue.js';
import type { RateLimiter } from '../ports/rate-limiter.js';
import type { AuditStore } from '../ports/store/audit.js';
import type { BlobOwnerStore } from '../ports/store/blob-owners.js';
import type { TraceStore } from '../ports/store/traces.js';
import type { Tracer } from '../ports/tracer.js';
import type { DependencyStates } from './health.js';

/** The settings that the HTTP layer depends on. */
export type HttpConfig = Pick<
  Config,
  | 'ANON_RATE_LIMIT_PER_MINUTE'
  | 'FUNCTIONS_HOST'
  | 'SYNC_WAIT_SECONDS'
  | 'SHUTDOWN_SECONDS'
  | 'OPEN_METRICS'
  | 'CORS_ORIGINS'
  | 'TRUSTED_PROXIES'
  | 'MAX_CONNECTIONS'
  | 'REQUEST_HEADERS_SECONDS'
  | 'REQUEST_IDLE_SECONDS'
  | 'SOCKET_PING_SECONDS'
>;

/** `silent` names the dependencies that did not list their servers in time. */
export interface Peers {
  nodes: Node[];
  silent: string[];
}

/** Everything that routes and sockets use: use cases, and ports for the data of a namespace. */
export interface Services {
  config: HttpConfig;
  version: string;
  logger: Logger;
  tracer: Tracer;

  auth: Auth;
  keys: Keys;
  audit: AuditStore;
  sessions: Sessions;
  consoleSignIn: ConsoleSignIn;
  tokens: Tokens;

  catalog: Catalog;
  functionRoutes: HttpRoutes;
  functions: Functions;
  deployments: Deployments;
  invoker: Invoker;
  publisher: Publisher;
  secrets: Secrets;
  aliases: Aliases;
  rollouts: Rollouts;
  triggers: Triggers;
  logs: Logs;
  invocations: Invocations;
  deadLetters: DeadLetters;
  callbacks: Callbacks;
  traces: Pick<TraceStore, 'get'>;
  depths: CallDepth;
  quotas: Quotas;
  usage: UsageReader;
  stats: Stats;

  databases: FunctionDatabases;
  cache: Cache;
  blobs: Blobs;
  blobOwners: BlobOwnerStore;
  presence: Presence;
  bus: Bus;
  leases: Leases;
  limiter: RateLimiter;

  /** Id of this process. */
  processId: string;
  /** Lists the engine's processes; with `all` also the servers that store its data. */
  peers(all: boolean): Promise<Peers>;
  /** The size of a namespace's database. Rejects soon when that does not answer. */
  databaseBytes(namespace: Namespace): Promise<number>;
  health(): Promise<DependencyStates>;
  checkModules: ModuleCheck;
  /** Returns the base URL of HTTP functions. */
  functionsUrl(): string;
  /**
   * Returns the metrics in the Prometheus text format; with `own`, only these series. Requests with
   * the same `key` may get the same text.
   */
  metrics(key: string, own?: OwnSeries): Promise<{ contentType: string; text: string }>;
  /**
   * For `/v1/status`. `queue` is null when it does not answer in time, `engine` in a process that
   * runs no functions.
   */
  status(): Promise<{ queue: QueueCounts | null; engine: EngineStats | null }>;
}
