// Outgoing requests: everything that the runtime knows of the host's HTTP functions is in this
// file.
import { type Bytes, httpNext, httpRequest, httpRespond, httpStart, monotonic } from './host.js';

export interface Outgoing {
  method: string;
  url: string;
  headers: Record<string, string>;
  body: Bytes;
}

export interface Incoming {
  status: number;
  headers: Record<string, string | string[]>;
  body: string;
  body_base64?: string;
  error?: string;
  /** Final URL after redirects. */
  url?: string;
}

type Settle = (answer: Incoming) => void;

/** The host allows 64 concurrent requests; further ones are queued. */
const MAX_IN_FLIGHT = 64;
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/**
 * The started requests. One that was cancelled is null: the host still has it, and counts it, until
 * it has its answer.
 */
const inFlight = new Map<number, Settle | null>();
const queued: { request: Outgoing; settle: Settle }[] = [];

/**
 * Starts a request; `settle` is called with the response by `settleNext`. Returns a function that
 * cancels it.
 */
export function start(request: Outgoing, settle: Settle): () => void {
  const entry = { request, settle };
  queued.push(entry);
  startQueued();
  return () => {
    const at = queued.indexOf(entry);
    if (at >= 0) queued.splice(at, 1);
    for (const [handle, theirs] of inFlight) if (theirs === settle) inFlight.set(handle, null);
  };
}

function startQueued(): void {
  while (inFlight.size < MAX_IN_FLIGHT) {
    const next = queued.shift();
    if (next === undefined) return;
    const { method, url, headers, body } = next.request;
    const handle = httpStart(method, url, JSON.stringify(headers), body);
    if (handle > 0) inFlight.set(handle, next.settle);
    else next.settle(failed('it was refused; the log says why'));
  }
}

const failed = (error: string): Incoming => ({ status: 0, headers: {}, body: '', error });

export const isWaiting = () => queued.length > 0 || [...inFlight.values()].some((settle) => settle !== null);

/** Waits until one of the started requests has completed, or until `due` (monotonic time). */
export function settleNext(due: number | null): void {
  const wait =
    due === null ? LONGEST_WAIT_MS : Math.min(Math.max(Math.ceil(due - monotonic()), 0), LONGEST_WAIT_MS);
  const text = httpNext(wait);
  if (text !== null) {
    const { handle, ...answer } = JSON.parse(text) as Incoming & { handle: number };
    const settle = inFlight.get(handle);
    inFlight.delete(handle);
    settle?.(answer);
    startQueued();
  } else if (due === null) {
    // The longest timeout cannot have passed, so the host has none of these requests any more.
    const lost = [...inFlight.values()];
    inFlight.clear();
    for (const settle of lost) settle?.(failed('its answer was lost; the log says why'));
    startQueued();
  }
}

/** Drops pending requests at the end of the invocation. */
export function abandon(): void {
  queued.length = 0;
  inFlight.clear();
}

/** The request of an HTTP function as passed by the engine. */
export interface Received {
  method: string;
  url: string;
  path: string;
  query: Record<string, string[]>;
  params: Record<string, string>;
  headers: Record<string, string>;
  remote_address: string;
  namespace: string;
  route: string | null;
}

/** Returns the request; null if the invocation was not triggered by one. */
export function received(): Received | null {
  const text = httpRequest();
  return text === null ? null : (JSON.parse(text) as Received);
}

/** Sets the status and headers of an HTTP function's response; its body is the output. */
export function reply(status: number, headers: Iterable<[string, string]>): void {
  // A Map, since a header may have the name of a property that objects inherit.
  const values = new Map<string, string | string[]>();
  // Only set-cookie can occur more than once: other headers have been joined.
  for (const [name, value] of headers) {
    const before = values.get(name);
    values.set(name, before === undefined ? value : [before, value].flat());
  }
  httpRespond(status, JSON.stringify(Object.fromEntries(values)));
}
