import type { Alias } from '../contract/alias.js';
import type { FunctionSettings, FunctionVersion, TriggerSpec, WarmStart } from '../contract/function.js';
import type { HttpOfAttempt } from '../contract/http-route.js';
import type { FunctionName, Namespace, RequestId } from '../contract/ids.js';
import type {
  AttemptStatus,
  FinalState,
  LogMessage,
  LogRecord,
  TriggerKind,
} from '../contract/invocation.js';
import type { QuotaLimits, QuotaName } from '../contract/quotas.js';
import type { AuditEvent, KeyRecord, SecretRecord } from '../contract/records.js';
import type { RolloutRecord, RolloutRequest } from '../contract/rollout.js';
import type { GrantedScope } from '../contract/scopes.js';
import type { Closable } from './closable.js';
import type { Node } from './node.js';

/**
 * Metadata, logs and secrets. Every write is durable when it resolves, and each method is one
 * atomic step: there are no transactions that span calls (RQLite has none). Times in and out are
 * Unix milliseconds, except in records that a client sees, which carry RFC 3339.
 */
export interface Store extends Closable {
  readonly driver: string;
  readonly functions: FunctionStore;
  readonly aliases: AliasStore;
  readonly rollouts: RolloutStore;
  readonly triggers: TriggerStore;
  readonly secrets: SecretStore;
  readonly attempts: AttemptStore;
  readonly keys: KeyStore;
  readonly audit: AuditStore;
  readonly idempotency: IdempotencyStore;
  readonly blobOwners: BlobOwnerStore;
  readonly callbacks: CallbackStore;
  readonly sessions: SessionStore;
  readonly settings: SettingStore;
  /** The servers that hold it: none where it is a file. */
  nodes(): Promise<Node[]>;
  readonly quotas: QuotaStore;
  /** Throws `unavailable` when the database is away. */
  ping(): Promise<void>;
}

/**
 * What is written into the audit log with a change: in the same step, and only if the change took
 * place. Writing the same entry again changes nothing.
 */
export interface AuditEntry {
  /** A UUIDv7. */
  id: string;
  namespace: Namespace;
  at: number;
  actor: string;
  action: AuditAction;
  target: string;
  requestId: string;
}

export type AuditAction =
  | 'function.deploy'
  | 'function.delete'
  | 'function.rollback'
  | 'alias.set'
  | 'alias.delete'
  | 'rollout.start'
  | 'rollout.abort'
  | 'trigger.add'
  | 'trigger.delete'
  | 'trigger.enable'
  | 'trigger.disable'
  | 'trigger.run'
  | 'secret.set'
  | 'secret.delete'
  | 'key.create'
  | 'key.revoke'
  | 'callback_secret.renew'
  | 'quota.set'
  | 'invocation.replay'
  | 'dead_letters.replay'
  | 'dead_letters.purge';

export interface AuditQuery {
  namespace: Namespace;
  since?: number;
  actor?: string;
  limit: number;
  cursor?: string;
}

export interface AuditStore {
  record(entry: AuditEntry): Promise<void>;
  /** Newest first. */
  list(query: AuditQuery): Promise<{ items: AuditEvent[]; nextCursor: string | null }>;
  /** Deletes what is older; returns how many, bounded work per call. */
  sweep(before: number): Promise<number>;
}

export interface NewVersion {
  namespace: Namespace;
  settings: FunctionSettings;
  wasmCid: string;
  /** Of the module. */
  wasmBytes?: number;
  warmStart: WarmStart;
  /** Why it does not start warmer; null or absent when it starts as its kind's best. */
  warmStartReason?: string | null;
  /** Its probe was not conclusive, and is to be repeated. */
  probePending?: boolean;
  createdBy: string;
  /** Absent: none. */
  limits?: Pick<QuotaLimits, 'functions' | 'versions_per_function' | 'triggers' | 'storage_mb'>;
}

export interface FunctionStore {
  /**
   * Adds the next version and puts the triggers of its settings in the place of those an earlier
   * deploy listed, in one step, or throws `quota_exceeded` and does nothing. The version's number
   * is put behind the audit entry's target. Versions count on after a delete. `id` and `created_at`
   * stay those of the function's first version. Throws `conflict`, and does nothing, when another
   * function of the namespace has one of its routes.
   */
  addVersion(version: NewVersion, audit?: AuditEntry): Promise<FunctionVersion>;
  latest(namespace: Namespace, name: FunctionName): Promise<FunctionVersion | null>;
  version(namespace: Namespace, name: FunctionName, version: number): Promise<FunctionVersion | null>;
  /** Newest first. */
  versions(namespace: Namespace, name: FunctionName): Promise<FunctionVersion[]>;
  /** The latest version of each, by name. */
  list(namespace: Namespace): Promise<FunctionVersion[]>;
  /** Whether there is or was a function of this name. */
  wasDeployed(namespace: Namespace, name: FunctionName): Promise<boolean>;
  /** The function, its versions and triggers; false when there was none. */
  remove(namespace: Namespace, name: FunctionName, audit?: AuditEntry): Promise<boolean>;
  count(): Promise<number>;
  /**
   * Of all namespaces, the versions that ran last, then those deployed last: what a process that
   * starts will need first.
   */
  recent(limit: number): Promise<FunctionVersion[]>;
  /** Of all namespaces, versions whose probe was not conclusive, the oldest first. */
  unsettled(limit: number): Promise<FunctionVersion[]>;
  /** Corrects how a version starts, and counts its probe as conclusive. */
  settleWarmStart(version: FunctionVersion, warmStart: WarmStart, reason: string | null): Promise<void>;
}

export interface StoredAlias {
  namespace: Namespace;
  function: FunctionName;
  alias: Alias;
  version: number;
  /** Percent by version number. */
  weights: Readonly<Record<string, number>>;
  updatedAt: number;
}

export interface AliasStore {
  /** Of all functions of a namespace. */
  list(namespace: Namespace): Promise<StoredAlias[]>;
  put(alias: StoredAlias): Promise<void>;
  remove(namespace: Namespace, fn: FunctionName, alias: Alias): Promise<boolean>;
}

/** A rollout that runs, or the last one of its function. */
export interface StoredRollout {
  namespace: Namespace;
  function: FunctionName;
  /** Changes with every write. */
  changeId: string;
  state: RolloutRecord['state'];
  to: number;
  from: number;
  request: RolloutRequest;
  /** Index into the request's steps. */
  step: number;
  stepStartedAt: number;
  calls: number;
  errors: number;
  p95Ms: number | null;
  reason: string | null;
  startedAt: number;
  updatedAt: number;
}

export interface RolloutStore {
  get(namespace: Namespace, fn: FunctionName): Promise<StoredRollout | null>;
  /** Of all namespaces. */
  running(): Promise<StoredRollout[]>;
  /** Begins it and moves the alias with it, in one step. False when one is running already. */
  start(rollout: Omit<StoredRollout, 'changeId'>, live: StoredAlias): Promise<boolean>;
  /**
   * The same for a change. False when the rollout is not what it was: another process has moved it
   * on.
   */
  move(from: StoredRollout, to: Omit<StoredRollout, 'changeId'>, live: StoredAlias): Promise<boolean>;
}

/** How the invocations of a version have ended. */
export interface VersionFigures {
  calls: number;
  errors: number;
  /** Of their last attempts; null without any. */
  p95Ms: number | null;
}

/**
 * A trigger as the engine keeps it. `source`: listed in function.yaml (replaced by each deploy) or
 * added by hand.
 */
export interface StoredTrigger {
  id: string;
  namespace: Namespace;
  function: FunctionName;
  spec: TriggerSpec;
  source: 'manifest' | 'api';
  enabled: boolean;
  createdAt: number;
}

export interface TriggerStore {
  /**
   * Adding the same topic or schedule to the same function again returns the one that is there.
   * Throws `quota_exceeded` when the namespace would have more than `limit`.
   */
  add(
    namespace: Namespace,
    fn: FunctionName,
    spec: TriggerSpec,
    audit?: AuditEntry,
    limit?: number,
  ): Promise<StoredTrigger>;
  get(id: string): Promise<StoredTrigger | null>;
  list(namespace: Namespace, fn?: FunctionName): Promise<StoredTrigger[]>;
  /** Every trigger with a schedule, of all namespaces. */
  schedules(): Promise<StoredTrigger[]>;
  /** The trigger as it then is; null when there is none. */
  setEnabled(
    namespace: Namespace,
    fn: FunctionName,
    id: string,
    enabled: boolean,
    audit?: AuditEntry,
  ): Promise<StoredTrigger | null>;
  remove(namespace: Namespace, fn: FunctionName, id: string, audit?: AuditEntry): Promise<boolean>;
}

/** AES-256-GCM: 12-byte nonce, ciphertext, 16-byte tag, made by core/secrets. */
export interface SealedSecret {
  name: string;
  sealed: Uint8Array;
  keyId: string;
}

export interface SecretStore {
  /** Throws `quota_exceeded` when it would be one more than `limit`. */
  put(namespace: Namespace, secret: SealedSecret, audit?: AuditEntry, limit?: number): Promise<void>;
  get(namespace: Namespace, name: string): Promise<SealedSecret | null>;
  list(namespace: Namespace): Promise<SecretRecord[]>;
  remove(namespace: Namespace, name: string, audit?: AuditEntry): Promise<boolean>;
  /** All secrets not sealed with this key, for rotation. */
  notSealedWith(keyId: string, limit: number): Promise<(SealedSecret & { namespace: Namespace })[]>;
  /** Replaces `from` only if it has not changed since. */
  reseal(namespace: Namespace, from: SealedSecret, to: SealedSecret): Promise<boolean>;
}

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
    options?: { reason?: string; audit?: AuditEntry },
  ): Promise<number>;
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

export interface NewKey {
  /** A UUIDv7. */
  id: string;
  namespace: Namespace;
  name: string;
  /** SHA-256 of the whole key, hex. */
  hash: string;
  isAdmin: boolean;
  scopes: readonly GrantedScope[];
  functions: readonly string[] | null;
  /** Unix milliseconds; null for one that holds until it is revoked. */
  expiresAt: number | null;
  /** Subject of the credential that made it. */
  createdBy: string;
  /**
   * What must hold while it is added, and ends it when it is revoked; its own makers are the key's,
   * too.
   */
  maker: KeyMaker | null;
}

export type KeyMaker = { kind: 'key'; id: string } | { kind: 'session'; family: string };

export interface StoredKey extends KeyRecord {
  isAdmin: boolean;
  /** `expires_at` in Unix milliseconds. */
  expiresAt: number | null;
}

export interface KeyStore {
  /**
   * null, and nothing has changed, when the maker has been revoked or has expired. Throws
   * `quota_exceeded` when the namespace would have more than `limit`.
   */
  add(key: NewKey, audit?: AuditEntry, limit?: number): Promise<StoredKey | null>;
  byHash(hash: string): Promise<StoredKey | null>;
  list(namespace: Namespace): Promise<StoredKey[]>;
  get(id: string): Promise<StoredKey | null>;
  /** With every key that goes back to it. */
  revoke(id: string, audit?: AuditEntry): Promise<boolean>;
  touch(id: string, usedAt: number): Promise<void>;
}

export interface IdempotencyClaim {
  namespace: Namespace;
  function: FunctionName;
  key: string;
  bodyHash: string;
  requestId: RequestId;
  version: number;
  expiresAt: number;
}

export interface IdempotencyStore {
  /** The claim that holds the key: this one if it was free or expired, else the earlier one. */
  claim(claim: IdempotencyClaim): Promise<IdempotencyClaim>;
  release(claim: IdempotencyClaim): Promise<void>;
}

export interface BlobOwner {
  cid: string;
  name: string;
  size: number;
  createdAt: number;
}

export interface BlobOwnerStore {
  /** Throws `quota_exceeded` when the namespace would store more than `limitBytes`. */
  add(namespace: Namespace, blob: Omit<BlobOwner, 'createdAt'>, limitBytes?: number): Promise<void>;
  get(namespace: Namespace, cid: string): Promise<BlobOwner | null>;
  rename(namespace: Namespace, cid: string, name: string): Promise<void>;
  remove(namespace: Namespace, cid: string): Promise<boolean>;
  /**
   * Marks the CID's bytes as being deleted, in one step and only when no namespace and no function
   * version refers to it: whoever refers to it from then on sees the mark. The mark's token, or
   * null. It is void after a minute.
   */
  condemn(cid: string): Promise<string | null>;
  isCondemned(cid: string): Promise<boolean>;
  /** Takes the mark away: the bytes are gone, or stay. */
  acquit(cid: string, token: string): Promise<void>;
}

/** How the delivery of an invocation's result to its callback URL went. */
export interface CallbackDelivery {
  url: string;
  attempts: number;
  deliveredAt: number | null;
  /** Of the last attempt; null when it was delivered, or not tried yet. */
  lastError: string | null;
}

export interface CallbackStore {
  /** Before the first attempt; again it changes nothing. */
  add(id: RequestId, url: string): Promise<void>;
  /**
   * Counts an attempt, the first of which it need not know of. What was delivered once stays so.
   */
  attempted(
    id: RequestId,
    url: string,
    outcome: { deliveredAt: number | null; error: string | null },
  ): Promise<void>;
  get(ids: readonly RequestId[]): Promise<ReadonlyMap<string, CallbackDelivery>>;
  /** Deletes those made before; returns how many. Bounded work per call. */
  sweep(before: number): Promise<number>;
}

export interface Nonce {
  wallet: string;
  namespace: Namespace;
  nonce: string;
  purpose: string;
  expiresAt: number;
}

export interface RefreshToken {
  /** SHA-256 of the token, hex. */
  hash: string;
  /** All tokens rotated from one login share it. */
  family: string;
  wallet: string;
  namespace: Namespace;
  expiresAt: number;
}

export interface SessionStore {
  addNonce(nonce: Nonce): Promise<void>;
  /** Removes and returns it: a nonce is used once. */
  takeNonce(nonce: string, wallet: string): Promise<Nonce | null>;
  addRefresh(token: RefreshToken): Promise<void>;
  /** `used` when it was rotated before: the whole family is then revoked. */
  useRefresh(hash: string): Promise<{ token: RefreshToken; used: boolean } | null>;
  /** With every key that goes back to the login. */
  revokeFamily(family: string): Promise<void>;
  revokedFamilies(since: number): Promise<string[]>;
  /** Those of a wallet in a namespace that can still be refreshed. */
  families(wallet: string, namespace: Namespace): Promise<string[]>;
  /** The wallet that owns the namespace: the one given if nobody did. */
  claimNamespace(namespace: Namespace, wallet: string): Promise<string>;
  namespaceOwner(namespace: Namespace): Promise<string | null>;
}

/** What is counted of a namespace in the store. Bytes, not MB. */
export interface StoredUse {
  functions: number;
  /** Of the function that has most. */
  versionsPerFunction: number;
  triggers: number;
  secrets: number;
  keys: number;
  storageBytes: number;
}

/** What the admin has set for a namespace; a quota that is not in it has its default. */
export type QuotaOverrides = Readonly<Partial<Record<QuotaName, number>>>;

export interface QuotaStore {
  overrides(namespace: Namespace): Promise<QuotaOverrides>;
  /** null takes an override away. */
  set(namespace: Namespace, changes: Readonly<Partial<Record<QuotaName, number | null>>>): Promise<void>;
  use(namespace: Namespace): Promise<StoredUse>;
  logBytes(namespace: Namespace, day: string): Promise<number>;
  /**
   * Adds to the log bytes of a namespace on a day, such as `2026-01-31`; returns those of all
   * processes.
   */
  addLogBytes(namespace: Namespace, day: string, bytes: number): Promise<number>;
}

/** Small named values of the engine: callback secrets, key ids. */
export interface SettingStore {
  get(scope: string, name: string): Promise<string | null>;
  put(scope: string, name: string, value: string, audit?: AuditEntry): Promise<void>;
  /** Writes only when absent; returns the one that holds. */
  putIfAbsent(scope: string, name: string, value: string): Promise<string>;
}
