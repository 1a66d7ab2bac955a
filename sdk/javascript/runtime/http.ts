// The way of a request out of the function: everything that the runtime knows of the host's HTTP is in this file.
import { type Bytes, httpFetch } from './host.js';

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
}

interface Started {
  request: Outgoing;
  settle(answer: Incoming): void;
}

const started: Started[] = [];

/** Starts a request; `settle` gets its answer, from `settleNext`. Returns what takes it back. */
export function start(request: Outgoing, settle: (answer: Incoming) => void): () => void {
  const entry = { request, settle };
  started.push(entry);
  return () => {
    const at = started.indexOf(entry);
    if (at >= 0) started.splice(at, 1);
  };
}

export const isWaiting = () => started.length > 0;

/** Waits until one of the started requests has ended, or until `due` by the monotonic clock. */
export function settleNext(_due: number | null): void {
  const next = started.shift();
  if (next === undefined) return;
  const { method, url, headers, body } = next.request;
  const answer = httpFetch(method, url, JSON.stringify(headers), body);
  const failed: Incoming = { status: 0, headers: {}, body: '', error: 'http_fetch failed; the log says why' };
  next.settle(answer === null ? failed : (JSON.parse(answer) as Incoming));
}

/** Requests that nothing waits for any more end with the invocation. */
export function abandon(): void {
  started.length = 0;
}
