import { hostFunction } from '../../src/contract/host-functions.js';
import type { RequestId } from '../../src/contract/ids.js';
import { AppError, isAppError, messageOf } from '../../src/errors.js';
import type { Logger } from '../../src/logger.js';
import type { HostCaller } from '../../src/ports/engine.js';
import type { Meter } from '../../src/ports/meter.js';
import type { Tracer } from '../../src/ports/tracer.js';

/**
 * Wraps host functions: counts each call, records it as a span below `parent`, and logs the driver
 * error behind a failure.
 */
export function observedHost(
  call: HostCaller,
  {
    meter,
    tracer,
    parent,
    logger,
    requestId,
  }: {
    meter: Pick<Meter, 'hostCalled'>;
    tracer: Tracer;
    parent: string | undefined;
    logger: Logger;
    requestId: RequestId;
  },
): HostCaller {
  return async (called, args, signal) => {
    const name = hostFunction(called).countedAs ?? called;
    const span = tracer.start({ name, kind: 'client', parent });
    try {
      const result = await call(called, args, signal);
      meter.hostCalled(name, true);
      span.end();
      return result;
    } catch (error) {
      meter.hostCalled(name, false);
      span.end(messageOf(error));
      throw guestError(error, () =>
        logger.warn({ request_id: requestId, call: name, err: error }, 'a host call failed'),
      );
    }
  };
}

/** Returns the error for the function's log. The driver's error goes to the engine's log. */
function guestError(error: unknown, log: () => void): unknown {
  if (isAppError(error)) {
    if (error.status >= 500 && error.cause !== undefined) log();
    return error;
  }
  log();
  return new AppError('internal', "the engine failed at this call; the engine's log has the details", {
    cause: error,
  });
}
