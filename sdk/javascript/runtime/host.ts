// The glue's interface: `__host(operation, ...arguments)`. The numbers are defined in
// engine/glue.as.ts. The upper half is the number of leading arguments that the glue takes as
// bytes; a string as UTF-8.
const BYTES = { one: 1 << 8, two: 2 << 8, four: 4 << 8 } as const;

// Only this file has access, so that functions cannot bypass the runtime.
const call = __host;
Reflect.deleteProperty(globalThis, '__host');

export type Bytes = string | Uint8Array;
export type LogLevel = 'debug' | 'info' | 'warn' | 'error';
const LEVELS: Readonly<Record<LogLevel, number>> = { debug: 0, info: 1, warn: 2, error: 3 };
const CLOCK = { realtime: 0, monotonic: 1 } as const;

export interface Entries {
  /** Begins an invocation. */
  begin(): void;
  /** Called when no job is left. Returns true if the invocation has ended. */
  turn(): boolean;
  /**
   * Called when a promise is rejected without a handler, or, with `handled`, when a handler is
   * added later.
   */
  rejected(promise: Promise<unknown>, reason: unknown, handled: boolean | undefined): void;
  /** Ends the invocation, or the start, with an uncaught error. */
  fail(error: unknown): void;
}

export function register({ begin, turn, rejected, fail }: Entries): void {
  call(0, begin, turn, rejected, fail);
}

const utf8Text = new TextDecoder('utf-8', { ignoreBOM: true });

/**
 * The glue reads a string or a Uint8Array, and any other value as nothing: a cache key that is a
 * number would be that of all others. Like Web APIs, this converts it, and replaces lone
 * surrogates, which UTF-8 does not have.
 */
const text = (value: string) => `${value}`.toWellFormed();
const bytes = (value: Bytes) => (value instanceof Uint8Array ? value : text(value));

/** QuickJS decodes malformed UTF-8 differently from the Encoding standard. */
export function inputText(): string {
  const input = call(1) as string;
  return input.isWellFormed() && !input.includes('\ufffd') ? input : utf8Text.decode(inputBytes());
}
export const inputBytes = () => call(2) as Uint8Array<ArrayBuffer>;

/** Keeps a reference to the last output, since the glue has a pointer to it. */
let output: Bytes = '';

export function setOutput(value: Bytes): void {
  output = value;
  call(3 | BYTES.one, output);
}

export const log = (level: LogLevel, message: string) =>
  void call(4 | BYTES.one, text(message), LEVELS[level]);
export const printError = (message: string) => void call(5 | BYTES.one, text(message));
export const exit = (code: number) => void call(6, code);
/** Blocks the thread without using CPU time. */
export const sleep = (milliseconds: number) => void call(7, milliseconds);
export const realtime = () => call(8, CLOCK.realtime) as number;
export const monotonic = () => call(8, CLOCK.monotonic) as number;
export const functionName = () => call(9) as string | null;
export const requestId = () => call(10) as string | null;
export const callerWallet = () => call(11) as string | null;
export const getEnv = (key: string) => call(12 | BYTES.one, text(key)) as string | null;
export const getSecret = (name: string) => call(13 | BYTES.one, text(name)) as string | null;
export const dbQuery = (sql: string, args: string) => call(14 | BYTES.two, sql, args) as string | null;
export const dbExecute = (sql: string, args: string) => call(15 | BYTES.two, sql, args) as number;
export const cacheGet = (key: string) => call(16 | BYTES.one, text(key)) as Uint8Array<ArrayBuffer> | null;
export const cacheSet = (key: string, value: Bytes, ttl: number) =>
  void call(17 | BYTES.two, text(key), bytes(value), ttl);
export const cacheIncrement = (key: string, by: number) =>
  call(18 | BYTES.one, text(key), by) as number | bigint;
export const cacheDelete = (key: string) => call(19 | BYTES.one, text(key)) === 1;
/** Returns the handle of the request; 0 if it was refused. */
export const httpStart = (method: string, url: string, headers: string, body: Bytes) =>
  call(20 | BYTES.four, method, url, headers, body) as number;
/** Returns the next completed request as JSON; null if there is none or on timeout. */
export const httpNext = (milliseconds: number) => call(25, milliseconds) as string | null;
/** Returns the request of an HTTP function; null for other triggers. */
export const httpRequest = () => call(26) as string | null;
export const httpRespond = (status: number, headers: string) => void call(27 | BYTES.one, headers, status);
export const publish = (topic: string, data: Bytes) => call(21 | BYTES.two, text(topic), bytes(data)) === 1;
export const storagePut = (data: Bytes) => call(22 | BYTES.one, bytes(data)) as string | null;
export const storageGet = (cid: string) => call(23 | BYTES.one, text(cid)) as Uint8Array<ArrayBuffer> | null;
export const enqueue = (name: string, payload: Bytes, delay: number) =>
  call(24 | BYTES.two, text(name), bytes(payload), delay) as string | null;
/** Returns how deep the brackets of a JSON text are nested. */
export const jsonDepth = (json: string) => call(28 | BYTES.one, json) as number;
