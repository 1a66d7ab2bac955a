import type { Context, Env, Handlers } from './index.js';

type Settings = Record<string, string>;

export interface FakeEnv<S extends Settings = Settings> {
  /** Values of `env` in function.yaml. */
  env?: S;
  secrets?: Record<string, string>;
  /** Answers a statement: its rows, or the number of rows that it changed. Without it, a statement is an error. */
  sql?: (sql: string, values: readonly unknown[]) => readonly Record<string, unknown>[] | number;
}

export interface Recorded {
  readonly published: { topic: string; data: unknown }[];
  readonly enqueued: { name: string; payload: unknown; delay: number }[];
}

/** An `env` in memory. What a handler publishes and enqueues is in `published` and `enqueued`. */
export function createEnv<S extends Settings>(given?: FakeEnv<S>): Env<S> & Recorded;
/** A `ctx`. `settled()` resolves when what was given to `waitUntil` has settled. */
export function createContext(given?: Partial<Context>): Context & { settled(): Promise<void> };
/** The default export of a function's index.ts or index.js. `import … from "orama"` in it gets the `env` and `ctx` given. */
export function load<H = Required<Handlers<Env<Settings>>>>(
  file: URL,
  given?: { env?: unknown; ctx?: unknown },
): Promise<H>;
