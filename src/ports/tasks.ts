import type { Closable } from './closable.js';

export interface Task {
  /** One that is waiting or running is not added again. */
  id: string;
  kind: string;
  /** Whose it is; owners do not hold one another up. Holds no blank. */
  owner: string;
  payload: string;
  attempts: number;
  /** Doubles after each failed attempt. */
  backoffMs: number;
}

/** Throws to be called again later; after the last attempt the task is dropped. */
export type TaskHandler = (payload: string) => Promise<void>;

/**
 * Small durable chores beside the invocations, such as callbacks: at least once, retried, on the
 * queue's own server.
 */
export interface Tasks extends Closable {
  readonly driver: string;
  /** Durable when it resolves. */
  add(task: Task): Promise<void>;
  /** Starts taking tasks; each kind has one handler. */
  consume(handlers: Readonly<Record<string, TaskHandler>>): Promise<Closable>;
}
