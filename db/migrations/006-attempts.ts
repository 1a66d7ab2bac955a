/**
 * The most frequently written table. One row per attempt; the columns from `state` on are set when
 * the attempt ended its invocation. `position` increases in the order of writing on every driver,
 * unlike clocks: followers of a log read by it, and AUTOINCREMENT keeps it from decreasing after a
 * purge. The large columns come last, so that scans do not read their overflow pages. `input` and
 * `output` are base64.
 */
export const attempts = `
create table attempts (
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
  error text,
  messages text not null,
  output text,
  input text,
  unique (request_id, attempt)
) strict
`;
