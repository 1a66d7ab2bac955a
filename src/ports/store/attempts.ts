import type { HttpOfAttempt } from '../../contract/http-route.js';
import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import type {
  AttemptStatus,
  FinalState,
  LogMessage,
  LogRecord,
  TriggerKind,
} from '../../contract/invocation.js';
import type { AuditEntry } from './audit.js';
import type { VersionFigures } from './rollouts.js';

/** Above all numbers of attempts, so that the row which ends an invocation is always its last. */
export const END_WITHOUT_RUN = 1000;

/**
 * One attempt, and with `final` the end of its invocation. The key is (requestId, attempt): writing
 * a row again changes nothing. `attempt` 0 is an end without a run (cancelled or expired before the
 * first), and END_WITHOUT_RUN + n one after n attempts: neither is a log record.
 */
export interface AttemptRow {
  requestId: RequestId;
  attempt: number;
  namespace: Namespace;
  function: FunctionName;
  version: number;
  trigger: TriggerKind;
  triggerDepth: number;
  status: AttemptStatus;
  startedAt: number;
  durationMs: number;
  inputSize: number;
  outputSize: number;
  memoryPeakMb: number;
  error: string | null;
  messages: LogMessage[];
  acceptedAt: number;
  traceparent: string | null;
  /** The invocation that published, enqueued or was replayed into this one. */
  parentId: RequestId | null;
  /** The message that fired it. */
  messageId: RequestId | null;
  /** Of what came to an HTTP function. */
  http: HttpOfAttempt | null;
  /** The guest's own, when it ended by itself. */
  exitCode: number | null;
  final: FinalAttempt | null;
}

export interface FinalAttempt {
  state: FinalState;
  completedAt: number;
  /** Kept until `outputExpiresAt`. */
  output: Uint8Array | null;
  outputExpiresAt: number;
  /** What a replay needs: kept as long as the output, of a dead invocation as long as its log. */
  input: Uint8Array | null;
  /** With the input, of an HTTP function. */
  httpRequest: string | null;
  callerWallet: string;
  /** Why it is dead: `error`, `timeout`, `expired`, `worker_died`; else null. */
  reason: string | null;
  /** Of one that was dead and has been replayed; only read. */
  replayedAt?: number;
}

export interface LogQuery {
  namespace: Namespace;
  function: FunctionName;
  limit: number;
  /** Started at or after this. */
  since?: number;
  status?: AttemptStatus;
  requestId?: RequestId;
  /** Only rows written after this position, oldest first: for following. */
  after?: string;
}

export interface StoredInvocation {
  attempts: AttemptRow[];
}

export interface InvocationQuery {
  namespace: Namespace;
  function?: FunctionName;
  /** Only of functions that one of these patterns matches; a `*` stands for any characters. */
  functions?: readonly string[];
  state?: FinalState;
  /** Dead ones only: by reason. */
  reason?: string;
  /** What this invocation has caused. */
  parentId?: RequestId;
  /** What this message has fired. */
  messageId?: RequestId;
  /** Accepted at or after / before these. */
  since?: number;
  before?: number;
  limit: number;
  cursor?: string;
}

export interface StatsQuery {
  namespace: Namespace;
  function?: FunctionName;
  /** Accepted at or after, and before. */
  since: number;
  until: number;
}

/** Invocations of one minute that ended in one state. */
export interface MinuteCount {
  /** Minutes since 1970, of when they were accepted. */
  minute: number;
  state: FinalState;
  count: number;
}

/** Dead invocations of one function that died of the same. */
export interface DeadGroup {
  function: FunctionName;
  reason: string;
  count: number;
  /** When the first and the last of them ended, Unix milliseconds. */
  oldestAt: number;
  newestAt: number;
}

export interface AttemptStore {
  /**
   * Inserts what is not there yet, in one request; any number of rows. Over a row that is not
   * final, a final one of the same key takes its place: the end of an invocation is never lost to
   * an earlier word about the same attempt.
   */
  write(rows: readonly AttemptRow[]): Promise<void>;
  /** Newest first, or oldest first with `after`. `position` feeds the next `after`. */
  logs(query: LogQuery): Promise<{ records: LogRecord[]; position: string }>;
  /**
   * Attempts by number; null when no row has this id. An invocation has ended when its last attempt
   * is final.
   */
  invocation(id: RequestId): Promise<StoredInvocation | null>;
  /** Ended invocations, newest first, without messages, and without inputs of more than 64 KB. */
  list(query: InvocationQuery): Promise<{ items: StoredInvocation[]; nextCursor: string | null }>;
  /** Takes a dead invocation for replay: the first caller gets it, and it is dead no longer. */
  takeDead(id: RequestId): Promise<AttemptRow | null>;
  purgeDead(
    namespace: Namespace,
    fn: FunctionName,
    options?: { reason?: string; ids?: readonly RequestId[]; audit?: AuditEntry },
  ): Promise<number>;
  /** The dead ones of a namespace by function and reason, most first. */
  deadGroups(namespace: Namespace): Promise<DeadGroup[]>;
  countDead(): Promise<{ namespace: string; reason: string; count: number }[]>;
  perMinute(query: StatsQuery): Promise<MinuteCount[]>;
  /**
   * How long the last attempts ran of those that `perMinute` counts, `total` in all; beyond 10,000
   * a fair sample.
   */
  durations(query: StatsQuery, total: number): Promise<{ minute: number; ms: number }[]>;
  /**
   * Invocations that have ever ended, in whatever way; those whose rows have been deleted since are
   * counted, too.
   */
  countEnded(): Promise<number>;
  /**
   * Of the invocations of one version that were accepted and have ended since; its dead ones are
   * errors.
   */
  figures(version: {
    namespace: Namespace;
    function: FunctionName;
    version: number;
    since: number;
  }): Promise<VersionFigures>;
  /**
   * Deletes logs started before, dead letters completed before, outputs and inputs expired by now.
   * Returns rows touched; bounded work per call.
   */
  sweep(limits: { logsBefore: number; deadBefore: number; now: number }): Promise<number>;
}
