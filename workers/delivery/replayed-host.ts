import {
  type EngineFunctionName,
  type HostResult,
  type HostResultKind,
  hostFunction,
} from '../../src/contract/host-functions.js';
import type { Trace, TracedCall, TracedResult } from '../../src/contract/trace.js';
import { AppError, isErrorCode } from '../../src/errors.js';
import type { HostCaller } from '../../src/ports/engine.js';
import { aboutOf, digestOf } from './trace-recorder.js';

/**
 * Creates host functions that return the results of a trace and have no effects. Each recorded call
 * is used once: for a call with the same arguments if there is one, otherwise for the next call
 * with the same subject, because a function under repair may pass slightly different arguments. A
 * call without a match fails, and the function's log says so.
 */
export function replayedHost({ calls, truncated }: Trace): HostCaller {
  const left = [...calls];

  function take(call: EngineFunctionName, args: readonly unknown[]): TracedResult {
    const digest = digestOf(call, args);
    const about = aboutOf(call, args);
    const isSame = (one: TracedCall) => one.call === call && one.digest === digest;
    const isAlike = (one: TracedCall) => one.call === call && one.about === about;
    const exact = left.findIndex(isSame);
    const at = exact >= 0 ? exact : left.findIndex(isAlike);
    const [found] = at < 0 ? [] : left.splice(at, 1);
    if (found !== undefined) return found.result;
    const why = truncated ? ', which ends before the calls do' : '';
    throw new AppError('not_found', `${call}: the trace${why} has no further call for "${about}".`);
  }

  return async (name, args) => resultOf(take(name, args), hostFunction(name).result);
}

function resultOf(result: TracedResult, kind: HostResultKind): HostResult {
  switch (result.kind) {
    case 'error':
      throw new AppError(isErrorCode(result.code) ? result.code : 'internal', result.message);
    case 'none':
      return kind === null ? undefined : null;
    case 'text':
      return result.text;
    case 'bytes':
      return Buffer.from(result.base64, 'base64');
    case 'integer':
      return kind === 'i64' ? BigInt(result.integer) : Number(result.integer);
  }
}
