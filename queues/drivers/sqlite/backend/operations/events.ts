import type { QueueState } from '../store.js';

const DEFAULT_MAX_EVENTS = 10_000;
/** The number of events between two trims: trimming at each event would double its cost. */
const TRIM_EVERY = 256;
const READ_AT_ONCE = 100;

/** Appends an event to the queue's stream, if events are recorded. Returns the event's id, or 0. */
export function publish(
  queue: QueueState,
  name: string,
  fields: Readonly<Record<string, string | number | undefined>>,
): number {
  const { store } = queue;
  if (!store.keepsEvents) return 0;
  const id = store.nextEventId();
  store.run(
    'INSERT INTO event (queue, id, name, data) VALUES (?, ?, ?, ?)',
    queue.id,
    id,
    name,
    JSON.stringify(fields),
  );
  if (id % TRIM_EVERY === 0) trimEvents(queue, queue.metaNumber('opts.maxLenEvents') ?? DEFAULT_MAX_EVENTS);
  store.eventful.add(queue.name);
  return id;
}

export function publishEvent(
  queue: QueueState,
  name: string,
  fields: Record<string, string | number>,
): string {
  return String(publish(queue, name, fields));
}

/** Keeps the newest `maxLength` events. Returns the number of deleted events. */
export function trimEvents(queue: QueueState, maxLength: number): number {
  const oldest = queue.store.row<[number]>(
    'SELECT id FROM event WHERE queue = ? ORDER BY id DESC LIMIT 1 OFFSET ?',
    queue.id,
    Math.max(0, maxLength),
  );
  if (oldest === undefined) return 0;
  return queue.store.run('DELETE FROM event WHERE queue = ? AND id <= ?', queue.id, oldest[0]);
}

export type EventRow = [id: number, name: string, data: string];

/** Returns up to READ_AT_ONCE events after the given id. */
export function readEvents(queue: QueueState, after: number): EventRow[] {
  return queue.store.rows<EventRow>(
    `SELECT id, name, data FROM event WHERE queue = ? AND id > ? ORDER BY id LIMIT ${READ_AT_ONCE}`,
    queue.id,
    after,
  );
}

export function lastEventId(queue: QueueState): number {
  return queue.store.row<[number | null]>('SELECT max(id) FROM event WHERE queue = ?', queue.id)?.[0] ?? 0;
}
