import type { Context, Env, Handlers } from './index.js';

type Settings = Record<string, string>;

export interface FakeEnv<S extends Settings = Settings> {
  /** Values of `env` in function.yaml. */
  env?: S;
  secrets?: Record<string, string>;
  /**
   * Implements statements: returns rows, or the number of changed rows. Without it, statements
   * throw.
   */
  sql?: (sql: string, values: readonly unknown[]) => readonly Record<string, unknown>[] | number;
}

export interface Recorded {
  readonly published: { topic: string; data: unknown }[];
  readonly enqueued: { name: string; payload: unknown; delay: number }[];
}

/**
 * Creates an in-memory `env`. Messages and invocations that a handler publishes and enqueues are
 * recorded in `published` and `enqueued`. Like that of a function, it lists only the bindings, and
 * values are read by name.
 */
export function createEnv<S extends Settings>(given?: FakeEnv<S>): Env<S> & Recorded;
/** Creates a `ctx`. `settled()` resolves when all promises passed to `waitUntil` have settled. */
export function createContext(given?: Partial<Context>): Context & { settled(): Promise<void> };
/**
 * Loads the default export of a function's index.ts or index.js. Its imports from "orama" use the
 * given `env` and `ctx`.
 */
export function load<H = Required<Handlers<Env<Settings>>>>(
  file: URL,
  given?: { env?: unknown; ctx?: unknown },
): Promise<H>;
