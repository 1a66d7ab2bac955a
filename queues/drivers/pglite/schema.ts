import { QUEUE_KINDS } from '../../jobs.js';

/** The rows of BullMQ's table that are invocations. */
export const IN_LANES = `queue IN (${QUEUE_KINDS.map((kind) => `'${kind}'`).join(', ')})`;

/** Run at every start, when this process alone has the database. */
export const SETUP = `
SET search_path TO bullmq;
CREATE SCHEMA IF NOT EXISTS orama;
CREATE TABLE IF NOT EXISTS orama.backlog (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, record text NOT NULL);
CREATE TABLE IF NOT EXISTS orama.cancelled (id text PRIMARY KEY, at timestamptz NOT NULL DEFAULT now());
DELETE FROM orama.cancelled WHERE at < now() - interval '1 day';
CREATE INDEX IF NOT EXISTS job_lanes_namespace_idx ON job ((data->>'n'), id) WHERE ${IN_LANES};
-- BullMQ writes several rows about every job for its QueueEvents, which nobody reads here.
CREATE OR REPLACE FUNCTION publish_event(p_queue text, p_event text, p_data jsonb) RETURNS bigint
  LANGUAGE sql AS 'SELECT 0::bigint';
CREATE OR REPLACE RULE orama_no_events AS ON INSERT TO event DO INSTEAD NOTHING;
TRUNCATE event;
-- Whoever had these is dead, for the process that has the directory is the only one: no need to wait for their locks.
UPDATE job SET locked_until_ms = 0, stalled_marked = true WHERE state = 'active';
DELETE FROM meta WHERE field = 'stalled-check';
`;
