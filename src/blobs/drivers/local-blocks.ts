import { FsBlockstore } from 'blockstore-fs';
import { FlatDirectory } from 'blockstore-fs/sharding';
import { exporter } from 'ipfs-unixfs-exporter';
import type { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';
import { AppError } from '../../errors.js';

/**
 * Reads a blob from the directory of its blocks. Throws `blob_damaged` if a block is missing or does
 * not match its hash.
 */
export async function readBlob(dir: string, cid: CID): Promise<Uint8Array> {
  const entry = await exporter(cid, verified(blockstore(dir), cid));
  if (entry.type !== 'file' && entry.type !== 'raw') {
    throw damaged(cid, `it is no file but a ${entry.type}`);
  }
  const whole = new Uint8Array(Number(entry.size));
  let at = 0;
  // Reading all blocks concurrently, the default, would occupy the threads of the file system, for
  // which other reads and writes wait.
  for await (const chunk of entry.content({ blockReadConcurrency: 1 })) {
    whole.set(chunk, at);
    at += chunk.length;
  }
  return whole;
}

/** Returns the blocks of one blob, which are files of one directory. */
export function blockstore(path: string): FsBlockstore {
  return new FsBlockstore(path, { shardingStrategy: new FlatDirectory() });
}

/** Returns a reader of blocks that checks each of them. */
function verified(store: FsBlockstore, blob: CID) {
  return {
    async *get(block: CID): AsyncGenerator<Uint8Array> {
      const bytes = await bytesOf(store, block);
      if (bytes === null) throw damaged(blob, `block ${block} is missing`);
      const digest = await sha256.digest(bytes);
      if (!Buffer.from(digest.bytes).equals(block.multihash.bytes)) {
        throw damaged(blob, `block ${block} does not match its hash`);
      }
      yield bytes;
    },
  };
}

/** Resolves with null if the block is missing. */
async function bytesOf(store: FsBlockstore, block: CID): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  try {
    for await (const part of store.get(block)) parts.push(part);
  } catch (error) {
    if (error instanceof Error && error.name === 'NotFoundError') return null;
    throw error;
  }
  return Buffer.concat(parts);
}

function damaged(cid: CID, why: string): AppError {
  return new AppError('blob_damaged', `The stored blob ${cid} is damaged: ${why}.`);
}
