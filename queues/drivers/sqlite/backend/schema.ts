/** Incremented when the tables change. A file with a newer version is refused. */
export const SCHEMA_VERSION = 1;

/**
 * The stored states of a job. "Prioritized" is waiting with a priority; "paused" is a property of
 * the queue.
 */
export const STATE = {
  waiting: 0,
  active: 1,
  delayed: 2,
  waitingChildren: 3,
  completed: 4,
  failed: 5,
} as const;

/** BullMQ's names of the states, by number. */
export const STATE_NAMES = [
  'waiting',
  'active',
  'delayed',
  'waiting-children',
  'completed',
  'failed',
] as const;

/** The state of a child, from the view of its parent. */
export const DEPENDENCY = { pending: 0, processed: 1, ignored: 2, failed: 3 } as const;

/**
 * One row per job and one index over all states. `score` is the sort key within a state: the
 * priority of waiting jobs, the due time of delayed jobs, the end time of finished jobs. `seq`
 * breaks ties in the order of arrival; it is negative for LIFO. Each job thus has two index entries
 * in every state, and a transition moves one of them.
 *
 * Every transition rewrites the whole row, so a large input is stored separately in `payload`.
 */
export const SCHEMA = `
CREATE TABLE queue (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  last_job_id INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE counter (
  id INTEGER PRIMARY KEY CHECK (id = 0),
  seq INTEGER NOT NULL,
  event INTEGER NOT NULL
);
INSERT INTO counter VALUES (0, 0, 0);

CREATE TABLE job (
  key INTEGER PRIMARY KEY,
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  state INTEGER NOT NULL,
  score INTEGER NOT NULL,
  seq INTEGER NOT NULL,
  name TEXT NOT NULL,
  data TEXT,
  opts TEXT NOT NULL,
  priority INTEGER NOT NULL,
  delay INTEGER NOT NULL,
  timestamp INTEGER NOT NULL,
  attempts_made INTEGER NOT NULL DEFAULT 0,
  attempts_started INTEGER NOT NULL DEFAULT 0,
  stalled_count INTEGER NOT NULL DEFAULT 0,
  stalled_mark INTEGER NOT NULL DEFAULT 0,
  lock_token TEXT,
  locked_until INTEGER,
  due_since INTEGER,
  processed_on INTEGER,
  processed_by TEXT,
  finished_on INTEGER,
  progress TEXT,
  return_value TEXT,
  failed_reason TEXT,
  stacktrace TEXT,
  deferred_failure TEXT,
  dedup_id TEXT,
  scheduler_id TEXT,
  parent_queue TEXT,
  parent_id TEXT,
  parent_key TEXT,
  pending INTEGER NOT NULL DEFAULT 0,
  children INTEGER NOT NULL DEFAULT 0,
  logs INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX job_id ON job (queue, id);
CREATE INDEX job_state ON job (queue, state, score, seq);
CREATE TABLE payload (key INTEGER PRIMARY KEY, data TEXT NOT NULL);

CREATE TABLE dependency (
  parent INTEGER NOT NULL,
  child_key TEXT NOT NULL,
  child_queue TEXT NOT NULL,
  child_id TEXT NOT NULL,
  status INTEGER NOT NULL,
  value TEXT,
  PRIMARY KEY (parent, child_key)
) WITHOUT ROWID;
CREATE TABLE log (
  job INTEGER NOT NULL,
  line INTEGER NOT NULL,
  text TEXT NOT NULL,
  PRIMARY KEY (job, line)
) WITHOUT ROWID;

CREATE TABLE meta (
  queue INTEGER NOT NULL,
  field TEXT NOT NULL,
  value TEXT,
  PRIMARY KEY (queue, field)
) WITHOUT ROWID;
CREATE TABLE event (
  queue INTEGER NOT NULL,
  id INTEGER NOT NULL,
  name TEXT NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (queue, id)
) WITHOUT ROWID;
CREATE TABLE metrics (
  queue INTEGER NOT NULL,
  kind TEXT NOT NULL,
  count INTEGER NOT NULL,
  previous_at INTEGER,
  previous_count INTEGER NOT NULL,
  data TEXT NOT NULL,
  PRIMARY KEY (queue, kind)
) WITHOUT ROWID;
CREATE TABLE rate_limit (
  queue INTEGER PRIMARY KEY,
  points INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
);
CREATE TABLE dedup (
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  job_id TEXT NOT NULL,
  expires_at INTEGER,
  next TEXT,
  PRIMARY KEY (queue, id)
) WITHOUT ROWID;
CREATE TABLE scheduler (
  queue INTEGER NOT NULL,
  id TEXT NOT NULL,
  name TEXT,
  next_run INTEGER,
  pattern TEXT,
  every INTEGER,
  tz TEXT,
  start_date INTEGER,
  end_date INTEGER,
  run_limit INTEGER,
  iterations INTEGER NOT NULL,
  offset INTEGER,
  template_data TEXT,
  template_opts TEXT,
  PRIMARY KEY (queue, id)
) WITHOUT ROWID;
`;
