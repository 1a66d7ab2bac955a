import type { HostCalls, HostResult } from '../../src/contract/host-functions.js';
import type { Trace } from '../../src/contract/trace.js';
import type { Logger } from '../../src/logger.js';
import type { HostCaller } from '../../src/ports/engine.js';
import type { Meter } from '../../src/ports/meter.js';
import type { Span, Tracer } from '../../src/ports/tracer.js';
import { budgetedHost } from './budgeted-host.js';
import { createHost, type HostDeps } from './host.js';
import type { HostRun } from './host-run.js';
import { observedHost } from './observed-host.js';
import { replayedHost } from './replayed-host.js';
import { recordedHost, type TraceRecorder } from './trace-recorder.js';

export interface GuestHostDeps extends HostDeps {
  /** A recorded trace whose results replace the effects of host calls, for every invocation. */
  replay?: Trace;
  meter: Meter;
  tracer: Tracer;
  logger: Logger;
}

/**
 * Creates what a guest calls: the host functions of its run within the limits of this process,
 * measured, and recorded if there is a recorder. The guest's span is the parent of what it
 * publishes and enqueues.
 */
export function guestHost(
  deps: GuestHostDeps,
  run: HostRun,
  { traceparent }: Span,
  recorder: TraceRecorder | undefined,
): HostCaller {
  const invocation = traceparent === undefined ? run.invocation : { ...run.invocation, traceparent };
  const call = deps.replay ? replayedHost(deps.replay) : hostCaller(createHost(deps, { ...run, invocation }));
  const budgeted = budgetedHost(call, deps.buffers, invocation.namespace);
  const { meter, tracer, logger } = deps;
  const about = { meter, tracer, logger, parent: traceparent, requestId: invocation.id };
  const observed = observedHost(budgeted, about);
  return recorder ? recordedHost(observed, recorder) : observed;
}

/**
 * Calls an invocation's host functions by name. `HOST_FUNCTIONS` determines both the argument types
 * and the types of the implementations.
 */
function hostCaller(calls: HostCalls): HostCaller {
  return async (name, args, signal): Promise<HostResult> =>
    Reflect.apply(calls[name], calls, [...args, signal]);
}
