import type { FunctionVersion } from '../../src/contract/function.js';
import type { InvocationEnd } from '../../src/core/invocations/finish.js';
import type { InvokeRequest } from '../../src/core/invocations/invoke.js';
import { newAttempt } from '../../src/core/invocations/new-attempt.js';
import type { Invocation } from '../../src/ports/queue.js';
import type { UseCases } from './use-cases.js';

/** Sends an invocation and returns it as a worker receives it. */
export async function accepted(cases: UseCases, fn: FunctionVersion, given: Partial<InvokeRequest> = {}) {
  const { id } = await cases.invoker.send({
    namespace: fn.namespace,
    function: fn.name,
    input: Buffer.from('{"n":1}'),
    trigger: 'async',
    ...given,
  });
  const live = await cases.queue.get(id);
  if (live === null) throw new Error('the invocation is not on the queue');
  return live.invocation;
}

export function succeeded(
  invocation: Invocation,
  fn: FunctionVersion,
  output = '{"ok":true}',
): InvocationEnd {
  const row = newAttempt(invocation, 1, null);
  row.status = 'success';
  return { invocation, function: fn, row, outcome: 'success', output: Buffer.from(output) };
}

export function failed(invocation: Invocation, fn: FunctionVersion, attempt = 1): InvocationEnd {
  const row = newAttempt(invocation, attempt, 'exited with code 1');
  return { invocation, function: fn, row, outcome: 'error', output: new Uint8Array() };
}

export const finalOf = async ({ store }: UseCases, { id }: Invocation) =>
  (await store.attempts.invocation(id))?.attempts.at(-1)?.final;
