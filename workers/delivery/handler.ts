import { createBufferBudget, HOST_CALLS } from '../../src/concurrency/buffer-budget.js';
import type { FunctionVersion } from '../../src/contract/function.js';
import type { Catalog } from '../../src/core/functions/catalog.js';
import type { Finisher } from '../../src/core/invocations/finish.js';
import type { LogQuota } from '../../src/core/observability/log-quota.js';
import { isAppError, messageOf } from '../../src/errors.js';
import type { Blobs } from '../../src/ports/blobs.js';
import type { Engine, GuestCall, GuestOutcome, HostCaller } from '../../src/ports/engine.js';
import type { Leases } from '../../src/ports/leases.js';
import type { Delivery, DeliveryHandler, Settlement } from '../../src/ports/queue.js';
import type { Store } from '../../src/ports/store.js';
import { BusyJobs } from './busy-jobs.js';
import { crashRows, dueOf } from './end-without-run.js';
import { type GuestHostDeps, guestHost } from './guest-host.js';
import { GuestLimit, GuestLimitReached } from './guest-limit.js';
import { keepTrace } from './keep-trace.js';
import type { LogWriter } from './log-writer.js';
import { refuse, untilRefusal } from './refusal.js';
import { settleDelivery } from './settle-delivery.js';
import { earlierAttempts, endOf, failureOf } from './stored-attempts.js';
import { TraceRecorder } from './trace-recorder.js';

/**
 * The delay of a job whose module cannot be loaded, that no thread can run or whose log row cannot
 * be written, in milliseconds; jittered.
 */
const UNAVAILABLE_DELAY_MS = 2000;

/** What handling a delivery needs, with what the host functions of its guest need. */
interface HandlerDeps extends GuestHostDeps {
  catalog: Pick<Catalog, 'find'>;
  leases: Pick<Leases, 'acquire'>;
  engine: Pick<Engine, 'run'>;
  finisher: Finisher;
  store: Pick<Store, 'attempts' | 'blobOwners' | 'traces'>;
  logWriter: Pick<LogWriter, 'announce' | 'withdraw' | 'write'>;
  logQuota: Pick<LogQuota, 'admit'>;
}

/**
 * Creates the handler of deliveries. It checks whether the job should still run, runs the guest,
 * replies to the caller early and settles the job late: the job leaves the queue only when its log
 * row is durable, so that a crash at any point costs a rerun and never a record.
 */
export function createDeliveryHandler(given: Omit<HandlerDeps, 'buffers'>): DeliveryHandler {
  const deps: HandlerDeps = { ...given, buffers: createBufferBudget(HOST_CALLS) };
  const guests = new GuestLimit(deps.quotas);
  const busy = new BusyJobs();
  return async (delivery) => {
    const { invocation } = delivery;
    try {
      return await deliver(deps, { guests, busy }, delivery);
    } catch (error) {
      // The store, its backlog or the blobs are unreachable. Nothing has been settled, so the job
      // must run again without counting an attempt.
      const log = isAppError(error) ? deps.logger.warn : deps.logger.error;
      log.call(
        deps.logger,
        { request_id: invocation.id, err: messageOf(error) },
        'failed to handle an invocation; it is put back into the queue',
      );
      return later(UNAVAILABLE_DELAY_MS * (0.5 + Math.random()));
    } finally {
      deps.logWriter.withdraw(invocation.id);
    }
  };
}

/** What limits the guests of a worker. */
interface Limits {
  guests: GuestLimit;
  busy: BusyJobs;
}

async function deliver(deps: HandlerDeps, { guests, busy }: Limits, delivery: Delivery): Promise<Settlement> {
  const { invocation } = delivery;
  const { namespace, function: name, version } = invocation;
  const fn = await deps.catalog.find(namespace, name, version);
  const due = dueOf(delivery, fn);
  const key = `${namespace}/${name}`;
  const reserved = busy.reservedFrom(key, invocation);
  const lease = due.kind === 'run' ? await leaseOf(deps, due.fn, reserved) : undefined;
  if (lease === null) return later(busy.refuse(key, invocation));
  try {
    const stored = await earlierAttempts(deps, delivery);
    const ended = endOf(stored);
    if (ended) {
      // Before its job left the queue, the first run of a replay has sent its events.
      if (delivery.redelivered) await deps.finisher.followUp(invocation, fn, ended);
      return { kind: 'done' };
    }
    await Promise.all(crashRows(delivery).map((row) => deps.logWriter.write(row)));
    if (due.kind === 'end') {
      await deps.finisher.finish(due.ending);
      return { kind: 'done' };
    }
    const failed = failureOf(delivery, stored);
    if (failed) return { kind: 'retry', error: failed.error ?? failed.status };
    const outcome = await guests.run(namespace, busy.reservedFrom(namespace, invocation), () => {
      busy.begin(namespace, invocation);
      if (lease !== undefined) busy.begin(key, invocation);
      return runGuest(deps, delivery, due.fn);
    });
    return await settleDelivery(deps, delivery, due.fn, outcome);
  } catch (error) {
    if (await refuse(deps, delivery, fn, error)) return { kind: 'done' };
    if (error instanceof GuestLimitReached) {
      return later(untilRefusal(delivery, busy.refuse(namespace, invocation)));
    }
    throw error;
  } finally {
    await lease?.release();
  }
}

async function runGuest(deps: HandlerDeps, delivery: Delivery, fn: FunctionVersion): Promise<GuestOutcome> {
  const { invocation } = delivery;
  const { id, acceptedAt, traceparent } = invocation;
  deps.logWriter.announce(id);
  const attributes = { 'orama.request_id': id, 'orama.function': fn.name, 'orama.attempt': delivery.attempt };
  const waited = deps.tracer.start({
    name: `queue ${fn.name}`,
    kind: 'consumer',
    parent: traceparent,
    startedAt: acceptedAt,
    attributes,
  });
  waited.end();
  const span = deps.tracer.start({
    name: `run ${fn.name}`,
    kind: 'internal',
    parent: waited.traceparent,
    attributes,
  });
  const recorder = fn.metadata.trace === true ? new TraceRecorder() : undefined;
  const makeHost = () => guestHost(deps, { invocation, function: fn }, span, recorder);
  let outcome: GuestOutcome;
  try {
    outcome = await deps.engine.run(new DeliveredCall(delivery, fn, { blobs: deps.blobs, makeHost }));
  } catch (error) {
    span.end(messageOf(error));
    throw error;
  } finally {
    delivery.releaseSlot();
  }
  span.end(outcome.error);
  // Before the reply, because a caller that has received it may ask for the trace.
  if (recorder) await keepTrace(deps, delivery, recorder);
  return outcome;
}

/**
 * A delivery as a `GuestCall` of the engine, which knows no queue. A class, because V8 creates an
 * object literal with a getter property by property on every run.
 */
class DeliveredCall implements GuestCall {
  readonly requestId;
  readonly namespace;
  readonly functionName;
  readonly cid;
  readonly warmStart;
  readonly memoryLimitMb;
  readonly timeoutMs;
  readonly input;
  readonly httpRequest;
  readonly callerWallet;
  readonly env;
  readonly urgent;
  readonly signal;
  readonly #blobs: Blobs;
  readonly #makeHost: () => HostCaller;
  readonly #delivery: Delivery;
  #host: HostCaller | undefined;

  constructor(
    delivery: Delivery,
    fn: FunctionVersion,
    { blobs, makeHost }: { blobs: Blobs; makeHost: () => HostCaller },
  ) {
    const { invocation, attempt, signal } = delivery;
    this.requestId = invocation.id;
    this.namespace = invocation.namespace;
    this.functionName = fn.name;
    this.cid = fn.wasm_cid;
    this.warmStart = fn.warm_start;
    this.memoryLimitMb = fn.memory_limit_mb;
    this.timeoutMs = fn.timeout_seconds * 1000;
    this.input = invocation.input;
    this.httpRequest = invocation.httpRequest;
    this.callerWallet = invocation.callerWallet;
    this.env = {
      ...fn.metadata.env,
      ORAMA_ATTEMPT: String(attempt),
      ORAMA_NAMESPACE: invocation.namespace,
      ORAMA_TRIGGER: invocation.trigger,
      ORAMA_VERSION: String(fn.version),
    };
    this.urgent = invocation.replyTo !== undefined;
    this.signal = signal;
    this.#delivery = delivery;
    this.#blobs = blobs;
    this.#makeHost = makeHost;
  }

  loadWasm(): Promise<Uint8Array> {
    return this.#blobs.get(this.cid);
  }

  onBegin(): void {
    this.#delivery.begun();
  }

  /** Created on first access, because most guests make no host call. */
  get host(): HostCaller {
    this.#host ??= this.#makeHost();
    return this.#host;
  }
}

/**
 * Returns undefined if the function has no `concurrency`, or resolves with null if none is free
 * beside the reserved ones.
 */
function leaseOf(
  { leases }: Pick<HandlerDeps, 'leases'>,
  { namespace, name, metadata }: FunctionVersion,
  reserved: number,
) {
  if (metadata.concurrency === undefined) return undefined;
  const limit = metadata.concurrency - reserved;
  return limit <= 0 ? null : leases.acquire(`${namespace}/${name}`, limit);
}

/** Puts a job back without counting an attempt. */
function later(ms: number): Settlement {
  return { kind: 'later', delayMs: Math.round(ms) };
}
