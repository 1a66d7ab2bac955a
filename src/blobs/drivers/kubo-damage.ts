import * as raw from 'multiformats/codecs/raw';
import { sha256 } from 'multiformats/hashes/sha2';
import * as z from 'zod';
import { parseCid } from '../unixfs.js';
import { isWhole, type KuboRpc, messageIn, refused } from './kubo-rpc.js';

const nodeSchema = z.object({ Links: z.array(z.object({ Hash: z.object({ '/': z.string() }) })) });

/**
 * Finds out why Kubo could not return a blob by reading its blocks one by one: for the blob as a
 * whole, its message is the same whether a block is missing or cannot be read at the moment, for
 * example because the node has no file descriptor left. Resolves with what is wrong with the stored
 * blocks, or null if nothing is. Throws `unavailable` if a block cannot be read.
 */
export async function damageOf(rpc: KuboRpc, cid: string): Promise<string | null> {
  const reply = await rpc.call('block/get', { arg: cid, offline: 'true' });
  if (!isWhole(reply)) {
    const message = messageIn(reply);
    if (/not found/.test(message)) return `block ${cid} is missing`;
    // Said by a node that verifies what it reads (its setting `Datastore.HashOnRead`).
    if (/different hash/.test(message)) return mismatch(cid);
    throw refused('block/get', reply);
  }
  const block = parseCid(cid);
  if (block === null) return `${cid} is no CID`;
  const digest = await sha256.digest(reply.body);
  if (!Buffer.from(digest.bytes).equals(block.multihash.bytes)) return mismatch(cid);
  if (block.code === raw.code) return null;
  const node = nodeSchema.parse(
    JSON.parse((await rpc.expect('dag/get', { arg: cid, offline: 'true' })).toString()),
  );
  for (const { Hash: hash } of node.Links) {
    const damage = await damageOf(rpc, hash['/']);
    if (damage !== null) return damage;
  }
  return null;
}

const mismatch = (cid: string) => `block ${cid} does not match its hash`;
