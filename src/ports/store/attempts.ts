import type { ResponseText } from '../../contract/http-exchange.js';
import type { HttpOfAttempt } from '../../contract/http-route.js';
import type { FunctionName, Namespace, RequestId } from '../../contract/ids.js';
import type { AttemptStatus, LogMessage, LogRecord, TriggerKind } from '../../contract/invocation.js';
import type { FinalState } from '../../contract/invocation-state.js';
import type { JsonText } from '../../json/json-text.js';
import type { AuditEntry } from './audit.js';
import type { VersionFigures } from './rollouts.js';

/**
 * One attempt, and with `final` the end of its invocation; or the end of an invocation that was
 * cancelled, expired or refused without another attempt, which does not appear in the logs. The
 * primary key is (requestId, attempt, isAttempt), so writing a row again changes nothing.
 */
export interface AttemptRow {
  requestId: RequestId;
  /** Number of the attempt, from 1; of an end without one, the number of attempts before it. */
  attempt: number;
  isAttempt: boolean;
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
  /**
   * The invocation that published the event, enqueued this invocation or was replayed as this one.
   */
  parentId: RequestId | null;
  /** The message that triggered it. */
  messageId: RequestId | null;
  /** The HTTP request, for HTTP functions. */
  http: HttpOfAttempt | null;
  /** The guest's exit code, if it exited by itself. */
  exitCode: number | null;
  final: FinalAttempt | null;
}

export interface FinalAttempt {
  state: FinalState;
  completedAt: number;
  /** Kept until `outputExpiresAt`. */
  output: Uint8Array | null;
  outputExpiresAt: number;
  /** Returned until `outputExpiresAt`, and not by lists. */
  response: ResponseText | null;
  /**
   * Input, needed for a replay. Kept as long as the output, or for a dead invocation as long as its
   * log.
   */
  input: Uint8Array | null;
  /** The HTTP request of an HTTP function, kept with the input. */
  httpRequest: string | null;
  callerWallet: string;
  /**
   * Why the invocation is dead (`error`, `timeout`, `expired` or `worker_died`), or the code with
   * which a waiting caller was answered (an `EndCode`); otherwise null. One that is replayed keeps
   * it.
   */
  reason: string | null;
  /** Set on a dead invocation that was replayed. Read-only. */
  replayedAt?: number;
}

export interface LogQuery {
  namespace: Namespace;
  function: FunctionName;
  limit: number;
  /** Lower bound of the start time, inclusive. */
  since?: number;
  status?: AttemptStatus;
  requestId?: RequestId;
  /**
   * Only rows written after this position, oldest first. Used to follow a log. After a position
   * that the store has not assigned yet, the newest rows.
   */
  after?: string;
}

export interface StoredInvocation {
  attempts: AttemptRow[];
}

export interface InvocationQuery {
  namespace: Namespace;
  function?: FunctionName;
  /** Only functions that match one of these patterns; `*` matches any characters. */
  functions?: readonly string[];
  state?: FinalState;
  /** Only dead invocations with this reason. */
  reason?: string;
  /** Only invocations caused by this one. */
  parentId?: RequestId;
  /** Only invocations triggered by this message. */
  messageId?: RequestId;
  /** Bounds of the accept time: `since` inclusive, `before` exclusive. */
  since?: number;
  before?: number;
  limit: number;
  cursor?: string;
}

export interface StatsQuery {
  namespace: Namespace;
  function?: FunctionName;
  /** Only functions that match one of these patterns; `*` matches any characters. */
  functions?: readonly string[];
  /** Bounds of the accept time: `since` inclusive, `until` exclusive. */
  since: number;
  until: number;
}

/** Number of invocations accepted in one minute that ended in one state. */
export interface MinuteCount {
  /** Accept time, in minutes since the Unix epoch. */
  minute: number;
  state: FinalState;
  count: number;
}

/** Dead invocations of one function with the same reason. */
export interface DeadGroup {
  function: FunctionName;
  reason: string;
  count: number;
  /** When the first and the last of them ended, in Unix milliseconds. */
  oldestAt: number;
  newestAt: number;
}

/**
 * A log record with its messages as JSON text, which a list inserts as it is: a page may have a
 * hundred thousand messages.
 */
export type StoredLogRecord = Omit<LogRecord, 'messages'> & { messages: JsonText };

export interface AttemptStore {
  /**
   * Inserts any number of rows in one request and ignores those that exist. A final row replaces an
   * existing row with the same key that is not final, so that the end of an invocation is never
   * lost. A final row without a run, whose duration is 0, leaves the status, times, sizes and
   * messages of the replaced row.
   */
  write(rows: readonly AttemptRow[]): Promise<void>;
  /**
   * Lists log records, newest first, or oldest first with `after`. `position` is the next value of
   * `after`. A page has at most 8 MB of messages: with `after` it ends early, without it the
   * records beyond have a note instead of their messages.
   */
  logs(query: LogQuery): Promise<{ records: StoredLogRecord[]; position: string }>;
  /**
   * Resolves with the rows of an invocation by number, an end without an attempt last, without
   * messages, or null if there are none. An invocation has ended if its last row is final.
   */
  invocation(id: RequestId): Promise<StoredInvocation | null>;
  /**
   * Lists ended invocations, newest first, without messages and without inputs above 64 KB. A page
   * ends early when its invocations have 8 MB.
   */
  list(query: InvocationQuery): Promise<{ items: StoredInvocation[]; nextCursor: string | null }>;
  /**
   * Claims a dead invocation for a replay: only the first caller gets it, and it no longer counts
   * as dead.
   */
  takeDead(id: RequestId): Promise<AttemptRow | null>;
  /**
   * Deletes the dead letters of a function that died before the call, in bounded steps; their logs
   * are kept. Resolves with their number.
   */
  purgeDead(
    namespace: Namespace,
    fn: FunctionName,
    options: { reason?: string; ids?: readonly RequestId[]; audit: AuditEntry },
  ): Promise<number>;
  /** Counts dead letters by function and reason, largest count first, in bounded steps. */
  deadGroups(namespace: Namespace): Promise<DeadGroup[]>;
  /** Counts the dead letters of all namespaces, in bounded steps. */
  countDead(): Promise<{ namespace: string; reason: string; count: number }[]>;
  perMinute(query: StatsQuery): Promise<MinuteCount[]>;
  /**
   * Durations of the last attempts of the invocations counted by `perMinute`, of which there are
   * `total`; a random sample above 10,000.
   */
  durations(query: StatsQuery, total: number): Promise<{ minute: number; ms: number }[]>;
  /** Number of invocations that have ever ended, including those whose rows have been deleted. */
  countEnded(): Promise<number>;
  /**
   * Figures of the invocations of one version that were accepted since a time and have ended; dead
   * ones count as errors.
   */
  figures(version: {
    namespace: Namespace;
    function: FunctionName;
    version: number;
    since: number;
  }): Promise<VersionFigures>;
  /**
   * Deletes logs started before `logsBefore`, dead letters completed before `deadBefore`, and
   * expired outputs and inputs. Resolves with the number of affected rows; the work per call is
   * bounded.
   */
  sweep(limits: { logsBefore: number; deadBefore: number; now: number }): Promise<number>;
}
