import { createBufferBudget, HOST_CALLS } from '../../src/concurrency/buffer-budget.js';
import type { FunctionVersion } from '../../src/contract/function.js';
import type { Trace } from '../../src/contract/trace.js';
import type { Catalog } from '../../src/core/functions/catalog.js';
import type { Finisher } from '../../src/core/invocations/finish.js';
import type { EndRow } from '../../src/core/invocations/follow-ups.js';
import { endNumber, isAttempt, newAttempt } from '../../src/core/invocations/new-attempt.js';
import type { RefusalCode } from '../../src/core/invocations/reply.js';
import { type AppError, isAppError, messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { Engine, GuestOutcome } from '../../src/ports/engine.js';
import type { Leases } from '../../src/ports/leases.js';
import type { Meter } from '../../src/ports/meter.js';
import type { Delivery, DeliveryHandler, Invocation, Settlement } from '../../src/ports/queue.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';
import type { Store } from '../../src/ports/store.js';
import type { Span, Tracer } from '../../src/ports/tracer.js';
import { hostCaller } from '../engine/host-dispatch.js';
import { ModuleUnavailable } from '../engine/module-unavailable.js';
import { ThreadsUnavailable } from '../engine/threads-unavailable.js';
import { budgetedHost } from './budgeted-host.js';
import { DeliveredCall } from './delivered-call.js';
import { crashRows, dueOf, isLastCrash, WORKER_DIED } from './end-without-run.js';
import { GuestEnd } from './guest-end.js';
import { GuestLimit, GuestLimitReached } from './guest-limit.js';
import { createHost, type HostDeps } from './host.js';
import type { HostRun } from './host-run.js';
import { keepTrace } from './keep-trace.js';
import type { LogWriter } from './log-writer.js';
import { observedHost } from './observed-host.js';
import { replayedHost } from './replayed-host.js';
import { type SettleDeps, settleDelivery } from './settle-delivery.js';
import { recordedHost, TraceRecorder } from './trace-recorder.js';

/** The delay of a job whose function has no free `concurrency`, in milliseconds; jittered. */
const BUSY_DELAY_MS = 100;
/**
 * How long a call waits for a place among the guests of its namespace (quota `concurrent_guests`),
 * in milliseconds, before its caller gets 429: longer than a burst of quick calls takes.
 */
const GUEST_WAIT_MS = 5000;
/**
 * How long a call is put back into the queue while its worker can start no thread, in milliseconds.
 */
const THREAD_WAIT_MS = 5000;
/**
 * The delay of a job whose module cannot be loaded, that no thread can run or whose log row cannot
 * be written, in milliseconds; jittered.
 */
const UNAVAILABLE_DELAY_MS = 2000;

/** What running a guest needs. */
interface GuestDeps extends HostDeps {
  store: Pick<Store, 'blobOwners' | 'traces'>;
  engine: Pick<Engine, 'run'>;
  logWriter: Pick<LogWriter, 'announce'>;
  meter: Pick<Meter, 'hostCalled'>;
  tracer: Tracer;
  logger: Logger;
  /** A recorded trace whose results replace the effects of host calls, for every invocation. */
  replay?: Trace;
}

/** What handling a delivery needs: running its guest, and what precedes and follows. */
interface HandlerDeps extends GuestDeps, SettleDeps {
  store: Pick<Store, 'attempts' | 'blobOwners' | 'traces'>;
  logWriter: Pick<LogWriter, 'announce' | 'withdraw' | 'write'>;
  meter: Meter;
  catalog: Pick<Catalog, 'find'>;
  leases: Pick<Leases, 'acquire'>;
  finisher: Finisher;
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
    const stored = delivery.redelivered ? await attemptsOf(deps, invocation) : [];
    const ended = endOf(stored);
    if (ended) {
      await deps.finisher.followUp(invocation, fn, ended);
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
    if (error instanceof GuestLimitReached) {
      const wasRefused =
        isOverdue(delivery) && (await refuse(deps, delivery, fn, { error, code: 'quota_exceeded' }));
      return wasRefused ? { kind: 'done' } : { kind: 'later', delayMs: jittered(BUSY_DELAY_MS) };
    }
    // A job without a caller is delayed.
    if (!isRefused(error, invocation)) throw error;
    if (!(await refuse(deps, delivery, fn, { error, code: 'unavailable' }))) throw error;
    return { kind: 'done' };
  } finally {
    await lease?.release();
  }
}

/**
 * Returns whether a waiting caller gets 503 for this error: at once for a module that may stay
 * unreachable; for a thread only after a while, because another worker may have one.
 */
function isRefused(error: unknown, { acceptedAt }: Invocation): error is AppError {
  if (error instanceof ThreadsUnavailable) return Date.now() - acceptedAt > THREAD_WAIT_MS;
  return error instanceof ModuleUnavailable;
}

/** A call that has not run yet waits only so long for a place among its namespace's guests. */
function isOverdue({ invocation, attempt }: Delivery): boolean {
  return attempt === 1 && Date.now() - invocation.acceptedAt > GUEST_WAIT_MS;
}

/**
 * Ends an invocation that this attempt cannot run. Resolves with false if no caller waits: the
 * invocation is then put back into the queue.
 */
function refuse(
  { finisher }: Pick<HandlerDeps, 'finisher'>,
  { invocation, attempt }: Delivery,
  fn: FunctionVersion | null,
  { error, code }: { error: Error; code: RefusalCode },
): Promise<boolean> {
  const row = newAttempt(invocation, endNumber(attempt - 1), error.message);
  const output = new Uint8Array();
  return finisher.refuse({ invocation, function: fn, row, outcome: 'error', output }, code);
}

/**
 * Returns the stored attempts of a redelivered invocation. While the store is unreachable they are
 * unknown; running twice is then better than waiting for the store.
 */
async function attemptsOf(
  { store }: { store: Pick<Store, 'attempts'> },
  { id }: Invocation,
): Promise<AttemptRow[]> {
  const stored = await store.attempts.invocation(id).catch(() => null);
  return stored?.attempts ?? [];
}

/**
 * Returns the stored end of an invocation: it is not run again, but its outcome events and callback
 * are sent, because the end was made durable before them.
 */
function endOf(stored: readonly AttemptRow[]): EndRow | null {
  const last = stored.at(-1);
  return last?.final ? { ...last, final: last.final } : null;
}

/**
 * Returns the failed attempt whose retry the queue does not know: its row was written, but the
 * worker died, or could not reach the queue, before it put the job back. Running the guest now would
 * omit the delay, and the invocation would have an attempt too many.
 */
function failureOf(delivery: Delivery, stored: readonly AttemptRow[]): AttemptRow | null {
  if (delivery.isLastAttempt || delivery.signal.aborted) return null;
  const failed = stored.filter((row) => isAttempt(row) && row.error !== WORKER_DIED);
  return (failed.length > delivery.failures && failed.at(-1)) || null;
}

async function runGuest(deps: GuestDeps, delivery: Delivery, fn: FunctionVersion): Promise<GuestOutcome> {
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
 * Creates the host functions of a run. The guest's span is the parent of what it publishes and
 * enqueues.
 */
function hostOf(deps: GuestDeps, run: HostRun, { traceparent }: Span, recorder: TraceRecorder | undefined) {
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
