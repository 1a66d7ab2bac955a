/** Attempts of invocations, and what belongs to an invocation. */
export const ATTEMPTS: readonly string[] = [
  // The most frequently written table. One row per attempt; the columns from `state` to `reason`
  // are set when the attempt ended its invocation. `position` increases in the order of writing on
  // every driver, unlike clocks: followers of a log read by it, and AUTOINCREMENT keeps it from
  // decreasing after a purge. `exit_code` is stored so that a caller that learns of the end from
  // the store can tell that the function refused its input. `parent_id` is the invocation that
  // published, enqueued or replayed this one, `message_id` the message that triggered it. `route`
  // to `response` are for HTTP functions: the matched route (empty for the function's own address),
  // method, status, what `http_request()` returned (kept as long as the input, so that a replay
  // sends the same request), and what `http_respond` set, the last two as JSON text. The large
  // columns come last, so that scans do not read their overflow pages. `input` and `output` are
  // base64.
  `create table attempts (
    position integer primary key autoincrement,
    request_id text not null,
    attempt integer not null,
    namespace text not null,
    function text not null,
    version integer not null,
    trigger text not null,
    trigger_depth integer not null,
    status text not null,
    started_at integer not null,
    duration_ms real not null,
    input_size integer not null,
    output_size integer not null,
    memory_peak_mb real not null,
    accepted_at integer not null,
    traceparent text,
    state text,
    completed_at integer,
    output_expires_at integer,
    caller_wallet text,
    reason text,
    replayed_at integer,
    exit_code integer,
    parent_id text,
    message_id text,
    route text,
    method text,
    http_status integer,
    error text,
    messages text not null,
    http_request text,
    response text,
    output text,
    input text,
    unique (request_id, attempt)
  ) strict`,
  // For a function's log, newest first, and its `since` filter. `status` is included so that a
  // search for rare failures reads no rows.
  'create index attempts_by_function on attempts (namespace, function, started_at, status)',
  // For the list of ended invocations, newest first, and its cursor. Ordered by state, so that the
  // few failures need not be searched among the many successes; `function` is included so that
  // skipping other functions' entries reads no rows.
  `create index attempts_ended on attempts (namespace, state, accepted_at, request_id, function)
    where state is not null`,
  // For listing the invocations that an invocation has caused, or that a message has triggered, in
  // the order and by the states of the list of ended invocations. Partial, because most have
  // neither.
  `create index attempts_by_parent on attempts (parent_id, state, accepted_at, request_id)
    where parent_id is not null and state is not null`,
  `create index attempts_by_message on attempts (message_id, state, accepted_at, request_id)
    where message_id is not null and state is not null`,
  // For dead letters: small indexes, so that counting (in steps), listing and purging them never
  // scans the log.
  `create index attempts_dead on attempts (namespace, function, accepted_at, reason, completed_at)
    where state = 'dead'`,
  "create index attempts_dead_positions on attempts (namespace, position) where state = 'dead'",
  // For the sweep of expired outputs, and of inputs that are kept temporarily without an output.
  // Dead letters, replayed or not, keep their inputs as long as their log. A row leaves the index
  // when its output or input is deleted.
  'create index attempts_with_output on attempts (output_expires_at) where output is not null',
  `create index attempts_with_input on attempts (output_expires_at)
    where input is not null and output is null and state <> 'dead' and replayed_at is null`,

  // The host calls of each attempt of functions with `trace: true`.
  `create table traces (
    request_id text not null,
    attempt integer not null,
    namespace text not null,
    function text not null,
    trace text not null,
    created_at integer not null,
    primary key (request_id, attempt)
  ) strict, without rowid`,
  // For the sweep that deletes them together with the log.
  'create index traces_by_time on traces (created_at)',

  // The delivery status of callbacks, one row per invocation with a callback. `bytes` is the size
  // of the body, which the queue holds until the callback has ended; `ended_at` is when it was
  // delivered or given up, null while it waits. A row that could not be written before the first
  // attempt has no namespace and no size.
  `create table callbacks (
    request_id text not null primary key,
    namespace text not null default '',
    url text not null,
    bytes integer not null default 0,
    attempts integer not null,
    delivered_at integer,
    ended_at integer,
    last_error text,
    created_at integer not null
  ) strict, without rowid`,
  // For the sweep that deletes them together with the log.
  'create index callbacks_by_time on callbacks (created_at)',
  // For the count and size of the callbacks of a namespace that wait.
  `create index callbacks_waiting on callbacks (namespace, created_at, bytes)
    where ended_at is null`,

  // The claims of Idempotency-Keys.
  `create table idempotency (
    namespace text not null,
    function text not null,
    key text not null,
    body_hash text not null,
    request_id text not null,
    version integer not null,
    expires_at integer not null,
    primary key (namespace, function, key)
  ) strict, without rowid`,
  // For deleting expired claims.
  'create index idempotency_by_expiry on idempotency (expires_at)',

  // The bytes of log lines per namespace and UTC day.
  `create table log_bytes (
    namespace text not null,
    day text not null,
    bytes integer not null,
    primary key (namespace, day)
  ) strict, without rowid`,
];
