import { setImmediate } from 'node:timers/promises';
import type { WritableStorage } from 'ipfs-unixfs-importer';
import { CID } from 'multiformats/cid';

const CHUNK_BYTES = 262_144;

/**
 * Cuts the bytes as Kubo does with `chunker=size-262144`, `cid-version=1` and `raw-leaves=true`,
 * puts the blocks into the store and returns the root. The importer is loaded by the first that
 * needs it: it takes 10 MB.
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

/** The CID of the bytes, storing nothing. */
export function cidOf(bytes: Uint8Array): Promise<CID> {
  return importInto({ put: (cid) => cid }, bytes);
}

/** The same as text: what `put` of every driver gives. */
export async function cidText(bytes: Uint8Array): Promise<string> {
  return (await cidOf(bytes)).toString();
}

/** null for what is no CID: nothing can be stored under it. */
export function parseCid(text: string): CID | null {
  try {
    return CID.parse(text);
  } catch {
    return null;
  }
}

/**
 * One chunk per turn of the event loop: hashing 32 MB in one go would hold the main thread for 50
 * ms and more.
 */
export async function* chunks(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += CHUNK_BYTES) {
    await setImmediate();
    yield bytes.subarray(at, at + CHUNK_BYTES);
  }
}
