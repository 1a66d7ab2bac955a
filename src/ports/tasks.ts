import type { Closable } from './closable.js';

export interface Task {
  /** A task whose id is already waiting or running is not added again. */
  id: string;
  kind: string;
  /** Tasks are scheduled fairly by owner. Contains no whitespace. */
  owner: string;
  payload: string;
  attempts: number;
  /** Backoff in milliseconds, doubled after each failed attempt. */
  backoffMs: number;
}

/** Throws to request a retry. After the last attempt the task is dropped. */
export type TaskHandler = (payload: string) => Promise<void>;

/**
 * Small durable background tasks, such as callbacks: at least once, with retries, on the queue's
 * server.
 */
export interface Tasks extends Closable {
  /** Adds a task; it is durable when the promise resolves. */
  add(task: Task): Promise<void>;
  /** Resolves with whether a task is waiting or running. */
  has(id: string): Promise<boolean>;
  /** Starts consuming tasks, with one handler per kind. */
  consume(handlers: Readonly<Record<string, TaskHandler>>): Promise<Closable>;
}
