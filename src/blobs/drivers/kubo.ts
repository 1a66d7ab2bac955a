import type { CID } from 'multiformats/cid';
import * as z from 'zod';
import { AppError, isAppError } from '../../errors.js';
import { networkReason } from '../../network-reason.js';
import type { Blobs } from '../../ports/blobs.js';
import type { Node } from '../../ports/node.js';
import { redactUrl } from '../../redact-url.js';
import { absentBlob } from '../absent-blob.js';
import { cidOf, cidText, importInto, parseCid } from '../unixfs.js';
import { damageOf } from './kubo-damage.js';
import { isWhole, type KuboReply, KuboRpc, messageIn, refused } from './kubo-rpc.js';

export interface KuboBlobsOptions {
  /**
   * Base URL of Kubo's RPC API, such as http://127.0.0.1:5001. User and password in it are sent
   * with HTTP basic authentication.
   */
  url: string;
}

const idSchema = z.object({ ID: z.string(), Addresses: z.array(z.string()).nullable() });

const ADD_OPTIONS = {
  'cid-version': '1',
  'raw-leaves': 'true',
  chunker: 'size-262144',
  pin: 'true',
  quieter: 'true',
  progress: 'false',
};

/** Opens a blob store on one Kubo node through its RPC API. */
export async function openKuboBlobs({ url }: KuboBlobsOptions): Promise<Blobs> {
  const blobs = new KuboBlobs(new KuboRpc(url));
  try {
    await blobs.ping();
  } catch (cause) {
    await blobs.close();
    const sentence = `IPFS_API_URL names ${redactUrl(url)}, which cannot be used (${reasonOf(cause)}); start the server there or correct the URL.`;
    throw new AppError('bad_config', sentence, { cause });
  }
  return blobs;
}

/**
 * The blobs that one Kubo node has pinned. All reads are offline: a CID that the node has not
 * pinned is reported as absent at once, instead of after a search of the network that can take
 * minutes.
 */
class KuboBlobs implements Blobs {
  readonly driver = 'kubo';
  readonly cidOf = cidText;
  readonly #rpc: KuboRpc;

  constructor(rpc: KuboRpc) {
    this.#rpc = rpc;
  }

  async put(bytes: Uint8Array): Promise<string> {
    const { cid, blocks } = await blocksOf(bytes);
    await this.#add(bytes, cid);
    // Kubo does not write a block that it has, and so does not replace a damaged one.
    if (!(await this.#isDamaged(cid))) return cid;
    await this.delete(cid);
    await this.#rpc.expect('block/rm', [...blocks.map(argument), ['force', 'true']]);
    await this.#add(bytes, cid);
    if (await this.#isDamaged(cid)) throw damagedForOthersToo(cid);
    return cid;
  }

  async get(cid: string): Promise<Uint8Array> {
    if (!(await this.has(cid))) throw absentBlob(cid);
    const reply = await this.#rpc.call('cat', { arg: cid, offline: 'true' });
    if (!isWhole(reply)) throw await this.#readFailure(cid, reply);
    if ((await cidOf(reply.body)).toString() !== parseCid(cid)?.toString()) {
      throw damaged(cid, 'its bytes do not match its hash');
    }
    return reply.body;
  }

  /** Checks for a pin, since Kubo's garbage collector deletes unpinned blocks. */
  async has(cid: string): Promise<boolean> {
    if (parseCid(cid) === null) return false;
    const reply = await this.#rpc.call('pin/ls', { arg: cid, type: 'recursive', offline: 'true' });
    if (reply.status === 200) return true;
    if (isNotPinned(reply)) return false;
    throw refused('pin/ls', reply);
  }

  async delete(cid: string): Promise<void> {
    if (parseCid(cid) === null) return;
    const reply = await this.#rpc.call('pin/rm', { arg: cid });
    if (reply.status !== 200 && !isNotPinned(reply)) throw refused('pin/rm', reply);
  }

  async nodes(): Promise<Node[]> {
    const body = await this.#rpc.expect('id', {});
    const { ID: id, Addresses: addresses } = idSchema.parse(JSON.parse(body.toString()));
    return [{ id, addresses: addresses ?? [] }];
  }

  async ping(): Promise<void> {
    await this.#rpc.expect('version', {});
  }

  close(): Promise<void> {
    return this.#rpc.close();
  }

  async #add(bytes: Uint8Array, expected: string): Promise<void> {
    const body = await this.#rpc.expect('add', ADD_OPTIONS, bytes);
    const { Hash: cid } = JSON.parse(body.toString()) as { Hash: string };
    if (cid !== expected) {
      throw new AppError(
        'internal',
        `The storage gave the blob the CID ${cid}, but its bytes have ${expected}.`,
      );
    }
  }

  async #isDamaged(cid: string): Promise<boolean> {
    try {
      await this.get(cid);
      return false;
    } catch (error) {
      if (isAppError(error, 'blob_damaged')) return true;
      throw error;
    }
  }

  /** Returns the error for a pinned blob that Kubo did not return, or only the beginning of it. */
  async #readFailure(cid: string, reply: KuboReply): Promise<AppError> {
    const damage = await damageOf(this.#rpc, cid);
    if (damage === null) return refused('cat', reply);
    // The blob was deleted and garbage-collected during the read.
    if (!(await this.has(cid))) return absentBlob(cid);
    return damaged(cid, damage, new Error(`Kubo answered: ${messageIn(reply).trim()}`));
  }
}

/** Computes the CID of a blob and those of its blocks. */
async function blocksOf(bytes: Uint8Array): Promise<{ cid: string; blocks: CID[] }> {
  const blocks: CID[] = [];
  const store = {
    put: (cid: CID) => {
      blocks.push(cid);
      return cid;
    },
  };
  const cid = await importInto(store, bytes);
  return { cid: cid.toString(), blocks };
}

function isNotPinned(reply: KuboReply): boolean {
  return /not pinned/.test(messageIn(reply));
}

/** The node's own words for the operator, or what the network did. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && cause.message.startsWith('Kubo ') ? cause.message : networkReason(error);
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
