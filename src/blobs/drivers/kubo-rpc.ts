import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import { type Dispatcher, Pool } from 'undici';
import { AnswerWatch } from '../../concurrency/answer-watch.js';
import { MB } from '../../contract/limits.js';
import { AppError } from '../../errors.js';
import type { Closable } from '../../ports/closable.js';
import { redactUrl } from '../../redact-url.js';
import { chunks } from '../unixfs.js';

const REQUEST_TIMEOUT_MS = 30_000;
const FIRST_CONTACT_MS = 5000;
/** Number of bytes that are copied in one turn of the event loop. */
const COPY_BYTES = MB;

export type RpcArguments = Record<string, string> | [string, string][];

export interface KuboReply {
  status: number;
  body: Buffer;
  /** What made Kubo break off the body, which it reports after it. */
  brokenOff?: string;
}

/** A client of the RPC API of one Kubo node. */
export class KuboRpc implements Closable {
  readonly #pool: Pool;
  /** A separate connection for the watch, since those of the pool may all be waiting. */
  readonly #spare: Pool;
  readonly #prefix: string;
  readonly #authorization: Record<string, string>;
  readonly #watch: AnswerWatch;

  constructor(url: string) {
    const base = parseUrl(url);
    const connect = { timeout: FIRST_CONTACT_MS };
    this.#pool = new Pool(base.origin, { connect });
    this.#spare = new Pool(base.origin, { connections: 1, connect });
    this.#prefix = `${base.pathname.replace(/\/$/, '')}/api/v0/`;
    this.#authorization = basicAuthorization(base);
    this.#watch = new AnswerWatch({ ask: (signal) => this.#ask(signal) });
  }

  /** Resolves with the reply of any status. Throws `unavailable` if there is none. */
  async call(command: string, query: RpcArguments, file?: Uint8Array): Promise<KuboReply> {
    const { headers, body } = file === undefined ? { headers: {}, body: null } : multipart(file);
    try {
      return await this.#watch.run(async (silent) => {
        const response = await this.#pool.request({
          method: 'POST',
          path: `${this.#prefix}${command}?${new URLSearchParams(query)}`,
          headers: { ...this.#authorization, ...headers },
          body,
          signal: AbortSignal.any([silent, AbortSignal.timeout(REQUEST_TIMEOUT_MS)]),
        });
        const reply = { status: response.statusCode, body: await readAll(response.body) };
        // Trailers are complete when the body has been read.
        const brokenOff = response.trailers['x-stream-error'];
        return brokenOff === undefined ? reply : { ...reply, brokenOff };
      });
    } catch (cause) {
      throw new AppError('unavailable', 'The storage cannot be reached right now; try again in a moment.', {
        cause,
      });
    }
  }

  /** Resolves with the body of the reply. Throws `unavailable` if Kubo refuses the command. */
  async expect(command: string, query: RpcArguments, file?: Uint8Array): Promise<Buffer> {
    const reply = await this.call(command, query, file);
    if (!isWhole(reply)) throw refused(command, reply);
    return reply.body;
  }

  async close(): Promise<void> {
    await Promise.all([this.#pool.destroy(), this.#spare.destroy()]);
  }

  async #ask(signal: AbortSignal): Promise<void> {
    const path = `${this.#prefix}version`;
    const response = await this.#spare.request({
      method: 'POST',
      path,
      headers: this.#authorization,
      signal,
    });
    await response.body.dump();
  }
}

function parseUrl(url: string): URL {
  if (/^https?:\/\//.test(url) && URL.canParse(url)) return new URL(url);
  throw new AppError('bad_config', `IPFS_API_URL must be an http:// or https:// URL, not ${redactUrl(url)}`);
}

function basicAuthorization({ username, password }: URL): Record<string, string> {
  if (username === '' && password === '') return {};
  const credentials = `${decodeURIComponent(username)}:${decodeURIComponent(password)}`;
  return { authorization: `Basic ${Buffer.from(credentials).toString('base64')}` };
}

/**
 * Encodes multipart/form-data manually: FormData copies the whole file twice on the main thread.
 */
function multipart(file: Uint8Array): { headers: Record<string, string>; body: Readable } {
  const boundary = randomUUID();
  const head = Buffer.from(
    `--${boundary}\r\nContent-Disposition: form-data; name="file"; filename="blob"\r\n` +
      'Content-Type: application/octet-stream\r\n\r\n',
  );
  const tail = Buffer.from(`\r\n--${boundary}--\r\n`);
  async function* body() {
    yield head;
    yield* chunks(file);
    yield tail;
  }
  return {
    headers: { 'content-type': `multipart/form-data; boundary=${boundary}` },
    body: Readable.from(body(), { objectMode: false }),
  };
}

/** Reads the body into one buffer, copying in small steps so that the event loop is not blocked. */
async function readAll(body: Dispatcher.ResponseData['body']): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let size = 0;
  for await (const part of body as AsyncIterable<Uint8Array>) {
    parts.push(part);
    size += part.length;
  }
  const whole = Buffer.alloc(size);
  let at = 0;
  let copied = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
    copied += part.length;
    if (copied < COPY_BYTES) continue;
    copied = 0;
    await setImmediate();
  }
  return whole;
}

/** Returns whether Kubo has executed the command to its end. */
export function isWhole({ status, brokenOff }: KuboReply): boolean {
  return status === 200 && brokenOff === undefined;
}

/** Returns Kubo's error message. A proxy in front of Kubo may respond with another format. */
export function messageIn(reply: KuboReply): string {
  if (reply.brokenOff !== undefined) return reply.brokenOff;
  const text = reply.body.toString();
  try {
    return String((JSON.parse(text) as { Message?: unknown }).Message);
  } catch {
    return text.slice(0, 200);
  }
}

/** Creates the error for a command that Kubo did not execute. */
export function refused(command: string, reply: KuboReply): AppError {
  const cause = new Error(`Kubo answered ${command} with ${reply.status}: ${messageIn(reply).trim()}`);
  return new AppError('unavailable', 'The storage cannot do this right now; try again in a moment.', {
    cause,
  });
}
