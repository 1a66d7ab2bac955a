import { setImmediate } from 'node:timers/promises';
import type { WritableStorage } from 'ipfs-unixfs-importer';
import { CID } from 'multiformats/cid';

const CHUNK_BYTES = 262_144;

/**
 * Splits the bytes into blocks as Kubo does with `chunker=size-262144`, `cid-version=1` and
 * `raw-leaves=true`, stores the blocks and resolves with the root CID. The importer is loaded on
 * first use, since it takes 10 MB of memory.
 */
export async function importInto(store: WritableStorage, bytes: Uint8Array): Promise<CID> {
  const [{ importByteStream }, { fixedSize }, { balanced }] = await Promise.all([
    import('ipfs-unixfs-importer'),
    import('ipfs-unixfs-importer/chunker'),
    import('ipfs-unixfs-importer/layout'),
  ]);
  const { cid } = await importByteStream(chunks(bytes), store, {
    cidVersion: 1,
    rawLeaves: true,
    reduceSingleLeafToSelf: true,
    chunker: fixedSize({ chunkSize: CHUNK_BYTES }),
    layout: balanced({ maxChildrenPerNode: 174 }),
  });
  return cid;
}

/** Computes the CID of the bytes without storing them. */
export function cidOf(bytes: Uint8Array): Promise<CID> {
  return importInto({ put: (cid) => cid }, bytes);
}

/** Computes the CID of the bytes as text, equal to the result of `put` on every driver. */
export async function cidText(bytes: Uint8Array): Promise<string> {
  return (await cidOf(bytes)).toString();
}

/** Parses a CID. Returns null if the text is not one. */
export function parseCid(text: string): CID | null {
  try {
    return CID.parse(text);
  } catch {
    return null;
  }
}

/**
 * Yields one chunk per turn of the event loop: hashing 32 MB at once would block the main thread
 * for 50 ms or more.
 */
export async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    await setImmediate();
    yield bytes.subarray(at, at + CHUNK_BYTES);
  }
}
