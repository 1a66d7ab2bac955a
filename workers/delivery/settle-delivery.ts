import type { FunctionVersion } from '../../src/contract/function.js';
import type { LogMessage } from '../../src/contract/invocation.js';
import type { Catalog } from '../../src/core/functions/catalog.js';
import type { Finisher, InvocationEnd } from '../../src/core/invocations/finish.js';
import { isAnsweredAtOnce, newAttempt } from '../../src/core/invocations/new-attempt.js';
import { isFinalExitCode } from '../../src/core/invocations/reply-status.js';
import type { LogQuota } from '../../src/core/observability/log-quota.js';
import type { GuestOutcome } from '../../src/ports/engine.js';
import type { Meter } from '../../src/ports/meter.js';
import type { Delivery, Settlement } from '../../src/ports/queue.js';
import type { AttemptRow } from '../../src/ports/store/attempts.js';
import { deletedEnd } from './end-without-run.js';
import type { LogWriter } from './log-writer.js';

interface SettleDeps {
  catalog: Pick<Catalog, 'find'>;
  finisher: Pick<Finisher, 'finish'>;
  logWriter: Pick<LogWriter, 'write'>;
  logQuota: Pick<LogQuota, 'admit'>;
  meter: Pick<Meter, 'attempted'>;
}

/**
 * Records the attempt of a guest that has ended. Returns how its job leaves the worker: done if the
 * outcome is final, otherwise with a retry. Records nothing if the job is lost.
 */
export async function settleDelivery(
  deps: SettleDeps,
  delivery: Delivery,
  fn: FunctionVersion,
  outcome: GuestOutcome,
): Promise<Settlement> {
  const { invocation } = delivery;
  // Another worker has taken over the job; only its outcome counts.
  if (delivery.signal.aborted && delivery.signal.reason === 'lost') return { kind: 'lost' };

  deps.meter.attempted({
    namespace: fn.namespace,
    function: fn.name,
    status: outcome.status,
    seconds: outcome.durationMs / 1000,
  });
  const row = rowOf(delivery, outcome);
  if (outcome.response !== undefined && isAnsweredAtOnce(invocation)) {
    row.messages = [...row.messages, notAnswered()];
  }
  if (row.messages.length > 0) row.messages = await deps.logQuota.admit(fn.namespace, row.messages);
  if (isFinal(delivery, outcome)) {
    const ending: InvocationEnd = {
      invocation,
      function: fn,
      row,
      outcome: outcome.status,
      output: outcome.output,
      response: outcome.response,
    };
    await deps.finisher.finish(ending);
    return { kind: 'done' };
  }
  await deps.logWriter.write(row);
  // The function may have been deleted while it ran: its caller would wait for a retry that has
  // nothing to run. While this is unknown, the attempt, which is recorded, uses its retry.
  const found = await deps.catalog.find(fn.namespace, fn.name, fn.version).catch(() => fn);
  if (found === null) {
    await deps.finisher.finish(deletedEnd(delivery, delivery.attempt));
    return { kind: 'done' };
  }
  return { kind: 'retry', error: outcome.error ?? outcome.status };
}

function isFinal(delivery: Delivery, { status, exitCode }: GuestOutcome): boolean {
  if (status === 'success' || status === 'cancelled' || delivery.isLastAttempt) return true;
  return isFinalExitCode(exitCode);
}

function rowOf(delivery: Delivery, outcome: GuestOutcome): AttemptRow {
  const row = newAttempt(delivery.invocation, delivery.attempt, outcome.error);
  row.status = outcome.status === 'cancelled' ? 'error' : outcome.status;
  row.startedAt = outcome.startedAt;
  row.durationMs = Math.round(outcome.durationMs * 1000) / 1000;
  row.outputSize = outcome.output.byteLength;
  row.memoryPeakMb = outcome.memoryPeakMb;
  row.messages = outcome.messages;
  row.exitCode = outcome.exitCode;
  return row;
}

function notAnswered(): LogMessage {
  const message =
    'the status and headers of the reply (http_respond) have no effect: with "mode: async" the sender was answered before the function ran';
  return { level: 'info', message, timestamp: new Date().toISOString() };
}
