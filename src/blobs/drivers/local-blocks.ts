import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { exporter } from 'ipfs-unixfs-exporter';
import { base32upper } from 'multiformats/bases/base32';
import type { CID } from 'multiformats/cid';
import { sha256 } from 'multiformats/hashes/sha2';
import { AppError } from '../../errors.js';
import { nodeErrorCode } from '../../node-error-code.js';
import { unreadable } from './local-blob.js';

/**
 * Reads a blob from the directory of its blocks. Throws `blob_damaged` if a block is missing or
 * does not match its hash, and `unavailable` if one cannot be read, for example because the process
 * has no file descriptor left: invocations of a damaged module end as failed.
 */
export async function readBlob(dir: string, cid: CID): Promise<Uint8Array> {
  const entry = await exporter(cid, verified(dir, cid));
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

/** Returns the file of a block. The names are those of the blocks that are already stored. */
export function blockFile(dir: string, block: CID): string {
  return join(dir, `${base32upper.encode(block.multihash.bytes)}.data`);
}

/** Returns a reader of blocks that checks each of them. */
function verified(dir: string, blob: CID) {
  return {
    async *get(block: CID): AsyncGenerator<Uint8Array> {
      const bytes = await bytesOf(dir, block);
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
async function bytesOf(dir: string, block: CID): Promise<Uint8Array | null> {
  try {
    return await readFile(blockFile(dir, block));
  } catch (error) {
    if (nodeErrorCode(error) === 'ENOENT') return null;
    throw unreadable(error);
  }
}

function damaged(cid: CID, why: string): AppError {
  return new AppError('blob_damaged', `The stored blob ${cid} is damaged: ${why}.`);
}
