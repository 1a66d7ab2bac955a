import { type BufferBudget, createBufferBudget, HOST_CALLS } from '../../src/concurrency/buffer-budget.js';
import type { FunctionVersion } from '../../src/contract/function.js';
import type { Trace } from '../../src/contract/trace.js';
import type { Publisher } from '../../src/core/events/publish.js';
import type { Catalog } from '../../src/core/functions/catalog.js';
import type { CallDepth } from '../../src/core/invocations/call-depth.js';
import type { Finisher } from '../../src/core/invocations/finish.js';
import type { Invoker } from '../../src/core/invocations/invoke.js';
import type { LogQuota } from '../../src/core/observability/log-quota.js';
import type { Quotas } from '../../src/core/quotas.js';
import type { Secrets } from '../../src/core/secrets.js';
import { isAppError, messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Blobs } from '../../src/ports/blobs.js';
import type { Cache } from '../../src/ports/cache.js';
import type { Egress } from '../../src/ports/egress.js';
import type { Engine, GuestCall, GuestOutcome, HostCaller } from '../../src/ports/engine.js';
import type { FunctionDatabases } from '../../src/ports/function-databases.js';
import type { Leases } from '../../src/ports/leases.js';
import type { Meter } from '../../src/ports/meter.js';
import type { Delivery, DeliveryHandler, Settlement } from '../../src/ports/queue.js';
import type { Store } from '../../src/ports/store.js';
import type { Span, Tracer } from '../../src/ports/tracer.js';
import { hostCaller } from '../engine/host-dispatch.js';
import { budgetedHost } from './budgeted-host.js';
import {
  crashRows,
  dueOf,
  earlierAttempts,
  endOf,
  failureOf,
  isLastCrash,
  refuse,
} from './end-without-run.js';
import { GuestEnd } from './guest-end.js';
import { GuestLimit, GuestLimitReached } from './guest-limit.js';
import { createHost } from './host.js';
import type { HostRun } from './host-run.js';
import { keepTrace } from './keep-trace.js';
import type { LogWriter } from './log-writer.js';
import { observedHost } from './observed-host.js';
import { replayedHost } from './replayed-host.js';
import { settleDelivery } from './settle-delivery.js';
import { recordedHost, TraceRecorder } from './trace-recorder.js';

/** The delay of a job whose function has no free `concurrency`, in milliseconds; jittered. */
const BUSY_DELAY_MS = 100;
/**
 * The delay of a job whose module cannot be loaded, that no thread can run or whose log row cannot
 * be written, in milliseconds; jittered.
 */
const UNAVAILABLE_DELAY_MS = 2000;

/** What handling a delivery needs, with what it passes on to the host functions of its guest. */
interface HandlerDeps {
  catalog: Pick<Catalog, 'find'>;
  quotas: Quotas;
  leases: Pick<Leases, 'acquire'>;
  engine: Pick<Engine, 'run'>;

  /** For the host functions. */
  publisher: Publisher;
  invoker: Invoker;
  secrets: Pick<Secrets, 'read'>;
  databases: Pick<FunctionDatabases, 'query' | 'execute'>;
  cache: Cache;
  blobs: Blobs;
  egress: Egress;
  depths: Pick<CallDepth, 'sign'>;
  /** Limits what host calls hold in this process; see `budgetedHost`. */
  buffers: BufferBudget;
  /** A recorded trace whose results replace the effects of host calls, for every invocation. */
  replay?: Trace;

  /** For the end of the invocation, and for what is recorded of it. */
  finisher: Finisher;
  store: Pick<Store, 'attempts' | 'blobOwners' | 'traces'>;
  logWriter: Pick<LogWriter, 'announce' | 'withdraw' | 'write'>;
  logQuota: Pick<LogQuota, 'admit'>;
  meter: Meter;
  tracer: Tracer;
  logger: Logger;
}

/**
 * Creates the handler of deliveries. It checks whether the job should still run, runs the guest,
 * replies to the caller early and settles the job late: the job leaves the queue only when its log
 * row is durable, so that a crash at any point costs a rerun and never a record.
 */
export function createDeliveryHandler(given: Omit<HandlerDeps, 'buffers'>): DeliveryHandler {
  const deps: HandlerDeps = { ...given, buffers: createBufferBudget(HOST_CALLS) };
  const guests = new GuestLimit(deps.quotas);
  return async (delivery) => {
    const { invocation } = delivery;
    try {
      return await deliver(deps, guests, delivery);
    } catch (error) {
      // The store, its backlog or the blobs are unreachable. Nothing has been settled, so the job
      // must run again without counting an attempt.
      const log = isAppError(error) ? deps.logger.warn : deps.logger.error;
      log.call(
        deps.logger,
        { request_id: invocation.id, err: messageOf(error) },
        'failed to handle an invocation; it is put back into the queue',
      );
      return { kind: 'later', delayMs: jittered(UNAVAILABLE_DELAY_MS) };
    } finally {
      deps.logWriter.withdraw(invocation.id);
    }
  };
}

async function deliver(deps: HandlerDeps, guests: GuestLimit, delivery: Delivery): Promise<Settlement> {
  const { invocation } = delivery;
  const { namespace, function: name, version } = invocation;
  const fn = await deps.catalog.find(namespace, name, version);

  const due = dueOf(delivery, fn);
  const limit = due.kind === 'run' ? due.fn.metadata.concurrency : undefined;
  const lease = limit === undefined ? null : await deps.leases.acquire(`${namespace}/${name}`, limit);
  if (limit !== undefined && lease === null) return { kind: 'later', delayMs: jittered(BUSY_DELAY_MS) };
  try {
    const stored = await earlierAttempts(deps, delivery);
    const ended = endOf(stored);
    if (ended) {
      // Before its job left the queue, the first run of a replay has sent its events.
      if (delivery.redelivered) await deps.finisher.followUp(invocation, fn, ended);
      return { kind: 'done' };
    }
    const endsNow = isLastCrash(delivery);
    if (delivery.crashes > 0) {
      const crashAttempts = crashRows(delivery).slice(0, endsNow ? -1 : undefined);
      await Promise.all(crashAttempts.map((row) => deps.logWriter.write(row)));
    }
    if (due.kind === 'end') {
      await deps.finisher.finish(due.ending);
      return { kind: 'done' };
    }
    const failed = failureOf(delivery, stored);
    if (failed) return { kind: 'retry', error: failed.error ?? failed.status };
    const outcome = await guests.run(namespace, () => runGuest(deps, delivery, due.fn));
    return await settleDelivery(deps, delivery, due.fn, outcome);
  } catch (error) {
    if (await refuse(deps, delivery, fn, error)) return { kind: 'done' };
    if (error instanceof GuestLimitReached) return { kind: 'later', delayMs: jittered(BUSY_DELAY_MS) };
    throw error;
  } finally {
    await lease?.release();
  }
}

async function runGuest(deps: HandlerDeps, delivery: Delivery, fn: FunctionVersion): Promise<GuestOutcome> {
  const { invocation } = delivery;
  const guestEnd = new GuestEnd();
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
  const makeHost = () => hostOf(deps, { invocation, function: fn, guestEnd }, span, recorder);
  let outcome: GuestOutcome;
  try {
    outcome = await deps.engine.run(new DeliveredCall(delivery, fn, { blobs: deps.blobs, makeHost }));
  } catch (error) {
    span.end(messageOf(error));
    throw error;
  } finally {
    // Aborts host calls whose guest has ended.
    guestEnd.signalEnd();
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
 * Creates the host functions of a run. The guest's span is the parent of what it publishes and
 * enqueues.
 */
function hostOf(deps: HandlerDeps, run: HostRun, { traceparent }: Span, recorder: TraceRecorder | undefined) {
  const invocation = traceparent === undefined ? run.invocation : { ...run.invocation, traceparent };
  const call = deps.replay ? replayedHost(deps.replay) : hostCaller(createHost(deps, { ...run, invocation }));
  const budgeted = budgetedHost(call, deps.buffers, invocation.namespace);
  const { meter, tracer, logger } = deps;
  const about = { meter, tracer, logger, parent: traceparent, requestId: invocation.id };
  const observed = observedHost(budgeted, about);
  return recorder ? recordedHost(observed, recorder) : observed;
}

function jittered(ms: number): number {
  return Math.round(ms * (0.5 + Math.random()));
}
