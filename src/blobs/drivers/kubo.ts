import { randomUUID } from 'node:crypto';
import { Readable } from 'node:stream';
import { setImmediate } from 'node:timers/promises';
import type { CID } from 'multiformats/cid';
import { type Dispatcher, Pool } from 'undici';
import { z } from 'zod';
import { AppError, isAppError } from '../../errors.js';
import { networkReason } from '../../network-reason.js';
import type { Blobs } from '../../ports/blobs.js';
import type { Node } from '../../ports/node.js';
import { redactUrl } from '../../redact-url.js';

import { chunks, cidOf, cidText, importInto, parseCid } from '../unixfs.js';

export interface KuboBlobsOptions {
  /**
   * Base URL of Kubo's RPC API, such as http://127.0.0.1:5001. User and password in it are sent
   * with HTTP basic authentication.
   */
  url: string;
}

const REQUEST_TIMEOUT_MS = 30_000;
const FIRST_CONTACT_MS = 5000;
/** Number of bytes that are copied in one turn of the event loop. */
const COPY_BYTES = 1 << 20;

const idSchema = z.object({ ID: z.string(), Addresses: z.array(z.string()).nullable() });

type RpcArguments = Record<string, string> | [string, string][];

interface KuboReply {
  status: number;
  body: Buffer;
}

/**
 * Opens a blob store on one Kubo node through its RPC API. All reads are offline: a CID that the
 * node has not pinned is reported as absent at once, instead of after a search of the network that
 * can take minutes.
 */
export async function openKuboBlobs({ url }: KuboBlobsOptions): Promise<Blobs> {
  const base = parseUrl(url);
  const pool = new Pool(base.origin, { connect: { timeout: FIRST_CONTACT_MS } });
  const authorization = basicAuthorization(base);

  async function call(path: string, query: RpcArguments, file?: Uint8Array): Promise<KuboReply> {
    const { headers, body } = file === undefined ? { headers: {}, body: null } : multipart(file);
    try {
      const response = await pool.request({
        method: 'POST',
        path: `${base.pathname.replace(/\/$/, '')}/api/v0/${path}?${new URLSearchParams(query)}`,
        headers: { ...authorization, ...headers },
        body,
        signal: AbortSignal.timeout(REQUEST_TIMEOUT_MS),
      });
      return { status: response.statusCode, body: await readAll(response.body) };
    } catch (cause) {
      throw new AppError('unavailable', 'The storage cannot be reached right now; try again in a moment.', {
        cause,
      });
    }
  }

  async function put(bytes: Uint8Array): Promise<string> {
    const blocks: CID[] = [];
    const store = {
      put: (cid: CID) => {
        blocks.push(cid);
        return cid;
      },
    };
    const expected = (await importInto(store, bytes)).toString();
    await add(bytes, expected);
    // Kubo does not write a block that it has, and so does not replace a damaged one.
    if (!(await isDamaged(expected))) return expected;
    await remove(expected);
    const reply = await call('block/rm', [...blocks.map(argument), ['force', 'true']]);
    if (reply.status !== 200) throw refused('block/rm', reply);
    await add(bytes, expected);
    if (await isDamaged(expected)) throw damagedForOthersToo(expected);
    return expected;
  }

  async function isDamaged(cid: string): Promise<boolean> {
    try {
      await get(cid);
      return false;
    } catch (error) {
      if (isAppError(error, 'blob_damaged')) return true;
      throw error;
    }
  }

  async function add(bytes: Uint8Array, expected: string): Promise<void> {
    const reply = await call(
      'add',
      {
        'cid-version': '1',
        'raw-leaves': 'true',
        chunker: 'size-262144',
        pin: 'true',
        quieter: 'true',
        progress: 'false',
      },
      bytes,
    );
    if (reply.status !== 200) throw refused('add', reply);
    const { Hash: cid } = JSON.parse(reply.body.toString()) as { Hash: string };
    if (cid !== expected) {
      throw new AppError(
        'internal',
        `The storage gave the blob the CID ${cid}, but its bytes have ${expected}.`,
      );
    }
  }

  async function get(text: string): Promise<Uint8Array> {
    if (!(await has(text))) throw absent(text);
    const reply = await call('cat', { arg: text, offline: 'true' });
    if (reply.status !== 200) {
      if (!/not found/.test(messageIn(reply))) throw refused('cat', reply);
      // Either the blob was deleted and garbage-collected during the read, or a block is missing.
      if (!(await has(text))) throw absent(text);
      throw damaged(text, 'a part of it is missing', new Error(`Kubo answered: ${messageIn(reply).trim()}`));
    }
    if ((await cidOf(reply.body)).toString() !== parseCid(text)?.toString()) {
      throw damaged(text, 'its bytes do not match its hash');
    }
    return reply.body;
  }

  /** Checks for a pin, since Kubo's garbage collector deletes unpinned blocks. */
  async function has(text: string): Promise<boolean> {
    if (parseCid(text) === null) return false;
    const reply = await call('pin/ls', { arg: text, type: 'recursive', offline: 'true' });
    if (reply.status === 200) return true;
    if (isNotPinned(reply)) return false;
    throw refused('pin/ls', reply);
  }

  async function remove(text: string): Promise<void> {
    if (parseCid(text) === null) return;
    const reply = await call('pin/rm', { arg: text });
    if (reply.status !== 200 && !isNotPinned(reply)) throw refused('pin/rm', reply);
  }

  async function nodes(): Promise<Node[]> {
    const reply = await call('id', {});
    if (reply.status !== 200) throw refused('id', reply);
    const { ID: id, Addresses: addresses } = idSchema.parse(JSON.parse(reply.body.toString()));
    return [{ id, addresses: addresses ?? [] }];
  }

  async function ping(): Promise<void> {
    const reply = await call('version', {});
    if (reply.status !== 200) throw refused('version', reply);
  }

  try {
    await ping();
  } catch (cause) {
    await pool.destroy();
    const sentence = `IPFS_API_URL names ${redactUrl(url)}, which cannot be used (${reasonOf(cause)}); start the server there or correct the URL.`;
    throw new AppError('bad_config', sentence, { cause });
  }

  return {
    driver: 'kubo',
    cidOf: cidText,
    put,
    get,
    has,
    delete: remove,
    nodes,
    ping,
    close: () => pool.destroy(),
  };
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

function isNotPinned(reply: KuboReply): boolean {
  return /not pinned/.test(messageIn(reply));
}

/** Returns Kubo's error message. A proxy in front of Kubo may respond with another format. */
function messageIn(reply: KuboReply): string {
  const text = reply.body.toString();
  try {
    return String((JSON.parse(text) as { Message?: unknown }).Message);
  } catch {
    return text.slice(0, 200);
  }
}

/** The node's own words for the operator, or what the network did. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message.startsWith('Kubo ') ? cause.message : networkReason(error);
}

function refused(command: string, reply: KuboReply): AppError {
  const cause = new Error(`Kubo answered ${command} with ${reply.status}: ${messageIn(reply).trim()}`);
  return new AppError('unavailable', 'The storage cannot do this right now; try again in a moment.', {
    cause,
  });
}

function damaged(cid: string, why: string, cause?: Error): AppError {
  const options = cause === undefined ? {} : { cause };
  return new AppError('blob_damaged', `The stored blob ${cid} is damaged: ${why}.`, options);
}

/** Kubo removes no block that other pinned files have as well. */
function damagedForOthersToo(cid: string): AppError {
  const advice =
    'The operator removes it with "ipfs repo verify --drop" on the storage node; then deploy again';
  return damaged(cid, `a damaged block belongs to other files as well. ${advice}`);
}

function argument(cid: CID): [string, string] {
  return ['arg', cid.toString()];
}

function absent(cid: string): AppError {
  return new AppError('not_found', `No blob is stored under "${cid}"`);
}
