import {
  type FunctionName,
  functionNameSchema,
  namespaceSchema,
  requestIdSchema,
} from '../../src/contract/ids.js';
import type { LogMessage } from '../../src/contract/invocation.js';
import type {
  AttemptRow,
  AttemptStore,
  FinalAttempt,
  StoredLogRecord,
} from '../../src/ports/store/attempts.js';
import { uuidv7 } from '../../src/uuid.js';

export const aNamespace = () => namespaceSchema.parse(`ns-${uuidv7().slice(-12)}`);
export const aName = (name: string): FunctionName => functionNameSchema.parse(name);
export const aRequestId = () => requestIdSchema.parse(uuidv7());

/**
 * Creates a successful first attempt of a new invocation. It is not the end of the invocation
 * unless `final` is given.
 */
export function anAttempt(given: Partial<AttemptRow> = {}): AttemptRow {
  const now = Date.now();
  return {
    requestId: aRequestId(),
    attempt: 1,
    isAttempt: true,
    namespace: namespaceSchema.parse('default'),
    function: aName('hello'),
    version: 1,
    trigger: 'http',
    triggerDepth: 0,
    status: 'success',
    startedAt: now,
    durationMs: 1.25,
    inputSize: 2,
    outputSize: 11,
    memoryPeakMb: 3.5,
    error: null,
    messages: [{ level: 'info', message: 'hello', timestamp: new Date(now).toISOString() }],
    acceptedAt: now,
    traceparent: null,
    parentId: null,
    messageId: null,
    http: null,
    exitCode: null,
    final: null,
    ...given,
  };
}

export function anEnd(given: Partial<FinalAttempt> = {}): FinalAttempt {
  return {
    state: 'success',
    completedAt: Date.now(),
    output: null,
    outputExpiresAt: Date.now() + 60_000,
    response: null,
    input: null,
    httpRequest: null,
    callerWallet: '',
    reason: null,
    ...given,
  };
}

/** Creates an attempt that ended its invocation as a dead letter. */
export function aDeadAttempt(given: Partial<AttemptRow> = {}, end: Partial<FinalAttempt> = {}): AttemptRow {
  return anAttempt({
    trigger: 'async',
    status: 'error',
    error: 'exit code 1',
    final: anEnd({ state: 'dead', reason: 'error', input: Buffer.from('{"n":1}'), ...end }),
    ...given,
  });
}

/** Returns the log of the function to which attempts belong by default. */
export async function logsOf(attempts: AttemptStore, namespace: ReturnType<typeof aNamespace>, more = {}) {
  const { records, position } = await attempts.logs({
    ...{ namespace, function: aName('hello'), limit: 100 },
    ...more,
  });
  return { records: records.map(parsedLog), position };
}

function parsedLog({ messages, ...record }: StoredLogRecord) {
  return { ...record, messages: JSON.parse(messages.text) as LogMessage[] };
}
