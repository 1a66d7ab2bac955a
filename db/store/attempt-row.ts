import { type HttpOfAttempt, httpFields } from '../../src/contract/http-route.js';
import type { FunctionName, Namespace, RequestId } from '../../src/contract/ids.js';
import type { AttemptStatus, LogMessage, TriggerKind } from '../../src/contract/invocation.js';
import type { FinalState } from '../../src/contract/invocation-state.js';
import { JsonText } from '../../src/json/json-text.js';
import type { AttemptRow, FinalAttempt, StoredLogRecord } from '../../src/ports/store/attempts.js';
import { fromStoredNumber, toStoredNumber } from './attempt-number.js';
import { cleanText } from './text.js';
import { rfc3339 } from './time.js';

/**
 * A row of the table `attempts`. Input and output are base64, because RQLite transfers all values
 * as JSON text anyway.
 */
export interface AttemptRecord {
  position: number;
  request_id: RequestId;
  /** See `toStoredNumber`. */
  attempt: number;
  namespace: Namespace;
  function: FunctionName;
  version: number;
  trigger: TriggerKind;
  trigger_depth: number;
  status: AttemptStatus;
  started_at: number;
  duration_ms: number;
  input_size: number;
  output_size: number;
  memory_peak_mb: number;
  accepted_at: number;
  traceparent: string | null;
  parent_id: RequestId | null;
  message_id: RequestId | null;
  route: string | null;
  method: string | null;
  http_status: number | null;
  exit_code: number | null;
  state: FinalState | null;
  completed_at: number | null;
  output_expires_at: number | null;
  caller_wallet: string | null;
  reason: string | null;
  error: string | null;
  messages: string;
  output: string | null;
  input: string | null;
  http_request: string | null;
  response: string | null;
  replayed_at: number | null;
}

/** The written columns, in the order of the values of `toTuple`. */
export const WRITTEN_COLUMNS = [
  'request_id',
  'attempt',
  'namespace',
  'function',
  'version',
  'trigger',
  'trigger_depth',
  'status',
  'started_at',
  'duration_ms',
  'input_size',
  'output_size',
  'memory_peak_mb',
  'accepted_at',
  'traceparent',
  'parent_id',
  'message_id',
  'route',
  'method',
  'http_status',
  'exit_code',
  'state',
  'completed_at',
  'output_expires_at',
  'caller_wallet',
  'reason',
  'error',
  'messages',
  'output',
  'input',
  'http_request',
  'response',
];

/** What a run has given. A row without a run, such as of a worker that died, has no duration. */
const RUN_COLUMNS = ['status', 'started_at', 'duration_ms', 'output_size', 'memory_peak_mb', 'messages'];

const FINAL_COLUMNS = [
  'http_status',
  'exit_code',
  'state',
  'completed_at',
  'output_expires_at',
  'caller_wallet',
  'reason',
  'error',
  'output',
  'input',
  'http_request',
  'response',
];

/**
 * Inserts any number of rows with one parameter, a JSON array of tuples: three times as fast as a
 * multi-row insert, which RQLite parses value by value. MATERIALIZED and JSON paths make SQLite
 * parse each tuple once instead of once per column, which halves the time. `on conflict` names the
 * key, because `insert or ignore` would silently drop rows that violate any other constraint. A row
 * that ends the invocation replaces one that does not, but if it has no run, that of the replaced
 * row stays; repeating the statement then changes nothing. The replaced row gets a new position,
 * computed per row, so that readers in the order of writing see the end.
 */
export const INSERT_ATTEMPTS = `
insert into attempts (${WRITTEN_COLUMNS.join(', ')})
with tuples as materialized (select value from json_each(?))
select ${WRITTEN_COLUMNS.map((_, at) => `value ->> '$[${at}]'`).join(', ')} from tuples where true
on conflict (request_id, attempt) do update set
position = (select last.position + 1 from attempts last where excluded.attempt is not null order by last.position desc limit 1),
${RUN_COLUMNS.map((name) => `${name} = iif(excluded.duration_ms > 0, excluded.${name}, attempts.${name})`).join(', ')},
${FINAL_COLUMNS.map((name) => `${name} = excluded.${name}`).join(', ')}
where attempts.state is null and excluded.state is not null`;

/**
 * Converts an attempt to a tuple. Times are rounded, because the columns are integers and clocks
 * may have fractions.
 */
export function toTuple(row: AttemptRow): unknown[] {
  const { final } = row;
  const { http } = row;
  return [
    row.requestId,
    toStoredNumber(row),
    row.namespace,
    row.function,
    row.version,
    row.trigger,
    row.triggerDepth,
    row.status,
    Math.round(row.startedAt),
    row.durationMs,
    row.inputSize,
    row.outputSize,
    row.memoryPeakMb,
    Math.round(row.acceptedAt),
    cleaned(row.traceparent),
    row.parentId,
    row.messageId,
    http === null ? null : (cleaned(http.route) ?? ''),
    cleaned(http?.method),
    http?.status ?? null,
    row.exitCode,
    final?.state ?? null,
    final ? Math.round(final.completedAt) : null,
    final ? Math.round(final.outputExpiresAt) : null,
    cleaned(final?.callerWallet),
    cleaned(final?.reason),
    cleaned(row.error),
    JSON.stringify(row.messages),
    toBase64(final?.output),
    toBase64(final?.input),
    cleaned(final?.httpRequest),
    cleaned(final?.response),
  ];
}

/** Converts a row to an attempt as visible at `now` (Unix milliseconds). */
export function toAttempt(record: AttemptRecord, now: number): AttemptRow {
  return {
    requestId: record.request_id,
    ...fromStoredNumber(record.attempt),
    namespace: record.namespace,
    function: record.function,
    version: record.version,
    trigger: record.trigger,
    triggerDepth: record.trigger_depth,
    status: record.status,
    startedAt: record.started_at,
    durationMs: record.duration_ms,
    inputSize: record.input_size,
    outputSize: record.output_size,
    memoryPeakMb: record.memory_peak_mb,
    error: record.error,
    messages: JSON.parse(record.messages) as LogMessage[],
    acceptedAt: record.accepted_at,
    traceparent: record.traceparent,
    parentId: record.parent_id,
    messageId: record.message_id,
    http: toHttp(record),
    exitCode: record.exit_code,
    final: toFinal(record, now),
  };
}

/**
 * Expired outputs and inputs are hidden even before the sweep; a dead letter, replayed or not,
 * keeps its input.
 */
function toFinal(record: AttemptRecord, now: number): FinalAttempt | null {
  if (record.state === null) return null;
  const outputExpiresAt = record.output_expires_at ?? 0;
  const isKept = outputExpiresAt > now;
  const keepsInput = isKept || record.state === 'dead' || record.replayed_at !== null;
  return {
    state: record.state,
    completedAt: record.completed_at ?? record.started_at,
    output: isKept ? fromBase64(record.output) : null,
    outputExpiresAt,
    response: isKept ? record.response : null,
    input: keepsInput ? fromBase64(record.input) : null,
    httpRequest: keepsInput ? record.http_request : null,
    callerWallet: record.caller_wallet ?? '',
    reason: record.reason,
    ...(record.replayed_at === null ? {} : { replayedAt: record.replayed_at }),
  };
}

/** Converts a row to a log record of the API. */
export function toLogRecord(record: AttemptRecord): StoredLogRecord {
  return {
    request_id: record.request_id,
    function: record.function,
    version: record.version,
    trigger: record.trigger,
    ...httpFields(toHttp(record)),
    attempt: record.attempt,
    status: record.status,
    started_at: rfc3339(record.started_at),
    duration_ms: record.duration_ms,
    input_size: record.input_size,
    output_size: record.output_size,
    memory_peak_mb: record.memory_peak_mb,
    error: record.error,
    messages: new JsonText(record.messages),
  };
}

/** An empty route is the function's own address. Older rows have the method only in the route. */
function toHttp({ route, method, http_status: status }: AttemptRecord): HttpOfAttempt | null {
  if (route === null) return null;
  return { method: method ?? route.split(' ', 1)[0] ?? '', route: route === '' ? null : route, status };
}

function cleaned(text: string | null | undefined): string | null {
  return text === null || text === undefined ? null : cleanText(text);
}

function toBase64(bytes: Uint8Array | null | undefined): string | null {
  if (bytes === null || bytes === undefined) return null;
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64');
}

function fromBase64(text: string | null): Uint8Array | null {
  return text === null ? null : new Uint8Array(Buffer.from(text, 'base64'));
}
